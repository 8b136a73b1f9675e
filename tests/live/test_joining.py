"""Live venues come and go: books are made of those that answer, and anew when one joins or a gap closes."""

import asyncio
import importlib.util
import sys
import time
from pathlib import Path

import pytest

from adapters.venue import SourceKind
from bot.live import intake as module
from bot.live import keeper, reading
from bot.live.window import ModelFeed
from engine.errors import SourceError, UserError
from engine.model import DAY_MS, STEP_MS, Candles, Tick
from engine.presets import PRESETS

BTC = "BTCUSDT"


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        mod = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(mod)
    return sys.modules[name]


two = load("live_two_venues", Path(__file__).with_name("test_venues.py"))
at = two.at


class Venues(two.TwoVenues):
    """Two live venues, either of which can be broken or slow; ETH can be left."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.broken, self.slow_s = set(), {}
        self.kept = dict.fromkeys(("BTCUSDT",))
        self.asked = 0

    @property
    def kind(self):
        return SourceKind.LIVE

    @property
    def symbols(self):
        return tuple(self.kept)

    @property
    def listed(self):
        return ("BTCUSDT", "ETHUSDT")

    def follow(self, symbol):
        self.kept[symbol] = None

    def unfollow(self, symbol):
        self.kept.pop(symbol, None)

    async def history(self, symbol, *, until_ms, since_ms=0, venue=None):
        self.asked += 1
        await asyncio.sleep(self.slow_s.get(venue, 0))
        if venue in self.broken:
            raise SourceError(f"{venue} does not answer")
        return await super().history(symbol, until_ms=until_ms, since_ms=since_ms, venue=venue)


@pytest.fixture
async def begin(folder, settings, tmp_path, wall):
    lives = []

    async def make(start=1200, broken=(), slow=None):
        source = Venues(folder, symbols=("BTCUSDT", "ETHUSDT"), start_ms=at(1464), speed=None)
        source.broken |= set(broken)
        source.slow_s = slow or {}
        source.step = start
        source.now_ms = lambda: at(source.step)
        store = await two.MarketStore.open(tmp_path / "store" / "market.duckdb")
        life = two.Life(two.LiveMarket(source, store, settings, monotonic=wall), source, store)
        lives.append(life)
        await life.market.start()
        return life

    yield make
    for life in lives:
        await life.market.stop()
        await life.store.close()


async def pass_by(life, *steps, venues=("binance", "other")):
    """Let candles close on venues, as time goes on."""
    for step in steps:
        life.source.step = step + 1
        for venue in venues:
            broken, life.source.broken = life.source.broken, set()
            slow, life.source.slow_s = life.source.slow_s, {}
            bars = await life.source.history(BTC, since_ms=at(step), until_ms=at(step + 1), venue=venue)
            life.source.broken, life.source.slow_s = broken, slow
            await life.market.apply(bars.row(0, venue=venue, symbol=BTC))


async def test_a_venue_that_does_not_answer_at_the_start_joins_later(begin):
    life = await begin(broken=["other"])
    market = life.market
    assert life.book.place.venues == ("binance",)
    assert market.view(BTC).venues == ("binance",)
    assert market.lacking() == [BTC]
    assert market.awaited(BTC) == ("other",)
    await pass_by(life, 1200, 1201)  # what the other one says meanwhile is not lost for good
    life.source.broken.clear()
    await market.apply(Tick(venue="binance", symbol=BTC, ts=at(1202) + 1, price=123_456.0))
    await market.bring(BTC)
    assert life.book.place.venues == ("binance", "other")
    assert market.lacking() == []
    assert market.awaited(BTC) == ()
    assert market.view(BTC).candle_ts == at(1201)
    assert market.view(BTC).price == 123_456.0
    assert life.book.last_ts_of("other") == at(1201)
    await pass_by(life, 1202)
    assert market.view(BTC).candle_ts == at(1202)
    assert life.book.closed.gaps == ()


async def test_where_the_first_venue_does_not_answer_the_next_one_stands_for_the_price(begin):
    life = await begin(broken=["binance"])
    assert life.book.place.venues == ("other",)
    await life.tick(at(1200) + 1, "other")
    assert life.market.view(BTC).price == 120_000.0


async def test_without_any_venue_there_is_nothing_and_it_is_tried_again(begin):
    life = await begin(broken=["binance", "other"])
    assert life.market.symbols == ()
    assert life.market.followed == (BTC,)
    with pytest.raises(UserError, match="no data for BTCUSDT yet"):
        life.market.view(BTC)
    life.source.broken.clear()
    await life.market.bring(BTC)
    assert life.market.symbols == (BTC,)


async def test_the_next_venue_lends_the_price_while_the_first_is_silent(begin, wall):
    life = await begin()
    market = life.market

    async def tick(venue, price, ms):
        event = Tick(venue=venue, symbol=BTC, ts=at(1200) + ms, price=price)
        await market.apply(event)
        return market.is_price(event)

    assert await tick("other", 100.0, 1)  # the first has said nothing yet
    assert await tick("binance", 101.0, 2)
    assert not await tick("other", 102.0, 3)
    assert market.view(BTC).price == 101.0
    wall.now_s += module.SILENT_S - 0.1
    assert not await tick("other", 103.0, 4)
    wall.now_s += 0.2
    assert await tick("other", 104.0, 5)
    assert market.view(BTC).price == 104.0
    assert await tick("binance", 105.0, 6)  # it is back
    assert not await tick("other", 106.0, 7)


async def test_a_gap_that_cannot_be_filled_at_once_is_filled_when_it_can(begin):
    life = await begin()
    await pass_by(life, 1200)
    life.source.broken.add("other")
    await pass_by(life, 1201, 1202, venues=("binance",))
    await pass_by(life, 1203)
    assert life.market.lacking() == [BTC]
    life.source.broken.clear()
    await life.market.bring(BTC)
    assert life.market.lacking() == []
    assert life.book.last_ts_of("other") == at(1203)
    await life.store.flush()
    held = await life.store.candles(BTC, "other", at(1190), at(1210))
    assert held.ts.tolist() == [at(step) for step in range(1190, 1204)]


async def test_nobody_waits_for_a_slow_venue_more_than_once(begin, monkeypatch, wall):
    monkeypatch.setattr(reading, "GAP_S", 0.2)
    life = await begin()
    await pass_by(life, 1200)
    life.source.slow_s = {"other": 30.0}
    began = time.monotonic()
    for step in (1202, 1204, 1206):
        await pass_by(life, step - 1, venues=("binance",))
        await pass_by(life, step)
    assert time.monotonic() - began < 15.0  # of the 30 s that the other takes
    assert life.market.view(BTC).candle_ts == at(1206)
    life.source.slow_s = {}
    await life.market.bring(BTC)
    assert life.book.closed.gaps == ()


async def test_a_candle_that_closes_while_a_book_is_made_is_not_lost(begin):
    life = await begin(broken=["other"])
    life.source.broken.clear()
    life.source.slow_s = {"other": 0.2}
    bringing = asyncio.create_task(life.market.bring(BTC))
    await asyncio.sleep(0.05)
    await pass_by(life, 1200, 1201)
    await bringing
    assert life.book.place.venues == ("binance", "other")
    assert life.market.view(BTC).candle_ts == at(1201)
    assert life.book.last_ts_of("other") == at(1201)


async def test_a_symbol_is_followed_and_left_and_goes_on_where_it_was(begin):
    life = await begin()
    market = life.market
    running = asyncio.create_task(market.upkeep.run())
    market.follow("ETHUSDT")
    async with asyncio.timeout(5):
        while not market.has("ETHUSDT"):
            await asyncio.sleep(0.01)
    assert market.symbols == ("BTCUSDT", "ETHUSDT")
    await market.leave("ETHUSDT")
    assert market.symbols == ("BTCUSDT",)
    with pytest.raises(UserError):
        market.view("ETHUSDT")
    await market.apply(Tick(venue="binance", symbol="ETHUSDT", ts=at(1200) + 1, price=1.0))
    life.source.step = 1201
    market.follow("ETHUSDT")
    async with asyncio.timeout(5):
        while not market.has("ETHUSDT"):
            await asyncio.sleep(0.01)
    assert market.view("ETHUSDT").candle_ts == at(1201) - STEP_MS
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_slow_disk_holds_up_no_price(begin, monkeypatch):
    life = await begin()
    real, calls, written = life.market._keeper.keep, [], asyncio.Event()

    async def keep(book, *, force=False):
        calls.append(book.last_ts)
        await written.wait()
        await real(book, force=force)

    monkeypatch.setattr(life.market._keeper, "keep", keep)
    await pass_by(life, *range(1200, 1206))
    assert life.market.view(BTC).candle_ts == at(1205)
    written.set()
    await life.market.kept()
    assert len(calls) == 2  # the first candle, and all the others together
    await life.store.flush()
    for venue in ("binance", "other"):
        held = await life.store.candles(BTC, venue, at(1195), at(1210))
        assert held.ts.tolist() == [at(step) for step in range(1195, 1206)]


@pytest.mark.parametrize("trouble", ["broken", "slow"])
async def test_pictures_are_drawn_from_what_is_kept_while_a_venue_does_not_answer(
    begin, monkeypatch, trouble
):
    monkeypatch.setattr(reading, "PICTURE_S", 0.1)
    life = await begin()
    feed = ModelFeed(preset=PRESETS["leverage"], history=Candles.empty())
    if trouble == "broken":
        life.source.broken.add("other")
    else:
        life.source.slow_s = {"other": 30.0}
    grid = await life.market.model_grid(BTC, 2 * DAY_MS, feed)
    assert len(grid.ts) > 100
    assert len(await life.market.history(BTC, DAY_MS)) == 288


async def test_a_new_symbol_is_served_without_a_venue_that_hangs(begin, monkeypatch):
    monkeypatch.setattr(keeper, "OTHERS_S", 0.2)
    life = await begin(slow={"other": 600.0})
    assert life.market.symbols == (BTC,)
    assert life.book.place.venues == ("binance",)
    assert life.market.lacking() == [BTC]


async def test_zones_of_a_book_that_is_made_anew_go_on_under_their_new_names(begin):
    life = await begin(broken=["other"])
    await pass_by(life, *range(1200, 1230), venues=("binance",))
    before = life.market.view(BTC).zones
    life.source.broken.clear()
    await life.market.bring(BTC)
    after = life.market.view(BTC).zones
    assert not {zone.zone_id for zone in before.zones} & {zone.zone_id for zone in after.zones}
    told = await life.market.apply(Tick(venue="binance", symbol=BTC, ts=at(1230) + 1, price=before.price))
    handed = {event.other for event in told}
    same = [
        zone for zone in after.zones if any(z.low == zone.low and z.side is zone.side for z in before.zones)
    ]
    assert same
    assert {zone.zone_id for zone in same} <= handed
    assert (
        await life.market.apply(Tick(venue="binance", symbol=BTC, ts=at(1230) + 2, price=before.price)) == []
    )
