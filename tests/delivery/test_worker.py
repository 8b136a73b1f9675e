import asyncio
import time
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from sqlalchemy import select

from bot.delivery.backoff import Backoff
from bot.delivery.channel import Picture, Rate
from bot.delivery.worker import Hooks, Worker, WorkerConfig
from engine.errors import Gone, Permanent, Retryable, StorageError
from engine.model import Severity
from storage.outbox import State, disabled_reason, revise
from storage.tables import Delivery, DeliveryEvent

QUICK = WorkerConfig(
    lease_s=5, look_every_s=0.05, drain_s=0.3, backoff=Backoff(base_s=0.01, cap_s=0.05, ordinary_budget=4)
)


@asynccontextmanager
async def working(state, *channels, config=QUICK, hooks=None):
    worker = Worker(state, channels, config=config, hooks=hooks)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(task, 5)


async def states(state):
    query = select(Delivery.alert_id, Delivery.state).where(Delivery.channel != "inapp")
    return dict(await state.read(lambda s: s.execute(query).all()))


async def trail(state, alert_id):
    def read(session):
        query = select(DeliveryEvent.to_state).join(
            Delivery, Delivery.delivery_id == DeliveryEvent.delivery_id
        )
        return list(
            session.scalars(query.where(Delivery.alert_id == alert_id).order_by(DeliveryEvent.event_id))
        )

    return await state.read(read)


async def test_a_queued_message_is_sent_at_once_and_its_way_is_kept(state, far, kit):
    async with working(state, far, config=WorkerConfig(look_every_s=5)) as worker:
        await asyncio.sleep(0.05)
        waits = []
        for i in range(20):
            await state.run(lambda s, i=i: kit.queue(s, f"a{i}"))
            began = time.monotonic()
            worker.wake()
            await kit.until(lambda i=i: len(far.got) == i + 1)
            waits.append(far.at_s[-1] - began)
        await kit.until(lambda: worker.health().ended.get("ACCEPTED") == 20)
    assert sorted(waits)[10] < 1.0  # it did not wait for its next look
    assert await trail(state, "a0") == ["QUEUED", "SENDING", "ACCEPTED"]


async def test_a_retryable_failure_is_tried_again_until_its_budget_is_spent(state, far, kit):
    far.plan = [Retryable("503")] * 3
    await state.run(lambda s: kit.queue(s, "a1"))
    async with working(state, far):
        await kit.until(lambda: far.got)
    assert (await trail(state, "a1"))[-3:] == ["RETRY", "SENDING", "ACCEPTED"]
    far.plan = [Retryable("503")] * 4
    await state.run(lambda s: kit.queue(s, "a2"))
    async with working(state, far):
        await kit.until(lambda: _is(state, "a2", "DEAD"))


async def _is(state, alert_id, where):
    return (await states(state)).get(alert_id) == where


async def test_retry_after_wins_over_the_jitter(state, far, kit):
    far.plan = [Retryable("429", retry_after_s=0.4)]
    await state.run(lambda s: kit.queue(s, "a1"))
    async with working(state, far):
        began = time.monotonic()
        await kit.until(lambda: far.got)
    assert far.at_s[0] - began >= 0.39


async def test_a_refused_message_is_failed_and_told_in_the_app(state, far, kit):
    far.plan = [Permanent("400 bad")]
    inapp = kit.Far(name="inapp")
    await state.run(lambda s: kit.queue(s, "a1", user_id="telegram:4"))
    async with working(state, far, inapp):
        await kit.until(lambda: inapp.got)
    message = inapp.got[0][0]
    assert message.note == "Far did not take this message, so it came here."
    assert message.destination == "telegram:4"


async def test_a_destination_that_is_gone_is_off_until_something_arrives_there(state, far, kit):
    far.plan = [Gone("blocked")]
    inapp = kit.Far(name="inapp")
    await state.run(lambda s: kit.queue(s, "a1", user_id="telegram:4"))
    async with working(state, far, inapp):
        await kit.until(lambda: inapp.got)
        assert "Far is off (blocked)" in inapp.got[0][0].note
        why = await state.read(lambda s: disabled_reason(s, "telegram:4", "far", "telegram:4"))
        assert why == "gone: blocked"
        await state.run(lambda s: kit.queue(s, "a2", user_id="telegram:4"))
        await kit.until(lambda: _is(state, "a2", "ACCEPTED"))
    assert await state.read(lambda s: disabled_reason(s, "telegram:4", "far", "telegram:4")) is None


async def test_no_answer_in_time_is_unknown_and_sent_once_more_marked(state, far, kit):
    far.timeout_s = 0.05

    async def hang(_):
        await asyncio.sleep(5)

    far.plan = [hang]
    await state.run(lambda s: kit.queue(s, "a1"))
    async with working(state, far):
        await kit.until(lambda: _is(state, "a1", "ACCEPTED"))
    assert await trail(state, "a1") == ["QUEUED", "SENDING", "UNKNOWN", "SENDING", "ACCEPTED"]
    assert far.got[0][0].may_repeat


async def test_a_channel_that_deduplicates_is_not_marked(state, far, kit):
    far.timeout_s, far.deduplicates_s = 0.05, 60.0

    async def hang(_):
        await asyncio.sleep(5)

    far.plan = [hang]
    await state.run(lambda s: kit.queue(s, "a1"))
    async with working(state, far):
        await kit.until(lambda: far.got)
    assert not far.got[0][0].may_repeat


async def test_an_error_nobody_expected_is_logged_and_retried(state, far, kit):
    far.plan = [ZeroDivisionError("oops")]
    await state.run(lambda s: kit.queue(s, "a1"))
    async with working(state, far):
        await kit.until(lambda: far.got)

    def reasons(session):
        return list(session.scalars(select(DeliveryEvent.reason).where(DeliveryEvent.to_state == "RETRY")))

    assert "internal error, incident " in (await state.read(reasons))[0]


async def test_one_channel_that_hangs_holds_up_no_other(state, kit):
    stuck = kit.Far(name="stuck", timeout_s=30, concurrency=2)

    async def hang(_):
        await asyncio.sleep(30)

    stuck.plan = [hang] * 10
    far = kit.Far()

    def fill(session):
        for i in range(6):
            kit.queue(session, f"s{i}", channel="stuck", user_id=f"u:{i}")
            kit.queue(session, f"f{i}", user_id=f"u:{i}")

    await state.run(fill)
    began = time.monotonic()
    async with working(state, stuck, far):
        await kit.until(lambda: len(far.got) == 6)
        assert time.monotonic() - began < 2
    assert set((await states(state)).values()) == {"ACCEPTED", "UNKNOWN", "QUEUED"}


async def test_criticals_pass_a_crowd_and_users_take_turns(state, kit):
    far = kit.Far(concurrency=3)

    async def slowly(_):
        await asyncio.sleep(0.02)

    far.plan = [slowly] * 1000

    def fill(session):
        for i in range(60):
            kit.queue(
                session, f"crowd{i}", user_id="u:crowd", destination=f"place{i}", severity=Severity.INFO
            )
        kit.queue(session, "lone", user_id="u:lone", severity=Severity.INFO)
        kit.queue(session, "warn", user_id="u:crowd", destination="x")
        kit.queue(session, "crit", user_id="u:crowd", destination="y", severity=Severity.CRITICAL)

    await state.run(fill)
    async with working(state, far) as worker:
        await kit.until(lambda: len(far.got) >= 6)
        await state.run(lambda s: kit.queue(s, "crit2", user_id="u:c2", severity=Severity.CRITICAL))
        sent = len(far.got)
        worker.wake()
        await kit.until(lambda: "crit2" in far.titles)
        assert far.titles.index("crit2") <= sent + 3
    assert far.titles[:2] == ["crit", "warn"]
    assert far.titles.index("lone") < 6


async def test_what_is_worse_and_comes_later_overtakes_what_waits_for_its_turn(state, kit):
    far = kit.Far(overall=(Rate(count=5, period_s=0.05),), concurrency=100)

    def fill(session):
        for i in range(150):
            kit.queue(session, f"i{i}", user_id=f"u:{i}", severity=Severity.INFO)

    await state.run(fill)
    async with working(state, far) as worker:
        await kit.until(lambda: len(far.got) >= 10)
        await state.run(lambda s: kit.queue(s, "warn", user_id="u:w", severity=Severity.WARNING))
        sent = len(far.got)
        worker.wake()
        await kit.until(lambda: "warn" in far.titles)
    assert far.titles.index("warn") <= sent + 40


async def test_a_critical_is_not_held_up_by_a_slow_info_to_the_same_place(state, kit):
    far = kit.Far(timeout_s=10, concurrency=3)
    gate = asyncio.Event()

    async def wait(_):
        await gate.wait()

    far.plan = [wait]
    await state.run(lambda s: kit.queue(s, "info", severity=Severity.INFO))
    async with working(state, far) as worker:
        await kit.until(lambda: not far.plan)
        await state.run(lambda s: kit.queue(s, "crit", severity=Severity.CRITICAL))
        worker.wake()
        await kit.until(lambda: far.got)
        gate.set()
        await kit.until(lambda: len(far.got) == 2)
    assert far.titles == ["crit", "info"]


async def test_a_place_gets_its_pace_while_others_go_on(state, kit):
    far = kit.Far(each=(Rate(count=1, period_s=0.2),), concurrency=4)

    def fill(session):
        for i in range(3):
            kit.queue(session, f"slow{i}", user_id="u:slow")
        for i in range(8):
            kit.queue(session, f"other{i}", user_id=f"u:{i}")

    await state.run(fill)
    async with working(state, far):
        await kit.until(lambda: len(far.got) == 11)
    slow = [at for at, title in zip(far.at_s, far.titles, strict=True) if title.startswith("slow")]
    assert min(b - a for a, b in pairwise(slow)) >= 0.19
    assert set(far.titles[:9]) == {"slow0", *(f"other{i}" for i in range(8))}


async def test_stopping_says_what_is_unknown_and_takes_no_new_work(state, kit):
    far = kit.Far(timeout_s=30)

    async def hang(_):
        await asyncio.sleep(30)

    far.plan = [hang]
    await state.run(lambda s: kit.queue(s, "a1"))
    worker = Worker(state, [far], config=QUICK)
    task = asyncio.create_task(worker.run())
    await kit.until(lambda: not far.plan)
    began = time.monotonic()
    worker.stop()
    await task
    assert time.monotonic() - began < 2
    assert await states(state) == {"a1": "UNKNOWN"}


async def test_a_late_critical_is_sent_and_says_so_but_a_late_warning_expires(state, far, kit):
    old = kit.wall_ms() - 7_200_000
    expired = []
    hooks = Hooks(expired=lambda session, alerts: expired.extend(alerts))

    def fill(session):
        kit.queue(session, "crit", wall=old, severity=Severity.CRITICAL)
        kit.queue(session, "warn", wall=old, expires_wall_ms=old + 1000)

    await state.run(fill)
    async with working(state, far, hooks=hooks):
        await kit.until(lambda: expired)
        await kit.until(lambda: far.got)
    assert expired == ["warn"]
    assert far.titles == ["crit"]
    assert far.got[0][0].late_s >= 7_200
    assert (await states(state))["warn"] == "EXPIRED"


async def test_an_edit_waits_for_its_message_and_names_it(state, far, kit):
    gate = asyncio.Event()

    async def wait(_):
        await gate.wait()

    far.plan = [wait]
    await state.run(lambda s: kit.queue(s, "a1", wall=kit.wall_ms() - 5_000))
    async with working(state, far) as worker:
        await kit.until(lambda: not far.plan)
        for count in (2, 3, 4):
            body = {"title": f"x{count}", "text": "t", "folded": count}
            await state.run(lambda s, b=body: revise(s, "a1", b, kit.wall_ms(), epoch=0))
        worker.wake()
        await asyncio.sleep(0.2)
        assert far.got == []
        gate.set()
        await kit.until(lambda: len(far.got) == 2)
    first, edit = far.got
    assert (first[0].title, first[2]) == ("a1", None)
    assert (edit[0].title, edit[0].revision, edit[2]) == ("x4", 1, "r-a1")


async def test_a_picture_that_fails_costs_the_picture_only(state, far, kit):
    async def draw(request):
        raise RuntimeError("no fonts")

    body = {"title": "t", "text": "x", "picture": {"symbol": "BTCUSDT", "window_ms": 1}}
    await state.run(lambda s: kit.queue(s, "a1", message=body))
    async with working(state, far, hooks=Hooks(draw=draw)):
        await kit.until(lambda: far.got)
    assert far.got[0][0].picture is None


async def test_the_same_picture_is_drawn_once_for_many(state, far, kit):
    drawn = []

    async def draw(request):
        drawn.append(request.symbol)
        await asyncio.sleep(0.1)
        return Picture(png=b"png", alt="alt", name="name.png")

    body = {"title": "t", "text": "x", "picture": {"symbol": "BTCUSDT", "window_ms": 1}}

    def fill(session):
        for i in range(5):
            kit.queue(session, f"a{i}", user_id=f"u:{i}", message=body)

    await state.run(fill)
    async with working(state, far, hooks=Hooks(draw=draw)):
        await kit.until(lambda: len(far.got) == 5)
    assert drawn == ["BTCUSDT"]
    assert {m.picture.png for m, _, _ in far.got} == {b"png"}


async def test_an_old_epoch_is_never_sent(state, far, kit):
    from storage.epochs import begin_epoch

    def fill(session):
        begin_epoch(session, market_ms=1, wall_ms=1)
        kit.queue(session, "old", epoch=0)
        kit.queue(session, "new", epoch=1)

    await state.run(fill)
    async with working(state, far):
        await kit.until(lambda: far.got)
        await asyncio.sleep(0.1)
    assert far.titles == ["new"]


@pytest.mark.parametrize("stored", [State.DELIVERED, State.ACKED])
async def test_a_receipt_that_comes_before_the_mark_is_kept(state, far, kit, stored):
    from storage.outbox import receipt

    async def shown(message):
        await state.run(lambda s: receipt(s, message.user_id, message.delivery_id, stored, kit.wall_ms()))

    far.plan = [shown]
    await state.run(lambda s: kit.queue(s, "a1"))
    async with working(state, far) as worker:
        await kit.until(lambda: worker.health().ended)
    assert await states(state) == {"a1": stored.value}
    rows = await state.read(lambda s: list(s.scalars(select(Delivery.remote_id))))
    assert rows == ["r-a1"]


async def test_an_outcome_the_store_refused_is_written_again_and_nothing_is_sent_twice(
    state, far, kit, monkeypatch
):
    real, faults = state.run, [StorageError("The disk refused a write.")] * 2

    async def refuses(fn):
        if far.got and faults:
            raise faults.pop()
        return await real(fn)

    monkeypatch.setattr(state, "run", refuses)
    monkeypatch.setattr("bot.delivery.recorder.FIRST_WAIT_S", 0.02)
    await state.run(lambda s: kit.queue(s, "a1"))
    async with working(state, far):
        await kit.until(lambda: _is(state, "a1", "ACCEPTED"))
    assert len(far.got) == 1
    assert not faults


async def test_a_store_that_fails_is_asked_again_and_shown_as_a_fault(state, far, kit, monkeypatch):
    await state.run(lambda s: kit.queue(s, "a1"))
    real, broken = state.run, [True]

    async def refuses(fn):
        if broken[0]:
            raise StorageError("The store did not answer in time.")
        return await real(fn)

    config = WorkerConfig(look_every_s=0.05, drain_s=0.3, exclusive=False)
    monkeypatch.setattr(state, "run", refuses)
    async with working(state, far, config=config) as worker:
        await kit.until(lambda: worker.health().fault)
        assert worker.health().fault == "The store did not answer in time."
        broken[0] = False
        await kit.until(lambda: far.got)
        await kit.until(lambda: not worker.health().fault)


async def test_a_stop_gives_up_on_a_store_that_never_answers(state, far, kit, monkeypatch):
    await state.run(lambda s: kit.queue(s, "a1"))
    real = state.run

    async def refuses(fn):
        if far.got:
            raise StorageError("The disk refused a write.")
        return await real(fn)

    monkeypatch.setattr(state, "run", refuses)
    began = time.monotonic()
    async with working(state, far):
        await kit.until(lambda: far.got)
    assert time.monotonic() - began < 6


async def test_a_message_that_waits_for_its_turn_at_the_stop_was_not_sent(state, kit):
    far = kit.Far(overall=(Rate(count=1, period_s=60),))

    def fill(session):
        kit.queue(session, "a1", user_id="u:1")
        kit.queue(session, "a2", user_id="u:2")

    await state.run(fill)
    async with working(state, far):
        await kit.until(lambda: far.got)
        await asyncio.sleep(0.05)
    assert await states(state) == {"a1": "ACCEPTED", "a2": "RETRY"}
    assert "UNKNOWN" not in await trail(state, "a2")


async def test_an_edit_of_a_message_without_a_name_there_is_void(state, far, kit):
    from storage.tables import Delivery as Row

    await state.run(lambda s: kit.queue(s, "a1", wall=kit.wall_ms() - 9_000))
    async with working(state, far) as worker:
        await kit.until(lambda: _is(state, "a1", "ACCEPTED"))

        def forget_name(session):
            session.scalars(select(Row)).one().remote_id = None
            revise(session, "a1", {"title": "x2", "text": "t"}, kit.wall_ms(), epoch=0)

        await state.run(forget_name)
        worker.wake()
        await kit.until(lambda: worker.health().ended.get("VOID"))
    assert len(far.got) == 1


async def test_a_picture_that_takes_too_long_costs_the_picture_only(kit):
    from bot.delivery.channel import PictureRequest
    from bot.delivery.pictures import Pictures

    async def slow(request):
        await asyncio.sleep(5)

    async def nothing(request):
        return None

    request = PictureRequest(symbol="BTCUSDT", window_ms=1)
    assert await Pictures(slow, timeout_s=0.05).get(request) is None
    assert await Pictures(nothing).get(request) is None
    assert await Pictures(None).get(request) is None
    pictures = Pictures(slow)
    waiting = asyncio.create_task(pictures.get(request))
    await asyncio.sleep(0.01)
    await pictures.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
