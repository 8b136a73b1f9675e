"""Check that nothing is forgotten: no delivery past its deadline, no alert without its way and its end."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from engine.alerts.stage import Action
from engine.model import DAY_MS
from storage.epochs import current_epoch
from storage.outbox import WAITING, State
from storage.tables import Alert, AlertStep, Delivery

GRACE_WALL_MS = 120_000
"""How far past its time (wall clock) a delivery may be before that is a finding."""
GRACE_MARKET_MS = 900_000
"""How far past its time (market clock) a held alert or digest may be."""
MOST = 50
"""How many findings of a kind are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that should not be: what, and of which row."""

    what: str
    row: str


def audit(session: Session, *, wall_ms: int, now_ms: int) -> list[Finding]:
    """Return everything that should not be; nothing is changed."""
    late_ms = wall_ms - GRACE_WALL_MS
    epoch = current_epoch(session)
    found: list[Finding] = []
    sending = (Delivery.state == State.SENDING.value, Delivery.lease_wall_ms < late_ms)
    found += _deliveries(session, "a lease ran out and nobody took over", *sending)
    expired = (Delivery.state.in_(WAITING), Delivery.expires_wall_ms < late_ms)
    found += _deliveries(session, "not expired though its time to live is over", *expired)
    overdue = (
        Delivery.state.in_(WAITING),
        Delivery.next_wall_ms < late_ms,
        Delivery.epoch >= epoch,
        Delivery.expires_wall_ms.is_(None),
    )
    found += _deliveries(session, "due and not tried", *overdue)
    found += _alerts(session, now_ms, epoch, Alert.wall_ms >= wall_ms - DAY_MS)
    return found


def _deliveries(session: Session, what: str, *which: ColumnElement[bool]) -> list[Finding]:
    ids = session.scalars(select(Delivery.delivery_id).where(*which).limit(MOST))
    return [Finding(what=what, row=f"delivery {i}") for i in ids]


def _alerts(session: Session, now_ms: int, epoch: int, recent: ColumnElement[bool]) -> list[Finding]:
    """Check that every recent alert has its way, and a message, a carrier or a reason."""
    stepped = exists().where(AlertStep.alert_id == Alert.alert_id)
    posted = exists().where(Delivery.alert_id == Alert.alert_id)
    other = aliased(Alert)
    carrier = exists().where(other.alert_id == Alert.carrier_id)
    waits = Alert.action.in_([Action.HOLD.value, Action.DIGEST.value])
    checks: dict[str, tuple[ColumnElement[bool], ...]] = {
        "no stage's word on it": (~stepped,),
        "no reason": (Alert.reason == "",),
        "sent, but nowhere": (Alert.action == Action.SEND.value, ~posted),
        "carried by no message": (Alert.action == Action.FOLD.value, ~carrier),
        "waits for nothing": (waits, Alert.hold_until_ms.is_(None), Alert.carrier_id.is_(None)),
        "waits past its time": (
            waits,
            Alert.hold_until_ms < now_ms - GRACE_MARKET_MS,
            Alert.epoch == epoch,
        ),
    }
    found: list[Finding] = []
    for what, which in checks.items():
        ids = session.scalars(select(Alert.alert_id).where(recent, *which).limit(MOST))
        found += [Finding(what=what, row=f"alert {i}") for i in ids]
    return found
