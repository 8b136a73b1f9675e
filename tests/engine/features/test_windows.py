"""Rolling windows against lists that are looked through anew each time."""

import math

from hypothesis import given
from hypothesis import strategies as st

from engine.features.windows import Extreme, Lookback, Sum, slice_ms, slices, tolerance_ms

WINDOWS = st.sampled_from([60_000, 61_000, 900_000, 7_200_000])
STEPS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 3_000), st.integers(0, 400_000), st.just(5_000_000)),
        st.integers(0, 50_000),
        st.integers(1, 50),
    ),
    min_size=1,
    max_size=60,
)
"""How far the clock goes on, how late the event comes, its value."""


def walk(steps):
    now = 1_700_000_000_000
    for on, late, value in steps:
        now += on
        yield now, now - late, float(value)


@given(window_ms=WINDOWS, steps=STEPS)
def test_the_extreme_of_a_window_is_that_of_its_slices(window_ms, steps):
    for sign, best in ((1, max), (-1, min)):
        within, before, seen = Extreme(window_ms, sign), Extreme(window_ms, sign), []
        for now, ts, value in walk(steps):
            seen.append((ts // slice_ms(window_ms), value))
            within.add(ts, value)
            before.add(ts, value)
            here = now // slice_ms(window_ms)
            inside = [v for s, v in seen if here - slices(window_ms) < s <= here]
            past = [v for s, v in seen if here - slices(window_ms) <= s < here]
            assert within.within(now) == best(inside) if inside else math.isnan(within.within(now))
            assert before.before(now) == best(past) if past else math.isnan(before.before(now))


@given(window_ms=WINDOWS, steps=STEPS)
def test_a_sum_leaves_nothing_behind(window_ms, steps):
    rolling, seen = Sum(window_ms), []
    for now, ts, value in walk(steps):
        usd = value / 7
        rolling.add(ts, usd)
        seen.append((ts // slice_ms(window_ms), round(usd * 100)))
        here = now // slice_ms(window_ms)
        assert rolling.within(now) == sum(c for s, c in seen if here - slices(window_ms) < s) / 100


@given(window_ms=WINDOWS, steps=STEPS)
def test_the_value_a_window_ago_is_the_last_of_its_slice(window_ms, steps):
    past, last = Lookback(window_ms), {}
    for now, ts, value in walk([(on, late % 30_000, value) for on, late, value in steps]):
        past.add(ts, value)
        cut = ts // slice_ms(window_ms)
        if cut not in last or ts >= last[cut][0]:
            last[cut] = (ts, value)
        asked = now - window_ms
        old = [kept for kept in last.values() if kept[0] <= asked]
        want = max(old)[1] if old and max(old)[0] >= asked - tolerance_ms(window_ms) else math.nan
        got = past.before(now)
        assert got == want or (math.isnan(got) and math.isnan(want))


def test_windows_hold_a_bounded_number_however_many_events_there_are():
    rising, falling, sums, past = Extreme(900_000, 1), Extreme(900_000, -1), Sum(900_000), Lookback(900_000)
    for at in range(200_000):
        ts = 1_700_000_000_000 + at * 10
        for each in (rising, falling, past):
            each.add(ts, float(at))
        sums.add(ts, 1.0)
        rising.within(ts), falling.within(ts), sums.within(ts), past.before(ts)
    assert max(map(len, (rising._best, falling._best, sums._kept, past._kept))) <= slices(900_000) + 2
