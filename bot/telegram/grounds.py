"""Say what the bot may do in a group, as Telegram answers now."""

from collections.abc import Sequence

import structlog
from telegram import Bot, ChatFullInfo, ChatMember, ChatMemberAdministrator, ChatMemberRestricted
from telegram.constants import ChatMemberStatus
from telegram.error import TelegramError

from bot.commands.grounds import Finding, Named
from bot.delivery.telegram.faults import judge
from bot.delivery.telegram.places import Place
from bot.lang import _
from bot.telegram.membership import may_write
from engine.errors import UserError

log = structlog.get_logger(__name__)


class TelegramGrounds:
    """The groups that the bot is in."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def inspect(self, place: str, *, role: str = "") -> Sequence[Finding]:
        """Return what the bot needs to post in a group or topic; raise UserError where it cannot be asked."""
        try:
            where = Place.parse(place)
            chat = await self._bot.get_chat(where.chat_id)
            me = await self._bot.get_chat_member(where.chat_id, self._bot_id())
        except ValueError:
            raise UserError(_("That is no chat of Telegram."), example="/setup set channel=here") from None
        except TelegramError as error:
            reason = judge(error).reason
            log.info("telegram.not_inspected", because=reason)
            raise UserError(_("Telegram says: {why}.").format(why=reason), example="/setup check") from None
        return [*_rights(chat, me), *_topics(chat, where), *_admin(me)]

    def channels(self, server: str) -> Sequence[Named]:
        """Return none: Telegram tells no bot of a group's topics."""
        return ()

    def roles(self, server: str) -> Sequence[Named]:
        """Return none: Telegram has no roles to call."""
        return ()

    def _bot_id(self) -> int:
        return int(self._bot.token.partition(":")[0])


def _rights(chat: ChatFullInfo, me: ChatMember) -> list[Finding]:
    """Return whether messages, pictures and files may be sent: by my own standing, else the group's."""
    inside = me.status not in (ChatMemberStatus.LEFT, ChatMemberStatus.BANNED)
    found = [Finding(name=_("In the group"), has=inside, fix=_("add me to the group again"))]
    allowed = chat.permissions
    rights = (
        ("can_send_messages", _("Messages")),
        ("can_send_photos", _("Pictures")),
        ("can_send_documents", _("Files")),
    )
    for right, name in rights:
        if isinstance(me, ChatMemberRestricted):
            has = bool(getattr(me, right))
        elif me.status == ChatMemberStatus.MEMBER:
            has = allowed is None or getattr(allowed, right) is not False
        else:
            has = may_write(me)
        fix = _("make me an admin, or allow it in the group's permissions")
        found.append(Finding(name=name, has=has, fix=fix, needed=right != "can_send_documents"))
    return found


def _topics(chat: ChatFullInfo, where: Place) -> list[Finding]:
    """Return how the topics of a forum are used."""
    if not chat.is_forum:
        return []
    in_topic = where.topic is not None
    fix = _("I post in General; say /setup set channel=here in the topic where posts belong")
    return [Finding(name=_("A topic of its own"), has=in_topic, fix=fix, needed=False)]


def _admin(me: ChatMember) -> list[Finding]:
    """Return whether the bot is an admin: it need not be, but then nobody mutes it by accident."""
    has = isinstance(me, ChatMemberAdministrator)
    fix = _("not needed; as one I am not muted with the group")
    return [Finding(name=_("Admin"), has=has, fix=fix, needed=False)]
