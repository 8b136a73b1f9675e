"""Long polling through every kind of trouble, and the menus: said once, and only when they changed."""

import asyncio

import pytest

from bot.lang import SHIPPED
from bot.supervisor import PartState


async def test_a_wrong_token_is_one_clear_line(make, capsys):
    here = make(token="666:not-the-token")
    await asyncio.wait_for(here.front.run(), 10)
    health = here.front.health()
    assert health.state is PartState.STOPPED
    assert "@BotFather" in health.advice
    said = capsys.readouterr().out
    assert said.count("@BotFather") == 1
    assert "not-the-token" not in said


async def test_a_token_that_is_revoked_while_running_is_told(stage, api):
    api.token = "another:token"
    await asyncio.wait_for(stage.task, 15)
    assert "@BotFather" in stage.front.health().advice


async def test_another_process_with_the_same_bot_is_told_and_outlasted(stage, api):
    text = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    api.refuse("getUpdates", 409, text, times=2)
    await api.until(lambda: "Another process polls" in stage.front.health().advice)
    assert stage.front.health().state is PartState.RESTARTING
    await api.until(lambda: stage.front.health().advice == "", 15)
    assert await stage.say("/status")


async def test_a_webhook_is_told_with_what_removes_it(stage, api):
    text = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first"
    api.refuse("getUpdates", 409, text, times=2)
    await api.until(lambda: "deleteWebhook" in stage.front.health().advice)
    assert "token" in stage.front.health().advice
    await api.until(lambda: stage.front.health().advice == "", 15)


@pytest.mark.parametrize("trouble", ["server error", "dropped line", "limit"])
async def test_trouble_while_polling_is_outlasted_and_nothing_is_missed(stage, api, trouble):
    if trouble == "server error":
        api.refuse("getUpdates", 502, "Bad Gateway", times=2)
    elif trouble == "dropped line":
        api.drop("getUpdates", times=2)
    else:
        api.refuse("getUpdates", 429, "Too Many Requests: retry after 1", retry_after=1)
    await api.until(lambda: stage.front.health().advice, 15)
    assert await stage.say("/status")
    await api.until(lambda: stage.front.health().advice == "", 15)


async def test_telegram_down_at_the_start_is_waited_for(make, api):
    port = api.port
    await api.stop()
    here = make()
    here.task = asyncio.create_task(here.front.run())
    await api.until(lambda: "cannot be reached" in here.front.health().advice)
    await api.start(port)
    api.there.chat(42)
    await api.until(lambda: here.front.health().state is PartState.RUNNING, 20)
    assert await here.say("/status")
    await here.stop()


async def test_what_was_taken_does_not_come_again_after_a_restart(make, api):
    first = make()
    api.there.chat(42)
    await first.run()
    await first.say("/zones btc")
    await first.stop()
    assert api.there.updates == []
    second = make()
    await second.run()
    before = len(api.shown(42))
    await second.say("/market btc")
    assert len(api.shown(42)) == before + 1
    await second.stop()


async def test_menus_of_each_scope_are_sent_once_and_again_when_they_changed(make, api):
    def sent():
        return len(api.of("setMyCommands"))

    first = make()
    await first.run()
    await api.until(lambda: sent() == 3 * len(SHIPPED))
    private, groups = api.menus["all_private_chats"], api.menus["all_group_chats"]
    names = {entry["command"] for entry in private}
    assert {"heatmap", "watch", "alert_list", "settings_show"} <= names
    assert "watch" not in {entry["command"] for entry in groups}
    assert "watch" in {entry["command"] for entry in api.menus["all_chat_administrators"]}
    german = {entry["command"]: entry["description"] for entry in api.menus["all_private_chats", "de"]}
    assert set(german) == names
    assert german != {entry["command"]: entry["description"] for entry in private}
    await first.stop()
    second = make()
    await second.run()
    await second.stop()
    assert sent() == 3 * len(SHIPPED)


async def test_a_menu_that_cannot_be_set_keeps_nobody_from_being_served(make, api):
    api.refuse("setMyCommands", 500, "Internal Server Error", times=9)
    here = make()
    api.there.chat(42)
    await here.run()
    assert await here.say("/status")
    await here.stop()
