"""Bring the state store's schema to what this version of Liqwatch expects, or refuse to touch it."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic.autogenerate import compare_metadata
from alembic.command import upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from engine.errors import StoreCorrupt
from storage.errors import corrupt, too_new
from storage.state_engine import Engines
from storage.tables import Base

MIGRATIONS = Path(__file__).parent / "migrations" / "state"
CHECKED_BYTES = 64 << 20
"""Files up to this size are read through for damage when opened; larger ones would delay the start."""


def migrate(engines: Engines) -> None:
    """Create or upgrade the schema; a file that is newer, damaged or not ours is left as it is."""
    config = _config()
    if is_current(engines.path):
        return
    with engines.migrator.begin() as connection:
        config.attributes["connection"] = connection
        upgrade(config, "head")
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise StoreCorrupt(
                f"{engines.path}: rows without their owner in {sorted({b[0] for b in broken})}."
            )


def is_current(path: Path) -> bool:
    """Say whether a state file has the schema of this version; raise like `inspect_file`."""
    script = ScriptDirectory.from_config(_config())
    known = {revision.revision for revision in script.walk_revisions()}
    return inspect_file(path, known) == script.get_current_head()


def _config() -> Config:
    config = Config(attributes={"connection": None})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def inspect_file(path: Path, known: set[str]) -> str | None:
    """Return the revision of a state file, None for a new one; raise where it must not be opened.

    Raises SchemaTooNew, StoreCorrupt, or what SQLite says. The file is opened for reading only, unless a
    process that was killed left a journal beside it: then SQLite must be let to roll that back first.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    mode = "rw" if path.with_name(f"{path.name}-journal").exists() else "ro"
    connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode={mode}", uri=True)
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if path.stat().st_size <= CHECKED_BYTES:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise corrupt(path, verdict.splitlines()[-1])
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise corrupt(path, "an SQLite file with other tables")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    finally:
        connection.close()
    if row is not None and row[0] not in known:
        raise too_new(path, row[0], max(known))
    return None if row is None else str(row[0])


def differences(connection: Connection) -> list[Any]:
    """Return what Alembic finds different between a database and `storage.tables`: nothing, when right."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))
