"""A made market is consistent with itself, and what stands in it is found again."""

import dataclasses

import numpy as np
import pytest

from bench.synthetic import Judge
from bench.synthetic_market import (
    HEDGED_USD,
    IN_PROFIT,
    LIQUIDATED,
    MINUTE_MS,
    START_PRICE,
    STEP_MIN,
    Recipe,
    make,
)
from engine.heatmap import Heatmap
from engine.model import CANDLE_FIELDS, HOUR_MS
from engine.presets import BIN_LOG, PRESETS

DAYS = 40
BUSY = tuple((day * 288 + at, 8.0) for day in (15, 21, 26, 32) for at in range(288))
"""Days on which everything is eight times as much."""


@pytest.fixture(scope="module")
def market():
    return make(Recipe(days=6, seed=3, lots=8))


@pytest.fixture(scope="module")
def judge():
    return Judge(make(Recipe(days=DAYS, seed=5, lots=24, bursts=BUSY)))


def test_the_same_recipe_gives_the_same_market(market):
    again = make(Recipe(days=6, seed=3, lots=8))
    for name in CANDLE_FIELDS:
        np.testing.assert_array_equal(getattr(again.candles, name), getattr(market.candles, name))
    other = make(Recipe(days=6, seed=4, lots=8))
    assert not np.array_equal(other.candles.close, market.candles.close)


def test_candles_are_such_as_a_venue_gives(market):
    heatmap = Heatmap(PRESETS["flow"])
    assert len(heatmap.feed(market.candles)) == 6 * 288
    assert not heatmap.gaps
    assert market.candles.open_interest.min() >= HEDGED_USD / START_PRICE


def test_price_was_where_positions_ended(market):
    lots, c = market.lots, market.candles
    way = np.where(lots.short, 1.0, -1.0)
    last = np.minimum(lots.gone // STEP_MIN, len(c) - 1)
    extreme, best = (
        np.where(lots.short, c.high[last], c.low[last]),
        np.where(lots.short, c.low[last], c.high[last]),
    )
    gone = lots.how == LIQUIDATED
    assert gone.sum() > 100
    assert ((extreme - lots.liquidation) * way)[gone].min() >= -1e-9 * START_PRICE
    taken = lots.how == IN_PROFIT
    assert ((best - lots.entry) * way)[taken].max() < 0
    assert (lots.gone > lots.opened).all()


def test_no_standing_position_is_beyond_its_liquidation(market):
    c, lots = market.candles, market.lots
    for row in range(288, len(c), 97):
        minute = (row + 1) * STEP_MIN
        standing = (lots.opened < minute) & (lots.gone >= minute)
        assert (lots.liquidation[standing & ~lots.short] < c.close[row]).all()
        assert (lots.liquidation[standing & lots.short] > c.close[row]).all()
        ts = int(c.ts[0]) + minute * MINUTE_MS
        book = market.book(ts, int(np.floor(np.log(c.close[row]) / BIN_LOG)), 40_000)
        usd = (lots.quantity * lots.liquidation)[standing]
        sides = [usd[~lots.short[standing]].sum(), usd[lots.short[standing]].sum()]
        np.testing.assert_allclose(book.sum(axis=1), sides)


def test_open_interest_carries_both_books(market):
    c, lots = market.candles, market.lots
    for row in (100, 700, len(c) - 2):
        minute = (row + 1) * STEP_MIN
        standing = (lots.opened < minute) & (lots.gone >= minute)
        books = [lots.quantity[standing & (lots.short == side)].sum() for side in (False, True)]
        assert c.open_interest[row] == pytest.approx(HEDGED_USD / START_PRICE + max(books))


def test_liquidations_by_hour_are_all_of_them(market):
    lots = market.lots
    gone = lots.how == LIQUIDATED
    assert market.liquidated_usd().sum() == pytest.approx((lots.quantity * lots.liquidation)[gone].sum())
    assert market.liquidated_usd().shape == (6 * 24, 2)
    hours = lots.gone[gone] * MINUTE_MS // HOUR_MS
    assert (market.liquidated_usd().sum(axis=1)[np.unique(hours)] > 0).all()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_planted_days_are_found_and_their_placebo_is_not(judge, name):
    found = judge.agreement(PRESETS[name])
    placebo = judge.placebo(PRESETS[name], shuffles=1)
    assert found.at_distance > placebo.at_distance + 0.1
    assert found.rank > placebo.rank + 0.05


def test_levels_in_the_wrong_place_are_told_from_right_ones(judge):
    flow = PRESETS["flow"]
    one = tuple(dataclasses.replace(level, long_log=0.1, short_log=0.1) for level in flow.levels)
    assert judge.agreement(flow).rank > judge.agreement(dataclasses.replace(flow, levels=one)).rank + 0.1
