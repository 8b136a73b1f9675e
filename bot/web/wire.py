"""Read and write the JSON messages of the WebSockets."""

import json
import struct
from collections.abc import Callable
from typing import Any

from bot.commands.reply import Button, Image, Reply, Table
from bot.delivery.inapp import InAppMessage
from engine.errors import UserError

Keep = Callable[[bytes, str, str], str]
"""`keep(content, name, media_type)`: store a document and return the address it can be fetched from."""

LONGEST_ID = 64


def dumps(message: dict[str, Any]) -> str:
    """Return a message as compact JSON; NaN and infinity are refused, for browsers cannot read them."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def loads(text: str) -> dict[str, Any]:
    """Return a client's message; raise UserError where it is not a JSON object with a type."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("A message must be JSON text.", example='{"type":"ping"}') from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise UserError("A message must be a JSON object with a type.", example='{"type":"ping"}')
    return message


def text_of(message: dict[str, Any], name: str, *, limit: int) -> str:
    """Return a text of a client's message; raise UserError where it is missing or too long."""
    value = message.get(name)
    if not isinstance(value, str):
        raise UserError(f"{name} must be a text.")
    if len(value) > limit:
        raise UserError(f"{name} is {len(value):,} characters long; {limit} is the most.")
    return value


def whole_of(message: dict[str, Any], name: str) -> int:
    """Return a whole number of a client's message; raise UserError where it is none."""
    value = message.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{name} must be a whole number.")
    return value


def id_of(message: dict[str, Any]) -> str | int | None:
    """Return the id by which the client knows its request; None where it gave none that is usable."""
    value = message.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return value if len(str(value)) <= LONGEST_ID else None


def error_message(code: str, text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """Return an error that a client can act on (`code`) and a person can read (`message`)."""
    return {"type": "error", "code": code, "message": text} | {k: v for k, v in more.items() if v is not None}


def reply_body(reply: Reply, keep: Keep) -> dict[str, Any]:
    """Return a reply as plain JSON types; pictures and files by address."""
    files = [
        {
            "url": keep(file.content, file.name, file.media_type),
            "name": file.name,
            "media_type": file.media_type,
            "bytes": len(file.content),
        }
        for file in reply.files
    ]
    return {
        "command": reply.command,
        "title": reply.title,
        "text": reply.text,
        "fields": [list(pair) for pair in reply.fields],
        "table": _table(reply.table),
        "images": [_image(image, keep) for image in reply.images],
        "files": files,
        "buttons": [[_button(button) for button in row] for row in reply.buttons],
        "notice": reply.notice,
        "tone": reply.tone.value,
        "edits": reply.edits,
        "error": reply.error,
        "example": reply.example,
        "source": reply.source,
        "now_ms": reply.now_ms,
        "price": reply.price,
    }


def alert_body(message: InAppMessage, keep: Keep) -> dict[str, Any]:
    """Return an alert as plain JSON types; `edit` where it replaces an earlier revision of the same alert."""
    return {
        "type": "alert",
        "edit": message.revision > 0,
        "delivery": message.delivery_id,
        "alert": message.message_id,
        "revision": message.revision,
        "kind": message.kind,
        "severity": message.severity.value,
        "symbol": message.symbol,
        "title": message.title,
        "text": message.text,
        "label": message.label,
        "note": message.note,
        "late_s": message.late_s,
        "silent": message.silent,
        "market_ms": message.market_ms,
        "folded": message.folded,
        "unread": message.unread,
        "image": _alert_image(message, keep),
        "buttons": [[_alert_button(label, action) for label, action in row] for row in message.buttons],
    }


def png_size(png: bytes) -> tuple[int, int]:
    """Return width and height of a PNG in pixels; zeros where it is none."""
    if len(png) < 24 or png[:8] != b"\x89PNG\r\n\x1a\n":
        return 0, 0
    width, height = struct.unpack_from(">II", png, 16)
    return int(width), int(height)


def _image(image: Image, keep: Keep) -> dict[str, Any]:
    return {
        "url": keep(image.png, image.name, "image/png"),
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "name": image.name,
    }


def _alert_image(message: InAppMessage, keep: Keep) -> dict[str, Any] | None:
    """Return the address of an alert's picture: the one that came with it, else one drawn when asked for."""
    picture = message.picture
    if picture is None:
        url = f"/panel/alerts/{message.delivery_id}/picture.png"
        alt = f"Heatmap of {message.symbol}"
        return (
            {"url": url, "alt": alt, "width": 0, "height": 0, "name": "heatmap.png"}
            if message.has_picture
            else None
        )
    width, height = png_size(picture.png)
    url = keep(picture.png, picture.name, "image/png")
    return {"url": url, "alt": picture.alt, "width": width, "height": height, "name": picture.name}


def _alert_button(label: str, action: str) -> dict[str, str]:
    """Return an alert's button; an action that is an address opens it."""
    is_url = action.startswith(("https://", "http://"))
    return {
        "label": label,
        "action": "" if is_url else action,
        "url": action if is_url else "",
        "style": "plain",
    }


def _button(button: Button) -> dict[str, str]:
    return {"label": button.label, "action": button.action, "url": button.url, "style": button.style}


def _table(table: Table | None) -> dict[str, Any] | None:
    if table is None:
        return None
    return {
        "headings": list(table.headings),
        "rows": [list(row) for row in table.rows],
        "numeric": list(table.numeric),
    }
