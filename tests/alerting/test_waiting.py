"""Quiet hours, digests, limits, episodes and epochs, by market time, on a real store."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from engine.errors import StorageError
from engine.model import Severity
from storage.epochs import begin_epoch, current_epoch
from storage.outbox import State
from storage.tables import Arm, Cooldown, DailyCount, Delivery, Episode


def ms(text, tz="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).timestamp()) * 1000


def at(kit, text, tz="UTC"):
    """Return the seconds from the start of the test's clock to a local time."""
    return (ms(text, tz) - kit.T0) / 1000


WARN = {Severity.WARNING: 0.03}
CRIT = {Severity.CRITICAL: 0.01}


async def test_quiet_hours_hold_a_warning_and_send_it_if_it_is_still_true(bench, kit):
    await bench.set(quiet="22:00-07:00")
    await bench.watch(within=WARN)
    await bench.tick(101.0, at(kit, "2025-10-10 23:00"))
    await bench.tick(97.0, at(kit, "2025-10-10 23:01"))
    assert await bench.verdicts() == [("warning", "hold", "quiet_hours_hold")]
    await bench.tick(97.1, at(kit, "2025-10-11 06:59:59"))
    assert await bench.deliveries() == []
    await bench.tick(97.1, at(kit, "2025-10-11 07:00:01"))
    assert await bench.verdicts() == [("warning", "send", "opens_episode")]


async def test_quiet_hours_drop_what_is_no_longer_true_and_say_so(bench, kit):
    await bench.set(quiet="22:00-07:00")
    await bench.watch(within=WARN)
    await bench.tick(101.0, at(kit, "2025-10-10 23:00"))
    await bench.tick(97.0, at(kit, "2025-10-10 23:01"))
    await bench.tick(101.0, at(kit, "2025-10-11 06:59"))
    await bench.sweep(at(kit, "2025-10-11 07:01"))
    assert await bench.verdicts() == [("warning", "suppress", "no_longer_true")]
    (told,) = await bench.alerting.history(kit.OWNER)
    assert told.sentence == "It was no longer true when its wait was over, so nothing was sent."
    assert told.verdict == "not sent"


async def test_a_critical_passes_quiet_hours(bench, kit):
    await bench.set(quiet="22:00-07:00")
    await bench.watch(within=CRIT)
    await bench.tick(101.0, at(kit, "2025-10-10 23:00"))
    await bench.tick(95.5, at(kit, "2025-10-10 23:01"))
    assert [v[1] for v in await bench.verdicts()] == ["send"]


@pytest.mark.parametrize(
    ("night", "end_utc"),
    [
        ("2025-10-25 23:30", "2025-10-26 06:00"),  # clocks go back: the night is an hour longer
        ("2026-03-28 23:30", "2026-03-29 05:00"),  # clocks go forward: an hour shorter
        ("2025-11-10 23:30", "2025-11-11 06:00"),
    ],
)
async def test_quiet_hours_end_by_the_users_clock_across_the_change_of_clocks(bench, kit, night, end_utc):
    await bench.set(quiet="23:00-07:00", tz="Europe/Berlin")
    await bench.watch(within=WARN)
    fell = at(kit, night, "Europe/Berlin")
    await bench.tick(101.0, fell)
    await bench.tick(97.0, fell + 15)
    (alert,) = await bench.alerts()
    assert datetime.fromtimestamp(alert.hold_until_ms / 1000, UTC).isoformat(" ")[:16] == end_utc
    await bench.tick(97.0, at(kit, end_utc) - 1)
    assert await bench.deliveries() == []
    await bench.tick(97.0, at(kit, end_utc))
    assert len(await bench.deliveries()) == 1


async def test_switching_quiet_hours_off_releases_what_they_hold(bench, kit):
    await bench.set(quiet="22:00-07:00")
    await bench.watch(within=WARN)
    await bench.tick(101.0, at(kit, "2025-10-10 23:00"))
    await bench.tick(97.0, at(kit, "2025-10-10 23:01"))
    await bench.set(quiet=None)
    await bench.alerting.settings_changed(kit.OWNER)
    await bench.sweep(at(kit, "2025-10-10 23:02"))
    assert [v[1] for v in await bench.verdicts()] == ["send"]


async def test_the_daily_limit_resets_at_midnight_of_market_time(bench, kit):
    await bench.set(daily_limit=1)
    await bench.watch(within=WARN, cooldown_s=0)
    for minute, price in ((0, 101.0), (1, 97.0), (30, 101.0)):
        await bench.tick(price, at(kit, f"2025-10-10 22:{minute:02d}"))
    await bench.tick(97.0, at(kit, "2025-10-10 23:40"))
    await bench.tick(97.0, at(kit, "2025-10-10 23:41"))
    assert sorted(v[1:] for v in await bench.verdicts()) == [
        ("digest", "daily_limit"),
        ("send", "opens_episode"),
    ]
    await bench.tick(101.0, at(kit, "2025-10-10 23:58"))
    await bench.tick(97.0, at(kit, "2025-10-11 00:30"))
    await bench.tick(97.0, at(kit, "2025-10-11 00:31"))
    assert [v[1] for v in await bench.verdicts()].count("send") == 2
    counts = await bench.state.read(lambda s: dict(s.execute(select(DailyCount.day, DailyCount.sent)).all()))
    assert counts == {"2025-10-10": 1, "2025-10-11": 1}


async def test_the_limit_and_the_cooldown_survive_a_restart(bench, kit):
    await bench.watch(within=CRIT)
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    await bench.tick(101.0, 30)
    await bench.sweep(31)
    await bench.fresh().load()
    await bench.tick(95.5, 600)
    assert sorted(v[1:] for v in await bench.verdicts()) == [
        ("fold", "cooldown_folded"),
        ("send", "critical_leads"),
    ]


async def test_an_episode_is_forgotten_after_fifteen_quiet_minutes(bench):
    await bench.watch(within=CRIT, cooldown_s=0)
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    await bench.watch(within=WARN, owner="local:other")
    await bench.tick(101.0, 16)
    await bench.tick(97.0, 1_000)
    await bench.sweep(1_100)
    owners = await bench.state.read(lambda s: list(s.scalars(select(Episode.user_id))))
    assert owners == ["local:other"]


async def test_digests_are_per_user_and_at_their_own_hours(bench, kit):
    await bench.set(tz="America/New_York", digest_times=["09:00"])
    await bench.watch(within={Severity.INFO: 0.05})
    await bench.tick(101.0, 0)
    await bench.tick(99.0, 15)
    await bench.tick(101.0, 30)
    (alert,) = await bench.alerts()
    assert alert.hold_until_ms == ms("2025-10-11 09:00", "America/New_York")
    await bench.sweep(at(kit, "2025-10-11 12:59"))
    assert await bench.deliveries() == []
    await bench.sweep(at(kit, "2025-10-11 13:00"))
    (row,) = await bench.deliveries()
    assert row.message["title"] == "Your digest: 1 alert on BTC"
    assert "10 Oct 16:00 EDT" in row.message["text"]
    (told,) = await bench.alerting.history(kit.OWNER)
    assert (told.verdict, told.told[0].verdict) == ("told in the digest", "waiting to be sent")


async def test_what_nobody_got_in_time_goes_to_the_digest(bench, kit):
    await bench.watch(within=WARN)
    await bench.tick(101.0, 0)
    await bench.tick(97.0, 15)
    await bench.sweep(40)
    (alert,) = await bench.alerts()
    await bench.state.run(lambda s: bench.alerting.expired(s, [alert.alert_id]))
    assert await bench.verdicts() == [("warning", "digest", "not_delivered_in_time")]
    await bench.sweep(at(kit, "2025-10-11 08:00"))
    assert [r.message["kind"] for r in await bench.deliveries()] == ["zone_proximity", "digest"]
    whole = await bench.alerting.show(kit.OWNER, alert.alert_id)
    assert [s.stage for s in whole.said][-2:] == ["delivery", "digest"]


async def test_a_replay_moved_back_voids_everything_of_before(bench, kit):
    await bench.set(quiet="23:00-07:00")
    await bench.watch(within=WARN)
    await bench.watch(within={Severity.INFO: 0.05})
    await bench.watch(within=CRIT)
    await bench.tick(101.0, at(kit, "2025-10-10 22:30"))
    await bench.tick(95.5, at(kit, "2025-10-10 22:31"))
    await bench.watch(within=WARN, symbol="ETHUSDT")
    eth = kit.zones(kit.zone("e", symbol="ETHUSDT"), symbol="ETHUSDT")
    await bench.tick(101.0, at(kit, "2025-10-10 23:10"), eth, "ETHUSDT")
    await bench.tick(97.0, at(kit, "2025-10-10 23:11"), eth, "ETHUSDT")
    await bench.alerting.on_seek(kit.T0, backwards=True)

    words = {a.reason for a in await bench.alerts() if a.action == "void"}
    assert words == {"replay_moved_back"}
    assert not [a for a in await bench.alerts() if a.action in ("hold",)]
    rows = await bench.deliveries()
    assert {(r.state, r.reason) for r in rows} == {("VOID", "the replay was moved back")}
    for table in (Arm, Cooldown, Episode, DailyCount):
        assert await bench.state.read(lambda s, t=table: s.scalar(select(func.count()).select_from(t))) == 0
    assert await bench.state.read(current_epoch) == 1

    before = len(await bench.alerts())
    await bench.tick(101.0, at(kit, "2025-10-10 22:30"))
    await bench.tick(95.5, at(kit, "2025-10-10 22:31"))
    fresh = [a for a in await bench.alerts() if a.epoch == 1]
    assert len(await bench.alerts()) == before + len(fresh)
    assert "critical_leads" in {a.reason for a in fresh}
    assert [r.epoch for r in await bench.deliveries() if r.state == State.QUEUED] == [1]


async def test_what_a_worker_was_sending_when_the_replay_moved_back_is_not_sent_again(bench, kit):
    from storage.claims import Ask, Lease, claim
    from storage.settle import reap

    await bench.watch(within=CRIT)
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    ask, lease = Ask(channel="inapp", urgent=1, ordinary=1), Lease(owner="w", wall_ms=10**14, lease_ms=1)
    await bench.state.run(lambda s: claim(s, [ask], lease))
    await bench.alerting.on_seek(kit.T0, backwards=True)
    await bench.state.run(lambda s: reap(s, 2 * 10**14, epoch=current_epoch(s)))
    assert [r.state for r in await bench.deliveries()] == ["VOID"]


async def test_what_an_epoch_left_that_began_before_the_start_is_void_too(bench, kit):
    await bench.watch(within=WARN)
    await bench.watch(within=CRIT)
    await bench.tick(101.0, 0)
    await bench.tick(97.0, 15)
    await bench.tick(95.5, 20)
    await bench.state.run(lambda s: begin_epoch(s, market_ms=kit.T0, wall_ms=1))
    await bench.fresh().load()
    assert {(a.action, a.reason) for a in await bench.alerts() if a.severity == "warning"} == {
        ("void", "replay_moved_back")
    }
    assert {r.state for r in await bench.deliveries()} == {"VOID"}
    await bench.tick(101.0, 0)
    await bench.tick(97.0, 15)
    assert [a.action for a in await bench.alerts() if a.epoch == 1] == ["hold"]


async def test_a_jump_forward_keeps_what_stands(bench, kit):
    await bench.watch(within=WARN)
    await bench.tick(101.0, 0)
    await bench.tick(97.0, 15)
    await bench.alerting.on_seek(kit.T0 + 3_600_000, backwards=False)
    await bench.tick(97.0, 3_600)
    assert [v[1] for v in await bench.verdicts()] == ["send"]
    assert await bench.state.read(current_epoch) == 0


async def test_a_held_alert_waits_for_a_price_after_a_restart(bench, kit):
    await bench.watch(within=WARN)
    await bench.tick(101.0, 0)
    await bench.tick(97.0, 15)
    await bench.fresh().load()
    await bench.set(quiet="20:00-20:10")
    await bench.sweep(60)
    assert [v[1] for v in await bench.verdicts()] == ["hold"]
    await bench.tick(97.0, 62)
    await bench.set(quiet=None)
    await bench.alerting.settings_changed(kit.OWNER)
    await bench.tick(97.0, 64)
    assert [v[1] for v in await bench.verdicts()] == ["send"]


async def test_nobody_sees_or_touches_what_is_somebody_elses(bench, kit):
    await bench.watch(within=CRIT)
    await bench.watch(within=CRIT, owner="local:other")
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    mine, theirs = await bench.alerts(kit.OWNER), await bench.alerts("local:other")
    assert (len(mine), len(theirs)) == (1, 1)
    assert [t.alert_id for t in await bench.alerting.history("local:other")] == [theirs[0].alert_id]
    assert await bench.alerting.show("local:other", mine[0].alert_id) is None
    assert await bench.alerting.show(kit.OWNER, mine[0].alert_id) is not None
    await bench.alerting.on_seek(kit.T0, backwards=False)
    rows = await bench.deliveries()
    assert sorted((r.user_id, r.destination) for r in rows) == [
        ("local:other", "local:other"),
        ("local:owner", "local:owner"),
    ]


async def test_a_place_that_is_off_is_replaced_by_the_app_and_told(bench, kit):
    await bench.watch(within=CRIT, to_channel="telegram", to_place="42", cooldown_s=0)
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)

    def gone(session):
        row = session.scalars(select(Delivery)).one()
        row.state, row.reason = State.FAILED.value, "gone: blocked"

    await bench.state.run(gone)
    await bench.tick(101.0, 30)
    await bench.tick(95.5, 2_000)
    last = (await bench.deliveries())[-1]
    assert (last.channel, last.destination) == ("inapp", kit.OWNER)
    assert last.message["note"] == "Telegram is off (blocked), so this came here."


async def test_the_auditor_finds_nothing_in_order_and_everything_that_is_not(bench, kit):
    await bench.watch()
    await bench.tick(101.0, 0)
    for second, price in ((15, 99.5), (30, 97.5), (60, 95.5), (90, 94.0)):
        await bench.tick(price, second)
    assert await bench.alerting.audit() == []

    def spoil(session):
        from storage.tables import Alert, AlertStep

        for step in session.scalars(select(AlertStep)):
            session.delete(step)
        rows = list(session.scalars(select(Delivery)))
        rows[0].state, rows[0].lease_wall_ms = State.SENDING.value, 1
        alert = session.scalars(select(Alert).where(Alert.action == "send")).first()
        alert.action, alert.carrier_id, alert.reason = "fold", "nobody", ""

    await bench.state.run(spoil)
    found = {finding.what for finding in await bench.alerting.audit()}
    assert found >= {
        "a lease ran out and nobody took over",
        "no stage's word on it",
        "carried by no message",
        "no reason",
    }


async def test_old_alerts_are_forgotten_but_not_what_waits(bench, kit):
    from storage import alerts

    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(99.5, 15)
    await bench.tick(95.5, 30)
    later = 10**15
    gone = await bench.state.run(lambda s: alerts.forget_old(s, before_wall_ms=later))
    assert gone == 1
    assert [a.action for a in await bench.alerts()] == ["digest"]
    assert await bench.deliveries() == []


async def test_who_wants_no_digest_is_told_why_nothing_came(bench, kit):
    await bench.set(digest_times=[])
    await bench.watch(within=WARN)
    await bench.tick(101.0, 0)
    await bench.tick(97.0, 15)
    await bench.sweep(40)
    (alert,) = await bench.alerts()
    await bench.state.run(lambda s: bench.alerting.expired(s, [alert.alert_id, "nobody"]))
    assert await bench.verdicts() == [("warning", "suppress", "digest_off")]


async def test_a_sweep_or_arms_that_the_store_refuses_are_done_again(bench, monkeypatch):
    await bench.watch(within=WARN)
    await bench.tick(101.0, 0)
    await bench.tick(97.0, 15)
    await bench.tick(101.0, 16)
    await bench.tick(97.0, 17)
    real = bench.state.run

    async def refuses(fn):
        raise StorageError("The disk refused a write.")

    monkeypatch.setattr(bench.state, "run", refuses)
    await bench.sweep(40)
    assert bench.alerting.health().fault == "The disk refused a write."
    assert bench.alerting.health().next_due_ms is not None
    monkeypatch.setattr(bench.state, "run", real)
    await bench.sweep(41)
    assert "send" in {v[1] for v in await bench.verdicts()}
    assert bench.alerting.health().fault == ""


async def test_analytics_that_fail_are_tried_again(bench, monkeypatch):
    await bench.watch(within=CRIT)
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)

    async def refuses(records):
        raise StorageError("too much waits to be written")

    real = bench.history.add_alert_history
    monkeypatch.setattr(bench.history, "add_alert_history", refuses, raising=False)
    bench.alerting._records.flush()
    await bench.alerting._records._task
    assert bench.alerting.health().unwritten_history == 1
    monkeypatch.setattr(bench.history, "add_alert_history", real)
    await bench.alerting.close()
    assert len(bench.history.rows) == 1


async def test_the_daily_clean_up_runs(bench):
    await bench.watch(within=CRIT)
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    assert await bench.alerting.forget_old() == 0
