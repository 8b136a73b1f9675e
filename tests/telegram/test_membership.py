"""Let in, thrown out, blocked, let in again, moved: written down, and said where alerts flow again."""

import pytest

from engine.model import Severity
from storage.outbox import GONE, Outgoing, State, disabled_reason, enqueue
from storage.rules import NewRule, add_rule, list_rules, watch_params
from storage.tables import Alert, Delivery, Episode
from storage.users import ensure_user

ME = "telegram:42"


def rule_to(session, place, owner=ME, symbol="BTCUSDT"):
    params = watch_params({Severity.WARNING: 0.03}, hysteresis=0.0025)
    new = NewRule(symbol=symbol, params=params, to_channel="telegram", to_place=place)
    return add_rule(session, owner, new, now_ms=1, wall_ms=1)


def alert_to(session, alert_id, place, state=State.QUEUED, reason="", owner=ME):
    ensure_user(session, owner, 1)
    session.add(
        Alert(
            alert_id=alert_id,
            fire_id=f"f{alert_id}",
            user_id=owner,
            rule_id=1,
            kind="zone_proximity",
            symbol="BTCUSDT",
            severity="warning",
            subject="z1",
            audience=f"telegram|{place}",
            market_ms=1,
            wall_ms=1,
            price=1.0,
            action="send",
            reason="opens_episode",
            hold_until_ms=None,
            carrier_id=None,
            facts={},
            epoch=0,
        )
    )
    session.flush()
    out = Outgoing(
        alert_id=alert_id,
        user_id=owner,
        channel="telegram",
        destination=place or owner,
        severity=Severity.WARNING,
        message={"title": "t", "text": "x"},
        market_ms=1,
        epoch=0,
    )
    number = enqueue(session, out, 1)
    row = session.get(Delivery, number)
    row.state, row.reason = state.value, reason
    session.flush()
    return number


def episode_at(session, place, alert_id, owner=ME):
    session.add(
        Episode(
            user_id=owner,
            symbol="BTCUSDT",
            direction="up",
            audience=f"telegram|{place}",
            alert_id=alert_id,
            severity="warning",
            opened_ms=1,
            last_ms=1,
            folded=0,
            epoch=0,
        )
    )
    session.flush()


async def off(stage, place, owner=ME):
    return await stage.desk.state.read(lambda s: disabled_reason(s, owner, "telegram", place))


async def test_who_unblocks_the_bot_gets_alerts_again_and_a_word(stage):
    def plant(session):
        rule_to(session, "")
        alert_to(session, "a1", "", State.FAILED, f"{GONE}you have blocked the bot")

    await stage.desk.state.run(plant)
    assert await off(stage, ME)
    stage.there.stands(42, "kicked", "member")
    await stage.api.until(lambda: stage.api.shown(42))
    assert await off(stage, ME) is None
    text = stage.api.shown(42)[0]["text"]
    assert text.startswith("I am back\nYour alert comes here again. 1 could not be delivered meanwhile")


async def test_who_only_comes_in_is_not_written_to(stage):
    stage.there.stands(42, "left", "member")
    stage.there.stands(42, "member", "kicked")
    await stage.api.until(stage._fetched)
    await stage.quiet()
    assert stage.api.shown(42) == []


async def test_a_group_that_takes_the_bot_back_gets_its_alerts_in_every_topic(stage, kit):
    topic = f"{kit.GROUP}/7"

    def plant(session):
        rule_to(session, topic)
        rule_to(session, str(kit.GROUP), symbol="ETHUSDT")
        alert_to(session, "a1", topic, State.FAILED, f"{GONE}the bot was removed from the chat")
        alert_to(session, "a2", str(kit.GROUP) + "1", State.FAILED, f"{GONE}of another group")

    await stage.desk.state.run(plant)
    stage.there.stands(kit.GROUP, "kicked", "member")
    await stage.api.until(lambda: stage.api.shown(kit.GROUP))
    assert stage.api.shown(kit.GROUP)[0]["text"] == "I am back\n2 alerts are posted here again."
    assert await off(stage, topic) is None
    assert await off(stage, str(kit.GROUP) + "1"), "another group is another place"


async def test_a_new_group_gets_a_hello_that_says_what_to_type(stage, kit):
    stage.there.stands(kit.GROUP, "left", "member")
    await stage.api.until(lambda: stage.api.shown(kit.GROUP))
    text = stage.api.shown(kit.GROUP)[0]["text"]
    assert text.startswith("Hello, I am Liqwatch")
    assert "/watch btc to=here" in text
    assert len(stage.api.shown(kit.GROUP)) == 1


async def test_being_muted_and_unmuted_is_understood(stage, kit):
    await stage.desk.state.run(lambda s: (rule_to(s, str(kit.GROUP)), None)[1])
    stage.there.stands(kit.GROUP, "member", "restricted")
    stage.there.stands(kit.GROUP, "restricted", "administrator")
    await stage.api.until(lambda: stage.api.shown(kit.GROUP))
    assert len(stage.api.shown(kit.GROUP)) == 1
    assert "One alert is posted here again." in stage.api.shown(kit.GROUP)[0]["text"]


async def test_a_word_that_cannot_be_said_is_no_trouble(stage, kit):
    stage.there.chat(kit.GROUP).shut = "bot was kicked from the supergroup chat"
    stage.there.stands(kit.GROUP, "left", "member")
    await stage.api.until(stage._fetched)
    await stage.quiet()
    stage.there.chat(kit.GROUP).shut = ""
    assert (await stage.say("/status"))["text"].startswith("All is well")


@pytest.mark.parametrize("which", ["both", "old", "new"])
async def test_a_group_that_becomes_a_supergroup_keeps_everything(stage, which):
    old, new, other = -555, -1000555, -5551
    stage.there.chat(old, type="group", title="Small")

    def plant(session):
        rule_to(session, str(old))
        rule_to(session, str(other), symbol="ETHUSDT")
        waiting = alert_to(session, "a1", str(old))
        gone = alert_to(session, "a2", str(other))
        episode_at(session, str(old), "a1")
        episode_at(session, str(other), "a2")
        return waiting, gone

    waiting, elsewhere = await stage.desk.state.run(plant)
    stage.there.migrate(old, new)
    keep = {"both": 2, "old": 1, "new": 1}[which]
    stage.there.updates = stage.there.updates[:keep] if which != "new" else stage.there.updates[-1:]
    await stage.api.until(stage._fetched)
    await stage.quiet()

    def found(session):
        return (
            sorted(r.to_place for r in list_rules(session, ME)),
            session.get(Delivery, waiting).destination,
            session.get(Delivery, elsewhere).destination,
            session.get(Alert, "a1").audience,
            session.get(Episode, (ME, "BTCUSDT", "up", f"telegram|{new}")).alert_id,
            session.get(Episode, (ME, "BTCUSDT", "up", f"telegram|{other}")).alert_id,
        )

    places, moved, kept, audience, led, others = await stage.desk.state.read(found)
    assert places == sorted([str(new), str(other)])
    assert (moved, kept) == (str(new), str(other))
    assert (audience, led, others) == (f"telegram|{new}", "a1", "a2")


async def test_an_episode_that_began_at_the_new_number_stays(stage):
    def plant(session):
        alert_to(session, "a1", "-555")
        alert_to(session, "a2", "-1000555")
        episode_at(session, "-555", "a1")
        episode_at(session, "-1000555", "a2")

    await stage.desk.state.run(plant)
    await stage.ledger.moved(-555, -1000555)
    await stage.ledger.moved(-555, -1000555)

    def found(session):
        return [e.alert_id for e in session.query(Episode).all()]

    assert await stage.desk.state.read(found) == ["a2"]
