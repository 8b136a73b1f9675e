"""What the wire carries comes back: times and prices exactly, dollars within half a code."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.encode import MAGIC, Frame, Scale, pack, price_unit, unpack
from engine.errors import GridError
from engine.grid import Grid


def grid_of(seed: int, columns: int, bins: int, *, price: float = 112_000.0, gaps: bool = False) -> Grid:
    """Make a grid that looks like one: levels that stand and end, prices that walk."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(rng.normal(0, 0.001, columns)))
    opened = np.concatenate([[price], close[:-1]])
    edges = np.linspace(price * 0.94, price * 1.06, bins + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    level = rng.gamma(0.6, 60_000, bins)
    grown = level[None, :] * np.linspace(0.5, 1, columns)[:, None] * (rng.random((columns, 1)) * 0.05 + 1)
    above = middle[None, :] > close[:, None]
    rows = {
        "open": opened,
        "high": np.maximum(opened, close),
        "low": np.minimum(opened, close),
        "close": close,
    }
    if gaps and columns > 2:
        for row in rows.values():
            row[1] = np.nan
    return Grid(
        symbol="BTCUSDT",
        step_ms=300_000,
        ts=1_760_000_100_000 + np.arange(columns, dtype=np.int64) * 300_000,
        edges=edges,
        long=np.where(above, 0, grown).astype(np.float32),
        short=np.where(above, grown, 0).astype(np.float32),
        **rows,
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    columns=st.integers(1, 40),
    bins=st.integers(1, 80),
    price=st.floats(1e-5, 1e6),
    gaps=st.booleans(),
)
def test_a_frame_comes_back(seed, columns, bins, price, gaps):
    grid = grid_of(seed, columns, bins, price=price, gaps=gaps)
    frame = Frame.of(grid)
    header, back = unpack(pack(frame, {"type": "snapshot", "n": 3}))
    assert header["type"] == "snapshot"
    assert header["n"] == 3
    assert np.array_equal(back.ts, frame.ts)
    assert np.array_equal(back.long, frame.long)
    assert np.array_equal(back.short, frame.short)
    unit = price_unit(float(np.nanmax(frame.ohlc)))
    assert np.allclose(back.ohlc, frame.ohlc, atol=unit * 0.51, rtol=0, equal_nan=True)
    assert back.scale == frame.scale
    assert back.fits(frame)


@given(seed=st.integers(0, 1000))
def test_dollars_are_right_within_half_a_code(seed):
    grid = grid_of(seed, 12, 60)
    scale = Scale.of(grid)
    back = scale.dollars(scale.codes(grid.long))
    step = np.log(scale.high / scale.low) / 254
    shown = grid.long > scale.low
    assert np.all(np.abs(np.log(back[shown] / grid.long[shown])) <= step * 0.51)
    assert np.all(back[grid.long == 0] == 0)
    assert step < 0.05


def test_an_empty_surface_has_a_scale():
    grid = grid_of(1, 4, 10)
    frame = Frame.of(replace(grid, long=grid.long * 0, short=grid.short * 0))
    assert not frame.long.any()
    assert unpack(pack(frame, {}))[1].scale == frame.scale


def test_one_column_is_light():
    frame = Frame.of(grid_of(5, 1000, 500))
    assert len(pack(frame.rows(slice(-1, None)), {})) < 1500


@pytest.mark.parametrize("damage", ["magic", "short", "header", "body", "length", "columns"])
def test_a_damaged_message_is_refused(damage):
    message = pack(Frame.of(grid_of(2, 5, 10)), {"type": "snapshot"})
    broken = {
        "magic": b"XXXX" + message[4:],
        "short": message[:6],
        "header": MAGIC + message[4:20] + b"\xff" * 30 + message[50:],
        "body": message[:-12] + b"\0" * 12,
        "length": message[: len(message) // 2],
        "columns": message.replace(b'"columns":5', b'"columns":6'),
    }[damage]
    with pytest.raises(GridError):
        unpack(broken)


@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    with pytest.raises(GridError):
        unpack(noise)
    with pytest.raises(GridError):
        unpack(MAGIC + noise)


def test_only_new_or_grown_columns_count_as_newer():
    whole = Frame.of(grid_of(3, 10, 20))
    earlier = whole.rows(slice(0, 8))
    assert len(earlier.newer(earlier)) == 0
    assert len(earlier.newer(whole)) == 2
    grown = replace(whole, ohlc=whole.ohlc.copy())
    grown.ohlc[1, 7] += 50
    assert earlier.newer(grown).ts[0] == whole.ts[7]


def test_columns_are_put_in_and_the_oldest_let_go():
    whole = Frame.of(grid_of(3, 10, 20))
    earlier, later = whole.rows(slice(0, 8)), whole.rows(slice(7, None))
    assert earlier.extended(later, keep=10).same(whole)
    assert np.array_equal(earlier.extended(later, keep=4).ts, whole.ts[-4:])


@pytest.mark.parametrize(
    ("price", "unit"), [(106_699.5, 0.1), (4_000.12, 0.001), (0.00001234, 1e-11), (0.0, 1e-6)]
)
def test_seven_digits_of_a_price_are_kept(price, unit):
    assert price_unit(price) == pytest.approx(unit)
