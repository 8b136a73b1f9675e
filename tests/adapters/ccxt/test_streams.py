"""Topics kept being read, whatever the library does: an exchange acted by hand."""

import asyncio
from types import SimpleNamespace

import pytest

from adapters.ccxt import topics as topics_module
from adapters.ccxt.known import PLAIN
from adapters.ccxt.streams import CcxtStream
from adapters.ccxt.topics import Reader
from adapters.health import Health
from adapters.rest.calls import Call, CallFailed
from adapters.rest.verdicts import Scope, never
from adapters.rest.waiting import Backoff, SystemClock
from adapters.stream.dialect import Channel
from adapters.stream.queue import Delivered, EventQueue, Outage, Refused
from adapters.venue import Feed, VenueState
from engine.model import STEP_MS, Candle, Liquidation, Tick

BARS, PRICES, FORCED = (
    "watch_ohlcv BTC/USDT:USDT",
    "watch_ticker BTC/USDT:USDT",
    "watch_liquidations BTC/USDT:USDT",
)


class BadSymbol(Exception):
    """Of the name that ccxt gives it."""


class PermissionDenied(Exception):
    """The same."""


class Exchange:
    """What ccxt would say, put in by tests: an answer, or an error to raise."""

    def __init__(self):
        self.said = {name: asyncio.Queue() for name in ("ohlcv", "ticker", "liquidations")}
        self.liquidations = []
        self.closed = 0

    def say(self, name, *answers):
        for answer in answers:
            self.said[name].put_nowait(answer)

    async def _next(self, name):
        answer = await self.said[name].get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def watch_ohlcv(self, symbol, timeframe):
        return await self._next("ohlcv")

    async def watch_ticker(self, symbol):
        return await self._next("ticker")

    async def watch_liquidations(self, symbol):
        return await self._next("liquidations")

    async def close_ws_clients(self):
        self.closed += 1


class World:
    def __init__(self, known, client=None, silent_s=5.0):
        self.exchange = Exchange()
        self.health = Health("gate", SystemClock().monotonic)
        self.queue = EventQueue()
        self.stream = CcxtStream(
            client or SimpleNamespace(exchange=self.exchange),
            lambda channel: Reader(channel.topic, known, PLAIN, priced=True),
            clock=SystemClock(),
            health=self.health,
            queue=self.queue,
            backoff=Backoff(first_s=0.02, longest_s=0.02),
        )
        self.silent_s = silent_s

    def want(self, *names):
        feeds = {BARS: Feed.CANDLES, FORCED: Feed.LIQUIDATIONS}
        self.stream.subscribe(
            Channel(
                topic=name,
                feed=feeds.get(name, Feed.PRICES),
                url="",
                silent_s=None if name == FORCED else self.silent_s,
            )
            for name in names
        )

    async def next(self, kind):
        """Return the next item of a kind, or the next event."""
        async with asyncio.timeout(5.0):
            while True:
                item = await self.queue.get()
                event = item.event if isinstance(item, Delivered) else item
                if isinstance(event, kind):
                    return event


@pytest.fixture
async def run():
    tasks = []

    def start(world):
        tasks.append(asyncio.create_task(world.stream.run()))
        return world

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def at(ms=0):
    return SystemClock().wall_ms() // STEP_MS * STEP_MS + ms


def bar(opened, close=100.0):
    return [opened, 100.0, 200.0, 50.0, close, 1.0]


async def test_a_crash_in_one_topic_stops_no_other_and_is_tried_again(run, make_known):
    world = run(World(make_known()))
    world.want(BARS, PRICES)
    world.exchange.say("ohlcv", KeyError("nonsense"), [bar(at())])
    world.exchange.say("ticker", {"last": 5.0})
    assert (await world.next(Tick)).price == 5.0
    assert not (await world.next(Candle)).closed
    assert world.health.snapshot().last_error == "said what ccxt cannot read (KeyError)"
    outage = await world.next(Outage)
    assert outage.topics == (BARS,)
    assert world.health.state is VenueState.UP
    assert world.health.snapshot().reconnects == 1


async def test_a_bar_that_was_cut_off_is_not_called_closed(run, make_known):
    world = run(World(make_known()))
    world.want(BARS)
    world.exchange.say("ohlcv", [bar(at(-STEP_MS))], OSError("gone"), [bar(at())], [bar(at(), 150.0)])
    seen = [await world.next(Candle) for _ in range(3)]
    assert [(each.ts, each.closed) for each in seen] == [(at(-STEP_MS), False), (at(), False), (at(), False)]


async def test_what_comes_between_two_calls_is_not_lost(run, make_known):
    world = run(World(make_known()))
    world.want(FORCED)
    base = {"symbol": "BTC/USDT:USDT", "side": "sell", "price": 10.0, "timestamp": at(), "contracts": 1.0}
    rows = [base | {"contracts": float(nth)} for nth in range(1, 5)]
    world.exchange.liquidations += rows
    world.exchange.say("liquidations", rows[:1])
    assert [(await world.next(Liquidation)).quantity for _ in rows] == [1.0, 2.0, 3.0, 4.0]
    assert world.health.state is VenueState.UP


async def test_a_topic_that_is_gone_is_refused_alone(run, make_known):
    world = run(World(make_known()))
    world.want(BARS, PRICES)
    world.exchange.say("ohlcv", BadSymbol("gate"))
    refused = await world.next(Refused)
    assert (refused.topic, refused.reason) == (BARS, "does not trade this any more")
    assert world.stream.topics == (PRICES,)
    world.exchange.say("ticker", {"last": 6.0})
    assert (await world.next(Tick)).price == 6.0
    assert not world.health.snapshot().final


async def test_a_final_answer_ends_the_venue(run, make_known):
    world = run(World(make_known()))
    world.want(PRICES)
    world.exchange.say("ticker", PermissionDenied("no"))
    await world.next(Refused)
    assert world.health.snapshot().final.startswith("does not let us in")
    assert world.health.state is VenueState.DOWN


async def test_silence_of_all_opens_the_sockets_again(run, make_known):
    world = run(World(make_known(), silent_s=0.1))
    world.want(PRICES)
    async with asyncio.timeout(5.0):
        while not world.exchange.closed:
            await asyncio.sleep(0.01)
    assert world.health.snapshot().last_error in ("is silent", "")
    world.exchange.say("ticker", {"last": 7.0})
    assert (await world.next(Tick)).price == 7.0


async def test_one_silent_topic_is_stale_while_others_talk(run, make_known):
    world = run(World(make_known(), silent_s=0.3))
    world.want(BARS, PRICES)
    for nth in range(12):
        world.exchange.say("ticker", {"last": 7.0 + nth})
        await asyncio.sleep(0.05)
    assert world.exchange.closed == 0
    assert world.health.state is VenueState.STALE


async def test_a_wait_that_the_library_cancels_is_a_lost_connection(run, make_known):
    world = run(World(make_known()))
    world.want(PRICES)
    world.exchange.say("ticker", asyncio.CancelledError(), {"last": 8.0})
    assert (await world.next(Tick)).price == 8.0
    assert world.health.snapshot().last_error == "closed the connection"


async def test_topics_come_and_go_while_it_runs(run, make_known):
    world = run(World(make_known()))
    await asyncio.sleep(0)
    world.want(PRICES, PRICES)
    world.exchange.say("ticker", {"last": 9.0})
    assert (await world.next(Tick)).price == 9.0
    world.stream.unsubscribe([PRICES, "unknown"])
    assert world.stream.topics == ()
    await asyncio.sleep(0.01)
    world.exchange.say("ticker", {"last": 10.0})
    await asyncio.sleep(0.05)
    assert world.exchange.said["ticker"].qsize() == 1
    assert world.health.snapshot().lines == 0


async def test_what_cannot_be_watched_is_asked_for_again_and_again(run, make_known, monkeypatch):
    monkeypatch.setattr(topics_module, "EVERY_S", {})
    monkeypatch.setattr("adapters.ccxt.streams.EVERY_S", {"fetch_ticker": 0.02})
    prices = iter([1.0, 2.0, 3.0])

    class Client:
        exchange = Exchange()

        async def ask(self, call, *, patience_s):
            assert (call.path, call.body) == ("/fetch_ticker", {"symbol": "BTC/USDT:USDT"})
            price = next(prices, None)
            if price is None:
                raise CallFailed("gate", Call(path="/"), never("has gone", scope=Scope.VENUE))
            return {"last": price}

    world = run(World(make_known(), client=Client()))
    world.want("fetch_ticker BTC/USDT:USDT")
    assert [(await world.next(Tick)).price for _ in range(3)] == [1.0, 2.0, 3.0]
    assert (await world.next(Refused)).reason == "has gone"


async def test_the_last_close_is_the_price_where_nothing_else_says_one(make_known):
    reader = Reader(BARS, make_known(), PLAIN, priced=False)
    now = SystemClock().wall_ms()
    events = reader.read([bar(at(), 101.0)], None, now).events
    assert [type(each) for each in events] == [Candle, Tick]
    assert (events[1].price, events[1].ts) == (101.0, now)
    assert len(reader.read([bar(at(-STEP_MS))], None, now).events) == 2  # the newest bar stays the newest
