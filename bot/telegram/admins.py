"""Know who manages a group: asked of Telegram, remembered for a short while."""

import time
from collections import OrderedDict
from collections.abc import Callable

import structlog
from telegram import Bot
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.delivery.telegram.faults import judge

log = structlog.get_logger(__name__)

GOOD_FOR_S = 60.0
KEPT = 5_000
MANAGERS = (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)


class Admins:
    """Answer whether somebody may have the bot post into a group."""

    def __init__(self, bot: Bot, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._bot = bot
        self._clock_s = clock_s
        self._known: OrderedDict[tuple[int, int], tuple[float, bool]] = OrderedDict()

    async def manages(self, person: int | None, chat_id: int) -> bool:
        """Say whether a person is an owner or admin of a group; no where Telegram does not say."""
        if person is None:
            return False
        key, now_s = (chat_id, person), self._clock_s()
        until_s, known = self._known.get(key, (0.0, False))
        if now_s < until_s:
            return known
        try:
            member = await self._bot.get_chat_member(chat_id, person)
        except TelegramError as error:
            log.info("telegram.admin_unknown", because=judge(error).reason)
            return False
        answer = member.status in MANAGERS
        self._known[key] = (now_s + GOOD_FOR_S, answer)
        self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return answer
