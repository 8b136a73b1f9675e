"""What a move would sweep is what stands on its way, to the dollar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.columns import Columns
from engine.errors import GridError
from engine.model import Side
from engine.presets import BIN_LOG
from engine.standing import MOVES, Standing, cascade, check

CLOSE_BIN = 57_600  # about 100,930
WIDTH = 600
CLOSE = float(np.exp((CLOSE_BIN + 0.5) * BIN_LOG))


def standing(long=None, short=None):
    """Return a surface with dollars at some bins away from the close."""
    sides = []
    for placed in (long or {}, short or {}):
        bins = np.zeros(WIDTH)
        for at, usd in placed.items():
            bins[at] = usd
        sides.append(bins)
    return Standing(ts=0, close_bin=CLOSE_BIN, long=sides[0], short=sides[1])


def edge(bins_up):
    return float(np.exp((CLOSE_BIN + bins_up) * BIN_LOG))


def test_dollars_lie_where_they_were_put():
    found = standing(long={100: 5e6}, short={50: 3e6})
    assert found.between(Side.LONG, edge(-100), edge(-99)) == pytest.approx(5e6)
    assert found.between(Side.LONG, edge(-99), edge(0)) == pytest.approx(0.0, abs=1e-3)
    assert found.between(Side.SHORT, edge(50), edge(51)) == pytest.approx(3e6)
    assert found.between(Side.LONG, edge(-100), edge(-99.5)) == pytest.approx(2.5e6)
    assert found.swept(CLOSE, edge(-101)) == pytest.approx(5e6)
    assert found.swept(CLOSE, edge(60)) == pytest.approx(3e6)
    assert found.swept(CLOSE, edge(40)) == 0.0


def test_a_cascade_is_cumulative_and_ordered():
    found = cascade(standing(long={40: 1e6, 90: 2e6, 200: 4e6}, short={60: 8e6}), CLOSE)
    assert [s.move for s in found] == [0.10, 0.05, 0.02, 0.01, -0.01, -0.02, -0.05, -0.10]
    assert [round(s.notional_usd / 1e6) for s in found] == [8, 8, 8, 0, 1, 3, 7, 7]


@given(
    st.lists(st.tuples(st.integers(0, WIDTH - 1), st.floats(0, 1e8)), max_size=20),
    st.lists(st.floats(0.001, 0.11)),
)
def test_further_never_sweeps_less_and_parts_add_up(placed, moves):
    found = standing(long=dict(placed), short=dict(placed))
    total = sum(dict(placed).values())
    for sign in (1, -1):
        swept = [found.swept(CLOSE, CLOSE * (1 + sign * m)) for m in sorted(moves)]
        assert swept == sorted(swept) or np.allclose(swept, np.maximum.accumulate(swept))
        assert all(s <= total * (1 + 1e-9) + 1e-6 for s in swept)
    low, middle, high = edge(-400), edge(-123.4), edge(0)
    parts = found.between(Side.LONG, low, middle) + found.between(Side.LONG, middle, high)
    assert parts == pytest.approx(found.between(Side.LONG, low, high), abs=1e-3)


def test_a_stop_in_a_dense_place_is_shown_an_emptier_one():
    dense = dict.fromkeys(range(95, 115), 1e6)
    found = check(standing(long=dense | {40: 2e6}), CLOSE, edge(-104.5))
    assert found.side is Side.LONG
    assert found.way_usd == pytest.approx(2e6 + 10.5e6, rel=0.01)
    assert found.at_usd == pytest.approx(10e6, rel=0.05)
    assert found.emptier is not None
    assert found.emptier_usd <= found.at_usd / 2
    assert abs(found.emptier / edge(-104.5) - 1) <= 0.0025


def test_an_empty_place_needs_no_other_and_a_full_side_has_none():
    empty = check(standing(), CLOSE, CLOSE * 0.97)
    assert (empty.way_usd, empty.at_usd, empty.emptier) == (0.0, 0.0, None)
    full = check(standing(short=dict.fromkeys(range(WIDTH), 1e6)), CLOSE, CLOSE * 1.03)
    assert full.side is Side.SHORT
    assert full.emptier is None


@pytest.mark.parametrize("target", [CLOSE, 0.0, -5.0])
def test_what_is_no_target_is_refused(target):
    with pytest.raises(GridError):
        check(standing(), CLOSE, target)


def test_a_range_must_be_one_and_a_surface_must_exist():
    with pytest.raises(GridError, match="no range"):
        standing().between(Side.LONG, 5.0, 4.0)
    with pytest.raises(GridError, match="no candle"):
        Standing.of(Columns.empty(WIDTH))


def test_the_newest_row_is_taken():
    columns = Columns(
        ts=np.array([1, 2]),
        close=np.array([1.0, CLOSE]),
        close_bin=np.array([0, CLOSE_BIN]),
        long=np.ones((2, 4), np.float32),
        short=np.zeros((2, 4), np.float32),
    )
    found = Standing.of(columns)
    assert (found.ts, found.close_bin, found.long.sum()) == (2, CLOSE_BIN, 4.0)
    assert len(cascade(found, CLOSE)) == 2 * len(MOVES)
