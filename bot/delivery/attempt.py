"""Make one attempt at one delivery, and say in the outbox's words what became of it."""

import asyncio
import random
import uuid
from collections.abc import Callable

import structlog

from bot.delivery.backoff import Backoff
from bot.delivery.channel import Channel, OutMessage, Receipt
from bot.delivery.compose import compose, picture_request
from bot.delivery.pacing import Pacer
from bot.delivery.pictures import Pictures
from bot.lang import learned
from bot.lang.choice import CHOSEN, tongue_of
from engine.errors import Gone, Permanent, Retryable
from storage.claims import Claimed
from storage.outbox import GONE, State, priority_of
from storage.settle import Outcome

log = structlog.get_logger(__name__)


class Attempt:
    """Send through one channel: wait for its pace, draw, send within its time-out, judge the end."""

    def __init__(
        self,
        channel: Channel,
        *,
        pictures: Pictures,
        backoff: Backoff,
        wall_ms: Callable[[], int],
        rng: random.Random,
    ) -> None:
        self.channel = channel
        self.pacer = Pacer(channel.overall, channel.rates)
        self._pictures = pictures
        self._backoff = backoff
        self._wall_ms = wall_ms
        self._rng = rng

    async def run(self, row: Claimed) -> Outcome:
        """Return what became of an attempt; a cancelled one says whether anything may have left."""
        await learned(str(row.message.get(CHOSEN, "en")))
        with tongue_of(row.message):
            return await self._run(row)

    async def _run(self, row: Claimed) -> Outcome:
        if row.revision > 0 and row.remote_id is None:
            return self._end(row, State.VOID, "there is no message to edit")
        try:
            message = await self._prepare(row)
        except asyncio.CancelledError:
            return Outcome(
                claimed=row,
                state=State.RETRY,
                reason="stopped before it was sent",
                next_wall_ms=self._wall_ms(),
            )
        try:
            async with asyncio.timeout(self.channel.timeout_s):
                receipt = await self.channel.send(message, key=row.key, edit_of=row.remote_id)
        except asyncio.CancelledError:
            return self._again(row, "stopped while sending", State.UNKNOWN)
        except Exception as error:  # noqa: BLE001 - the delivery attempt is one of the edges
            return self._judge(row, error)
        return self._arrived(row, message, receipt)

    async def _prepare(self, row: Claimed) -> OutMessage:
        """Draw, wait for the turn, and only then say how late the message is."""
        picture = await self._pictures.get(picture_request(row.message))
        priority = priority_of(row.severity, edit=row.revision > 0)
        cost = await self.channel.cost(row.destination)
        await self.pacer.turn(row.destination, priority, cost)
        known_s = self.channel.deduplicates_s
        return compose(row, wall_ms=self._wall_ms(), deduplicates_s=known_s, picture=picture)

    def _judge(self, row: Claimed, error: Exception) -> Outcome:
        """Return what an error of a channel means."""
        match error:
            case Retryable():
                return self._again(row, error.reason, State.RETRY, retry_after_s=error.retry_after_s)
            case Gone():
                return self._end(row, State.FAILED, GONE + error.reason)
            case Permanent():
                log.warning("delivery.refused", channel=row.channel, delivery=row.delivery_id)
                return self._end(row, State.FAILED, error.reason)
            case TimeoutError():
                return self._again(row, "no answer in time", State.UNKNOWN)
            case _:
                return self._broken(row, error)

    def _arrived(self, row: Claimed, message: OutMessage, receipt: Receipt) -> Outcome:
        state = State.DELIVERED if receipt.delivered else State.ACCEPTED
        reason = "may repeat" if message.may_repeat else ""
        if message.late_s:
            reason = f"{reason}, late by {message.late_s} s".lstrip(", ")
        return Outcome(claimed=row, state=state, reason=reason, remote_id=receipt.remote_id)

    def _again(
        self, row: Claimed, reason: str, state: State, *, retry_after_s: float | None = None
    ) -> Outcome:
        """Return the outcome of an attempt that is to be repeated, while the budget lasts."""
        if retry_after_s is not None:
            self.pacer.obey(retry_after_s, destination=row.destination)
        if self._backoff.spent(row.attempts, row.severity):
            return self._end(row, State.DEAD, f"gave up after {row.attempts} attempts: {reason}")
        wait_s = self._backoff.wait_s(row.attempts, self._rng, retry_after_s=retry_after_s)
        due = self._wall_ms() + round(wait_s * 1000)
        return Outcome(claimed=row, state=state, reason=reason, next_wall_ms=due)

    def _end(self, row: Claimed, state: State, reason: str) -> Outcome:
        return Outcome(claimed=row, state=state, reason=reason)

    def _broken(self, row: Claimed, error: Exception) -> Outcome:
        """Log what a channel was not expected to raise, and try again within the budget."""
        incident = uuid.uuid4().hex[:8]
        log.error(
            "delivery.broken",
            channel=row.channel,
            delivery=row.delivery_id,
            incident=incident,
            exc_info=error,
        )
        return self._again(row, f"internal error, incident {incident}", State.RETRY)
