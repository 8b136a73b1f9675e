"""Handle what people write and press: the edge of the front, at which a broad except stands."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import structlog
from telegram import CallbackQuery, Message

from bot.commands.dispatch import Commands
from bot.commands.reply import Reply, Tone
from bot.commands.spec import Command, Cost
from bot.delivery.telegram.faults import Refusal
from bot.delivery.telegram.ledger import Ledger
from bot.delivery.telegram.places import Place, Remote
from bot.lanes import Lanes
from bot.lang import N_, _, settle
from bot.telegram import links, voice
from bot.telegram.answers import Answers
from bot.telegram.knock import Knock
from bot.telegram.manners import Course, Manners, caller_of
from bot.telegram.render import link_parcel, toast_of
from bot.telegram.voice import Voice

log = structlog.get_logger(__name__)

AT_ONCE_S = 0.4
"""How long a press waits for its reply, so that a refusal can be shown over the chat."""
PERSONAL_S = 8.0
"""How long a press whose answer is for the asker alone may take."""
WORDS_ONLY = Reply(
    command="",
    title=N_("I read typed commands"),
    text=N_("Say what you would like to see, such as $btc, or type / for the menu."),
)


class Handler:
    """Answer messages and presses of buttons, each user's in turn."""

    def __init__(
        self, commands: Commands, manners: Manners, answers: Answers, ledger: Ledger, lanes: Lanes
    ) -> None:
        self._commands = commands
        self._manners = manners
        self._answers = answers
        self._ledger = ledger
        self._lanes = lanes

    def message(self, message: Message, bot_name: str) -> None:
        """Take on a message, if it is for the bot."""
        who = voice.of_message(message)
        if who is None:
            return
        line, named = heard(message, bot_name, private=who.private)
        if line is None:
            self._replied(message, who, bot_name)
            return
        work = self._guarded(lambda: self._said(message, line, who, bot_name, named=named), who.place)
        if not self._lanes.add(who.lane, work, who.server):
            log.info("telegram.too_many_at_once", of=who.user_id)

    def _replied(self, message: Message, who: Voice, bot_name: str) -> None:
        """Take on a reply to the bot's own message, in which it may have asked something."""
        before = message.reply_to_message
        sender = before.from_user if before is not None else None
        text = (message.text or "").strip()
        if not text or text.startswith("/") or sender is None or sender.username != bot_name:
            return
        work = self._guarded(lambda: self._answered(message, text, who), who.place)
        if not self._lanes.add(who.lane, work, who.server):
            log.info("telegram.too_many_at_once", of=who.user_id)

    async def _answered(self, message: Message, text: str, who: Voice) -> None:
        """Take a reply as an answer where its writer is asked something here; nothing where not."""
        course = await self._manners.answer(text, who)
        if not await self._commands.asks(course.caller):
            return
        async with self._busy(who.place, None):
            reply = await self._commands.dispatch(text, course.caller)
        await self._answers.send(reply, who.place, reply_to=message.message_id)

    def press(self, query: CallbackQuery, bot_name: str) -> None:
        """Take on the press of a button."""
        knock = Knock(query)
        who = voice.of_press(query)
        if who is None or not query.data:
            self._lanes.aside(knock.answer)
            return
        action = query.data
        work = self._guarded(lambda: self._pressed(query, action, who, knock, bot_name), who.place, knock)
        if not self._lanes.aside(work, who.lane):
            log.info("telegram.too_many_at_once", of=who.user_id)

    async def _said(self, message: Message, line: str, who: Voice, bot_name: str, *, named: bool) -> None:
        settle(await self._commands.speech(caller_of(who)))
        if not line:
            title, text = _(WORDS_ONLY.title), _(WORDS_ONLY.text)
            await self._answers.send(replace(WORDS_ONLY, title=title, text=text), who.place)
            return
        course = await self._manners.line(line, who, named=named)
        if course is None:
            return
        reply_to = None if who.private else message.message_id
        if course.payload:
            await self._lead(course, who.place, bot_name, reply_to)
            return
        async with self._busy(who.place, course.command):
            reply = await self._commands.dispatch(course.text, course.caller)
        await self._answers.send(reply, who.place, reply_to=reply_to)

    async def _lead(self, course: Course, place: Place, bot_name: str, reply_to: int | None) -> None:
        """Say that something is for the private chat, with the button that opens it."""
        parcel = link_parcel(
            _("That is between you and me"),
            _("I answer it in our private chat, where nobody reads along."),
            links.button(bot_name, course.payload),
        )
        await self._answers.parcel(parcel, place, reply_to=reply_to)

    async def _pressed(
        self, query: CallbackQuery, action: str, who: Voice, knock: Knock, bot_name: str
    ) -> None:
        settle(await self._commands.speech(caller_of(who)))
        course = await self._manners.press(action, who)
        if course.payload:
            await knock.answer(url=links.link(bot_name, course.payload))
        elif course.personal:
            await self._personal(query, course, who, knock)
        else:
            await self._in_turn(query, course, who, knock)
        if isinstance(query.message, Message):
            remote = Remote(query.message.chat.id, query.message.message_id, picture=True)
            await self._ledger.answered(who.user_id, remote)

    async def _personal(self, query: CallbackQuery, course: Course, who: Voice, knock: Knock) -> None:
        """Answer over the chat, where the asker alone reads; an admin may press for the group."""
        try:
            async with asyncio.timeout(PERSONAL_S):
                reply = await self._commands.press(course.text, course.caller)
                if reply.failed and (group := await self._manners.as_group(course, who)):
                    told = await self._commands.press(group.text, group.caller)
                    reply = reply if told.failed else told
        except TimeoutError:
            await knock.answer(_("That takes too long here. Ask me in our private chat."))
            return
        await knock.answer(toast_of(reply))
        if reply.edits and isinstance(query.message, Message):
            await self._answers.edit(reply, query.message, who.place)

    async def _in_turn(self, query: CallbackQuery, course: Course, who: Voice, knock: Knock) -> None:
        """Answer at once where the user is being served, and do the work in their turn."""
        if self._lanes.busy(who.lane):
            await knock.answer()
        work = self._guarded(lambda: self._run(query, course, who, knock), who.place, knock)
        if not self._lanes.add(who.lane, work, who.server):
            await knock.answer(_("Still busy with what you asked before."))

    async def _run(self, query: CallbackQuery, course: Course, who: Voice, knock: Knock) -> None:
        press = asyncio.create_task(self._commands.press(course.text, course.caller))
        try:
            await asyncio.wait({press}, timeout=AT_ONCE_S)
            if press.done() and press.result().failed and not knock.answered and not press.result().buttons:
                await knock.answer(toast_of(press.result()))
                return
            await knock.answer()
            async with self._busy(who.place, course.command):
                reply = await press
        finally:
            press.cancel()
        message = query.message
        if reply.edits and isinstance(message, Message):
            await self._answers.edit(reply, message, who.place)
            return
        reply_to = message.message_id if message is not None and not who.private else None
        await self._answers.send(reply, who.place, reply_to=reply_to)

    @contextlib.asynccontextmanager
    async def _busy(self, place: Place, command: Command | None) -> AsyncIterator[None]:
        """Show that something is being made while it takes a moment."""
        picture = command is not None and command.cost is Cost.PICTURE
        task = asyncio.create_task(self._answers.busy(place, picture=picture))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _guarded(
        self, work: Callable[[], Awaitable[None]], place: Place, knock: Knock | None = None
    ) -> Callable[[], Awaitable[None]]:
        """Return work that logs what goes wrong with it, and tells who asked."""

        async def run() -> None:
            try:
                await work()
            except Refusal as refusal:
                log.info("telegram.not_answered", because=refusal.verdict.reason)
            except Exception:  # the edge of the front: one request that fails is one request
                incident = uuid.uuid4().hex[:8]
                log.exception("telegram.failed", incident=incident)
                await self._failed(place, incident)
            else:
                return
            if knock is not None:
                await knock.answer()

        return run

    async def _failed(self, place: Place, incident: str) -> None:
        told = _("That went wrong on our side, and we have noted it. Incident {incident}.").format(
            incident=incident
        )
        with contextlib.suppress(Refusal):
            await self._answers.send(Reply(command="", error=told, tone=Tone.BAD), place)


def heard(message: Message, bot_name: str, *, private: bool) -> tuple[str | None, bool]:
    """Return what a message says to the bot, None where it says nothing to it, and whether it is named.

    An empty line is something that is not text. In groups only commands and words to `@bot` are meant.
    """
    text = (message.text or "").strip()
    if private:
        return (text if text or message.effective_attachment else None), True
    me = f"@{bot_name}".lower()
    first, rest = (*text.split(maxsplit=1), "", "")[:2]
    if first.lower() == me:
        return rest or "/help", True
    if not first.startswith("/"):
        return None, False
    name, at, bot = first.partition("@")
    if at and f"@{bot}".lower() != me:
        return None, False
    return f"{name} {rest}".strip(), bool(at)
