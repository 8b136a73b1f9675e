import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.heatmap import BIN_LOG, Heatmap, run
from engine.model import Side
from engine.presets import Level

seeds = st.integers(0, 2**32 - 1)
shares = st.sampled_from([0.0, 0.05, 0.3])
volatilities = st.sampled_from([0.0, 0.0005, 0.003, 0.02])


def rows(candles):
    names = ("ts", "open", "high", "low", "close", "volume", "quote_volume")
    return [
        dict(zip(names, map(float, v), strict=True))
        for v in zip(*(getattr(candles, n) for n in names), strict=True)
    ]


def same(first, second):
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("ts", "close", "close_bin", "long", "short")
    )


def changed(candles, **fields):
    return replace(candles, **fields)


@given(seed=seeds, missing=shares, dead=shares, volatility=volatilities, which=st.integers(0, 5))
def test_the_kernel_agrees_with_one_object_per_lot(
    market, oracle, variants, seed, missing, dead, volatility, which
):
    preset = variants[which]
    candles = market(
        120, seed=seed, missing=missing, dead=dead, volatility=volatility, step_ms=preset.step_ms
    )
    heatmap, reference = Heatmap(preset), oracle(preset)
    columns = heatmap.feed(candles)
    for candle in rows(candles):
        reference.feed(candle)
    wide = columns.width
    for side, book in reference.books.items():
        totals = heatmap.totals()[Side(side)]
        tolerance = 1e-9 * max(book.entered, 1e-300)
        for kind in ("entered", "swept", "taken", "decayed"):
            assert getattr(totals, kind) == pytest.approx(getattr(book, kind), rel=1e-9, abs=tolerance)
        standing = book.standing()
        dust = 1e-30 * book.entered  # what has decayed by thirty decades may differ
        assert totals.standing == pytest.approx(standing, rel=1e-9, abs=dust)
        step = -1 if side == "long" else 1
        mine = getattr(columns, side)[-1]
        theirs = np.zeros(wide)
        for b, value in book.by_bin().items():
            at = (b - int(columns.close_bin[-1])) * step
            assert at >= 0
            if at < wide:
                theirs[at] += value
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-9 * standing + dust)


@given(seed=seeds, missing=shares, dead=shares, volatility=volatilities)
def test_what_entered_is_standing_or_has_left(market, small, seed, missing, dead, volatility):
    heatmap = Heatmap(small, usd_scale=7.0)
    fed = heatmap.advance(market(300, seed=seed, missing=missing, dead=dead, volatility=volatility))
    for index, totals in enumerate(heatmap.totals().values()):
        left = totals.swept + totals.taken + totals.decayed + totals.closed
        assert totals.standing + left == pytest.approx(totals.entered, rel=1e-11, abs=1e-300)
        for kind in ("entered", "swept", "taken", "decayed", "closed"):
            moved = getattr(fed.events, kind)[:, index]
            assert (moved >= 0).all()
            assert moved.sum() == pytest.approx(getattr(totals, kind), rel=1e-11, abs=1e-300)


@given(seed=seeds, cuts=st.lists(st.integers(0, 200), max_size=6), stored=st.integers(0, 200), missing=shares)
def test_blocks_and_a_stored_state_give_the_same_arrays(market, small, seed, cuts, stored, missing):
    candles = market(200, seed=seed, missing=missing, volatility=0.004)
    whole = Heatmap(small, usd_scale=3.0)
    expected = whole.advance(candles)
    heatmap = Heatmap(small, usd_scale=3.0)
    columns = heatmap.feed(candles[:0])
    for begin, end in pairwise(sorted({0, 200, stored, *cuts})):
        if begin == stored:
            heatmap = Heatmap.load(small, heatmap.dump())
        columns = columns.concat(heatmap.feed(candles[begin:end]))
    assert heatmap.dump() == whole.dump()
    assert same(columns, expected.columns)
    assert same(heatmap.column(), columns[-1:])


@given(seed=seeds, missing=shares, volatility=volatilities, quiet=st.integers(1, 40))
def test_nothing_stands_where_price_has_been_since(market, small, seed, missing, volatility, quiet):
    candles = market(150 + quiet, seed=seed, missing=missing, volatility=volatility)
    silent = np.arange(len(candles)) >= 150
    volumes = {n: np.where(silent, 0.0, getattr(candles, n)) for n in ("volume", "quote_volume")}
    columns = Heatmap(small).feed(changed(candles, **volumes))
    index = np.arange(columns.width)
    lowest = math.floor(math.log(min(candles.low[150:].min(), candles.close[149])) / BIN_LOG)
    highest = math.floor(math.log(max(candles.high[150:].max(), candles.close[149])) / BIN_LOG)
    long_bins = columns.close_bin[-1] - index[columns.long[-1] > 0]
    short_bins = columns.close_bin[-1] + index[columns.short[-1] > 0]
    assert (long_bins < lowest).all()
    assert (short_bins > highest).all()


@given(
    seed=seeds,
    price=st.floats(-600, 600),
    volume=st.sampled_from([0.0, 1e-300, 1e-9, 1.0, 1e20]),
    jump=st.floats(-600, 600),
)
def test_any_finite_history_gives_finite_dollars(market, small, seed, price, volume, jump):
    candles = market(40, seed=seed, price=1.0, volatility=0.01, missing=0.1, dead=0.2)
    scale = np.exp(np.where(np.arange(40) < 20, price, jump))
    prices = {n: getattr(candles, n) * scale for n in ("open", "high", "low", "close")}
    volumes = np.where(np.arange(40) % 7 == 0, volume, candles.volume / scale)
    heatmap = Heatmap(small, usd_scale=3.4e6)
    fed = heatmap.advance(
        changed(candles, **prices, volume=np.minimum(volumes, 1e25 / scale), quote_volume=np.full(40, np.nan))
    )
    arrays = (fed.columns.long, fed.columns.short, fed.events.swept, fed.events.decayed)
    for array in arrays:
        assert np.isfinite(array).all()
        assert (array >= 0).all()
    for totals in heatmap.totals().values():
        assert math.isfinite(totals.standing)
        assert totals.standing >= 0


@given(seed=seeds, bins=st.integers(-40_000, 40_000))
def test_prices_times_a_factor_move_the_bins(market, small, seed, bins):
    candles = market(150, seed=seed, missing=0.05)
    known = changed(candles, quote_volume=candles.volume * 100.0)
    names = ("open", "high", "low", "close")
    moved = changed(known, **{n: getattr(known, n) * math.exp(bins * BIN_LOG) for n in names})
    first, second = Heatmap(small).feed(known), Heatmap(small).feed(moved)
    assert np.array_equal(first.close_bin + bins, second.close_bin)
    np.testing.assert_allclose(first.long, second.long, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(first.short, second.short, rtol=1e-4, atol=1e-6)


@given(seed=seeds, factor=st.sampled_from([1e-6, 0.5, 8.0, 1e9]))
def test_volumes_times_a_factor_change_nothing_and_the_scale_scales(market, small, seed, factor):
    candles = market(150, seed=seed)
    more = changed(candles, volume=candles.volume * factor, quote_volume=candles.quote_volume * factor)
    once, again = Heatmap(small).feed(candles), Heatmap(small).feed(more)
    scaled = Heatmap(small, usd_scale=factor).feed(candles)
    np.testing.assert_allclose(again.long, once.long, rtol=1e-5)
    np.testing.assert_allclose(scaled.short, once.short * factor, rtol=1e-5)


@given(seed=seeds)
def test_shorts_are_longs_on_mirrored_prices(market, small, seed):
    levels = tuple(Level(long_log=d, short_log=d, weight=d) for d in (0.002, 0.0065, 0.02))
    preset = replace(small, levels=levels)
    candles = market(150, seed=seed, price=math.exp(BIN_LOG / 3), volatility=0.004)
    candles = changed(candles, quote_volume=candles.volume)
    mirrored = changed(
        candles, open=1 / candles.open, high=1 / candles.low, low=1 / candles.high, close=1 / candles.close
    )
    plain, mirror = Heatmap(preset).feed(candles), Heatmap(preset).feed(mirrored)
    assert np.array_equal(mirror.close_bin, -1 - plain.close_bin)
    np.testing.assert_allclose(mirror.long, plain.short, rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(mirror.short, plain.long, rtol=1e-4, atol=1e-8)


@given(seed=seeds)
def test_venues_add(market, small, seed):
    candles = market(100, seed=seed)
    one, two, both = (Heatmap(small, usd_scale=s).feed(candles) for s in (3.0, 5.0, 8.0))
    np.testing.assert_allclose(one.long + two.long, both.long, rtol=1e-5)


@given(seed=seeds, bins=st.integers(40, 700), volatility=volatilities)
def test_fixed_bins_hold_what_the_columns_hold(market, small, seed, bins, volatility):
    candles = market(120, seed=seed, volatility=volatility, missing=0.02)
    preset = replace(small, reach=0.2)
    columns, result = Heatmap(preset).feed(candles), run(candles, preset, bins)
    assert result.long.shape == result.short.shape == (len(candles), bins)
    assert result.edges.shape == (bins + 1,)
    assert result.edges[0] < candles.low.min() * 0.83
    assert result.edges[-1] > candles.high.max() * 1.2
    centres = np.exp((columns.close_bin[-1] + 0.5 - np.arange(columns.width)) * BIN_LOG)
    place = np.searchsorted(result.edges, centres) - 1
    expected = np.zeros(bins)
    np.add.at(expected, place, columns.long[-1])
    np.testing.assert_allclose(result.long[-1], expected, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(result.short.sum(axis=1), columns.short.sum(axis=1), rtol=1e-4, atol=1e-9)
