"""Keep market history in DuckDB, off the event loop: one thread writes in batches, a few read.

What `add_…` has accepted is written within 250 ms or with the next 100 rows. `flush` returns when all of it
is on disk, and raises StoreFull when the disk refuses it (it waits in memory then and is tried again). When
too much waits, `add_…` waits for room, and raises after a while, at once where a fault stands: what is
refused there can be fetched from its source again. Reads see what is on disk.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import duckdb

from engine.errors import StorageError, StoreFull
from engine.model import STEP_MS, Candles, Gap, Ints, PositionEvents, ZoneEvent
from storage import market_reads as reads
from storage.errors import market_fault
from storage.market_db import MarketDatabase
from storage.market_merge import Append, transaction, write_whole
from storage.market_tables import (
    ALERT_HISTORY,
    ENGINE_STATE,
    GAPS,
    POSITION_EVENTS,
    SNAPSHOTS,
    TABLES,
    ZONE_EVENTS,
    AlertRecord,
    Shelfmark,
    alert_rows,
    candle_rows,
    gap_rows,
    position_rows,
    snapshot_rows,
    state_rows,
    zone_event_rows,
)
from storage.market_writer import MarketWriter, WriterHealth
from storage.ticket import Ticket

T = TypeVar("T")
Cursor = duckdb.DuckDBPyConnection

_EVER = 1 << 62
_INLINE_ROWS = 2_000
"""More rows than this are turned into Arrow in a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the store may use and how long it may take."""

    lock_wait_s: float = 2.0
    memory_mb: int = 128
    readers: int = 4
    timeout_s: float = 30.0
    put_timeout_s: float = 5.0
    batch_rows: int = 100
    batch_s: float = 0.25
    waiting_bytes: int = 16 << 20


class MarketStore:
    """The market store for asyncio code; made by `open`, ended by `close`."""

    def __init__(self, database: MarketDatabase, limits: Limits) -> None:
        self._database, self._limits = database, limits
        self._writer = MarketWriter(
            database,
            batch_rows=limits.batch_rows,
            batch_s=limits.batch_s,
            max_waiting_bytes=limits.waiting_bytes,
        )
        self._readers = ThreadPoolExecutor(limits.readers, thread_name_prefix="market-read")
        self._read_slots = asyncio.Semaphore(256)
        self._closed = False

    @classmethod
    async def open(cls, path: Path | str, limits: Limits | None = None) -> Self:
        """Open `market.duckdb`, creating directory and file and bringing the schema up to date.

        Raises StoreLocked (naming the holder, after `lock_wait_s`), StoreCorrupt, StoreFull, SchemaTooNew or
        StorageError; the file is untouched then.
        """
        limits = limits or Limits()
        database = await asyncio.to_thread(
            MarketDatabase.open, Path(path), lock_wait_s=limits.lock_wait_s, memory_mb=limits.memory_mb
        )
        return cls(database, limits)

    @property
    def path(self) -> Path:
        """Return the store's file."""
        return self._database.path

    def health(self) -> WriterHealth:
        """Return what waits, what was written, and the fault that stands, if any."""
        return self._writer.health()

    # Writing.

    async def add_candles(self, symbol: str, venue: str, candles: Candles, *, step_ms: int = STEP_MS) -> None:
        """Accept closed bars, with their open interest where known; a bar given again replaces the first."""
        if len(candles) > _INLINE_ROWS:
            rows = await asyncio.to_thread(candle_rows, venue, symbol, step_ms, candles)
        else:
            rows = candle_rows(venue, symbol, step_ms, candles)
        await self.accept([Append(table=table, rows=part) for table, part in rows])

    async def add_columns(
        self, mark: Shelfmark, ts: Ints | Sequence[int], blobs: Sequence[bytes], *, since_ts: int = 0
    ) -> None:
        """Accept heatmap columns, one blob a bar, made from the candles since `since_ts`."""
        rows = await asyncio.to_thread(snapshot_rows, mark, ts, blobs, since_ts)
        await self.accept([Append(table=SNAPSHOTS, rows=rows)])

    async def add_position_events(self, mark: Shelfmark, events: PositionEvents) -> None:
        """Accept what candles moved."""
        rows = await asyncio.to_thread(position_rows, mark, events)
        await self.accept([Append(table=POSITION_EVENTS, rows=rows)])

    async def add_zone_events(self, events: Sequence[ZoneEvent]) -> None:
        """Accept what happened to zones."""
        await self.accept([Append(table=ZONE_EVENTS, rows=zone_event_rows(events))])

    async def add_alert_history(self, records: Sequence[AlertRecord]) -> None:
        """Accept alerts for analytics; the later word on an alert replaces the earlier."""
        await self.accept([Append(table=ALERT_HISTORY, rows=alert_rows(records))])

    async def add_gaps(self, gaps: Sequence[Gap]) -> None:
        """Accept stretches without bars."""
        await self.accept([Append(table=GAPS, rows=gap_rows(gaps))])

    async def save_engine_state(
        self, venue: str, symbol: str, preset: str, ts: int, heatmap: bytes, zones: bytes
    ) -> None:
        """Accept the engine's state at a bar; the newest few of each symbol are kept."""
        rows = state_rows((venue, symbol, preset), ts, heatmap, zones)
        await self.accept([Append(table=ENGINE_STATE, rows=rows)])

    async def accept(self, appends: list[Append]) -> None:
        """Accept rows for tables; raise StoreFull where they cannot wait any longer."""
        if not any(len(append.rows) for append in appends):
            return
        deadline = time.monotonic() + self._limits.put_timeout_s
        while (room := self._writer.offer(appends)) is not None:
            try:
                await asyncio.wait_for(asyncio.wrap_future(room), deadline - time.monotonic())
            except TimeoutError as error:
                raise StoreFull(f"{self.path} cannot keep up: too much waits to be written.") from error

    async def write_whole(self, parts: Sequence[Append]) -> None:
        """Write parts in one transaction and return when they are on disk; raise with none of them kept."""
        await self.call(lambda cursor: write_whole(cursor, parts))

    async def flush(self) -> None:
        """Return when all that was accepted is on disk; raise what stands in the way, keeping it waiting."""
        await self.call(lambda _cursor: None)

    async def truncate_after(self, ts: int) -> None:
        """Remove what belongs to bars that had not closed at `ts`: a replay goes back to that time.

        Alert history stays: its rows say which epoch they are of.
        """

        def work(cursor: Cursor) -> None:
            with transaction(cursor):
                for table in TABLES.values():
                    if table.bar:
                        step = "step_ms" if "step_ms" in table.columns else str(STEP_MS)
                        cursor.execute(f"DELETE FROM {table.name} WHERE {table.time} + {step} > ?", [ts])  # noqa: S608  # constants

        await self.call(work)

    async def forget(self, user_id: str) -> dict[str, int]:
        """Remove every row of a user, accepted ones too, and return how many were removed from each table.

        The log is emptied as well; DuckDB frees the space in its file for new rows, without wiping it.
        """
        owned = {table.name: table.owner for table in TABLES.values() if table.owner is not None}

        def work(cursor: Cursor) -> dict[str, int]:
            counts = {}
            with transaction(cursor):
                for name, column in owned.items():
                    row = cursor.execute(f"DELETE FROM {name} WHERE {column} = ?", [user_id]).fetchone()  # noqa: S608  # constants
                    counts[name] = int(row[0]) if row else 0
            return counts

        counts = await self.call(work)
        with suppress(StorageError, duckdb.Error):  # while somebody reads, the next checkpoint does it
            await self.call(lambda cursor: cursor.execute("CHECKPOINT"))
        return counts

    async def call(self, work: Callable[[Cursor], T]) -> T:
        """Return what a function does with the writer's cursor, after all that was accepted is written."""
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                return await asyncio.wrap_future(self._writer.call(work))
        except TimeoutError as error:
            raise StorageError(f"{self.path} did not answer in time.") from error

    # Reading.

    async def candles(
        self, symbol: str, venue: str, t0: int = 0, t1: int = _EVER, *, step_ms: int = STEP_MS
    ) -> Candles:
        """Return bars with `t0 <= ts < t1`, oldest first; NaN where something is not known."""
        return await self._read(lambda cursor: reads.candles(cursor, venue, symbol, step_ms, t0, t1))

    async def last_candle_ts(self, symbol: str, venue: str, *, step_ms: int = STEP_MS) -> int | None:
        """Return the open of the newest bar, or None."""
        return await self._read(lambda cursor: reads.last_candle_ts(cursor, venue, symbol, step_ms))

    async def columns(
        self, mark: Shelfmark, t0: int = 0, t1: int = _EVER, *, since_ts: int = _EVER
    ) -> list[tuple[int, bytes]]:
        """Return heatmap columns with `t0 <= ts < t1` as (ts, blob), oldest first.

        Those made from candles that begin after `since_ts` only are left out.
        """
        return await self._read(lambda cursor: reads.snapshots(cursor, mark, since_ts, t0, t1))

    async def column_times(
        self, mark: Shelfmark, t0: int = 0, t1: int = _EVER, *, since_ts: int = _EVER
    ) -> Ints:
        """Return which heatmap columns there are with `t0 <= ts < t1`, oldest first, as `columns` does."""
        return await self._read(lambda cursor: reads.snapshot_times(cursor, mark, since_ts, t0, t1))

    async def position_events(self, mark: Shelfmark, t0: int = 0, t1: int = _EVER) -> PositionEvents:
        """Return what candles with `t0 <= ts < t1` moved, oldest first; USD of the scale of that time."""
        return await self._read(lambda cursor: reads.position_events(cursor, mark, t0, t1))

    async def zone_events(self, venue: str, symbol: str, t0: int = 0, t1: int = _EVER) -> list[ZoneEvent]:
        """Return what happened to zones with `t0 <= ts < t1`, oldest first."""
        return await self._read(lambda cursor: reads.zone_events(cursor, venue, symbol, t0, t1))

    async def alert_history(
        self, user_id: str, *, t0: int = 0, t1: int = _EVER, limit: int = 1_000
    ) -> list[AlertRecord]:
        """Return one user's alerts by market time, newest first."""
        return await self._read(lambda cursor: reads.alert_history(cursor, user_id, t0, t1, limit))

    async def gaps(self, venue: str, symbol: str, t0: int = 0, t1: int = _EVER) -> list[Gap]:
        """Return the gaps that reach into a stretch."""
        return await self._read(lambda cursor: reads.gaps(cursor, venue, symbol, t0, t1))

    async def load_engine_state(
        self, venue: str, symbol: str, preset: str, *, not_after: int = _EVER
    ) -> tuple[int, bytes, bytes] | None:
        """Return the newest engine state at or before a time as (ts, heatmap, zones), or None."""
        return await self._read(lambda cursor: reads.engine_state(cursor, (venue, symbol, preset), not_after))

    async def tables(self) -> list[str]:
        """Return every table there is in the file."""
        return await self._read(reads.table_names)

    async def owned_rows(self, table: str, column: str, user_id: str) -> list[dict[str, Any]]:
        """Return one user's rows of a table, with all its columns."""
        return await self._read(lambda cursor: reads.owned_rows(cursor, table, column, user_id))

    async def read(self, fn: Callable[[Cursor], T], *, timeout_s: float | None = None) -> T:
        """Return what a function finds with a cursor of its own, in a thread; it may take `timeout_s`."""
        return await self._read(fn, timeout_s)

    async def _read(self, fn: Callable[[Cursor], T], timeout_s: float | None = None) -> T:
        if self._closed:
            raise StorageError("The market store is closed.")
        ticket = Ticket()
        try:
            async with asyncio.timeout(timeout_s or self._limits.timeout_s), self._read_slots:
                return await asyncio.wrap_future(self._readers.submit(self._read_in_thread, fn, ticket))
        except TimeoutError as error:
            raise StorageError(f"{self.path} did not answer in time.") from error
        finally:
            ticket.abandon()

    def _read_in_thread(self, fn: Callable[[Cursor], T], ticket: Ticket) -> T:
        ticket.check()
        try:
            with self._database.cursor() as cursor, ticket.working(cursor.interrupt):
                return fn(cursor)
        except duckdb.Error as error:
            ticket.check()
            fault = market_fault(error, self.path)
            if fault is None:
                raise
            raise fault from error

    async def close(self) -> None:
        """Write what was accepted, then close; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._writer.stop()
        self._readers.shutdown(wait=True)
        self._database.close()
