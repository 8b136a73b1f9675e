"""Name the channels of users in words, and find the one that a rule is to go to."""

from bot.commands import words
from bot.commands.context import Context
from bot.lang import N_, _
from engine.errors import UserError
from engine.model import Severity
from storage.channels import list_channels, takes, usable
from storage.tables import OwnChannel

NAMES = {"email": N_("E-mail"), "webhook": N_("Webhook"), "apprise": N_("Apprise")}
"""Kinds of channel that users set up themselves, and what they are called."""


def title(kind: str, number: object) -> str:
    """Return what a channel is called in a sentence: "E-mail 3"."""
    return f"{_(NAMES.get(kind, kind))} {number}"


def named(row: OwnChannel) -> str:
    """Return what one channel is called in a sentence."""
    return title(row.kind, row.channel_id)


def named_row(row: OwnChannel) -> str:
    """Return a channel in a few words, without its address: "3 · E-mail · phone · waits for its code"."""
    state = "" if usable(row) else _("waits for its code") if row.verified_wall_ms is None else _("off")
    return " · ".join(filter(None, (str(row.channel_id), _(NAMES.get(row.kind, row.kind)), row.label, state)))


def severities(row: OwnChannel) -> str:
    """Return which severities a channel takes, the worst first."""
    taken = sorted(takes(row), key=lambda severity: -severity.rank)
    every = len(taken) == len(Severity)
    return _("all") if every else ", ".join(words.severity(severity) for severity in taken)


async def own_place(ctx: Context, wanted: str) -> tuple[str, str]:
    """Return the place of the caller's channel of a number or a kind; UserError where none works."""
    owner = ctx.caller.user_id
    rows = await ctx.services.state.read(lambda session: list_channels(session, owner))
    found = [row for row in rows if wanted in (str(row.channel_id), row.kind)]
    if not found:
        what = (
            _("channel {wanted}").format(wanted=wanted)
            if wanted.isdecimal()
            else _("{kind} channel").format(kind=_(NAMES[wanted]))
        )
        have = words.joined([named(row) for row in rows]) or _("none yet")
        raise UserError(
            _("You have no {what}; you have {have}.").format(what=what, have=have),
            example="/channels add email me@example.org",
        )
    row = next((row for row in found if usable(row)), found[0])
    if row.verified_wall_ms is None:
        raise UserError(
            _("{named} waits for its code: alerts go there once it is verified.").format(named=named(row)),
            example="/channels verify 12345678",
        )
    if row.off_reason:
        raise UserError(
            _("{named} is off: {off_reason}.").format(named=named(row), off_reason=_(row.off_reason)),
            example=f"/channels test {row.channel_id}",
        )
    return (row.kind, str(row.channel_id))
