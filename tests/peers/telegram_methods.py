"""Answer each method of the local Bot API as Telegram does; `telegram.py` is the server around it."""

import asyncio
import hashlib
import time
from collections import deque


class Methods:
    """What each method does. The server sets `checks` and `world` (modules), `there` and its state."""

    async def get_me(self, given, files):
        return self.world.BOT | {"can_join_groups": True, "can_read_all_group_messages": False}

    async def set_webhook(self, given, files):
        self.checks.webhook(given)
        self.hook = given
        return True

    async def delete_webhook(self, given, files):
        self.hook = None
        if given.get("drop_pending_updates") is True:
            self.there.updates.clear()
        return True

    async def get_webhook_info(self, given, files):
        info = {"url": (self.hook or {}).get("url", ""), "has_custom_certificate": False}
        info["pending_update_count"] = len(self.there.updates)
        return info | self.hook_trouble

    async def get_updates(self, given, files):
        if self.hook:
            text = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first"
            raise self.checks.Refused(409, text)
        if self._polling and not self._polling.done():
            self._polling.set_result(True)
        mine = self._polling = asyncio.get_running_loop().create_future()
        self.polls += 1
        offset = int(given.get("offset", 0))
        self.there.updates = [u for u in self.there.updates if u["update_id"] >= offset]
        end = time.monotonic() + float(given.get("timeout", 0))
        allowed = given.get("allowed_updates")
        while True:
            found = [u for u in self.there.updates if not allowed or set(u) & set(allowed)]
            if found or time.monotonic() >= end:
                return found[: int(given.get("limit", 100))]
            if mine.done():
                text = "Conflict: terminated by other getUpdates request; make sure that only one bot runs"
                raise self.checks.Refused(409, text)
            await asyncio.sleep(0.005)

    async def send_message(self, given, files):
        chat = self._writable(given)
        text, marks = self.checks.words(given, "text", self.checks.TEXT)
        return self._posted(chat, given, text=text, _marks=marks)

    async def send_photo(self, given, files):
        chat = self._writable(given)
        if chat.refuses == "photos":
            raise self.checks.bad("not enough rights to send photos to the chat")
        caption, marks = self.checks.words(given, "caption", self.checks.CAPTION)
        photo = self._photo(given.get("photo", "attach://photo"), files)
        return self._posted(chat, given, caption=caption, photo=photo, _marks=marks)

    async def send_document(self, given, files):
        chat = self._writable(given)
        caption, marks = self.checks.words(given, "caption", self.checks.CAPTION)
        name, content = self._file(given.get("document", "attach://document"), files)
        body = {"file_id": self._named(content, "d"), "file_unique_id": "u", "file_name": name}
        return self._posted(chat, given, caption=caption, document=body, _marks=marks)

    async def send_animation(self, given, files):
        chat = self._writable(given)
        caption, marks = self.checks.words(given, "caption", self.checks.CAPTION)
        name, content = self._file(given.get("animation", "attach://animation"), files)
        if content and not content.startswith(b"GIF8"):
            raise self.checks.bad("wrong type of the animation")
        body = {"file_id": self._named(content, "a"), "file_unique_id": "u", "file_name": name}
        moving = body | {"width": 960, "height": 540, "duration": 8}
        return self._posted(chat, given, caption=caption, animation=moving, document=body, _marks=marks)

    async def edit_message_text(self, given, files):
        message = self._ours(given)
        if "text" not in message:
            raise self.checks.bad("there is no text in the message to edit")
        text, marks = self.checks.words(given, "text", self.checks.TEXT)
        return self._changed(message, given, text=text, _marks=marks)

    async def edit_message_caption(self, given, files):
        message = self._ours(given)
        if "photo" not in message and "document" not in message:
            raise self.checks.bad("there is no caption in the message to edit")
        caption, marks = self.checks.words(given, "caption", self.checks.CAPTION)
        return self._changed(message, given, caption=caption, _marks=marks)

    async def edit_message_media(self, given, files):
        message, media = self._ours(given), given["media"]
        if set(media) - {"type", "media", "caption", "parse_mode"} or media["type"] != "photo":
            raise self.checks.bad(f"unknown media {sorted(media)}")
        caption, marks = self.checks.words(media, "caption", self.checks.CAPTION)
        photo = self._photo(media["media"], files)
        message.pop("text", None)
        return self._changed(message, given, caption=caption, photo=photo, _marks=marks)

    async def edit_message_reply_markup(self, given, files):
        return self._changed(self._ours(given), given)

    async def answer_callback_query(self, given, files):
        query = self.there.queries.get(given["callback_query_id"])
        if query is None or time.monotonic() - query["at_s"] > self.expire_s:
            raise self.checks.bad("query is too old and response timeout expired or query ID is invalid")
        if len(given.get("text", "")) > 200:
            raise self.checks.bad("MESSAGE_TOO_LONG")
        if "url" in given:
            self.checks.link(given["url"], self.world.BOT["username"])
        query["answers"].append(given | {"after_s": time.monotonic() - query["at_s"]})
        return True

    async def set_my_commands(self, given, files):
        scope = given.get("scope", {})
        self.checks.commands(given["commands"], scope)
        self.menus[_menu_of(given)] = given["commands"]
        return True

    async def delete_my_commands(self, given, files):
        self.menus.pop(_menu_of(given), None)
        return True

    async def get_chat_member(self, given, files):
        chat, number = self._known(given), int(given["user_id"])
        if number == self.world.BOT["id"]:
            return self.world.standing(chat.bot)
        return self.world.standing(
            "administrator" if number in chat.admins else "member", self.world.person(number)
        )

    async def get_chat(self, given, files):
        chat = self._known(given)
        full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": self.world.GIFTS}
        allowed = dict.fromkeys(self.world.PERMISSIONS, True) | dict.fromkeys(chat.forbids, False)
        return chat.as_json() | full | {"permissions": allowed}

    async def send_chat_action(self, given, files):
        self._known(given)
        if given["action"] not in self.checks.ACTIONS:
            raise self.checks.bad("wrong parameter action in request")
        return True

    def _known(self, given):
        chat = self.there.chats.get(int(given["chat_id"]))
        if chat is None:
            raise self.checks.bad("chat not found")
        if chat.moved_to is not None:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise self.checks.Refused(400, text, {"migrate_to_chat_id": chat.moved_to})
        if chat.shut:
            raise self.checks.Refused(403, f"Forbidden: {chat.shut}")
        if not chat.started:
            raise self.checks.Refused(403, "Forbidden: bot can't initiate conversation with a user")
        topic = given.get("message_thread_id")
        if topic is not None and int(topic) not in chat.topics:
            raise self.checks.bad("message thread not found")
        if topic is not None and not chat.topics[int(topic)]:
            raise self.checks.bad("TOPIC_CLOSED")
        return chat

    def _writable(self, given):
        chat = self._known(given)
        self.checks.keyboard(given.get("reply_markup"))
        if chat.refuses == "messages":
            raise self.checks.bad("not enough rights to send text messages to the chat")
        reply = given.get("reply_parameters", {})
        if set(reply) - {"message_id", "allow_sending_without_reply"}:
            raise self.checks.bad(f"unknown reply parameters {sorted(reply)}")
        there = (chat.id, reply.get("message_id")) in self.there.messages
        if reply and not there and not reply.get("allow_sending_without_reply"):
            raise self.checks.bad("message to be replied not found")
        self._paced(chat.id)
        return chat

    def _paced(self, chat_id):
        """Note what comes faster than Telegram allows; refuse it if told to."""
        now_s = time.monotonic()
        limits = [("all", 30, 1.0), (chat_id, 1, 1.0)] + ([(chat_id, 20, 60.0)] if chat_id < 0 else [])
        for key, count, period_s in limits:
            times = self._sent.setdefault((key, count, period_s), deque(maxlen=count))
            if len(times) == count and now_s - times[0] < period_s - 0.01:
                self.too_fast.append((chat_id, count, round(now_s - times[0], 3)))
                if self.slow_down:
                    wait = max(1, round(period_s - (now_s - times[0]) + 0.5))
                    raise self.checks.Refused(
                        429, f"Too Many Requests: retry after {wait}", {"retry_after": wait}
                    )
            times.append(now_s)

    def _ours(self, given):
        self._known(given)
        self.checks.keyboard(given.get("reply_markup"))
        message = self.there.messages.get((int(given["chat_id"]), int(given["message_id"])))
        if message is None:
            raise self.checks.bad("message to edit not found")
        if message["from"]["id"] != self.world.BOT["id"]:
            raise self.checks.bad("message can't be edited")
        return message

    def _posted(self, chat, given, **body):
        body |= {k: given[k] for k in ("reply_markup",) if k in given}
        if topic := given.get("message_thread_id"):
            body |= {"message_thread_id": int(topic), "is_topic_message": True}
        body["_reply_to"] = given.get("reply_parameters", {}).get("message_id")
        body["_silent"] = given.get("disable_notification") == "true"
        return _public(self.there.post(chat.id, self.world.BOT, **body))

    def _changed(self, message, given, **body):
        before = {k: message.get(k) for k in ("text", "caption", "photo", "_marks", "reply_markup")}
        after = before | body | {"reply_markup": given.get("reply_markup")}
        if after == before:
            raise self.checks.bad(
                "message is not modified: specified new message content and reply markup are exactly the same"
                " as a current content and reply markup of the message"
            )
        message.update({k: v for k, v in after.items() if v is not None})
        if "reply_markup" not in given:
            message.pop("reply_markup", None)
        message["edit_date"] = int(time.time())
        return _public(message)

    def _photo(self, named, files):
        _, content = self._file(named, files)
        width, height = self.checks.picture(content)
        name = self._named(content, "p")
        small = {"file_id": f"{name}s", "file_unique_id": "s", "width": 90, "height": 90}
        return [small, {"file_id": name, "file_unique_id": "u", "width": width, "height": height}]

    def _file(self, named, files):
        if named.startswith("attach://"):
            found = files.get(named.removeprefix("attach://"))
            if found is None:
                raise self.checks.bad("there is no such attachment")
            self.uploads += 1
            return found
        if named not in self.there.files:
            raise self.checks.bad("wrong file identifier/HTTP URL specified")
        return self.there.files[named]

    def _named(self, content, kind):
        name = f"{kind}-{hashlib.sha256(content).hexdigest()[:20]}"
        self.there.files[name] = ("file", content)
        return name


def _public(message):
    return {k: v for k, v in message.items() if not k.startswith("_")}


def _menu_of(given):
    """Return which menu a call is about: a scope, and a language where it names one."""
    scope, language = given.get("scope", {}).get("type", "default"), given.get("language_code")
    return (scope, language) if language else scope
