"""Fetch what people do by long polling.

The library's own updater is not used: it ends without a word when a token is revoked, and tries a server that
answers too late again at once, for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from telegram import Bot
from telegram.error import TelegramError

from bot.delivery.telegram.faults import judge
from bot.telegram.contact import KINDS, Contact
from bot.telegram.seen import Intake

log = structlog.get_logger(__name__)

POLL_S = 30


class Poll:
    """Ask for updates until cancelled, and hand each on once."""

    def __init__(
        self,
        bot: Bot,
        intake: Intake,
        room: Callable[[], Awaitable[None]],
        *,
        contact: Contact,
        poll_s: float = POLL_S,
    ) -> None:
        self._bot = bot
        self._intake = intake
        self._room = room
        self._contact = contact
        self._poll_s = poll_s
        self._offset: int | None = None

    async def run(self) -> None:
        """Fetch until cancelled. Raises Final."""
        while True:
            await self._room()
            try:
                updates = await self._bot.get_updates(
                    offset=self._offset, timeout=round(self._poll_s), allowed_updates=KINDS
                )
            except TelegramError as error:
                await self._contact.recover(judge(error))
                continue
            self._contact.well()
            if updates:
                self._offset = updates[-1].update_id + 1
                await self._intake.hand_on({update.update_id: update for update in updates})

    async def stop(self) -> None:
        """Tell Telegram what was taken, so that it does not send it again after a restart."""
        if self._offset is None:
            return
        try:
            async with asyncio.timeout(2.0):
                await self._bot.get_updates(offset=self._offset, timeout=0, limit=1, allowed_updates=KINDS)
        except (TelegramError, TimeoutError):
            log.info("telegram.not_confirmed")
