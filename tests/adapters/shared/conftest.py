"""A clock that tests move, a venue that misbehaves, and the dialect that it speaks."""

import asyncio
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from adapters.parsed import Answer, Dropped, Parsed, lost
from adapters.rest.limits import Limit
from adapters.rest.verdicts import by_status
from adapters.rest.waiting import Backoff
from adapters.stream.dialect import Channel, Manners, Op, Request
from adapters.stream.reader import VenueStream
from adapters.venue import Feed
from engine.model import Candle, Liquidation, OpenInterest, PriceKind, Side, Tick

TESTS = Path(__file__).parents[2]
START_MS = 1_760_000_040_000


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_venue_basics", TESTS / "peers" / "venue_basics.py")


class HandClock:
    """A clock that stands still. `advance` moves it; with `auto` it jumps to the next timer when all wait."""

    IDLE_S = 0.01

    def __init__(self, *, auto=False):
        self.now_s = 5000.0
        self.auto = auto
        self.waits = []
        self.slept = []

    def monotonic(self):
        return self.now_s

    def wall_ms(self):
        return START_MS + round((self.now_s - 5000.0) * 1000)

    async def wait(self, event, timeout_s):
        if timeout_s is None:
            await event.wait()
            return
        if timeout_s <= 0:
            await asyncio.sleep(0)
            return
        entry = [self.now_s + timeout_s, asyncio.Event()]
        self.waits.append(entry)
        self.slept.append(timeout_s)
        try:
            await self._until(event, entry)
        finally:
            self.waits.remove(entry)

    async def _until(self, event, entry):
        tasks = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(entry[1].wait())]
        try:
            while True:
                await asyncio.wait(
                    tasks, timeout=self.IDLE_S if self.auto else None, return_when=asyncio.FIRST_COMPLETED
                )
                if any(task.done() for task in tasks):
                    return
                if entry[0] == min(each[0] for each in self.waits):
                    self.now_s = max(self.now_s, entry[0])
                    return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def advance(self, seconds):
        """Let time pass: every timer on the way fires in its order."""
        target = self.now_s + seconds
        await settle()
        while due := [each for each in self.waits if each[0] <= target and not each[1].is_set()]:
            first = min(due, key=lambda each: each[0])
            self.now_s = max(self.now_s, first[0])
            first[1].set()
            await settle()
        self.now_s = target
        await settle()


async def settle():
    """Let what is ready run, the local sockets included."""
    for _ in range(3):
        await asyncio.sleep(0.002)


async def until(true, seconds=5.0):
    """Wait for something to become true; fail if it does not."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.003)


class Basics:
    """The dialect of the local venue."""

    venue = "basics"

    def __init__(self, **manners):
        given = {
            "messages": Limit(name="messages", budget=1000, window_s=1.0),
            "connects": Limit(name="connects", budget=1000, window_s=60.0),
            "heartbeat_s": 20.0,
            "silent_s": 50.0,
            **manners,
        }
        self.manners = Manners(**given)
        self.batch = 4
        self.most = 100
        self.judged = by_status
        self.bug = False
        self.ids = True

    def fits(self, channels):
        return len(channels) <= self.most

    def requests(self, op, topics, numbers):
        made = []
        for start in range(0, len(topics), self.batch):
            part = tuple(topics[start : start + self.batch])
            number = str(next(numbers))
            text = json.dumps({"op": op.value, "id": number, "topics": part})
            made.append(Request(request_id=number if self.ids else "", text=text, topics=part))
        return made

    def heartbeat(self, number):
        return json.dumps({"op": "ping", "id": number})

    def judge(self, answered):
        return self.judged(answered)

    def parser(self):
        return self.parse

    def parse(self, frame, received_ms):
        if self.bug:
            raise RuntimeError("a bug of ours")
        try:
            said = json.loads(frame)
        except ValueError:
            return lost(Dropped.NOT_JSON)
        if "ack" in said or "err" in said:
            ok = "ack" in said
            number = said["ack"] if ok else said["err"]
            about = {"request_id": number if self.ids else "", "topics": tuple(said.get("topics", ()))}
            text = said.get("text", "")
            code = "60014" if text == "too frequent" else ""
            return Parsed(answers=(Answer(ok=ok, text=text, code=code, **about),))
        if "pong" in said:
            return Parsed(alive=True)
        if "closing" in said:
            return Parsed(closing=True)
        events = [self.event(each, received_ms) for each in said.get("events", ())]
        backlog = bool(said.get("backlog"))
        return Parsed(events=tuple(events), backlog=backlog, dropped=Counter())

    def event(self, said, received_ms):
        known = {"venue": self.venue, "symbol": said.get("s", "BTCUSDT"), "ts": said["ts"]}
        price = said.get("p", 100.0)
        match said["k"]:
            case "tick":
                return Tick(price=price, **known)
            case "oi":
                return OpenInterest(open_interest=price, **known)
            case "candle":
                bar = dict.fromkeys(("open", "high", "low", "close"), price)
                return Candle(volume=1.0, closed=said.get("closed", True), **bar, **known)
        return Liquidation(
            side=Side.LONG,
            price=price,
            price_kind=PriceKind.FILL,
            quantity=1.0,
            notional_usd=price,
            received_ms=received_ms,
            venue_id=said.get("id", ""),
            **known,
        )


class Reader:
    """A stream that runs, with what was read from it."""

    def __init__(self, venue, clock, dialect, **more):
        self.venue, self.clock, self.dialect = venue, clock, dialect
        self.stream = VenueStream(dialect, clock=clock, **more)
        self.items = []
        self.tasks = []

    def channel(self, topic, feed=Feed.PRICES, silent_s=None, path="/ws", **more):
        url = self.venue.stream_url.removesuffix("/ws") + path
        return Channel(topic=topic, feed=feed, url=url, silent_s=silent_s, **more)

    def want(self, *topics, **more):
        self.stream.subscribe([self.channel(topic, **more) for topic in topics])

    def start(self):
        self.tasks = [asyncio.create_task(self.stream.run()), asyncio.create_task(self._read())]
        return self

    async def _read(self):
        async for item in self.stream.items():
            self.items.append(item)

    async def up(self, connections=1):
        """Wait until every topic is had."""

        def ready():
            health = self.stream.health.snapshot()
            return health.lines_up == connections == health.lines

        await until(ready)

    def of(self, kind):
        """What was read of one kind."""
        return [item for item in self.items if isinstance(item, kind)]

    @property
    def events(self):
        return [item.event for item in self.items if hasattr(item, "event")]

    async def stop(self):
        await self.stream.stop()
        for task in self.tasks:
            task.cancel()
        return await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def venue():
    server = await peer.Venue().start()
    yield server
    await server.stop()


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def auto_clock():
    return HandClock(auto=True)


@pytest.fixture
async def make(venue, clock):
    """Make a reader of the local venue: it runs until the test is over."""
    made = []

    def build(*topics, dialect=None, **more):
        dialect = dialect or Basics()
        more.setdefault("backoff", Backoff())
        reader = Reader(venue, clock, dialect, **more)
        reader.want(*topics)
        made.append(reader)
        return reader.start()

    yield build
    for reader in made:
        await reader.stop()


@pytest.fixture
def kit():
    """Names that tests here share."""

    class Kit:
        peer = peer
        Basics = Basics
        Reader = Reader
        Op = Op
        START_MS = START_MS

    Kit.until = staticmethod(until)
    Kit.settle = staticmethod(settle)
    return Kit
