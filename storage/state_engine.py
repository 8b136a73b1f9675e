"""Open SQL engines for the state store: one connection that writes, a few that only read."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool, QueuePool

from engine.errors import StorageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """The engines of one store. `path` is its file; `migrator` has foreign keys off (batch mode needs it)."""

    path: Path
    writer: Engine
    reader: Engine
    migrator: Engine

    def dispose(self) -> None:
        """Close every connection."""
        for engine in (self.reader, self.writer, self.migrator):
            engine.dispose()


def open_engines(url: str, *, busy_timeout_s: float, readers: int) -> Engines:
    """Return engines for a state URL; nothing is opened yet.

    A further database is one more entry here: a function from its URL to `Engines`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StorageError(f"The state URL is not readable: {error}.") from error
    backends: dict[str, Callable[[URL, float, int], Engines]] = {"sqlite": _sqlite}
    opener = backends.get(parsed.get_backend_name())
    if opener is None:
        name = parsed.get_backend_name()
        raise StorageError(f"State cannot be kept in {name}. Use sqlite:///path/to/state.db.")
    return opener(parsed, busy_timeout_s, readers)


def _sqlite(url: URL, busy_timeout_s: float, readers: int) -> Engines:
    if not url.database or url.database == ":memory:":
        raise StorageError("State must be kept in a file, for example sqlite:///data/state.db.")

    timeout = {"timeout": busy_timeout_s}
    durable = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON")
    writer = create_engine(url, connect_args=timeout, poolclass=QueuePool, pool_size=1, max_overflow=0)
    _prepare(writer, "BEGIN IMMEDIATE", ("PRAGMA foreign_keys=ON", *durable))
    reader = create_engine(url, connect_args=timeout, poolclass=QueuePool, pool_size=readers, max_overflow=0)
    _prepare(reader, "BEGIN", ("PRAGMA query_only=ON",))
    migrator = create_engine(url, connect_args=timeout, poolclass=NullPool)
    _prepare(migrator, "BEGIN IMMEDIATE", ("PRAGMA foreign_keys=OFF", *durable))
    return Engines(path=Path(url.database), writer=writer, reader=reader, migrator=migrator)


def _prepare(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    """Make SQLAlchemy, not the driver, open transactions, so that DDL and BEGIN IMMEDIATE are ours."""

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
