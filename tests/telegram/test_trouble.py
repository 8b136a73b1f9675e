"""What can go wrong between Telegram and the bot heals by itself; a flood delays nobody elsewhere."""

import asyncio

import pytest

from bot.commands.limits import BURST
from bot.delivery.telegram.request import Patience
from bot.turns import PER_SERVER

HURRIED = Patience(connect_s=0.1, pool_s=0.1, read_s=0.1, write_s=0.1, upload_s=0.1)


async def test_a_poll_that_hangs_is_given_up_and_begun_again(make, api, kit):
    here = make()
    here.post._requests[0]._patience = HURRIED
    api.there.chat(kit.BOSS)
    await here.run()
    api.stall("getUpdates", 30.0)
    await api.until(lambda: "no answer" in here.front.health().advice)
    assert await here.say("/status")
    await api.until(lambda: here.front.health().advice == "")


@pytest.mark.parametrize("raw", [b'{"ok":true,"result":[{"upd', b"<html>bad gateway</html>", b"[]", b"{}"])
async def test_an_answer_that_is_no_answer_is_outlasted(stage, api, raw):
    api.garble("getUpdates", raw)
    await api.until(lambda: stage.front.health().advice)
    assert await stage.say("/status")
    await api.until(lambda: stage.front.health().advice == "")


async def test_an_update_that_cannot_be_read_holds_up_no_other(stage, api, kit):
    api.there.update(message={"message_id": "not a message"})
    assert await stage.say("/status")
    assert stage.front.health().advice == ""


async def test_what_was_taken_before_a_crash_is_not_done_again(make, api, kit):
    api.there.chat(kit.BOSS)
    first = make()
    await first.run()
    api.there.said("/status", user=kit.BOSS)
    (update,) = api.there.updates
    await api.until(lambda: api.shown(kit.BOSS))
    first.task.cancel()  # as in a crash: what was fetched is not confirmed
    await asyncio.gather(first.task, return_exceptions=True)
    api.there.updates.insert(0, update)
    second = make()
    await second.run()
    await second.say("/status")
    assert len(api.shown(kit.BOSS)) == 2


@pytest.mark.parametrize("code", [500, 502, 504])
async def test_a_server_error_on_upload_is_tried_again(stage, api, kit, code):
    api.refuse("sendPhoto", code, "Internal Server Error")
    shown = await stage.say("/heatmap btc")
    assert shown["photo"]


async def test_a_press_that_is_too_old_is_answered_in_the_chat_all_the_same(stage, api, kit):
    shown = await stage.say("/heatmap btc")
    api.expire_s = -1.0
    stage.desk.seconds[0] += 60
    api.there.pressed(shown, stage.data(shown, "3d"))
    await api.until(lambda: api.of("editMessageMedia"))
    await stage.quiet()
    assert "last 3d" in shown["caption"]


async def test_a_message_that_was_deleted_under_its_button_comes_anew(stage, api, kit):
    shown = await stage.say("/heatmap btc")
    data = stage.data(shown, "3d")
    stage.desk.seconds[0] += 60
    del api.there.messages[kit.BOSS, shown["message_id"]]
    api.there.pressed(shown, data)
    await api.until(lambda: api.shown(kit.BOSS))
    assert "last 3d" in api.shown(kit.BOSS)[0]["caption"]


async def test_one_who_blocks_the_bot_harms_nobody(stage, api, kit):
    api.there.chat(kit.MEMBER, shut="bot was blocked by the user")
    api.there.said("/status", user=kit.MEMBER)
    await api.until(lambda: [c for c in api.calls if c.refused])
    assert await stage.say("/status")


async def test_a_flooding_group_delays_a_private_chat_by_what_is_under_way_alone(stage, api, kit):
    commands, ended, on = stage.front._handler._commands, [], asyncio.Semaphore(0)
    real = commands._context

    async def held(caller, *rest, **more):
        await on.acquire()
        ended.append(caller.user_id)
        return await real(caller, *rest, **more)

    commands._context = held
    for person in range(1_000, 1_040):
        api.there.said("/status", user=person, chat=kit.GROUP)
    turns = commands._turns
    await api.until(lambda: turns.running == PER_SERVER and turns.waiting == 40 - PER_SERVER)
    api.there.said("/status", user=kit.BOSS)
    await api.until(lambda: turns.running == PER_SERVER + 1)
    for _ in range(41):
        on.release()
    await api.until(lambda: len(ended) == 41)
    assert ended.index(f"telegram:{kit.BOSS}") <= PER_SERVER


async def test_one_who_asks_too_much_is_told_the_seconds_to_wait(stage, api, kit):
    for _ in range(BURST):
        api.there.said("/status", user=kit.BOSS)
        await api.until(lambda: not api.there.updates)
        await stage.quiet()
    api.there.said("/status", user=kit.BOSS)
    await api.until(lambda: len(api.shown(kit.BOSS)) == BURST + 1)
    assert "Try again in 1 s" in api.shown(kit.BOSS)[-1]["text"]
