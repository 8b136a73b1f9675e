"""Any stretch of time, in columns of any length: from memory, the store or made, always the same."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from bot.live.span import Span
from bot.live.view import Level
from bot.live.window import ModelFeed
from engine.errors import GridError, UserError
from engine.model import HOUR_MS, STEP_MS, Candles
from engine.presets import FLOW, with_weights

SPEC = importlib.util.spec_from_file_location("span_two_venues", Path(__file__).parent / "test_venues.py")
two = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(two)
at, begin = two.at, two.begin
BTC = "BTCUSDT"
RANGE = {"low": 100_000.0, "high": 130_000.0, "bins": 200}


def span(first, last, step_ms=HOUR_MS, **more) -> Span:
    return Span(t0=at(first), t1=at(last), step_ms=step_ms, **(RANGE | more))


async def test_what_ends_now_is_what_the_market_shows(begin):
    life = await begin()
    found = await life.market.span_grid(BTC, span(912, 1300, STEP_MS))
    shown = await life.market.grid(BTC, 24 * HOUR_MS, max_cols=400, **RANGE)
    assert found.grid.ts[-1] == shown.ts[-1] == life.market.view(BTC).candle_ts
    assert np.allclose(found.grid.edges, shown.edges)
    assert np.allclose(found.grid.long, shown.long)
    assert np.allclose(found.grid.close, shown.close)


async def test_the_past_is_what_was_shown_then_and_knows_nothing_later(begin):
    life = await begin()
    then = await life.market.span_grid(BTC, span(1000, 1100, STEP_MS))
    later = await life.market.span_grid(BTC, span(1000, 1300, STEP_MS))
    assert then.grid.ts[-1] == at(1099)
    rows = len(then.grid.ts)
    assert np.allclose(then.grid.short, later.grid.short[:rows], rtol=2e-3, atol=10.0)
    assert life.market.columns_found == {"made": 2}
    again = await life.market.span_grid(BTC, span(1000, 1100, STEP_MS))
    assert np.array_equal(again.grid.long, then.grid.long)
    assert life.market.columns_found == {"made": 2, "memory": 2}


async def test_each_venues_part_adds_up_to_the_newest_column(begin):
    life = await begin()
    for stretch in (span(1000, 1300, STEP_MS), span(1000, 1104, STEP_MS)):
        found = await life.market.span_grid(BTC, stretch)
        assert {part.venue for part in found.parts} == {"binance", "other"}
        assert sum(part.share for part in found.parts) == pytest.approx(1.0)
        for side in ("long", "short"):
            parts = sum(getattr(part, side) for part in found.parts)
            assert np.allclose(parts, getattr(found.grid, side)[-1], rtol=2e-3, atol=5.0)
            total = sum(getattr(part, f"{side}_usd") for part in found.parts)
            assert parts.sum() <= total * (1 + 1e-9)


async def test_some_venues_are_their_part_of_the_whole(begin):
    life = await begin()
    whole = await life.market.span_grid(BTC, span(1000, 1100))
    some = await life.market.span_grid(BTC, span(1000, 1100), venues=("other",))
    (part,) = some.parts
    assert (part.venue, part.share) == ("other", pytest.approx(1.0))
    share = life.market.shares(BTC)["other"]
    (theirs,) = (each for each in whole.parts if each.venue == "other")
    assert part.long_usd == pytest.approx(theirs.long_usd, rel=0.15)
    assert part.long_usd / sum(each.long_usd for each in whole.parts) == pytest.approx(share, rel=0.15)


async def test_the_correction_of_dollars_is_in_it(begin):
    life = await begin()
    before = await life.market.span_grid(BTC, span(1000, 1300))
    life.market.set_level(BTC, Level(long=2.0, short=0.5, hours=100, as_of_ms=at(1200)))
    after = await life.market.span_grid(BTC, span(1000, 1300))
    assert np.allclose(after.grid.long, before.grid.long * 2)
    assert np.allclose(after.grid.short, before.grid.short / 2)
    assert after.parts[0].long_usd == pytest.approx(before.parts[0].long_usd * 2)


async def test_another_model_and_its_weights(begin):
    life = await begin()
    preset = with_weights(FLOW, FLOW.weights[::-1])
    feed = ModelFeed(preset=preset, history=Candles.empty())
    for venues in ((), ("other",)):
        found = await life.market.span_grid(BTC, span(912, 1300, STEP_MS), feed=feed, venues=venues)
        shown = await life.market.model_grid(BTC, 24 * HOUR_MS, feed, low=RANGE["low"], high=RANGE["high"])
        assert found.grid.long.sum() > 0
        if not venues:
            assert found.grid.long.sum() == pytest.approx(shown.long.sum(), rel=0.01)
    assert [part.venue for part in found.parts] == ["other"]


async def test_what_cannot_be_is_said(begin):
    life = await begin()
    with pytest.raises(GridError, match="no data"):
        await life.market.span_grid(BTC, span(-900, -600))
    with pytest.raises(GridError, match="yet"):
        await life.market.span_grid(BTC, span(3000, 4000))
    with pytest.raises(GridError, match="no range"):
        await life.market.span_grid(BTC, span(1000, 1100, low=200_000.0, high=None))
    with pytest.raises(UserError):
        await life.market.span_grid("XYZUSDT", span(1000, 1100))


async def test_candles_between_two_times_end_now(begin):
    life = await begin()
    found = await life.market.candles_between(BTC, at(1190), at(9999))
    assert found.ts[0] == at(1190)
    assert found.ts[-1] == life.market.view(BTC).candle_ts
