"""Follow the bot's own standing: let in, thrown out, blocked, let in again, a group that got a new number."""

from dataclasses import replace

import structlog
from telegram import ChatMember, ChatMemberRestricted, ChatMemberUpdated, Message
from telegram.constants import ChatMemberStatus, ChatType

from bot.commands.reply import Reply, Tone
from bot.delivery.telegram.ledger import Ledger
from bot.delivery.telegram.places import Place, user_id_of
from bot.lang import N_, _, ngettext
from bot.reporting.moves import Moves
from bot.telegram.answers import Answers
from bot.telegram.voice import GROUPS

log = structlog.get_logger(__name__)

IN = (ChatMemberStatus.MEMBER, ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER)
HELLO = Reply(
    command="start",
    title=N_("Hello, I am Liqwatch"),
    text=N_(
        "I draw where leveraged positions would be liquidated. Everybody here may ask: "
        "/heatmap btc\nAdmins may have alerts posted here: /watch btc to=here\nTime zone, quiet "
        "hours, budget: /setup\nEstimates from public data, not advice."
    ),
)


class Membership:
    """Write down where the bot may write, and say a word where alerts begin to flow again."""

    def __init__(self, ledger: Ledger, answers: Answers, moves: Moves) -> None:
        self._ledger = ledger
        self._answers = answers
        self._moves = moves

    async def changed(self, update: ChatMemberUpdated) -> None:
        """Take note that the bot's standing in a chat changed. Raises Refusal where a word cannot be said."""
        chat = update.chat
        private = chat.type == ChatType.PRIVATE
        could, can = may_write(update.old_chat_member), may_write(update.new_chat_member)
        if chat.type not in (ChatType.PRIVATE, *GROUPS) or could == can:
            return
        server = str(user_id_of(chat.id))
        if not can:
            log.info("telegram.shut_out", private=private)
            if not private:
                await self._moves.left(server, chat.title or _("a group"))
            return
        if not private:
            await self._moves.returned(server, [Place(chat.id).text])
        refused, rules = await self._ledger.returned(chat.id)
        reply = _word(refused, rules, private=private)
        if reply is not None:
            await self._answers.send(reply, Place(chat.id))

    async def migrated(self, message: Message) -> None:
        """Follow a group to the number that it has as a supergroup."""
        if message.migrate_to_chat_id:
            await self._ledger.moved(message.chat.id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id:
            await self._ledger.moved(message.migrate_from_chat_id, message.chat.id)


def may_write(member: ChatMember) -> bool:
    """Say whether the bot may write with a standing."""
    if isinstance(member, ChatMemberRestricted):
        return member.is_member and member.can_send_messages
    return member.status in IN


def _word(refused: int, rules: int, *, private: bool) -> Reply | None:
    """Return what to say on coming (back) into a chat, None where there is nothing to say."""
    if rules:
        told = ngettext(
            "One alert is posted here again.", "{count} alerts are posted here again.", rules
        ).format(count=rules)
        if private:
            told = ngettext("Your alert comes here again.", "Your {count} alerts come here again.", rules)
            told = told.format(count=rules)
        if refused and private:
            missed = _("{count} could not be delivered meanwhile: /alert history")
            told = f"{told} {missed.format(count=refused)}"
        return Reply(
            command="start",
            title=_("I am back"),
            text=told,
            tone=Tone.GOOD,
        )
    return None if private else replace(HELLO, title=_(HELLO.title), text=_(HELLO.text))
