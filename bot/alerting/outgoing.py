"""Put messages into the outbox: where to, how long they may wait, and what to do where a place is off."""

from sqlalchemy.orm import Session

from bot.alerting.message import Message
from bot.alerting.moment import Moment
from engine.alerts.stage import IN_APP, Destination
from engine.model import HOUR_MS, Severity
from storage.outbox import GONE, Outgoing, disabled_reason, enqueue
from storage.tables import Alert

LIFE_MS: dict[Severity, int | None] = {
    Severity.CRITICAL: None,
    Severity.WARNING: HOUR_MS // 2,
    Severity.INFO: 2 * HOUR_MS,
}
"""How long (wall clock) a message may wait to be sent before it goes to the digest; None for ever."""


def post(
    session: Session,
    alert: Alert,
    message: Message,
    place: Destination,
    moment: Moment,
    *,
    expires: bool = True,
) -> bool:
    """Queue a message for one place, or in the app where that place is off; False where it is queued."""
    where = place.place or alert.user_id
    note, off = "", None
    if place.channel != IN_APP.channel:
        off = disabled_reason(session, alert.user_id, place.channel, where)
    if off is not None and alert.kind != "test":
        note = f"{place.channel.capitalize()} is off ({off.removeprefix(GONE)}), so this came here."
        place, where = IN_APP, alert.user_id
    life_ms = LIFE_MS[message.severity] if expires else None
    out = Outgoing(
        alert_id=alert.alert_id,
        user_id=alert.user_id,
        channel=place.channel,
        destination=where,
        severity=message.severity,
        message=message.as_json(silent=place.silent, note=note),
        market_ms=moment.now_ms,
        epoch=moment.epoch,
        expires_wall_ms=None if life_ms is None else moment.wall_ms + life_ms,
    )
    return enqueue(session, out, moment.wall_ms) is not None
