"""Read one venue: what it trades, its streams, and what has to be asked for again and again.

Times are ms UTC, waits are seconds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace

import structlog

from adapters.ahead import AHEAD, is_ahead
from adapters.dedup import Once
from adapters.health import Health, HealthSnapshot
from adapters.instruments import Instrument, Instruments, Status
from adapters.kits import Kit, Poll
from adapters.live_archive import Kept
from adapters.live_listing import Listed
from adapters.live_order import Interest, Turns
from adapters.live_past import Past
from adapters.native import Streams
from adapters.rest.calls import CallFailed
from adapters.rest.client import RestClient
from adapters.rest.verdicts import Outcome, Scope
from adapters.rest.waiting import Clock, SystemClock, pause
from adapters.stream.dialect import FEEDS
from adapters.stream.queue import Delivered, EventQueue, Item, Outage, Refused
from adapters.venue import VenueHealth, VenueState
from engine.errors import SourceError
from engine.model import STEP_MS, Candle, OpenInterest, Tick, VenueEvent

log = structlog.get_logger(__name__)

SKEW_S = 5.0
"""How long measuring the venue's clock may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things take, in seconds.

    The start waits `open_s` for a first venue that trades anything, and `others_s` after it for the others.
    A venue that could not be opened is tried again after `retry_s`, then after twice as long each time, up to
    `retry_most_s`. What no stream says is asked for every `poll_s`, what is traded every `renew_s`. Prices
    wait `hold_s` for the candle before them. A candle that no stream has told `late_s` after its close is
    asked for, and again at twice that. Candles are asked for as far back as `history_days`: the mean volume's
    30 days, and what stands at their end.
    """

    open_s: float = 30.0
    others_s: float = 10.0
    retry_s: float = 5.0
    retry_most_s: float = 300.0
    poll_s: float = 60.0
    renew_s: float = 1800.0
    hold_s: float = 3.0
    late_s: float = 12.0
    history_days: int = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Where what a venue says goes: `put` hands on candles and prices, `keep` everything else."""

    put: Callable[[Candle | Tick], Awaitable[None]]
    keep: Callable[[Kept], None]


class VenueClock:
    """Tell the venue's time as well as it is known; wait by our own clock."""

    def __init__(self, clock: Clock, rest: RestClient) -> None:
        self._clock = clock
        self._rest = rest

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return self._clock.monotonic()

    def wall_ms(self) -> int:
        """Return the venue's time of day, ms UTC."""
        return self._rest.now_ms()

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Return when the event is set or the time is over, None for never."""
        await self._clock.wait(event, timeout_s)


class Venue:
    """Be one venue while it is read.

    `known` holds what it trades of the symbols wanted; `ready` is set once that is known, or never will be.
    To be read while `rest` is open, by `live`, which is run again after a crash.
    """

    def __init__(
        self,
        kit: Kit,
        symbols: Collection[str],
        pace: Pace,
        outlet: Outlet,
        *,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.known: dict[str, Instrument] = {}
        self.ready = asyncio.Event()
        self.missed = asyncio.Event()
        """Set when streams are back that were not heard for a while: candles are lacking."""
        self.back = asyncio.Event()
        """Set at the same time: what else was missed is lacking as well."""
        self._kit = kit
        self._symbols = symbols
        self._stream: Streams | None = None
        self._pace = pace
        self._outlet = outlet
        self._over = asyncio.Event()
        self._trouble = ""
        self._instruments = Instruments()
        self._listed = Listed(kit.venue)
        self._health = Health(kit.venue, self.clock.monotonic)
        self.rest = kit.client(clock=self.clock, health=self._health)
        self._queue = EventQueue()
        self._once = Once()
        self._interest = Interest()
        self._turns = Turns(pace.hold_s)
        self.past = Past(kit, self.rest, self._interest, days=pace.history_days)

    @property
    def kit(self) -> Kit:
        """Return what is particular to the venue."""
        return self._kit

    @property
    def name(self) -> str:
        """Return the venue's name."""
        return self._kit.venue

    def brief(self) -> VenueHealth:
        """Return how it is doing; what keeps it from being opened is said as well."""
        brief = self._health.brief()
        if self._trouble and brief.state is VenueState.CONNECTING:
            return replace(brief, state=VenueState.DOWN, detail=f"{self.name} {self._trouble}"[:300])
        return replace(brief, detail=self._noted(brief.detail))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what became of symbols that are wanted and not traded now, or soon will not be."""
        return () if self._over.is_set() else self._listed.notes

    @property
    def instruments(self) -> Instruments:
        """Return everything that is listed there, as it was learnt last."""
        return self._instruments

    def snapshot(self) -> HealthSnapshot:
        """Return how it is doing in full; one that could not be opened is down."""
        found = self._health.snapshot()
        if self._trouble and found.state is VenueState.CONNECTING:
            unopened = "could not be opened; it is tried again until it can"
            note = f"{self.name} {self._trouble if len(self._instruments) else unopened}"
            return replace(found, state=VenueState.DOWN, last_error=self._trouble[:300], note=note)
        return replace(found, note=self._noted(found.note))

    def _noted(self, said: str) -> str:
        """Return what is said of the venue, with what is to be said of its symbols."""
        notes = [f"{self.name} {each}" for each in self.notes]
        return "; ".join([said, *notes] if said else notes)[:300]

    def gap_filled(self) -> None:
        """Count a stretch of candles that streams did not tell and that was asked for since."""
        self._health.tally.gaps_filled += 1

    async def live(self) -> None:
        """Read the venue for ever; return after a final answer."""
        delay_s = self._pace.retry_s
        while not self._over.is_set():
            try:
                stream = await self._opened()
            except SourceError as error:
                self._trouble = self.failed(error)
            else:
                self.ready.set()
                delay_s = self._pace.retry_s
                await self._read(stream)
            await self.clock.wait(self._over, delay_s)
            delay_s = min(2 * delay_s, self._pace.retry_most_s)

    async def _opened(self) -> Streams:
        """Return streams that want what is wanted, never ones that ran before; raise SourceError."""
        try:
            await self._learn()
        except CallFailed as error:
            if error.verdict.outcome is Outcome.FINAL and error.verdict.scope is Scope.VENUE:
                self._end(error.verdict.reason)
            raise
        clock = VenueClock(self.clock, self.rest)
        stream = self._kit.stream(
            lambda: self._instruments, clock=clock, health=self._health, queue=self._queue
        )
        stream.once = self._once  # what was told before a crash is not told again after it
        self._want(stream)
        self._stream = stream
        return stream

    async def _learn(self) -> None:
        """Ask what is traded, and what time it is there; raise SourceError."""
        try:
            instruments = await self._kit.instruments(self.rest)
        except CallFailed as error:
            if error.verdict.scope is not Scope.VENUE:  # a list that is not there today may be tomorrow
                self.rest.forget(error.call.about or error.call.path)
            raise
        if not len(instruments):
            raise SourceError("lists nothing that is traded")
        with suppress(CallFailed, TimeoutError):
            async with asyncio.timeout(SKEW_S):
                await self.rest.measure_skew()
        self._instruments = instruments
        self._choose()
        for known in self.known.values():  # what is listed again is asked for again
            self.rest.forget(known.native)

    @property
    def traded(self) -> tuple[str, ...]:
        """Return the symbols of everything that is traded there now, wanted or not."""
        if self._over.is_set():
            return ()
        listed = (each.symbol for each in self._instruments.all if each.status is Status.TRADING)
        return tuple(dict.fromkeys(listed))

    def want(self) -> None:
        """Read what is wanted now: other symbols than before."""
        if not self._over.is_set():
            self._choose()
            if self._stream is not None:
                self._want(self._stream)

    def _choose(self) -> None:
        """Find what is wanted among what is traded."""
        self.known = self._listed.choose(self._instruments, self._symbols, self.rest.now_ms())
        self._trouble = "" if self.known else f"trades none of {', '.join(self._symbols)}"

    def _want(self, stream: Streams) -> None:
        """Want the topics of what is traded now, and no others."""
        traded = tuple(self.known.values())
        wanted = list(self._kit.channels(traded)) if traded else []
        topics = {channel.topic for channel in wanted}
        stream.unsubscribe(topic for topic in stream.topics if topic not in topics)
        stream.subscribe(wanted)

    async def _read(self, stream: Streams) -> None:
        """Read until the venue's final answer; raise what crashed."""
        async with asyncio.TaskGroup() as group:
            work = (stream.run(), self._pump(), self._poll(), self._renew(stream))
            tasks = [group.create_task(each) for each in work]
            await self._over.wait()
            for task in tasks:
                task.cancel()

    def failed(self, error: SourceError) -> str:
        """Take in what went wrong and return it in words; end where nothing will ever be answered."""
        if not isinstance(error, CallFailed):
            self._health.error(str(error))
            return str(error)
        verdict = error.verdict
        self._health.error(verdict.reason)
        if verdict.outcome is Outcome.FINAL and verdict.scope is Scope.VENUE:
            self._end(verdict.reason)
        return verdict.reason

    def _end(self, reason: str) -> None:
        """Ask nothing of this venue any more; users are shown why."""
        if self._over.is_set():
            return
        log.warning("live.venue_ended", venue=self.name, why=reason)
        self._health.end(reason)
        self.known = {}
        self._over.set()
        self.ready.set()

    async def _renew(self, stream: Streams) -> None:
        """Learn again and again what is traded: symbols go, contracts change their size."""
        delay_s = self._pace.renew_s
        while True:
            await pause(self.clock, delay_s)
            try:
                await self._learn()
            except SourceError as error:
                self.failed(error)
                delay_s = min(self._pace.renew_s, self._pace.retry_most_s)
            else:
                self._want(stream)
                delay_s = self._pace.renew_s

    async def _poll(self) -> None:
        """Ask again and again for what no stream says."""
        while True:
            for known in tuple(self.known.values()):
                for poll in self._kit.polls(known):
                    await self._polled(poll)
            await pause(self.clock, self._pace.poll_s)

    async def _polled(self, poll: Poll) -> None:
        try:
            parsed = poll.read(await self.rest.ask(poll.call, patience_s=self._pace.poll_s))
        except CallFailed as error:
            self.failed(error)
            return
        for event in parsed.events:
            self._health.event(FEEDS[type(event)], event.ts)
            await self._take(Delivered(event=event))

    async def _pump(self) -> None:
        """Hand on what the streams say, and the prices that waited for long enough."""
        while True:
            item = await self._next()
            if isinstance(item, Delivered):
                await self._take(item)
            elif isinstance(item, Outage):
                self.missed.set()
                self.back.set()
            elif isinstance(item, Refused):
                log.warning("live.topic_refused", venue=self.name, topic=item.topic, why=item.reason)
                if final := self._health.snapshot().final:
                    self._end(final)
            for tick in self._turns.due(time.monotonic()):
                await self._outlet.put(tick)

    async def _next(self) -> Item | None:
        """Return what the streams said next, None where prices are due before it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._turns.wait_s(time.monotonic())):
                return await self._queue.get()
        return None

    async def _take(self, item: Delivered) -> None:
        event = item.event
        if event.symbol not in self._symbols or self._is_ahead(event):
            return
        if isinstance(event, Tick):
            if not item.backlog:
                for tick in self._turns.tick(event, time.monotonic()):
                    await self._outlet.put(tick)
        elif isinstance(event, Candle):
            if event.closed and event.ts % STEP_MS == 0:
                await self.closed(self._interest.of(event))
        else:
            if isinstance(event, OpenInterest):
                self._interest.note(event)
            self._outlet.keep(event)

    def drain(self) -> None:
        """Let what was heard and not yet handed on be kept: at the end nobody else reads it."""
        for item in self._queue.left():
            event = item.event if isinstance(item, Delivered) else None
            if event is None or event.symbol not in self._symbols:
                continue
            if not isinstance(event, Candle | Tick):
                self._outlet.keep(event)

    def _is_ahead(self, event: VenueEvent) -> bool:
        """Say whether an event is of a time that is still to come there; that is counted."""
        if not is_ahead(event, self.rest.now_ms()):
            return False
        self._health.tally.dropped[AHEAD] += 1
        return True

    async def closed(self, candle: Candle) -> None:
        """Hand a closed candle on, and the prices that waited for it; not one that was handed on before."""
        newest_ms = self.past.newest_ms(candle.symbol)
        if newest_ms is not None and candle.ts <= newest_ms:
            return
        self.past.note(candle)
        for event in self._turns.candle(candle):
            await self._outlet.put(event)
