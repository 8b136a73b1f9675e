import random

from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.backoff import Backoff
from engine.model import Severity


@given(st.integers(1, 200), st.integers(0, 2**32))
def test_a_wait_lies_between_nothing_and_a_ceiling_that_doubles_to_its_cap(attempt, seed):
    backoff = Backoff(base_s=1, cap_s=300)
    assert 0 <= backoff.wait_s(attempt, random.Random(seed)) <= backoff.ceiling_s(attempt)
    assert backoff.ceiling_s(attempt) == min(300, 2 ** (attempt - 1))


@given(st.floats(0, 86_400), st.integers(1, 50), st.integers(0, 2**32))
def test_a_named_time_is_never_undercut_and_hardly_exceeded(named_s, attempt, seed):
    wait_s = Backoff().wait_s(attempt, random.Random(seed), retry_after_s=named_s)
    assert named_s <= wait_s <= named_s + 1


def test_waits_are_spread_over_the_whole_range():
    rng = random.Random(1)
    waits = [Backoff(base_s=1, cap_s=300).wait_s(7, rng) for _ in range(4_000)]
    assert abs(sum(waits) / len(waits) - 32) < 1.5
    assert min(waits) < 1
    assert max(waits) > 63


def test_criticals_are_tried_more_often():
    backoff = Backoff(ordinary_budget=3, critical_budget=5)
    assert [backoff.spent(n, Severity.WARNING) for n in (2, 3)] == [False, True]
    assert [backoff.spent(n, Severity.CRITICAL) for n in (3, 4, 5)] == [False, False, True]
