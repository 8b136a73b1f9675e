"""Write an alert as the JSON that a webhook gets. Pure functions."""

import json
from datetime import UTC, datetime
from typing import Any

from bot.commands.lines import fit, of_text
from bot.delivery.channel import OutMessage
from bot.delivery.links import Links
from bot.delivery.plain import clean, one_line

TITLE = 300
TEXT = 8000
TYPES = {"code": "channel.code", "notice": "channel.notice"}
"""Types of events that are no alerts, by the kind of their message."""
LIMIT_BYTES = 64 * 1024
"""More than all the parts together can take."""


def body_of(message: OutMessage, *, timestamp_s: int, links: Links | None) -> bytes:
    """Return the body: type, time and data, as Standard Webhooks wants them."""
    kind = "alert.updated" if message.revision else TYPES.get(message.kind, "alert.fired")
    whole = {"type": kind, "timestamp": _iso(timestamp_s * 1000), "data": _data(message, links)}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _data(message: OutMessage, links: Links | None) -> dict[str, Any]:
    """Return what the alert says. Links and what is not known are null; a test alert says so in `kind`."""
    drawn = message.picture is not None and links is not None
    return {
        "alert_id": message.alert_id,
        "revision": message.revision,
        "kind": message.kind,
        "severity": message.severity.value,
        "symbol": one_line(message.symbol, 40) or None,
        "title": one_line(message.title, TITLE),
        "text": "\n".join(line.plain for line in fit(of_text(clean(message.text)), TEXT)),
        "figures": [
            {"label": one_line(label, 40), "value": one_line(value, 60)}
            for label, value in message.figures[:12]
        ],
        "market_time": _iso(message.market_ms),
        "source": one_line(message.label, 80) or "live",
        "folded": message.folded,
        "late_s": message.late_s,
        "note": one_line(message.note, TITLE) or None,
        "picture_url": links.picture(message) if drawn and links else None,
        "picture_alt": one_line(message.picture.alt, 1000) if message.picture else None,
        "links": [{"label": s.label, "url": s.url} for s in links.steps(message)] if links else [],
    }


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
