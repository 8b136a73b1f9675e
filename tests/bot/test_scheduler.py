import asyncio

from bot.scheduler import Scheduler, alert_jobs


async def test_a_job_runs_again_after_it_failed_and_says_so():
    scheduler, runs = Scheduler(), []

    async def work():
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("once")

    scheduler.every(0.02, "work", work)
    scheduler.start()
    while len(runs) < 3:
        await asyncio.sleep(0.01)
    await scheduler.stop()
    (health,) = scheduler.health()
    assert health.failed == 1
    assert health.ran >= 1
    assert health.last_error == "ValueError: once"


async def test_runs_never_overlap_and_missed_ones_come_once():
    scheduler, state = Scheduler(), {"now": 0, "most": 0, "ran": 0}

    async def slow():
        state["now"] += 1
        state["most"] = max(state["most"], state["now"])
        await asyncio.sleep(0.1)
        state["now"] -= 1
        state["ran"] += 1

    scheduler.every(0.01, "slow", slow)
    scheduler.start()
    await asyncio.sleep(0.35)
    await scheduler.stop()
    assert state["most"] == 1
    assert 2 <= state["ran"] <= 4


async def test_stopping_waits_for_what_runs():
    scheduler, done = Scheduler(), []

    async def work():
        await asyncio.sleep(0.1)
        done.append(1)

    scheduler.every(0.01, "work", work)
    scheduler.start()
    await asyncio.sleep(0.05)
    await scheduler.stop()
    assert done == [1]
    await asyncio.sleep(0.15)
    assert done == [1]


async def test_stopping_before_starting_is_fine():
    await Scheduler().stop()


async def test_alerts_need_three_jobs():
    class Alerting:
        async def sweep(self): ...
        async def audit(self): ...
        async def forget_old(self): ...

    scheduler = Scheduler()
    alert_jobs(scheduler, Alerting())
    assert [(j.name, j.every_s) for j in scheduler.health()] == [
        ("sweep", 1.0),
        ("audit", 60.0),
        ("forget", 3600.0),
    ]
