"""Copy both stores while they are in use, and say of a copy whether it is whole.

Each copy is one unchanging view of its store. A backup is a folder with both and a list of what they are,
which is written last: a folder without it is none.
"""

import hashlib
import json
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from engine.errors import DataError, SchemaTooNew, StorageError, StoreCorrupt
from storage.market_schema import MIGRATIONS, load_migrations, version_of

STATE: Final = "state.db"
MARKET: Final = "market.duckdb"
MANIFEST: Final = "backup.json"
VERSION: Final = 1
_STEP_PAGES: Final = 2_000
"""How much of the state store is copied at a time: writers get their turn in between."""
_READ: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """One store of a backup: its file's name, size and SHA-256."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds: when it was taken (ms UTC), of which source ("live" or "replay"), both stores."""

    taken_ms: int
    source: str
    stores: tuple[Copied, ...]
    version: int = VERSION


def copy_state(source: Path, target: Path) -> None:
    """Copy a SQLite store that others may be using; StorageError where it cannot be, or is not sound."""
    _private(target)
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as held,
            closing(sqlite3.connect(target)) as copy,
        ):
            held.backup(copy, pages=_STEP_PAGES, sleep=0.01)
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StorageError(f"{source} could not be copied to {target}: {error}.") from error
    check_state(target)


def copy_market(cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Copy the DuckDB store that a cursor is of into a new file, which its other users do not notice."""
    row = cursor.execute("SELECT current_database()").fetchone()
    name = _quoted(str(row[0]) if row else "")
    where = str(target).replace("'", "''")
    cursor.execute(f"ATTACH '{where}' AS liqwatch_copy")
    try:
        cursor.execute(f"COPY FROM DATABASE {name} TO liqwatch_copy")
    finally:
        with suppress(duckdb.Error):
            cursor.execute("DETACH liqwatch_copy")
    target.chmod(0o600)


def describe(folder: Path, *, taken_ms: int, source: str) -> Backup:
    """Write down what a folder of copies holds, on disk when this returns, and return it."""
    stores = tuple(_copied(folder / name) for name in (STATE, MARKET))
    backup = Backup(taken_ms=taken_ms, source=source, stores=stores)
    with (folder / MANIFEST).open("x", encoding="utf-8") as file:
        json.dump(asdict(backup), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    return backup


def inspect(folder: Path) -> Backup:
    """Return what a backup holds, after looking at every byte of it.

    Raises DataError where it is no backup or not whole, StoreCorrupt or SchemaTooNew where a store in it is.
    """
    backup = _manifest(folder)
    for store in backup.stores:
        path = folder / store.name
        if not path.is_file():
            raise DataError(f"{folder} is not whole: {store.name} is missing.")
        if _copied(path) != store:
            raise DataError(f"{path} is not what was backed up: its content has changed.")
    check_state(folder / STATE)
    check_market(folder / MARKET)
    return backup


def check_state(path: Path) -> None:
    """Raise StoreCorrupt where a SQLite file is not sound."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as held:
            found = held.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise StoreCorrupt(f"{path} is not a sound store: {error}.") from error
    if found != ("ok",):
        raise StoreCorrupt(f"{path} is not a sound store: {found[0] if found else 'empty'}.")


def check_market(path: Path) -> None:
    """Raise StoreCorrupt where a DuckDB file is none of Liqwatch's, SchemaTooNew where it is too new."""
    known = len(load_migrations(MIGRATIONS))
    try:
        with closing(duckdb.connect(str(path), read_only=True)) as held:
            version = version_of(held, path)
    except duckdb.Error as error:
        raise StoreCorrupt(f"{path} is not a sound store: {error}") from error
    if version > known:
        raise SchemaTooNew(f"{path} is of a newer Liqwatch (schema {version}; this one knows {known}).")


def _manifest(folder: Path) -> Backup:
    """Return the list of a backup; DataError where there is none that can be read."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        stores = tuple(Copied(**store) for store in content.pop("stores"))
        backup = Backup(**content, stores=stores)
    except FileNotFoundError:
        raise DataError(f"{folder} is no backup: there is no {MANIFEST} in it.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{folder / MANIFEST} cannot be read: {error}") from error
    if backup.version != VERSION or {store.name for store in stores} != {STATE, MARKET}:
        raise DataError(f"{folder} is a backup of another form than this Liqwatch knows.")
    return backup


def _copied(path: Path) -> Copied:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ):
            digest.update(block)
    return Copied(name=path.name, size_bytes=path.stat().st_size, sha256=digest.hexdigest())


def _private(path: Path) -> None:
    """Make a file that its owner alone can read."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
