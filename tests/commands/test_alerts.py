"""`/alert …` looks after one's own alerts, whoever presses what."""

import pytest
from sqlalchemy import func, select

from engine.model import HOUR_MS
from storage.outbox import State
from storage.rules import get_rule, list_rules
from storage.tables import Delivery, Rule


async def rule(desk, number=1):
    return await desk.state.read(lambda s: s.get(Rule, number))


async def test_the_list_with_its_limits(desk):
    empty = await desk.ok("/alert list")
    assert empty.title == "No alerts yet, 0/20"
    assert (await desk.press(empty.buttons[0][0].action)).title == "Watching BTC"
    await desk.ok("/watch eth min=5M side=short within=2%")
    await desk.ok("/alert pause 2")
    reply = await desk.ok("/alerts")
    assert reply.title == "Your alerts, 2/20"
    assert reply.text == "Messages today: 0/50."
    assert reply.table.rows == (
        ("1", "BTC", "within 1%, 3%, 5% of a zone", "critical, warning, info", "on", "here, in the app"),
        ("2", "ETH", "within 2% of a short zone of $5M", "warning", "paused", "here, in the app"),
    )
    assert (await desk.press(reply.buttons[0][1].action)).title == "Alert 2, ETH"


async def test_pause_resume_snooze_by_line_and_button(desk):
    card = await desk.ok("/watch btc")
    by_label = {b.label: b.action for row in card.buttons for b in row}
    paused = await desk.press(by_label["Pause"])
    assert paused.edits
    assert paused.title == "Paused alert 1 on BTC"
    assert (await rule(desk)).paused
    assert [b.label for row in paused.buttons for b in row] == [
        "Test",
        "Resume",
        "Edit",
        "Remove",
        "All alerts",
    ]
    resumed = await desk.press(paused.buttons[0][1].action)
    assert resumed.title == "Resumed alert 1 on BTC"
    assert not (await rule(desk)).paused
    snoozed = await desk.press(by_label["Snooze 1 h"])
    assert snoozed.title == "Snoozed alert 1 on BTC for 1 hour, until 21:35 UTC"
    assert dict(snoozed.fields)["Alert"] == "1, snoozed until 21:35 UTC"
    desk.market.at_ms += 2 * HOUR_MS
    assert dict((await desk.ok("/alert show 1")).fields)["Alert"] == "1, on"
    await desk.ok("/alert snooze 1 for=8h")
    await desk.ok("/alert resume 1")
    assert (await rule(desk)).snoozed_until_ms is None


async def test_the_buttons_that_alerts_carry(desk):
    await desk.ok("/watch btc")
    reply = await desk.press("v1:alert:snooze:1:for=1h")
    assert not reply.edits
    assert reply.title.startswith("Snoozed alert 1")
    assert not (await desk.press("v1:alert:pause:1")).failed
    assert (await desk.press("v1:heatmap:-:BTCUSDT:24h")).images
    assert not (await desk.press("v1:alert:history")).failed
    assert "gone" in (await desk.press("v1:alert:why:a0123456789abcdef")).error


async def test_all_at_once(desk):
    assert (await desk.say("/alert pause all")).error == "You have no alerts yet."
    await desk.ok("/watch btc")
    assert (await desk.ok("/alert pause all")).title == "Paused alert 1 on BTC"
    await desk.ok("/watch eth")
    reply = await desk.ok("/alert pause all")
    assert reply.title == "Paused 2 alerts"
    assert reply.text == "1 BTC and 2 ETH."
    assert (
        await desk.ok("/alert snooze all 8h")
    ).title == "Snoozed 2 alerts for 8 hours, until 11 Oct 04:35 UTC"
    assert (await desk.ok("/alert resume all")).title == "Resumed 2 alerts"


async def test_removing(desk):
    await desk.ok("/watch btc")
    await desk.ok("/watch eth")
    asked = await desk.ok("/alert rm 1")
    assert asked.title == "Remove alert 1, BTC?"
    assert [b.label for b in asked.buttons[0]] == ["Yes, remove it", "Keep"]
    assert (await desk.press(asked.buttons[0][1].action)).title == "Alert 1, BTC"
    assert await rule(desk) is not None
    reply = await desk.press(asked.buttons[0][0].action)
    assert reply.title == "Removed alert 1, BTC"
    assert reply.edits
    assert (await desk.press(asked.buttons[0][0].action)).error == "You have no alert 1."
    assert (await desk.press(reply.buttons[0][0].action)).title == "Watching BTC"
    asked = await desk.ok("/alert remove all")
    assert asked.title == "Remove all 2 alerts?"
    assert len(await desk.state.read(lambda s: list_rules(s, "local:owner"))) == 2
    done = await desk.press(asked.buttons[0][0].action)
    assert done.title == "Removed 2 alerts"
    assert done.edits
    assert (await desk.press(asked.buttons[0][0].action)).error == "You have no alerts yet."
    assert (await desk.say("/alert remove all")).error == "You have no alerts yet."
    assert (await desk.say("/alert remove 9")).error == "You have no alert 9."
    await desk.ok("/watch btc")
    assert (await desk.ok("/alert remove all")).title.startswith("Remove alert "), "all is one"
    assert (await desk.ok("/alert remove all sure=yes")).title.startswith("Removed alert")


async def test_an_old_confirmation_never_removes_an_alert_that_has_its_number_now(desk):
    await desk.ok("/watch btc")
    made = (await rule(desk)).created_ms
    assert (await desk.press(f"v1:alert:remove-now!:1:{made - 1:x}")).error == "You have no alert 1."
    assert await rule(desk) is not None
    assert (await desk.press(f"v1:alert:remove-now!:1:{made:x}")).title == "Removed alert 1, BTC"


async def test_a_long_list_is_turned_by_buttons_and_leads_to_each_alert(desk):
    for level in range(10):
        await desk.ok(f"/alert add btc below {60_000 - level} save=yes")
    first = await desk.ok("/alert list")
    assert first.title == "Your alerts, 10/20, page 1 of 2"
    assert len(first.table.rows) == 8
    by_label = {b.label: b.action for row in first.buttons for b in row}
    second = await desk.press(by_label["Next"])
    assert second.edits
    assert [row[0] for row in second.table.rows] == ["9", "10"]
    assert "Next" not in {b.label for row in second.buttons for b in row}
    card = await desk.press({b.label: b.action for row in second.buttons for b in row}["9 BTC"])
    assert card.edits
    assert card.title == "Alert 9, BTC"
    back = await desk.press({b.label: b.action for row in card.buttons for b in row}["All alerts"])
    assert back.title.startswith("Your alerts")


@pytest.mark.parametrize("verb", ["show", "pause", "resume", "snooze", "remove", "test", "history"])
async def test_another_persons_alert_is_as_if_it_were_not_there(desk, other, verb):
    await desk.ok("/watch btc")
    await desk.ok("/watch eth", other)
    before = vars(await rule(desk)).copy()
    argument = "id=1" if verb == "history" else "1"
    by_line = await desk.say(f"/alert {verb} {argument}", other)
    by_button = await desk.press(f"v1:alert:{verb}!:{argument}", other)
    for reply in (by_line, by_button):
        if verb == "history":
            assert reply.table is None
        else:
            assert reply.error == "You have no alert 1."
            assert reply.example == "/alert list"
        assert "BTC" not in repr(reply).replace("/heatmap btc", "")
    after = vars(await rule(desk))
    assert {k: v for k, v in after.items() if k[0] != "_"} == {k: v for k, v in before.items() if k[0] != "_"}


async def test_a_number_that_is_not_ones_own_offers_those_that_are(desk, other):
    await desk.ok("/watch btc", other)
    await desk.ok("/watch eth")
    refused = await desk.say("/alert snooze 1 for=8h")
    assert refused.error == "You have no alert 1."
    (button,) = refused.buttons[0]
    assert button.label == "/alert snooze 2 for=8h"
    assert (await desk.press(button.action)).title.startswith("Snoozed alert 2 on ETH for 8 hours")


async def test_all_means_ones_own(desk, other):
    await desk.ok("/watch btc")
    await desk.ok("/watch eth", other)
    await desk.ok("/alert pause all", other)
    assert not (await rule(desk, 1)).paused
    await desk.press("v1:alert:remove-all!", other)
    assert await desk.state.read(lambda s: get_rule(s, "local:owner", 1)) is not None


async def test_a_test_alert_goes_through_the_outbox(desk):
    assert (await desk.say("/alert test")).error == "You have no alerts yet."
    await desk.ok("/watch btc")
    await desk.ok("/watch eth")
    reply = await desk.ok("/alert test")
    assert reply.title == "Test alert 2 is on its way"
    await desk.ok("/alert test 1")
    [first, second] = await desk.state.read(
        lambda s: list(s.scalars(select(Delivery).order_by(Delivery.delivery_id)))
    )
    assert (first.user_id, first.channel, first.state) == ("local:owner", "inapp", State.QUEUED)
    assert "Test alert" in second.message["title"]
    assert await desk.state.read(lambda s: s.scalar(select(func.count()).select_from(Delivery))) == 2
