"""The presets that follow open interest: `leverage` and `simple`."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from engine.heatmap import BIN_LOG, Heatmap, run
from engine.model import Side
from engine.presets import FLOW, LEVERAGE, LEVERAGES, PRESETS, SIMPLE, Level, Lifetime, with_weights

seeds = st.integers(0, 2**32 - 1)
shares = st.sampled_from([0.0, 0.05, 0.3])
volatilities = st.sampled_from([0.0, 0.0005, 0.003, 0.02])
which = st.integers(0, 3)


def small(preset, **changes):
    """Return a preset with rungs so high that short histories reach them."""
    rungs = tuple(Level.rung(x, 0.001, weight=w) for x, w in ((60, 0.3), (150, 0.3), (400, 0.2)))
    return replace(preset, levels=rungs, reach=0.03, warm_days=0.1, **changes)


BOOKS = (
    small(LEVERAGE),
    small(SIMPLE),
    small(LEVERAGE, lifetimes=(Lifetime(half_life_h=0.2, amplitude=1.0),), feedback=1.0),
    small(LEVERAGE, spread=1, feedback=0.0),
)


@pytest.fixture(scope="session")
def books(market):
    """A function that makes candles with open interest: a walk with jumps, gaps, at times nothing left."""

    def make(count, *, seed, known=0.9, **more):
        rng = np.random.default_rng(seed + 1)
        candles = market(count, seed=seed, **more)
        steps = rng.normal(0, 0.02, count) + np.where(rng.random(count) < 0.05, rng.normal(0, 0.5, count), 0)
        coins = 1_000 * np.exp(np.cumsum(steps))
        coins[rng.random(count) < 0.02] = 0.0
        coins[rng.random(count) > known] = math.nan
        return replace(candles, open_interest=coins)

    return make


def rows(candles):
    names = ("ts", "open", "high", "low", "close", "volume", "quote_volume", "open_interest")
    columns = [getattr(candles, n) for n in names]
    return [dict(zip(names, map(float, v), strict=True)) for v in zip(*columns, strict=True)]


@given(seed=seeds, missing=shares, dead=shares, volatility=volatilities, which=which)
def test_the_kernel_agrees_with_one_object_per_lot(books, oracle, seed, missing, dead, volatility, which):
    preset = BOOKS[which]
    candles = books(100, seed=seed, missing=missing, dead=dead, volatility=volatility)
    heatmap, reference = Heatmap(preset), oracle(preset)
    columns = heatmap.feed(candles)
    for candle in rows(candles):
        reference.feed(candle)
    price = float(candles.close[-1])
    for side, book in reference.books.items():
        totals = heatmap.totals()[Side(side)]
        tolerance = 1e-9 * max(book.entered, 1e-300)
        for kind in ("entered", "swept", "taken", "decayed", "closed"):
            mine = getattr(totals, kind) / price
            assert mine == pytest.approx(getattr(book, kind), rel=1e-9, abs=tolerance)
        assert totals.standing / price == pytest.approx(book.standing(), rel=1e-9, abs=tolerance)
        step = -1 if side == "long" else 1
        theirs = np.zeros(columns.width)
        for b, coins in book.by_bin().items():
            at = (b - int(columns.close_bin[-1])) * step
            assert at >= 0
            if at < columns.width:
                theirs[at] += coins * math.exp((b + 0.5) * BIN_LOG)
        mine = getattr(columns, side)[-1]
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9 * max(theirs.sum(), 1e-30))


@given(seed=seeds, missing=shares, volatility=volatilities, which=which, known=st.sampled_from([0.3, 1.0]))
def test_levels_and_the_rest_are_the_open_interest_on_each_side(
    books, seed, missing, volatility, which, known
):
    heatmap = Heatmap(BOOKS[which], usd_scale=2.0)
    candles = books(200, seed=seed, missing=missing, volatility=volatility, known=known)
    fed = heatmap.advance(candles)
    coins = candles.open_interest[~np.isnan(candles.open_interest)]
    if not len(coins):
        return
    unit = 2.0 * float(candles.close[-1])
    for index, (side, totals) in enumerate(heatmap.totals().items()):
        rest = heatmap.unlevered[side]
        assert totals.standing / unit + rest == pytest.approx(coins[-1], rel=1e-9, abs=1e-9)
        assert rest >= -1e-9 * coins.max()
        left = totals.swept + totals.taken + totals.decayed + totals.closed
        assert totals.standing + left == pytest.approx(totals.entered, rel=1e-9, abs=1e-9)
        for kind in ("entered", "swept", "decayed", "closed"):
            moved = getattr(fed.events, kind)[:, index]
            assert np.isfinite(moved).all()
            assert (moved >= 0).all()
    assert (fed.columns.long >= 0).all()
    assert np.isfinite(fed.columns.short).all()


@given(seed=seeds, cuts=st.lists(st.integers(0, 150), max_size=5), stored=st.integers(0, 150), which=which)
def test_blocks_and_a_stored_state_give_the_same_arrays(books, seed, cuts, stored, which):
    candles, preset = books(150, seed=seed, missing=0.05, volatility=0.004), BOOKS[which]
    whole = Heatmap(preset, usd_scale=3.0)
    expected = whole.feed(candles)
    heatmap = Heatmap(preset, usd_scale=3.0)
    columns = heatmap.feed(candles[:0])
    for begin, end in pairwise(sorted({0, 150, stored, *cuts})):
        if begin == stored:
            heatmap = Heatmap.load(preset, heatmap.dump())
        columns = columns.concat(heatmap.feed(candles[begin:end]))
    assert heatmap.dump() == whole.dump()
    assert np.array_equal(columns.long, expected.long)
    assert np.array_equal(columns.short, expected.short)


@given(seed=seeds, which=which)
def test_fixed_bins_hold_what_the_columns_hold(books, seed, which):
    candles, preset = books(120, seed=seed, volatility=0.002), replace(BOOKS[which], reach=0.3)
    columns, result = Heatmap(preset).feed(candles), run(candles, preset, 400)
    np.testing.assert_allclose(result.long.sum(axis=1), columns.long.sum(axis=1), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(result.short.sum(axis=1), columns.short.sum(axis=1), rtol=1e-4, atol=1e-6)


@given(seed=seeds, factor=st.sampled_from([1e-6, 0.5, 8.0, 1e9]), which=which)
def test_coins_times_a_factor_scale_the_surface(books, seed, factor, which):
    candles = books(120, seed=seed)
    more = replace(candles, open_interest=candles.open_interest * factor)
    once, again = Heatmap(BOOKS[which]).feed(candles), Heatmap(BOOKS[which]).feed(more)
    np.testing.assert_allclose(again.long, once.long * factor, rtol=1e-4, atol=1e-6 * factor)


def test_without_open_interest_nothing_stands_and_nothing_is_invented(market):
    candles = replace(market(50), open_interest=np.full(50, np.nan))
    heatmap = Heatmap(LEVERAGE)
    columns = heatmap.feed(candles)
    assert not columns.long.any()
    assert math.isnan(heatmap.unlevered[Side.LONG])


def test_the_rungs_are_the_venues_formula():
    for leverage, level in zip(LEVERAGES, LEVERAGE.levels, strict=True):
        long = (1 - 1 / leverage) / (1 - 0.004)
        assert math.exp(-level.long_log) == pytest.approx(long)
        assert math.exp(level.short_log) == pytest.approx((1 + 1 / leverage) / (1 + 0.004))
    assert sum(LEVERAGE.weights) == pytest.approx(1.0)
    assert PRESETS["simple"] is SIMPLE


def test_weights_are_given_by_request():
    changed = with_weights(LEVERAGE, [0.5, 0, 0, 0, 0.2])
    assert changed.weights == (0.5, 0.0, 0.0, 0.0, 0.2)
    assert changed.distances == LEVERAGE.distances
    assert with_weights(FLOW, [1.0] * 17).weights == (1.0,) * 17


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ([0.5], "has 5 levels"),
        ([0.5, 0.6, 0, 0, 0], "sum to 1.1"),
        ([-0.1, 0, 0, 0, 0], "0 or more"),
        ([math.nan, 0, 0, 0, 0], "0 or more"),
        ([math.inf, 0, 0, 0, 0], "0 or more"),
    ],
)
def test_wrong_weights_are_refused_with_what_is_allowed(weights, problem):
    with pytest.raises(UserError, match=problem):
        with_weights(LEVERAGE, weights)
