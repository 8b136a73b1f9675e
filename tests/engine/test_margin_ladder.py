"""Many liquidation prices at once are the same as one at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.tiers import TierBook
from engine.errors import LeverageError
from engine.margin.isolated import isolated
from engine.margin.ladder import allowed, distances, ladder
from engine.margin.model import Leg
from engine.margin.okx import OKX_SLICED
from engine.margin.tiers import TierUnit
from engine.margin.venues import RULES
from engine.model import Side

BOOK = TierBook()
VENUES = {name: (rules, BOOK.table(name, "BTCUSDT")) for name, rules in RULES.items()}
VENUES["okx, sliced"] = (OKX_SLICED, VENUES["okx"][1])
every_venue = pytest.mark.parametrize("venue", VENUES)


def scalar(rules, table, entry, quantity, leverage, side):
    found = isolated(rules, table, Leg(side=side, quantity=quantity, entry=entry), leverage=leverage)
    return np.nan if found.price is None else found.price


@every_venue
@given(st.data())
def test_a_ladder_is_the_same_as_one_position_at_a_time(venue, data):
    rules, table = VENUES[venue]
    count = data.draw(st.integers(1, 4))
    entry = np.array([10 ** data.draw(st.floats(0, 5)) for _ in range(count)])
    size = np.array(
        [10 ** data.draw(st.floats(0, 4 if table.unit is TierUnit.COINS else 7.5)) for _ in entry]
    )
    quantity = size / entry if table.unit is TierUnit.VALUE else size
    most = table.tier_at(float(size.max()) * 1.0001).max_leverage
    leverage = np.array([data.draw(st.floats(1, most)) for _ in range(3)])
    rungs = ladder(rules, table, entry, leverage, quantity=quantity)
    for prices, side in ((rungs.long, Side.LONG), (rungs.short, Side.SHORT)):
        assert prices.shape == (count, 3)
        for i, j in np.ndindex(prices.shape):
            one = scalar(rules, table, entry[i], quantity[i], leverage[j], side)
            assert prices[i, j] == pytest.approx(one, rel=1e-9, abs=1e-9 * entry[i], nan_ok=True)


def test_coins_at_an_edge_are_in_the_lower_tier():
    rules, table = VENUES["okx"]
    for quantity in (10.0, 10.000000000000002):
        found = ladder(rules, table, [100.0], [10.0], quantity=quantity).long[0, 0]
        assert found == pytest.approx(scalar(rules, table, 100.0, quantity, 10.0, Side.LONG), rel=1e-12)


@every_venue
def test_nominal_distances_are_those_of_the_first_tier(venue):
    rules, table = VENUES[venue]
    first = table.tiers[0].rate + rules.liquidation_fee
    leverage = np.array([2.0, 5, 10, 25, 40])
    found = distances(rules, table, leverage)
    assert found.long == pytest.approx(1 - (1 - 1 / leverage) / (1 - first), abs=1e-12)
    assert found.short == pytest.approx((1 + 1 / leverage) / (1 + first) - 1, abs=1e-12)
    assert (np.diff(found.long) < 0).all()
    assert (np.diff(found.short) < 0).all()
    prices = ladder(rules, table, [100.0, 0.02], leverage)
    assert prices.long == pytest.approx(np.outer([100.0, 0.02], 1 - found.long), rel=1e-12)
    assert prices.short == pytest.approx(np.outer([100.0, 0.02], 1 + found.short), rel=1e-12)


def test_the_common_shortcut_is_far_off():
    rules, table = VENUES["bybit"]
    rate = table.tiers[0].rate
    found = distances(rules, table, [10.0, 100.0])
    shortcut = 1 / np.array([10.0, 100.0]) - rate
    assert (found.long / shortcut)[0] == pytest.approx(1.0, abs=0.01)
    assert not np.isclose(found.long, shortcut, rtol=1e-4, atol=0).any()


def test_a_size_moves_the_distance_to_its_tier():
    rules, table = VENUES["binance"]
    near, far = distances(rules, table, [10.0], value=50e6), distances(rules, table, [10.0])
    assert near.long[0] < far.long[0]
    amount = table.tier_at(45e6).amount
    assert near.long[0] == pytest.approx(1 - (0.9 - amount / 50e6) / 0.98, abs=1e-12)


def test_what_owns_all_of_it_has_no_price():
    rules, table = VENUES["binance"]
    assert ladder(rules, table, [100.0], [1.0]).long == pytest.approx(np.nan, nan_ok=True)
    assert np.isfinite(ladder(rules, table, [100.0], [1.0]).short).all()


def test_rungs_that_a_venue_has_not_are_refused_with_its_highest():
    rules, table = VENUES["hyperliquid"]
    rungs = [5.0, 10, 25, 50, 100]
    with pytest.raises(LeverageError) as caught:
        ladder(rules, table, [100.0], rungs)
    assert caught.value.highest == 40
    assert allowed(table, rungs).tolist() == [5, 10, 25]
    with pytest.raises(LeverageError):
        ladder(rules, table, [100.0], [0.5, 10])
    with pytest.raises(LeverageError) as caught:
        ladder(rules, table, [100.0], [30.0], quantity=2e6)
    assert (caught.value.highest, caught.value.any_size) == (20, 40)
