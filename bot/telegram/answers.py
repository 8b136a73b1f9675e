"""Bring answers to the chats they belong in: send them, or change the message whose button asked."""

import asyncio
from dataclasses import replace

import structlog
from telegram import Message
from telegram.constants import ChatAction
from telegram.error import TelegramError

from bot.commands.reply import Reply
from bot.delivery.telegram.faults import Fault, Refusal, judge
from bot.delivery.telegram.ledger import Ledger
from bot.delivery.telegram.parcel import Parcel
from bot.delivery.telegram.places import Place, Remote
from bot.delivery.telegram.post import Post
from bot.telegram.render import edit_of, parcels_of

log = structlog.get_logger(__name__)

PRIORITY = 1
"""Answers go before every alert but criticals: somebody is waiting."""
PATIENCE_S = 65.0
"""How long an answer waits for its turn: a group that was written to a lot has one again within a minute."""
BUSY_AFTER_S = 0.4
BUSY_EVERY_S = 4.5
"""Telegram shows "sending a photo" for five seconds at a time."""
PASSING = (Fault.LIMITED, Fault.UNSENT)


class Answers:
    """Send answers into chats of Telegram."""

    def __init__(self, post: Post, ledger: Ledger) -> None:
        self._post = post
        self._ledger = ledger

    async def send(self, reply: Reply, to: Place, *, reply_to: int | None = None) -> None:
        """Send a reply. Raises Refusal."""
        for parcel in parcels_of(reply):
            await self.parcel(parcel, to, reply_to=reply_to)
            reply_to = None

    async def parcel(self, parcel: Parcel, to: Place, *, reply_to: int | None = None) -> None:
        """Send one message, once more where Telegram could not take it, to the new number of a group."""
        parcel = replace(parcel, reply_to=reply_to)
        try:
            await self._post.send(to, parcel, priority=PRIORITY, patience_s=PATIENCE_S)
        except Refusal as refusal:
            verdict = refusal.verdict
            if verdict.fault is Fault.MIGRATED and verdict.chat_id is not None:
                await self._ledger.moved(to.chat_id, verdict.chat_id)
                to, parcel = Place(verdict.chat_id), replace(parcel, reply_to=None)
            elif verdict.fault not in PASSING:
                raise
            await self._post.send(to, parcel, priority=PRIORITY, patience_s=PATIENCE_S)

    async def edit(self, reply: Reply, message: Message, to: Place) -> None:
        """Change a message; where it is not there any more, or cannot show the reply, send a new one."""
        remote = Remote(message.chat.id, message.message_id, picture=bool(message.photo))
        if bool(reply.images) != remote.picture or reply.files or message.document:
            await self.send(reply, to)
            return
        try:
            await self._post.edit(remote, edit_of(reply), priority=PRIORITY, patience_s=PATIENCE_S)
        except Refusal as refusal:
            if refusal.verdict.fault is not Fault.NO_MESSAGE:
                raise
            await self.send(reply, to)

    async def busy(self, to: Place, *, picture: bool) -> None:
        """Show that something is being made, until cancelled; nothing where that is over at once."""
        action = ChatAction.UPLOAD_PHOTO if picture else ChatAction.TYPING
        await asyncio.sleep(BUSY_AFTER_S)
        while True:
            try:
                await self._post.bot.send_chat_action(to.chat_id, action, message_thread_id=to.topic)
            except TelegramError as error:
                log.debug("telegram.busy_not_shown", because=judge(error).reason)
                return
            await asyncio.sleep(BUSY_EVERY_S)
