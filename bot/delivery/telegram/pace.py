"""Keep everything that the bot sends, answers and alerts alike, within what Telegram allows."""

import time
from collections.abc import Callable

from bot.delivery.channel import Rate
from bot.delivery.pacing import Pacer

OVERALL = (Rate(count=30, period_s=1.05, late_s=0.04), Rate(count=6, period_s=0.19, late_s=0.09))
CHAT = (Rate(count=1, period_s=1.05),)
GROUP = (*CHAT, Rate(count=20, period_s=61.0))
"""Telegram's limits: 30 a second, spread over it so that what is late on its way does not meet what follows,
one a second and chat, 20 a minute and group; its clock may be faster."""
ALL_AT = 3
"""When so many chats are told to wait at the same time, the bot as a whole is meant."""


def rates_of(chat_id: int) -> tuple[Rate, ...]:
    """Return the limits of one chat."""
    return CHAT if chat_id > 0 else GROUP


class Pace:
    """Give turns, and obey Telegram where it says to wait: for a chat, or for the whole bot."""

    def __init__(
        self,
        clock_s: Callable[[], float] = time.monotonic,
        *,
        overall: tuple[Rate, ...] = OVERALL,
        rates: Callable[[int], tuple[Rate, ...]] = rates_of,
    ) -> None:
        self._clock_s = clock_s
        self._pacer = Pacer(overall, lambda name: rates(int(name)), clock_s)
        self._told: dict[int, float] = {}
        self._all_until_s = 0.0

    def wait_s(self, chat_id: int) -> float:
        """Return the seconds until a chat may be written to; 0 if now."""
        own = self._pacer.closed().get(str(chat_id), 0.0)
        return max(own, self._all_until_s - self._clock_s(), 0.0)

    async def turn(self, chat_id: int, priority: int) -> None:
        """Wait until a message to a chat may go, lower priorities first."""
        await self._pacer.turn(str(chat_id), priority)

    def refused(self, chat_id: int, retry_after_s: float) -> None:
        """Obey a "retry after" that a message to a chat got."""
        now_s = self._clock_s()
        until_s = now_s + retry_after_s
        self._pacer.obey(retry_after_s, destination=str(chat_id))
        self._told = {chat: until for chat, until in self._told.items() if until > now_s}
        self._told[chat_id] = max(until_s, self._told.get(chat_id, 0.0))
        if len(self._told) >= ALL_AT:
            self._all_until_s = max(self._told.values())
            self._pacer.obey(self._all_until_s - now_s, destination=None)

    def close(self) -> None:
        """Stop the timer."""
        self._pacer.close()
