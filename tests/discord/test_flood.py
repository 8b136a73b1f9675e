"""A flood from one user or one server in Discord: told in seconds, and nobody else waits for it."""

import asyncio

import pytest

from bot.commands.limits import BURST
from bot.commands.reply import Reply
from bot.delivery.discord.faults import Fault, Refusal
from bot.delivery.discord.places import Place
from bot.discord.render import parcels_of
from bot.turns import PER_SERVER

HELD = 40
"""How many of a flooding server ask at once."""


class Gate:
    """Requests that go on one by one, in the order in which they began."""

    def __init__(self, commands):
        self.ended = []
        self._on = asyncio.Semaphore(0)
        self._real = commands._context
        commands._context = self._held

    async def _held(self, caller, *rest, **more):
        await self._on.acquire()
        self.ended.append(caller.user_id)
        return await self._real(caller, *rest, **more)

    def open(self, count):
        for _ in range(count):
            self._on.release()


@pytest.fixture
def gate(stage):
    return Gate(stage.front._handler._commands)


async def flood(api, kit, people):
    return [await api.begun(person, "status", channel=kit.DESK) for person in people]


async def test_a_flooding_server_delays_somebody_elsewhere_by_what_is_under_way_alone(stage, api, kit, gate):
    asked = await flood(api, kit, range(1_000, 1_000 + HELD))
    turns = stage.front._handler._commands._turns
    await api.until(lambda: turns.running == PER_SERVER and turns.waiting == HELD - PER_SERVER)
    mine = await api.begun(kit.MEMBER, "status")
    await api.until(lambda: turns.running == PER_SERVER + 1)
    gate.open(HELD + 1)
    await api.until(lambda: api._answered(mine) and all(map(api._answered, asked)))
    assert gate.ended.index(f"discord:{kit.MEMBER}") <= PER_SERVER


async def test_a_flooding_user_delays_another_of_the_same_server_by_one_request(stage, api, kit, gate):
    asked = await flood(api, kit, [kit.BOSS] * 6)
    turns = stage.front._handler._commands._turns
    await api.until(lambda: turns.running == 1)
    mine = await api.begun(kit.MEMBER, "status", channel=kit.DESK)
    await api.until(lambda: turns.running == 2)
    gate.open(7)
    await api.until(lambda: api._answered(mine) and all(map(api._answered, asked)))
    assert gate.ended.index(f"discord:{kit.MEMBER}") <= 1


async def test_one_who_asks_too_much_is_told_the_seconds_to_wait(stage, api, kit):
    for _ in range(BURST):
        await api.slash(kit.BOSS, "status", channel=kit.DESK)
    told = await api.slash(kit.BOSS, "status", channel=kit.DESK)
    assert "Try again in 1 s" in told.shown[0]["embeds"][0]["description"]
    other = await api.slash(kit.MEMBER, "status", channel=kit.DESK)
    assert "Try again in" not in other.shown[0]["embeds"][0]["description"]


async def test_what_guards_discord_stops_every_message_for_as_long_as_it_says(stage, api, kit):
    (parcel,) = parcels_of(Reply(command="", title="BTC is near a zone"))
    api.refuse("POST", r"/channels/.*", 403, body="<html>error code: 1015</html>")
    found = []
    for channel in (kit.DESK, kit.world.OTHER_CHANNEL):
        with pytest.raises(Refusal) as refused:
            await stage.post.send(Place(channel), parcel)
        found.append(refused.value.verdict)
    assert [verdict.fault for verdict in found] == [Fault.LIMITED, Fault.LIMITED]
    assert 0 < found[1].retry_after_s <= found[0].retry_after_s == 300
    assert len([c for c in api.calls if c.path.startswith("/channels/")]) == 1


async def test_a_limit_for_the_whole_bot_holds_back_every_channel(stage, api, kit):
    (parcel,) = parcels_of(Reply(command="", title="BTC is near a zone"))
    body = {"message": "You are being rate limited.", "retry_after": 0.15, "global": True}
    headers = {"Via": "1.1 google", "X-RateLimit-Global": "true", "Retry-After": "0.15"}
    api.refuse("POST", rf"/channels/{kit.DESK}/.*", 429, headers=headers, body=body)
    first = asyncio.create_task(stage.post.send(Place(kit.DESK), parcel))
    await api.until(lambda: [c for c in api.calls if c.status == 429])
    await stage.post.send(Place(kit.world.OTHER_CHANNEL), parcel)
    await first
    limited, *later = [c.at_s for c in api.calls if c.path.startswith("/channels/")]
    assert len(later) == 2
    assert min(later) - limited >= 0.15


@pytest.mark.parametrize("slow", [True, False])
async def test_a_message_that_was_deleted_under_its_button_comes_anew(stage, api, kit, monkeypatch, slow):
    (shown,) = await stage.slash(kit.BOSS, "heatmap", {"symbol": "btc"}, channel=kit.DESK)
    if not slow:  # answered at once, and not held before
        monkeypatch.setattr("bot.discord.handler.Cost", type("Cost", (), {"PICTURE": object()}))
    del api.there.messages[int(shown["id"])]
    stage.desk.seconds[0] += 60
    data = {"custom_id": api.button(shown, "3d"), "component_type": 2}
    asked = await api._interact(3, data, kit.BOSS, kit.DESK, message=shown)
    await api.until(lambda: api._answered(asked))
    assert "last 3d" in asked.shown[0]["embeds"][0]["title"]
    assert asked.shown[0]["attachments"]
