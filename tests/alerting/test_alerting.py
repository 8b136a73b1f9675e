import pytest

from engine.errors import StorageError, UserError
from engine.model import RuleId, Severity, Side, ZoneChange, ZoneEvent
from storage.rules import remove_rule, update_rule


async def test_a_critical_is_written_with_its_whole_way_and_goes_out_at_once(bench):
    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    (alert,) = await bench.alerts()
    assert (alert.severity, alert.action, alert.reason) == ("critical", "send", "critical_leads")
    assert [s[0] for s in await bench.steps(alert.alert_id)] == [
        "dedup",
        "stale",
        "inhibit",
        "mute",
        "cooldown",
        "flap",
        "daily_limit",
        "score",
        "consolidate",
        "route",
    ]
    (delivery,) = await bench.deliveries()
    assert (delivery.state, delivery.channel, delivery.destination) == ("QUEUED", "inapp", "local:owner")
    assert delivery.expires_wall_ms is None
    assert delivery.message["title"] == "BTC is 0.5% above a $42M long zone"
    assert bench.woken == 1


async def test_a_warning_waits_for_its_group_and_then_goes(bench):
    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(97.5, 15)
    assert await bench.verdicts() == [("warning", "hold", "waits_for_group")]
    await bench.sweep(34)
    assert await bench.deliveries() == []
    await bench.sweep(36)
    assert await bench.verdicts() == [("warning", "send", "opens_episode")]
    assert len(await bench.deliveries()) == 1


async def test_the_next_tick_releases_what_is_due_before_it_is_looked_at(bench):
    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(97.5, 15)
    await bench.tick(95.2, 60)
    assert sorted(await bench.verdicts()) == [
        ("critical", "send", "critical_leads"),
        ("warning", "send", "opens_episode"),
    ]


async def test_an_info_goes_to_the_digest_and_the_digest_tells_it(bench):
    await bench.watch()
    await bench.watch(owner="local:other", symbol="BTCUSDT")
    await bench.tick(101.0, 0)
    await bench.tick(99.5, 15)
    assert set(await bench.verdicts()) == {("info", "digest", "info_digest")}
    assert await bench.deliveries() == []
    await bench.sweep(12 * 3600 + 1)
    rows = await bench.deliveries()
    assert sorted(r.user_id for r in rows) == ["local:other", "local:owner"]
    assert rows[0].message["title"] == "Your digest: 1 alert on BTC"
    assert "4.5% above a $42M long zone" in rows[0].message["text"]
    infos = [a for a in await bench.alerts() if a.kind == "zone_proximity"]
    assert all(a.carrier_id and a.hold_until_ms is None for a in infos)
    await bench.sweep(24 * 3600 + 1)
    assert len(await bench.deliveries()) == 2


async def test_calm_ticks_cost_microseconds_and_no_sql(bench):
    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(101.0, 1)
    await bench.alerting.sweep()
    before = bench.state.health().written
    for i in range(2_000):
        await bench.tick(101.0 + (i % 7) / 10, 2)
    assert bench.state.health().written == before


async def test_a_new_rule_is_live_at_once(bench):
    await bench.tick(95.5, 0)
    await bench.watch()
    assert [v[0] for v in await bench.verdicts()] == ["critical"]


async def test_a_removed_rule_fires_no_more(bench, kit):
    rule_id = await bench.watch()
    await bench.tick(101.0, 0)
    await bench.state.run(lambda s: remove_rule(s, kit.OWNER, rule_id))
    await bench.tick(95.5, 15)
    assert await bench.verdicts() == []
    await bench.alerting.rules_changed("BTCUSDT")
    await bench.tick(95.4, 30)
    assert await bench.verdicts() == []


async def test_a_held_alert_of_a_removed_rule_says_so(bench, kit):
    rule_id = await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(97.5, 15)
    await bench.state.run(lambda s: remove_rule(s, kit.OWNER, rule_id))
    await bench.alerting.rules_changed("BTCUSDT")
    await bench.sweep(40)
    assert await bench.verdicts() == [("warning", "suppress", "rule_removed")]


async def test_a_restart_does_not_fire_the_same_again_and_loses_nothing(bench):
    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(97.5, 15)
    await bench.fresh().load()
    await bench.tick(97.5, 15)
    await bench.tick(97.4, 20)
    assert await bench.verdicts() == [("warning", "hold", "waits_for_group")]
    await bench.sweep(36)
    assert await bench.verdicts() == [("warning", "send", "opens_episode")]


async def test_the_same_tick_again_is_the_same_fire_even_without_arms(bench):
    from sqlalchemy import delete

    from storage.tables import Arm

    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    await bench.state.run(lambda s: s.execute(delete(Arm)))
    await bench.fresh().load()
    await bench.tick(95.5, 15)
    assert len(await bench.alerts()) == 1
    assert len(await bench.deliveries()) == 1


async def test_a_step_that_was_armed_again_is_remembered(bench):
    await bench.watch(within={Severity.CRITICAL: 0.01}, cooldown_s=0)
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    await bench.tick(101.0, 30)
    await bench.sweep(31)
    await bench.fresh().load()
    await bench.tick(95.5, 2_000)
    assert [v[1] for v in await bench.verdicts()] == ["send", "send"]


async def test_a_store_that_fails_loses_no_fire(bench, monkeypatch):
    await bench.watch()
    await bench.tick(101.0, 0)
    real = bench.state.run

    async def broken(fn):
        raise StorageError("The disk refused a write.")

    monkeypatch.setattr(bench.state, "run", broken)
    await bench.tick(95.5, 15)
    assert bench.alerting.health().fault == "The disk refused a write."
    monkeypatch.setattr(bench.state, "run", real)
    await bench.tick(95.4, 30)
    assert [v[:2] for v in await bench.verdicts()] == [("critical", "send")]
    assert bench.alerting.health().fault == ""


async def test_what_rides_along_edits_the_message(bench, kit):
    a, b = kit.zone("a", low=90, high=95), kit.zone("b", low=92, high=96.4, usd=38e6)
    await bench.watch()
    which = kit.zones(a, b)
    await bench.tick(101.0, 0, which)
    await bench.tick(97.0, 15, which)
    await bench.tick(95.8, 60, which)
    rows = await bench.deliveries()
    assert [r.revision for r in rows] == [0]
    assert rows[0].message["title"] == "BTC is 0.6% above a $38M long zone ×3"
    assert "2 more since; at 20:01 UTC: BTC is 0.8% above a $42M long zone." in rows[0].message["text"]


async def test_a_rule_paused_keeps_its_reason(bench, kit):
    rule_id = await bench.watch()
    await bench.tick(101.0, 0)
    await bench.state.run(lambda s: update_rule(s, kit.OWNER, rule_id, paused=True))
    await bench.alerting.rules_changed("BTCUSDT")
    await bench.tick(95.5, 15)
    assert await bench.verdicts() == [("critical", "suppress", "rule_paused")]


async def test_an_ended_snooze_is_noticed_at_once(bench, kit):
    rule_id = await bench.watch()
    await bench.tick(101.0, 0)
    until = kit.T0 + 3_600_000
    await bench.state.run(lambda s: update_rule(s, kit.OWNER, rule_id, snoozed_until_ms=until))
    await bench.alerting.rules_changed("BTCUSDT")
    await bench.tick(95.5, 15)
    assert await bench.verdicts() == [("critical", "hold", "snoozed")]
    await bench.state.run(lambda s: update_rule(s, kit.OWNER, rule_id, snoozed_until_ms=None))
    await bench.alerting.rules_changed("BTCUSDT")
    await bench.sweep(20)
    assert [v[1] for v in await bench.verdicts()] == ["send"]


async def test_arms_follow_a_zone_into_what_it_merged_with(bench, kit):
    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    big = kit.zone("big", low=88, high=95)
    event = ZoneEvent(ts=kit.T0, change=ZoneChange.MERGED, zone=kit.zone(), other=big.zone_id)
    await bench.alerting.on_zone_events("BTCUSDT", [event])
    await bench.tick(95.4, 300, kit.zones(big))
    assert len(await bench.alerts()) == 1


async def test_a_test_alert_is_a_real_delivery_that_counts_for_nothing(bench, kit):
    rule_id = await bench.watch()
    await bench.tick(101.0, 0)
    alert_id = await bench.alerting.send_test(kit.OWNER, RuleId(rule_id))
    (row,) = await bench.deliveries()
    assert row.alert_id == alert_id
    assert row.message["kind"] == "test"
    assert row.message["title"].startswith("Test alert, nothing has happened: BTC is 5.9% above")
    assert await bench.alerting.history(kit.OWNER) == []
    await bench.tick(95.5, 15)
    assert [v[1:] for v in await bench.verdicts()][-1] == ("send", "critical_leads")


async def test_a_test_of_somebody_elses_rule_is_refused(bench):
    rule_id = await bench.watch(owner="local:other")
    with pytest.raises(UserError, match="You have no alert"):
        await bench.alerting.send_test("local:owner", RuleId(rule_id))


async def test_analytics_get_every_alert_with_its_last_word(bench):
    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(97.5, 15)
    await bench.sweep(16)
    await bench.sweep(40)
    await bench.alerting.close()
    assert [r.action for r in bench.history.rows.values()] == ["send"]


async def test_sides_are_kept_apart(bench, kit):
    await bench.watch(side=Side.SHORT)
    which = kit.zones(kit.zone(), kit.zone("s", Side.SHORT, 104, 106))
    await bench.tick(98.0, 0, which)
    await bench.tick(95.5, 15, which)
    assert await bench.verdicts() == []
    await bench.tick(103.5, 30, which)
    (row,) = await bench.deliveries()
    assert row.message["title"] == "BTC is 0.5% below a $42M short zone"


async def test_analytics_get_nothing_of_a_user_who_was_forgotten(bench, kit):
    from storage.tables import User

    await bench.watch()
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    await bench.state.run(lambda s: s.delete(s.get(User, kit.OWNER)))
    await bench.alerting.close()
    assert bench.history.rows == {}
    await bench.alerting.load()
    assert bench.alerting.health().watches == {}


async def test_a_crowd_is_decided_in_portions_and_a_failure_in_between_repeats_nothing(bench, monkeypatch):
    monkeypatch.setattr("bot.alerting.engine.BATCH", 4)
    for number in range(10):
        within = {Severity.CRITICAL: 0.01} if number == 9 else {Severity.WARNING: 0.03}
        await bench.watch(owner=f"local:{number}", within=within)
    await bench.tick(101.0, 0)
    real, left = bench.state.run, [2]

    async def fails_later(fn):
        left[0] -= 1
        if left[0] < 0:
            raise StorageError("The disk refused a write.")
        return await real(fn)

    monkeypatch.setattr(bench.state, "run", fails_later)
    await bench.tick(95.5, 15)
    monkeypatch.setattr(bench.state, "run", real)
    decided = await bench.alerts()
    assert len(decided) == 8
    assert "local:9" in {alert.user_id for alert in decided}
    await bench.tick(95.6, 30)
    assert sorted(a.user_id for a in await bench.alerts()) == sorted(f"local:{n}" for n in range(10))


async def test_a_group_and_a_private_chat_are_told_apart(bench):
    await bench.watch()
    await bench.watch(to_channel="telegram", to_place="-100123")
    await bench.tick(101.0, 0)
    await bench.tick(95.5, 15)
    assert [(a.action, a.audience) for a in await bench.alerts()] in (
        [("send", "inapp|"), ("send", "telegram|-100123")],
        [("send", "telegram|-100123"), ("send", "inapp|")],
    )
    assert {(d.channel, d.destination) for d in await bench.deliveries()} == {
        ("inapp", "local:owner"),
        ("telegram", "-100123"),
    }
