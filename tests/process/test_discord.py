"""A trader watches BTC from Discord: the alert comes there with its picture, through restarts and kills."""

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

BOSS, MEMBER = 42, 43
MARKS = ("🚨", "🔶", "🔹")


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


PEERS = Path(__file__).parents[1] / "peers"
peer = load("peers_discord", PEERS / "discord.py")
telegram = load("peers_telegram", PEERS / "telegram.py")
world = peer.world
DESK = world.CHANNEL
MANAGER = world.MANAGE_CHANNELS


@pytest.fixture
async def api():
    server = await peer.Discord().start()
    yield server
    await server.stop()
    assert server.faults == []


@pytest.fixture
def run(launch, api):
    """Start a process with a Discord bot, and wait until it is connected."""

    async def go(**env):
        api.sent.clear()
        chat = {
            "LIQWATCH_DISCORD_TOKEN": peer.TOKEN,
            "LIQWATCH_DISCORD_API_URL": api.api_url,
            "LIQWATCH_DISCORD_GATEWAY_URL": api.gateway_url,
        }
        process = await launch(extra_env={**chat, **env})
        await api.connected(30)
        return process

    return go


def alerts(messages):
    """Return the alerts among messages: their headlines begin with the mark of a severity."""
    return [m for m in messages if m["content"].startswith(MARKS)]


async def test_a_watch_from_discord_gets_its_alert_there_with_a_picture(run, api):
    process = await run()
    (shown,) = (await api.slash(BOSS, "heatmap", {"symbol": "btc"}, channel=DESK)).shown
    assert shown["attachments"]
    (answer,) = (await api.slash(BOSS, "watch", {"symbol": "btc"}, channel=DESK)).shown
    assert answer["flags"] & world.EPHEMERAL
    await api.until(lambda: alerts(api.dm(BOSS)), 90)
    alert = alerts(api.dm(BOSS))[0]
    (picture,) = alert["attachments"]
    assert alert["_files"][picture["filename"]].startswith(b"\x89PNG")
    assert "BTC" in picture["description"]
    assert alert["nonce"]
    assert api.there.shown(DESK) == []
    assert await process.terminate() == 0


async def test_who_manages_a_channel_has_alerts_posted_in_it(run, api):
    process = await run()
    given = {"symbol": "btc", "to": "here"}
    (refused,) = (await api.slash(MEMBER, "watch", given, channel=DESK)).shown
    assert "Only who manages" in refused["embeds"][0]["description"]
    await api.slash(BOSS, "watch", given, channel=DESK, permissions=MANAGER)
    await api.until(lambda: alerts(api.there.shown(DESK)), 90)
    assert alerts(api.dm(BOSS)) == []
    assert await process.terminate() == 0


async def test_a_restart_keeps_the_watch_and_the_buttons_of_before(run, api):
    process = await run()
    await api.slash(BOSS, "watch", {"symbol": "btc"})
    (shown,) = (await api.slash(BOSS, "heatmap", {"symbol": "btc"}, channel=DESK)).shown
    assert await process.terminate() == 0

    process = await run()
    before = shown["_edits"]
    await api.press(BOSS, shown, "Refresh")
    assert shown["_edits"] > before
    await api.until(lambda: alerts(api.dm(BOSS)), 90)
    assert api.syncs == 1
    assert await process.terminate() == 0


async def test_a_kill_with_alerts_under_way_loses_none_and_repeats_none(run, api):
    process = await run()
    await api.slash(BOSS, "watch", {"symbol": "btc"})
    await api.slash(BOSS, "watch", {"symbol": "eth"})
    route = r"/channels/\d+/messages"
    api.stall("POST", route, 60, after=True, times=100)  # taken, and not answered
    await api.until(lambda: alerts(api.dm(BOSS)), 90)
    taken = len(alerts(api.dm(BOSS)))
    await process.kill()
    api.plans.clear()

    process = await run()
    sent = lambda: api.of("POST", route)  # noqa: E731 - a condition
    await api.until(lambda: len(sent()) > taken, 90)
    nonces = [m["nonce"] for m in alerts(api.dm(BOSS))]
    assert len(nonces) == len(set(nonces)) >= taken
    assert await process.terminate() == 0


async def test_discord_dead_while_telegram_goes_on(launch, api):
    bot = await telegram.BotApi().start()
    bot.there.chat(BOSS)
    await api.stop()
    process = await launch(
        extra_env={
            "LIQWATCH_DISCORD_TOKEN": peer.TOKEN,
            "LIQWATCH_DISCORD_API_URL": api.api_url,
            "LIQWATCH_DISCORD_GATEWAY_URL": api.gateway_url,
            "LIQWATCH_TELEGRAM_TOKEN": telegram.TOKEN,
            "LIQWATCH_TELEGRAM_BASE_URL": bot.url,
        }
    )
    bot.there.said("/watch btc", user=BOSS)
    await bot.until(lambda: [m for m in bot.shown(BOSS) if m.get("caption", "").startswith(MARKS)], 90)
    panel = await process.panel()
    status = await panel.say("/status")
    assert "Discord cannot be reached" in status["text"]
    assert await process.terminate() == 0
    await bot.stop()


async def test_a_wrong_token_is_one_clear_line(launch, api):
    process = await launch(
        extra_env={
            "LIQWATCH_DISCORD_TOKEN": "not.the-token.of-this-bot",
            "LIQWATCH_DISCORD_API_URL": api.api_url,
            "LIQWATCH_DISCORD_GATEWAY_URL": api.gateway_url,
        }
    )
    panel = await process.panel()
    await panel.say("/heatmap btc")
    status = await panel.say("/status")
    assert "Reset Token" in status["text"]
    log = "".join(process.lines)
    assert log.count("Reset Token") == 1
    assert "not.the-token" not in log
    assert "Traceback" not in log
    assert await process.terminate() == 0
