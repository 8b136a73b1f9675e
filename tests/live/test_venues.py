"""A symbol of two venues: summed by volume, waiting for who is late, standing for who is down."""

from dataclasses import replace

import numpy as np
import pytest

from adapters.replay import Replay
from bot.live.book import Book
from bot.live.market import LiveMarket
from bot.live.venues import GRACE_MS, Venues, Waiting, blocks_of
from engine.errors import CandleError, DataError
from engine.heatmap import Heatmap
from engine.model import HOUR_MS, STEP_MS, Candle, Candles, Tick
from engine.presets import FLOW
from storage.market import MarketStore

FIRST_MS = 1_759_276_800_000
BASIS, VOLUME = 1.0004, 0.25


def at(step: float) -> int:
    return FIRST_MS + int(step * STEP_MS)


def elsewhere(candles: Candles) -> Candles:
    """Return what another venue with a quarter of the volume would have traded."""
    prices = {name: getattr(candles, name) * BASIS for name in ("open", "high", "low", "close")}
    return replace(candles, **prices, volume=candles.volume * VOLUME / BASIS)


class TwoVenues(Replay):
    """A replay whose BTC trades on a second venue as well."""

    @property
    def venues(self):
        return ("binance", "other")

    def venues_of(self, symbol):
        return ("binance", "other") if symbol == "BTCUSDT" else ("binance",)

    async def history(self, symbol, *, until_ms, since_ms=0, venue=None):
        found = await super().history(symbol, until_ms=until_ms, since_ms=since_ms, venue="binance")
        return elsewhere(found) if venue == "other" else found


class Life:
    """One life of a market of two venues."""

    def __init__(self, market, source, store) -> None:
        self.market, self.source, self.store = market, source, store

    async def candle(self, step, venue):
        """Close one candle of BTC on one venue; return what happened to zones."""
        bars = await self.source.history("BTCUSDT", since_ms=at(step), until_ms=at(step + 1), venue=venue)
        return await self.market.apply(bars.row(0, venue=venue, symbol="BTCUSDT"))

    async def tick(self, ts, venue="other"):
        return await self.market.apply(
            Tick(venue=venue, symbol="BTCUSDT", ts=ts, price=120_000.0, interpolated=False)
        )

    @property
    def book(self) -> Book:
        return self.market._book("BTCUSDT")

    async def end(self):
        await self.market.stop()
        await self.store.close()


@pytest.fixture
async def begin(folder, settings, tmp_path):
    lives: list[Life] = []

    async def make(start=1200, place="store"):
        source = TwoVenues(folder, symbols=("BTCUSDT", "ETHUSDT"), start_ms=at(1464), speed=None)
        source.now_ms = lambda: at(start)
        store = await MarketStore.open(tmp_path / place / "market.duckdb")
        life = Life(LiveMarket(source, store, settings), source, store)
        lives.append(life)
        await life.market.start()
        return life

    yield make
    for life in lives:
        await life.store.close()


async def test_a_book_is_the_sum_of_its_venues(begin):
    life = await begin()
    view = life.market.view("BTCUSDT")
    assert (view.venue, view.venues) == ("all", ("binance", "other"))
    assert life.market.view("ETHUSDT").venues == ("binance",)
    bars = await life.source.history("BTCUSDT", until_ms=at(1200))
    own, away = (Heatmap(FLOW, usd_scale=3.4e6).feed(candles)[-1:] for candles in (bars, elsewhere(bars)))
    columns, candles = life.book.slices(at(1199), at(1200))
    np.testing.assert_allclose(columns.long, 0.8 * own.long + 0.2 * away.long, rtol=3e-3, atol=20.0)
    assert candles.close[0] == bars.close[-1] == view.price
    assert view.zones.zones
    for zone in view.zones.zones:
        assert dict(zone.venue_share) == pytest.approx({"binance": 0.8, "other": 0.2}, abs=0.08)


async def test_a_candle_waits_for_the_other_venue(begin):
    life = await begin()
    await life.candle(1200, "binance")
    assert life.book.last_ts == at(1199)
    await life.candle(1200, "other")
    assert life.book.last_ts == at(1200)
    await life.candle(1201, "other")
    await life.candle(1201, "binance")
    assert life.book.last_ts == at(1201)


async def test_no_longer_than_it_takes(begin):
    life = await begin()
    await life.candle(1200, "binance")
    await life.tick(at(1201) + GRACE_MS - 1)
    assert life.book.last_ts == at(1199)
    await life.tick(at(1201) + GRACE_MS)
    assert life.book.last_ts == at(1200)
    # Who was late counts again from the next candle on, with what it missed.
    await life.candle(1200, "other")
    assert life.book.last_ts == at(1200)
    await life.candle(1201, "binance")
    await life.candle(1201, "other")
    assert life.book.last_ts == at(1201)
    assert life.book.last_ts_of("other") == at(1201)


async def test_nobody_waits_for_a_venue_that_is_down(begin):
    life = await begin()
    for step in range(1200, 1206):
        await life.candle(step, "binance")
    assert life.book.last_ts == at(1205)
    await life.candle(1206, "other")  # back, with what it missed fetched
    await life.candle(1206, "binance")
    assert life.book.last_ts == at(1206)
    assert life.book.last_ts_of("other") == at(1206)
    first, *_ = life.book._venues._heatmaps.values()
    assert not first.gaps


async def test_events_say_who_has_what(begin):
    life = await begin()
    happened = []
    for step in range(1200, 1230):
        await life.candle(step, "binance")
        happened += await life.candle(step, "other")
    now = {zone.zone_id: zone for zone in life.market.view("BTCUSDT").zones.zones}
    assert happened
    for event in happened:
        assert event.zone.venue == "all"
        assert {venue for venue, _ in event.zone.venue_share} in ({"binance", "other"}, {"all"})
    assert any(event.zone.zone_id in now for event in happened)


async def test_a_restart_is_warm_and_the_same(begin):
    life = await begin()
    for step in range(1200, 1214):
        await life.candle(step, "binance")
        await life.candle(step, "other")
    before = (repr(life.book.closed), life.book.dump())
    await life.store.flush()
    kept = await life.market.zones_history("BTCUSDT", 0, 1 << 60)
    await life.end()
    again = await begin(1214)
    assert (repr(again.book.closed), again.book.dump()) == before
    assert await again.market.zones_history("BTCUSDT", 0, 1 << 60) == kept
    assert len(await again.store.candles("BTCUSDT", "other")) == 1214
    for venue in ("binance", "other"):
        moved = await again.store.position_events(again.book.place.mark_of(venue))
        assert moved.ts[-1] == at(1213)
    fresh = await begin(1214, place="fresh")
    assert fresh.book.dump()[2] == again.book.dump()[2]


async def test_an_impossible_candle_of_one_venue_stops_nothing(begin):
    life = await begin()
    bars = await life.source.history("BTCUSDT", since_ms=at(1200), until_ms=at(1201))
    bad = replace(bars.row(0, venue="other", symbol="BTCUSDT"), low=-1.0)
    await life.market.apply(bad)
    await life.candle(1200, "binance")
    assert life.market.refused_candles == 1
    await life.tick(at(1201) + GRACE_MS)
    assert life.book.last_ts == at(1200)


async def test_older_columns_are_summed_as_those_in_memory_are(begin, monkeypatch):
    whole = await (await begin(1300, place="whole")).market.grid("BTCUSDT", 72 * HOUR_MS)
    monkeypatch.setattr("bot.live.making.columns_days", lambda *_args, **_more: 1)
    parted = await (await begin(1300)).market.grid("BTCUSDT", 72 * HOUR_MS)
    assert np.array_equal(parted.ts, whole.ts)
    assert len(whole.ts) == 864
    for side in ("long", "short"):
        one, other = getattr(parted, side), getattr(whole, side)
        assert one.sum() > 0
        np.testing.assert_allclose(one, other, rtol=3e-3, atol=2e-3 * float(other.max()))


def test_waiting_hands_out_what_all_have():
    bars = Candles.of(
        [
            Candle(venue="a", symbol="S", ts=i * STEP_MS, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0)
            for i in range(6)
        ]
    )
    waiting = Waiting({"a": None, "b": -STEP_MS})
    assert waiting.due(0) == {}
    waiting.add("a", bars[:3])
    assert set(waiting.due(0)) == {"a"}  # b is three behind
    waiting.add("b", bars[:4])
    assert list(waiting.due(0)["b"].ts) == [0, STEP_MS, 2 * STEP_MS]
    assert waiting.newest("b") == 3 * STEP_MS
    assert waiting.due(4 * STEP_MS + GRACE_MS - 1) == {}
    assert list(waiting.due(4 * STEP_MS + GRACE_MS)["b"].ts) == [3 * STEP_MS]


def test_blocks_are_the_same_stretch_of_every_venue(folder):
    bars = Candles.of(
        [
            Candle(venue="a", symbol="S", ts=i * STEP_MS, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0)
            for i in range(10)
        ]
    )
    blocks = list(blocks_of({"a": bars, "b": bars[4:7], "c": bars[:0]}, 5))
    assert [{v: (int(b.ts[0]), len(b)) for v, b in block.items()} for block in blocks] == [
        {"a": (0, 5), "b": (4 * STEP_MS, 1)},
        {"a": (5 * STEP_MS, 5), "b": (5 * STEP_MS, 2)},
    ]
    assert not list(blocks_of({"a": bars[:0]}, 5))


def test_states_of_other_venues_are_refused():
    two, one = Venues(("a", "b"), FLOW, 1.0), Venues(("a",), FLOW, 1.0)
    assert set(Venues.load(two.dump(), ("b", "a"), FLOW, 1.0)._heatmaps) == {"a", "b"}
    for data, venues, scale in (
        (one.dump(), ("a", "b"), 1.0),
        (two.dump(), ("a", "c"), 1.0),
        (two.dump(), ("a", "b"), 2.0),
        (two.dump()[:12], ("a", "b"), 1.0),
        (two.dump(), ("a",), 1.0),
    ):
        with pytest.raises(DataError):
            Venues.load(data, venues, FLOW, scale)
    with pytest.raises(DataError, match="not for this book"):
        two.check({"x": Candles.empty()})
    bad = Candles.of(
        [Candle(venue="a", symbol="S", ts=0, open=-1.0, high=1.0, low=1.0, close=1.0, volume=1.0)]
    )
    with pytest.raises(CandleError):
        two.check({"a": bad})


def test_a_venue_without_any_candle_has_no_part():
    both = Venues(("binance", "other"), FLOW, 1.0)
    assert both.shares == {"binance": 0.5, "other": 0.5}, "nobody knows yet"
    bar = Candle(
        venue="binance", symbol="BTCUSDT", ts=FIRST_MS, open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0
    )
    both.advance({"binance": Candles.of([bar])})
    assert both.shares == {"binance": 1.0, "other": 0.0}
