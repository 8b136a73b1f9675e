import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.columns import ColumnHistory, Columns, decode_columns, encode_columns, quantise
from engine.errors import DataError
from engine.heatmap import Heatmap
from engine.model import STEP_MS

WIDTH = 5
dollars = st.floats(0, 2.0**40, width=32)


def columns(count, *, first=0, width=WIDTH, value=None):
    rng = np.random.default_rng(first)
    heat = rng.exponential(1e5, (2, count, width)).astype(np.float32)
    if value is not None:
        heat[:] = value
    steps = np.arange(first, first + count)
    return Columns(
        ts=steps * STEP_MS, close=100.0 + steps, close_bin=23_000 + steps, long=heat[0], short=heat[1]
    )


def same(first, second):
    for name in ("ts", "close", "close_bin", "long", "short"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_a_row_says_where_its_bins_are():
    row = columns(1)
    long, short = row.prices(0)
    assert long[0] == short[0] == pytest.approx(math.exp(23_000 * 2e-4))
    assert long[1] < long[0] < short[1]
    assert long[-1] == pytest.approx(math.exp((23_000 - WIDTH + 1) * 2e-4))


def test_slices_and_joins_are_in_order():
    whole = columns(6)
    same(whole[:2].concat(whole[2:]), whole)
    assert len(Columns.empty(WIDTH)) == 0
    assert Columns.empty(WIDTH).width == WIDTH
    same(Columns.empty(WIDTH).concat(whole), whole)


@given(heat=hnp.arrays(np.float32, (2, 3, WIDTH), elements=dollars))
def test_storing_keeps_dollars_and_storing_again_changes_nothing(heat):
    plain = columns(3)
    plain = Columns(ts=plain.ts, close=plain.close, close_bin=plain.close_bin, long=heat[0], short=heat[1])
    once = decode_columns(encode_columns(plain), width=WIDTH)
    peak = heat.max(axis=(0, 2))[:, None]
    for side in ("long", "short"):
        before, after = getattr(plain, side), getattr(once, side)
        assert (np.abs(after - before) <= before / 2000 + peak * 4e-12 + 1e-43).all()
    same(decode_columns(encode_columns(once), width=WIDTH), once)
    history = ColumnHistory(10, width=WIDTH)
    history.append(plain)
    same(history.slice(0, 10**12), once)


def test_an_empty_row_is_stored_as_one():
    same(decode_columns(encode_columns(columns(1, value=0)), width=WIDTH), columns(1, value=0))
    _, scale = quantise(columns(1, value=0))
    assert np.isfinite(scale).all()


def test_real_columns_are_small(market, small):
    blobs = encode_columns(Heatmap(small, usd_scale=3.4e6).feed(market(100)))
    assert len(blobs) == 100
    assert max(map(len, blobs)) < 2 * 2 * small.width + 60


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda blob: b"", "not a stored heatmap column"),
        (lambda blob: blob[:40], "not a stored heatmap column"),
        (lambda blob: b"\x09" + blob[1:], "version 9"),
    ],
)
def test_a_spoilt_blob_is_refused(spoil, reason):
    blob = encode_columns(columns(1))[0]
    with pytest.raises(DataError, match=reason):
        decode_columns([spoil(blob)], width=WIDTH)
    with pytest.raises(DataError, match=r"with 5 bins a side.*with 7"):
        decode_columns([blob], width=7)


@given(sizes=st.lists(st.integers(0, 40), max_size=12), capacity=st.integers(1, 30))
def test_a_history_keeps_the_latest(sizes, capacity):
    history, first = ColumnHistory(capacity, width=WIDTH), 0
    assert (history.first_ts, history.last_ts, len(history)) == (None, None, 0)
    for size in sizes:
        history.append(columns(size, first=first))
        first += size
    kept = min(first, capacity)
    got = history.slice(0, 10**15)
    assert len(history) == len(got) == kept
    assert got.ts.tolist() == [i * STEP_MS for i in range(first - kept, first)]
    assert got.close.tolist() == [100.0 + i for i in range(first - kept, first)]
    if kept:
        assert (history.first_ts, history.last_ts) == ((first - kept) * STEP_MS, (first - 1) * STEP_MS)


def test_a_slice_is_from_t0_up_to_t1():
    history = ColumnHistory(100, width=WIDTH)
    history.append(columns(10))
    got = history.slice(3 * STEP_MS, 6 * STEP_MS)
    assert got.ts.tolist() == [3 * STEP_MS, 4 * STEP_MS, 5 * STEP_MS]
    expected = columns(10)[3:6]
    np.testing.assert_allclose(got.long, expected.long, rtol=1e-3)
    np.testing.assert_allclose(got.short, expected.short, rtol=1e-3)
    assert len(history.slice(-5, 0)) == len(history.slice(10**9, 10**10)) == 0


@pytest.mark.parametrize("later", [columns(2, first=3), columns(2, first=9, width=4)])
def test_columns_that_do_not_follow_are_refused(later):
    history = ColumnHistory(100, width=WIDTH)
    history.append(columns(5))
    with pytest.raises(DataError, match="follow it in time"):
        history.append(later)
    assert len(history) == 5


def test_a_cleared_history_starts_again():
    history = ColumnHistory(100, width=WIDTH)
    history.append(columns(5, first=50))
    history.clear()
    assert (len(history), history.last_ts) == (0, None)
    history.append(columns(2))
    assert history.first_ts == 0


def test_thirty_days_of_flow_take_less_than_30_mb():
    assert ColumnHistory(8640, width=600).nbytes < 30e6
