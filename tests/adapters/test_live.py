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
from adapters.live_archive import Held
from adapters.live_order import merged
from adapters.live_venue import Pace
from adapters.series import What
from adapters.stream.queue import Delivered
from adapters.venue import Feed, SourceKind, VenueState
from engine.errors import SourceError, StorageError
from engine.model import (
    DAY_MS,
    STEP_MS,
    Candle,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    PriceKind,
    Side,
    Tick,
)

PATH = Path(__file__).parents[1] / "peers" / "four_venues.py"
QUICK = Pace(open_s=10.0, others_s=1.0, retry_s=0.1, retry_most_s=0.4, poll_s=0.2, hold_s=0.3)
BTC = "BTCUSDT"
ALL = ("binance", "bybit", "okx", "hyperliquid")
EVENTS = {What.OPEN_INTEREST: OpenInterest, What.FUNDING: Funding, What.RATIOS: LongShortRatio}


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
        self.gone = {}
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

    async def absences(self, symbol, venue):
        return self.gone.get((symbol, venue), ())

    async def add_absences(self, symbol, venue, absent):
        self.gone[symbol, venue] = [*self.gone.get((symbol, venue), ()), *absent]

    async def add_events(self, events):
        if self.full:
            raise StorageError("There is no room.")
        self.events += events

    async def held(self, symbol, venue, series, since_ms, until_ms):
        rows = [e for e in self.of(EVENTS[series.what], venue) if e.symbol == symbol]
        first = min((e.ts for e in rows), default=None)
        times = {e.ts - e.ts % (series.step_ms or 1) for e in rows if since_ms <= e.ts < until_ms}
        return Held(times=np.array(sorted(times), np.int64), first_ms=first)

    async def fill(self, symbol, venue, series, rows, absent):
        await self.add_events(rows)

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


@pytest.fixture(autouse=True)
def final_at_once(monkeypatch):
    """Let candles be asked for as soon as they have closed: the local venues do not change them."""
    monkeypatch.setattr(live, "FINAL_MS", 0)


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
        assert time.monotonic() - began_s < 20.0
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


@pytest.mark.parametrize("there", [True, False])
async def test_how_often_binance_pays_funding_is_asked_once_and_not_needed(world, archive, begin, there):
    world.binance.market.hours[BTC] = 4
    if not there:
        world.binance.fail("fundingInfo", status=503, times=100)
    reading = await begin("binance")
    await reading.up("binance")
    await world.binance.mark(BTC)
    (told, *_) = await until(lambda: archive.of(Funding))
    assert told.interval_h == (4.0 if there else None)
    if there:
        assert sum(path.endswith("fundingInfo") for path, _ in world.binance.calls) == 1


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
    reading = await begin("binance", pace=replace(QUICK, hold_s=3.0))
    await reading.up("binance")
    first = world.base - 3 * STEP_MS
    await world.price("binance", 60_000, first + 1)
    await world.price("binance", 60_001, first + STEP_MS + 1)
    await asyncio.sleep(0.2)
    await world.close("binance", first)
    await until(lambda: len(reading.seen) == 3)
    assert [type(each) for each in reading.seen] == [Tick, Candle, Tick]
    await world.price("binance", 60_002, first + 2 * STEP_MS + 1)
    await until(lambda: len(reading.seen) == 4)  # though its candle never comes


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
    shown = {each.venue: each for each in reading.source.snapshots()}
    assert tuple(shown) == ALL
    assert (shown["binance"].ok, shown["binance"].note) == (False, refused.detail)
    assert shown["okx"].ok
    assert shown["okx"].lines_up == shown["okx"].lines == 2
    assert Feed.LIQUIDATIONS in shown["okx"].ages_s
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


async def test_a_gap_after_a_reconnect_is_filled_at_once_and_once(world, archive, begin):
    reading = await begin("binance")
    source = reading.source
    await reading.up("binance")
    first = world.base - 3 * STEP_MS
    await world.close("binance", first)
    await until(lambda: reading.seen)
    world.binance.lines.cut(inside=True)
    await until(lambda: reading.health("binance").reconnects)
    await until(lambda: len(reading.of(Candle, "binance")) == 3)  # nobody had to wait for the next close
    await world.close("binance", first + 2 * STEP_MS)
    await world.price("binance", 60_001)
    await until(lambda: reading.of(Tick, "binance"))
    assert [each.ts for each in reading.of(Candle, "binance")] == list(range(first, world.base, STEP_MS))
    for _ in range(2):
        missed = await source.history(BTC, since_ms=first + STEP_MS, until_ms=first + 2 * STEP_MS)
        assert missed.ts.tolist() == [first + STEP_MS]
    whole = await source.history(BTC, since_ms=first, until_ms=world.base, venue="binance")
    assert whole.ts.tolist() == list(range(first, world.base, STEP_MS))
    assert world.asked("binance") == 1  # what closed here is known here
    (shown,) = source.snapshots()
    assert (shown.gaps_filled, shown.reconnects) == (1, reading.health("binance").reconnects)


async def test_a_close_that_no_stream_told_is_asked_for_soon(world, begin):
    into_s = time.time() % (STEP_MS / 1000)
    reading = await begin("bybit", pace=replace(QUICK, late_s=into_s + 1.5))
    await reading.up("bybit")
    (late,) = await until(lambda: reading.of(Candle, "bybit"))
    assert late.ts == world.base - STEP_MS
    await asyncio.sleep(0.3)
    assert world.asked("bybit") == 1


async def test_what_is_not_there_is_remembered_by_the_archive_as_well(world, archive, begin):
    first, hole = world.base - 40 * STEP_MS, world.base - 20 * STEP_MS
    world.gone(hole)
    for life in range(2):
        reading = await begin("bybit")
        bars = await reading.source.history(BTC, since_ms=first, until_ms=world.base)
        assert sorted(set(range(first, world.base, STEP_MS)) - set(bars.ts.tolist())) == [hole]
        if not life:
            asked = world.asked("bybit")
            assert asked == 2  # what was lacking was asked for again
            assert archive.gone == {(BTC, "bybit"): [(hole, hole)]}
        await reading.source.aclose()
    assert world.asked("bybit") == asked


async def test_what_is_of_a_time_to_come_is_counted_and_left_out(world, begin):
    reading = await begin("okx")
    await reading.up("okx")
    await world.price("okx", 1.0, four.now_ms() + 3_600_000)
    await world.close("okx", world.base + 100 * STEP_MS)
    await world.price("okx", 60_005.0)
    await world.close("okx", world.base - STEP_MS)
    await until(lambda: reading.of(Candle, "okx") and reading.of(Tick, "okx"))
    assert [each.price for each in reading.of(Tick, "okx")] == [60_005.0]
    assert [each.ts for each in reading.of(Candle, "okx")] == [world.base - STEP_MS]
    (shown,) = reading.source.snapshots()
    assert shown.dropped["of a time to come"] == 2


async def test_what_was_heard_at_the_very_end_is_kept(world, archive, begin):
    reading = await begin("bybit")
    await reading.up("bybit")
    (venue,) = reading.source._venues.values()
    told = Liquidation(
        venue="bybit",
        symbol=BTC,
        ts=world.base,
        side=Side.LONG,
        price=1.0,
        price_kind=PriceKind.BANKRUPTCY,
        quantity=2.0,
        notional_usd=2.0,
        received_ms=world.base,
        venue_id="",
    )
    venue._queue.add(Delivered(event=told))  # nobody has taken it yet
    await reading.source.aclose()
    assert archive.of(Liquidation) == [told]


async def test_a_list_that_is_not_there_for_a_moment_ends_nothing(world, begin):
    world.okx.refuse("public/instruments", 404, "<html>gone</html>", times=2)
    reading = await begin("okx", "bybit")
    await until(
        lambda: (
            reading.source.venues_of(BTC) == ("bybit", "okx")
            or reading.source.venues_of(BTC) == ("okx", "bybit")
        )
    )
    await reading.up("okx")


async def test_ratios_of_longs_to_shorts_are_asked_for(world, archive, begin):
    reading = await begin("binance", "bybit", "okx", "hyperliquid")
    for name in ("binance", "bybit"):
        told = await until(lambda name=name: archive.of(LongShortRatio, name))
        assert (told[0].symbol, told[0].step_ms) == (BTC, STEP_MS)
        assert 0.1 < told[0].ratio < 10
        assert len({each.kind for each in told}) == 1
    assert not archive.of(LongShortRatio, "hyperliquid")
    assert Feed.LONG_SHORT in reading.source.feeds


async def test_a_symbol_without_ratios_keeps_no_other_from_them(world, archive, begin):
    world.bybit.fail("account-ratio", code=10001, words="params error: symbol invalid", times=1)
    await begin("bybit", symbols=(BTC, "ETHUSDT"))
    told = await until(lambda: archive.of(LongShortRatio))
    assert {each.symbol for each in told} == {"ETHUSDT"}
    assert sum(path == "account-ratio" for path, _ in world.bybit.calls) <= 3


async def test_a_symbol_is_followed_and_left_while_venues_are_read(world, archive, begin):
    reading = await begin("okx", symbols=("ETHUSDT", BTC))
    source = reading.source
    await reading.up("okx")
    assert (source.symbols, source.listed) == ((BTC,), (BTC,))
    source.unfollow(BTC)
    assert (source.symbols, source.listed) == ((), (BTC,))
    await until(lambda: not any("BTC" in str(each.args) for each in world.okx.standing))
    with pytest.raises(SourceError):
        await source.history(BTC, until_ms=world.base)
    source.follow(BTC)
    source.follow(BTC)
    assert source.venues_of(BTC) == ("okx",)
    await reading.up("okx")
    await until(lambda: any("BTC" in str(each.args) for each in world.okx.standing))
    await world.price("okx", 61_000.0)
    await until(lambda: reading.of(Tick, "okx"))


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


async def test_a_candle_that_closed_a_moment_ago_is_not_asked_for(begin, monkeypatch):
    monkeypatch.setattr(live, "FINAL_MS", 2 * STEP_MS)
    reading = await begin("binance")
    before = four.now_ms()
    bars = await reading.source.history(BTC, since_ms=before - DAY_MS, until_ms=1 << 60)
    last_ms = {(at - 2 * STEP_MS) // STEP_MS * STEP_MS - STEP_MS for at in (before, four.now_ms())}
    assert int(bars.ts[-1]) in last_ms


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
    world.binance.fail("klines", stall_s=40.0, times=100)
    asking = asyncio.create_task(reading.source.history(BTC, until_ms=world.base))
    await until(lambda: world.asked("binance"))
    began_s = time.monotonic()
    await reading.source.aclose()
    with pytest.raises(SourceError, match="in time"):
        await asking
    assert time.monotonic() - began_s < 20.0


async def test_stopping_does_not_wait_for_who_does_not_say_good_bye(world, begin):
    reading = await begin("binance", "bybit")
    await reading.up("binance", "bybit")
    for line in (*world.binance.lines.open, *world.bybit.clients):
        line.request.transport.pause_reading()  # what is said to it is not heard any more
    began_s = time.monotonic()
    await reading.source.aclose()
    assert time.monotonic() - began_s < 20.0


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


async def test_what_is_kept_is_heard_at_once_by_who_listens_until_the_end(world, archive, begin):
    reading, heard, elsewhere = await begin("bybit"), [], []
    archive.full = True  # nobody who listens waits for the disk
    reading.source.listen(heard.append)
    reading.source.listen(elsewhere.append)
    await reading.up("bybit")
    await world.liquidate("bybit", times=2)
    await until(lambda: [each for each in heard if isinstance(each, Liquidation)])
    assert archive.of(Liquidation) == []
    archive.full = False
    await until(lambda: archive.of(Liquidation))
    await reading.source.aclose()
    assert not reading.source._listeners
    assert elsewhere == heard


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
