"""Keep a venue's sockets open and read them: what a venue says of itself, and what is done with it.

A venue describes its topics, messages and manners and parses its frames; it opens nothing and waits for
nothing. `VenueStream` does the rest, once for all venues. Times are ms UTC, waits are seconds.

What waits to be read is bounded. When the queue is full, what a newer value replaces goes first, the oldest
of it: prices, then candles that still form, then open interest, funding and ratios. Each is counted.
Liquidations, closed candles, outages and refusals are never dropped: where nothing else is left, the sockets
are not read until there is room.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import count
from typing import Protocol

import aiohttp

from adapters.dedup import Once
from adapters.health import Health
from adapters.parsed import Answer, Parsed
from adapters.rest import (
    Answered,
    Backoff,
    Budget,
    Clock,
    Limit,
    Outcome,
    Scope,
    SystemClock,
    Verdict,
    again,
    pause,
)
from adapters.venue import Feed, VenueState
from engine.errors import SourceError
from engine.model import (
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    Tick,
    VenueEvent,
)

QUEUE = 20_000
"""How many items may wait to be read."""
SETTLED_S = 60.0
"""A connection that lasted this long was a good one: waiting begins anew after it."""
SEND_S = 5.0
"""How long a message may take to be sent."""
HELD_S = 1.0
"""Waiting this long for room in the queue excuses a venue from being silent meanwhile."""
CLOSE_S = 1.0
"""How long a venue may take to say good-bye."""
STOP_S = 5.0
"""How long stopping may take."""
FRAME = 16 << 20
"""The longest frame that is taken, bytes."""
ANSWERS = 1000
"""How many answers may wait on a connection; more means that nobody asked for them."""

FEEDS: Mapping[type[VenueEvent], Feed] = {
    Tick: Feed.PRICES,
    Candle: Feed.CANDLES,
    Liquidation: Feed.LIQUIDATIONS,
    OpenInterest: Feed.OPEN_INTEREST,
    Funding: Feed.FUNDING,
    LongShortRatio: Feed.LONG_SHORT,
}
"""Which feed an event is of."""


class Op(StrEnum):
    """What is asked of a venue for topics."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic: the venue's name of it, the feed that it gives, and the URL at which it is had.

    `topic` is what the venue's answers name, whole; `silent_s` is how long the topic's feed may be silent on
    a connection before that connection is taken for dead, None where silence proves nothing.
    """

    topic: str
    feed: Feed
    url: str
    silent_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message to a venue: its id ("" where the venue knows none), its text, the topics it asks for.

    `weight` is what it costs against `Manners.operations`.
    """

    request_id: str
    text: str
    topics: tuple[str, ...]
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a venue wants its sockets to be used.

    `messages` limits what is sent on one connection, `operations` the weight of its requests, `connects` the
    connections opened by all of this venue's together; at most `connections` are open at a time. A heartbeat
    is sent every `heartbeat_s`, None for never. A socket on which nothing at all came for `silent_s` is dead.
    After `life_s` it is replaced by a new one, before the venue cuts it; both stand for `overlap_s`, so that
    what is on its way arrives. A request is answered within `ack_s`; `acks` is False where it is never
    answered. `batches_fail` says that a refusal of one topic fails the whole request. `ahead` requests may
    wait for answers at a time: more than one where answers name what they are about, or come in order. A
    refusal with one of the codes in `passing` is not of a topic but of asking now (too often, for one): the
    connection is given up and another one opened, later.
    """

    messages: Limit
    connects: Limit
    operations: Limit | None = None
    connections: int = 8
    heartbeat_s: float | None = None
    silent_s: float = 60.0
    life_s: float | None = None
    overlap_s: float = 5.0
    acks: bool = True
    batches_fail: bool = False
    ahead: int = 1
    passing: frozenset[str] = frozenset()
    ack_s: float = 10.0
    connect_s: float = 10.0


Parser = Callable[[str | bytes, int], Parsed]
"""Turn a frame that came at a time (ms UTC, ours) into what it holds; never raises for what a venue sends."""


class Dialect(Protocol):
    """Be what the sockets must know of one venue; nothing here does input or output, or waits."""

    @property
    def venue(self) -> str:
        """Return the venue's name."""

    @property
    def manners(self) -> Manners:
        """Return how the venue wants its sockets to be used."""

    def fits(self, channels: Sequence[Channel]) -> bool:
        """Say whether one connection may carry these channels, which all have the same URL."""

    def requests(self, op: Op, topics: Sequence[str], numbers: Iterator[int]) -> Sequence[Request]:
        """Return the messages that ask for topics, none larger than the venue takes.

        Each takes its id from `numbers`, which are unique on a connection. The venue's answers come out of
        the parser with that id, or with the topics that they are about, or both; an answer that refuses
        without naming topics makes the request be asked again in halves, down to the topic that is refused.
        A topic that is subscribed already must be answered with `ok`.
        """

    def heartbeat(self, number: int) -> str:
        """Return the text that keeps a connection alive; its answer parses to `Parsed.alive`."""

    def parser(self) -> Parser:
        """Return a parser for one connection: its own where frames are merged into a state, else shared."""

    def judge(self, answered: Answered) -> Verdict:
        """Say what an answer means that refused the WebSocket's handshake; mostly `rest.by_status` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """An event that is new. `backlog` says that it may be old: it fills history and alerts nobody."""

    event: VenueEvent
    backlog: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Say that topics were not heard from one time to another (ms UTC, ours), and are again: fill the gap."""

    venue: str
    since_ms: int
    until_ms: int
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Say that a venue refuses a topic, and in which words; it is not asked for again."""

    venue: str
    topic: str
    reason: str


Item = Delivered | Outage | Refused
"""What is read from a stream."""


class Rank(IntEnum):
    """What is dropped first when too much waits: the lowest."""

    PRICE = 0
    FORMING = 1
    STATE = 2
    KEPT = 3


def rank_of(item: Item) -> Rank:
    """Return how dear an item is."""
    if not isinstance(item, Delivered) or isinstance(item.event, Liquidation):
        return Rank.KEPT
    if isinstance(item.event, Tick):
        return Rank.PRICE
    if isinstance(item.event, Candle):
        return Rank.KEPT if item.event.closed else Rank.FORMING
    return Rank.STATE


class EventQueue:
    """Hold a bounded number of items, in order; the module says what goes when it is full.

    `dropped` counts what went, by rank; `waits` how often a reader had to wait for room.
    """

    def __init__(self, size: int = QUEUE) -> None:
        self.dropped: Counter[Rank] = Counter()
        self.waits = 0
        self._size = size
        self._number = count()
        self._lanes: dict[Rank, deque[tuple[int, Item]]] = {rank: deque() for rank in Rank}
        self._over = False
        self._ready = asyncio.Event()
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    async def put(self, item: Item) -> None:
        """Add an item; wait for room if it must not be dropped and nothing else may be."""
        rank = rank_of(item)
        while len(self) >= self._size and not self._make_room(rank):
            if rank is not Rank.KEPT:
                self.dropped[rank] += 1
                return
            self.waits += 1
            self._room.clear()
            await self._room.wait()
        self.add(item)

    def add(self, item: Item) -> None:
        """Add an item whether there is room or not."""
        self._lanes[rank_of(item)].append((next(self._number), item))
        self._ready.set()

    def close(self) -> None:
        """Let whoever reads come to an end."""
        self._over = True
        self._ready.set()

    async def get(self) -> Item | None:
        """Return the oldest item, once there is one; None when it is closed and empty."""
        while not len(self):
            if self._over:
                return None
            self._ready.clear()
            await self._ready.wait()
        lane = min((lane for lane in self._lanes.values() if lane), key=lambda lane: lane[0][0])
        self._room.set()
        return lane.popleft()[1]

    def _make_room(self, rank: Rank) -> bool:
        """Drop the oldest of what is least dear and no dearer than a rank; say whether there was any."""
        for each in (Rank.PRICE, Rank.FORMING, Rank.STATE):
            if each <= rank and self._lanes[each]:
                self._lanes[each].popleft()
                self.dropped[each] += 1
                return True
        return False


class Lost(SourceError):
    """Say that a connection could not be opened, or is no more; `verdict` says whether to try again."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class Pacer:
    """Make whoever sends wait until limits allow it: first come, first served."""

    def __init__(self, limit: Limit | None, clock: Clock) -> None:
        self._budget = Budget(limit) if limit else None
        self._clock = clock
        self._turn = asyncio.Lock()

    async def take(self, weight: int = 1, *, stop: asyncio.Event | None = None) -> None:
        """Return once a weight may be sent, or nothing is to be sent any more because `stop` is set.

        More than the whole budget counts as the whole budget.
        """
        if self._budget is None:
            return
        stop = stop or asyncio.Event()
        weight = min(weight, self._budget.limit.budget)
        async with self._turn:
            while (delay_s := self._budget.delay_s(weight, self._clock.monotonic())) > 0:
                if stop.is_set():
                    return
                await self._clock.wait(stop, delay_s)
            now_s = self._clock.monotonic()
            self._budget.done(self._budget.take(weight, now_s), now_s)


Sink = Callable[[Parsed], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Wiring:
    """What all connections of a venue share.

    `final` is the answer after which none is opened any more; before `shut_until_s` none may be.
    """

    dialect: Dialect
    clock: Clock
    health: Health
    connects: Pacer
    take: Sink
    tell: Callable[[Outage | Refused], Awaitable[None]]
    backoff: Backoff
    final: Verdict | None = None
    shut_until_s: float = 0.0


class Connection:
    """Be one socket from its opening to its end.

    `wake` is set when it has ended, or should be replaced (`leaving`); `reason` says why it ended.
    `heard_ms` is until when it was heard (ms UTC, ours): when anything came last, or the feed that stalled.
    Whoever opens it must close it.
    """

    def __init__(self, wiring: Wiring, url: str, wake: asyncio.Event) -> None:
        self.topics: dict[str, Channel] = {}
        self.ended = False
        self.leaving = False
        self.reason = ""
        self.opened_s = self._frame_s = self._excused_s = wiring.clock.monotonic()
        self.heard_ms = wiring.clock.wall_ms()
        self._wiring = wiring
        self._manners = wiring.dialect.manners
        self._url = url
        self._wake = wake
        self._parse = wiring.dialect.parser()
        self._numbers = count(1)
        self._messages = Pacer(self._manners.messages, wiring.clock)
        self._operations = Pacer(self._manners.operations, wiring.clock)
        self._answers: deque[Answer] = deque(maxlen=ANSWERS)
        self._answered = asyncio.Event()
        self._heard: dict[Feed, float] = {}
        self._held = False
        self._nudge = asyncio.Event()
        self._stop = asyncio.Event()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, session: aiohttp.ClientSession) -> None:
        """Connect; raise Lost with what the venue's refusal means."""
        try:
            async with asyncio.timeout(self._manners.connect_s):
                self._socket = await session.ws_connect(
                    self._url, timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S), max_msg_size=FRAME
                )
        except aiohttp.WSServerHandshakeError as error:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            answered = Answered(status=error.status, headers=headers)
            verdict = self._wiring.dialect.judge(answered)
            good = verdict.outcome is Outcome.GOOD
            raise Lost(again("did not open a stream") if good else verdict) from None
        except TimeoutError:
            raise Lost(again(f"did not open a stream within {self._manners.connect_s:g} s")) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(again(f"cannot be reached ({type(error).__name__})")) from None
        self.opened_s = self._frame_s = self._excused_s = self._wiring.clock.monotonic()
        self.heard_ms = self._wiring.clock.wall_ms()
        self._tasks = [asyncio.create_task(self._read(self._socket)), asyncio.create_task(self._keep())]
        for task in self._tasks:
            task.add_done_callback(self._over)

    async def sync(self, wanted: Mapping[str, Channel]) -> dict[str, str]:
        """Make the topics those that are wanted; return what is refused, and why. Raise Lost at the end."""
        gone = [topic for topic in self.topics if topic not in wanted]
        if gone:
            await self._ask(Op.UNSUBSCRIBE, gone, self.topics)
        new = [topic for topic in wanted if topic not in self.topics]
        refused = await self._ask(Op.SUBSCRIBE, new, wanted) if new else {}
        return refused | {t: "was not asked for" for t in new if t not in self.topics and t not in refused}

    async def close(self) -> None:
        """Close the socket and end what runs here; raise what crashed, if anything did."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * CLOSE_S):
                if self._socket is not None:
                    await self._socket.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _leave(self) -> None:
        """Say that another connection should take over."""
        self.leaving = True
        self._stop.set()
        self._wake.set()

    def _over(self, _: "asyncio.Task[None]") -> None:
        self.ended = True
        self._stop.set()
        self._wake.set()
        self._answered.set()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take in frames until the socket ends."""
        while True:
            message = await socket.receive()
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self.reason = self.reason or f"the stream was closed ({_closing(socket, message)})"
                return
            await self._frame(message.data)

    async def _frame(self, data: str | bytes) -> None:
        wiring = self._wiring
        self._frame_s, now_ms = wiring.clock.monotonic(), wiring.clock.wall_ms()
        if not self.reason:  # once given up, what still comes hides no gap
            self.heard_ms = now_ms
        parsed = self._parse(data, now_ms)
        wiring.health.frame()
        if parsed.dropped:
            wiring.health.tally.dropped.update({str(reason): n for reason, n in parsed.dropped.items()})
        for answer in parsed.answers:
            self._answers.append(answer)
            self._answered.set()
        if parsed.closing:
            self._leave()
        if parsed.events:
            for event in parsed.events:
                self._heard[FEEDS[type(event)]] = self._frame_s
            self._held = True
            await wiring.take(parsed)
            self._held, now_s = False, wiring.clock.monotonic()
            if now_s - self._frame_s > HELD_S:  # we did not read: what came meanwhile is not known yet
                self._excused_s = now_s

    async def _keep(self) -> None:
        """Send heartbeats, notice silence, and say when the connection has lived long enough."""
        clock, manners = self._wiring.clock, self._manners
        beat_s = clock.monotonic()
        while True:
            now_s = clock.monotonic()
            if silent := self._silent(now_s):
                self.reason = silent
                return
            if manners.heartbeat_s is not None and now_s >= beat_s + manners.heartbeat_s:
                beat_s = now_s
                try:
                    await self._send(self._wiring.dialect.heartbeat(next(self._numbers)))
                except Lost as lost:
                    self.reason = str(lost)
                    return
            if not self.leaving and manners.life_s is not None and now_s >= self.opened_s + manners.life_s:
                self._leave()
            self._nudge.clear()
            await clock.wait(self._nudge, max(self._due_s(beat_s) - clock.monotonic(), 0.001))

    def _silences(self) -> Iterator[tuple[str, float, float]]:
        """Return what may be silent: its name, for how many seconds, and when it was heard last."""
        yield "everything", self._manners.silent_s, max(self._frame_s, self._excused_s)
        for feed, heard_s in self._heard.items():
            known = [c.silent_s for c in self.topics.values() if c.feed is feed and c.silent_s is not None]
            if known:
                yield str(feed), min(known), max(heard_s, self._excused_s)

    def _silent(self, now_s: float) -> str:
        """Return what has been silent for too long, in words, and keep since when.

        "" stands for nothing, also while it is we who do not read.
        """
        if self._held:
            return ""
        for name, silent_s, heard_s in self._silences():
            if now_s >= heard_s + silent_s:
                silent_ms = self._wiring.clock.wall_ms() - round((now_s - heard_s) * 1000)
                self.heard_ms = min(self.heard_ms, silent_ms)
                return f"{name.replace('_', ' ')} fell silent for {now_s - heard_s:.0f} s"
        return ""

    def _due_s(self, beat_s: float) -> float:
        """Return when something has to be looked at next."""
        manners = self._manners
        if self._held:
            return self._wiring.clock.monotonic() + HELD_S
        due_s = [heard_s + silent_s for _, silent_s, heard_s in self._silences()]
        if manners.heartbeat_s is not None:
            due_s.append(beat_s + manners.heartbeat_s)
        if manners.life_s is not None and not self.leaving:
            due_s.append(self.opened_s + manners.life_s)
        return min(due_s)

    async def _send(self, text: str) -> None:
        """Send a message when the venue allows it; raise Lost if it cannot be sent."""
        if self._socket is None:
            raise Lost(again("was not connected"))
        await self._messages.take()
        try:
            async with asyncio.timeout(SEND_S):
                await self._socket.send_str(text)
        except TimeoutError:
            raise Lost(again(f"took nothing for {SEND_S:g} s")) from None
        except (aiohttp.ClientError, OSError):
            raise Lost(again("closed the stream")) from None

    async def _ask(self, op: Op, topics: Sequence[str], known: Mapping[str, Channel]) -> dict[str, str]:
        """Ask for topics, in halves where a request is refused as a whole; return what is refused."""
        refused: dict[str, str] = {}
        groups = deque([list(topics)])
        while groups:
            requests = list(self._wiring.dialect.requests(op, groups.popleft(), self._numbers))
            for first in range(0, len(requests), self._manners.ahead):
                for reply in await self._asked(requests[first : first + self._manners.ahead]):
                    refused.update(reply.refused)
                    groups.extend(reply.anew)
                    for topic in reply.granted:
                        self._granted(op, known[topic])
        if op is Op.UNSUBSCRIBE:  # whatever is said to that, they are not wanted any more
            for topic in refused:
                self.topics.pop(topic, None)
        return refused

    def _granted(self, op: Op, channel: Channel) -> None:
        if op is Op.UNSUBSCRIBE:
            self.topics.pop(channel.topic, None)
            if all(each.feed is not channel.feed for each in self.topics.values()):
                self._heard.pop(channel.feed, None)
            return
        self.topics[channel.topic] = channel
        if channel.feed not in self._heard:
            self._heard[channel.feed] = self._wiring.clock.monotonic()
            self._nudge.set()
        self._wiring.health.accept(channel.topic)

    async def _asked(self, requests: Sequence[Request]) -> "list[_Reply]":
        """Send requests and gather what is said to them; raise Lost where nothing is."""
        manners = self._manners
        self._answers.clear()
        replies = [_Reply(request, batches_fail=manners.batches_fail) for request in requests]
        for request in requests:
            await self._operations.take(request.weight, stop=self._stop)
            if self._stop.is_set():
                raise Lost(again(self.reason or "is about to close the stream"))
            await self._send(request.text)
        if not manners.acks:
            for reply in replies:
                reply.grant(set(reply.request.topics))
        deadline_s = self._wiring.clock.monotonic() + manners.ack_s
        while waiting := [reply for reply in replies if reply.open]:
            answer = await self._answer(deadline_s)
            if answer is not None:
                self._hear(answer, waiting)
            elif all(reply.refused for reply in waiting):
                for reply in waiting:
                    reply.ask_anew()
            else:
                raise Lost(again(f"did not answer a subscription within {manners.ack_s:g} s"))
        return replies

    def _hear(self, answer: Answer, waiting: "Sequence[_Reply]") -> None:
        """Give an answer to the request that it is about; raise Lost if we are not to ask now."""
        if not answer.ok and answer.code in self._manners.passing:
            raise Lost(again(f"will not be asked now ({answer.code} {answer.text})"))
        if not any(reply.hear(answer) for reply in waiting) and not answer.ok:
            self._wiring.health.error(f"said without being asked: {answer.code} {answer.text}")

    async def _answer(self, deadline_s: float) -> Answer | None:
        """Return the next answer, None when it is too late; raise Lost when the connection has ended."""
        clock = self._wiring.clock
        while not self._answers:
            if self.ended:
                raise Lost(again(self.reason or "closed the stream"))
            left_s = deadline_s - clock.monotonic()
            if left_s <= 0:
                return None
            self._answered.clear()
            await clock.wait(self._answered, left_s)
        return self._answers.popleft()


class _Reply:
    """What a venue said to one request so far."""

    def __init__(self, request: Request, *, batches_fail: bool) -> None:
        self.granted: set[str] = set()
        self.refused: dict[str, str] = {}
        self.anew: list[list[str]] = []
        self.request = request
        self._batches_fail = batches_fail
        self._open = set(request.topics)

    @property
    def open(self) -> bool:
        """Say whether an answer is still due."""
        return bool(self._open)

    def hear(self, answer: Answer) -> bool:
        """Take an answer in; say whether it was one to this request."""
        about = self._about(answer)
        if not about:
            return False
        if answer.ok:
            self.grant(about)
        elif answer.topics or len(about) == 1:
            self._open -= about
            self.refused.update(dict.fromkeys(about, answer.text or answer.code or "refused"))
            if self._batches_fail:
                self.ask_anew()
        else:
            self._halve()
        return True

    def grant(self, topics: set[str]) -> None:
        """Note that topics are had."""
        self.granted |= topics
        self._open -= topics

    def ask_anew(self) -> None:
        """Let what was not answered be asked for again."""
        if self._open:
            self.anew.append(self._ordered())
            self._open.clear()

    def _halve(self) -> None:
        topics = self._ordered()
        middle = len(topics) // 2
        self.anew += [topics[:middle], topics[middle:]]
        self._open.clear()

    def _ordered(self) -> list[str]:
        return [topic for topic in self.request.topics if topic in self._open]

    def _about(self, answer: Answer) -> set[str]:
        """Return the topics of this request that an answer is about."""
        if answer.request_id and self.request.request_id not in ("", answer.request_id):
            return set()
        return self._open & set(answer.topics) if answer.topics else set(self._open)


class Line:
    """Keep one connection up for a set of topics, for as long as any is wanted and the venue allows it."""

    def __init__(self, wiring: Wiring, number: int, url: str) -> None:
        self.url = url
        self.wanted: dict[str, Channel] = {}
        self.closed = False
        self._wiring = wiring
        self._number = number
        self._wake = asyncio.Event()
        self._failures = 0
        self._current: Connection | None = None
        self._lost_ms: int | None = None

    def change(self, *, add: Channel | None = None, remove: str = "") -> None:
        """Want another topic, or one no longer."""
        if add is not None:
            self.wanted[add.topic] = add
        self.wanted.pop(remove, None)
        self._wake.set()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Run until nothing is wanted here any more, or the venue gave a final answer."""
        self.closed = False
        try:
            while self.wanted and (fresh := await self._opened(session)) is not None:
                await self._swap(fresh)
                await self._mind(fresh)
        finally:
            self.closed = True
            connection, self._current = self._current, None
            self._wiring.health.line(self._number, None)
            if connection is not None:
                self._lost_ms = connection.heard_ms  # should it run again, this was not heard
                await connection.close()

    async def _opened(self, session: aiohttp.ClientSession) -> Connection | None:
        """Return a connection with every topic that is wanted, however often it takes; None to give up."""
        wiring = self._wiring
        while self.wanted:
            self._show(VenueState.CONNECTING if self._failures <= 1 else VenueState.DOWN)
            await self._wait()
            if not self.wanted:
                return None
            verdict, connection = (wiring.final, None) if wiring.final else await self._tried(session)
            if connection is not None:
                return connection
            self._failures += 1
            wiring.health.error(verdict.reason)
            if verdict.outcome is Outcome.FINAL:
                await self._give_up(verdict)
                return None
            if verdict.retry_after_s is not None:
                until_s = wiring.clock.monotonic() + verdict.retry_after_s
                wiring.shut_until_s = max(wiring.shut_until_s, until_s)
        return None

    async def _wait(self) -> None:
        """Wait as the failures so far demand, and for as long as the venue wants no connection."""
        wiring = self._wiring
        await pause(wiring.clock, wiring.backoff.delay_s(self._failures))
        await wiring.connects.take()
        while (shut_s := wiring.shut_until_s - wiring.clock.monotonic()) > 0 and wiring.final is None:
            await pause(wiring.clock, shut_s)

    async def _tried(self, session: aiohttp.ClientSession) -> tuple[Verdict, Connection | None]:
        """Open a connection and subscribe; return what went wrong, or it."""
        connection = Connection(self._wiring, self.url, self._wake)
        whole = False
        try:
            await connection.open(session)
            await self._sync(connection)
            whole = True
        except Lost as lost:
            return lost.verdict, None
        finally:
            if not whole:
                await connection.close()
        return Verdict(), connection

    async def _give_up(self, verdict: Verdict) -> None:
        """Never ask again: for the whole venue, or for what this connection was to carry."""
        self.closed = True
        if verdict.scope is Scope.VENUE:
            self._wiring.final = verdict
            self._wiring.health.end(verdict.reason)
        for topic in list(self.wanted):
            await self._refused(topic, verdict.reason)

    async def _refused(self, topic: str, reason: str) -> None:
        self.wanted.pop(topic, None)
        self._wiring.health.refuse(topic, reason)
        await self._wiring.tell(Refused(venue=self._wiring.dialect.venue, topic=topic, reason=reason))

    async def _sync(self, connection: Connection) -> None:
        """Ask for what is wanted until that stands; take out what is refused."""
        while set(connection.topics) != set(self.wanted):
            for topic, reason in (await connection.sync(dict(self.wanted))).items():
                await self._refused(topic, reason)

    async def _swap(self, fresh: Connection) -> None:
        """Put a new connection in the place of the old one, which goes a little later."""
        wiring = self._wiring
        old, self._current = self._current, fresh
        self._show(VenueState.UP)
        if old is not None and old.ended:
            self._lost_ms = old.heard_ms
        try:
            if self._lost_ms is not None:
                wiring.health.tally.reconnects += 1
                since_ms, until_ms, self._lost_ms = self._lost_ms, wiring.clock.wall_ms(), None
                topics, venue = tuple(fresh.topics), wiring.dialect.venue
                await wiring.tell(Outage(venue=venue, since_ms=since_ms, until_ms=until_ms, topics=topics))
            if old is not None and not old.ended:
                await pause(wiring.clock, wiring.dialect.manners.overlap_s)
        finally:
            if old is not None:
                await old.close()

    async def _mind(self, connection: Connection) -> None:
        """Follow changes until another connection is needed, or none."""
        while self.wanted and not connection.ended and not connection.leaving:
            self._wake.clear()
            try:
                await self._sync(connection)
            except Lost as lost:
                connection.reason = connection.reason or str(lost)
                break
            if not connection.ended and not connection.leaving and self.wanted:
                await self._wake.wait()
        lasted = self._wiring.clock.monotonic() - connection.opened_s >= SETTLED_S
        if connection.leaving and not connection.ended:
            self._failures = 0 if lasted else self._failures + 1
        elif self.wanted:
            self._failures = 1 if lasted else self._failures + 1
            self._lost_ms = connection.heard_ms
            self._current = None
            self._wiring.health.error(connection.reason)
            self._show(VenueState.CONNECTING)
            await connection.close()
        else:
            self._current = None
            await connection.close()

    def _show(self, state: VenueState) -> None:
        """Say how this connection is, unless another one still stands while a new one is opened."""
        if state is VenueState.UP or self._current is None or self._current.ended:
            self._wiring.health.line(self._number, state)


class VenueStream:
    """Read a venue's streams: `run` keeps the sockets open, `items` hands out what they said.

    Topics come and go at any time. `run` is one piece of supervised work: it ends when `stop` is called, or
    is cancelled, or raises what crashed. A venue's final answer ends its connections, not `run`.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        clock: Clock | None = None,
        health: Health | None = None,
        queue: EventQueue | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._dialect = dialect
        clock = clock or SystemClock()
        self.health = health or Health(dialect.venue, clock.monotonic)
        self.queue = EventQueue() if queue is None else queue
        self.once = Once()
        self._wiring = Wiring(
            dialect=dialect,
            clock=clock,
            health=self.health,
            connects=Pacer(dialect.manners.connects, clock),
            take=self._take,
            tell=self._tell,
            backoff=backoff or Backoff(),
        )
        self._numbers = count(1)
        self._lines: list[Line] = []
        self._start: Callable[[Line], None] | None = None
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the topics that are wanted and not refused."""
        return tuple(topic for line in self._lines for topic in line.wanted)

    @property
    def connections(self) -> int:
        """Return how many connections carry them."""
        return len(self._lines)

    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Want topics from now on; those that cannot be had are told as refused."""
        known = set(self.topics)
        for channel in channels:
            if channel.topic in known:
                continue
            known.add(channel.topic)
            self.health.expect(channel.feed)
            line = self._place(channel)
            if isinstance(line, str):
                self.health.refuse(channel.topic, line)
                self.queue.add(Refused(venue=self._dialect.venue, topic=channel.topic, reason=line))
            else:
                line.change(add=channel)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Want topics no longer."""
        for topic in set(topics):
            for line in self._lines:
                line.change(remove=topic)

    async def run(self) -> None:
        """Keep the connections up until `stop`, or until cancelled."""
        self._stopped.clear()
        try:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
                await self._run(session)
        finally:
            self._start = None
            self._stopped.set()

    async def stop(self) -> None:
        """Close every connection and end `run` and `items`, within seconds."""
        self._stopping.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._stopped.wait()
        self.queue.close()

    async def items(self) -> AsyncGenerator[Item]:
        """Yield what was said, in the order in which it came; end once stopped and read to the end."""
        while (item := await self.queue.get()) is not None:
            yield item

    async def _run(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.TaskGroup() as group:
            tasks: set[asyncio.Task[None]] = set()

            def start(line: Line) -> None:
                task = group.create_task(self._follow(line, session))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            self._start = start
            for line in self._lines:
                start(line)
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def _follow(self, line: Line, session: aiohttp.ClientSession) -> None:
        await line.run(session)
        self._lines.remove(line)

    def _place(self, channel: Channel) -> Line | str:
        """Return the connection that is to carry a channel, new if need be, else why there is none."""
        if self._wiring.final is not None:
            return self._wiring.final.reason
        for line in self._lines:
            full = not self._dialect.fits([*line.wanted.values(), channel])
            if line.url == channel.url and not line.closed and not full:
                return line
        if len(self._lines) >= self._dialect.manners.connections:
            return "would need more connections than the venue allows"
        line = Line(self._wiring, next(self._numbers), channel.url)
        line.change(add=channel)
        self._lines.append(line)
        if self._start is not None:
            self._start(line)
        return line

    async def _tell(self, notice: Outage | Refused) -> None:
        await self.queue.put(notice)

    async def _take(self, parsed: Parsed) -> None:
        """Hand on what a frame holds and nobody was told yet."""
        for event in parsed.events:
            self.health.event(FEEDS[type(event)], event.ts)
        fresh = deque(Delivered(event=e, backlog=parsed.backlog) for e in self.once.new(parsed.events))
        try:
            while fresh:
                await self.queue.put(fresh[0])
                fresh.popleft()
        finally:  # a connection that is closed while it waits for room loses nothing
            for item in fresh:
                if rank_of(item) is Rank.KEPT:
                    self.queue.add(item)


def _closing(socket: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> str:
    """Return the code with which a socket was closed and the venue's words, if there are any."""
    words = message.extra if isinstance(message.extra, str) else ""
    code = socket.close_code
    return f"{code} {words}".strip() if code is not None else "without a word"
