"""Check what is sent to the local Bot API as strictly as Telegram does, or more so where that is unknown."""

import json
import re
import struct
from html import unescape
from urllib.parse import urlsplit

CAPTION, TEXT = 1024, 4096
TAGS = {"b", "strong", "i", "em", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler"}
TAG = re.compile(r"<(/?)([a-z-]+)((?:\s[^<>]*)?)>")
ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
BUTTON_FIELDS = {"text", "callback_data", "url", "style"}
SCOPES = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}

COMMON = {"chat_id", "message_thread_id", "reply_markup", "disable_notification", "reply_parameters"}
EDIT = {"chat_id", "message_id", "reply_markup"}
PARAMETERS = {
    "getMe": set(),
    "getUpdates": {"offset", "limit", "timeout", "allowed_updates"},
    "sendMessage": COMMON | {"text", "parse_mode", "link_preview_options"},
    "sendPhoto": COMMON | {"photo", "caption", "parse_mode"},
    "sendDocument": COMMON | {"document", "caption", "parse_mode"},
    "sendAnimation": COMMON | {"animation", "caption", "parse_mode"},
    "editMessageText": EDIT | {"text", "parse_mode", "link_preview_options"},
    "editMessageCaption": EDIT | {"caption", "parse_mode"},
    "editMessageMedia": EDIT | {"media"},
    "editMessageReplyMarkup": EDIT,
    "answerCallbackQuery": {"callback_query_id", "text", "show_alert", "url", "cache_time"},
    "setMyCommands": {"commands", "scope", "language_code"},
    "deleteMyCommands": {"scope", "language_code"},
    "getChatMember": {"chat_id", "user_id"},
    "getChat": {"chat_id"},
    "sendChatAction": {"chat_id", "message_thread_id", "action"},
    "setWebhook": {"url", "secret_token", "allowed_updates", "max_connections", "drop_pending_updates"},
    "deleteWebhook": {"drop_pending_updates"},
    "getWebhookInfo": set(),
}
"""Every method that is known here, with every parameter that it takes."""
REQUIRED = {
    "sendMessage": {"chat_id", "text"},
    "sendPhoto": {"chat_id", "photo"},
    "sendDocument": {"chat_id", "document"},
    "sendAnimation": {"chat_id", "animation"},
    "editMessageText": {"chat_id", "message_id", "text"},
    "editMessageCaption": {"chat_id", "message_id"},
    "editMessageMedia": {"chat_id", "message_id", "media"},
    "editMessageReplyMarkup": {"chat_id", "message_id"},
    "answerCallbackQuery": {"callback_query_id"},
    "setMyCommands": {"commands"},
    "getChatMember": {"chat_id", "user_id"},
    "getChat": {"chat_id"},
    "sendChatAction": {"chat_id", "action"},
    "setWebhook": {"url"},
}
WEBHOOK_PORTS = {443, 80, 88, 8443}
ACTIONS = {"typing", "upload_photo", "upload_document"}


def webhook(given):
    """Refuse a webhook that Telegram would refuse."""
    parts = urlsplit(given["url"])
    if parts.scheme != "https":
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if (parts.port or 443) not in WEBHOOK_PORTS:
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", given.get("secret_token", "")):
        raise bad("secret token contains unallowed characters")
    if not 1 <= int(given.get("max_connections", 40)) <= 100:
        raise bad("max_connections is out of range")


class Refused(Exception):
    """What the Bot API answers in place of a result."""

    def __init__(self, code, description, parameters=None):
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(what):
    """Make the refusal of a bad request."""
    return Refused(400, f"Bad Request: {what}")


def parameters(method, given, files=()):
    """Refuse parameters that a method does not take, and those that are missing."""
    if method not in PARAMETERS:
        raise Refused(404, "Not Found")
    unknown = set(given) - PARAMETERS[method]
    if unknown:
        raise bad(f"unknown parameters {sorted(unknown)} for {method}")
    missing = REQUIRED.get(method, set()) - set(given) - set(files)
    if missing:
        raise bad(f"{sorted(missing)[0].capitalize()} is empty")


def plain(text):
    """Return HTML as it is read, with its entities; refuse what Telegram cannot parse."""
    read, marks, stack, at = "", [], [], 0
    for match in re.finditer(r"[<&]", text):
        if match.start() < at:
            continue
        read += text[at : match.start()]
        rest = text[match.start() :]
        if match[0] == "&":
            found = ENTITY.match(rest)
            if not found:
                raise bad(f'can\'t parse entities: unescaped "&" at byte offset {match.start()}')
            read += unescape(found[0])
        else:
            found = TAG.match(rest)
            if not found or found[2] not in TAGS:
                raise bad(f"can't parse entities: Unsupported start tag at byte offset {match.start()}")
            _turn(found, stack, marks, len(read))
        at = match.start() + found.end()
    if stack:
        raise bad(f"can't parse entities: Can't find end tag corresponding to start tag {stack[-1][0]}")
    read += text[at:]
    if ">" in re.sub(TAG, "", text).replace("&gt;", ""):
        raise bad("can't parse entities: unescaped >")
    return read, marks


def _turn(found, stack, marks, at):
    """Open or close one tag."""
    closing, name = found[1], found[2]
    if not closing:
        stack.append((name, at))
        return
    if not stack or stack[-1][0] != name:
        raise bad(f'can\'t parse entities: Unmatched end tag at byte offset, expected "</{name}>"')
    _, start = stack.pop()
    if start == at:
        raise bad(f"an empty <{name}> is a mistake")
    marks.append((name, start, at))


def words(given, name, limit):
    """Return a text or caption as it is read with its marks; refuse it where it is too long or empty."""
    text = given.get(name, "")
    mode = given.get("parse_mode")
    if mode not in (None, "HTML"):
        raise bad(f"unsupported parse_mode {mode}")
    read, marks = plain(text) if mode == "HTML" else (text, [])
    if len(read.encode("utf-16-le")) // 2 > limit:
        raise bad("message caption is too long" if name == "caption" else "message is too long")
    if name == "text" and not read.strip():
        raise bad("message text is empty")
    return read, marks


def keyboard(markup):
    """Refuse a keyboard that Telegram would refuse."""
    if markup is None:
        return
    if set(markup) != {"inline_keyboard"}:
        raise bad(f"unknown fields of a keyboard {sorted(markup)}")
    rows = markup["inline_keyboard"]
    if sum(map(len, rows)) > 100 or any(not row or len(row) > 8 for row in rows):
        raise bad("reply markup is too long")
    for button in (button for row in rows for button in row):
        _button(button)


def _button(button):
    if set(button) - BUTTON_FIELDS:
        raise bad(f"unknown fields of a button {sorted(button)}")
    if not button.get("text", "").strip():
        raise bad("text buttons are empty")
    if ("callback_data" in button) == ("url" in button):
        raise bad("BUTTON_TYPE_INVALID")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= 64:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in button:
        host = urlsplit(button["url"]).hostname or ""
        if (
            not button["url"].startswith(("http://", "https://", "tg://"))
            or "." not in host
            or "127.0" in host
        ):
            raise bad("BUTTON_URL_INVALID")
    if button.get("style") not in (None, "primary", "danger", "success"):
        raise bad("BUTTON_STYLE_INVALID")


def picture(content):
    """Return width and height of a PNG; refuse what Telegram does not show as a photo."""
    if len(content) > 10 << 20:
        raise bad("file is too big")
    if content[:8] != b"\x89PNG\r\n\x1a\n" or content[-8:-4] != b"IEND":
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = struct.unpack(">II", content[16:24])
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return width, height


def commands(entries, scope):
    """Refuse a menu that Telegram would refuse."""
    if scope.get("type", "default") not in SCOPES:
        raise bad("unknown scope")
    if len(entries) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for entry in entries:
        if set(entry) != {"command", "description"} or not re.fullmatch(r"[a-z0-9_]{1,32}", entry["command"]):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(entry["description"]) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    if len({entry["command"] for entry in entries}) != len(entries):
        raise bad("the same command twice")


def link(url, bot_name):
    """Refuse an address that a press may not open."""
    if not re.fullmatch(rf"https://t\.me/{bot_name}\?start=[A-Za-z0-9_-]{{1,64}}", url):
        raise bad("URL_INVALID")


def value(text):
    """Return a parameter's value: JSON where it is an object or a list."""
    return json.loads(text) if isinstance(text, str) and text[:1] in ("{", "[") else text
