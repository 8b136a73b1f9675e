"""Fetch what people do, by long polling, and say of every trouble what to do about it.

The library's own updater is not used: it ends without a word when a token is revoked, and tries a server that
answers too late again at once, for ever.
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import structlog
from telegram import Bot, Update
from telegram.error import TelegramError

from bot.delivery.telegram.faults import Fault, Verdict, judge
from engine.errors import LiqwatchError

log = structlog.get_logger(__name__)

KINDS = (Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER)
POLL_S = 30
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0
REMEMBERED = 4_096
"""How many updates are remembered, so that one that comes again is not done again."""
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


class WrongToken(LiqwatchError):
    """Say that nothing will work before the token is another one."""


class Poll:
    """Ask for updates until cancelled, and hand each to `take` once."""

    def __init__(
        self,
        bot: Bot,
        take: Callable[[Update], None],
        room: Callable[[], Awaitable[None]],
        *,
        poll_s: float = POLL_S,
    ) -> None:
        self._bot = bot
        self._take = take
        self._room = room
        self._poll_s = poll_s
        self._offset: int | None = None
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._failures = 0
        self._said = ("", 0.0)
        self._rng = random.Random()  # noqa: S311 - jitter, not a secret
        self.trouble = ""
        self.fetched = 0

    async def connect(self) -> str:
        """Learn who the bot is, however long that takes, and return its name. Raises WrongToken."""
        while True:
            try:
                me = await self._bot.get_me()
            except TelegramError as error:
                await self._recover(judge(error))
            else:
                self._well()
                return me.username or ""

    async def run(self) -> None:
        """Fetch until cancelled. Raises WrongToken."""
        while True:
            await self._room()
            try:
                updates = await self._bot.get_updates(
                    offset=self._offset, timeout=round(self._poll_s), allowed_updates=KINDS
                )
            except TelegramError as error:
                await self._recover(judge(error))
                continue
            self._well()
            for update in updates:
                self._offset = update.update_id + 1
                self._once(update)

    async def confirm(self) -> None:
        """Tell Telegram what was taken, so that it does not come again after a restart."""
        if self._offset is None:
            return
        try:
            async with asyncio.timeout(2.0):
                await self._bot.get_updates(offset=self._offset, timeout=0, limit=1, allowed_updates=KINDS)
        except (TelegramError, TimeoutError):
            log.info("telegram.not_confirmed")

    def _once(self, update: Update) -> None:
        if update.update_id in self._seen:
            return
        self._seen[update.update_id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        self.fetched += 1
        self._take(update)

    def _well(self) -> None:
        if self.trouble:
            log.info("telegram.connected_again", after=self._failures)
        self._failures = 0
        self.trouble = ""

    async def _recover(self, verdict: Verdict) -> None:
        """Say what is wrong, and wait: as long as Telegram asks, else longer with each failure."""
        if verdict.fault is Fault.TOKEN:
            raise WrongToken(BAD_CREDENTIALS)
        self._failures += 1
        self.trouble = advice(verdict)
        self._say(self.trouble)
        ceiling_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(self._failures, 10))
        wait_s = self._rng.uniform(ceiling_s / 2, ceiling_s)
        await asyncio.sleep(max(wait_s, verdict.retry_after_s or 0.0))

    def _say(self, trouble: str) -> None:
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
