"""Chances of touch fall with distance, rise with time and volatility; dollars follow what is shown."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.calibration import BTC_USD_SCALE
from engine.errors import DataError
from engine.model import HOUR_MS, STEP_MS, Candles, Side, Zone, ZoneId
from engine.touch import (
    FITS,
    HORIZONS_H,
    Moves,
    chances,
    outlook,
    spread_of_hours,
    typical_moves,
    usd_if_touched,
)

moves = st.floats(1e-4, 0.1)


def walk(hours, *, per_hour, seed=1, start_ms=1_759_276_800_000):
    """Candles of a random walk whose hours have a known standard deviation."""
    rng = np.random.default_rng(seed)
    fine, count = 30, hours * 12
    steps = rng.normal(0.0, per_hour / math.sqrt(12 * fine), (count, fine))
    path = np.cumsum(steps).reshape(count, fine)
    opened = np.concatenate([[0.0], path[:-1, -1]])
    unknown = np.full(count, np.nan)
    return Candles(
        ts=start_ms + np.arange(count, dtype=np.int64) * STEP_MS,
        open=np.exp(opened),
        high=np.exp(np.maximum(path.max(axis=1), opened)),
        low=np.exp(np.minimum(path.min(axis=1), opened)),
        close=np.exp(path[:, -1]),
        volume=np.ones(count),
        quote_volume=unknown,
        taker_buy_volume=unknown,
        open_interest=unknown,
    )


def zone(**changes):
    fields = {
        "zone_id": ZoneId("z"),
        "venue": "v",
        "symbol": "BTCUSDT",
        "side": Side.LONG,
        "low": 98.0,
        "high": 99.0,
        "peak": 98.5,
        "notional_usd": 1e6,
        "share": 0.1,
        "percentile": 90.0,
        "born_ts": 0,
        "updated_ts": 0,
    }
    return Zone(**(fields | changes))


@given(st.lists(st.floats(0.0, 0.5), min_size=2, max_size=9), moves, moves)
def test_nearer_is_likelier_and_so_is_a_longer_time(distances, day, week):
    far = np.sort(np.array(distances))
    found = chances(far, np.full(len(far), day), np.full(len(far), week))
    assert found.shape == (len(far), len(HORIZONS_H))
    assert ((found >= 0.0) & (found <= 1.0)).all()
    assert (np.diff(found, axis=0) <= 0.0).all()
    assert (np.diff(found, axis=1) >= 0.0).all()


@given(st.floats(1e-4, 0.3), moves, moves, st.floats(1.01, 5.0))
def test_only_distance_in_typical_moves_counts(distance, day, week, times):
    one = chances(np.array([distance]), np.array([day]), np.array([week]))
    same = chances(np.array([distance * times]), np.array([day * times]), np.array([week * times]))
    wilder = chances(np.array([distance]), np.array([day * times]), np.array([week * times]))
    assert same == pytest.approx(one, rel=1e-9)
    assert (wilder >= one).all()


def test_no_distance_is_certain_and_a_market_that_stands_still_goes_nowhere():
    still = np.zeros(2)
    found = chances(np.array([0.0, 0.01]), still, still)
    assert found[0].tolist() == [1.0] * 3
    assert found[1] == pytest.approx(0.0, abs=1e-12)


def test_a_random_walk_comes_about_as_often_as_said():
    """The curve was fitted on a market; a walk without jumps must still be near it where it matters."""
    candles = walk(24 * 400, per_hour=0.006, seed=3)
    high = np.log(candles.high).reshape(-1, 12).max(axis=1)
    opened = np.log(candles.open).reshape(-1, 12)[:, 0]
    move = np.array([0.006])
    for distance in (0.004, 0.008):
        said = chances(np.array([distance]), move, move)[0]
        for nth, hours in enumerate(HORIZONS_H):
            ahead = np.lib.stride_tricks.sliding_window_view(high, hours).max(axis=1)
            came = float((ahead >= opened[: len(ahead)] + distance).mean())
            assert said[nth] == pytest.approx(came, abs=0.12), (distance, hours)


def test_typical_moves_find_the_spread_of_a_walk_and_its_last_day():
    calm, wild = walk(24 * 9, per_hour=0.004), walk(24, per_hour=0.02, seed=2)
    shifted = Candles(
        **{n: getattr(wild, n) for n in ("open", "high", "low", "close", "volume")},
        ts=wild.ts + 24 * 9 * HOUR_MS,
        quote_volume=wild.quote_volume,
        taker_buy_volume=wild.taker_buy_volume,
        open_interest=wild.open_interest,
    )
    both = calm.concat(shifted)
    end_ms = int(both.ts[-1]) + STEP_MS
    before = typical_moves(both, now_ms=int(wild.ts[0]) + 24 * 9 * HOUR_MS)
    after = typical_moves(both, now_ms=end_ms)
    assert before.day == pytest.approx(0.004, rel=0.25)
    assert before.week == pytest.approx(0.004, rel=0.15)
    assert after.day == pytest.approx(0.02, rel=0.25)
    assert before.week < after.week < after.day


def test_moves_agree_with_those_that_were_fitted_on_and_know_no_future():
    candles = walk(24 * 10, per_hour=0.005)
    widths = np.log(candles.high.reshape(-1, 12).max(axis=1) / candles.low.reshape(-1, 12).min(axis=1))
    at = 24 * 8
    now_ms = int(candles.ts[at * 12])
    found = typical_moves(candles, now_ms=now_ms)
    assert found.day == pytest.approx(spread_of_hours(widths, 24)[at])
    assert found.week == pytest.approx(spread_of_hours(widths, 168)[at])
    assert typical_moves(candles[: at * 12], now_ms=now_ms) == found


def test_spread_of_hours_has_none_before_the_first_and_forgets_what_is_older():
    widths = np.array([0.1] * 5 + [0.01] * 5)
    spread = spread_of_hours(widths, 3)
    assert math.isnan(spread[0])
    assert spread[1:6] == pytest.approx(0.1 / math.sqrt(4 * math.log(2)))
    assert spread[8:] == pytest.approx(0.01 / math.sqrt(4 * math.log(2)))


def test_too_few_hours_are_refused():
    candles = walk(23, per_hour=0.005)
    with pytest.raises(DataError, match="23 hours of candles"):
        typical_moves(candles, now_ms=int(candles.ts[-1]) + STEP_MS)
    with pytest.raises(DataError, match="0 hours"):
        typical_moves(Candles.empty(), now_ms=0)


def test_a_zone_is_judged_by_its_nearer_edge():
    typical = Moves(day=0.005, week=0.006)
    below = outlook(zone(), 100.0, typical)
    above = outlook(zone(side=Side.SHORT, low=100.0**2 / 99.0, high=103.0), 100.0, typical)
    expected = chances(np.array([math.log(100 / 99)]), np.array([0.005]), np.array([0.006]))[0]
    assert [each.chance for each in below] == pytest.approx(expected.tolist())
    assert [each.chance for each in above] == pytest.approx(expected.tolist())
    assert [each.horizon_h for each in below] == list(HORIZONS_H)
    assert [each.chance for each in outlook(zone(), 98.5, typical)] == [1.0, 1.0, 1.0]
    assert below[0].expected_usd == pytest.approx(below[0].chance * below[0].usd_if_touched)


def test_dollars_rise_with_those_shown_less_than_in_proportion_and_go_by_the_symbols_scale():
    shown = np.array([0.0, 1e5, 1e6, 1e7])
    found = usd_if_touched(shown)
    assert found[0].tolist() == [0.0, 0.0, 0.0]
    assert found[2] == pytest.approx([fit.million_usd for fit in FITS])
    assert (np.diff(found, axis=0) > 0.0).all()
    assert (np.diff(found, axis=1) >= 0.0).all()
    assert (found[3] < 10.0 * found[2]).all()
    smaller = usd_if_touched(shown / 50.0, usd_scale=BTC_USD_SCALE / 50.0)
    assert smaller == pytest.approx(found / 50.0)


def test_dollars_of_a_longer_time_are_never_less_even_of_tiny_zones():
    assert (np.diff(usd_if_touched(np.geomspace(1.0, 1e9, 40)), axis=1) >= 0.0).all()
