"""What stands, as values: dollars add up, sides and distances are right."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.columns import Columns
from engine.errors import GridError
from engine.grid import make_grid
from engine.heatmap import Heatmap
from engine.model import Side
from engine.presets import BIN_LOG, FLOW, LEVERAGE, Unit
from engine.snapshot import HeatmapSnapshot, cells


def snapshot(columns, **more):
    return HeatmapSnapshot.of(columns, FLOW, symbol="BTCUSDT", venues=("binance",), **more)


@given(seed=st.integers(0, 1000), bin_bp=st.sampled_from([2.0, 5.0, 7.0, 50.0]))
def test_levels_add_up_and_stand_on_their_side(market, small, seed, bin_bp):
    columns = Heatmap(small, usd_scale=1e6).feed(market(80, seed=seed))
    shot = snapshot(columns, bin_bp=bin_bp)
    for side, levels, row in ((Side.LONG, shot.long, columns.long), (Side.SHORT, shot.short, columns.short)):
        assert shot.total_usd(side) == pytest.approx(float(row[-1].sum(dtype=float)))
        assert [level.distance for level in levels] == sorted(level.distance for level in levels)
        for level in levels:
            assert level.side is side
            assert level.price_low < level.price < level.price_high
            assert (level.price_high <= shot.price) if side is Side.LONG else (level.price_low >= shot.price)
            width = np.log(level.price_high / level.price_low) / BIN_LOG
            assert width <= max(1, round(bin_bp / 2)) + 1e-6


def test_a_lump_is_where_it_was_put():
    usd = np.zeros((2, 1, 40), np.float32)
    usd[0, 0, 10] = 5e6
    usd[1, 0, 20] = 3e6
    close_bin = int(np.floor(np.log(100.0) / BIN_LOG))
    columns = Columns(
        ts=np.array([300_000]),
        close=np.array([100.0]),
        close_bin=np.array([close_bin]),
        long=usd[0],
        short=usd[1],
    )
    shot = snapshot(columns, bin_bp=2.0, min_usd=1.0)
    (long,), (short,) = shot.long, shot.short
    assert (shot.model, shot.unit, shot.ts, shot.price) == ("flow", Unit.EXPECTED, 300_000, 100.0)
    assert (long.notional_usd, short.notional_usd) == (5e6, 3e6)
    assert long.price_low == pytest.approx(np.exp((close_bin - 10) * BIN_LOG))
    assert short.price_low == pytest.approx(np.exp((close_bin + 20) * BIN_LOG))
    assert long.distance == pytest.approx(9.5 * BIN_LOG, rel=0.06)
    assert not snapshot(columns, min_usd=1e7).long
    with pytest.raises(GridError, match="no candle yet"):
        snapshot(columns[:0])
    other = HeatmapSnapshot.of(columns, LEVERAGE, symbol="S", venues=("v",))
    assert (other.model, other.unit) == ("leverage", Unit.STANDING)


def test_cells_are_those_of_the_grid(market, small):
    candles = market(80)
    columns = Heatmap(small, usd_scale=1e6).feed(candles)
    low, high = float(candles.low.min()) * 0.97, float(candles.high.max()) * 1.03
    grid = make_grid(
        "S",
        columns,
        candles,
        t0=int(candles.ts[0]),
        t1=int(candles.ts[-1]) + 1,
        price_low=low,
        price_high=high,
        bins=50,
        max_cols=20,
    )
    found = list(cells(grid, min_usd=10.0))
    assert len(found) == int((grid.long > 10.0).sum() + (grid.short > 10.0).sum()) > 0
    assert sum(c.notional_usd for c in found if c.side is Side.LONG) == pytest.approx(
        float(grid.long[grid.long > 10.0].sum()), rel=1e-5
    )
    for cell in found[::50]:
        column = int(np.searchsorted(grid.ts, cell.ts))
        place = int(np.searchsorted(grid.edges, cell.price_low))
        heat = grid.long if cell.side is Side.LONG else grid.short
        assert heat[column, place] == np.float32(cell.notional_usd)
        assert grid.edges[place + 1] == cell.price_high
        assert cell.step_ms == grid.step_ms
