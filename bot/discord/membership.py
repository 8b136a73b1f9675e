"""Follow the bot's own standing: let into a server, thrown out, let in again."""

import discord
import structlog

from bot.commands.reply import Reply
from bot.delivery.discord.faults import Refusal
from bot.delivery.discord.places import Place
from bot.delivery.discord.post import Post
from bot.delivery.ledger import Ledger
from bot.discord.render import parcels_of

log = structlog.get_logger(__name__)

HELLO = Reply(
    command="start",
    title="Hello, I am Liqwatch",
    text="I draw where leveraged positions would be liquidated. Everybody here may ask: /heatmap\n"
    "Who manages a channel may have alerts posted in it: /watch, with to: here\n"
    "Estimates from public data, not advice.",
)


class Membership:
    """Write down where the bot may post again, and say a word where it is new."""

    def __init__(self, post: Post, ledger: Ledger) -> None:
        self._post = post
        self._ledger = ledger

    async def joined(self, guild: discord.Guild) -> None:
        """Take note that the bot was let into a server."""
        names = [str(channel.id) for channel in (*guild.channels, *guild.threads)]
        _, rules = await self._ledger.reopened(names)
        log.info("discord.server_joined", alerts=rules)
        channel = guild.system_channel
        if channel is None or not channel.permissions_for(guild.me).send_messages:
            return
        text = f"{rules} alerts are posted here again." if rules else HELLO.text
        reply = Reply(command="start", title="I am back" if rules else HELLO.title, text=text)
        try:
            await self._post.send(Place(channel.id), parcels_of(reply)[0])
        except Refusal as refusal:
            log.info("discord.hello_not_said", because=refusal.verdict.reason)

    async def left(self, _guild: discord.Guild) -> None:
        """Take note that the bot was thrown out: what it should post there comes to its owners instead."""
        log.info("discord.server_left")
