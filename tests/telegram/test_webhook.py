"""The webhook: one address and one secret; each update once, over a restart too; junk costs nothing."""

import asyncio
import json
from dataclasses import replace

import pytest

from bot.chats.telegram import hook_of
from bot.supervisor import PartState
from bot.telegram.webhook import Hook, secret_of
from config.settings import load
from storage.notes import get_note

URL = "https://bot.example.org/from/telegram"
SECRET = "the-secret-of-the-webhook"
HOOK = Hook(url=URL, secret=SECRET, host="127.0.0.1", port=0)
TOKEN = "666:AAE-a-token-that-nobody-else-knows"


@pytest.fixture
def begin(make, api, kit):
    """Run a front with the webhook, and wait until Telegram knows of it."""

    async def run(hook=HOOK):
        here = make(hook=hook)
        api.there.chat(kit.BOSS)
        before = len(api.of("setWebhook"))
        here.task = asyncio.create_task(here.front.run())
        await api.until(lambda: len(api.of("setWebhook")) > before and api.of("getWebhookInfo"))
        return here

    return run


def port(stage):
    return stage.front._way.port


async def push_all(stage, api):
    """Send what there is, as Telegram does, and return the statuses."""
    found = []
    while api.there.updates:
        found.append(await api.push(port(stage)))
    await stage.quiet()
    return found


async def test_what_people_write_and_press_comes_over_the_webhook(begin, api, kit):
    here = await begin()
    assert api.hook["url"] == URL
    assert api.hook["secret_token"] == SECRET
    assert set(api.hook["allowed_updates"]) == {"message", "callback_query", "my_chat_member"}
    api.there.said("/heatmap btc", user=kit.BOSS)
    assert await push_all(here, api) == [200]
    (shown,) = api.shown(kit.BOSS)
    here.desk.seconds[0] += 60
    query = api.there.pressed(shown, here.data(shown, "3d"))
    assert await push_all(here, api) == [200]
    assert api.there.queries[query]["answers"]
    assert "last 3d" in shown["caption"]
    assert api.polls == 0


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], "ü" * 20])
async def test_a_wrong_secret_is_refused_and_nothing_is_done(begin, api, kit, secret):
    here = await begin()
    api.there.said("/zones btc", user=kit.BOSS)
    assert await api.push(port(here), secret=secret) == 403
    await here.quiet()
    assert api.shown(kit.BOSS) == []


async def test_the_secret_is_compared_in_constant_time(begin, api, kit, monkeypatch):
    compared = []

    def compare(given, known):
        compared.append((given, known))
        return given == known

    monkeypatch.setattr("bot.telegram.webhook.hmac.compare_digest", compare)
    here = await begin()
    assert await api.push(port(here), secret="wrong", body=b"{}") == 403
    assert compared == [(b"wrong", SECRET.encode())]


async def test_a_stranger_is_refused_before_the_body_is_read(begin, api):
    here = await begin()
    reader, writer = await asyncio.open_connection("127.0.0.1", port(here))
    head = b"POST /from/telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
    writer.write(head)  # and not one byte of the body
    async with asyncio.timeout(5):
        said = await reader.readuntil(b"\r\n\r\n")
    assert b" 403 " in said
    assert b"connection: close" in said.lower()
    writer.close()


async def test_a_flood_of_strangers_is_logged_once_and_the_next_update_is_served(begin, api, kit, capsys):
    here = await begin()
    found = await asyncio.gather(*(api.push(port(here), secret="no", body=b"{}") for _ in range(60)))
    assert set(found) == {403}
    assert here.front._lanes.under_way == 0
    assert capsys.readouterr().out.count("telegram.strangers_refused") == 1
    api.there.said("/zones btc", user=kit.BOSS)
    assert await push_all(here, api) == [200]
    assert api.shown(kit.BOSS)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * ((1 << 18) + 1), 413),
        (b"not json", 200),
        (b"[]", 200),
        (b'{"update_id": "x"}', 200),
        (b'{"update_id": 7, "message": {"weird": 1}}', 200),
        (b'{"update_id": 8}', 200),
    ],
)
async def test_junk_with_the_right_secret_does_nothing_and_is_not_sent_again(begin, api, kit, body, status):
    here = await begin()
    assert await api.push(port(here), body=body) == status
    api.there.said("/zones btc", user=kit.BOSS)
    assert await push_all(here, api) == [200]
    assert len(api.shown(kit.BOSS)) == 1


async def test_other_addresses_and_methods_are_not_there(begin, api):
    here = await begin()
    assert await api.push(port(here), body=b"{}", path="/") == 404
    assert await api.push(port(here), body=b"{}", path="/metrics") == 404


async def test_what_comes_twice_is_done_once(begin, api, kit):
    here = await begin()
    api.there.said("/zones btc", user=kit.BOSS)
    (update,) = api.there.updates
    again = json.dumps(update).encode()
    assert [await api.push(port(here), body=again) for _ in range(3)] == [200, 200, 200]
    await here.quiet()
    assert len(api.shown(kit.BOSS)) == 1


async def test_what_comes_again_after_a_restart_is_not_done_again(begin, api, kit):
    first = await begin()
    api.there.said("/watch btc", user=kit.BOSS)
    (update,) = api.there.updates
    assert await push_all(first, api) == [200]
    first.task.cancel()  # as in a crash: nothing is said goodbye to
    await asyncio.gather(first.task, return_exceptions=True)
    second = await begin()
    assert await api.push(port(second), body=json.dumps(update).encode()) == 200
    await second.quiet()
    assert len(api.shown(kit.BOSS)) == 1


async def test_while_there_is_no_room_telegram_is_told_to_come_again(begin, api, kit):
    here = await begin()
    here.front._lanes._counted(256)
    api.there.said("/zones btc", user=kit.BOSS)
    assert await api.push(port(here)) == 503
    here.front._lanes._counted(-256)
    assert await push_all(here, api) == [200]
    assert len(api.shown(kit.BOSS)) == 1


async def test_choosing_polling_again_removes_the_webhook_and_misses_nothing(begin, make, api, kit):
    first = await begin()
    await first.stop()
    assert api.hook
    api.there.said("/zones btc", user=kit.BOSS)
    second = make()
    await second.run()
    await api.until(lambda: api.shown(kit.BOSS))
    assert api.hook is None
    assert await second.desk.state.read(lambda s: get_note(s, "telegram_webhook")) is None


async def test_a_webhook_that_somebody_else_set_is_left_alone_and_told(make, api):
    api.hook = {"url": "https://elsewhere.example.org/x", "secret_token": "theirs"}
    here = make()
    here.task = asyncio.create_task(here.front.run())
    await api.until(lambda: "deleteWebhook" in here.front.health().advice)
    assert api.hook["url"] == "https://elsewhere.example.org/x"
    api.hook = None
    await api.until(lambda: here.front.health().advice == "", 15)


async def test_a_webhook_that_is_taken_away_is_set_again(begin, api, monkeypatch):
    monkeypatch.setattr("bot.telegram.webhook.LOOK_S", 0.02)
    monkeypatch.setattr("bot.telegram.webhook.AGAIN_S", 0.02)
    await begin()
    api.hook = None
    await api.until(lambda: api.hook)
    assert api.hook["url"] == URL


async def test_a_webhook_that_telegram_cannot_reach_is_told(begin, api, monkeypatch):
    monkeypatch.setattr("bot.telegram.webhook.LOOK_S", 0.02)
    here = await begin()
    at_s = int(asyncio.get_running_loop().time())  # long ago
    api.hook_trouble = {"last_error_date": at_s, "last_error_message": "Connection refused"}
    calls = len(api.of("getWebhookInfo"))
    await api.until(lambda: len(api.of("getWebhookInfo")) > calls + 1)
    assert here.front.health().advice == ""
    api.hook_trouble["last_error_date"] = 4_000_000_000
    await api.until(lambda: "Connection refused" in here.front.health().advice)
    assert here.front.health().state is PartState.RESTARTING
    api.hook_trouble = {}
    await api.until(lambda: here.front.health().advice == "")


async def test_trouble_while_it_is_set_is_outlasted(begin, api):
    api.refuse("setWebhook", 502, "Bad Gateway")
    here = await begin()
    assert api.hook
    await api.until(lambda: here.front.health().advice == "")


@pytest.mark.parametrize("url", ["http://bot.example.org/x", "https://bot.example.org:9999/x"])
async def test_an_address_that_telegram_does_not_take_is_said_in_words(make, api, url):
    here = make(hook=replace(HOOK, url=url))
    await asyncio.wait_for(here.front.run(), 10)
    assert here.front.health().state is PartState.STOPPED
    assert "LIQWATCH_TELEGRAM_WEBHOOK_URL" in here.front.health().advice


async def test_a_port_that_is_taken_is_said_in_words(begin, make, api):
    first = await begin()
    second = make(hook=replace(HOOK, port=port(first)))
    await asyncio.wait_for(second.front.run(), 10)
    assert "LIQWATCH_TELEGRAM_WEBHOOK_PORT" in second.front.health().advice


def test_settings_make_a_hook_and_a_secret_of_the_token_where_none_is_given(tmp_path):
    given = {"LIQWATCH_TELEGRAM_TOKEN": TOKEN, "LIQWATCH_TELEGRAM_WEBHOOK_URL": "https://bot.example.org"}
    hook = hook_of(load(environ=given, directory=tmp_path).chat)
    assert hook.path == "/telegram"
    assert hook.secret == secret_of(TOKEN)
    assert len(hook.secret) == 64
    assert TOKEN.partition(":")[2] not in repr(hook)
    own = given | {"LIQWATCH_TELEGRAM_WEBHOOK_SECRET": SECRET}
    assert hook_of(load(environ=own, directory=tmp_path).chat).secret == SECRET
    assert hook_of(load(environ={"LIQWATCH_TELEGRAM_TOKEN": TOKEN}, directory=tmp_path).chat) is None
