"""Answer the press of a button: always, once, and before Telegram's spinner annoys."""

import structlog
from telegram import CallbackQuery
from telegram.error import TelegramError

from bot.delivery.telegram.faults import Fault, judge
from bot.telegram.render import MAX_TOAST

log = structlog.get_logger(__name__)

ALERT_FROM = 60
"""From this length on words are shown in a box that stays until it is closed."""


class Knock:
    """One press that wants an answer. What comes after the first answer does nothing."""

    def __init__(self, query: CallbackQuery) -> None:
        self._query = query
        self.answered = False

    async def answer(self, text: str = "", *, url: str = "") -> None:
        """Stop the spinner; show `text` to who pressed, or open `url` for them."""
        if self.answered:
            return
        self.answered = True
        try:
            await self._query.answer(
                text=text[:MAX_TOAST] or None,
                show_alert=True if len(text) > ALERT_FROM else None,
                url=url or None,
            )
        except TelegramError as error:
            verdict = judge(error)
            if verdict.fault is not Fault.TOO_OLD:
                log.info("telegram.press_not_answered", because=verdict.reason)
