"""A message keeps to a size by telling dollars less exactly, and never less than it says."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from bot.web.cells import GAP, changes_of, surfaces_of
from bot.web.encode import Frame, Scale, unpack
from bot.web.thrift import BOUNDS, WIRE_BYTES, grouped, pack_within
from engine.grid import Grid, make_grid
from engine.heatmap import Heatmap
from engine.model import STEP_MS
from engine.presets import PRESETS


def recorded(symbol: str, *, bins: int, columns: int = 1000, since: int = 16_000) -> Grid:
    """Return what stood over a thousand recorded candles, in about so many bins."""
    candles = load_recording(shipped_recordings() / f"{symbol}.parquet", symbol).candles
    fed = candles[since - 2500 : since + columns]
    stood = Heatmap(PRESETS["flow"]).feed(fed)[-columns:]
    shown = candles[since : since + columns]
    return make_grid(
        symbol,
        stood,
        shown,
        t0=int(shown.ts[0]),
        t1=int(shown.ts[-1]) + STEP_MS,
        price_low=float(shown.low.min()) * 0.97,
        price_high=float(shown.high.max()) * 1.03,
        bins=bins,
        step_ms=STEP_MS,
    )


def made(seed: int, columns: int, bins: int, spread: float) -> Grid:
    """Return a grid whose cells have nothing to do with each other: the hardest there is to pack."""
    rng = np.random.default_rng(seed)
    cells = np.exp(rng.normal(11, spread, (2, columns, bins))).astype(np.float32)
    cells *= rng.random((2, columns, bins)) < 0.6
    price = np.full(columns, 100.0)
    return Grid(
        symbol="BTCUSDT",
        step_ms=STEP_MS,
        ts=np.arange(columns, dtype=np.int64) * STEP_MS,
        edges=np.linspace(90, 110, bins + 1),
        long=cells[0],
        short=cells[1],
        open=price,
        high=price,
        low=price,
        close=price,
    )


def off(grid: Grid, message: bytes) -> float:
    """Return by how much more dollars are off than the message says they may be, as a factor."""
    header, frame = unpack(message)
    worst = 0.0
    for exact, codes in ((grid.long, frame.long), (grid.short, frame.short)):
        told = frame.scale.dollars(codes).astype(float)
        allowed = np.maximum(header["error"] * exact, header["error_usd"])
        worst = max(worst, float((np.abs(told - exact) / allowed).max(initial=0.0)))
    return worst


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    columns=st.integers(1, 40),
    bins=st.integers(1, 60),
    spread=st.floats(0, 4),
    most=st.integers(300, 6000),
)
def test_no_cell_is_off_by_more_than_the_message_says(seed, columns, bins, spread, most):
    grid = made(seed, columns, bins, spread)
    message = pack_within(Frame.of(grid), {}, most)
    assert off(grid, message) <= 1
    _, frame = unpack(message)
    coarsest = frame.scale.levels and len(frame.scale.levels) <= 40
    assert len(message) <= most or coarsest


@pytest.mark.parametrize(("symbol", "bins"), [("BTCUSDT", 500), ("ETHUSDT", 500), ("BTCUSDT", 600)])
def test_a_full_grid_of_a_recorded_market_keeps_to_its_size(symbol, bins):
    grid = recorded(symbol, bins=bins)
    assert grid.long.size > 400 * 1000
    frame = Frame.of(grid)
    message = pack_within(frame, {"type": "snapshot", "error_usd": 0})
    header, _ = unpack(message)
    assert len(message) < WIRE_BYTES == 80_000
    assert off(grid, message) <= 1
    assert header["error"] < 0.05
    assert header["error_usd"] <= 0.041 * frame.scale.top


def test_a_day_is_told_as_exactly_as_the_scale_can():
    grid = recorded("BTCUSDT", bins=600, columns=288)
    header, frame = unpack(pack_within(Frame.of(grid), {}))
    assert frame.scale.levels == ()
    assert header["error"] < 0.025
    assert header["error_usd"] <= frame.scale.low * 1.01


@given(low=st.floats(1e-3, 1e5), reach=st.floats(1.5, 6), bound=st.sampled_from(BOUNDS))
def test_every_code_has_a_level_and_nothing_stays_nothing(low, reach, bound):
    scale = Scale(low=low, high=low * 10**reach * 2, bottom=low * 10, top=low * 10**reach)
    ranks, levels = grouped(scale, bound.codes * scale.error + 5e-4, bound.of_top * scale.top)
    assert ranks[0] == 0
    assert ranks[1] == 1
    assert ranks[-1] == len(levels)
    assert set(np.diff(ranks).tolist()) <= {0, 1}
    assert list(levels) == sorted(levels)


@given(
    seed=st.integers(0, 10_000), columns=st.integers(1, 700), share=st.sampled_from([0.0, 0.001, 0.004, 0.5])
)
def test_cells_come_back_however_far_apart_they_change(seed, columns, share):
    rng = np.random.default_rng(seed)
    surfaces = [
        np.cumsum((rng.random((columns, 4)) < share) * rng.integers(1, 256, (columns, 4)), axis=0).astype(
            np.uint8
        )
        for _ in range(2)
    ]
    changes = changes_of(surfaces)
    assert int((changes.runs < GAP).sum()) == len(changes.values)
    for back, surface in zip(surfaces_of(changes, columns, 4), surfaces, strict=True):
        assert np.array_equal(back, surface)


@pytest.mark.parametrize("unchanged", [0, 1, 254, 255, 256, 509, 510, 511, 1020])
def test_a_long_run_is_told_in_several(unchanged):
    surface = np.zeros((unchanged + 1, 1), np.uint8)
    surface[unchanged] = 9
    empty = np.zeros_like(surface)
    changes = changes_of((surface, empty))
    assert changes.runs.tolist() == [GAP] * (unchanged // GAP) + [unchanged % GAP]
    assert changes.values.tolist() == [9]
    assert np.array_equal(surfaces_of(changes, unchanged + 1, 1)[0], surface)


def test_the_header_counts_the_runs():
    message = pack_within(Frame.of(made(1, 9, 20, 1.0)), {})
    (size,) = struct.unpack_from("<I", message, 4)
    header = json.loads(message[8 : 8 + size])
    frame = unpack(message)[1]
    assert header["runs"] == len(changes_of((frame.long, frame.short)).runs)
