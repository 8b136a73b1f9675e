"""What others wrote, in every chat and in the app: it stays text, reaches nobody else, is cut where too long.

E-mail, webhooks and apprise have theirs beside their own tests.
"""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.delivery.discord import DiscordChannel, make_client
from bot.delivery.discord import Post as DiscordPost
from bot.delivery.inapp import InApp
from bot.delivery.telegram import Ledger, TelegramChannel
from bot.delivery.telegram import Post as TelegramPost
from bot.delivery.telegram.pace import Pace
from bot.delivery.worker import Worker
from storage.outbox import State
from storage.tables import Delivery

PEERS = Path(__file__).parents[1] / "peers"
TURNING = set("\u202e\x00\x1b\ud800")
OWNERS = {"discord": "discord:42", "telegram": "telegram:42", "inapp": "local:owner"}
PAYLOADS = ("evil", "oversized")


def load(name):
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


async def nothing(_symbol):
    """No rule changes here."""


@pytest.fixture
async def discord():
    peer = load("discord")
    server = await peer.Discord().start()
    client = make_client(api_url=server.api_url, gateway_url=server.gateway_url)
    await client.login(peer.TOKEN)
    yield server, DiscordChannel(DiscordPost(client))
    await client.close()
    await server.stop()
    assert server.faults == []


@pytest.fixture
async def telegram(state):
    peer = load("telegram")
    server = await peer.BotApi().start()
    server.there.chat(42)
    post = TelegramPost(peer.TOKEN, server.url, pace=Pace(overall=(), rates=lambda chat: ()))
    yield server, TelegramChannel(post, Ledger(state, nothing))
    await post.close()
    await server.stop()


async def deliver(state, kit, channel, message):
    """Put a message into the outbox as it was written, and let the worker send it."""
    body = {"title": message.title, "text": message.text, "label": message.label, "note": message.note}
    body = {name: text.replace("\ud800", "") for name, text in body.items()}  # no store takes one
    owner = OWNERS[channel.name]
    await state.run(
        lambda s: kit.queue(s, "a1", user_id=owner, channel=channel.name, destination=owner, message=body)
    )
    worker = Worker(state, [channel])

    async def arrived():
        states = await state.read(lambda s: list(s.scalars(select(Delivery.state))))
        assert not set(states) & {State.FAILED, State.DEAD}
        return set(states) <= {State.ACCEPTED, State.DELIVERED}

    task = asyncio.create_task(worker.run())
    await kit.until(arrived, timeout_s=20)
    worker.stop()
    await task


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_discord_shows_it_as_text_and_pings_nobody(state, kit, load_messages, discord, payload):
    server, channel = discord
    await deliver(state, kit, channel, getattr(load_messages, payload)())
    (sent,) = server.of("POST", r"/channels/\d+/messages")
    assert sent.payload["allowed_mentions"] == {"parse": []}
    (embed,) = sent.payload["embeds"]
    whole = sent.payload["content"] + embed["description"]
    assert len(sent.payload["content"]) <= 2000
    assert len(embed["description"]) <= 4096
    assert not TURNING & set(whole)
    for live in ("@everyone", " [x](https://evil.example)"):
        assert live not in whole
    if payload == "evil":
        assert "\n" not in sent.payload["content"]


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_telegram_shows_it_as_text(state, kit, load_messages, telegram, payload):
    server, channel = telegram
    await deliver(state, kit, channel, getattr(load_messages, payload)())
    (shown,) = server.shown(42)
    assert len(shown["text"].encode("utf-16-le")) <= 2 * 4096
    assert not TURNING & set(shown["text"])
    if payload == "evil":
        assert "<script>alert(1)</script>" in shown["text"].replace("\u2060", "")
        assert {mark for mark, *_ in shown["_marks"]} <= {"b", "i"}


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_the_app_keeps_it_as_text_for_its_owner_alone(state, kit, load_messages, payload):
    channel, shown = InApp(state, wall_ms=kit.wall_ms), []

    async def sink(_user, message):
        shown.append(message)
        return True

    channel.register("local:owner", sink)
    await deliver(state, kit, channel, getattr(load_messages, payload)())
    for message in (*shown, *await channel.inbox("local:owner")):
        assert not TURNING & set(message.title + message.text + message.note + message.label)
        assert "\n" not in message.title
    assert await channel.inbox("discord:42") == []
