"""Make the message a channel sends out of the row that the outbox holds.

Names and notes in it are others': nothing that turns directions or speaks to a terminal goes on, whatever the
channel.
"""

from typing import Any

from bot.alerting.facts import zone_from_json
from bot.delivery.channel import OutMessage, Picture, PictureRequest
from bot.delivery.plain import clean
from engine.model import Severity
from storage.claims import Claimed

LATE_AFTER_S = 60
"""From this age on a message says how late it is."""


def compose(row: Claimed, *, wall_ms: int, deduplicates_s: float, picture: Picture | None) -> OutMessage:
    """Return the message of a claimed delivery as it is to be sent now."""
    age_s = max(0, wall_ms - row.created_wall_ms) // 1000
    body = row.message
    return OutMessage(
        delivery_id=row.delivery_id,
        alert_id=row.alert_id,
        user_id=row.user_id,
        destination=row.destination,
        kind=str(body.get("kind", "")),
        severity=Severity(body.get("severity", row.severity)),
        symbol=str(body.get("symbol", "")),
        title=heading(body["title"]),
        text=clean(str(body["text"])),
        market_ms=int(body.get("market_ms", row.market_ms)),
        revision=row.revision,
        buttons=buttons_of(body),
        label=clean(str(body.get("label", ""))),
        folded=int(body.get("folded", 0)),
        picture=picture,
        may_repeat=row.may_repeat and age_s >= deduplicates_s,
        late_s=age_s if age_s >= LATE_AFTER_S and row.revision == 0 else 0,
        note=clean(str(body.get("note", ""))),
        silent=bool(body.get("silent", False)),
        figures=tuple((heading(label), heading(value)) for label, value in body.get("figures", [])),
        ping=str(body.get("ping", "")),
    )


def heading(text: object) -> str:
    """Return text as one clean line."""
    return " ".join(clean(str(text)).split())


def buttons_of(body: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Return the button rows of a stored message as (label, action)."""
    rows = body.get("buttons", [])
    return tuple(tuple((str(label), str(action)) for label, action in row) for row in rows)


def picture_request(body: dict[str, Any]) -> PictureRequest | None:
    """Return which picture belongs to a stored message, or None."""
    asked = body.get("picture")
    if not asked:
        return None
    zone = asked.get("zone")
    return PictureRequest(
        symbol=str(asked["symbol"]),
        window_ms=int(asked["window_ms"]),
        zone=zone_from_json(zone) if zone else None,
        severity=Severity(body["severity"]) if "severity" in body else None,
        what=str(asked.get("what", "heatmap")),
        tz=str(asked.get("tz", "UTC")),
    )
