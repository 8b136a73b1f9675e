"""The front against simcord, a Discord that somebody else wrote: it must agree with both."""

from dataclasses import replace

import discord
import pytest

from bot.commands.reply import Reply
from bot.delivery.discord import CHANNEL, DiscordChannel, Post, make_client
from bot.delivery.discord.faults import Refusal
from bot.delivery.discord.places import Place
from bot.delivery.ledger import Ledger
from bot.discord.front import Behind, DiscordFront
from bot.discord.render import parcels_of
from bot.discord.sync import sync


def build(desk, kit):
    """Return a client with a front over it, that sends its commands when simcord logs it in."""
    client = make_client()
    commands = kit.shared.Commands(
        replace(desk.services, pictures=kit.Drawings()), clock=lambda: desk.seconds[0]
    )
    post = Post(client)
    behind = Behind(commands=commands, state=desk.state, replaying=True)
    client.front = DiscordFront("unused", post, Ledger(CHANNEL, desk.state), behind)
    client.post = post
    client.tree = client.front._tree  # where simcord looks for it

    async def setup_hook():
        await sync(client.front._tree, desk.state)

    client.setup_hook = setup_hook
    return client


@pytest.fixture
def simcord_bot(desk, kit):
    return build(desk, kit)


@pytest.fixture
def town(simcord_env):
    """A server with a channel, its manager and a member."""

    class Town:
        guild = simcord_env.create_guild()
        channel = guild.create_text_channel("desk")
        manages = guild.create_role("m", permissions=discord.Permissions(manage_guild=True))
        boss = guild.add_member(simcord_env.create_user("boss"), roles=[manages])
        member = guild.add_member(simcord_env.create_user("member"))

    return Town


async def test_a_command_is_answered_with_an_embed_and_a_picture(town):
    result = await town.boss.slash(town.channel, "heatmap", symbol="btc")
    assert result.ephemeral
    shown = result.response
    (picture,) = shown.attachments
    assert (await picture.read()).startswith(b"\x89PNG")
    assert "BTC liquidation heatmap" in picture.description
    assert shown.embeds[0].image.url


async def test_shared_answers_are_public_and_errors_are_not(town):
    result = await town.boss.slash(town.channel, "zones", symbol="btc", share=True)
    assert not result.ephemeral
    result = await town.boss.slash(town.channel, "check", symbol="doge", price=1.0, share=True)
    assert result.ephemeral


async def test_a_form_is_shown_filled_in_and_ends_as_the_typed_line(town, desk):
    shown = await town.boss.slash(town.channel, "alert add")
    assert shown.modal["title"] == "A new alert"
    given = {"symbol": "eth", "what": ["falls"], "amount": "3% in 1h", "severity": ["critical"]}
    desk.seconds[0] += 60
    result = await town.boss.submit_modal(shown, given)
    assert result.ephemeral
    embed = result.response.embeds[0]
    assert embed.title == "Save this alert on ETH?"
    assert "eth falls 3% in 1h severity=critical" in embed.description


async def test_suggestions(town):
    found = await town.boss.autocomplete(town.channel, "watch", "symbol", "sol")
    assert found[0]["value"].upper().startswith("SOL")


async def test_buttons_after_a_restart(town, simcord_env, desk, kit):
    await town.boss.slash(town.channel, "heatmap", symbol="btc", share=True)
    desk.seconds[0] += 60
    await simcord_env.restart_bot(build(desk, kit))
    message = town.channel.last_message
    before = message.attachments[0].filename
    await town.boss.click(message, label="3d")
    assert town.channel.last_message.attachments[0].filename != before
    desk.seconds[0] += 60
    result = await town.member.click(town.channel.last_message, label="Watch BTC")
    assert result.ephemeral


async def test_only_managers_post(town, desk):
    result = await town.member.slash(town.channel, "watch", symbol="btc", to="here")
    assert "Only who manages" in result.response.embeds[0].description
    desk.seconds[0] += 60
    result = await town.boss.slash(town.channel, "watch", symbol="btc", to="here")
    assert "this chat" in result.response.embeds[0].description


async def test_direct_messages_and_channels(town, simcord_env, simcord_bot):
    (parcel,) = parcels_of(Reply(command="", title="BTC is near a zone", text="Price 112,000."))
    sent = await simcord_bot.post.send(Place(town.boss.id, private=True), parcel, nonce="n1")
    await simcord_bot.post.send(Place(town.channel.id), parcel)
    assert town.channel.last_message.embeds[0].title == "BTC is near a zone"
    (changed,) = parcels_of(Reply(command="", title="BTC left the zone", text="Price 113,000."))
    await simcord_bot.post.edit(sent, changed)


async def test_injected_errors_are_understood(town, simcord_env, simcord_bot):
    (parcel,) = parcels_of(Reply(command="", title="x", text="y"))
    simcord_env.inject_error("POST", "/channels/*/messages", status=403, code=50013, times=1)
    with pytest.raises(Refusal, match="Send Messages"):
        await simcord_bot.post.send(Place(town.channel.id), parcel)
    assert DiscordChannel(simcord_bot.post).name == CHANNEL
