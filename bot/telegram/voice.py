"""Say who speaks in a message or presses a button, and where. Pure functions of what Telegram sends.

A person is known by their own number. An anonymous admin speaks for the group: Telegram names one account for
all of them everywhere, so the group itself is who asks, and owns what is set up that way.
"""

from dataclasses import dataclass

from telegram import CallbackQuery, Chat, Message
from telegram.constants import ChatType

from bot.delivery.telegram.places import Place, user_id_of
from engine.model import UserId

GROUPS = (ChatType.GROUP, ChatType.SUPERGROUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who asks (`person` is their number, None for an anonymous admin or a channel), and where.

    `for_group` says that an anonymous admin speaks for the group; `language` is what their app is set to.
    """

    user_id: UserId
    place: Place
    private: bool
    person: int | None = None
    for_group: bool = False
    language: str = ""

    @property
    def server(self) -> str:
        """Return the group whose members share its turns; empty in a private chat."""
        return "" if self.private else str(user_id_of(self.place.chat_id))

    @property
    def lane(self) -> str:
        """Return whose requests are done one after the other."""
        return str(self.user_id)


def of_message(message: Message) -> Voice | None:
    """Return who wrote a message; None where nobody is to be answered: bots, channels, what was passed on."""
    place = place_of(message)
    if place is None or message.is_automatic_forward:
        return None
    private = message.chat.type == ChatType.PRIVATE
    sender = message.sender_chat
    if sender is not None and not private:
        for_group = sender.id == message.chat.id
        return Voice(user_id=user_id_of(sender.id), place=place, private=False, for_group=for_group)
    person = message.from_user
    if person is None or person.is_bot:
        return None
    return Voice(
        user_id=user_id_of(person.id),
        place=place,
        private=private,
        person=person.id,
        language=person.language_code or "",
    )


def of_press(query: CallbackQuery) -> Voice | None:
    """Return who pressed a button; None where it is not known in which chat."""
    message = query.message
    if message is None or query.from_user.is_bot:
        return None
    place = place_of(message) if isinstance(message, Message) else _of_chat(message.chat)
    if place is None:
        return None
    private = message.chat.type == ChatType.PRIVATE
    person = query.from_user.id
    return Voice(
        user_id=user_id_of(person),
        place=place,
        private=private,
        person=person,
        language=query.from_user.language_code or "",
    )


def place_of(message: Message) -> Place | None:
    """Return where a message stands: a chat, and the topic of a group that has topics."""
    topic = message.message_thread_id if message.is_topic_message else None
    found = _of_chat(message.chat)
    return Place(found.chat_id, topic) if found else None


def _of_chat(chat: Chat) -> Place | None:
    return Place(chat.id) if chat.type in (ChatType.PRIVATE, *GROUPS) else None
