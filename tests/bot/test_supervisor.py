"""The supervisor restarts what crashes, leaves the rest alone, and says how each part is."""

import asyncio

import pytest

from bot import supervisor
from bot.supervisor import PartState, Supervisor


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(supervisor, "LONGEST_DELAY_S", 0.004)


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_crashed_part_is_restarted_and_says_why():
    runs = []
    parts = Supervisor()

    async def work():
        runs.append(1)
        if len(runs) < 4:
            raise ValueError(f"crash {len(runs)}")
        await asyncio.Event().wait()

    parts.start("feed", work)
    await _until(lambda: len(runs) == 4)
    (health,) = parts.health()
    assert health.state is PartState.RUNNING
    assert health.restarts == 3
    assert health.last_error == "ValueError: crash 3"
    assert health.well
    await parts.stop_all()
    assert parts.health()[0].state is PartState.STOPPED
    assert not parts.health()[0].well


async def test_a_crash_leaves_the_other_parts_alone():
    parts = Supervisor()
    beats = []

    async def crashes():
        raise RuntimeError("again")

    async def beats_on():
        while True:
            beats.append(1)
            await asyncio.sleep(0.001)

    parts.start("bad", crashes, essential=False)
    parts.start("good", beats_on)
    await _until(lambda: parts.health()[0].restarts >= 5)
    before = len(beats)
    await _until(lambda: len(beats) > before)
    good = parts.health()[1]
    assert good.restarts == 0
    assert not parts.health()[0].essential
    await parts.stop_all()


async def test_backoff_doubles_up_to_its_cap(monkeypatch):
    slept = []
    real = asyncio.sleep

    async def sleep(delay_s):
        slept.append(delay_s)
        await real(0)

    monkeypatch.setattr(supervisor.asyncio, "sleep", sleep)
    monkeypatch.setattr(supervisor.random, "uniform", lambda low, high: high)

    async def crashes():
        raise RuntimeError

    part = supervisor.Part("x", crashes)
    task = asyncio.create_task(part.run())
    while len(slept) < 5:
        await real(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert slept[:5] == [0.001, 0.002, 0.004, 0.004, 0.004]


async def test_a_part_that_is_done_is_not_run_again():
    runs = []
    parts = Supervisor()

    async def work():
        runs.append(1)

    parts.start("once", work)
    await _until(lambda: parts.health()[0].state is PartState.FINISHED)
    assert runs == [1]
    assert parts.health()[0].well


async def test_one_part_can_be_stopped_and_names_are_unique():
    parts = Supervisor()
    parts.start("a", asyncio.Event().wait)
    with pytest.raises(ValueError, match="already"):
        parts.start("a", asyncio.Event().wait)
    await asyncio.sleep(0)
    await parts.stop("a")
    await parts.stop("nobody")
    assert parts.health()[0].state is PartState.STOPPED


async def test_a_part_that_will_not_stop_does_not_hold_the_rest(capsys):
    parts = Supervisor()
    release = asyncio.Event()

    async def stubborn():
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()

    parts.start("stubborn", stubborn)
    await asyncio.sleep(0)
    await parts.stop_all(timeout_s=0.01)
    await parts.stop("stubborn", timeout_s=0.01)
    release.set()
    await asyncio.sleep(0.01)
