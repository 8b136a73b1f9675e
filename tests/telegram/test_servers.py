"""Groups of Telegram: set-up by admins, anonymous ones too, reports posted there, places that go away."""

from dataclasses import replace

import pytest

from bot.reporting.moves import Moves
from bot.telegram.grounds import TelegramGrounds
from storage.reports import list_reports
from storage.rules import list_rules
from storage.servers import host_of, server_values
from storage.tables import Delivery


@pytest.fixture
def here(stage, desk):
    """Let commands look at the groups, and let what becomes of them be followed."""
    commands = stage.front._behind.commands
    commands._services = replace(commands._services, grounds={"telegram": TelegramGrounds(stage.post.bot)})
    stage.front._membership._moves = Moves("telegram", desk.state, rules_changed=desk.alerting.rules_changed)
    return stage


async def kept(stage, kit):
    return await stage.desk.state.read(lambda s: server_values(s, f"telegram:{kit.GROUP}"))


async def reports(stage, owner, server=""):
    return await stage.desk.state.read(lambda s: list_reports(s, owner, server))


async def test_an_admin_sets_a_group_up_by_pressing(here, kit):
    message = await here.say("/setup", chat=kit.GROUP, user=kit.BOSS)
    assert message["text"].startswith("Set me up here")
    await here.press(message, "Quiet hours")
    await here.press(message, "22:00-07:00")
    await here.api.until(lambda: message["text"].startswith("Saved"))
    assert await kept(here, kit) == {"quiet": "22:00-07:00"}


async def test_a_member_changes_nothing_by_typing_or_pressing(here, kit):
    message = await here.say("/setup", chat=kit.GROUP, user=kit.BOSS)
    (answer,) = await here.press(message, "Budget", user=kit.MEMBER)
    assert "Only the admins" in answer["text"]
    refused = await here.say("/setup set budget=5", chat=kit.GROUP, user=kit.MEMBER)
    assert "Only the admins" in refused["text"]
    assert await kept(here, kit) == {}


async def test_an_anonymous_admin_sets_up_and_has_reports_posted(here, kit):
    await here.say("/setup set budget=5 channel=here", chat=kit.GROUP, as_group=True, topic=kit.TOPIC)
    assert await kept(here, kit) == {"budget": 5, "channel": f"{kit.GROUP}/{kit.TOPIC}"}
    told = await here.say("/report add btc every=4h to=channel", chat=kit.GROUP, as_group=True)
    assert "Report 1 added" in told["text"]
    (report,) = await reports(here, f"telegram:{kit.GROUP}")
    assert (report.to_place, report.server_id) == (f"{kit.GROUP}/{kit.TOPIC}", f"telegram:{kit.GROUP}")


async def test_a_report_goes_where_it_is_asked_for_and_admins_look_after_it(here, kit):
    await here.say("/report add btc every=4h", chat=kit.GROUP, user=kit.BOSS, topic=kit.TOPIC)
    (report,) = await reports(here, "telegram:42")
    assert report.to_place == f"{kit.GROUP}/{kit.TOPIC}"
    here.there.chat(kit.GROUP, admins={kit.BOSS, kit.STRANGER})
    listed = await here.say("/report list", chat=kit.GROUP, user=kit.STRANGER)
    assert "BTC heatmap" in listed["text"]
    led = await here.say("/report remove 1", chat=kit.GROUP, user=kit.MEMBER)
    assert led["text"].startswith("That is between you and me")
    asked = await here.say("/report remove 1", chat=kit.GROUP, user=kit.STRANGER)
    assert "Remove report 1?" in asked["text"]
    gone = await here.say("/report remove 1 sure=yes", chat=kit.GROUP, user=kit.STRANGER)
    assert "Report 1 removed" in gone["text"]


async def test_what_an_admin_has_in_private_is_not_listed_in_the_group(here, kit):
    await here.say("/report add eth every=4h", user=kit.BOSS)
    listed = await here.say("/report list", chat=kit.GROUP, user=kit.BOSS)
    assert "ETH" not in listed["text"]


async def test_a_member_may_not_have_a_report_posted_unless_everyone_may(here, kit):
    refused = await here.say("/report add btc every=4h", chat=kit.GROUP, user=kit.MEMBER)
    assert "Only who manages" in refused["text"]
    await here.say("/setup set who=everyone", chat=kit.GROUP, user=kit.BOSS)
    assert "added" in (await here.say("/report add btc every=4h", chat=kit.GROUP, user=kit.MEMBER))["text"]


@pytest.mark.parametrize(
    ("chat", "told"),
    [
        ({}, "All is well there"),
        ({"bot": "administrator"}, "✓ Admin"),
        ({"forbids": ("can_send_photos",)}, "✗ Pictures: make me an admin"),
        ({"bot": "restricted"}, "✗ Messages: make me an admin"),
    ],
)
async def test_check_says_what_is_missing(here, kit, chat, told):
    here.there.chat(kit.GROUP, **chat)
    shown = await here.say("/setup check", chat=kit.GROUP, user=kit.BOSS)
    assert told in shown["text"]


async def test_a_group_that_becomes_a_supergroup_takes_along_what_it_has_set_and_owns(here, kit):
    old, new = -555, -1000555
    here.there.chat(old, type="group", title="Small", admins={kit.BOSS})
    await here.say("/setup set tz=Asia/Tokyo channel=here", chat=old, user=kit.BOSS)
    await here.say("/watch btc", chat=old, as_group=True)
    await here.say("/report add btc every=4h", chat=old, user=kit.BOSS)
    here.there.migrate(old, new)
    await here.api.until(here._fetched)
    await here.quiet()

    def found(session):
        (rule,) = list_rules(session, f"telegram:{new}")
        (report,) = list_reports(session, "telegram:42")
        host = host_of(session, "telegram", str(new))
        return rule.to_place, report.to_place, report.server_id, host.values["tz"], host.values["channel"]

    told = await here.desk.state.read(found)
    assert told == (str(new), str(new), f"telegram:{new}", "Asia/Tokyo", str(new))
    assert await here.desk.state.read(lambda s: list_rules(s, f"telegram:{old}")) == []


async def test_a_bot_that_is_thrown_out_rests_its_reports_and_tells_who_made_them(here, kit):
    await here.say("/report add btc every=4h", chat=kit.GROUP, user=kit.BOSS)
    here.there.stands(kit.GROUP, "member", "kicked")
    await here.api.until(here._fetched)
    await here.quiet()
    (report,) = await reports(here, "telegram:42")
    assert report.off_reason == "I was removed from Desk"
    rows = await here.desk.state.read(
        lambda s: [(d.destination, d.message["text"]) for d in s.query(Delivery)]
    )
    assert rows == [("telegram:42", "1 report of yours rests: /report list.")]
    here.there.stands(kit.GROUP, "kicked", "member")
    await here.api.until(lambda: here.api.shown(kit.GROUP)[-1]["text"].startswith(("Hello", "I am back")))
    await here.quiet()
    (report,) = await reports(here, "telegram:42")
    assert report.off_reason == ""


async def test_what_is_kept_about_a_group_is_for_its_admins(here, kit):
    await here.say("/setup set budget=7", chat=kit.GROUP, user=kit.BOSS)
    led = await here.say("/data export", chat=kit.GROUP, user=kit.BOSS)
    assert led["text"].startswith("That is between you and me")
    shown = await here.say("/data export about=here", chat=kit.GROUP, user=kit.BOSS)
    assert "document" in shown
    refused = await here.say("/data export about=here", chat=kit.GROUP, user=kit.MEMBER)
    assert "Only the admins" in refused["text"]
