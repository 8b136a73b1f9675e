"""Follow the bot's own standing: let into a server, thrown out, let in again."""

import discord
import structlog

from bot.commands.reply import Reply
from bot.delivery.discord.faults import Refusal
from bot.delivery.discord.places import Place, user_id_of
from bot.delivery.discord.post import Post
from bot.delivery.ledger import Ledger
from bot.discord.render import parcels_of
from bot.lang import N_, _, heard, ngettext, settle
from bot.reporting.moves import Moves

log = structlog.get_logger(__name__)

HELLO = Reply(
    command="start",
    title=N_("Hello, I am Liqwatch"),
    text=N_(
        "I draw where leveraged positions would be liquidated. Everybody here may ask: "
        "/heatmap\nWho manages a channel may have alerts posted in it: /watch, with to: here\n"
        "Channel, pings, quiet hours, budget: /setup\n"
        "Estimates from public data, not advice."
    ),
)


class Membership:
    """Write down where the bot may post again, and say a word where it is new."""

    def __init__(self, post: Post, ledger: Ledger, moves: Moves) -> None:
        self._post = post
        self._ledger = ledger
        self._moves = moves

    async def joined(self, guild: discord.Guild) -> None:
        """Take note that the bot was let into a server."""
        names = [str(channel.id) for channel in (*guild.channels, *guild.threads)]
        _unused, rules = await self._ledger.reopened(names)
        reports = await self._moves.returned(str(user_id_of(guild.id)), names)
        log.info("discord.server_joined", alerts=rules, reports=reports)
        channel = guild.system_channel
        if channel is None or not channel.permissions_for(guild.me).send_messages:
            return
        settle(await heard(guild.preferred_locale.value))
        again = ngettext(
            "{count} alert is posted here again.", "{count} alerts are posted here again.", rules
        )
        text = again.format(count=rules) if rules else _(HELLO.text)
        reply = Reply(command="start", title=_("I am back") if rules else _(HELLO.title), text=text)
        try:
            await self._post.send(Place(channel.id), parcels_of(reply)[0])
        except Refusal as refusal:
            log.info("discord.hello_not_said", because=refusal.verdict.reason)

    async def left(self, guild: discord.Guild) -> None:
        """Take note that the bot was thrown out: what it should post there comes to its owners instead."""
        log.info("discord.server_left")
        await self._moves.left(str(user_id_of(guild.id)), guild.name or _("a server"))

    async def closed(self, channel_id: int, name: str) -> None:
        """Take note that a channel or a thread was deleted: what was posted there comes to its owners."""
        moved = await self._moves.place_gone(str(channel_id), name)
        log.info("discord.channel_deleted", alerts=moved)

    async def role_gone(self, role: discord.Role) -> None:
        """Take note that a role was deleted: it is called no more."""
        if await self._moves.role_gone(str(user_id_of(role.guild.id)), str(role.id)):
            log.info("discord.role_deleted")
