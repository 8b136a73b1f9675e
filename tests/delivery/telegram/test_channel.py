"""Alerts through Telegram: the real worker, store and library against the local Bot API."""

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
from bot.delivery.inapp import InApp
from bot.delivery.reroute import to_inapp
from bot.delivery.telegram import Ledger, Post, TelegramChannel, to_owner
from bot.delivery.telegram.pace import Pace, rates_of
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


peer = load("peers_telegram", TESTS / "peers" / "telegram.py")
shared = load("delivery_conftest", TESTS / "delivery" / "conftest.py")
BOSS, GROUP, TOPIC = 42, -1001234567890, 7
OWNER = f"telegram:{BOSS}"
QUICK = WorkerConfig(backoff=Backoff(base_s=0.05, cap_s=0.2))


def png(shade=80):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 36), (200, shade, 40)).save(buffer, "PNG")
    return buffer.getvalue()


async def draw(_request):
    return Picture(png=png(), alt="BTC heatmap with the zone marked", name="liqwatch-BTCUSDT-24h.png")


@pytest.fixture
async def api():
    server = await peer.BotApi().start()
    server.there.chat(BOSS)
    server.there.chat(GROUP, title="Desk", admins={BOSS}, topics={TOPIC: True})
    yield server
    await server.stop()


@pytest.fixture
async def post(api):
    made = Post(peer.TOKEN, api.url, pace=Pace(overall=(), rates=lambda chat: ()))
    yield made
    await made.close()


async def rules_changed(_symbol):
    """Nothing evaluates rules here."""


class Unpaced(TelegramChannel):
    """The channel without its waits, which are Telegram's and not this test's."""

    def rates(self, _destination):
        return ()


@contextlib.asynccontextmanager
async def working(state, post, channel=Unpaced):
    """Run a worker over Telegram and the app."""
    inapp = InApp(state, wall_ms=shared.wall_ms, draw=draw)
    hooks = Hooks(draw=draw, fallback=lambda row: to_owner(row) or to_inapp(row))
    far = channel(post, Ledger(state, rules_changed))
    worker = Worker(state, [far, inapp], hooks=hooks, config=QUICK)
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
    more = {"user_id": OWNER, "channel": "telegram", "severity": severity}
    return shared.queue(session, alert_id, destination=to, message=message, **more)


async def rows(state):
    def read(session):
        found = session.scalars(select(Delivery).order_by(Delivery.delivery_id))
        return [(r.channel, r.destination, r.state, r.reason) for r in found]

    return await state.read(read)


async def reached(state, wanted, channel="telegram"):
    async with asyncio.timeout(20):
        while not any(row[0] == channel and row[2] == wanted for row in await rows(state)):
            await asyncio.sleep(0.02)


async def test_an_alert_is_a_photo_with_its_words_and_buttons(state, api, post):
    buttons = [[["Snooze 1h", "v1:alert:snooze:1:1h"], ["Pause", "v1:alert:pause:1"]]]
    await state.run(lambda s: queue(s, label="REPLAY 2025-10-10 20:35 UTC", buttons=buttons))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    (shown,) = api.shown(BOSS)
    assert shown["photo"]
    assert shown["caption"].startswith("🚨 BTC is 0.9% above $55M of longs")
    assert "REPLAY 2025-10-10 20:35 UTC" in shown["caption"]
    labels = [b["text"] for row in shown["reply_markup"]["inline_keyboard"] for b in row]
    assert labels == ["Snooze 1h", "Pause"]


@pytest.mark.parametrize(("to", "topic"), [(str(GROUP), None), (f"{GROUP}/{TOPIC}", TOPIC)])
async def test_groups_and_topics(state, api, post, to, topic):
    await state.run(lambda s: queue(s, to=to))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    (shown,) = api.shown(GROUP)
    assert shown.get("message_thread_id") == topic
    assert api.shown(BOSS) == []


async def test_an_episode_that_grows_changes_its_message(state, api, post):
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
        body = {"title": "BTC fell through $55M of longs", "text": "Swept.", "severity": "critical"}
        await state.run(lambda s: revise(s, "a1", body, shared.wall_ms(), epoch=0))
        await api.until(lambda: "fell through" in api.shown(BOSS)[0]["caption"])
    assert len(api.shown(BOSS)) == 1


async def test_a_picture_is_uploaded_once_for_many(state, api, post):
    for number in range(3):
        await state.run(lambda s, n=number: queue(s, f"a{n}"))
    async with working(state, post):
        await api.until(lambda: len(api.shown(BOSS)) == 3)
    assert api.uploads == 1


async def test_an_answer_that_is_lost_is_said_to_be_perhaps_a_repeat(state, api, post):
    api.drop("sendPhoto", after=True)
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    first, second = api.shown(BOSS)
    assert "had this before" not in first["caption"]
    assert "You may have had this before" in second["caption"]


async def test_a_limit_is_obeyed_for_the_chat(state, api, post):
    api.refuse("sendPhoto", 429, "Too Many Requests: retry after 1", chat=BOSS, retry_after=1)
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    tries = [call.at_s for call in api.calls if call.method == "sendPhoto"]
    assert tries[1] - tries[0] >= 1.0


async def test_a_person_who_blocked_the_bot_is_told_in_the_app(state, api, post):
    api.refuse("sendPhoto", 403, "Forbidden: bot was blocked by the user", times=9)
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.FAILED)
        await reached(state, State.ACCEPTED, "inapp")
    assert "blocked the bot" in (await rows(state))[0][3]


async def test_a_group_that_threw_the_bot_out_falls_back_to_the_owner(state, api, post):
    text = "Forbidden: bot was kicked from the supergroup chat"
    api.refuse("sendPhoto", 403, text, chat=GROUP, times=9)
    await state.run(lambda s: queue(s, to=str(GROUP)))
    async with working(state, post):
        await api.until(lambda: api.shown(BOSS))
    assert "Telegram is off (the bot was removed from the chat)" in api.shown(BOSS)[0]["caption"]


async def test_a_group_that_moved_is_followed(state, api, post):
    new = -1009876543210
    api.there.chat(new, title="Desk", admins={BOSS})
    text = "Bad Request: group chat was upgraded to a supergroup chat"
    api.refuse("sendPhoto", 400, text, chat=GROUP, times=9, migrate_to_chat_id=new)
    await state.run(lambda s: queue(s, to=str(GROUP)))
    async with working(state, post):
        await api.until(lambda: api.shown(new))
    assert (await rows(state))[0][1] == str(new)


async def test_what_is_too_long_for_a_caption_comes_without_its_picture(state, api, post):
    await state.run(lambda s: queue(s, text="The price fell and fell. " * 60))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    (shown,) = api.shown(BOSS)
    assert "text" in shown
    assert len(shown["text"]) > 1024


async def test_a_chat_where_pictures_are_forbidden_gets_the_words(state, api, post):
    text = "Bad Request: not enough rights to send photos to the chat"
    api.refuse("sendPhoto", 400, text, times=9)
    await state.run(lambda s: queue(s, to=str(GROUP)))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    assert "Zone 110,500" in api.shown(GROUP)[0]["text"]


async def test_trouble_of_telegram_is_tried_again(state, api, post):
    api.refuse("sendPhoto", 502, "Bad Gateway", times=2)
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    assert len(api.shown(BOSS)) == 1


async def test_a_refused_token_stops_sending_for_a_while(state, api, post):
    api.token = "another:token"
    await state.run(queue)
    async with working(state, post):
        await reached(state, State.RETRY)
        await asyncio.sleep(0.5)
    assert "does not accept the bot's token" in (await rows(state))[0][3]
    assert await state.read(lambda s: s.scalar(select(Delivery.attempts))) == 1


async def test_criticals_go_first(state, api, post):
    for number in range(20):
        await state.run(lambda s, n=number: queue(s, f"i{n}", to=str(GROUP), severity=Severity.INFO))
    await state.run(lambda s: queue(s, "c1", to=str(GROUP)))
    async with working(state, post):
        await api.until(lambda: len(api.shown(GROUP)) >= 3)
    assert any(m["caption"].startswith("🚨") for m in api.shown(GROUP)[:2])


async def test_a_silent_one_makes_no_sound(state, api, post):
    await state.run(lambda s: queue(s, silent=True))
    async with working(state, post):
        await reached(state, State.ACCEPTED)
    (call,) = api.of("sendPhoto")
    assert call.given["disable_notification"] in (True, "true")


def test_the_limits_are_those_of_telegram():
    channel = TelegramChannel.rates
    assert [(r.count, r.period_s) for r in rates_of(BOSS)] == [(1, 1.05)]
    assert [r.count for r in rates_of(GROUP)] == [1, 20]
    assert channel(None, f"{GROUP}/{TOPIC}") == rates_of(GROUP)
    assert channel(None, OWNER) == rates_of(BOSS)
