"""Shards: each server is answered by the process that holds its shard; messages go out from any."""

import asyncio

import discord
import pytest

from bot.commands.reply import Reply
from bot.delivery.discord.places import Place
from bot.discord.render import parcels_of


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Identify without the five seconds that Discord wants between two shards."""

    async def at_once(self, shard_id, *, initial=False):
        return None

    monkeypatch.setattr(discord.Client, "before_identify_hook", at_once)


@pytest.fixture
def far(api, kit):
    """A channel in a server that the second of two shards serves."""
    world = kit.world
    api.there.guilds[world.FAR_GUILD] = {world.FAR_CHANNEL: "far"}
    return world.FAR_CHANNEL


async def begin(stage, api, count, servers=1):
    """Run a front until so many sessions were begun in all, and it knows its servers."""
    stage.task = asyncio.create_task(stage.front.run())
    await api.until(lambda: len(api.identifies) >= count and len(stage.post.client.guilds) >= servers)
    return stage


async def asks(stage, kit, channel, person=None):
    return await stage.slash(person or kit.BOSS, "zones", {"symbol": "btc"}, channel=channel)


async def test_one_process_serves_every_shard(make, api, kit, far):
    here = await begin(make(shards=2), api, 2, servers=2)
    assert sorted(told["shard"] for told in api.identifies) == [[0, 2], [1, 2]]
    assert {g.id: g.shard_id for g in here.post.client.guilds} == {kit.world.GUILD: 0, kit.world.FAR_GUILD: 1}
    assert await asks(here, kit, kit.DESK)
    assert await asks(here, kit, far)
    assert await asks(here, kit, None)


async def test_discord_says_how_many_shards_there_are(make, api, kit):
    api.advised_shards = 3
    await begin(make(shards=0), api, 3)
    assert sorted(told["shard"] for told in api.identifies) == [[0, 3], [1, 3], [2, 3]]


async def test_a_shard_that_drops_is_named_and_resumed_while_the_other_answers(make, api, kit, far):
    api.heartbeat_ms = 50
    here = make(shards=2)
    here.post.client._connection.heartbeat_timeout = 0.4
    await begin(here, api, 2, servers=2)
    api.mute = True  # it cannot come back yet
    await api.hang_up(4000, shard=1)
    await api.until(lambda: "Shard 1 of 2 is not connected" in here.front.health().advice)
    api.mute = False
    await api.until(lambda: api.resumes or len(api.identifies) > 2, 20)
    await api.until(lambda: here.front.health().advice == "", 20)
    assert await asks(here, kit, kit.DESK)
    assert await asks(here, kit, far)


async def test_each_of_two_processes_answers_its_own_servers_alone(make, api, kit, far):
    first = await begin(make(shards=2, shard_ids=(0,)), api, 1)
    second = await begin(make(shards=2, shard_ids=(1,)), api, 2)
    assert [told["shard"] for told in api.identifies] == [[0, 2], [1, 2]]
    assert [g.id for g in first.post.client.guilds] == [kit.world.GUILD]
    assert [g.id for g in second.post.client.guilds] == [kit.world.FAR_GUILD]
    asked = [
        await api.slash(kit.BOSS, "zones", {"symbol": "btc"}, channel=where) for where in (kit.DESK, far)
    ]
    assert all(len(each.shown) == 1 for each in asked)


async def test_messages_go_to_any_server_from_the_process_of_another_shard(make, api, kit, far):
    here = await begin(make(shards=2, shard_ids=(0,)), api, 1)
    assert here.post.client.get_channel(far) is None
    (parcel,) = parcels_of(Reply(command="", title="BTC is near a zone", text="Price 112,000."))
    await here.post.send(Place(far), parcel)
    assert len(api.there.shown(far)) == 1
