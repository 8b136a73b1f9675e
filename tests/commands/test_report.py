"""`/report` and `/dashboard`: what is asked for is said back, belongs to its maker, and has bounds."""

from dataclasses import replace

import pytest

from bot.commands.reply import Caller, Front

BOSS = Caller(
    user_id="discord:42",
    front=Front.DISCORD,
    place="300",
    server="discord:200",
    private=False,
    may_post=True,
    manages=True,
    able=True,
)
MAKER = replace(BOSS, user_id="discord:43", manages=False)
OUTSIDER = replace(BOSS, user_id="discord:44", server="discord:999", place="900")
ALONE = replace(BOSS, place="dm", server="", private=True, may_post=False, manages=False, able=False)


async def test_a_report_is_said_back_in_full(desk, me):
    reply = await desk.ok("/report add btc daily at=18:30 kind=zones post=edit", BOSS)
    assert reply.title == "Report 1 added"
    assert dict(reply.fields) == {
        "Shows": "BTC, zones",
        "Every": "daily",
        "Where": "here, edited in place",
        "Next": "11 Oct 18:30 UTC",
    }
    own = await desk.ok("/report add eth every=4h", ALONE)
    assert dict(own.fields)["Where"] == "direct message, a new message each time"
    assert dict((await desk.ok("/report add eth", me)).fields)["Where"].startswith("the app")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/report add btc every=7h", "every"),
        ("/report add btc daily at=08:00,20:00", "one time of day"),
        ("/report add btc kind=tarot", "kind"),
        ("/report add nosuch", "There is no market"),
        ("/report remove 99", "no report 99"),
        ("/dashboard off", "no dashboard here"),
    ],
)
async def test_what_cannot_be_is_refused_with_a_line_that_works(desk, line, told):
    reply = await desk.say(line, BOSS)
    assert told in reply.error
    if reply.example:
        assert (await desk.say(reply.example, BOSS)).error != reply.error


async def test_who_made_it_and_who_manages_the_server_look_after_a_report_and_nobody_else(desk):
    await desk.ok("/report add btc every=4h", MAKER)
    assert len((await desk.ok("/report list", BOSS)).table.rows) == 1
    assert (await desk.ok("/report list", OUTSIDER)).title == "No reports yet"
    for line in ("/report pause 1", "/report resume 1", "/report remove 1"):
        assert "no report 1" in (await desk.say(line, OUTSIDER)).error
    assert "no report 1" in (await desk.press("v1:report:now!:1", OUTSIDER)).error
    await desk.ok("/report pause 1", BOSS)
    assert (await desk.ok("/report list", MAKER)).table.rows[0][-1] == "paused"
    await desk.ok("/report resume 1", MAKER)
    asked = await desk.ok("/report remove 1", BOSS)
    assert asked.title == "Remove report 1?"
    assert "no report 1" in (await desk.press(asked.buttons[0][0].action, OUTSIDER)).error
    assert (await desk.press(asked.buttons[0][0].action, BOSS)).title == "Report 1 removed"
    assert "no report 1" in (await desk.say("/report remove 1", MAKER)).error


async def test_what_one_has_in_private_is_not_listed_in_a_server(desk):
    await desk.ok("/report add eth every=4h", ALONE)
    assert (await desk.ok("/report list", BOSS)).title == "No reports yet"
    assert len((await desk.ok("/report list", ALONE)).table.rows) == 1


async def test_there_are_so_many_reports_of_one_user_and_in_one_server(desk, with_services):
    few = desk.services.defaults.model_copy(update={"most_reports": 2, "most_reports_in_server": 3})
    desk.commands = with_services(defaults=few)
    for _ in range(2):
        await desk.ok("/report add btc", BOSS)
    assert "You have 2 reports" in (await desk.say("/report add btc", BOSS)).error
    await desk.ok("/report add btc", MAKER)
    assert "3 reports in this server" in (await desk.say("/report add btc", MAKER)).error
    await desk.ok("/report add btc to=dm", MAKER)


async def test_a_place_has_one_dashboard_and_the_next_takes_its_place(desk):
    await desk.ok("/dashboard on btc", BOSS)
    await desk.ok("/dashboard on eth every=15m", MAKER)
    rows = (await desk.ok("/report list", BOSS)).table.rows
    assert [row[1:3] for row in rows] == [("ETH dashboard", "15m")]
    await desk.ok("/dashboard off", BOSS)
    assert (await desk.ok("/report list", BOSS)).title == "No reports yet"


async def test_a_member_does_not_take_the_place_of_a_dashboard_that_is_not_theirs(desk):
    await desk.ok("/setup set who=everyone", BOSS)
    await desk.ok("/dashboard on btc", BOSS)
    member = replace(MAKER, may_post=False)
    assert "not yours" in (await desk.say("/dashboard on eth", member)).error
    assert (await desk.ok("/report list", BOSS)).table.rows[0][1] == "BTC dashboard"


async def test_buttons_pause_resume_post_and_remove(desk):
    card = await desk.ok("/report add btc every=4h", BOSS)
    press = {b.label: b.action for row in card.buttons for b in row}
    assert "within a minute" in (await desk.press(press["Post now"], BOSS)).title
    paused = await desk.press(press["Pause"], BOSS)
    assert paused.edits
    again = {b.label: b.action for row in paused.buttons for b in row}
    assert dict((await desk.press(again["Resume"], BOSS)).fields)["Next"] == "11 Oct 00:00 UTC"
    asked = await desk.press(press["Remove"], BOSS)
    assert asked.edits
    assert "removed" in (await desk.press(asked.buttons[0][0].action, BOSS)).title


async def test_forgetting_a_person_takes_their_reports(desk):
    await desk.ok("/report add btc every=4h", MAKER)
    asked = await desk.ok("/data forget", MAKER)
    await desk.press(asked.buttons[0][0].action, MAKER)
    assert (await desk.ok("/report list", BOSS)).title == "No reports yet"
