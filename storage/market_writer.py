"""Write market rows from one thread, in batches; what was accepted waits in memory until the disk takes it.

Back-pressure: what waits is bounded in bytes. When there is no room, `offer` hands back a future that is done
when there is. A batch that the disk refuses stays at the head and is tried again with growing pauses, and at
once whenever somebody asks for a flush; calls that wait meanwhile are answered with the error.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import duckdb
import structlog

from engine.errors import StorageError
from storage.errors import market_fault
from storage.market_db import MarketDatabase
from storage.market_merge import Append, write

T = TypeVar("T")
Work = Callable[[duckdb.DuckDBPyConnection], T]

_BATCH_BYTES = 4 << 20
"""A transaction that is larger than this is spread over several: it is held in memory while it is written."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
_BROKEN = (duckdb.FatalException, duckdb.InternalException)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """Something to do in turn, after all that was accepted before it."""

    work: Work[Any]
    answer: Future[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterHealth:
    """What waits, what was written, what was refused for good, and the fault that stands, or empty."""

    waiting_rows: int
    waiting_bytes: int
    written_rows: int
    refused_rows: int
    retries: int
    fault: str


class MarketWriter:
    """The one thread that writes to a market file. Its public methods are safe in any thread."""

    def __init__(
        self, database: MarketDatabase, *, batch_rows: int, batch_s: float, max_waiting_bytes: int
    ) -> None:
        self._database = database
        self._batch_rows, self._batch_s = batch_rows, batch_s
        self._max_bytes = max_waiting_bytes
        self._queue: deque[Append | _Call] = deque()
        self._changed = threading.Condition()
        self._room: list[Future[None]] = []
        self._bytes = self._rows = self._written = self._refused = self._retries = 0
        self._pause_s = 0.0
        self._stopping = False
        self.fault: StorageError | None = None
        self._log = structlog.get_logger("storage.market")
        self._thread = threading.Thread(target=self._run, name="market-write", daemon=True)
        self._thread.start()

    def offer(self, appends: Sequence[Append]) -> Future[None] | None:
        """Accept all of the rows, or none: then return a future that is done when there may be room.

        Raises StorageError when stopped, and the standing fault when there is no room because of it.
        """
        size = sum(append.rows.nbytes for append in appends)
        with self._changed:
            self._refuse_when_stopped()
            if self._bytes and self._bytes + size > self._max_bytes:
                if self.fault is not None:
                    raise self.fault
                self._room.append(Future())
                self._changed.notify_all()
                return self._room[-1]
            self._queue.extend(appends)
            self._bytes += size
            self._rows += sum(len(append.rows) for append in appends)
            self._changed.notify_all()
        return None

    def call(self, work: Work[T]) -> Future[T]:
        """Do `work(cursor)` after all that was accepted so far is on disk."""
        answer: Future[T] = Future()
        with self._changed:
            self._refuse_when_stopped()
            self._queue.append(_Call(work=work, answer=answer))
            self._changed.notify_all()
        return answer

    def _refuse_when_stopped(self) -> None:
        if self._stopping:
            raise StorageError("The market store is closed.")

    def stop(self) -> int:
        """Write what waits, end the thread, and return how many rows the disk refused to the last."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        return self._rows

    def health(self) -> WriterHealth:
        """Return how the writer fares."""
        with self._changed:
            return WriterHealth(
                waiting_rows=self._rows,
                waiting_bytes=self._bytes,
                written_rows=self._written,
                refused_rows=self._refused,
                retries=self._retries,
                fault=str(self.fault or ""),
            )

    def _run(self) -> None:
        """Go round until stopped and empty, or stopped and refused; leave nobody waiting whatever happens."""
        try:
            while self._wait():
                batch = self._head()
                if not batch or self._store(batch):
                    self._answer_next()
                elif self._stopping:
                    break
        finally:
            self._stopping = True
            self._release_room()
            self._fail_calls(StorageError("The market store is closed."))

    def _wait(self) -> bool:
        """Wait for a batch's worth, its time, or a call; say whether to go on."""
        with self._changed:
            if self.fault is not None:
                self._changed.wait_for(self._pressed, timeout=self._pause_s)
            else:
                self._changed.wait_for(lambda: self._queue or self._stopping)
                self._changed.wait_for(
                    lambda: self._rows >= self._batch_rows or self._pressed(), timeout=self._batch_s
                )
            return bool(self._queue) or not self._stopping

    def _pressed(self) -> bool:
        """Say whether somebody waits for the writer."""
        return self._stopping or bool(self._room) or any(isinstance(item, _Call) for item in self._queue)

    def _head(self) -> list[Append]:
        """Return the appends before the next call, some MB at most; they stay queued until written."""
        head: list[Append] = []
        with self._changed:
            size = 0
            for item in self._queue:
                if isinstance(item, _Call) or size > _BATCH_BYTES:
                    break
                head.append(item)
                size += item.rows.nbytes
        return head

    def _store(self, batch: list[Append]) -> bool:
        """Write a batch and take it from the queue; say whether the disk took it."""
        try:
            self._write(batch)
        except StorageError as error:
            self._stand(error)
            return False
        except duckdb.Error as error:
            self._log.error("market_rows_refused", error=str(error)[:200])
            return self._store_singly(batch)
        self._took(batch, written=True)
        return True

    def _store_singly(self, batch: list[Append]) -> bool:
        """Write the appends of a batch with a wrong row one by one, and drop those that are wrong."""
        for append in batch:
            try:
                self._write([append])
            except StorageError as error:
                self._stand(error)
                return False
            except duckdb.Error:
                self._took([append], written=False)
            else:
                self._took([append], written=True)
        return True

    def _write(self, batch: list[Append]) -> None:
        """Write; raise StorageError where the store is at fault and DuckDB's own error where the rows are."""
        self._guarded(lambda cursor: write(cursor, batch))

    def _guarded(self, work: Work[T]) -> T:
        """Do work on a cursor; a file that a failed checkpoint has broken is opened anew for the next try."""
        if not self._database.is_open:
            self._database.reopen()
        try:
            with self._database.cursor() as cursor:
                return work(cursor)
        except duckdb.Error as error:
            fault = market_fault(error, self._database.path)
            if isinstance(error, _BROKEN):
                self._database.reopen()
            if fault is None:
                raise
            raise fault from error

    def _took(self, batch: list[Append], *, written: bool) -> None:
        rows = sum(len(append.rows) for append in batch)
        with self._changed:
            for _ in batch:
                self._queue.popleft()
            self._rows -= rows
            self._bytes -= sum(append.rows.nbytes for append in batch)
            if written:
                self._written += rows
            else:
                self._refused += rows
            if self.fault is not None:
                self._log.info("market_store_writes_again")
            self.fault, self._pause_s = None, 0.0
        self._release_room()

    def _stand(self, error: StorageError) -> None:
        """Let a fault stand: tell everybody who waits, and pause longer each time."""
        with self._changed:
            if self.fault is None:
                self._log.error("market_store_refuses", error=str(error), waiting_rows=self._rows)
            self.fault = error
            self._retries += 1
            self._pause_s = min(max(self._pause_s * 2, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
        self._release_room()
        self._fail_calls(error)

    def _release_room(self) -> None:
        """Let those who wait for room ask again."""
        with self._changed:
            waiting, self._room = self._room, []
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def _fail_calls(self, error: StorageError) -> None:
        with self._changed:
            calls = [item for item in self._queue if isinstance(item, _Call)]
            self._queue = deque(item for item in self._queue if isinstance(item, Append))
        for call in calls:
            if call.answer.set_running_or_notify_cancel():
                call.answer.set_exception(error)

    def _answer_next(self) -> None:
        """Do the call at the head of the queue, if there is one."""
        with self._changed:
            if not self._queue or not isinstance(self._queue[0], _Call):
                return
            call = cast("_Call", self._queue.popleft())
        if not call.answer.set_running_or_notify_cancel():
            return
        try:
            result = self._guarded(call.work)
        except (StorageError, duckdb.Error) as error:
            call.answer.set_exception(error)
        else:
            call.answer.set_result(result)
        finally:
            if not call.answer.done():  # the work itself is at fault: it ends the thread, but nobody waits
                call.answer.set_exception(StorageError("The market store failed."))
