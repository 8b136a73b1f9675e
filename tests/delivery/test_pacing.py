import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery import pacing
from bot.delivery.channel import Rate
from bot.delivery.pacing import Bucket, Lanes, Pacer, Waiter

TELEGRAM = (Rate(count=30, period_s=1),)


def chat(destination):
    if destination.startswith("group"):
        return (Rate(count=1, period_s=1), Rate(count=20, period_s=60))
    return (Rate(count=1, period_s=1),)


def run(lanes, waiters):
    """Let waiters through in their order of arrival at time 0; return (name, time) as they go."""
    now, went = 0.0, []
    for n, (priority, destination, name) in enumerate(waiters):
        lanes.add(Waiter(priority, n, destination, lambda name=name: went.append((name, now))))
    again = lanes.grant(now)
    while again is not None:
        now = max(again, now + 1e-6)
        again = lanes.grant(now)
    return went


def test_a_channel_sends_its_burst_and_then_its_rate():
    went = run(Lanes(TELEGRAM, chat), [(4, f"c{n}", n) for n in range(90)])
    times = [at for _, at in went]
    assert times[:30] == [0.0] * 30
    assert times[30] == times[59] == pytest.approx(1.0, abs=0.01)
    assert times[89] == pytest.approx(2.0, abs=0.01)


def test_criticals_pass_whatever_waits():
    crowd = [(4, f"c{n}", f"info{n}") for n in range(300)]
    went = run(Lanes(TELEGRAM, chat), [*crowd, (0, "x", "critical")])
    assert dict(went)["critical"] == 0.0


def test_a_chat_that_waits_holds_up_nobody_behind_it():
    went = run(Lanes(TELEGRAM, chat), [(0, "slow", n) for n in range(3)] + [(4, "other", "other")])
    assert dict(went) == {0: 0.0, "other": 0.0, 1: pytest.approx(1, abs=0.01), 2: pytest.approx(2, abs=0.01)}


def test_a_group_gets_twenty_a_minute():
    went = run(Lanes(TELEGRAM, chat), [(4, "group1", n) for n in range(25)])
    times = [at for _, at in went]
    assert min(b - a for a, b in pairwise(times)) >= 0.99
    assert sum(at < 60 for at in times) == 20
    assert times[20] == pytest.approx(60, abs=0.01)


def test_a_retry_after_shuts_one_place_or_all_of_them():
    lanes = Lanes((), lambda _: ())
    lanes.shut("a", 5.0)
    assert lanes.closed(0.0) == {"a": 5.0}
    assert (lanes.ready_at("a", 0.0), lanes.ready_at("b", 0.0)) == (5.0, 0.0)
    lanes.shut(None, 7.0)
    assert (lanes.ready_at("a", 0.0), lanes.ready_at("b", 0.0)) == (7.0, 7.0)
    assert lanes.closed(5.1) == {}


def test_the_destination_unused_for_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(pacing, "KEPT_DESTINATIONS", 3)
    lanes = Lanes((), chat)
    run(lanes, [(4, f"c{n}", n) for n in range(9)])
    assert len(lanes._places) == 3


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=80),
    st.integers(1, 10),
    st.floats(0.1, 5),
)
def test_a_bucket_never_lets_more_through_than_its_rate(gaps, count, period_s):
    bucket, now, taken = Bucket(Rate(count=count, period_s=period_s)), 0.0, []
    for gap in gaps:
        now += gap
        if bucket.ready_at(now) <= now:
            bucket.take(now)
            taken.append(now)
    for n, start in enumerate(taken):
        assert len([t for t in taken[n:] if t < start + period_s]) <= count


async def test_turns_are_taken_by_severity_and_a_gone_waiter_takes_none():
    pacer, went = Pacer((Rate(count=1, period_s=0.05),), lambda _: ()), []

    async def one(name, priority):
        await pacer.turn(name, priority)
        went.append(name)

    await pacer.turn("first", 4)
    tasks = [asyncio.create_task(one(f"info{n}", 4)) for n in range(3)]
    await asyncio.sleep(0)
    gone = asyncio.create_task(one("gone", 0))
    critical = asyncio.create_task(one("critical", 0))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(*tasks, critical, gone, return_exceptions=True)
    pacer.close()
    assert went == ["critical", "info0", "info1", "info2"]


async def test_obeying_holds_a_place_back():
    pacer = Pacer((), lambda _: ())
    pacer.obey(0.1, destination="a")
    assert 0.05 < pacer.closed()["a"] <= 0.1
    began = asyncio.get_running_loop().time()
    await pacer.turn("b", 4)
    await pacer.turn("a", 4)
    assert asyncio.get_running_loop().time() - began >= 0.09
    pacer.close()


def test_what_takes_two_requests_uses_two_of_what_the_channel_may():
    lanes, went = Lanes((Rate(count=3, period_s=1.0),), lambda _: ()), []
    for number, cost in enumerate((2, 2, 1)):
        lanes.add(Waiter(4, number, f"c{number}", lambda n=number: went.append(n), cost))
    assert lanes.grant(0.0) == 1.0
    assert went == [0]  # the last does not take what the second waits for, or it might wait for ever
    lanes.grant(1.0)
    assert went == [0, 1, 2]


@given(st.lists(st.floats(0.0, 0.2), min_size=40, max_size=120))
def test_a_busy_machine_slows_nothing_down_and_breaks_no_limit(lags_s):
    bucket, now_s, took = Bucket(Rate(count=5, period_s=1.05, late_s=0.04)), 0.0, []
    for lag_s in lags_s:
        now_s = bucket.ready_at(now_s) + min(lag_s, 0.04)
        bucket.take(now_s)
        took.append(now_s)
    assert all(later - first >= 1.01 - 1e-9 for first, later in zip(took, took[5:], strict=False))
    assert took[-1] <= (len(took) - 1) // 5 * 1.05 + 5 * 0.04 + 1e-6
