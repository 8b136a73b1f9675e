"""Say what became of alerts, in words: what `/alert history`, `/alert show` and the Why? button answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from bot.alerting.facts import fire_of
from bot.alerting.message import headline
from bot.alerting.sweep import EXPIRED, MOVED_BACK, TOLD, TOLD_SILENTLY
from bot.lang import N_, _
from engine.alerts.reasons import sentence
from engine.alerts.stage import Action
from engine.model import Severity
from storage import alerts
from storage.alerts import EVER, VOID, Since
from storage.outbox import GONE, State
from storage.tables import Alert, AlertStep, Delivery

SENTENCES = {
    MOVED_BACK: N_("The replay was moved back before it was sent, so it no longer counts."),
    EXPIRED: N_("It could not be delivered in time, so it went into your digest."),
    TOLD: N_("It was told in your digest."),
    TOLD_SILENTLY: N_(
        "It was told in your digest, which came without a sound: there was only context in it."
    ),
    "rule_removed": N_("You had removed this alert before its wait was over."),
    "digest_off": N_("You have no digest, so it is only kept here."),
    "test": N_("It was a test."),
}
VERDICTS = {
    Action.SEND.value: N_("sent"),
    Action.FOLD.value: N_("added to an earlier message"),
    Action.HOLD.value: N_("waiting"),
    Action.DIGEST.value: N_("in the digest"),
    Action.SUPPRESS.value: N_("not sent"),
    VOID: N_("void"),
}
STATES = {
    State.QUEUED: N_("waiting to be sent"),
    State.SENDING: N_("being sent"),
    State.RETRY: N_("to be tried again"),
    State.ACCEPTED: N_("accepted"),
    State.DELIVERED: N_("shown"),
    State.ACKED: N_("seen and answered"),
    State.UNKNOWN: N_("perhaps arrived; sent once more"),
    State.FAILED: N_("refused"),
    State.EXPIRED: N_("not sent in time"),
    State.DEAD: N_("given up"),
    State.VOID: N_("void"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where one alert went: the channel, how that stands, and why."""

    channel: str
    state: str
    verdict: str
    reason: str
    revision: int
    wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One stage's word on one alert."""

    at_ms: int
    stage: str
    action: str
    reason: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One alert of the history: what fired, what became of it, why, and (shown singly) its whole way.

    `verdict` is one or two words, `sentence` the reason in full; `message_id` the alert whose message told
    of it, empty where none did, and `message_ms` its market time where it is another's and was shown singly;
    `waits_until_ms` when a waiting one is looked at again.
    """

    alert_id: str
    rule_id: int
    symbol: str
    severity: Severity
    market_ms: int
    price: float
    headline: str
    action: str
    verdict: str
    reason: str
    sentence: str
    message_id: str
    waits_until_ms: int | None
    message_ms: int | None = None
    told: tuple[Told, ...] = ()
    said: tuple[Said, ...] = ()


def words(reason: str) -> str:
    """Return the sentence of a stored reason."""
    return _(SENTENCES.get(reason, "")) or sentence(reason)


def history(
    session: Session,
    owner: str,
    *,
    rule_id: int | None = None,
    since: Since = EVER,
    limit: int = 20,
    offset: int = 0,
) -> list[Happened]:
    """Return what became of a user's alerts, newest first: all, of one rule, or since a time."""
    rows = alerts.own_alerts(session, owner, rule_id=rule_id, since=since, limit=limit, offset=offset)
    told = alerts.deliveries_of(session, owner, [message_of(row) for row in rows])
    return [_happened(row, told.get(message_of(row), ()), ()) for row in rows]


def show(session: Session, owner: str, alert_id: str) -> Happened | None:
    """Return the whole way of one of a user's alerts, or None where it is not theirs."""
    row = alerts.own_alert(session, owner, alert_id)
    if row is None:
        return None
    message_id = message_of(row)
    told = alerts.deliveries_of(session, owner, [message_id])[message_id]
    found = _happened(row, told, alerts.steps_of(session, owner, [alert_id])[alert_id])
    carrier = alerts.own_alert(session, owner, row.carrier_id) if row.carrier_id else None
    return replace(found, message_ms=carrier.market_ms) if carrier else found


def message_of(row: Alert) -> str:
    """Return the alert whose message tells of this one."""
    return row.carrier_id or row.alert_id


def _happened(row: Alert, told: Sequence[Delivery], said: Sequence[AlertStep]) -> Happened:
    carried = row.action == Action.SEND.value or row.carrier_id is not None
    return Happened(
        alert_id=row.alert_id,
        rule_id=row.rule_id,
        symbol=row.symbol,
        severity=Severity(row.severity),
        market_ms=row.market_ms,
        price=row.price,
        headline=headline(fire_of(row)),
        action=row.action,
        verdict=_("told in the digest") if _digested(row) else _(VERDICTS.get(row.action, row.action)),
        reason=row.reason,
        sentence=words(row.reason),
        message_id=message_of(row) if carried else "",
        waits_until_ms=row.hold_until_ms,
        told=tuple(_told(d) for d in told),
        said=tuple(_said(s) for s in said),
    )


def _digested(row: Alert) -> bool:
    return row.action == Action.DIGEST.value and row.carrier_id is not None


def _told(row: Delivery) -> Told:
    verdict = _(STATES[State(row.state)])
    if row.reason.startswith(GONE):
        verdict = _("off: the place is gone")
    return Told(
        channel=row.channel,
        state=row.state,
        verdict=verdict,
        reason=row.reason,
        revision=row.revision,
        wall_ms=row.created_wall_ms,
    )


def _said(row: AlertStep) -> Said:
    return Said(
        at_ms=row.at_ms,
        stage=row.stage,
        action=row.action,
        reason=row.reason,
        sentence=words(row.reason),
    )
