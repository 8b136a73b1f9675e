"""Turn what the database libraries raise into the errors of `engine.errors`, with what to do about it."""

import sqlite3
from pathlib import Path

import duckdb
from sqlalchemy.exc import DBAPIError

from engine.errors import SchemaTooNew, StorageError, StoreCorrupt, StoreFull, StoreLocked
from storage.locks import Holder, find_holder, holder_in

_SQLITE_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_SQLITE_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SQLITE_REFUSED = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_SHMSIZE,
}
_DUCKDB_CALLERS = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError, duckdb.NotSupportedError)
_DUCKDB_FULL = ("no space left", "could not write", "file too large", "disk quota", "could not truncate")
_DUCKDB_NEWER = ("database file with version number", "newer version of duckdb")
_DUCKDB_CORRUPT = (
    "not a valid duckdb database",
    "corrupt",
    "checksum",
    "could not read enough bytes",
    "failure while replaying wal",
    "deserializ",
    "wal file",
)


def locked(path: Path, holder: Holder | None) -> StoreLocked:
    """Say that another process holds `path`, and which one."""
    who = str(holder) if holder else "another process"
    return StoreLocked(f"{path} is in use by {who}. Stop it, or choose another data directory.")


def corrupt(path: Path, detail: str) -> StoreCorrupt:
    """Say that `path` cannot be read as a store."""
    return StoreCorrupt(
        f"{path} is damaged or is not a Liqwatch store ({detail}). Nothing was changed in it."
    )


def full(path: Path, detail: str) -> StoreFull:
    """Say that the disk refused a write."""
    return StoreFull(f"The disk refused a write to {path} ({detail}). Free some space on it.")


def too_new(path: object, found: object, known: object) -> SchemaTooNew:
    """Say that `path` was written by a newer Liqwatch."""
    return SchemaTooNew(
        f"{path} was written by a newer Liqwatch (schema {found}, this one knows {known}). "
        "Update Liqwatch; nothing was changed in the file."
    )


def state_fault(error: Exception, path: Path) -> StorageError | None:
    """Return what an error of SQLite means, or None where it is the caller's own (a constraint, bad SQL)."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return None
    code = getattr(cause, "sqlite_errorcode", 0)
    if code & 0xFF in _SQLITE_LOCKED:
        return locked(path, find_holder(*_with_siblings(path)))
    if code & 0xFF in _SQLITE_CORRUPT:
        return corrupt(path, str(cause))
    if code in _SQLITE_REFUSED:
        return full(path, str(cause))
    if isinstance(cause, sqlite3.OperationalError) and code & 0xFF != sqlite3.SQLITE_ERROR:
        return StorageError(f"{path} cannot be used: {cause}.")
    return None


def _with_siblings(path: Path) -> tuple[Path, ...]:
    return (path, path.with_name(path.name + "-shm"), path.with_name(path.name + "-wal"))


def market_fault(error: Exception, path: Path) -> StorageError | None:
    """Return what an error of DuckDB means, or None where the statement or its values were wrong."""
    if isinstance(error, _DUCKDB_CALLERS) or not isinstance(error, duckdb.Error):
        return None
    text = str(error)
    lower = text.lower()
    if "could not set lock" in lower:
        return locked(path, holder_in(text) or find_holder(path))
    detail = text.splitlines()[0][:200] if text else "no detail"
    if any(sign in lower for sign in _DUCKDB_NEWER):
        return too_new(path, "of a newer DuckDB", duckdb.__version__)
    if any(sign in lower for sign in _DUCKDB_FULL):
        return full(path, detail)
    if any(sign in lower for sign in _DUCKDB_CORRUPT):
        return corrupt(path, detail)
    return StorageError(f"{path} cannot be used: {detail}.")
