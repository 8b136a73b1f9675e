"""Know what the server or group of whoever asks has set, and where they may have something posted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.commands.context import Context
from bot.commands.reply import Caller
from bot.lang import N_, _
from engine.errors import UserError
from storage import servers

MANAGERS, EVERYONE = "managers", "everyone"
CHAT_NAMES = {"discord": N_("server"), "telegram": N_("group")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPrefs:
    """What a server's managers have set; empty, or None, is what they have not.

    `may_add` says who may have alerts and reports posted: managers, everyone, or the id of a role. `channel`
    is the place where they go by `to=channel`; `ping_role` the role called with criticals.
    """

    channel: str = ""
    ping_role: str = ""
    may_add: str = MANAGERS
    language: str = ""
    tz: str = ""
    quiet: str | None = None
    quiet_mode: str = "hold"
    budget: int | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings of a server from what is stored; a value of the wrong form is not set."""
        kept: dict[str, Any] = {}
        for name in cls.__dataclass_fields__:
            value = values.get(name)
            wanted = int if name == "budget" else str
            if isinstance(value, wanted) and not isinstance(value, bool):
                kept[name] = value
        return cls(**kept)

    def lets(self, caller: Caller) -> bool:
        """Say whether somebody may have something posted in the server; managers of the place may anyway."""
        allowed = self.may_add == EVERYONE or self.may_add in caller.roles
        return caller.may_post or (caller.able and allowed)


async def server_of(ctx: Context) -> ServerPrefs:
    """Return what the server of whoever asks has set; nothing where they are alone with the bot."""
    server = ctx.caller.server
    if not server:
        return ServerPrefs()
    values = await ctx.services.state.read(lambda session: servers.server_values(session, server))
    return ServerPrefs.of(values)


async def managed(ctx: Context, example: str) -> ServerPrefs:
    """Return what the server that the caller manages has set. Raises UserError for anybody else."""
    caller = ctx.caller
    if caller.private or not caller.server:
        raise UserError(_("That is for servers and groups: say it in one."), example=example)
    if not caller.manages:
        told = {
            "discord": _("Only who may manage this server (Manage Server) can do that."),
            "telegram": _("Only the admins of this group can do that."),
        }
        raise UserError(told[caller.front.value])
    return await server_of(ctx)


async def shared_place(ctx: Context, to: str, example: str) -> tuple[str, str]:
    """Return the place that `to` means, here or channel, where the caller may have something posted.

    Whose server that is, is noted, so that what it has set holds there. Raises UserError where it is not
    theirs to say, where no channel is set, or where the server has as many alerts as it may.
    """
    caller, prefs = ctx.caller, await server_of(ctx)
    if not prefs.lets(caller):
        raise UserError(_refusal(prefs), example=example)
    if to == "channel" and not prefs.channel:
        told = _("No channel is set up here. Whoever manages this {place} can choose one.")
        named = _(CHAT_NAMES.get(caller.front.value, "server"))
        raise UserError(told.format(place=named), example="/setup set channel=here")
    place = (caller.front.value, prefs.channel if to == "channel" else caller.place)
    if caller.server:
        most = ctx.services.defaults.most_rules_in_server
        count = await ctx.services.state.read(lambda session: servers.rules_in(session, caller.server))
        if count >= most:
            told = _("{count} alerts are posted here, the most there can be.")
            raise UserError(told.format(count=most), example=example)
        wall_ms = ctx.services.wall_ms()
        await ctx.services.state.run(
            lambda session: servers.note_place(session, caller.server, place, wall_ms=wall_ms)
        )
    return place


def _refusal(prefs: ServerPrefs) -> str:
    if prefs.may_add not in (MANAGERS, EVERYONE):
        return _("Only certain roles may have alerts posted here; I can send them to you alone.")
    return _("Only who manages this chat may have alerts posted here; I can send them to you alone.")
