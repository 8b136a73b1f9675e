"""Run functions on the state store from plain threads: one transaction each, everything or nothing.

This is the synchronous half of `storage.state`; benches and tools that have no event loop use it alone.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, Self, TypeVar, cast

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from engine.errors import StorageError
from storage.errors import state_fault
from storage.state_engine import Engines, open_engines
from storage.state_schema import is_current, migrate
from storage.ticket import Ticket

T = TypeVar("T")


class StateDatabase:
    """The state store without an event loop. `write` may be used by one thread at a time."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self.path = engines.path

    @classmethod
    def open(cls, url: str, *, busy_timeout_s: float = 5.0, readers: int = 4) -> Self:
        """Create the directory and the file where missing, bring the schema up to date, and open it.

        Raises StoreLocked, StoreCorrupt, StoreFull, SchemaTooNew or StorageError.
        """
        engines = open_engines(url, busy_timeout_s=busy_timeout_s, readers=readers)
        try:
            engines.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(engines.path, os.O_CREAT | os.O_RDWR, 0o600))
            migrate(engines)
        except OSError as error:
            raise StorageError(f"{engines.path} cannot be opened: {error.strerror}.") from error
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise state_fault(error, engines.path) or error from error
        return cls(engines)

    @classmethod
    def existing(cls, url: str, *, busy_timeout_s: float = 5.0) -> Self:
        """Open a store that is there to read it, beside whoever writes; its schema is left as it is.

        Raises StoreCorrupt, SchemaTooNew, or StorageError where it is not there or of an earlier version.
        """
        engines = open_engines(url, busy_timeout_s=busy_timeout_s, readers=1)
        try:
            if not is_current(engines.path):
                told = "is of an earlier version: start Liqwatch once, which brings it up to date."
                raise StorageError(
                    f"{engines.path} {told}" if engines.path.exists() else f"{engines.path} is not there."
                )
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise state_fault(error, engines.path) or error from error
        return cls(engines)

    def write(self, fn: Callable[[Session], T], ticket: Ticket | None = None) -> T:
        """Run `fn` in one transaction; when this returns, its changes are on disk."""
        return self._transact(self._engines.writer, fn, ticket or Ticket())

    def read(self, fn: Callable[[Session], T], ticket: Ticket | None = None) -> T:
        """Run `fn` on one unchanging view of the store; it cannot write."""
        return self._transact(self._engines.reader, fn, ticket or Ticket())

    def _transact(self, engine: Engine, fn: Callable[[Session], T], ticket: Ticket) -> T:
        try:
            ticket.check()
            with Session(engine, expire_on_commit=False) as session, session.begin():
                raw = session.connection().connection.driver_connection
                with ticket.working(raw.interrupt if isinstance(raw, sqlite3.Connection) else None):
                    result = fn(session)
                    session.flush()
            return result
        except DBAPIError as error:
            ticket.check()
            fault = state_fault(error, self.path)
            if fault is None:
                raise
            raise fault from error

    def checkpoint(self) -> None:
        """Move the log into the file and empty it, so that deleted rows are gone from both."""
        with closing(self._engines.writer.raw_connection()) as pooled:
            cursor = cast("Any", pooled).cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

    def close(self) -> None:
        """Close every connection."""
        self._engines.dispose()
