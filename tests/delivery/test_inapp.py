import asyncio

import pytest

from bot.delivery.channel import Picture
from bot.delivery.inapp import InApp
from bot.delivery.worker import Hooks, Worker, WorkerConfig
from engine.errors import UserError
from engine.model import Severity
from storage.outbox import revise

BODY = {
    "title": "BTC is 0.8% above a $42M long zone",
    "text": "90–95",
    "symbol": "BTCUSDT",
    "kind": "zone_proximity",
    "buttons": [[["Snooze 1 h", "v1:alert:snooze:1:for=1h"]]],
    "label": "REPLAY 2025-10-10 20:35 UTC",
    "picture": {"symbol": "BTCUSDT", "window_ms": 86_400_000, "zone": None},
}


async def draw(request):
    return Picture(png=b"png", alt=f"{request.symbol} heatmap", name="btc.png")


@pytest.fixture
async def desk(state, kit):
    """A running worker with the in-app channel, and a page of one user."""

    class Desk:
        def __init__(self):
            self.hub = InApp(state, wall_ms=kit.wall_ms, draw=draw)
            self.shown = []

        async def page(self, user_id, message):
            self.shown.append((user_id, message))

    desk = Desk()
    worker = Worker(
        state, [desk.hub], hooks=Hooks(draw=draw), config=WorkerConfig(look_every_s=0.05, drain_s=0.5)
    )
    task = asyncio.create_task(worker.run())
    desk.wake = worker.wake
    yield desk
    worker.stop()
    await task


async def test_a_message_reaches_every_open_front_with_picture_and_buttons(state, desk, kit):
    leave = desk.hub.register("local:owner", desk.page)
    desk.hub.register("local:owner", desk.page)
    desk.hub.register("local:other", desk.page)
    await state.run(lambda s: kit.queue(s, "a1", channel="inapp", message=BODY, severity=Severity.CRITICAL))
    desk.wake()
    await kit.until(lambda: len(desk.shown) == 2)
    user_id, message = desk.shown[0]
    assert user_id == "local:owner"
    assert (message.message_id, message.severity, message.revision) == ("a1", Severity.CRITICAL, 0)
    assert message.buttons == ((("Snooze 1 h", "v1:alert:snooze:1:for=1h"),),)
    assert message.picture.alt == "BTCUSDT heatmap"
    leave()
    await state.run(lambda s: kit.queue(s, "a2", channel="inapp", message=BODY))
    desk.wake()
    await kit.until(lambda: len(desk.shown) == 3)


async def test_what_came_while_nobody_looked_is_in_the_inbox(state, desk, kit):
    await state.run(lambda s: kit.queue(s, "a1", channel="inapp", message=BODY))
    desk.wake()
    await kit.until(lambda: _arrived(desk))
    (message,) = await desk.hub.inbox("local:owner")
    assert (message.title, message.unread, message.has_picture) == (BODY["title"], True, True)
    assert message.picture is None
    assert (await desk.hub.picture("local:owner", message.delivery_id)).png == b"png"
    assert await desk.hub.unread("local:owner") == 1
    assert await desk.hub.delivered("local:owner", message.delivery_id)
    assert await desk.hub.unread("local:owner") == 0
    assert await desk.hub.acknowledged("local:owner", message.delivery_id)
    assert not (await desk.hub.inbox("local:owner"))[0].unread


async def _arrived(desk):
    return bool(await desk.hub.inbox("local:owner"))


async def test_nobody_reads_or_answers_for_somebody_else(state, desk, kit):
    number = await state.run(lambda s: kit.queue(s, "a1", channel="inapp", message=BODY))
    await state.run(lambda s: kit.queue(s, "b1", user_id="local:other", channel="inapp", message=BODY))
    assert [m.alert_id for m in await desk.hub.inbox("local:other")] == ["b1"]
    assert not await desk.hub.delivered("local:other", number)
    assert not await desk.hub.acknowledged("local:other", number)
    with pytest.raises(UserError, match="not in your inbox"):
        await desk.hub.picture("local:other", number)


async def test_an_edit_replaces_its_message(state, desk, kit):
    desk.hub.register("local:owner", desk.page)
    await state.run(lambda s: kit.queue(s, "a1", channel="inapp", message=BODY, wall=kit.wall_ms() - 9_000))
    desk.wake()
    await kit.until(lambda: len(desk.shown) == 1)
    await asyncio.sleep(0.1)
    await state.run(lambda s: revise(s, "a1", BODY | {"title": "×7", "folded": 6}, kit.wall_ms(), epoch=0))
    desk.wake()
    await kit.until(lambda: len(desk.shown) == 2)
    edit = desk.shown[1][1]
    assert (edit.message_id, edit.revision, edit.title, edit.folded) == ("a1", 1, "×7", 6)
    assert [m.title for m in await desk.hub.inbox("local:owner")] == ["×7"]


async def test_a_front_that_fails_or_hangs_keeps_nobody_waiting(state, desk, kit, monkeypatch):
    monkeypatch.setattr("bot.delivery.inapp.SINK_TIMEOUT_S", 0.05)

    async def broken(user_id, message):
        raise OSError("gone")

    async def stuck(user_id, message):
        await asyncio.sleep(30)

    for sink in (broken, stuck, desk.page):
        desk.hub.register("local:owner", sink)
    await state.run(lambda s: kit.queue(s, "a1", channel="inapp", message=BODY))
    desk.wake()
    await kit.until(lambda: len(desk.shown) == 1)


async def test_a_front_that_shows_at_once_needs_no_receipt(state, desk, kit):
    async def terminal(user_id, message):
        return True

    desk.hub.register("local:owner", terminal)
    await state.run(lambda s: kit.queue(s, "a1", channel="inapp", message=BODY))
    desk.wake()

    async def read():
        found = await desk.hub.inbox("local:owner")
        return found and not found[0].unread

    await kit.until(read)
