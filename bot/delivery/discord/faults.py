"""Judge what Discord answers when it refuses: what it means, and what its owner can do about it."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

import aiohttp
import discord

from bot.lang import N_
from engine.errors import LiqwatchError


class Fault(StrEnum):
    """What a refusal means."""

    LIMITED = "limited"  # too much at once: again after `retry_after_s`
    GONE = "gone"  # this place takes no messages of ours any more
    NO_MESSAGE = "no message"  # what was to be edited is not there, or not ours to edit
    TOO_LARGE = "too large"  # the picture is larger than the place takes
    EXPIRED = "expired"  # the command or button was used too long ago to be answered
    ANSWERED = "answered"  # the command or button has an answer already
    TOKEN = "token"  # the bot's token is not accepted  # noqa: S105 - a kind of fault
    UNSENT = "unsent"  # nothing came of it: try again
    UNKNOWN = "unknown"  # bytes may have left and no answer came
    REFUSED = "refused"  # never like this


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A refusal, understood. `reason` is for the owner of what was refused; it holds no token.

    `everywhere` says that nothing at all may be sent for as long: what guards Discord has shut us out.
    """

    fault: Fault
    reason: str
    retry_after_s: float | None = None
    everywhere: bool = False


class Refusal(LiqwatchError):
    """Report that Discord did not do what was asked; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


_CODES = {
    50007: (
        Fault.GONE,
        N_("it may not write to you: allow direct messages from members of a server you share"),
    ),
    50278: (Fault.GONE, N_("you share no server with the bot, and have not installed it for yourself")),
    50001: (Fault.GONE, N_("the bot may not see the channel: give it View Channel there")),
    50013: (
        Fault.GONE,
        N_("the bot may not post in the channel: give it Send Messages, Embed Links and Attach Files there"),
    ),
    50083: (Fault.GONE, N_("the thread is archived")),
    160005: (Fault.GONE, N_("the thread is locked")),
    10003: (Fault.GONE, N_("the channel was deleted")),
    10004: (Fault.GONE, N_("the bot is not in the server any more")),
    10013: (Fault.GONE, N_("the account is not there")),
    10008: (Fault.NO_MESSAGE, N_("the message is not there any more")),
    50005: (Fault.NO_MESSAGE, N_("the message is not the bot's")),
    30046: (Fault.NO_MESSAGE, N_("the message is old, and was changed too often")),
    40005: (Fault.TOO_LARGE, N_("the picture is larger than the place takes")),
    10062: (Fault.EXPIRED, N_("it was used too long ago")),
    10015: (Fault.EXPIRED, N_("it was used too long ago")),
    50027: (Fault.EXPIRED, N_("it was used too long ago")),
    40060: (Fault.ANSWERED, N_("it has an answer already")),
    110001: (Fault.UNSENT, N_("Discord is overloaded")),
    130000: (Fault.UNSENT, N_("Discord is overloaded")),
}
"""What Discord's numbers for errors mean here."""
_STATUSES = {
    401: (Fault.TOKEN, N_("Discord does not accept the bot's token")),
    403: (Fault.GONE, N_("the bot may not write there")),
    413: (Fault.TOO_LARGE, N_("the picture is larger than the place takes")),
}
LIMITED_S = 60.0
SHUT_OUT_S = 300.0
"""How long to wait where Discord does not say, and where what guards Discord does not."""
_SERVER_ERROR = 500
_TOO_MANY, _FORBIDDEN = 429, 403


def judge(error: Exception) -> Verdict:
    """Return what an error of the library, or of the network below it, means."""
    match error:
        case discord.RateLimited():
            return _limited(error.retry_after)
        case discord.LoginFailure():
            return _verdict(_STATUSES[401])
        case discord.HTTPException():
            return _refused(error)
        case aiohttp.ClientConnectorError():
            return Verdict(fault=Fault.UNSENT, reason=N_("Discord cannot be reached"))
        case aiohttp.ClientError() | OSError() | asyncio.TimeoutError():
            return Verdict(fault=Fault.UNKNOWN, reason=N_("no answer from Discord"))
        case _:
            return Verdict(fault=Fault.REFUSED, reason=f"not understood ({type(error).__name__})")


def _refused(error: discord.HTTPException) -> Verdict:
    if error.code in _CODES:
        return _verdict(_CODES[error.code])
    told = error.response.headers.get("Retry-After", "")
    wait_s = float(told) if told.replace(".", "", 1).isdigit() else None
    if error.status in (_TOO_MANY, _FORBIDDEN) and not _from_discord(error):
        reason = "Discord's network has shut this machine's address out for a while"
        wait_s = SHUT_OUT_S if wait_s is None else wait_s
        return Verdict(fault=Fault.LIMITED, reason=reason, retry_after_s=wait_s, everywhere=True)
    if error.status == _TOO_MANY:
        return _limited(LIMITED_S if wait_s is None else wait_s)
    if error.status >= _SERVER_ERROR:
        return Verdict(fault=Fault.UNSENT, reason=f"Discord is in trouble ({error.status})")
    if error.status in _STATUSES:
        return _verdict(_STATUSES[error.status])
    reason = f"Discord refused it ({error.status}, {error.code}): {error.text}"
    return Verdict(fault=Fault.REFUSED, reason=reason[:200])


def _from_discord(error: discord.HTTPException) -> bool:
    """Say whether Discord itself answered: its answers are JSON, those of what stands before it pages."""
    return str(error.response.headers.get("Content-Type", "")).startswith("application/json")


def _limited(retry_after_s: float) -> Verdict:
    reason = f"too many messages: wait {retry_after_s:.0f} s"
    return Verdict(fault=Fault.LIMITED, reason=reason, retry_after_s=retry_after_s)


def _verdict(found: tuple[Fault, str]) -> Verdict:
    fault, reason = found
    return Verdict(fault=fault, reason=reason)
