"""Keep what users own in SQL, off the event loop: one thread writes, a few read.

What `run` has returned is on disk. At most `queue` calls wait for the writer, and as many for the readers;
further callers wait their turn, and every call ends within `timeout_s`, with its changes rolled back.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy.orm import Session

from engine.errors import StorageError
from storage.state_db import StateDatabase
from storage.ticket import Ticket

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateHealth:
    """How the state store fares: transactions done, waiting and failed, and the last failure's text."""

    path: Path
    written: int
    waiting: int
    failed: int
    fault: str


class StateStore:
    """The state store for asyncio code; made by `open`, ended by `close`."""

    def __init__(self, database: StateDatabase, *, timeout_s: float, readers: int, queue: int) -> None:
        self._database = database
        self._timeout_s = timeout_s
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="state-write")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="state-read")
        self._write_slots = asyncio.Semaphore(queue)
        self._read_slots = asyncio.Semaphore(queue)
        self._closed = False
        self._written = self._waiting = self._failed = 0
        self._fault = ""

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        busy_timeout_s: float = 5.0,
        timeout_s: float = 30.0,
        readers: int = 4,
        queue: int = 256,
    ) -> Self:
        """Open `sqlite:///path/state.db`, creating the directory and bringing the schema up to date.

        Raises StoreLocked, StoreCorrupt, StoreFull, SchemaTooNew or StorageError.
        """
        database = await asyncio.to_thread(
            StateDatabase.open, url, busy_timeout_s=busy_timeout_s, readers=readers
        )
        return cls(database, timeout_s=timeout_s, readers=readers, queue=queue)

    @property
    def path(self) -> Path:
        """Return the store's file."""
        return self._database.path

    async def run(self, fn: Callable[[Session], T]) -> T:
        """Run `fn(session)` in one transaction, alone; what it changed is on disk when this returns.

        If it raises, nothing is changed. Objects it returns stay readable. Raises StorageError and its kind
        for trouble with the store, and lets everything that `fn` raises through.
        """
        result = await self._submit(self._writer, self._write_slots, self._database.write, fn)
        self._written += 1
        self._fault = ""
        return result

    async def read(self, fn: Callable[[Session], T]) -> T:
        """Run `fn(session)` on one unchanging view of the store, beside the writer; it cannot write."""
        return await self._submit(self._readers, self._read_slots, self._database.read, fn)

    async def _submit(
        self,
        pool: ThreadPoolExecutor,
        slots: asyncio.Semaphore,
        work: Callable[[Callable[[Session], T], Ticket], T],
        fn: Callable[[Session], T],
    ) -> T:
        if self._closed:
            raise StorageError("The state store is closed.")
        ticket = Ticket()
        context = contextvars.copy_context()  # whose language is spoken
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s), slots:
                return await asyncio.wrap_future(pool.submit(context.run, work, fn, ticket))
        except TimeoutError as error:
            raise self._failure(StorageError("The state store did not answer in time.")) from error
        except StorageError as error:
            raise self._failure(error) from error.__cause__
        finally:
            self._waiting -= 1
            ticket.abandon()

    def _failure(self, error: StorageError) -> StorageError:
        self._failed += 1
        self._fault = str(error)
        return error

    async def checkpoint(self) -> None:
        """Make sure that rows deleted so far are gone from the files."""
        await asyncio.wrap_future(self._writer.submit(self._database.checkpoint))

    def health(self) -> StateHealth:
        """Return how the store fares."""
        return StateHealth(
            path=self.path,
            written=self._written,
            waiting=self._waiting,
            failed=self._failed,
            fault=self._fault,
        )

    async def close(self) -> None:
        """Finish what was accepted, then close; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._database.close()
