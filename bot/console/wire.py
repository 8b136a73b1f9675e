"""Turn a `Reply` into one JSON line and back: what the control socket and `console --json` speak."""

import base64
import json
from dataclasses import asdict
from typing import Any

from bot.commands.reply import Button, Field, File, Form, Image, Reply, Table, Tone

LINE_LIMIT = 64 * 1024 * 1024
"""The longest line either side accepts: an HD picture and an export fit in many times."""


def encode(message: dict[str, Any]) -> bytes:
    """Return one message as a line of UTF-8 JSON."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the message of one line; raise ValueError where it is none."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")
    return message


def reply_to_wire(reply: Reply) -> dict[str, Any]:
    """Return a reply as plain JSON types; pictures and files in base64."""
    return {
        "command": reply.command,
        "title": reply.title,
        "text": reply.text,
        "fields": [list(pair) for pair in reply.fields],
        "table": _table_to_wire(reply.table),
        "images": [
            {"png": _pack(i.png), "name": i.name, "alt": i.alt, "width": i.width, "height": i.height}
            for i in reply.images
        ],
        "files": [
            {"content": _pack(f.content), "name": f.name, "media_type": f.media_type} for f in reply.files
        ],
        "buttons": [
            [{"label": b.label, "action": b.action, "url": b.url, "style": b.style} for b in row]
            for row in reply.buttons
        ],
        "form": _form_to_wire(reply.form),
        "notice": reply.notice,
        "tone": reply.tone.value,
        "ephemeral": reply.ephemeral,
        "edits": reply.edits,
        "error": reply.error,
        "example": reply.example,
        "source": reply.source,
        "now_ms": reply.now_ms,
        "price": reply.price,
    }


def reply_from_wire(message: dict[str, Any]) -> Reply:
    """Return the reply of a message made by `reply_to_wire`."""
    table = message["table"]
    return Reply(
        command=message["command"],
        title=message["title"],
        text=message["text"],
        fields=tuple((name, value) for name, value in message["fields"]),
        table=None if table is None else _table_from_wire(table),
        images=tuple(Image(**{**i, "png": base64.b64decode(i["png"])}) for i in message["images"]),
        files=tuple(File(**{**f, "content": base64.b64decode(f["content"])}) for f in message["files"]),
        buttons=tuple(tuple(Button(**b) for b in row) for row in message["buttons"]),
        form=_form_from_wire(message.get("form")),
        notice=message["notice"],
        tone=Tone(message["tone"]),
        ephemeral=message["ephemeral"],
        edits=message["edits"],
        error=message["error"],
        example=message["example"],
        source=message["source"],
        now_ms=message["now_ms"],
        price=message["price"],
    )


def _form_to_wire(form: Form | None) -> dict[str, Any] | None:
    return None if form is None else asdict(form)


def _form_from_wire(message: dict[str, Any] | None) -> Form | None:
    if message is None:
        return None
    fields = tuple(
        Field(**{**f, "choices": tuple((value, label) for value, label in f["choices"])})
        for f in message["fields"]
    )
    return Form(**{**message, "fields": fields})


def _pack(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _table_to_wire(table: Table | None) -> dict[str, Any] | None:
    if table is None:
        return None
    return {
        "headings": list(table.headings),
        "rows": [list(row) for row in table.rows],
        "numeric": list(table.numeric),
        "brief": list(table.brief),
    }


def _table_from_wire(table: dict[str, Any]) -> Table:
    return Table(
        headings=tuple(table["headings"]),
        rows=tuple(tuple(row) for row in table["rows"]),
        numeric=tuple(table["numeric"]),
        brief=tuple(table["brief"]),
    )
