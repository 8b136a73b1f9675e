import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import grid
from engine.columns import Columns
from engine.errors import GridError
from engine.heatmap import Heatmap
from engine.model import DAY_MS, STEP_MS, Candles
from engine.presets import BIN_LOG

HOUR = 12 * STEP_MS


def heat(market, small, count=200, **how):
    candles = market(count, **how)
    return candles, Heatmap(small, usd_scale=3.4e6).feed(candles)


def whole(candles, columns, **wish):
    """A grid over everything there is."""
    wish = {"price_low": candles.low.min() * 0.9, "price_high": candles.high.max() * 1.1, **wish}
    times = {"t0": int(candles.ts[0]), "t1": int(candles.ts[-1]) + STEP_MS}
    return grid.make_grid("BTCUSDT", columns, candles, **{**times, "bins": 500, "max_cols": 10_000, **wish})


def by_hand(columns, made, side):
    """Sum in price with pro rata edges and take the maximum in time, one bin after the other."""
    out = np.zeros((len(made.ts), len(made.edges) - 1))
    for t in range(len(columns)):
        line = np.zeros(out.shape[1])
        lower, upper = (columns.prices(t), tuple(v * math.exp(BIN_LOG) for v in columns.prices(t)))
        at = 0 if side == "long" else 1
        for low, high, value in zip(lower[at], upper[at], getattr(columns, side)[t], strict=True):
            inside = np.minimum(high, made.edges[1:]) - np.maximum(low, made.edges[:-1])
            line += value * np.maximum(inside, 0) / (high - low)
        col = int((columns.ts[t] // made.step_ms * made.step_ms - made.ts[0]) // made.step_ms)
        out[col] = np.maximum(out[col], line)
    return out


@given(
    seed=st.integers(0, 1000),
    bins=st.integers(5, 900),
    max_cols=st.sampled_from([8, 20, 70, 500]),
    low=st.floats(0.5, 1.0),
    wide=st.floats(0.001, 0.5),
)
def test_the_grid_is_summed_in_price_and_maximal_in_time(market, small, seed, bins, max_cols, low, wide):
    candles, columns = heat(market, small, 60, seed=seed, missing=0.05)
    low *= candles.low.min()
    wish = {"price_low": low, "price_high": low * (1 + wide)}
    made = whole(candles, columns, bins=bins, max_cols=max_cols, **wish)
    assert len(made.ts) <= max_cols
    assert len(made.edges) - 1 <= bins
    assert made.edges[0] <= low
    assert made.edges[-1] >= low * (1 + wide)
    for side in ("long", "short"):
        expected = by_hand(columns, made, side)
        np.testing.assert_allclose(getattr(made, side), expected, rtol=1e-5, atol=1e-3)


@given(seed=st.integers(0, 1000), bins=st.integers(50, 900))
def test_dollars_are_kept(market, small, seed, bins):
    candles, columns = heat(market, small, 60, seed=seed)
    made = whole(candles, columns, bins=bins)
    assert made.step_ms == STEP_MS
    np.testing.assert_allclose(made.long.sum(axis=1), columns.long.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(made.short.sum(axis=1), columns.short.sum(axis=1), rtol=1e-5)


def test_surfaces_of_venues_with_different_prices_add(market, small):
    candles, one = heat(market, small, 60)
    other = replace(one, close_bin=one.close_bin + 3)
    both = Columns(
        ts=one.ts,
        close=one.close,
        close_bin=one.close_bin + 3,
        long=other.long + np.pad(one.long, ((0, 0), (3, 0)))[:, :-3],
        short=other.short + np.pad(one.short[:, 3:], ((0, 0), (0, 3))),
    )
    parts = [whole(candles, c) for c in (one, other, both)]
    shared = one.short.sum(axis=1) == one.short[:, 3:].sum(axis=1)
    np.testing.assert_allclose(parts[0].long + parts[1].long, parts[2].long, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(
        (parts[0].short + parts[1].short)[shared], parts[2].short[shared], rtol=1e-4, atol=1e-2
    )


def test_candles_are_put_together_like_the_columns(market, small):
    candles, columns = heat(market, small, 100, missing=0.03)
    made = whole(candles, columns, max_cols=40)
    assert made.step_ms > STEP_MS
    for col, ts in enumerate(made.ts):
        inside = (candles.ts >= ts) & (candles.ts < ts + made.step_ms)
        bar = [made.open[col], made.high[col], made.low[col], made.close[col]]
        if inside.any():
            part = candles.open[inside], candles.high[inside], candles.low[inside], candles.close[inside]
            assert bar == [part[0][0], part[1].max(), part[2].min(), part[3][-1]]
        else:
            assert np.isnan(bar).all()


def test_a_gap_stays_a_gap(market, small):
    candles, columns = heat(market, small, 60)
    kept = np.r_[0:20, 40:60]
    holed = Candles(**{n: getattr(candles, n)[kept] for n in Candles.__slots__})
    made = whole(holed, columns[:20].concat(columns[40:]))
    assert len(made.ts) == 60
    assert np.isnan(made.close[20:40]).all()
    assert not made.long[20:40].any()
    assert np.isfinite(np.delete(made.close, np.s_[20:40])).all()
    assert (np.diff(made.ts) == STEP_MS).all()


def test_only_the_window_asked_for_is_shown(market, small):
    candles, columns = heat(market, small)
    made = whole(candles, columns, t0=int(candles.ts[50]), t1=int(candles.ts[80]))
    assert made.ts.tolist() == candles.ts[50:80].tolist()
    np.testing.assert_array_equal(made.close, candles.close[50:80])
    assert made.symbol == "BTCUSDT"


def test_either_columns_or_candles_are_enough(market, small):
    candles, columns = heat(market, small, 60)
    bare = whole(candles, columns[:0])
    assert not bare.long.any()
    np.testing.assert_array_equal(bare.close, candles.close)
    prices = {"price_low": 90.0, "price_high": 110.0}
    times = {"t0": int(columns.ts[0]), "t1": int(columns.ts[-1]) + 1}
    made = grid.make_grid("X", columns, Candles.empty(), **times, **prices)
    assert made.long.any()
    assert np.isnan(made.close).all()


@pytest.mark.parametrize(
    "wish",
    [
        {"t0": 10, "t1": 10},
        {"price_low": 5.0, "price_high": 5.0},
        {"price_low": 0.0},
        {"price_high": math.inf},
        {"price_low": math.nan},
        {"bins": 0},
        {"max_cols": 0},
        {"t0": -20, "t1": -10},
    ],
)
def test_what_cannot_be_drawn_is_refused(market, small, wish):
    candles, columns = heat(market, small, 20)
    with pytest.raises(GridError, match="BTCUSDT"):
        whole(candles, columns, **wish)


@given(low=st.floats(1e-9, 1e6), wide=st.floats(1e-4, 50.0), bins=st.integers(1, 1000))
def test_price_edges_are_round_and_cover_the_range(low, wide, bins):
    high = low * (1 + wide)
    edges = grid.price_edges(low, high, bins)
    size = edges[1] - edges[0]
    assert edges[0] <= low * (1 + 1e-9)
    assert edges[-1] >= high * (1 - 1e-9)
    assert edges[0] >= 0
    assert len(edges) - 1 <= max(bins, 2)
    digits = size / 10 ** math.floor(math.log10(size) + 1e-9)
    assert min(abs(digits - r) for r in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)) < 1e-4
    if bins >= 400:
        assert len(edges) - 1 >= 0.6 * bins


@pytest.mark.parametrize(
    ("span_ms", "max_cols", "step_ms"),
    [
        (DAY_MS, 1200, STEP_MS),
        (30 * DAY_MS, 1200, HOUR),
        (7 * DAY_MS, 1200, 2 * STEP_MS),
        (0, 1, STEP_MS * 576),
        (0, 2, STEP_MS),
        (365 * DAY_MS, 100, 4 * DAY_MS),
    ],
)
def test_columns_are_of_round_lengths(span_ms, max_cols, step_ms):
    assert grid.column_step(span_ms, STEP_MS, max_cols) == step_ms


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("away", [0, -9, 8, 300])
@pytest.mark.parametrize("size", [0.003, 0.02, 0.1])
def test_compiled_and_plain_fold_are_the_same(sign, away, size):
    rows = np.random.default_rng(3).exponential(1.0, (4, 12)).astype(np.float32)
    rows[:, 5] = 0.0
    close_bin = math.floor(math.log(100.0) / BIN_LOG) + away + np.arange(4)
    edges = np.arange(99.9, 100.15, size)
    prices, group = grid.price_map(edges), np.array([0, 0, 1, 1])
    compiled, plain = np.zeros((2, len(edges) - 1), np.float32), np.zeros((2, len(edges) - 1), np.float32)
    grid.fold(rows, close_bin, sign, group, prices, compiled)
    grid.fold.py_func(rows, close_bin, sign, group, prices, plain)
    np.testing.assert_allclose(compiled, plain, rtol=1e-6)
    assert (compiled >= 0).all()
    assert away in (-9, 8) or compiled.any() == (away == 0)
