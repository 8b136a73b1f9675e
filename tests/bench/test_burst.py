"""The figures of `bench burst`: what they count is found in made cases, and a small crowd gets everything."""

from collections import Counter

import numpy as np
import pytest

from bench import burst
from bench.burst_schedule import Sent, excess_s, ideal_s, out_of_order, out_of_turn, over
from bot.delivery.channel import Rate

TWO_A_SECOND = (Rate(count=2, period_s=1.0),)
ONE_IN_FIVE = (Rate(count=1, period_s=5.0),)


def sent(accepted_s, *, user="a", place="", priority=4, ready_s=0.0, cost=1):
    return Sent(
        user=user,
        place=place or user,
        priority=priority,
        ready_s=ready_s,
        accepted_s=accepted_s,
        cost=cost,
    )


def unlimited(_place):
    return ()


def test_at_best_the_worst_goes_first_as_fast_as_the_buckets_allow():
    messages = [sent(0, user=str(n)) for n in range(3)] + [sent(0, user="w", priority=0)]
    assert ideal_s(messages, TWO_A_SECOND, unlimited) == [0, 1, 1, 0]
    assert ideal_s([sent(0), sent(0), sent(0, user="b")], (), lambda _: ONE_IN_FIVE) == [0, 5, 0]
    assert ideal_s([sent(0, cost=2), sent(0, user="b")], TWO_A_SECOND, unlimited) == [0, 1]
    assert ideal_s([sent(0, ready_s=7), sent(0, ready_s=2)], (), unlimited) == [7, 2]


def test_what_is_late_is_counted_and_what_is_early_is_not():
    messages = [sent(0.5, user="a"), sent(0.25, user="b"), sent(4.0, user="c")]
    np.testing.assert_allclose(excess_s(messages, TWO_A_SECOND, unlimited), [0.25, 0.5, 3.0])


def test_something_lesser_that_goes_before_something_worse_is_out_of_order():
    late = sent(9.0, user="w", priority=0)
    assert out_of_order([sent(5.0), late], unlimited) == 1
    assert out_of_order([sent(1.5), late], unlimited) == 0  # it was on its way
    assert out_of_order([sent(5.0), sent(9.0, user="w", priority=0, ready_s=4.0)], unlimited) == 0
    assert out_of_order([sent(5.0), sent(9.0, user="w", priority=4)], unlimited) == 0


def test_what_could_not_go_to_its_place_is_not_passed():
    worse = [sent(4.0, user="w", place="desk", priority=0), sent(9.0, user="w", place="desk", priority=0)]
    assert out_of_order([sent(5.0), *worse], lambda _: ONE_IN_FIVE) == 0
    assert out_of_order([sent(7.5), *worse], unlimited) == 1
    assert out_of_order([sent(8.5), *worse], unlimited) == 0  # both were on their way


def test_a_user_with_many_who_goes_before_one_with_none_is_out_of_turn():
    many = [sent(float(n), user="greedy", place=f"p{n}") for n in range(1, 6)]
    assert out_of_turn([*many, sent(6.5, user="b")], unlimited) == 3
    assert out_of_turn([*many, sent(2.0, user="b")], unlimited) == 0


def test_what_a_platform_would_refuse_is_counted():
    assert over([0, 0.1, 0.2, 1.05, 1.15], Rate(count=2, period_s=1.0)) == 1
    assert over([0, 0.1, 1.0, 1.1], Rate(count=2, period_s=1.0)) == 0


def test_the_plan_tells_everybody_and_some_often():
    planned = burst.plan(1_000)
    assert len({one.alert_id for one in planned}) == len(planned) == 1_000
    assert Counter(one.channel for one in planned) == {
        "discord": 550,
        "telegram": 350,
        "email": 50,
        "webhook": 50,
    }
    often = Counter(one.place for one in planned).most_common(1)[0]
    assert often[1] == burst.DESK_ALERTS
    assert {one.severity for one in planned} == set(burst.SEVERITIES)


@pytest.mark.process
async def test_a_small_burst_arrives_whole_in_order_and_users_in_turn(tmp_path):
    found = burst.figures(await burst.burst(tmp_path, 60, delay_s=0.02))
    assert found["messages"] == 60
    assert (found["lost"], found["repeated"]) == (0, 0)
    assert (found["out_of_order"], found["out_of_turn"]) == (0, 0)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_crash_candle_for_thousands_is_delivered_as_fast_as_the_buckets_allow():
    found = burst.run(quick=False)
    assert {name: found["figures"][name] <= goal for name, goal in found["goals"].items()} == dict.fromkeys(
        found["goals"], True
    )
