"""Decide who asks, who may see the answer, and what the bot may do where it was asked. Pure functions."""

from collections.abc import Mapping, Sequence

import discord

from bot.commands.reply import Caller, Front
from bot.commands.spec import Command, Visibility, Who
from bot.delivery.discord.places import CHANNEL, user_id_of
from bot.lang import N_, _

HERE = "here"
NEEDED = {
    "view_channel": N_("View Channel"),
    "send_messages": N_("Send Messages"),
    "embed_links": N_("Embed Links"),
    "attach_files": N_("Attach Files"),
}
"""What the bot needs where it posts, and what Discord calls that."""
NEEDED_IN_THREADS = {**NEEDED, "send_messages_in_threads": N_("Send Messages in Threads")}
del NEEDED_IN_THREADS["send_messages"]
YES = ("true", "yes", "on", "1")


def caller_of(interaction: discord.Interaction) -> Caller:
    """Return who asks, as commands know them."""
    return Caller(
        user_id=user_id_of(interaction.user.id),
        front=Front.DISCORD,
        place=str(interaction.channel_id or ""),
        server=f"{CHANNEL}:{interaction.guild_id}" if interaction.guild_id is not None else "",
        private=is_private(interaction),
        may_post=manages(interaction) and not obstacle(interaction),
        manages=interaction.guild_id is not None and interaction.permissions.manage_guild,
        able=not obstacle(interaction),
        roles=roles_of(interaction),
        language=interaction.locale.value,
    )


def roles_of(interaction: discord.Interaction) -> tuple[str, ...]:
    """Return the ids of the roles that the asker has in the server; none outside of servers."""
    if not isinstance(interaction.user, discord.Member):
        return ()
    return tuple(str(number) for number in interaction.user._roles)  # noqa: SLF001 - the ids, as they came


def is_private(interaction: discord.Interaction) -> bool:
    """Say whether the asker and the bot are alone."""
    return interaction.guild_id is None and interaction.context.dm_channel


def manages(interaction: discord.Interaction) -> bool:
    """Say whether the asker may have the bot post into the channel."""
    allowed = interaction.permissions
    return interaction.guild_id is not None and (allowed.manage_guild or allowed.manage_channels)


def obstacle(interaction: discord.Interaction) -> str:
    """Return what keeps the bot from posting where it was asked, and what to do; empty where nothing does."""
    if interaction.guild_id is None:
        return _("I can have alerts posted in channels of servers; here I can send them to you alone.")
    if interaction.client.get_guild(interaction.guild_id) is None:
        return _(
            "I am not a member of this server, so I cannot post here. Somebody who manages it can add me."
        )
    missing = missing_permissions(interaction)
    if missing:
        return _("I may not post here. Give me {missing} in this channel, then try again.").format(
            missing=", ".join(map(_, missing))
        )
    return ""


def missing_permissions(interaction: discord.Interaction) -> list[str]:
    """Return what the bot lacks to post in the channel, by Discord's names."""
    thread = isinstance(interaction.channel, discord.Thread)
    needed = NEEDED_IN_THREADS if thread else NEEDED
    has = interaction.app_permissions
    return [name for flag, name in needed.items() if not getattr(has, flag)]


def posts(command: Command | None, values: Sequence[str]) -> bool:
    """Say whether a request is to have alerts posted where it is made."""
    return (
        command is not None
        and command.parameter("to") is not None
        and any(value in (HERE, f"to={HERE}") for value in values)
    )


def is_hidden(command: Command | None, values: Mapping[str, str], *, private: bool) -> bool:
    """Say whether the answer is for the asker's eyes alone; alone with the bot nothing needs hiding."""
    if private:
        return False
    shared = values.get("share", "").lower() in YES
    return not (command is not None and command.visibility is Visibility.SHAREABLE and shared)


def may_edit(command: Command | None, interaction: discord.Interaction) -> bool:
    """Say whether a press may change its message: never with what is somebody's own, where others read."""
    message = interaction.message
    if message is None or command is None:
        return False
    own = is_private(interaction) or message.flags.ephemeral
    return own or command.who is Who.EVERYONE
