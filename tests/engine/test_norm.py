import copy
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import norm
from engine.model import DAY_MS, STEP_MS
from engine.presets import FLOW

TINY = replace(FLOW, norm_days=12 / 288, norm_min_days=3 / 288)
steps = st.lists(st.sampled_from([1, 1, 1, 1, 2, 5, 11, 12, 13, 40]), min_size=1, max_size=60)
volumes = st.sampled_from([0.0, 1e-9, 1.0, 2.0, 1e9])


def masses(preset, ts, quote):
    state = norm.new_norm(preset)
    return norm.masses(norm.rule_of(preset), state, np.array(ts, np.int64), np.array(quote, float))[0], state


@given(jumps=steps, data=st.data())
def test_mass_is_volume_by_the_mean_of_the_bars_before(jumps, data):
    slots = np.cumsum(jumps)
    quote = data.draw(st.lists(volumes, min_size=len(slots), max_size=len(slots)))
    got, _ = masses(TINY, slots * STEP_MS, quote)
    for t, slot in enumerate(slots):
        known = [quote[i] for i in range(t) if slots[i] >= slot - 12]
        mean = math.fsum(known) / len(known) if known else 0.0
        expected = (quote[t] / mean) ** 0.75 if len(known) >= 3 and mean > 0 else 0.0
        assert got[t] == pytest.approx(min(expected, norm.MAX_RATIO**0.75), rel=1e-6, abs=1e-12)


@given(jumps=steps, cut=st.integers(0, 60))
def test_blocks_give_the_same_bits(jumps, cut):
    ts = np.cumsum(jumps) * STEP_MS
    quote = np.random.default_rng(len(jumps)).exponential(1e6, len(ts))
    rule, whole, parts = norm.rule_of(TINY), norm.new_norm(TINY), norm.new_norm(TINY)
    expected, _ = norm.masses(rule, whole, ts, quote)
    got = [norm.masses(rule, parts, ts[s].copy(), quote[s].copy())[0] for s in (slice(cut), slice(cut, None))]
    assert np.array_equal(np.concatenate(got), expected)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_market_that_died_leaves_no_dust_in_the_mean():
    got, state = masses(TINY, np.arange(40) * STEP_MS, [1e9 / 3] * 12 + [0.0] * 26 + [5.0, 5.0])
    assert not got[24:39].any()
    assert got[39] == pytest.approx(12**0.75)
    assert norm.mean_of(state, norm.rule_of(TINY)) == pytest.approx(10 / 12)


def test_the_mean_is_unknown_until_enough_bars_are():
    rule = norm.rule_of(TINY)
    _, state = masses(TINY, np.arange(2) * STEP_MS, [3.0, 3.0])
    assert math.isnan(norm.mean_of(state, rule))
    _, state = masses(TINY, np.arange(3) * STEP_MS, [3.0, 6.0, 6.0])
    assert norm.mean_of(state, rule) == 5.0


def test_a_finer_step_enters_its_share():
    fine = replace(TINY, step_ms=60_000)
    got, _ = masses(fine, np.arange(30) * 60_000, [2.0] * 30)
    assert got[-1] == pytest.approx(0.2)
    assert norm.rule_of(FLOW) == norm.Rule(step_ms=STEP_MS, min_bars=864, exponent=0.75, share=1.0)
    assert norm.new_norm(FLOW).ring.size == 30 * DAY_MS // STEP_MS


def filled():
    _, state = masses(TINY, np.array([3, 4, 6, 9]) * STEP_MS, [1.0, 2.0, 3.0, 4.0])
    return state


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (norm.add_up, ()),
        (norm.forget, (4,)),
        (norm.forget, (5,)),
        (norm.skip, (12,)),
        (norm.skip, (100,)),
        (norm.join, (12, 7.0)),
        (norm.join, (10, 7.0)),
    ],
)
def test_compiled_and_plain_are_the_same(function, arguments):
    compiled, plain = filled(), filled()
    function(compiled, *arguments)
    function.py_func(plain, *arguments)
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_array_equal(one, other)


def test_compiled_and_plain_masses_are_the_same():
    rule, ts = norm.rule_of(TINY), np.array([10, 11, 12, 30, 31, 32, 33]) * STEP_MS
    quote = np.array([1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 9.0])
    compiled, plain = filled(), copy.deepcopy(filled())
    np.testing.assert_allclose(
        norm.masses(rule, compiled, ts, quote), norm.masses.py_func(rule, plain, ts, quote), rtol=1e-12
    )
    np.testing.assert_array_equal(compiled.ring, plain.ring)


def test_a_running_sum_that_cancels_is_added_up_anew():
    compiled, plain = filled(), filled()
    for state in (compiled, plain):
        state.sums[norm.PEAK] = 1e12
    norm.skip(compiled, 10)
    norm.skip.py_func(plain, 10)
    assert compiled.sums[norm.PEAK] == plain.sums[norm.PEAK] == 10.0
