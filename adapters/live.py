"""Read several venues at once: one source of closed candles and prices, and an archive of all they say.

A venue that is down delays nobody: each has its own connections, its own retries and its own end. What was
missed is asked for when a candle shows the gap, and kept, so that nothing is asked for twice.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, TypeVar

import structlog

from adapters.health import HealthSnapshot
from adapters.instruments import Instrument, Instruments
from adapters.kits import FEEDS, Kit
from adapters.live_archive import Archive, Kept, Recorder
from adapters.live_late import Lateness
from adapters.live_missed import Missed
from adapters.live_order import merged, stretches
from adapters.live_venue import Outlet, Pace, Venue
from adapters.rest.calls import CallFailed
from adapters.rest.client import RestClient
from adapters.rest.waiting import Clock, SystemClock
from adapters.stream.queue import Delivered, EventQueue
from adapters.venue import Feed, SourceKind, VenueHealth
from engine.errors import LiqwatchError, SourceError
from engine.model import DAY_MS, STEP_MS, Candle, Candles, MarketEvent, Tick

log = structlog.get_logger(__name__)
T = TypeVar("T")

QUEUE = 5_000
"""How many events may wait to be taken: prices go first, the oldest of them, and candles never."""
FINAL_MS = 10_000
"""A candle that closed so short a time ago may not be final where it is asked for: its stream is believed."""
HISTORY_S = 900.0
"""How long a piece of history may take."""
STOP_S = 2.0
"""How long the venues may take to say good-bye."""
FLUSH_S = 0.5
"""How long the archive may take for what waits at the end."""
CRASHED_S = 5.0
"""How long whatever crashed waits before it goes on."""


class LiveSource:
    """Be the source of live market data. Call `open` once before anything else, `aclose` in the end.

    `clock` tells the time and waits for it. `events` is for one reader.
    """

    kind = SourceKind.LIVE
    feeds: frozenset[Feed] = FEEDS | {Feed.LONG_SHORT}

    def __init__(
        self,
        kits: Iterable[Kit],
        symbols: Sequence[str],
        archive: Archive,
        *,
        pace: Pace | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self._wanted = dict.fromkeys(symbols)
        self._archive = archive
        self._clock = clock or SystemClock()
        self._recorder = Recorder(archive)
        self._queue = EventQueue(QUEUE)
        self._listeners: list[Callable[[Kept], None]] = []
        outlet = Outlet(put=self._put, keep=self._keep)
        self._venues = {
            kit.venue: Venue(kit, self._wanted, self._pace, outlet, clock=self._clock) for kit in kits
        }
        self._tasks: set[asyncio.Task[Any]] = set()
        self._exit = AsyncExitStack()
        self._closed = False

    async def open(self) -> None:
        """Open every venue at once, and go on with those that answer in time.

        Raise SourceError, with everything closed again, where none of them trades any of the symbols.
        """
        opened = False
        try:
            for venue in self._venues.values():
                await self._exit.enter_async_context(venue.rest)
            self._start(_kept_up("archive", self._recorder.run))
            for venue in self._venues.values():
                self._start(_kept_up(venue.name, venue.live))
                self._start(
                    _kept_up(f"{venue.name} candles", Lateness(venue, self.history, self._pace).watch)
                )
                missed = Missed(venue, self._archive, self._pace)
                self._start(_kept_up(f"{venue.name} missed", missed.watch))
            await self._settled()
            if not self.symbols:
                troubles = "; ".join(_trouble(venue) for venue in self._venues.values())
                raise SourceError(f"No venue could say that it trades {', '.join(self._wanted)}: {troubles}.")
            opened = True
        finally:
            if not opened:
                await self.aclose()

    async def _settled(self) -> None:
        """Wait until every venue is ready; not for long once one of them trades what is wanted."""
        waiting = {asyncio.create_task(venue.ready.wait()) for venue in self._venues.values()}
        loop, hurried = asyncio.get_running_loop(), False
        until_s = loop.time() + self._pace.open_s
        try:
            left = waiting
            while left and loop.time() < until_s:
                timeout_s = until_s - loop.time()
                _, left = await asyncio.wait(left, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
                if self.symbols and not hurried:
                    until_s, hurried = min(until_s, loop.time() + self._pace.others_s), True
        finally:
            for task in waiting:
                task.cancel()

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def listen(self, listener: Callable[[Kept], None]) -> None:
        """Hand on what else venues say from now on, the moment that they say it, besides keeping it."""
        self._listeners.append(listener)

    def _keep(self, event: Kept) -> None:
        self._recorder.add(event)
        for listener in self._listeners:
            listener(event)

    async def _put(self, event: Candle | Tick) -> None:
        await self._queue.put(Delivered(event=event))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the symbols that any venue trades now."""
        return tuple(symbol for symbol in self._wanted if self.venues_of(symbol))

    @property
    def listed(self) -> tuple[str, ...]:
        """Return the symbols that could be followed: all that any venue trades, followed ones first."""
        offered = (symbol for venue in self._venues.values() for symbol in venue.traded)
        return tuple(dict.fromkeys((*self.symbols, *offered)))

    def lines(self) -> Iterator[tuple[str, RestClient, Mapping[str, Instrument]]]:
        """Yield each open venue's name, its client, and what it trades of the symbols followed."""
        for name, venue in self._venues.items():
            if venue.known:
                yield name, venue.rest, dict(venue.known)

    def line(self, name: str) -> tuple[RestClient, Instruments] | None:
        """Return a venue's client and all that it lists, None where it is not read or not open yet."""
        venue = self._venues.get(name)
        return (venue.rest, venue.instruments) if venue and len(venue.instruments) else None

    def follow(self, symbol: str) -> None:
        """Read a symbol from now on, wherever it is traded; one that is read already is read on."""
        if symbol not in self._wanted:
            self._wanted[symbol] = None
            self._rewant()

    def unfollow(self, symbol: str) -> None:
        """Read a symbol no longer; what was kept of it stays kept."""
        if symbol in self._wanted:
            del self._wanted[symbol]
            self._rewant()

    def _rewant(self) -> None:
        for venue in self._venues.values():
            venue.want()

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues that are read."""
        return tuple(self._venues)

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that trade a symbol now, the one whose price stands for it first."""
        return tuple(name for name, venue in self._venues.items() if symbol in venue.known)

    def now_ms(self) -> int:
        """Return the time."""
        return self._clock.wall_ms()

    def label(self) -> str:
        """Return nothing: this is live."""
        return ""

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing now."""
        return [venue.brief() for venue in self._venues.values()]

    def snapshots(self) -> list[HealthSnapshot]:
        """Return each venue's health in full: what is counted, measured and refused."""
        return [venue.snapshot() for venue in self._venues.values()]

    async def history(
        self, symbol: str, *, until_ms: int, since_ms: int = 0, venue: str | None = None
    ) -> Candles:
        """Return closed bars from the archive, and from the venue those that it lacks, not too far back.

        What the venue does not have is left out, and remembered. One that does not trade the symbol any more
        is not asked. Raise SourceError where the symbol or the venue is not read, or where the venue does not
        answer; what came before that is kept, so that asking again goes on from there.
        """
        names = self.venues_of(symbol) or self.venues
        asked = self._venues.get(names[0] if venue is None else venue)
        if self._closed or asked is None or symbol not in self._wanted:
            raise SourceError(f"{symbol} is not read from {venue or 'any venue'}.")
        now_ms = asked.rest.now_ms()
        since_ms = -(-(since_ms or now_ms - self._pace.history_days * DAY_MS) // STEP_MS) * STEP_MS
        until_ms = min(until_ms, now_ms) // STEP_MS * STEP_MS
        if since_ms >= until_ms:
            return Candles.empty()
        work = self._start(self._filled(asked, symbol, since_ms, until_ms))
        try:
            await asyncio.wait({work}, timeout=HISTORY_S)
            if not work.done() or work.cancelled():
                raise SourceError(f"{symbol} of {asked.name} could not be had in time.")
            return work.result()
        finally:
            work.cancel()

    async def _filled(self, venue: Venue, symbol: str, since_ms: int, until_ms: int) -> Candles:
        """Return what is kept and what was lacking, one caller after the other."""
        past = venue.past
        async with past.asked[symbol]:
            held = await self._held(venue, symbol, since_ms, until_ms)
            if not past.knows_absent(symbol):
                past.tell_absent(symbol, await self._absences(venue, symbol))
            found = [held, past.recent(symbol, since_ms, until_ms)]
            known = [*(part.ts for part in found), past.absent(symbol)]
            final_ms = min(until_ms, (venue.rest.now_ms() - FINAL_MS) // STEP_MS * STEP_MS)
            for begin, end in stretches(max(since_ms, past.oldest_ms), final_ms, known):
                found += await self._fetched(venue, symbol, begin, end)
            return await asyncio.to_thread(merged, found)

    async def _fetched(self, venue: Venue, symbol: str, begin: int, end: int) -> list[Candles]:
        """Ask for a stretch and keep every part of it as it comes; raise CallFailed."""
        found: list[Candles] = []
        instrument = venue.known.get(symbol)
        if instrument is None:
            return found
        try:
            async with aclosing(venue.past.pieces(instrument, begin, end)) as pieces:
                async for bars in pieces:
                    await self._archived(venue, symbol, bars)
                    found.append(bars)
        except CallFailed as error:
            venue.failed(error)
            raise
        finally:
            await self._remembered(venue, symbol)
        if found and len(venue.past.recent(symbol, 0, begin)):
            venue.gap_filled()
        return found

    async def _held(self, venue: Venue, symbol: str, since_ms: int, until_ms: int) -> Candles:
        try:
            return await self._archive.candles(symbol, venue.name, since_ms, until_ms)
        except LiqwatchError as error:
            raise SourceError(f"What is kept of {symbol} cannot be read: {error}") from error

    async def _absences(self, venue: Venue, symbol: str) -> Sequence[tuple[int, int]]:
        """Return what the archive knows that a venue does not have; nothing where it cannot say."""
        try:
            return await self._archive.absences(symbol, venue.name)
        except LiqwatchError as error:
            log.warning("live.absences_not_read", venue=venue.name, symbol=symbol, why=str(error))
            return ()

    async def _remembered(self, venue: Venue, symbol: str) -> None:
        """Keep what a venue was found not to have, after the candles between."""
        absent = venue.past.newly_absent(symbol)
        if not absent:
            return
        try:
            await self._archive.add_absences(symbol, venue.name, absent)
        except LiqwatchError as error:
            log.warning("live.absences_not_kept", venue=venue.name, symbol=symbol, why=str(error))

    async def _archived(self, venue: Venue, symbol: str, bars: Candles) -> None:
        """Keep candles; where they are refused, they are used all the same and asked for again some day."""
        try:
            await self._archive.add_candles(symbol, venue.name, bars)
        except LiqwatchError as error:
            log.warning("live.candles_not_kept", venue=venue.name, symbol=symbol, why=str(error))

    async def events(self) -> AsyncGenerator[MarketEvent]:
        """Yield closed candles and prices as they come, until closed.

        Of one venue, a closed candle comes before the prices of the next one, which wait a little for it.
        """
        while not self._closed and (item := await self._queue.get()) is not None:
            if isinstance(item, Delivered) and isinstance(item.event, Candle | Tick):
                yield item.event

    async def aclose(self) -> None:
        """Stop reading and let go of every connection, within seconds. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._listeners.clear()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=STOP_S)
                if late:
                    log.warning("live.slow_to_stop", tasks=len(late))
            for venue in self._venues.values():
                venue.drain()
            await self._recorder.flush(FLUSH_S)
        finally:
            self._queue.close()
            await self._exit.aclose()


def _trouble(venue: Venue) -> str:
    """Return why a venue is not read yet."""
    brief = venue.brief()
    return brief.detail or f"{venue.name} {venue.snapshot().last_error or brief.state}"


async def _kept_up(name: str, life: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Lead a life to its end, however often it crashes."""
    while True:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(life())
        except ExceptionGroup:
            log.exception("live.crashed", what=name)
        else:
            return
        await asyncio.sleep(CRASHED_S)
