"""The evaluator agrees with a plain loop over rules, and does what people are told it does."""

import importlib.util
import math
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules import crossing, evaluator
from engine.rules.evaluator import Evaluator
from engine.rules.feature import Direction, Feature, Metric, Threshold
from engine.rules.plan import Batch, Plan

PRICE = Feature(symbol="BTCUSDT", metric=Metric.PRICE)
FUNDING = Feature(symbol="BTCUSDT", metric=Metric.FUNDING_RATE)
UP, DOWN = Direction.ABOVE, Direction.BELOW
NEAR = "a zone is near"


def above(value, rearm=None, feature=PRICE):
    return Threshold(feature=feature, direction=UP, value=value, rearm=value if rearm is None else rearm)


def below(value, rearm=None, feature=PRICE):
    return Threshold(feature=feature, direction=DOWN, value=value, rearm=value if rearm is None else rearm)


def made(*branches, values=((PRICE, 100.0),), **limits):
    """An evaluator with rule 1 of these branches, and values that are known."""
    found = Evaluator()
    found.add({1: Plan(branches=branches, **limits)})
    for key, value in values:
        found.update(key, value, 0)
    return found


def told(fired):
    return [(hit.rule, hit.branch, hit.leaf, hit.ts, hit.late) for hit in fired]


def walked(rules, prices, start=1):
    """Where rules fire on a walk of prices, as places in it."""
    return [n for n, price in enumerate(prices) for _ in rules.update(PRICE, price, start + n)]


@contextmanager
def in_plain_python():
    """Run the walk as plain Python."""
    names = ("lower", "rise", "fall", "tell", "settle", "walk", "cross")
    compiled = {name: getattr(crossing, name) for name in names}
    try:
        for name in names:
            setattr(crossing, name, compiled[name].py_func)
        evaluator.cross = crossing.cross
        yield
    finally:
        for name in names:
            setattr(crossing, name, compiled[name])
        evaluator.cross = compiled["cross"]


def _oracle():
    spec = importlib.util.spec_from_file_location("rule_oracle", Path(__file__).with_name("rule_oracle.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Oracle


ORACLE = _oracle()
LEVELS = st.integers(-4, 4).map(lambda n: n / 2)
KEYS = st.sampled_from([PRICE, FUNDING])


@st.composite
def leaves(draw):
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from([NEAR, "another"]))
    value, width = draw(LEVELS), draw(st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.5]))
    make = draw(st.sampled_from([above, below]))
    return make(value, value + (-width if make is above else width), draw(KEYS))


BRANCHES = st.lists(st.lists(leaves(), min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple)
PLANS = st.builds(
    Plan,
    branches=BRANCHES,
    for_ms=st.sampled_from([0, 0, 1, 5]),
    once=st.booleans(),
    expires_ms=st.sampled_from([None, None, 20]),
)
NUMBERS = st.integers(0, 5)
STEPS = st.one_of(
    *[st.tuples(st.just("update"), KEYS, LEVELS | st.sampled_from([math.nan, None, math.inf]))] * 4,
    st.tuples(st.just("switch"), st.sampled_from([NEAR, "another"]), st.booleans()),
    st.tuples(st.just("add"), st.dictionaries(NUMBERS, PLANS, max_size=3), st.just(None)),
    st.tuples(st.just("remove"), NUMBERS, st.just(None)),
    st.tuples(st.just("move"), NUMBERS, st.lists(leaves(), min_size=9, max_size=9)),
    st.tuples(st.just("due"), st.just(None), st.just(None)),
    st.tuples(st.just("restart"), st.just(None), st.just(None)),
)


class Pair:
    """The evaluator and the plain loop, going the same way."""

    def __init__(self):
        self.rules, self.loop = Evaluator(), ORACLE()
        self.unseen = set()

    def update(self, ts, key, value):
        late = key in self.unseen
        if value is not None and not math.isnan(value):
            self.unseen.discard(key)
        return told(self.rules.update(key, value, ts, late=late)), self.loop.update(key, value, ts, late=late)

    def switch(self, ts, key, on):
        return told(self.rules.switch(key, ts, on=on)), self.loop.update(key, float(on), ts)

    def add(self, ts, plans, _):
        self.rules.add(plans)
        self.loop.add(plans)
        return [], []

    def remove(self, ts, number, _):
        self.rules.remove([number])
        self.loop.remove(number)
        return [], []

    def move(self, ts, number, pool):
        if number not in self.loop.rules:
            return told(self.rules.move({number: pool}, ts)), []
        old, rest = self.loop.rules[number].plan, iter(pool)
        plan = Plan(
            branches=tuple(tuple(next(rest) for _ in branch) for branch in old.branches),
            for_ms=old.for_ms,
            once=old.once,
            expires_ms=old.expires_ms,
        )
        flat = [leaf for branch in plan.branches for leaf in branch]
        return told(self.rules.move({number: flat}, ts)), self.loop.move(number, plan, ts)

    def due(self, ts, *_):
        assert sorted(self.rules.expired(ts)) == sorted(self.loop.expired(ts))
        return told(self.rules.due(ts)), self.loop.due(ts)

    def restart(self, ts, *_):
        kept, self.rules = self.rules.dump(), Evaluator()
        self.rules.add({number: rule.plan for number, rule in self.loop.rules.items()})
        self.rules.load(kept)
        for rule in self.loop.rules.values():
            rule.ended = False
        self.unseen = {PRICE, FUNDING}
        return [], []


def go(first, steps):
    pair = Pair()
    pair.add(0, first, None)
    for ts, (name, *what) in enumerate(steps, 1):
        got, want = getattr(pair, name)(ts, *what)
        assert sorted(got) == sorted(want), (ts, name, what)
        assert len(pair.rules) == len(pair.loop.rules)


@given(st.dictionaries(NUMBERS, PLANS, max_size=4), st.lists(STEPS, max_size=60))
def test_agrees_with_a_plain_loop(first, steps):
    go(first, steps)


@settings(max_examples=60)
@given(st.dictionaries(NUMBERS, PLANS, max_size=4), st.lists(STEPS, max_size=40))
def test_agrees_with_a_plain_loop_without_a_compiler(first, steps):
    with in_plain_python():
        go(first, steps)


@pytest.mark.parametrize("seed", range(5))
def test_many_rules_on_a_long_walk_agree_with_a_plain_loop(seed):
    """Ticks that are rounded tie with levels; jumps cross hundreds at once; rules come and go in between."""
    rng = np.random.default_rng(seed)

    def plan():
        branches = []
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            branch = []
            for _ in range(rng.choice([1, 1, 2, 3])):
                value, width = round(100 + rng.normal(0, 4), 1), rng.choice([0.0, 0.3, 2.0])
                up, feature = rng.random() < 0.5, (PRICE, FUNDING)[rng.integers(2)]
                branch.append((above if up else below)(value, value + (-width if up else width), feature))
            branches.append(tuple(branch))
        return Plan(branches=tuple(branches), for_ms=int(rng.choice([0, 0, 0, 7])), once=rng.random() < 0.1)

    rules, loop = Evaluator(), ORACLE()
    first = {number: plan() for number in range(300)}
    rules.add(first)
    loop.add(first)
    fires, price = 0, {PRICE: 100.0, FUNDING: 100.0}
    for ts in range(1, 600):
        key = (PRICE, FUNDING)[rng.integers(2)]
        price[key] = round(100 + 0.97 * (price[key] - 100) + rng.standard_t(3), 1)
        got, want = told(rules.update(key, price[key], ts)), loop.update(key, price[key], ts)
        assert sorted(got) == sorted(want)
        assert sorted(told(rules.due(ts))) == sorted(loop.due(ts))
        fires += len(got)
        changed = {int(rng.integers(400)): plan()}
        rules.add(changed)
        loop.add(changed)
        gone = int(rng.integers(400))
        rules.remove([gone])
        loop.remove(gone)
    assert fires > 500


def test_on_the_threshold_is_not_beyond_it():
    assert walked(made([above(101)]), [101, 101.5, 101, 101.5]) == [1, 3]
    assert walked(made([below(99)]), [99, 98.5, 99, 98.5]) == [1, 3]


def test_hysteresis_makes_one_fire_of_a_tremble():
    trembling = [101.5, 100.8, 101.5, 100.6, 101.5, 100.5, 101.5]
    assert walked(made([above(101)]), trembling) == [0, 2, 4, 6]
    assert walked(made([above(101, 100.5)]), trembling) == [0, 6]
    falling = [200 - p for p in trembling]
    assert walked(made([below(99, 99.5)]), falling) == [0, 6]


def test_a_jump_over_several_levels_fires_each():
    rules = Evaluator()
    rules.add({n: Plan(branches=((above(100 + n),),)) for n in range(10)})
    rules.update(PRICE, 99.0, 0)
    assert sorted(hit.rule for hit in rules.update(PRICE, 105.0, 1)) == [0, 1, 2, 3, 4]


def test_unknown_values_cross_nothing_and_forget_nothing():
    assert walked(made([above(101)]), [102, math.nan, None, 102, math.nan, 100, None, 102]) == [0, 7]


def test_what_is_true_at_first_sight_is_known_not_news():
    rules = made([above(101)], values=())
    assert walked(rules, [105, 106, 100, 105]) == [3]
    rules.add({2: Plan(branches=((above(102),),))})
    assert walked(rules, [106, 101.5, 103]) == [2]


def test_and_wants_all_and_names_the_last():
    rules = made([above(101), above(0.01, feature=FUNDING)], values=((PRICE, 100.0), (FUNDING, 0.0)))
    assert not len(rules.update(FUNDING, 0.02, 1))
    assert told(rules.update(PRICE, 102.0, 2)) == [(1, 0, 0, 2, False)]
    assert not len(rules.update(FUNDING, 0.0, 3))
    assert told(rules.update(FUNDING, 0.02, 4)) == [(1, 0, 1, 4, False)]


def test_or_fires_for_each_way_to_be_true_and_once_an_update():
    rules = made([above(101)], [above(102)], [below(99)])
    assert told(rules.update(PRICE, 103.0, 1)) == [(1, 0, 0, 1, False)]
    assert told(rules.update(PRICE, 98.0, 2)) == [(1, 2, 0, 2, False)]
    assert told(rules.update(PRICE, 101.5, 3)) == [(1, 0, 0, 3, False)]
    assert told(rules.update(PRICE, 102.5, 4)) == [(1, 1, 0, 4, False)]


def test_either_side_of_a_level_fires_at_each_crossing_but_not_at_a_tremble():
    rules = made([above(100, 99.75)], [below(100, 100.25)])
    assert walked(rules, [100.1, 99.9, 100.1, 100.3, 99.9, 99.7, 100.2]) == [0, 1, 4, 6]


def test_each_way_to_be_true_waits_by_itself():
    rules = made([above(101)], [above(102)], for_ms=10)
    rules.update(PRICE, 103.0, 1)
    rules.update(PRICE, 101.5, 5)
    rules.update(PRICE, 103.0, 6)
    assert told(rules.due(11)) == [(1, 0, 0, 11, False)]
    assert told(rules.due(16)) == [(1, 1, 0, 16, False)]


def test_a_branch_that_rises_and_falls_at_once_is_not_true():
    rules = made([above(101), below(99)], values=((PRICE, 98.0),))
    assert walked(rules, [102, 98, 102]) == []


def test_for_wants_no_break_and_the_newest_word_counts():
    rules = made([above(101)], for_ms=10)
    assert not len(rules.update(PRICE, 102.0, 1))
    assert not len(rules.due(10))
    rules.update(PRICE, 100.0, 11)
    assert not len(rules.due(11))
    rules.update(PRICE, 102.0, 12)
    assert told(rules.due(100)) == [(1, 0, 0, 22, False)]
    assert not len(rules.due(1000))


def test_what_held_long_enough_is_told_though_nobody_asked_in_time():
    rules = made([above(101)], for_ms=10)
    rules.update(PRICE, 102.0, 1)
    assert told(rules.update(PRICE, 100.0, 30)) == [(1, 0, 0, 11, False)]


def test_waits_that_are_broken_again_and_again_do_not_pile_up():
    rules = made([above(101)], for_ms=10**9)
    assert walked(rules, [102, 100] * 5000) == []
    assert len(rules._timers._due) < 2000


def test_once_fires_once_also_over_a_restart():
    rules = made([above(101)], once=True)
    assert walked(rules, [102, 100, 102]) == [0]
    again = Evaluator()
    again.add({1: Plan(branches=((above(101),),), once=True)})
    again.load(rules.dump())
    assert walked(again, [100, 102]) == []
    again.add({1: Plan(branches=((above(101),),), once=True)})
    assert walked(again, [100, 102]) == [1]


def test_a_rule_that_has_run_out_fires_no_more_and_is_named_once():
    rules = made([above(101)], expires_ms=3)
    assert walked(rules, [102, 100, 102]) == [0]
    assert rules.expired(2) == []
    assert rules.expired(3) == [1]
    assert rules.expired(4) == []


def test_a_switch_is_a_leaf_like_any_other():
    rules = made([NEAR, above(101)])
    rules.update(PRICE, 102.0, 1)
    assert told(rules.switch(NEAR, 2, on=True)) == [(1, 0, 0, 2, False)]
    assert not len(rules.switch(NEAR, 3, on=True))
    rules.switch(NEAR, 4, on=False)
    assert told(rules.switch(NEAR, 5, on=True)) == [(1, 0, 0, 5, False)]
    assert rules.watched() == {NEAR, PRICE}


def test_what_was_crossed_while_down_is_told_once_and_late():
    rules = made([above(101)], [below(90)])
    again = Evaluator()
    again.add({1: Plan(branches=((above(101),), (below(90),))), 2: Plan(branches=((above(101.5),),))})
    again.load(rules.dump())
    late = told(again.update(PRICE, 102.0, 9, late=True))
    assert sorted(late) == [(1, 0, 0, 9, True), (2, 0, 0, 9, True)]
    assert not len(again.update(PRICE, 102.5, 10))


def test_hysteresis_and_waits_outlive_a_restart():
    plans = {1: Plan(branches=((above(101, 100),),)), 2: Plan(branches=((above(100),),), for_ms=10)}
    rules, again = Evaluator(), Evaluator()
    rules.add(plans)
    assert walked(rules, [99, 102, 100.5]) == [1]
    again.add(plans)
    again.load(rules.dump())
    assert not len(again.update(PRICE, 102.0, 5, late=True))
    assert told(again.due(12)) == [(2, 0, 0, 12, False)]


def test_a_changed_threshold_takes_nothing_over_from_its_former_one():
    rules = made([above(101, 100)])
    assert walked(rules, [102, 100.5]) == [0]
    again = Evaluator()
    again.add({1: Plan(branches=((above(101.2, 100),),))})
    again.load(rules.dump())
    assert walked(again, [101.5]) == [0]


def test_what_moves_to_the_price_fires_and_keeps_its_hysteresis():
    rules = made([above(105, 104)])
    assert told(rules.move({1: [above(99, 98)]}, 1)) == [(1, 0, 0, 1, False)]
    assert not len(rules.move({1: [above(100.5, 99)]}, 2))
    assert walked(rules, [101, 99.5, 101]) == []
    assert walked(rules, [99, 101]) == [1]
    with pytest.raises(ValueError, match="keeps its leaves"):
        rules.move({1: [above(1), above(2)]}, 3)


def test_churn_reuses_what_was_given_back():
    rules = Evaluator()
    rules.add({n: Plan(branches=((above(n), below(0.1, feature=FUNDING)),)) for n in range(200)})
    before = rules.nbytes
    for number in range(5000):
        rules.remove([number])
        rules.add({number + 200: Plan(branches=((above(number % 90), below(0.1, feature=FUNDING)),))})
    assert len(rules) == 200
    assert rules.nbytes < 2 * before


def test_simple_rules_take_less_than_40_bytes_in_the_index():
    count = 100_000
    ones, value = np.ones(count, np.int64), np.linspace(50, 150, count)
    rules = Evaluator()
    rules.add(
        Batch(
            rule=np.arange(count),
            branches=ones,
            leaves=ones,
            keys=(PRICE,),
            key=ones * 0,
            above=ones > 0,
            value=value,
            rearm=value * 0.99,
        )
    )
    assert rules.index.nbytes / count < 40
    rules.update(PRICE, 100.0, 0)
    assert len(rules.update(PRICE, 101.0, 1)) == 1000


@pytest.mark.parametrize(("value", "rearm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, -math.inf), (1.0, 2.0)])
def test_numbers_that_mean_nothing_are_refused(value, rearm):
    one = np.ones(1, np.int64)
    with pytest.raises(ValueError, match=r"finite|before it"):
        Batch(
            rule=one,
            branches=one,
            leaves=one,
            keys=(PRICE,),
            key=one - 1,
            above=one > 0,
            value=np.array([value]),
            rearm=np.array([rearm]),
        )


def test_a_rule_without_branches_or_leaves_is_refused():
    for branches in ((), ((),)):
        with pytest.raises(ValueError, match="wants a branch"):
            Plan(branches=branches)


def test_a_rule_is_live_within_100_ms_though_half_a_million_look_at_the_same_price():
    count = 500_000
    ones, value = np.ones(count, np.int64), np.linspace(50, 150, count)
    columns = {"branches": ones, "leaves": ones, "keys": (PRICE,), "key": ones * 0, "above": ones > 0}
    rules = Evaluator()
    rules.add(Batch(rule=np.arange(count), value=value, rearm=value * 0.99, **columns))
    rules.update(PRICE, 100.0, 0)
    began_s = time.perf_counter()
    rules.add({count: Plan(branches=((above(100.00001, 99),),))})
    took_s = time.perf_counter() - began_s
    assert [hit.rule for hit in rules.update(PRICE, 100.00002, 1)] == [count]
    assert took_s < 0.1
