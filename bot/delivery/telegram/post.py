"""Send and change messages: at Telegram's pace, each picture uploaded once, plainer where refused."""

import importlib.util
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from telegram import Bot, InputFile, InputMediaPhoto, LinkPreviewOptions, Message
from telegram.constants import ParseMode
from telegram.error import TelegramError

from bot.delivery.telegram.faults import Fault, Refusal, Verdict, judge
from bot.delivery.telegram.files import FileNames
from bot.delivery.telegram.pace import Pace
from bot.delivery.telegram.parcel import Parcel
from bot.delivery.telegram.places import Place, Remote
from bot.delivery.telegram.request import AiohttpRequest, Patience
from bot.delivery.telegram.updates import UpdatesRequest

log = structlog.get_logger(__name__)

T = TypeVar("T")

OFFICIAL = "https://api.telegram.org"
CONNECTIONS = 24
PATIENCE_S = 5.0
"""How long a message may wait for its turn before it is given back, unless the sender has more time."""
MOVING = ".gif"
"""What a file that plays by itself is called by."""
LOUD = ("httpx", "httpcore", "telegram")
"""Loggers that would write addresses with the token in them, or what users typed."""
ATTEMPTS = 3
"""How often one message is tried while it gets plainer with each refusal."""


class Post:
    """The way to Telegram's Bot API. `base_url` is where that is, without the token."""

    def __init__(self, token: str, base_url: str = OFFICIAL, *, pace: Pace | None = None) -> None:
        _prepare_library()
        self.pace = pace or Pace()
        self._files = FileNames()
        self._requests = (
            UpdatesRequest(1, Patience(read_s=10.0)),
            AiohttpRequest(CONNECTIONS, Patience()),
        )
        address = f"{base_url.rstrip('/')}/bot"
        self.bot = Bot(token, address, get_updates_request=self._requests[0], request=self._requests[1])

    async def close(self) -> None:
        """Let the connections go."""
        self.pace.close()
        for request in self._requests:
            await request.shutdown()

    async def send(
        self, to: Place, parcel: Parcel, *, priority: int, patience_s: float = PATIENCE_S
    ) -> Remote:
        """Send a message and return which it is there. Raises Refusal."""

        async def attempt(parcel: Parcel) -> Remote:
            await self._turn(to.chat_id, priority, patience_s)
            return self._arrived(parcel, await self._dispatch(to, parcel))

        return await self._tried(to.chat_id, parcel, attempt)

    async def edit(
        self, message: Remote, parcel: Parcel, *, priority: int, patience_s: float = PATIENCE_S
    ) -> None:
        """Change a message that was sent: its picture, its caption or its text. Raises Refusal."""

        async def attempt(parcel: Parcel) -> None:
            await self._turn(message.chat_id, priority, patience_s)
            changed = await self._change(message, parcel)
            if isinstance(changed, Message):
                self._arrived(parcel, changed)

        try:
            await self._tried(message.chat_id, parcel, attempt)
        except Refusal as refusal:
            if refusal.verdict.fault is not Fault.UNCHANGED:
                raise

    async def _tried(self, chat_id: int, parcel: Parcel, attempt: Callable[[Parcel], Awaitable[T]]) -> T:
        """Try a message as it is, then plainer where that was the trouble."""
        for left in reversed(range(ATTEMPTS)):
            try:
                return await attempt(parcel)
            except TelegramError as error:
                verdict = self._judged(chat_id, error)
                again = self._again(parcel, verdict.fault)
                if again is None or not left:
                    raise Refusal(verdict) from None
                log.warning("telegram.sent_another_way", because=verdict.reason)
                parcel = again
        raise AssertionError("the last attempt returns or raises")

    def _again(self, parcel: Parcel, fault: Fault) -> Parcel | None:
        """Return what to try after a refusal, None where it is final."""
        if fault is Fault.OLD_FILE and parcel.file and self._files.forget(*parcel.file):
            return parcel
        return parcel.plainer(fault)

    async def _turn(self, chat_id: int, priority: int, patience_s: float) -> None:
        wait_s = self.pace.wait_s(chat_id)
        if wait_s > patience_s:
            reason = f"the chat has to wait {wait_s:.0f} s"
            raise Refusal(Verdict(fault=Fault.LIMITED, reason=reason, retry_after_s=wait_s))
        await self.pace.turn(chat_id, priority)

    def _judged(self, chat_id: int, error: TelegramError) -> Verdict:
        verdict = judge(error)
        if verdict.retry_after_s is not None:
            self.pace.refused(chat_id, verdict.retry_after_s)
        return verdict

    async def _dispatch(self, to: Place, parcel: Parcel) -> Message:
        shared: dict[str, Any] = {
            "chat_id": to.chat_id,
            "message_thread_id": to.topic,
            "reply_markup": parcel.keys,
            "parse_mode": ParseMode.HTML if parcel.marked else None,
            "disable_notification": parcel.silent or None,
            "reply_to_message_id": parcel.reply_to,
            "allow_sending_without_reply": True if parcel.reply_to else None,
        }
        text = parcel.text(caption=parcel.file is not None)
        if parcel.picture is not None:
            return await self.bot.send_photo(photo=self._content(parcel), caption=text, **shared)
        if parcel.document is not None and parcel.name.endswith(MOVING):
            return await self.bot.send_animation(animation=self._content(parcel), caption=text, **shared)
        if parcel.document is not None:
            return await self.bot.send_document(document=self._content(parcel), caption=text, **shared)
        quiet = LinkPreviewOptions(is_disabled=True)
        return await self.bot.send_message(text=text, link_preview_options=quiet, **shared)

    async def _change(self, message: Remote, parcel: Parcel) -> Message | bool:
        target: dict[str, Any] = {
            "chat_id": message.chat_id,
            "message_id": message.message_id,
            "reply_markup": parcel.keys,
        }
        text = parcel.text(caption=message.picture)
        mode = ParseMode.HTML if parcel.marked else None
        if not message.picture:
            quiet = LinkPreviewOptions(is_disabled=True)
            return await self.bot.edit_message_text(
                text=text, parse_mode=mode, link_preview_options=quiet, **target
            )
        if parcel.picture is None:
            return await self.bot.edit_message_caption(caption=text, parse_mode=mode, **target)
        media = InputMediaPhoto(self._content(parcel, attach=True), caption=text, parse_mode=mode)
        return await self.bot.edit_message_media(media=media, **target)

    def _content(self, parcel: Parcel, *, attach: bool = False) -> str | InputFile:
        """Return the name of a file that Telegram has already, else the file."""
        kind, content = parcel.file or ("", b"")
        return self._files.get(kind, content) or InputFile(content, filename=parcel.name, attach=attach)

    def _arrived(self, parcel: Parcel, message: Message) -> Remote:
        """Remember what Telegram calls the file of a message, and return which message that is."""
        if parcel.picture is not None and message.photo:
            self._files.put("photo", parcel.picture, message.photo[-1].file_id)
        elif parcel.document is not None and message.document:
            self._files.put("document", parcel.document, message.document.file_id)
        captioned = bool(message.photo or message.document)
        return Remote(message.chat_id, message.message_id, picture=captioned)


def _prepare_library() -> None:
    """Keep the library's loggers quiet, and take times the way its next version gives them.

    Without the second every "retry after" comes with a warning that its type is going to change. And httpcore
    looks for sniffio with each message: where that is not installed, the search costs more than the message.
    """
    if "sniffio" not in sys.modules and importlib.util.find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]  # what Python itself keeps of no module
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    os.environ.setdefault("PTB_TIMEDELTA", "1")
