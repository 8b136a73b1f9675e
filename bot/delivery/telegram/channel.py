"""Deliver alerts through the Telegram bot: a picture with its caption, edited as an episode grows."""

from bot.commands.lines import Line, Style, length
from bot.commands.reply import Button
from bot.delivery.channel import OutMessage, Rate, Receipt
from bot.delivery.telegram.faults import Fault, Refusal, Verdict
from bot.delivery.telegram.keyboard import keyboard
from bot.delivery.telegram.ledger import Ledger
from bot.delivery.telegram.lines import CAPTION
from bot.delivery.telegram.pace import OVERALL, rates_of
from bot.delivery.telegram.parcel import Parcel
from bot.delivery.telegram.places import CHANNEL, Place, Remote
from bot.delivery.telegram.post import Post
from bot.delivery.wording import details, headline
from engine.errors import DeliveryError, Gone, Permanent, Retryable
from storage.claims import Claimed
from storage.outbox import priority_of

TOKEN_WAIT_S = 60.0
"""How long alerts wait while the bot's token is refused."""
PASSING = frozenset({Fault.LIMITED, Fault.UNSENT, Fault.UNKNOWN, Fault.CONFLICT})


class TelegramChannel:
    """The channel `telegram`: destinations are `telegram:42`, `-100123` and, for a topic, `-100123/7`."""

    def __init__(self, post: Post, ledger: Ledger) -> None:
        self._post = post
        self._ledger = ledger
        self.name = CHANNEL
        self.overall = OVERALL
        self.deduplicates_s = 0.0
        self.timeout_s = 30.0
        self.concurrency = 48

    def rates(self, destination: str) -> tuple[Rate, ...]:
        """Return the limits of a person's or a group's chat."""
        try:
            return rates_of(Place.parse(destination).chat_id)
        except ValueError:
            return ()

    async def cost(self, _destination: str) -> int:
        """Return that a message is one request."""
        return 1

    async def send(self, message: OutMessage, *, key: str, edit_of: str | None) -> Receipt:
        """Send an alert, or change the message `edit_of`. Raises DeliveryError or TimeoutError."""
        parcel = parcel_of(message)
        priority = priority_of(message.severity, edit=edit_of is not None)
        try:
            to = Place.parse(message.destination)
            before = Remote.parse(edit_of) if edit_of is not None else None
        except ValueError as error:
            raise Permanent(str(error)) from error
        try:
            if before is not None:
                await self._post.edit(before, parcel, priority=priority)
                return Receipt(remote_id=edit_of)
            sent = await self._post.send(to, parcel, priority=priority)
            return Receipt(remote_id=sent.text)
        except Refusal as refusal:
            verdict = refusal.verdict
        if verdict.fault is Fault.MIGRATED and verdict.chat_id is not None:
            await self._ledger.moved(to.chat_id, verdict.chat_id)
        raise failure(verdict, edit=before is not None)


def failure(verdict: Verdict, *, edit: bool) -> DeliveryError | TimeoutError:
    """Return what a refusal means for a delivery; an edit may be repeated, so its end is never in doubt."""
    fault, reason = verdict.fault, verdict.reason
    if fault is Fault.GONE:
        return Gone(reason)
    if fault is Fault.UNKNOWN and not edit:
        return TimeoutError(reason)
    if fault is Fault.TOKEN:
        return Retryable(reason, retry_after_s=TOKEN_WAIT_S)
    if fault in PASSING or (fault is Fault.MIGRATED and not edit):
        return Retryable(reason, retry_after_s=verdict.retry_after_s)
    return Permanent(reason)


def parcel_of(message: OutMessage) -> Parcel:
    """Return an alert as it looks in Telegram; one too long for a caption goes without its picture."""
    lines = (Line(headline(message), Style.BOLD), *details(message))
    picture = message.picture if length(lines) <= CAPTION else None
    keys = keyboard(
        [[Button(label=label, action=action) for label, action in row] for row in message.buttons]
    )
    return Parcel(
        lines=lines,
        picture=picture.png if picture else None,
        name=picture.name if picture else "",
        keys=keys,
        silent=message.silent,
    )


def to_owner(row: Claimed) -> tuple[str, str] | None:
    """Fall back from a group or a topic to the private chat of who set the alert; None for anything else."""
    if row.channel != CHANNEL or row.destination == row.user_id or not row.user_id.startswith(f"{CHANNEL}:"):
        return None
    owner = Place.parse(row.user_id)
    return (CHANNEL, row.user_id) if owner.private else None
