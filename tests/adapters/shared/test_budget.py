"""No sequence of calls, answers and corrections ever exceeds what a venue allows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.rest.limits import Budget, Limit
from adapters.rest.waiting import Backoff

CALLS = st.lists(
    st.tuples(
        st.integers(0, 40),  # weight
        st.floats(0, 20),  # seconds since the one before
        st.floats(0, 30),  # until the venue sees it
        st.floats(0, 30),  # until its answer is here
        st.none() | st.integers(0, 120),  # what the venue says is used
    ),
    max_size=40,
)


class Run:
    """Callers that take whatever they may, as soon as they may."""

    def __init__(self, limit):
        self.budget = Budget(limit)
        self.limit = limit
        self.now_s = 1000.0
        self.seen = []  # when the venue saw a weight
        self.answers = []  # when they come, what they say

    def settle(self, until_s):
        """Take in every answer that comes until then."""
        for at_s, spent, told in sorted((a for a in self.answers if a[0] <= until_s), key=lambda a: a[0]):
            self.budget.done(spent, at_s)
            if told is not None:
                self.budget.told(told, at_s, at_s % self.limit.window_s)
                assert self.budget.used(at_s) >= told
        self.answers = [a for a in self.answers if a[0] > until_s]
        self.now_s = until_s

    def call(self, weight, way_s, back_s, told):
        while (delay_s := self.budget.delay_s(weight, self.now_s)) > 0:
            if math.isinf(delay_s):
                delay_s = min(a[0] for a in self.answers) - self.now_s
            due_s = self.now_s + delay_s
            self.settle(min([due_s, *(a[0] for a in self.answers)]) if self.answers else due_s)
        spent = self.budget.take(weight, self.now_s)
        assert self.budget.used(self.now_s) <= self.limit.budget
        self.seen.append((self.now_s + way_s, weight))
        self.answers.append((self.now_s + way_s + back_s, spent, told))


@given(CALLS, st.booleans(), st.floats(0, 60))
def test_no_window_of_the_venue_ever_holds_more_than_its_budget(calls, fixed, shift_s):
    limit = Limit(name="weight", budget=100, window_s=60.0, fixed=fixed)
    run = Run(limit)
    for weight, later_s, way_s, back_s, told in calls:
        run.settle(run.now_s + later_s)
        run.call(weight, way_s, back_s, told)
    for begin_s, _ in run.seen:  # a venue that looks back from each request
        assert sum(w for at_s, w in run.seen if begin_s <= at_s < begin_s + 60) <= 100
    windows = {}
    for at_s, weight in run.seen:  # a venue that counts in minutes, wherever they begin
        index = int((at_s + shift_s) // 60)
        windows[index] = windows.get(index, 0) + weight
    assert all(weight <= 100 for weight in windows.values())


def test_what_others_use_is_added_until_the_minute_is_over():
    budget = Budget(Limit(name="w", budget=100, window_s=60.0, fixed=True))
    spent = budget.take(30, 1000.0)
    budget.done(spent, 1000.5)
    budget.told(80, 1001.0, 41.0)  # 19 s of the minute are left; 50 are not ours
    assert budget.used(1001.0) == 80
    assert budget.delay_s(30, 1001.0) == pytest.approx(20.0)
    assert budget.used(1021.5) == 30
    budget.told(20, 1022.0, 2.0)
    assert budget.used(1022.0) == 50  # 20 that others used in the new minute, and the 30 that still count


def test_a_venue_that_counts_less_is_not_believed():
    budget = Budget(Limit(name="w", budget=100, window_s=60.0))
    budget.take(60, 0.0)
    budget.told(10, 1.0, 0.0)
    assert budget.used(1.0) == 60
    assert budget.delay_s(50, 1.0) == math.inf
    with pytest.raises(ValueError, match="more than there is left"):
        budget.take(50, 1.0)


def test_a_weight_that_was_never_sent_is_given_back():
    budget = Budget(Limit(name="w", budget=100, window_s=60.0))
    budget.unsent(budget.take(100, 0.0))
    assert budget.used(0.0) == 0
    assert budget.delay_s(100, 0.0) == 0


def test_waiting_grows_to_a_minute_with_full_jitter():
    backoff = Backoff()
    assert backoff.delay_s(0) == 0
    for failures, most_s in ((1, 1), (2, 2), (4, 8), (7, 60), (10_000, 60)):
        waits = [backoff.delay_s(failures) for _ in range(300)]
        assert 0 <= min(waits) < most_s * 0.1
        assert most_s * 0.9 < max(waits) <= most_s
