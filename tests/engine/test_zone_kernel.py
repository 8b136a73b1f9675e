"""The compiled zones: the same as one object each in plain Python, and what their parts do."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import zone_kernel as kernel
from engine.columns import Columns
from engine.heatmap import Heatmap
from engine.model import DAY_MS, HOUR_MS, STEP_MS
from engine.presets import FLOW
from engine.zones import ZoneBook, ZoneParams

QUICK = ZoneParams(days=1, min_hours=3, auto_min_hours=2)
EVENT = ("ts", "change", "other")
ZONE = ("zone_id", "side", "born_ts", "updated_ts", "venue_share")
FLOATS = ("low", "high", "peak", "notional_usd", "share", "percentile")


def agree(got, expected):
    assert [[getattr(z, n) for n in ZONE] for z in got] == [[getattr(z, n) for n in ZONE] for z in expected]
    for name in FLOATS:
        numbers = [[getattr(zone, name) for zone in zones] for zones in (got, expected)]
        np.testing.assert_allclose(*numbers, rtol=1e-9)


def agree_on_events(got, expected):
    assert [[getattr(e, n) for n in EVENT] for e in got] == [[getattr(e, n) for n in EVENT] for e in expected]
    np.testing.assert_allclose([e.fraction for e in got], [e.fraction for e in expected], atol=1e-9)
    agree([e.zone for e in got], [e.zone for e in expected])


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    volatility=st.sampled_from([0.0005, 0.0015, 0.005]),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    wicks=st.booleans(),
    days=st.sampled_from([1, 2]),
)
def test_zones_are_those_of_the_plain_ones(market, zone_oracle, seed, volatility, missing, wicks, days):
    candles = market(220, seed=seed, volatility=volatility, missing=missing, price=1e5)
    columns = Heatmap(replace(FLOW, norm_min_days=0.02)).feed(candles)
    params = replace(QUICK, days=days)
    expected, happened = zone_oracle.ZoneOracle("v", "s", params).update(columns, candles if wicks else None)
    zones, events = ZoneBook("v", "s", params).update(columns, candles if wicks else None)
    agree(zones.zones, expected.zones)
    agree_on_events(events, happened)
    assert (zones.samples_h, zones.threshold_ready) == (expected.samples_h, expected.threshold_ready)
    assert zones.auto_min_usd == pytest.approx(expected.auto_min_usd, rel=1e-6, nan_ok=True)


def test_compiled_is_the_same_as_plain(market, monkeypatch):
    candles = market(70, seed=3, volatility=0.004, price=1e5)
    columns = Heatmap(replace(FLOW, norm_min_days=0.02)).feed(candles)
    params = replace(QUICK, min_hours=2)
    compiled = ZoneBook("v", "s", params)
    expected = compiled.update(columns, candles)
    for name, function in vars(kernel).copy().items():
        if hasattr(function, "py_func"):
            monkeypatch.setattr(kernel, name, function.py_func)
    plain = ZoneBook("v", "s", params)
    got = plain.update(columns, candles)
    assert len(got[1]) > 20
    agree_on_events(got[1], expected[1])
    assert plain.dump() == compiled.dump()


@given(
    values=st.lists(st.floats(0, 10, width=32).map(round), min_size=1, max_size=40),
    new=st.integers(0, 10),
    data=st.data(),
)
def test_an_exchange_keeps_order(values, new, data):
    row = np.sort(np.array(values, np.float32))
    old = data.draw(st.sampled_from(sorted(values)))
    expected = sorted([*values, new])
    expected.remove(old)
    for exchange in (kernel.exchange, kernel.exchange.py_func):
        changed = row.copy()
        exchange(changed, np.float32(old), np.float32(new))
        assert changed.tolist() == expected
        for value in (*values, new, -1, 11):
            assert kernel.place_of.py_func(changed, np.float32(value)) == np.searchsorted(changed, value)


def test_forgetting_keeps_each_row_in_order():
    rule = replace(QUICK, within=0.002).rule
    memory, rng = kernel.new_memory(rule, 50), np.random.default_rng(2)
    kept = []
    for hour in range(60):
        if hour % 7 == 3:
            continue
        kept.append((hour, rng.random(2 * rule.bins).astype(np.float32)))
        memory.at[kernel.PENDING_TS] = hour * HOUR_MS
        memory.pending[:] = kept[-1][1]
        kept = [each for each in kept if each[0] >= hour + 1 - 24]
        scratch = kernel.new_scratch(rule)
        kernel.begin_hour(rule, memory, (hour + 1) * HOUR_MS, scratch)
        hours = memory.at[kernel.HOURS]
        assert hours == len(kept)
        np.testing.assert_array_equal(memory.ordered[:, :hours].T, np.sort([v for _, v in kept], axis=0))


def test_a_long_silence_forgets_everything(market):
    candles = market(300, seed=5, price=1e5)
    columns = Heatmap(replace(FLOW, norm_min_days=0.02)).feed(candles)
    book = ZoneBook("v", "s", QUICK)
    zones, _ = book.update(columns)
    assert zones.samples_h == 24
    later = replace(columns[-1:], ts=columns.ts[-1:] + 9 * DAY_MS)
    zones, _ = book.update(later)
    assert (zones.samples_h, zones.threshold_ready, math.isnan(zones.auto_min_usd)) == (0, False, True)
    assert not zones.zones


def test_more_happens_than_is_taken_out_at_once():
    """Every bin is a zone of its own: many more events than there is room for in one go."""
    rows, width = 60, 340
    rng = np.random.default_rng(4)
    usd = (rng.random((2, rows, width)) * (np.arange(width) % 10 < 3)).astype(np.float32)
    ts = np.arange(rows, dtype=np.int64) * HOUR_MS
    close = np.full(rows, 1e5)
    at = np.full(rows, math.floor(math.log(1e5) / 2e-4), np.int64)
    columns = Columns(ts=ts, close=close, close_bin=at, long=usd[0], short=usd[1])
    params = replace(QUICK, days=3)
    whole, single = ZoneBook("v", "s", params), ZoneBook("v", "s", params)
    zones, events = whole.update(columns)
    parts = [single.update(columns[row : row + 1]) for row in range(rows)]
    assert len(events) > 4 * params.bins
    assert events == [event for part in parts for event in part[1]]
    assert whole.dump() == single.dump()
    assert zones == parts[-1][0]


def test_events_add_up(market):
    candles = market(200, seed=8, volatility=0.004, price=1e5)
    columns = Heatmap(replace(FLOW, norm_min_days=0.02)).feed(candles)
    whole, parts = ZoneBook("v", "s", QUICK), ZoneBook("v", "s", QUICK)
    cut = 120
    joined = parts.feed(columns[:cut], candles[:cut]) + parts.feed(columns[cut:], candles[cut:])
    events = whole.feed(columns, candles)
    assert len(joined) == len(events) == len(events.all()) > 0
    assert joined.all() == events.all()
    assert {e.ts % STEP_MS for e in events.all()} == {0}
