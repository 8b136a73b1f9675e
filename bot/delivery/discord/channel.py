"""Deliver alerts through the Discord bot: a headline, and an embed with its picture."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import structlog

from bot.commands.reply import Button
from bot.delivery.channel import OutMessage, Rate, Receipt
from bot.delivery.discord.faults import Fault, Refusal, Verdict
from bot.delivery.discord.parcel import Attachment, Parcel
from bot.delivery.discord.places import CHANNEL, Place, Remote
from bot.delivery.discord.post import Post
from bot.delivery.wording import details, headline
from engine.errors import DeliveryError, Gone, Permanent, Retryable, StorageError
from engine.model import Severity
from storage.claims import Claimed

log = structlog.get_logger(__name__)

Recall = Callable[[], Awaitable[Iterable[tuple[str, str]]]]
"""Return to whom something arrived before, and as which message: the private chats that are open already."""

COLOURS = {Severity.CRITICAL: 0xE5484D, Severity.WARNING: 0xF5A524, Severity.INFO: 0x4C8DFF}
OVERALL = (Rate(count=50, period_s=1.05, late_s=0.04), Rate(count=10, period_s=0.19, late_s=0.09))
PLACE = (Rate(count=5, period_s=5.2),)
"""Discord's limits: 50 a second in all, spread over it, so that what is late on its way does not meet what
follows; a channel's bucket is told in headers, and is about this."""
NONCE = 25
DEDUPLICATES_S = 120.0
"""Discord knows a nonce "for a few minutes"; what is sent again later may repeat, and says so."""
TOKEN_WAIT_S = 60.0
"""How long alerts wait while the bot's token is refused: refusals count towards a ban."""
PASSING = frozenset({Fault.LIMITED, Fault.UNSENT})


class DiscordChannel:
    """The channel `discord`: destinations are `discord:42` (direct messages) and `123` (a channel).

    A private chat has to be opened before the first message, by a request of its own. `recall` spares that to
    people who had a message before the start.
    """

    def __init__(self, post: Post, recall: Recall | None = None) -> None:
        self._post = post
        self._recall = recall
        self._recalling = asyncio.Lock()
        self.name = CHANNEL
        self.overall = OVERALL
        self.deduplicates_s = DEDUPLICATES_S
        self.timeout_s = 20.0
        self.concurrency = 64

    def rates(self, _destination: str) -> tuple[Rate, ...]:
        """Return the limits of one channel."""
        return PLACE

    async def cost(self, destination: str) -> int:
        """Return that a message is one request, and two to somebody whose private chat is not open yet."""
        await self._remember()
        try:
            return 1 if self._post.is_open(Place.parse(destination)) else 2
        except ValueError:
            return 1

    async def send(self, message: OutMessage, *, key: str, edit_of: str | None) -> Receipt:
        """Send an alert, or change the message `edit_of`. Raises DeliveryError or TimeoutError."""
        try:
            to = Place.parse(message.destination)
            before = Remote.parse(edit_of) if edit_of is not None else None
        except ValueError as error:
            raise Permanent(str(error)) from error
        parcel = replace(parcel_of(message), ping=0 if to.private else int(message.ping or 0))
        try:
            if before is not None:
                await self._post.edit(before, parcel)
                return Receipt(remote_id=edit_of)
            sent = await self._post.send(to, parcel, nonce=key[:NONCE], silent=message.silent)
            return Receipt(remote_id=sent.text)
        except Refusal as refusal:
            raise failure(refusal.verdict) from None

    async def _remember(self) -> None:
        """Learn once which private chats are open; where that cannot be read each is opened again."""
        async with self._recalling:
            recall, self._recall = self._recall, None
            if recall is None:
                return
            try:
                told = await recall()
            except StorageError:
                log.exception("discord.private_chats_unknown")
                return
            for known in (private_chat(name, message) for name, message in told):
                if known is not None:
                    self._post.learn(*known)


def private_chat(name: str, message: str) -> tuple[int, int] | None:
    """Return a person and their private chat, by a message that arrived there; None for anything else."""
    try:
        place = Place.parse(name)
        return (place.number, Remote.parse(message).channel_id) if place.private else None
    except ValueError:
        return None


def failure(verdict: Verdict) -> DeliveryError | TimeoutError:
    """Return what a refusal means for a delivery."""
    fault, reason = verdict.fault, verdict.reason
    if fault is Fault.GONE:
        return Gone(reason)
    if fault is Fault.UNKNOWN:
        return TimeoutError(reason)
    if fault is Fault.TOKEN:
        return Retryable(reason, retry_after_s=TOKEN_WAIT_S)
    if fault in PASSING:
        return Retryable(reason, retry_after_s=verdict.retry_after_s)
    return Permanent(reason)


def parcel_of(message: OutMessage) -> Parcel:
    """Return an alert as it looks in Discord."""
    picture = message.picture
    return Parcel(
        headline=headline(message),
        lines=tuple(details(message)),
        colour=COLOURS[message.severity],
        picture=Attachment(picture.png, picture.name, picture.alt) if picture else None,
        rows=[[Button(label=label, action=action) for label, action in row] for row in message.buttons],
    )


def to_owner(row: Claimed) -> tuple[str, str] | None:
    """Fall back from a channel to the direct messages of who set the alert; None for anything else."""
    if row.channel != CHANNEL or row.destination == row.user_id or not row.user_id.startswith(f"{CHANNEL}:"):
        return None
    return (CHANNEL, row.user_id)
