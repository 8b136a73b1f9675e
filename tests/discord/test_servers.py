"""Servers of Discord: set-up, what the bot may do where, roles that are called, places that go away."""

import re
from dataclasses import replace

import pytest

from bot.delivery.channel import OutMessage
from bot.discord.grounds import DiscordGrounds
from bot.reporting.moves import Moves
from engine.model import Severity
from storage.reports import list_reports
from storage.rules import list_rules
from storage.servers import server_values
from storage.tables import Delivery

SERVER, TRADERS, FORUM, THREAD = "discord:200", 77, 310, 311
MANAGE = 1 << 5
CALLS = re.compile(r"(?<!\\)<@&(\d+)>")


def text_of(shown):
    return "\n".join([shown.get("content") or "", *(e.get("description", "") for e in shown["embeds"])])


def title_of(shown):
    return shown["embeds"][0].get("title", "")


@pytest.fixture
async def town(make, api, desk):
    """A front in a server with a role, whose places commands may look at."""
    api.there.role(TRADERS, "Traders", mentionable=True)
    made = []

    async def begin():
        here = make()
        made.append(here)
        grounds = {"discord": DiscordGrounds(here.post.client)}
        here.front._behind.commands._services = replace(
            here.front._behind.commands._services, grounds=grounds
        )
        moves = Moves("discord", desk.state, rules_changed=desk.alerting.rules_changed)
        here.front._membership._moves = moves
        await here.run()
        return here

    return begin


async def kept(desk):
    return await desk.state.read(lambda s: server_values(s, SERVER))


async def notices(desk):
    def read(session):
        return [(d.destination, d.message) for d in session.query(Delivery).all()]

    return [(to, m["title"], m["text"]) for to, m in await desk.state.read(read) if m.get("kind") == "notice"]


async def test_a_manager_sets_a_server_up_by_pressing(town, kit, desk):
    stage = await town()
    (shown,) = await stage.slash(kit.BOSS, "setup show", channel=kit.DESK, permissions=MANAGE)
    assert shown["flags"] & kit.world.EPHEMERAL
    await stage.press(kit.BOSS, shown, "Channel", permissions=MANAGE)
    assert title_of(shown).startswith("Which channel")
    await stage.press(kit.BOSS, shown, "#talk", permissions=MANAGE)
    assert title_of(shown) == "Saved"
    await stage.press(kit.BOSS, shown, "Pings", permissions=MANAGE)
    await stage.press(kit.BOSS, shown, "@Traders", permissions=MANAGE)
    assert await kept(desk) == {"channel": str(kit.world.OTHER_CHANNEL), "ping_role": str(TRADERS)}
    (refused,) = await stage.slash(kit.MEMBER, "setup show", channel=kit.DESK)
    assert "Manage Server" in text_of(refused)
    assert refused["flags"] & kit.world.EPHEMERAL


async def test_what_is_missing_in_a_channel_is_said_in_words(town, kit, api):
    silent = {
        "id": str(kit.world.GUILD),
        "type": 0,
        "allow": "0",
        "deny": str(kit.world.SEND | kit.world.ATTACH),
    }
    api.there.kinds[kit.world.OTHER_CHANNEL] = {"permission_overwrites": [silent]}
    stage = await town()
    (shown,) = await stage.slash(
        kit.BOSS, "setup check", {"channel": "#talk"}, channel=kit.DESK, permissions=MANAGE
    )
    told = text_of(shown)
    assert "✓ View Channel" in told
    assert "✗ Send Messages: edit the channel, Permissions" in told
    assert "✗ Attach Files" in told
    (fine,) = await stage.slash(kit.BOSS, "setup check", channel=kit.DESK, permissions=MANAGE)
    assert title_of(fine) == "All is well there"


async def test_threads_forums_and_announcements_are_known(town, kit, api):
    there = api.there
    there.guild_channels |= {FORUM: "ideas", 312: "news"}
    there.kinds |= {FORUM: {"type": 15, "flags": 16, "available_tags": []}, 312: {"type": 5}}
    stage = await town()
    grounds = DiscordGrounds(stage.post.client)
    forum = {f.name: f.has for f in await grounds.inspect(str(FORUM))}
    assert forum["A tag for posts"] is False, "it asks for a tag and has none"
    news = [f.name for f in await grounds.inspect("312")]
    assert "An announcement channel: I post, people publish" in news
    gone = [f for f in await grounds.inspect(str(kit.DESK), role="999") if not f.has and f.needed]
    assert [f.fix for f in gone] == ["it was deleted: /setup set ping=none"]


def message(**changes):
    base = {
        "delivery_id": 1,
        "alert_id": "a1",
        "user_id": "discord:42",
        "destination": "300",
        "kind": "zone_proximity",
        "severity": Severity.CRITICAL,
        "symbol": "BTCUSDT",
        "title": "BTC is 0.8% above <@&100000000000000001> @everyone",
        "text": "Price 112,000.",
        "market_ms": 1,
    }
    return OutMessage(**(base | changes))


async def test_the_role_that_is_set_is_called_and_nobody_else(town, kit, api):
    stage = await town()
    await stage.channel.send(message(ping=str(TRADERS)), key="k1", edit_of=None)
    (call,) = api.of("POST", f"/channels/{kit.DESK}/messages")
    assert call.payload["allowed_mentions"] == {"parse": [], "roles": [TRADERS]}
    assert call.payload["content"].startswith(f"<@&{TRADERS}> ")
    assert CALLS.findall(call.payload["content"]) == [str(TRADERS)], "what a title says calls nobody"


async def test_a_private_message_calls_nobody(town, kit, api):
    stage = await town()
    await stage.channel.send(message(ping=str(TRADERS), destination="discord:42"), key="k1", edit_of=None)
    (shown,) = api.dm(42)
    assert CALLS.findall(shown["content"]) == []


async def test_a_forum_gets_a_post_of_its_own_that_can_be_edited(town, kit, api):
    api.there.guild_channels[FORUM] = "ideas"
    tags = [{"id": "1", "name": "mods", "moderated": True, "emoji_id": None, "emoji_name": None}]
    tags.append({"id": "2", "name": "alerts", "moderated": False, "emoji_id": None, "emoji_name": None})
    api.there.kinds[FORUM] = {"type": 15, "flags": 16, "available_tags": tags}
    stage = await town()
    sent = await stage.channel.send(message(destination=str(FORUM)), key="k1", edit_of=None)
    (call,) = api.of("POST", f"/channels/{FORUM}/threads")
    assert call.payload["applied_tags"] == ["2"]
    assert "BTC is 0.8%" in call.payload["name"]
    thread = int(sent.remote_id.split(":")[0])
    await stage.channel.send(message(destination=str(FORUM), text="More."), key="k1", edit_of=sent.remote_id)
    (shown,) = api.there.shown(thread)
    assert "More." in text_of(shown)


async def posted(stage, kit):
    """Let a manager have an alert and a report posted in the other channel."""
    there = {"channel": kit.world.OTHER_CHANNEL, "permissions": MANAGE}
    await stage.slash(kit.BOSS, "watch", {"symbol": "btc", "to": "here"}, **there)
    await stage.slash(kit.BOSS, "report add", {"symbol": "btc", "every": "4h"}, **there)
    await stage.slash(kit.BOSS, "setup set", {"channel": "here", "tz": "Asia/Tokyo"}, **there)


async def settled(api, condition):
    """Wait until a condition that reads the store holds."""
    for _ in range(300):
        if await condition():
            return
        await api.until(lambda: True)
    raise AssertionError("it never came to that")


async def test_a_channel_that_is_deleted_moves_alerts_to_their_owner_and_says_so(town, kit, api, desk):
    stage = await town()
    await posted(stage, kit)
    other = api.there.channel(kit.world.OTHER_CHANNEL)
    await api.dispatch("CHANNEL_DELETE", other)

    async def moved():
        (rule,) = await desk.state.read(lambda s: list_rules(s, "discord:42"))
        return rule.to_place == ""

    await settled(api, moved)
    (report,) = await desk.state.read(lambda s: list_reports(s, "discord:42"))
    assert report.off_reason == "#talk was deleted"
    assert "channel" not in await kept(desk)
    ((to, title, text),) = await notices(desk)
    assert (to, title) == ("discord:42", "#talk was deleted")
    assert "1 alert of yours was posted there; it comes to you now" in text
    assert "1 report of yours rests" in text


async def test_a_bot_that_is_thrown_out_rests_its_reports_and_comes_back_to_them(town, kit, api, desk):
    stage = await town()
    await api.until(stage.post.client.is_ready)
    await posted(stage, kit)
    await api.dispatch("GUILD_DELETE", {"id": str(kit.world.GUILD)})

    async def resting():
        (report,) = await desk.state.read(lambda s: list_reports(s, "discord:42"))
        return report.off_reason == "I was removed from Desk"

    await settled(api, resting)
    assert [(to, title) for to, title, _ in await notices(desk)] == [
        ("discord:42", "I was removed from Desk")
    ]
    await api.dispatch("GUILD_CREATE", api.there.guild())

    async def back():
        (report,) = await desk.state.read(lambda s: list_reports(s, "discord:42"))
        return report.off_reason == ""

    await settled(api, back)


async def test_a_role_that_is_deleted_is_called_no_more(town, kit, api, desk):
    stage = await town()
    asked = {"ping": f"<@&{TRADERS}>", "budget": "5"}
    await stage.slash(kit.BOSS, "setup set", asked, channel=kit.DESK, permissions=MANAGE)
    assert await kept(desk) == {"ping_role": str(TRADERS), "budget": 5}
    await api.dispatch("GUILD_ROLE_DELETE", {"guild_id": str(kit.world.GUILD), "role_id": str(TRADERS)})

    async def gone():
        return await kept(desk) == {"budget": 5}

    await settled(api, gone)


async def test_a_role_may_be_let_to_add_alerts(town, kit, api, desk):
    stage = await town()
    await stage.slash(kit.BOSS, "setup set", {"who": "@Traders"}, channel=kit.DESK, permissions=MANAGE)
    asked = {"symbol": "btc", "to": "here"}
    (refused,) = await stage.slash(kit.MEMBER, "watch", asked, channel=kit.DESK)
    assert "certain roles" in text_of(refused)
    api.there.worn[kit.MEMBER] = [TRADERS]
    (done,) = await stage.slash(kit.MEMBER, "watch", asked, channel=kit.DESK)
    assert "this chat" in text_of(done)


async def test_commands_are_offered_to_servers_and_to_people_wherever_they_are(town, api):
    await town()
    for command in api.commands:
        assert sorted(command["integration_types"]) == [0, 1], command["name"]
        assert sorted(command["contexts"]) == [0, 1, 2], command["name"]


async def test_alone_or_where_only_the_person_installed_it_setup_says_so(town, kit, api):
    stage = await town()
    (alone,) = await stage.slash(kit.BOSS, "setup show")
    assert "servers and groups" in text_of(alone)
    (own,) = await stage.slash(kit.BOSS, "report add", {"symbol": "btc", "every": "4h"})
    assert "direct message" in text_of(own)
