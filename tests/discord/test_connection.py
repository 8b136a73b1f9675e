"""The gateway through everything that can happen to it: dropped, asked to go, over, dead, full, refused."""

import asyncio

import discord
import pytest

from bot.supervisor import PartState


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Identify again without the five seconds that Discord wants between two sessions."""

    async def at_once(self, shard_id, *, initial=False):
        return None

    monkeypatch.setattr(discord.Client, "before_identify_hook", at_once)


async def answered(stage, kit, channel=None):
    return await stage.slash(kit.BOSS, "status", channel=kit.DESK if channel is None else channel)


async def test_a_resume_names_the_session_and_the_last_event_and_goes_where_it_was_told(stage, api):
    last = api.session().sequence
    await api.hang_up(4000)
    await api.until(lambda: api.resumes)
    assert (api.resumes[0]["session_id"], api.resumes[0]["seq"]) == ("session-1", last)
    assert str(stage.post.client.ws.gateway) == api.resume_url


async def test_a_session_that_may_be_taken_up_again_is_not_begun_anew(stage, api, kit):
    await api.invalidate(resumable=True)
    await api.until(lambda: any(e["t"] == "RESUMED" for e in api.sent))
    assert len(api.identifies) == 1
    assert await answered(stage, kit)


async def test_a_session_that_is_over_meanwhile_is_begun_anew(stage, api, kit):
    api.session().over = True
    await api.hang_up(4000)
    await api.until(lambda: len(api.identifies) == 2, 20)
    assert len(api.resumes) == 1
    await api.until(lambda: stage.front.health().advice == "")
    assert await answered(stage, kit)


async def test_a_heartbeat_that_is_asked_for_comes_at_once(stage, api):
    before = len(api.heartbeats)
    await api.ask_for_heartbeat()
    await api.until(lambda: len(api.heartbeats) > before)
    assert api.heartbeats[-1] == api.session().sequence


async def test_a_connection_that_is_dead_without_knowing_is_left_and_resumed(make, api, kit):
    api.heartbeat_ms = 50
    here = make()
    here.post.client._connection.heartbeat_timeout = 0.4
    await here.run()
    await api.until(lambda: len(api.heartbeats) > 2)
    before = len(api.sockets)
    api.mute = True
    await api.until(lambda: len(api.sockets) > before)
    api.mute = False
    await api.until(lambda: any(e["t"] == "RESUMED" for e in api.sent))
    assert len(api.identifies) == 1
    assert await answered(here, kit)


@pytest.mark.parametrize(
    ("code", "words"),
    [(4010, "LIQWATCH_DISCORD_SHARD_IDS"), (4011, "LIQWATCH_DISCORD_SHARDS=auto"), (4013, "needs no switch")],
)
async def test_what_only_the_operator_can_change_is_said_once_and_not_tried_again(make, api, code, words):
    api.close_with = code
    here = make()
    await asyncio.wait_for(here.front.run(), 10)
    assert here.front.health().state is PartState.STOPPED
    assert words in here.front.health().advice
    assert len(api.identifies) == 1


async def test_a_bot_that_began_too_many_sessions_waits_and_says_so(make, api, kit, monkeypatch):
    monkeypatch.setattr("bot.discord.sessions.LONGEST_WAIT_S", 0.02)
    api.sessions_left, api.reset_after_ms = 3, 7_200_000
    here = make()
    here.task = asyncio.create_task(here.front.run())
    await api.until(lambda: "connect again in 120 min" in here.front.health().advice)
    assert api.identifies == []
    api.sessions_left = 1_000
    await api.until(lambda: here.post.client.get_guild(kit.world.GUILD), 20)
    assert here.front.health().advice == ""


async def test_a_platform_that_does_not_say_how_many_sessions_is_connected_to(make, api, kit):
    api.refuse("GET", "/gateway/bot", 404, message="404: Not Found")
    here = make()
    await here.run()
    assert await answered(here, kit)


async def test_what_guards_discord_may_shut_us_out_at_the_start_and_is_waited_for(make, api, kit):
    api.refuse("GET", "/users/@me", 429, body="<html>error code: 1015</html>", headers={"Retry-After": "0.1"})
    here = make()
    here.task = asyncio.create_task(here.front.run())
    await api.until(lambda: "shut this machine's address out" in here.front.health().advice)
    await api.until(lambda: here.post.client.get_guild(kit.world.GUILD), 20)
