"""A trader watches BTC from Telegram: the alert comes there with its picture, through restarts and kills."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

BOSS, MEMBER = 42, 43
GROUP = -1001234567890
MARKS = ("🚨", "🔶", "🔹")


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_telegram", Path(__file__).parents[1] / "peers" / "telegram.py")


@pytest.fixture
async def api():
    server = await peer.BotApi().start()
    server.there.chat(BOSS)
    server.there.chat(MEMBER)
    server.there.chat(GROUP, title="Desk", admins={BOSS})
    yield server
    await server.stop()


@pytest.fixture
def run(launch, api):
    """Start a process with a Telegram bot."""

    async def go(**env):
        chat = {"LIQWATCH_TELEGRAM_TOKEN": peer.TOKEN, "LIQWATCH_TELEGRAM_BASE_URL": api.url}
        return await launch(extra_env={**chat, **env})

    return go


async def say(api, text, *, user=BOSS, chat=None):
    """Write to the bot, and return its next message."""
    place = chat or user
    before = len(answers(api, place))
    api.there.said(text, user=user, **({"chat": chat} if chat else {}))
    await api.until(lambda: len(answers(api, place)) > before, timeout_s=30)
    return answers(api, place)[-1]


def alerts(api, place):
    """Return the alerts in a chat: their words begin with the mark of a severity."""
    return [m for m in api.shown(place) if _words(m).startswith(MARKS)]


def answers(api, place):
    """Return what the bot said in a chat besides alerts."""
    return [m for m in api.shown(place) if not _words(m).startswith(MARKS)]


def _words(message):
    return message.get("caption") or message.get("text") or ""


def refused(api):
    """Return what the bot did that Telegram does not take."""
    return [(call.method, call.refused) for call in api.calls if call.refused]


async def alerted(api, place, count=1):
    await api.until(lambda: len(alerts(api, place)) >= count, timeout_s=90)
    return alerts(api, place)


async def test_a_watch_from_telegram_gets_its_alert_there_with_a_picture(run, api):
    process = await run()
    shown = await say(api, "/heatmap btc")
    assert shown["photo"]
    assert "REPLAY 2025-10-10" in shown["caption"]
    answer = await say(api, "/watch btc")
    assert "BTC" in answer["text"]
    (alert, *_) = await alerted(api, BOSS)
    assert alert["photo"]
    assert "REPLAY 2025-10-" in alert["caption"]
    assert alerts(api, MEMBER) == []
    assert await process.terminate() == 0
    assert refused(api) == []


async def test_an_admin_has_alerts_posted_into_a_group(run, api):
    process = await run()
    answer = await say(api, "/watch btc to=here", chat=GROUP)
    assert "BTC" in answer["text"]
    (alert, *_) = await alerted(api, GROUP)
    assert alert["photo"]
    assert alerts(api, BOSS) == []
    assert await process.terminate() == 0
    assert refused(api) == []


async def test_a_restart_keeps_the_watch_and_the_buttons_of_before(run, api):
    process = await run()
    await say(api, "/watch btc")
    shown = await say(api, "/heatmap btc")
    assert await process.terminate() == 0

    process = await run()
    rows = shown["reply_markup"]["inline_keyboard"]
    refresh = next(b for row in rows for b in row if "Refresh" in b["text"])
    query = api.there.pressed(shown, refresh["callback_data"], user=BOSS)
    await api.until(lambda: api.there.queries[query]["answers"], timeout_s=30)
    await alerted(api, BOSS)
    listed = await say(api, "/alert list")
    assert "BTC" in listed["text"]
    assert await process.terminate() == 0


async def test_a_kill_with_alerts_under_way_loses_none(run, api):
    process = await run()
    await say(api, "/watch btc")
    await say(api, "/watch eth")
    api.stall("sendPhoto", 60, times=100)
    await api.until(lambda: any(c.method == "sendPhoto" for c in api.calls), timeout_s=90)
    under_way = len([c for c in api.calls if c.method == "sendPhoto"])
    await process.kill()
    api.plans.clear()

    process = await run()
    assert len(await alerted(api, BOSS, under_way)) >= under_way
    assert await process.terminate() == 0


async def test_telegram_down_touches_nothing_else(run, api):
    await api.stop()
    process = await run()
    panel = await process.panel()
    await panel.say("/watch btc")
    await panel.until(lambda: panel.alerts, 90)
    status = await panel.say("/status")
    assert "Telegram cannot be reached" in status["text"]
    code, _ = await process.get("/readyz")
    assert code == 200
    assert await process.terminate() == 0


async def test_a_wrong_token_is_one_clear_line(run, api):
    process = await run(LIQWATCH_TELEGRAM_TOKEN="666:not-the-token-of-this-bot")
    panel = await process.panel()
    assert not (await panel.say("/heatmap btc"))["error"]
    status = await panel.say("/status")
    assert "Copy it again from @BotFather" in status["text"]
    log = "".join(process.lines)
    assert log.count("@BotFather") == 1
    assert "not-the-token-of-this-bot" not in log
    assert "Traceback" not in log
    assert await process.terminate() == 0
