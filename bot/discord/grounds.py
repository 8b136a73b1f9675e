"""Say what the bot may do in the channels of a server, as Discord told when it connected: no call is made."""

from collections.abc import Sequence

import discord

from bot.commands.grounds import Finding, Named
from bot.lang import N_, _
from engine.errors import UserError

NEEDED = (
    ("view_channel", N_("View Channel")),
    ("send_messages", N_("Send Messages")),
    ("embed_links", N_("Embed Links")),
    ("attach_files", N_("Attach Files")),
)
IN_THREADS = ("send_messages_in_threads", N_("Send Messages in Threads"))
HISTORY = ("read_message_history", N_("Read Message History"))
CALLING = ("mention_everyone", N_("Mention All Roles"))
Posted = (
    discord.TextChannel | discord.Thread | discord.ForumChannel | discord.VoiceChannel | discord.StageChannel
)


class DiscordGrounds:
    """The servers that the bot is in."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def inspect(self, place: str, *, role: str = "") -> Sequence[Finding]:
        """Return what the bot needs to post in a channel or thread; raise UserError where it sees none."""
        channel = self._client.get_channel(int(place)) if place.isdecimal() else None
        if not isinstance(channel, Posted):
            told = _("I do not see that channel: it was deleted, or View Channel is missing there.")
            raise UserError(told, example="/setup set channel=here")
        has = channel.permissions_for(channel.guild.me)
        thread = isinstance(channel, discord.Thread)
        needed = [IN_THREADS if thread and flag == "send_messages" else (flag, name) for flag, name in NEEDED]
        found = [_permission(_(name), has=getattr(has, flag)) for flag, name in needed]
        found += _of_kind(channel, has)
        found.append(_permission(_(HISTORY[1]), has=has.read_message_history, needed=False))
        if role:
            found.append(_callable(channel.guild, has, int(role)))
        return found

    def channels(self, server: str) -> Sequence[Named]:
        """Return the channels of a server in which the bot can post, in their order."""
        guild = self._guild(server)
        if guild is None:
            return ()
        shown = [
            each for each in guild.channels if isinstance(each, discord.TextChannel | discord.ForumChannel)
        ]
        inside = [*sorted(shown, key=lambda each: each.position), *guild.threads]
        return [Named(key=str(each.id), title=each.name) for each in inside]

    def roles(self, server: str) -> Sequence[Named]:
        """Return the roles that may be called: those that people made, not bots' own and not everyone."""
        guild = self._guild(server)
        if guild is None:
            return ()
        made = [role for role in guild.roles if not role.is_default() and not role.managed]
        return [Named(key=str(role.id), title=role.name) for role in sorted(made, reverse=True)]

    def _guild(self, server: str) -> discord.Guild | None:
        number = server.rpartition(":")[2]
        return self._client.get_guild(int(number)) if number.isdecimal() else None


def _permission(name: str, *, has: bool, needed: bool = True) -> Finding:
    fix = _("edit the channel, Permissions, add me or my role, and allow it")
    return Finding(name=name, has=has, fix=fix, needed=needed)


def _of_kind(channel: Posted, has: discord.Permissions) -> list[Finding]:
    """Return what one kind of channel asks for besides: an open thread, posts of a forum."""
    if isinstance(channel, discord.Thread):
        fix = _("open the thread again, or let a moderator unlock it")
        usable = not channel.locked and not channel.archived
        return [Finding(name=_("The thread is open"), has=usable, fix=fix)]
    if isinstance(channel, discord.ForumChannel):
        tagged = not channel.flags.require_tag or bool(channel.available_tags)
        fix = _("make at least one tag in the forum, since it asks for one with every post")
        return [
            Finding(
                name=_("A forum: each message becomes a post"), has=has.send_messages, fix=fix, needed=False
            ),
            Finding(name=_("A tag for posts"), has=tagged, fix=fix),
        ]
    if isinstance(channel, discord.TextChannel) and channel.is_news():
        name = _("An announcement channel: I post, people publish")
        return [Finding(name=name, has=True, needed=False)]
    return []


def _callable(guild: discord.Guild, has: discord.Permissions, number: int) -> Finding:
    """Return whether a role that is set can be called."""
    role = guild.get_role(number)
    if role is None:
        return Finding(name=_("The role to call"), has=False, fix=_("it was deleted: /setup set ping=none"))
    fix = _("give me {right}, or let anyone mention the role").format(right=_(CALLING[1]))
    name = _("Calling @{role}").format(role=role.name)
    return Finding(name=name, has=role.mentionable or has.mention_everyone, fix=fix)
