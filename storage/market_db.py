"""Hold the one DuckDB instance of the market store, and reopen it when a failed checkpoint has broken it.

DuckDB takes one process a file; connections must not be shared by threads, so the writer and every read get
a cursor of their own.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa

from engine.errors import StorageError, StoreLocked
from storage.errors import market_fault
from storage.market_schema import MIGRATIONS, load_migrations, prepare, upgrade

_RETRY_S = 0.1
_REOPEN_WAIT_S = 10.0


class MarketDatabase:
    """One open market file. `cursor` may be used from any thread, `reopen` from the writer's alone."""

    def __init__(
        self, path: Path, *, lock_wait_s: float = 2.0, memory_mb: int = 128, threads: int = 2
    ) -> None:
        self.path = path
        self._lock_wait_s = lock_wait_s
        self._config = {
            "memory_limit": f"{memory_mb}MB",
            "threads": str(threads),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._gate = threading.Condition()
        self._users = 0

    @classmethod
    def open(cls, path: Path, *, lock_wait_s: float = 2.0, memory_mb: int = 128) -> Self:
        """Create the file where missing, bring its schema up to date, and open it.

        Raises StoreLocked after `lock_wait_s`, StoreCorrupt, StoreFull, SchemaTooNew or StorageError.
        """
        # Arrow's own allocator keeps what bulk loads needed: some 90 MB after a month of two heatmaps.
        pa.set_memory_pool(pa.system_memory_pool())
        database = cls(path, lock_wait_s=lock_wait_s, memory_mb=memory_mb)
        database._connect_patiently()
        return database

    def _connect_patiently(self) -> None:
        deadline = time.monotonic() + self._lock_wait_s
        while True:
            try:
                self._connection = self._connect()
            except StoreLocked:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_RETRY_S)
            else:
                return

    def _connect(self) -> duckdb.DuckDBPyConnection:
        steps = load_migrations(MIGRATIONS)
        try:
            prepare(self.path, steps, self._config)
            connection = duckdb.connect(str(self.path), config=dict(self._config))
            try:
                upgrade(connection, self.path, steps)
            except duckdb.Error:
                connection.close()
                raise
        except duckdb.Error as error:
            raise market_fault(error, self.path) or StorageError(f"{self.path}: {error}") from error
        except OSError as error:
            raise StorageError(f"{self.path} cannot be opened: {error.strerror}.") from error
        return connection

    @property
    def is_open(self) -> bool:
        """Say whether cursors can be lent."""
        return self._connection is not None

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a cursor of one's own; waits while the file is being reopened."""
        with self._gate:
            if self._connection is None:
                raise StorageError(f"{self.path} is closed.")
            cursor = self._connection.cursor()
            self._users += 1
        try:
            with closing(cursor):
                yield cursor
        finally:
            with self._gate:
                self._users -= 1
                self._gate.notify_all()

    def reopen(self) -> None:
        """Close the file once nobody reads from it, and open it again.

        Raises what `open` raises; the store stays closed then, and `reopen` may be tried again.
        """
        with self._gate:
            self._shut(wait_s=_REOPEN_WAIT_S)
            self._connection = self._connect()

    def close(self) -> None:
        """Close the file once nobody reads from it any more."""
        with self._gate:
            self._shut(wait_s=_REOPEN_WAIT_S)

    def _shut(self, *, wait_s: float) -> None:
        """Close the instance; one that is still lent out would be handed out again by the next connect."""
        if self._connection is None:
            return
        held, self._connection = self._connection, None
        self._gate.wait_for(lambda: self._users == 0, timeout=wait_s)
        held.close()
