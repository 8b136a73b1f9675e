"""Alerts through Discord: the real worker, store and library against the local Discord."""

import asyncio
import contextlib
import importlib.util
import io
import sys
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from bot.delivery.backoff import Backoff
from bot.delivery.channel import Picture
from bot.delivery.discord import DiscordChannel, Post, make_client, to_owner
from bot.delivery.inapp import InApp
from bot.delivery.ledger import Ledger
from bot.delivery.reroute import to_inapp
from bot.delivery.worker import Hooks, Worker, WorkerConfig
from engine.model import Severity
from storage.outbox import State, revise
from storage.tables import Delivery

TESTS = Path(__file__).parents[2]


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_discord", TESTS / "peers" / "discord.py")
shared = load("delivery_conftest", TESTS / "delivery" / "conftest.py")
BOSS = 42
OWNER = f"discord:{BOSS}"
DESK = peer.world.CHANNEL
QUICK = WorkerConfig(backoff=Backoff(base_s=0.05, cap_s=0.2))
MESSAGES = r"/channels/\d+/messages"


def png():
    buffer = io.BytesIO()
    Image.new("RGB", (64, 36), (200, 80, 40)).save(buffer, "PNG")
    return buffer.getvalue()


async def draw(_request):
    return Picture(png=png(), alt="BTC heatmap with the zone marked", name="liqwatch-BTCUSDT-24h.png")


@pytest.fixture
async def api():
    server = await peer.Discord().start()
    yield server
    await server.stop()
    assert server.faults == []


@pytest.fixture
async def post(api):
    client = make_client(api_url=api.api_url, gateway_url=api.gateway_url)
    await client.login(peer.TOKEN)
    yield Post(client)
    await client.close()


def fall_back(row):
    return to_owner(row) or to_inapp(row)


@contextlib.asynccontextmanager
async def working(state, post):
    """Run a worker over Discord and the app."""
    inapp = InApp(state, wall_ms=shared.wall_ms, draw=draw)
    hooks = Hooks(draw=draw, fallback=fall_back)
    worker = Worker(state, [DiscordChannel(post), inapp], hooks=hooks, config=QUICK)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await asyncio.wait_for(task, 20)


def queue(session, alert_id="a1", *, to=OWNER, severity=Severity.CRITICAL, **body):
    """Write an alert of the owner's and its delivery."""
    message = {
        "title": f"BTC is 0.9% above $55M of longs ({alert_id})",
        "text": "Price 112,000.\nZone 110,500 to 110,900.",
        "symbol": "BTCUSDT",
        "severity": severity.value,
        "picture": {"symbol": "BTCUSDT", "window_ms": 86_400_000},
        **body,
    }
    more = {"user_id": OWNER, "channel": "discord", "severity": severity}
    return shared.queue(session, alert_id, destination=to, message=message, **more)


async def rows(state):
    def read(session):
        return [(r.channel, r.destination, r.state, r.reason) for r in session.scalars(select(Delivery))]

    return await state.read(read)


async def reached(state, wanted):
    async with asyncio.timeout(20):
        while not any(row[2] == wanted for row in await rows(state)):
            await asyncio.sleep(0.02)


async def test_an_alert_is_a_headline_and_an_embed_with_its_picture(state, api, post):
    buttons = [[["Snooze 1h", "v1:alert:snooze:1:1h"], ["Pause", "v1:alert:pause:1"]]]
    await state.run(lambda s: queue(s, label="REPLAY 2025-10-10 20:35 UTC", buttons=buttons))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    (shown,) = api.dm(BOSS)
    assert shown["content"].startswith("🚨 ")
    (embed,) = shown["embeds"]
    assert "Zone 110,500 to 110,900." in embed["description"]
    assert "REPLAY 2025-10-10 20:35 UTC" in embed["description"]
    assert embed["image"]["url"] == "attachment://liqwatch-BTCUSDT-24h.png"
    assert shown["attachments"][0]["description"] == "BTC heatmap with the zone marked"
    assert [b["label"] for b in shown["components"][0]["components"]] == ["Snooze 1h", "Pause"]


async def test_an_episode_that_grows_changes_its_message(state, api, post):
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
        (shown,) = api.dm(BOSS)
        body = {"title": "BTC fell through $55M of longs", "text": "Swept.", "severity": "critical"}
        await state.run(lambda s: revise(s, "a1", body, shared.wall_ms(), epoch=0))
        await api.until(lambda: shown["_edits"] == 1)
    assert api.dm(BOSS) == [shown]
    assert "fell through" in shown["content"]
    assert shown["attachments"] == []


async def test_an_answer_that_is_lost_repeats_nothing(state, api, post):
    api.drop("POST", MESSAGES, after=True)
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    (shown,) = api.dm(BOSS)
    assert "had this before" not in shown["embeds"][0]["description"]
    assert len([c for c in api.calls if c.path.endswith("/messages")]) == 2


async def test_a_full_bucket_and_server_errors_are_waited_out(state, api, post):
    api.limit("POST", MESSAGES, 0.2)
    api.refuse("POST", MESSAGES, 502, body="<html>bad gateway</html>")
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    assert len(api.dm(BOSS)) == 1


async def test_cloudflare_is_obeyed(state, api, post):
    api.refuse("POST", MESSAGES, 429, headers={"Retry-After": "1"}, body="<html>error 1015</html>")
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    times = [c.at_s for c in api.calls if c.path.endswith("/messages")]
    assert times[1] - times[0] >= 1.0


async def test_closed_direct_messages_are_told_in_the_app(state, api, post):
    api.refuse("POST", MESSAGES, 403, 50007, "Cannot send messages to this user", times=9)
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.FAILED)
        async with asyncio.timeout(10):
            while len(await rows(state)) < 2:
                await asyncio.sleep(0.02)
    found = await rows(state)
    assert any(r[0] == "discord" and "allow direct messages" in r[3] for r in found)
    assert any(r[0] == "inapp" and r[1] == OWNER for r in found)


@pytest.mark.parametrize(("status", "code"), [(404, 10003), (403, 50001), (403, 50013)])
async def test_a_channel_that_is_gone_falls_back_to_its_owner(state, api, post, status, code):
    api.refuse("POST", rf"/channels/{DESK}/messages", status, code)
    await state.run(lambda s: queue(s, to=str(DESK)))
    async with working(state, post):
        await api.until(lambda: api.dm(BOSS), 20)
    (shown,) = api.dm(BOSS)
    assert "Discord is off" in shown["embeds"][0]["description"]
    assert api.there.shown(DESK) == []


async def test_a_picture_that_is_too_large_is_left_out(state, api, post):
    api.refuse("POST", MESSAGES, 413, 40005, "Request entity too large")
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    (shown,) = api.dm(BOSS)
    assert shown["attachments"] == []


async def test_before_the_bot_is_logged_in_alerts_wait(state, api):
    client = make_client(api_url=api.api_url, gateway_url=api.gateway_url)
    post = Post(client)
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.RETRY)
        assert api.calls == []
        await client.login(peer.TOKEN)
        await reached(state, State.ACCEPTED)
    assert len(api.dm(BOSS)) == 1
    await client.close()


async def test_a_private_chat_is_opened_once_and_known_after_a_restart(state, api, post):
    opened = r"/users/@me/channels"
    await state.run(lambda s: queue(s, "a1"))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    assert len(api.of("POST", opened)) == 1
    again = DiscordChannel(Post(post.client), Ledger("discord", state).reached)
    assert await DiscordChannel(Post(post.client)).cost(OWNER) == 2
    assert [await again.cost(to) for to in (OWNER, "discord:43", str(DESK), "nowhere")] == [1, 2, 1, 1]
    message = load("delivery_messages", TESTS / "delivery" / "messages.py").message(destination=OWNER)
    await again.send(message, key="k" * 64, edit_of=None)
    assert len(api.of("POST", opened)) == 1
    assert len(api.dm(BOSS)) == 2


async def test_criticals_go_before_what_can_wait(state, api, post):
    for number in range(6):
        await state.run(lambda s, n=number: queue(s, f"i{n}", to=str(DESK), severity=Severity.INFO))
    await state.run(lambda s: queue(s, "c1", to=str(DESK), severity=Severity.CRITICAL))
    async with working(state, post):
        await api.until(lambda: len(api.there.shown(DESK)) >= 3, 20)
    heads = [m["content"][0] for m in api.there.shown(DESK)[:2]]
    assert "🚨" in heads


async def test_a_silent_one_makes_no_sound(state, api, post):
    await state.run(lambda s: queue(s, silent=True))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    assert api.dm(BOSS)[0]["flags"] == 4096
