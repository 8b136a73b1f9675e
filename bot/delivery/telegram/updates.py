"""Read what Telegram says people did: an update that cannot be read is passed over, and harms no other."""

from collections.abc import Mapping
from typing import Any

import structlog
from telegram import Bot, Update
from telegram.error import TelegramError

from bot.delivery.telegram.request import AiohttpRequest

log = structlog.get_logger(__name__)


class UpdatesRequest(AiohttpRequest):
    """The connection over which updates are fetched.

    The library reads all of an answer or nothing: one update that it cannot read would be fetched for ever.
    """

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Return an answer with every update readable. Raises TelegramError for what is no answer."""
        answer = AiohttpRequest.parse_json_payload(payload)
        if not isinstance(answer, dict):
            raise TelegramError("Invalid server response")
        result = answer.get("result")
        if isinstance(result, list):
            answer["result"] = [known for raw in result if (known := readable(raw)) is not None]
        elif "result" not in answer and "description" not in answer:
            raise TelegramError("Invalid server response")
        return answer


def readable(raw: object) -> dict[str, Any] | None:
    """Return an update as it is, one that cannot be read as its number alone; None without a number."""
    if not isinstance(raw, dict) or not isinstance(raw.get("update_id"), int):
        return None
    return raw if update_of(raw) is not None else {"update_id": raw["update_id"]}


def update_of(raw: Mapping[str, Any], bot: Bot | None = None) -> Update | None:
    """Return an update; None, with a line in the log, where it cannot be read."""
    try:
        return Update.de_json(dict(raw), bot)
    except Exception as error:  # noqa: BLE001 - whatever the library makes of what it does not know
        log.warning("telegram.update_not_read", kinds=sorted(raw), error=type(error).__name__)
        return None
