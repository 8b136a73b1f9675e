"""Some of a symbol's venues: their own zones, their part of the dollars, made once and kept up."""

import asyncio
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.live.book import Book
from bot.live.keeper import cold
from bot.live.view import Level
from bot.live.window import ModelFeed
from engine.errors import SourceError, UserError
from engine.model import HOUR_MS, Candles, Side, Tick
from engine.presets import FLOW

SPEC = importlib.util.spec_from_file_location("live_two_venues", Path(__file__).parent / "test_venues.py")
two = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(two)
at, begin = two.at, two.begin

BTC, DAY_MS = "BTCUSDT", 24 * HOUR_MS


async def alone(life, venue, until=1200) -> Book:
    """Return the book of one venue, as if no other were read."""
    place = replace(life.book.place, venue=venue, others=())
    return await cold(place, life.source, until_ms=at(until))


async def test_one_venue_is_its_own_book_by_its_share(begin):
    life = await begin()
    shares = life.market.shares(BTC)
    assert shares == pytest.approx({"binance": 0.8, "other": 0.2}, abs=0.01)
    assert sum(shares.values()) == pytest.approx(1.0)
    for venue, share in shares.items():
        own = await alone(life, venue)
        view = await life.market.view_among(BTC, (venue,))
        assert (view.venue, view.venues, view.price) == (venue, (venue,), own.closed.price)
        assert view.zones.zones
        for ours, theirs in zip(view.zones.zones, own.closed.zones.zones, strict=True):
            assert ours.notional_usd == pytest.approx(theirs.notional_usd * share)
            assert replace(ours, notional_usd=0.0) == replace(theirs, notional_usd=0.0)
        assert view.zones.auto_min_usd == pytest.approx(own.closed.zones.auto_min_usd * share, nan_ok=True)
        shot = await life.market.snapshot(BTC, venues=(venue,))
        standing = own.standing()
        stands = float(standing.long.sum()) * share
        assert shot.total_usd(Side.LONG) == pytest.approx(stands, rel=1e-3)
        assert shot.venues == (venue,)


async def test_the_parts_add_up_to_the_whole(begin):
    life = await begin()
    whole = await life.market.snapshot(BTC)
    parts = [await life.market.snapshot(BTC, venues=(venue,)) for venue in ("binance", "other")]
    for side in Side:
        assert sum(part.total_usd(side) for part in parts) == pytest.approx(whole.total_usd(side), rel=2e-3)
    every = (await life.market._among(BTC, ("other", "binance"))).view(None)  # of a book of its own
    known = life.market.view(BTC).zones.zones
    for ours, theirs in zip(every.zones.zones, known, strict=True):
        assert (ours.zone_id, ours.low, ours.high) == (theirs.zone_id, theirs.low, theirs.high)
        assert ours.notional_usd == pytest.approx(theirs.notional_usd)


async def test_all_venues_by_name_are_the_default(begin):
    life = await begin()
    named = await life.market.grid(BTC, DAY_MS, venues=("other", "binance"))
    default = await life.market.grid(BTC, DAY_MS)
    for name in ("ts", "edges", "long", "short", "close"):
        assert np.array_equal(getattr(named, name), getattr(default, name)), name
    assert default.long.sum() > 0
    assert await life.market.view_among(BTC, ("binance", "other")) == life.market.view(BTC)
    assert await life.market.view_among(BTC) == life.market.view(BTC)


async def test_a_grid_of_one_venue_is_that_of_its_own_book(begin, settings):
    life = await begin()
    share = life.market.shares(BTC)["other"]
    ours = await life.market.grid(BTC, DAY_MS, low=100_000, high=130_000, venues=("other",))
    single = two.LiveMarket(life.source, life.store, settings)
    single._source.venues_of = lambda _: ("other",)
    single._books = {BTC: await alone(life, "other")}
    theirs = await single.grid(BTC, DAY_MS, low=100_000, high=130_000)
    assert theirs.long.sum() > 0
    np.testing.assert_allclose(ours.long, theirs.long * np.float32(share), rtol=1e-5)
    np.testing.assert_allclose(ours.short, theirs.short * np.float32(share), rtol=1e-5)
    assert np.array_equal(ours.close, theirs.close)


async def test_another_model_counts_its_venues_by_their_share_too(begin):
    life = await begin()
    feed = ModelFeed(preset=replace(FLOW, name="mine"), history=Candles.empty())
    grids = [
        await life.market.model_grid(BTC, DAY_MS, feed, low=100_000, high=130_000, venues=venues)
        for venues in ((), ("binance",), ("other",))
    ]
    whole, *parts = (grid.long.sum() + grid.short.sum() for grid in grids)
    assert whole > 0
    assert sum(parts) == pytest.approx(whole, rel=5e-3)


async def test_it_is_made_once_and_kept_up(begin, monkeypatch):
    life = await begin()
    made = []
    plain = life.source.history

    async def history(symbol, *, until_ms, since_ms=0, venue=None):
        made.append((since_ms, venue))
        return await plain(symbol, until_ms=until_ms, since_ms=since_ms, venue=venue)

    monkeypatch.setattr(life.source, "history", history)
    views = await asyncio.gather(*(life.market.view_among(BTC, ("other",)) for _ in range(5)))
    assert len({id(view.zones) for view in views}) == 1
    await life.market.grid(BTC, DAY_MS, venues=("other",))
    assert made == [(0, "other")]
    await life.candle(1200, "binance")
    await life.candle(1200, "other")
    made.clear()
    view = await life.market.view_among(BTC, ("other",))
    assert made == [(at(1200), "other")]
    assert view.candle_ts == at(1200)
    own = await alone(life, "other", until=1201)
    assert [z.zone_id for z in view.zones.zones] == [z.zone_id for z in own.closed.zones.zones]


async def test_it_keeps_nothing_for_a_store(begin):
    life = await begin()
    await life.market.view_among(BTC, ("other",))
    book = life.market._subsets.of(life.book, ("other",)).book
    assert (book._moved, book._given, book._events, book._unsaved_gaps) == ([], [], [], {})


async def test_its_price_is_that_of_its_own_first_venue(begin):
    life = await begin()
    await life.tick(at(1200) + 500, "binance")
    await life.tick(at(1200) + 1_000, "other")
    assert (await life.market.view_among(BTC, ("other",))).price == 120_000.0
    assert (await life.market.view_among(BTC, ("binance",))).price == life.market.view(BTC).price
    await life.market.apply(Tick(venue="other", symbol=BTC, ts=at(1200) + 2_000, price=121_000.0))
    assert (await life.market.view_among(BTC, ("other",))).price == 121_000.0
    assert life.market.ticks(BTC)["other"].price == 121_000.0


async def test_what_corrects_all_corrects_a_part(begin):
    life = await begin()
    plain = await life.market.view_among(BTC, ("other",))
    level = Level(long=2.0, short=0.5, hours=168, as_of_ms=at(1200))
    life.market.set_level(BTC, level)
    view = await life.market.view_among(BTC, ("other",))
    assert view.level == level
    for zone, before in zip(view.zones.zones, plain.zones.zones, strict=True):
        by = 2.0 if zone.side is Side.LONG else 0.5
        assert zone.notional_usd == pytest.approx(before.notional_usd * by)


async def test_a_venue_that_cannot_be_had_is_said(begin, monkeypatch):
    life = await begin()
    plain = life.source.history

    async def history(symbol, *, until_ms, since_ms=0, venue=None):
        if venue == "other":
            raise SourceError("it does not answer")
        return await plain(symbol, until_ms=until_ms, since_ms=since_ms, venue=venue)

    with monkeypatch.context() as patch:
        patch.setattr(life.source, "history", history)
        with pytest.raises(UserError, match="candles of Other cannot be had"):
            await life.market.view_among(BTC, ("other",))
    assert (await life.market.view_among(BTC, ("other",))).candle_ts == at(1199)
    for step in (1200, 1201):
        await life.candle(step, "binance")
        await life.candle(step, "other")
    monkeypatch.setattr(life.source, "history", history)
    assert (await life.market.view_among(BTC, ("other",))).candle_ts == at(1199)
    with pytest.raises(UserError, match="not read from okx, but from binance, other"):
        await life.market.view_among(BTC, ("okx",))


async def test_a_market_made_anew_makes_its_parts_anew(begin):
    life = await begin()
    first = await life.market.view_among(BTC, ("other",))
    await life.market._build(at(1100))
    again = await life.market.view_among(BTC, ("other",))
    assert (first.candle_ts, again.candle_ts) == (at(1199), at(1099))
