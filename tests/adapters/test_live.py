"""Four local venues over real sockets, read at once as one source."""

import asyncio
import importlib.util
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters import live
from adapters.live import LiveSource
from adapters.live_order import merged
from adapters.live_venue import Pace
from adapters.venue import SourceKind, VenueState
from engine.errors import SourceError, StorageError
from engine.model import DAY_MS, STEP_MS, Candle, Candles, Funding, Liquidation, OpenInterest, Side, Tick

PATH = Path(__file__).parents[1] / "peers" / "four_venues.py"
QUICK = Pace(open_s=10.0, others_s=1.0, retry_s=0.1, retry_most_s=0.4, poll_s=0.2, hold_s=0.3)
BTC = "BTCUSDT"
ALL = ("binance", "bybit", "okx", "hyperliquid")


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


four = load("peers_four_venues", PATH)


async def until(condition, timeout_s=10.0):
    """Wait until a condition holds, and return what it gave."""
    async with asyncio.timeout(timeout_s):
        while not (found := condition()):
            await asyncio.sleep(0.005)
    return found


class MemoryArchive:
    """Keep everything in memory; refuse while `full`."""

    def __init__(self):
        self.kept = {}
        self.events = []
        self.reads = 0
        self.full = False
        self.unreadable = False

    async def candles(self, symbol, venue, since_ms, until_ms):
        if self.unreadable:
            raise StorageError("The disk is gone.")
        self.reads += 1
        held = self.kept.get((symbol, venue), Candles.empty())
        first, end = np.searchsorted(held.ts, [since_ms, until_ms])
        return held[slice(first, end)]

    async def add_candles(self, symbol, venue, candles):
        if self.full:
            raise StorageError("There is no room.")
        held = self.kept.get((symbol, venue), Candles.empty())
        assert not set(held.ts.tolist()) & set(candles.ts.tolist())
        self.kept[symbol, venue] = merged([held, candles])

    async def add_events(self, events):
        if self.full:
            raise StorageError("There is no room.")
        self.events += events

    def of(self, kind, venue=None):
        return [e for e in self.events if isinstance(e, kind) and venue in (None, e.venue)]


class Reading:
    """A source with somebody who reads its events."""

    def __init__(self, source):
        self.source = source
        self.seen = []
        self.task = asyncio.create_task(self._read())

    async def _read(self):
        async for event in self.source.events():
            self.seen.append(event)

    def of(self, kind, venue):
        return [e for e in self.seen if isinstance(e, kind) and e.venue == venue]

    async def up(self, *venues):
        """Wait until these venues are read."""
        await until(lambda: all(self.health(name).state is VenueState.UP for name in venues or ALL))

    def health(self, name):
        return next(each for each in self.source.health() if each.venue == name)


@pytest.fixture
async def world():
    venues = await four.FourVenues().start()
    yield venues
    await venues.stop()
    assert venues.exceeded == []


@pytest.fixture
def archive():
    return MemoryArchive()


@pytest.fixture
async def begin(world, archive):
    """Open a source of some venues, and read it; it must stop within three seconds and leave nothing."""
    begun = []
    before = asyncio.all_tasks()

    async def make(*names, pace=QUICK, symbols=(BTC,), kits=None):
        source = LiveSource(kits or world.kits(*names), symbols, archive, pace=pace)
        await source.open()
        begun.append(Reading(source))
        return begun[-1]

    yield make
    for reading in begun:
        began_s = time.monotonic()
        await reading.source.aclose()
        await reading.source.aclose()
        assert time.monotonic() - began_s < 3.0
        await asyncio.wait_for(reading.task, 1.0)
        with pytest.raises(SourceError):
            await reading.source.history(BTC, until_ms=world.base)
    await asyncio.sleep(0.02)
    ours = ("adapters/live", "adapters/rest", "adapters/stream")
    left = [task.get_coro() for task in asyncio.all_tasks() - before]
    assert [coro for coro in left if any(o in coro.cr_code.co_filename for o in ours)] == []


async def test_all_four_come_out_alike(world, archive, begin):
    reading = await begin()
    source = reading.source
    await reading.up()
    assert (source.kind, source.label(), source.venues) == (SourceKind.LIVE, "", ALL)
    assert (source.symbols, source.venues_of(BTC)) == ((BTC,), ALL)
    assert abs(source.now_ms() - four.now_ms()) < 1000
    for name in ALL:
        await world.price(name, 60_123.5)
    closes = {name: await world.close(name, world.base - STEP_MS) for name in ALL}
    for name in ALL:
        await world.liquidate(name, times=2)
    await world.states()
    for name in ALL:
        (candle,) = await until(lambda name=name: reading.of(Candle, name))
        assert (candle.symbol, candle.ts, candle.closed) == (BTC, world.base - STEP_MS, True)
        assert candle.close == pytest.approx(closes[name])
        assert 5.0 <= candle.volume <= 268.5  # coins, not contracts
        ticks = await until(lambda name=name: reading.of(Tick, name))
        assert ticks[-1].price == 60_123.5
        (forced,) = await until(lambda name=name: archive.of(Liquidation, name))
        assert (forced.side, forced.price, forced.quantity) == (Side.LONG, 59_000.0, 1.5)
        assert forced.notional_usd == 88_500.0
        told = await until(lambda name=name: archive.of(OpenInterest, name))
        coins = {"binance": 10_659.509, "bybit": 50_000.0, "okx": 2_000.0, "hyperliquid": 1_000.0}
        assert told[0].open_interest == coins[name]
        rates = await until(lambda name=name: archive.of(Funding, name))
        assert rates[0].rate == pytest.approx({"hyperliquid": 0.0000125}.get(name, 0.0001))
    await asyncio.sleep(0.3)
    assert Counter(e.venue for e in archive.of(Liquidation)) == dict.fromkeys(ALL, 1)
    assert all(each.ok and not each.detail for each in source.health())


async def test_open_interest_at_its_open_is_put_into_a_candle(world, begin):
    reading = await begin("okx")
    await reading.up("okx")
    for ts, coins in ((world.base - STEP_MS + 900, 2_000), (world.base - STEP_MS + 9_000, 2_100)):
        row = world.frames.interest(four.SWAP, 0, coins, ts)
        await world.okx.push(world.frames.data("open-interest", four.SWAP, [row]))
    await world.close("okx", world.base - STEP_MS)
    (candle,) = await until(lambda: reading.of(Candle, "okx"))
    assert candle.open_interest == 2_000.0


async def test_a_price_waits_for_the_candle_before_it_but_not_for_long(world, begin):
    reading = await begin("binance", pace=replace(QUICK, hold_s=1.0))
    await reading.up("binance")
    first = world.base - 3 * STEP_MS
    await world.price("binance", 60_000, first + 1)
    await world.price("binance", 60_001, first + STEP_MS + 1)
    await asyncio.sleep(0.2)
    await world.close("binance", first)
    await until(lambda: len(reading.seen) == 3)
    assert [type(each) for each in reading.seen] == [Tick, Candle, Tick]
    began_s = time.monotonic()
    await world.price("binance", 60_002, first + 2 * STEP_MS + 1)
    await until(lambda: len(reading.seen) == 4)
    assert 0.8 < time.monotonic() - began_s < 3.0


async def test_trouble_of_one_delays_no_other(world, begin):
    world.binance.block()
    world.bybit.fail("*", stall_s=8.0, times=1000)
    began_s = time.monotonic()
    reading = await begin()
    assert time.monotonic() - began_s < 4.0
    await reading.up("okx", "hyperliquid")
    assert reading.source.venues_of(BTC) == ("okx", "hyperliquid")
    refused = reading.health("binance")
    assert (refused.state, refused.ok) == (VenueState.DOWN, False)
    assert refused.detail == "binance does not serve this country (HTTP 451)"
    assert reading.health("bybit").state is VenueState.CONNECTING
    calls = len(world.binance.calls)
    world.okx.cut('{"arg":{"channel":"mark-price"},"data":[{"instId":"BTC-USDT-SWAP"}]}')
    began_s = time.monotonic()
    await world.price("hyperliquid", 61_000.0)
    await until(lambda: any(each.price == 61_000.0 for each in reading.of(Tick, "hyperliquid")))
    assert time.monotonic() - began_s < 2.0
    await until(lambda: reading.health("okx").reconnects == 2)  # two paths, a connection each
    await reading.up("okx")
    await world.price("okx", 61_001.0)
    await until(lambda: reading.of(Tick, "okx"))
    assert len(world.binance.calls) == calls


async def test_a_refused_handshake_ends_a_venue_for_good(world, begin):
    world.binance.lines.refuse_status = 451
    reading = await begin("binance", "okx")
    await until(lambda: reading.source.venues_of(BTC) == ("okx",))
    assert "451" in reading.health("binance").detail
    calls = len(world.binance.calls)
    await asyncio.sleep(0.5)  # it is polled five times a second while it is read
    assert len(world.binance.calls) == calls
    held = await reading.source.history(BTC, until_ms=world.base, venue="binance")
    assert (len(held), world.asked("binance")) == (0, 0)


async def test_a_gap_after_a_reconnect_is_filled_once(world, archive, begin):
    reading = await begin("binance")
    source = reading.source
    await reading.up("binance")
    first = world.base - 3 * STEP_MS
    await world.close("binance", first)
    await until(lambda: reading.seen)
    world.binance.lines.cut(inside=True)
    await until(lambda: reading.health("binance").reconnects)
    await world.close("binance", first + 2 * STEP_MS)
    await until(lambda: len(reading.seen) == 2)
    for _ in range(2):
        missed = await source.history(BTC, since_ms=first + STEP_MS, until_ms=first + 2 * STEP_MS)
        assert missed.ts.tolist() == [first + STEP_MS]
        assert world.asked("binance") == 1
    whole = await source.history(BTC, since_ms=first, until_ms=world.base, venue="binance")
    assert whole.ts.tolist() == list(range(first, world.base, STEP_MS))
    assert world.asked("binance") == 1  # what closed here is known here
    assert archive.reads == 3


@pytest.mark.parametrize("name", ALL)
async def test_only_what_an_archive_lacks_is_asked_for_and_what_is_not_there_is_remembered(
    world, archive, begin, name
):
    reading = await begin(name)
    first, hole = world.base - 40 * STEP_MS, world.base - 20 * STEP_MS
    world.gone(hole)
    kept = Candles.of(
        [
            Candle(venue=name, symbol=BTC, ts=ts, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0)
            for ts in range(first, first + 10 * STEP_MS, STEP_MS)
        ]
    )
    await archive.add_candles(BTC, name, kept)
    found = await asyncio.gather(
        *(reading.source.history(BTC, since_ms=first, until_ms=world.base, venue=name) for _ in range(3))
    )
    times = [ts for ts in range(first, world.base, STEP_MS) if ts != hole or name == "binance"]
    for bars in found:
        assert bars.ts.tolist() == times
        assert bars.close[:10].tolist() == [1.0] * 10
        assert bars.close[10:].min() > 50_000
        assert np.isnan(bars.open_interest[10:]).all() == (name == "hyperliquid")
    asked = world.asked(name)
    assert asked == (1 if name == "binance" else 2)  # what is missing is asked for once more
    assert len(archive.kept[BTC, name]) == len(times)
    assert len(await reading.source.history(BTC, since_ms=hole, until_ms=world.base, venue=name))
    assert world.asked(name) == asked


async def test_what_closed_just_now_may_still_come(world, begin):
    reading = await begin("bybit")
    newest = world.base - STEP_MS
    world.bybit.there.holes.add(newest)
    assert len(await reading.source.history(BTC, since_ms=newest, until_ms=world.base)) == 0
    world.bybit.there.holes.clear()
    assert len(await reading.source.history(BTC, since_ms=newest, until_ms=world.base)) == 1


async def test_history_is_bounded(world, begin):
    reading = await begin("binance")
    bars = await reading.source.history(BTC, until_ms=1 << 60)
    now = four.now_ms()
    assert 45 * 288 - 2 <= len(bars) <= 45 * 288
    assert bars.ts[0] >= now - 45 * DAY_MS - 2 * STEP_MS
    assert bars.ts[-1] + STEP_MS <= now
    assert world.asked("binance") == 13
    month = bars.ts >= now - 27 * DAY_MS
    assert not np.isnan(bars.open_interest[month]).any()
    assert len(await reading.source.history(BTC, until_ms=now - 60 * DAY_MS)) == 0
    old = now - 60 * DAY_MS
    assert len(await reading.source.history(BTC, since_ms=old, until_ms=old + DAY_MS)) == 0
    assert world.asked("binance") == 13


async def test_history_of_what_is_not_read_and_of_what_does_not_answer(world, archive, begin):
    reading = await begin("binance")
    source = reading.source
    for symbol, venue in (("ETHUSDT", None), (BTC, "bybit")):
        with pytest.raises(SourceError, match="is not read"):
            await source.history(symbol, until_ms=world.base, venue=venue)
    world.binance.fail("klines", status=400, body='{"code":-1130,"msg":"no"}')
    with pytest.raises(SourceError, match="binance"):
        await source.history(BTC, until_ms=world.base, since_ms=world.base - 5 * STEP_MS)
    world.binance.fail("openInterestHist", status=400, times=2, body='{"code":-1130,"msg":"no"}')
    archive.full = True
    bars = await source.history(BTC, until_ms=world.base, since_ms=world.base - 5 * STEP_MS)
    assert len(bars) == 5  # what cannot be kept is used all the same
    archive.full, archive.unreadable = False, True
    with pytest.raises(SourceError, match="cannot be read"):
        await source.history(BTC, until_ms=world.base)


async def test_stopping_does_not_wait_for_history(world, begin):
    reading = await begin("binance")
    world.binance.fail("klines", stall_s=5.0, times=100)
    asking = asyncio.create_task(reading.source.history(BTC, until_ms=world.base))
    await until(lambda: world.asked("binance"))
    began_s = time.monotonic()
    await reading.source.aclose()
    with pytest.raises(SourceError, match="in time"):
        await asking
    assert time.monotonic() - began_s < 3.0


async def test_stopping_does_not_wait_for_who_does_not_say_good_bye(world, begin):
    reading = await begin("binance", "bybit")
    await reading.up("binance", "bybit")
    for line in (*world.binance.lines.open, *world.bybit.clients):
        line.request.transport.pause_reading()  # what is said to it is not heard any more
    began_s = time.monotonic()
    await reading.source.aclose()
    assert time.monotonic() - began_s < 3.0


async def test_what_is_traded_is_learnt_again_and_again(world, archive, begin):
    reading = await begin("bybit", "okx", pace=replace(QUICK, renew_s=0.3))
    await reading.up("bybit", "okx")
    assert world.bybit.clients[0].topics
    world.bybit.there.delist(BTC)
    await until(lambda: reading.source.venues_of(BTC) == ("okx",))
    await until(lambda: not any(client.topics for client in world.bybit.clients))
    await world.okx_liquidation(150)
    await until(lambda: archive.of(Liquidation))
    world.okx.world.instruments = [world.frames.contract("BTC", ct_val="0.02")]
    asked = world.okx.calls["public/instruments"]
    await until(lambda: world.okx.calls["public/instruments"] >= asked + 2)
    await world.okx_liquidation(150)
    await until(lambda: len(archive.of(Liquidation)) == 2)
    assert [each.quantity for each in archive.of(Liquidation)] == [1.5, 3.0]
    world.okx.world.instruments = []  # an answer that holds nothing ends nothing
    asked = world.okx.calls["public/instruments"]
    await until(lambda: world.okx.calls["public/instruments"] >= asked + 2)
    assert reading.source.venues_of(BTC) == ("okx",)


async def test_a_venue_that_comes_late_is_read_then(world, begin):
    listed, world.okx.world.instruments = world.okx.world.instruments, []
    reading = await begin("okx", "binance")
    assert reading.source.venues_of(BTC) == ("binance",)
    found = reading.health("okx")
    assert (found.state, found.detail) == (VenueState.DOWN, "okx lists nothing that is traded")
    world.okx.world.instruments = listed
    await reading.up("okx")
    assert reading.source.venues_of(BTC) == ("okx", "binance")
    assert reading.health("okx").detail == ""


async def test_what_crashed_is_begun_anew_and_says_nothing_twice(world, archive, begin, monkeypatch):
    monkeypatch.setattr(live, "CRASHED_S", 0.05)
    (kit,) = world.kits("binance")
    crashes = [RuntimeError("a bug")]
    made = []

    class Faulty(type(kit)):
        def dialect(self, instruments):
            dialect = super().dialect(instruments)
            made.append(dialect)
            inner = dialect.parser()

            def read(frame, received_ms):
                if "aggTrade" in frame and "data" in frame and crashes:
                    raise crashes.pop()
                return inner(frame, received_ms)

            dialect.parser = lambda: read
            return dialect

    reading = await begin(kits=[Faulty(rest_url=kit.rest_url, stream_url=kit.stream_url)])
    await reading.up("binance")
    row = {"T": world.base}
    await world.binance.forced(BTC, "SELL", "1", "59000", **row)
    await until(lambda: archive.of(Liquidation))
    await world.price("binance", 60_000)
    await until(lambda: len(made) == 2)
    await reading.up("binance")
    await world.binance.forced(BTC, "SELL", "1", "59000", **row)
    await world.price("binance", 60_001)
    await until(lambda: reading.of(Tick, "binance"))
    await asyncio.sleep(1.2)
    assert len(archive.of(Liquidation)) == 1


async def test_no_venue_at_all(world, archive):
    world.binance.block()
    source = LiveSource(world.kits("binance", "okx"), ("NONEUSDT",), archive, pace=QUICK)
    with pytest.raises(SourceError, match=r"trades NONEUSDT: binance does not .*; okx trades none of"):
        await source.open()
    assert source.symbols == ()
    await source.aclose()


async def test_a_reader_that_is_slow_loses_prices_and_never_a_candle(world, archive, monkeypatch):
    monkeypatch.setattr(live, "QUEUE", 10)
    source = LiveSource(world.kits("binance", "bybit"), (BTC,), archive, pace=QUICK)
    await source.open()
    await until(lambda: all(each.state is VenueState.UP for each in source.health()))
    first = world.base - 3 * STEP_MS
    for name in ("binance", "bybit"):
        await world.close(name, first)
    for number in range(30):
        await world.price("binance", 60_000 + number, first + STEP_MS + number)
    await world.close("binance", first + STEP_MS)
    await until(lambda: source.health()[0].messages >= 33)
    await asyncio.sleep(0.1)
    events, seen = source.events(), []
    for _ in range(10):
        seen.append(await asyncio.wait_for(anext(events), 1.0))
    await source.aclose()
    assert [each async for each in events] == []
    candles = [(each.venue, each.ts - first) for each in seen if isinstance(each, Candle)]
    assert sorted(candles) == [("binance", 0), ("binance", STEP_MS), ("bybit", 0)]
    prices = [each.price for each in seen if isinstance(each, Tick) and each.venue == "binance"]
    assert prices == [60_000.0 + number for number in range(30 - len(prices), 30)]


async def test_an_archive_that_is_full_for_a_while_gets_everything_in_the_end(world, archive, begin):
    reading = await begin("bybit")
    await reading.up("bybit")
    archive.full = True
    await world.liquidate("bybit")
    await until(lambda: reading.source._recorder.waiting)
    await asyncio.sleep(1.1)
    archive.full = False
    await reading.source.aclose()  # what waits is written at the end
    assert len(archive.of(Liquidation)) == 1
