"""Put messages into the outbox: where to, how long they may wait, and what to do where a place is off."""

from sqlalchemy.orm import Session

from bot.alerting.elsewhere import Missed, elsewhere, name_of, off_reason
from bot.alerting.hosts import host_of, ping_of
from bot.alerting.message import Message
from bot.alerting.moment import Moment
from bot.lang import _
from engine.alerts.stage import IN_APP, Destination
from engine.model import HOUR_MS, Severity
from storage.alerts import TEST
from storage.channels import home
from storage.outbox import GONE, Outgoing, enqueue
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
    """Queue a message for one place, or elsewhere where that place is off; False where it is queued."""
    channel, where = place.channel, place.place or alert.user_id
    if channel == IN_APP.channel and home(alert.user_id)[0] in moment.house.kinds:
        channel, where = home(alert.user_id)  # who talks to us in a chat sees nothing of the app
    note, off = "", None
    if channel != IN_APP.channel:
        off = off_reason(session, alert.user_id, (channel, where), moment.house.kinds)
    if off is not None and alert.kind != TEST:
        note = _("{name} is off ({why}), so this came here.").format(
            name=name_of(channel, where), why=_(off.removeprefix(GONE))
        )
        missed = Missed(
            owner=alert.user_id, alert_id=alert.alert_id, severity=message.severity, place=(channel, where)
        )
        channel, where = elsewhere(session, missed, moment.house.kinds)
    life_ms = LIFE_MS[message.severity] if expires else None
    shared = where != alert.user_id
    host = host_of(session, Destination(channel=channel, place=where)) if shared else None
    out = Outgoing(
        alert_id=alert.alert_id,
        user_id=alert.user_id,
        channel=channel,
        destination=where,
        severity=message.severity,
        message=message.as_json(silent=place.silent, note=note)
        | {"ping": ping_of(host, message.severity, silent=place.silent)},
        market_ms=moment.now_ms,
        epoch=moment.epoch,
        expires_wall_ms=None if life_ms is None else moment.wall_ms + life_ms,
    )
    return enqueue(session, out, moment.wall_ms) is not None
