"""Kill -9 the sender at random moments, with far ends that fail one time in twenty: nothing is lost."""

import pytest

from bench import crash
from bench.far_ways import CHANNELS


def nothing_is_lost(crashes, kills):
    found = crash.figures(crashes)
    assert found["kills"] == kills
    assert found["alerts"] == len(crashes.acknowledged | crashes.stored) >= 10 * kills
    assert found["lost"] == 0
    assert found["repeated"] <= found["in_flight"] + found["cut"]
    assert found["unmarked"] == 0
    assert found["in_flight"] > 0 < found["refused"]
    assert {came.channel for came in crashes.came if came.what == "accepted"} == set(CHANNELS)


@pytest.mark.process
async def test_twenty_kills_lose_nothing_and_repeat_at_most_what_was_under_way(tmp_path):
    nothing_is_lost(await crash.crash(tmp_path, 20), 20)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_hundreds_of_kills_lose_nothing(tmp_path):
    nothing_is_lost(await crash.crash(tmp_path, 250), 250)


def test_what_is_lost_or_comes_twice_is_counted():
    def came(alert, what, *, marked=False):
        return crash.Came("email", alert, 1.0, what, marked, 1.0)

    told = [came("a000001", "cut"), came("a000001", "accepted", marked=True), came("a000002", "refused")]
    told += [came("a000003", "accepted"), came("a000003", "accepted"), came("a000003", "known")]
    names = {"a000001", "a000002", "a000003"}
    found = crash.figures(crash.Crashes(kills=1, in_flight=0, acknowledged=names, stored=names, came=told))
    assert (found["lost"], found["repeated"], found["repeated_beyond"], found["unmarked"]) == (1, 2, 1, 1)
    assert (found["recognised"], found["refused"], found["cut"]) == (1, 1, 1)
