"""`/data` shows, hands out and deletes everything of one user, for that user alone."""

import json

from sqlalchemy import func, select

from bot.commands.dispatch import Commands
from storage.forget import STATE_OWNERS
from storage.tables import Base, Rule


async def filled(desk, other):
    for caller in (None, other):
        args = () if caller is None else (caller,)
        await desk.ok("/watch btc", *args)
        await desk.ok("/settings set tz=Asia/Tokyo", *args)
        await desk.ok("/alert test", *args)


async def test_what_is_stored_is_counted(desk, other):
    assert (await desk.ok("/data show")).text == "Nothing."
    await filled(desk, other)
    told = dict((await desk.ok("/data")).fields)
    assert told["alerts you set up"] == "1"
    assert told["messages to you"] == "1"


async def test_the_export_holds_every_table_and_nobody_else(desk, other):
    await filled(desk, other)
    reply = await desk.ok("/data export")
    [file] = reply.files
    assert file.media_type == "application/json"
    assert file.name == "liqwatch-data-2026-09-21.json"
    body = json.loads(file.content)
    assert body["user"] == "local:owner"
    assert set(body["tables"]) >= {name for name, owner in STATE_OWNERS.items() if owner}
    assert body["tables"]["rules"][0]["symbol"] == "BTCUSDT"
    assert body["tables"]["settings"][0]["values"] == {"tz": "Asia/Tokyo"}
    assert other.user_id not in file.content.decode()


async def forget_button(desk, *args):
    reply = await desk.ok("/data forget", *args)
    assert "10 minutes" in reply.text
    return reply.buttons[0][0].action


async def test_forgetting_needs_the_button_and_then_leaves_nothing(desk, other):
    await filled(desk, other)
    action = await forget_button(desk)
    assert (await desk.ok("/data")).fields
    reply = await desk.press(action)
    assert reply.title == "Everything about you is deleted"
    assert reply.edits
    assert "1 alerts you set up" in reply.text
    for table in Base.metadata.sorted_tables:
        if "user_id" in table.c:
            query = select(func.count()).select_from(table).where(table.c.user_id == "local:owner")
            assert await desk.state.read(lambda s, q=query: s.scalar(q)) == 0, table.name
    assert (await desk.ok("/data")).text == "Nothing."
    assert await desk.state.read(lambda s: s.scalar(select(func.count()).select_from(Rule))) == 1
    assert desk.alerting.health().watches == {"BTCUSDT": 1}
    assert (await desk.press(action)).text == "There was nothing left."


async def test_the_button_is_its_owners(desk, other):
    await filled(desk, other)
    reply = await desk.press(await forget_button(desk), other)
    assert "not yours" in reply.error
    assert (await desk.ok("/alert list", other)).title == "Your alerts, 1/20"


async def test_the_button_is_good_for_ten_minutes(desk, other):
    await filled(desk, other)
    action = await forget_button(desk)
    desk.wall[0] += 601_000
    assert "good for 10 minutes" in (await desk.press(action)).error
    assert (await desk.ok("/alert list")).title == "Your alerts, 1/20"


async def test_a_forged_button_does_nothing(desk, other):
    await filled(desk, other)
    action = await forget_button(desk)
    head, stamp, signature = action.rsplit(":", 2)
    for forged in (
        f"{head}:{int(stamp, 16) + 99_999:x}:{signature}",
        f"{head}:{stamp}:{signature[::-1]}",
        f"{head}:{stamp}",
        f"{head}:zz:{signature}",
        head,
    ):
        reply = await desk.press(forged)
        assert reply.failed, forged
        assert "Incident" not in reply.error
    assert (await desk.ok("/alert list")).title == "Your alerts, 1/20"


async def test_a_button_outlives_a_restart(desk, other):
    await filled(desk, other)
    action = await forget_button(desk)
    again = Commands(desk.services)
    from bot.commands.reply import Caller, Front

    reply = await again.press(action, Caller(user_id="local:owner", front=Front.CONSOLE))
    assert reply.title == "Everything about you is deleted"


async def test_the_question_before_everything_goes_can_be_answered_with_no(desk, other):
    await filled(desk, other)
    ((_yes, keep),) = (await desk.ok("/data forget")).buttons
    assert (await desk.press(keep.action)).title == "What is stored about you"
    assert (await desk.ok("/alert list")).title == "Your alerts, 1/20"
