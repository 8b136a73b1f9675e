"""Judge what Telegram answers when it refuses: what it means, and whether anything may have been sent."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiohttp
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.lang import N_
from engine.errors import LiqwatchError


class Fault(StrEnum):
    """What a refusal means."""

    LIMITED = "limited"  # too much at once: again after `retry_after_s`
    GONE = "gone"  # this chat takes no messages of ours any more
    MIGRATED = "migrated"  # the group has a new number, `chat_id`
    UNCHANGED = "unchanged"  # an edit that changes nothing: no error
    NO_MESSAGE = "no message"  # what was to be edited is not there, or not ours to edit
    NO_PICTURE = "no picture"  # pictures may not be sent there, or this one cannot be shown
    OLD_FILE = "old file"  # a file that was sent before is not known any more
    MARKUP = "markup"  # our HTML is wrong
    TOO_OLD = "too old"  # the button was pressed too long ago to be answered
    TOKEN = "token"  # the bot's token is not accepted  # noqa: S105 - a kind of fault
    CONFLICT = "conflict"  # somebody else polls with this token
    UNSENT = "unsent"  # nothing was sent: try again
    UNKNOWN = "unknown"  # bytes may have left and no answer came
    REFUSED = "refused"  # never like this


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A refusal, understood. `reason` is for the owner of what was refused; it holds no token."""

    fault: Fault
    reason: str
    retry_after_s: float | None = None
    chat_id: int | None = None


class Refusal(LiqwatchError):
    """Report that Telegram did not do what was asked; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


_FORBIDDEN = (
    ("blocked by the user", N_("you have blocked the bot")),
    ("user is deactivated", N_("the account is closed")),
    ("initiate conversation", N_("you have not started a chat with the bot")),
    ("kicked", N_("the bot was removed from the chat")),
    ("not a member", N_("the bot is not in the chat")),
    ("deleted", N_("the chat was deleted")),
)
_REFUSED = (
    ("not modified", Fault.UNCHANGED, N_("nothing to change")),
    ("message to edit not found", Fault.NO_MESSAGE, N_("the message is not there any more")),
    ("message can't be edited", Fault.NO_MESSAGE, N_("the message cannot be changed any more")),
    ("there is no caption", Fault.NO_MESSAGE, N_("the message has no picture")),
    ("there is no text", Fault.NO_MESSAGE, N_("the message has no text")),
    ("message_id_invalid", Fault.NO_MESSAGE, N_("the message is not there any more")),
    ("query is too old", Fault.TOO_OLD, N_("the button was pressed too long ago")),
    ("query id is invalid", Fault.TOO_OLD, N_("the button was pressed too long ago")),
    ("rights to send photos", Fault.NO_PICTURE, N_("pictures are not allowed in the chat")),
    ("rights to send documents", Fault.NO_PICTURE, N_("files are not allowed in the chat")),
    ("chat_send_photos_forbidden", Fault.NO_PICTURE, N_("pictures are not allowed in the chat")),
    ("chat_send_media_forbidden", Fault.NO_PICTURE, N_("pictures are not allowed in the chat")),
    ("photo_invalid_dimensions", Fault.NO_PICTURE, N_("the picture has a shape that Telegram does not show")),
    ("image_process_failed", Fault.NO_PICTURE, N_("Telegram could not read the picture")),
    ("wrong file identifier", Fault.OLD_FILE, N_("the file is not known any more")),
    ("wrong remote file", Fault.OLD_FILE, N_("the file is not known any more")),
    ("file_reference", Fault.OLD_FILE, N_("the file is not known any more")),
    ("can't parse entities", Fault.MARKUP, N_("the text was not understood")),
    ("chat not found", Fault.GONE, N_("the chat is not there")),
    ("user not found", Fault.GONE, N_("the account is not there")),
    ("peer_id_invalid", Fault.GONE, N_("the chat is not there")),
    ("thread not found", Fault.GONE, N_("the topic is not there any more")),
    ("topic_deleted", Fault.GONE, N_("the topic was deleted")),
    ("topic_closed", Fault.GONE, N_("the topic is closed")),
    ("rights to send", Fault.GONE, N_("the bot may not write in the chat")),
    ("have no rights", Fault.GONE, N_("the bot may not write in the chat")),
    ("chat_write_forbidden", Fault.GONE, N_("the bot may not write in the chat")),
    ("chat_restricted", Fault.GONE, N_("the bot may not write in the chat")),
    ("group chat was deactivated", Fault.GONE, N_("the group is closed")),
)
"""What Telegram writes, in the order in which it is looked for, and what that means."""

_NETWORK = (aiohttp.ClientError, OSError)  # a time-out is one too
_NOTHING_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


def judge(error: TelegramError) -> Verdict:
    """Return what an error of the library means."""
    for kind, read in _READERS:
        if isinstance(error, kind):
            return read(error)
    return Verdict(fault=Fault.UNKNOWN, reason=f"Telegram's answer was not understood ({error})"[:200])


def _limited(error: RetryAfter) -> Verdict:
    wait = error.retry_after
    seconds = float(wait) if isinstance(wait, int | float) else wait.total_seconds()
    return Verdict(
        fault=Fault.LIMITED, reason=f"too many messages: wait {seconds:.0f} s", retry_after_s=seconds
    )


def _migrated(error: ChatMigrated) -> Verdict:
    return Verdict(
        fault=Fault.MIGRATED, reason=N_("the group became a supergroup"), chat_id=error.new_chat_id
    )


def _forbidden(error: TelegramError) -> Verdict:
    lower = str(error).lower()
    reason = next((told for sign, told in _FORBIDDEN if sign in lower), "the bot may not write in the chat")
    return Verdict(fault=Fault.GONE, reason=reason)


def _refused(error: TelegramError) -> Verdict:
    lower = str(error).lower()
    for sign, fault, reason in _REFUSED:
        if sign in lower:
            return Verdict(fault=fault, reason=reason)
    return Verdict(fault=Fault.REFUSED, reason=str(error)[:200])


def _unreachable(error: NetworkError) -> Verdict:
    """Return whether bytes may have left before the line broke; an answer of 500 and up is an answer."""
    cause = error.__cause__
    if isinstance(cause, _NETWORK) and not isinstance(cause, _NOTHING_LEFT):
        return Verdict(fault=Fault.UNKNOWN, reason=N_("no answer from Telegram"))
    if isinstance(cause, _NETWORK):
        return Verdict(fault=Fault.UNSENT, reason=N_("Telegram cannot be reached"))
    return Verdict(fault=Fault.UNSENT, reason=f"Telegram is in trouble: {error}"[:200])


def _token(_: TelegramError) -> Verdict:
    return Verdict(fault=Fault.TOKEN, reason=N_("Telegram does not accept the bot's token"))


def _conflict(error: TelegramError) -> Verdict:
    return Verdict(fault=Fault.CONFLICT, reason=str(error)[:200])


_READERS: tuple[tuple[type[TelegramError], Callable[[Any], Verdict]], ...] = (
    (RetryAfter, _limited),
    (ChatMigrated, _migrated),
    (Forbidden, _forbidden),
    (BadRequest, _refused),  # before NetworkError, which it is a kind of
    (InvalidToken, _token),
    (Conflict, _conflict),
    (NetworkError, _unreachable),
)
"""Which kind of error is read how, the first that fits."""
