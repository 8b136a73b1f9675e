"""Bring the market store's schema to what this version of Liqwatch expects, or refuse to touch it.

Migrations are the numbered files of `migrations/market`; each runs once, in one transaction with its row in
`schema_version`. A new store is built beside its place and linked there when whole, so that a kill while it
is made leaves nothing half made.
"""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from engine.errors import StoreCorrupt
from storage.errors import corrupt, too_new

MIGRATIONS = Path(__file__).parent / "migrations" / "market"
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step of the schema."""

    version: int
    name: str
    sql: str


def load_migrations(directory: Path) -> tuple[Migration, ...]:
    """Return the numbered SQL files of a directory in order; raise ValueError when a number is missing."""
    found = [
        Migration(version=int(path.stem[:4]), name=path.stem[5:], sql=path.read_text(encoding="utf-8"))
        for path in sorted(directory.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    ]
    if [step.version for step in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"Migrations in {directory} are not numbered 1, 2, 3, ...")
    return tuple(found)


def prepare(path: Path, steps: tuple[Migration, ...], config: Mapping[str, str]) -> None:
    """Make sure that `path` is a store of this version or older: create it, or look at it without writing.

    Raises SchemaTooNew, StoreCorrupt, or what DuckDB says.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists() or path.stat().st_size == 0:
        _create(path, steps, config)
        return
    with closing(duckdb.connect(str(path), read_only=True, config=dict(config))) as connection:
        found = version_of(connection, path)
    if found > len(steps):
        raise too_new(path, found, len(steps))


def version_of(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Return the schema's version, 0 for an empty store; raise StoreCorrupt for somebody else's file."""
    tables = {row[0] for row in connection.execute(_TABLES).fetchall()}
    if not tables:
        return 0
    if "schema_version" not in tables:
        raise corrupt(path, "a DuckDB file with other tables")
    row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def upgrade(connection: duckdb.DuckDBPyConnection, path: Path, steps: tuple[Migration, ...]) -> int:
    """Apply the steps that are missing, and return how many that were."""
    missing = steps[version_of(connection, path) :]
    for step in missing:
        connection.execute("BEGIN")
        try:
            if step.version == 1:
                connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL, name VARCHAR)")
            connection.execute(step.sql)
            connection.execute("INSERT INTO schema_version VALUES (?, ?)", [step.version, step.name])
            connection.execute("COMMIT")
        except duckdb.Error:
            connection.execute("ROLLBACK")
            raise
    return len(missing)


def _create(path: Path, steps: tuple[Migration, ...], config: Mapping[str, str]) -> None:
    log = path.with_name(path.name + ".wal")
    if log.exists():
        raise StoreCorrupt(
            f"{path} is missing, but its log {log.name} is there. Put it back, or move the log."
        )
    for left in path.parent.glob(f"{path.name}.*.new*"):
        left.unlink(missing_ok=True)
    made = path.with_name(f"{path.name}.{os.getpid()}.new")
    with closing(duckdb.connect(str(made), config=dict(config))) as connection:
        upgrade(connection, made, steps)
    made.chmod(0o600)
    _place(made, path)


def _place(made: Path, path: Path) -> None:
    """Put a finished file in its place unless another process was faster."""
    if path.exists() and path.stat().st_size == 0:
        path.unlink()
    try:
        path.hardlink_to(made)
        made.unlink()
    except FileExistsError:
        made.unlink()
    except OSError:  # a file system without hard links
        made.rename(path)
