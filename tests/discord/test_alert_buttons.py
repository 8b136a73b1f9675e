"""The buttons of an alert: snooze and pause by its owner, in direct messages and in a channel."""

import pytest

from bot.delivery.channel import OutMessage
from engine.model import Severity, UserId
from storage.rules import list_rules


def alert(rule_id, destination):
    """Make the message of an alert of the rule."""
    actions = (("Snooze 1h", f"v1:alert:snooze:{rule_id}:1h"), ("Pause", f"v1:alert:pause:{rule_id}"))
    return OutMessage(
        delivery_id=1,
        alert_id="a1",
        user_id="discord:42",
        destination=destination,
        kind="zone_proximity",
        severity=Severity.WARNING,
        symbol="BTCUSDT",
        title="BTC is 2.1% above $55M of longs",
        text="Price 112,000.",
        market_ms=1,
        buttons=(actions,),
    )


async def rule_of(stage, person):
    found = await stage.desk.state.read(lambda s: list_rules(s, UserId(f"discord:{person}")))
    return found[0]


async def test_snooze_in_direct_messages(stage, api, kit):
    await stage.slash(kit.BOSS, "watch", {"symbol": "btc"})
    rule = await rule_of(stage, kit.BOSS)
    await stage.channel.send(alert(rule.rule_id, "discord:42"), key="k" * 64, edit_of=None)
    message = api.dm(kit.BOSS)[-1]
    (told,) = await stage.press(kit.BOSS, message, "Snooze")
    assert "nooze" in told["embeds"][0].get("title", "") + told["embeds"][0].get("description", "")
    assert (await rule_of(stage, kit.BOSS)).snoozed_until_ms
    assert message["content"].startswith("🔶")


@pytest.mark.parametrize("label", ["Snooze", "Pause"])
async def test_in_a_channel_the_owner_alone_may_and_nobody_else_sees_it(stage, api, kit, label):
    given = {"symbol": "btc", "to": "here"}
    await stage.slash(kit.BOSS, "watch", given, channel=kit.DESK, permissions=kit.world.MANAGE_GUILD)
    rule = await rule_of(stage, kit.BOSS)
    await stage.channel.send(alert(rule.rule_id, str(kit.DESK)), key="k" * 64, edit_of=None)
    (message,) = api.there.shown(kit.DESK)

    (told,) = await stage.press(kit.MEMBER, message, label)
    assert told["flags"] & 64
    assert "You have no alert" in told["embeds"][0]["description"]
    assert not (await rule_of(stage, kit.BOSS)).paused
    (told,) = await stage.press(kit.BOSS, message, label)
    assert told["flags"] & 64
    changed = await rule_of(stage, kit.BOSS)
    assert changed.paused or changed.snoozed_until_ms
    assert api.there.shown(kit.DESK) == [message]
    assert message["_edits"] == 0
