"""Hold the chats, people and messages of the local Bot API, and make the updates that a bot gets."""

import itertools
import time
from dataclasses import dataclass, field

BOT = {"id": 666, "is_bot": True, "first_name": "Liqwatch", "username": "LiqwatchBot"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
RESTRICTIONS = (
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_edit_tag",
    "can_react_to_messages",
)


PERMISSIONS = tuple(name for name in RESTRICTIONS if name not in ("can_edit_tag", "can_react_to_messages"))
GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)


@dataclass
class Chat:
    """One chat. `shut` is the 403 it answers with, `topics` which are open, `refuses` what is not taken.

    `bot` is the bot's own standing, `forbids` what members may not do.
    """

    id: int
    type: str = "private"
    title: str = "A person"
    started: bool = True
    shut: str = ""
    moved_to: int | None = None
    admins: set[int] = field(default_factory=set)
    topics: dict[int, bool] = field(default_factory=dict)
    refuses: str = ""
    bot: str = "member"
    forbids: tuple = ()

    def as_json(self):
        if self.type == "private":
            return {"id": self.id, "type": "private", "first_name": self.title}
        return {"id": self.id, "type": self.type, "title": self.title} | (
            {"is_forum": True} if self.topics else {}
        )


def person(number):
    """Make a person."""
    return {"id": number, "is_bot": False, "first_name": f"User {number}", "language_code": "en"}


def standing(status, user=BOT):
    """Make what is said of a member of a chat."""
    body = {"status": status, "user": user}
    if status == "administrator":
        body |= dict.fromkeys(RIGHTS, False)
    if status == "creator":
        body["is_anonymous"] = False
    if status == "kicked":
        body["until_date"] = 0
    if status == "restricted":
        body |= dict.fromkeys(RESTRICTIONS, False) | {"is_member": True, "until_date": 0}
    return body


class World:
    """Everything that is on the other side of the bot."""

    def __init__(self):
        self.chats = {}
        self.messages = {}
        self.updates = []
        self.queries = {}
        self.files = {}
        self.numbers = itertools.count(1_000)
        self.update_ids = itertools.count(500_001)

    def chat(self, number, **changes):
        """Add a chat, or change one."""
        chat = self.chats.get(number) or Chat(number, "private" if number > 0 else "supergroup")
        for name, changed in changes.items():
            setattr(chat, name, changed)
        self.chats[number] = chat
        return chat

    def post(self, chat_id, sender, **body):
        """Put a message into a chat."""
        number = next(self.numbers)
        message = {
            "message_id": number,
            "date": int(time.time()),
            "chat": self.chats[chat_id].as_json(),
            "from": sender,
            **body,
        }
        self.messages[chat_id, number] = message
        return message

    def update(self, **body):
        """Make an update; return its id."""
        number = next(self.update_ids)
        self.updates.append({"update_id": number, **body})
        return number

    def said(self, text, *, user=42, chat=None, topic=None, as_group=False, as_channel=None, **more):
        """Let somebody write something; return the message."""
        chat_id = user if chat is None else chat
        if chat_id not in self.chats:
            self.chat(chat_id)
        body = {"text": text, **more}
        sender = person(user)
        if topic is not None:
            body |= {"message_thread_id": topic, "is_topic_message": True}
        if as_group:
            sender, body = ANONYMOUS, body | {"sender_chat": self.chats[chat_id].as_json()}
        if as_channel:
            channel = {"id": as_channel, "type": "channel", "title": "News"}
            sender, body = CHANNEL_BOT, body | {"sender_chat": channel}
        if text.startswith("/"):
            body["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]
        message = self.post(chat_id, sender, **body)
        self.update(message=message)
        return message

    def pressed(self, message, data, *, user=42):
        """Let somebody press a button of a message; return the query's id."""
        query = str(next(self.numbers) + 9_000_000)
        self.queries[query] = {"user": user, "answers": [], "at_s": time.monotonic()}
        shown = {k: v for k, v in message.items() if not k.startswith("_")}
        self.update(
            callback_query={
                "id": query,
                "from": person(user),
                "chat_instance": "77",
                "data": data,
                "message": shown,
            }
        )
        return query

    def stands(self, chat_id, before, after, *, by=42):
        """Let the bot's own standing in a chat change."""
        self.update(
            my_chat_member={
                "chat": self.chats[chat_id].as_json(),
                "from": person(by),
                "date": int(time.time()),
                "old_chat_member": standing(before),
                "new_chat_member": standing(after),
            }
        )

    def migrate(self, old, new, *, tell=True):
        """Make a group a supergroup with another number."""
        group = self.chats[old]
        self.chat(new, type="supergroup", title=group.title, admins=set(group.admins))
        group.moved_to = new
        if tell:
            self.update(message=self.post(old, person(42), migrate_to_chat_id=new))
            self.update(message=self.post(new, person(42), migrate_from_chat_id=old))
