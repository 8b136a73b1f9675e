"""Stay in contact with Telegram: say once what is wrong and what to do, and wait before the next try."""

import asyncio
import random
import time

import structlog
from telegram import Bot, Update
from telegram.error import TelegramError

from bot.delivery.telegram.faults import Fault, Verdict, judge
from engine.errors import LiqwatchError

log = structlog.get_logger(__name__)

KINDS = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
SAID_EVERY_S = 60.0
"""How often the same trouble is logged."""
BAD_CREDENTIALS = (
    "Telegram does not accept the token. Copy it again from @BotFather into LIQWATCH_TELEGRAM_TOKEN, "
    "and start Liqwatch again."
)
ANOTHER_POLLS = (
    "Another process polls with this bot's token. Stop it, or give this one a bot of its own; it takes over "
    "as soon as the other has gone."
)
WEBHOOK = (
    "A webhook is set for this bot, so Telegram sends everything there. Remove it: open "
    "https://api.telegram.org/bot<token>/deleteWebhook in a browser."
)


class Final(LiqwatchError):
    """Say that nothing will work before the operator changes something."""


class Contact:
    """How the bot stands with Telegram. `trouble` is empty while all is well."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._failures = 0
        self._said = ("", 0.0)
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self.trouble = ""

    async def connect(self) -> str:
        """Learn who the bot is, however long that takes, and return its name. Raises Final."""
        while True:
            try:
                me = await self._bot.get_me()
            except TelegramError as error:
                await self.recover(judge(error))
            else:
                self.well()
                return me.username or ""

    def well(self) -> None:
        """Note that Telegram answers."""
        if self.trouble:
            log.info("telegram.connected_again", after=self._failures)
        self._failures = 0
        self.trouble = ""

    async def recover(self, verdict: Verdict) -> None:
        """Say what is wrong, and wait as long as Telegram asks, else longer each time. Raises Final."""
        if verdict.fault is Fault.TOKEN:
            raise Final(BAD_CREDENTIALS)
        self._failures += 1
        self.say(advice(verdict))
        ceiling_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures, 10))
        wait_s = self._rng.uniform(ceiling_s / 2, ceiling_s)
        await asyncio.sleep(max(wait_s, verdict.retry_after_s or 0.0))

    def say(self, trouble: str) -> None:
        """Note what is wrong; the same is logged once in a while."""
        self.trouble = trouble
        told, at_s = self._said
        now_s = time.monotonic()
        if trouble != told or now_s - at_s > SAID_EVERY_S:
            self._said = (trouble, now_s)
            log.warning("telegram.trouble", what=trouble, failures=self._failures)


def advice(verdict: Verdict) -> str:
    """Return what is wrong and what to do about it."""
    if verdict.fault is Fault.CONFLICT:
        return WEBHOOK if "webhook" in verdict.reason.lower() else ANOTHER_POLLS
    return f"{verdict.reason}; trying again."
