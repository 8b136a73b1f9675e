"""Keep alerts: one row for every fire, sent or not, and one row for each stage's word on it.

Times are market time unless they say `wall`. Functions that read a user's rows take the owner; those that
look after what waits (`due`, `void_before`) serve the pipeline, never a user.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from engine.alerts.stage import Action
from storage.tables import Alert, AlertStep, Delivery, User

TEST = "test"
DIGEST = "digest"
NOTICE = "notice"
REPORT = "report"
NOT_FIRES = (TEST, DIGEST, NOTICE, REPORT)
"""Kinds of alerts that no fire stands behind."""
VOID = "void"
"""Action of an alert that waited when its replay was moved back."""
WAITS = (Action.HOLD.value, Action.DIGEST.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One stage's word, to be written."""

    stage: str
    action: str
    reason: str


def add_steps(session: Session, alert: Alert, steps: Iterable[StepRow], at_ms: int) -> None:
    """Append what stages said of an alert."""
    rows = [
        {
            "alert_id": alert.alert_id,
            "user_id": alert.user_id,
            "at_ms": at_ms,
            "stage": step.stage,
            "action": step.action,
            "reason": step.reason[:200],
        }
        for step in steps
    ]
    if rows:
        session.execute(insert(AlertStep), rows)


def held_due(session: Session, now_ms: int, *, epoch: int, limit: int = 200) -> list[Alert]:
    """Return held alerts whose time has come, the earliest first."""
    return list(session.scalars(_due(Action.HOLD, now_ms, epoch).limit(limit)))


def digest_due(session: Session, now_ms: int, *, epoch: int) -> list[Alert]:
    """Return alerts that wait for a digest whose time has come."""
    return list(session.scalars(_due(Action.DIGEST, now_ms, epoch)))


def _due(action: Action, now_ms: int, epoch: int) -> Select[Alert]:
    return (
        select(Alert)
        .where(Alert.action == action.value, Alert.hold_until_ms <= now_ms, Alert.epoch == epoch)
        .order_by(Alert.hold_until_ms, Alert.market_ms, Alert.alert_id)
    )


def due_times(session: Session, *, epoch: int) -> list[int]:
    """Return every time at which something that waits falls due."""
    query = select(Alert.hold_until_ms).where(
        Alert.action.in_(WAITS), Alert.hold_until_ms.is_not(None), Alert.epoch == epoch
    )
    return sorted({int(t) for t in session.scalars(query.distinct()) if t is not None})


def bring_forward(
    session: Session, reasons: Sequence[str], now_ms: int, *, owner: str = "", symbol: str = ""
) -> int:
    """Let held alerts of a user or a symbol be looked at now, because what they wait for has changed."""
    which = [Alert.action == Action.HOLD.value, Alert.reason.in_(reasons), Alert.hold_until_ms > now_ms]
    if owner:
        which.append(Alert.user_id == owner)
    if symbol:
        which.append(Alert.symbol == symbol)
    moved = session.scalars(
        update(Alert).where(*which).values(hold_until_ms=now_ms).returning(Alert.alert_id)
    )
    return len(moved.all())


def carried(session: Session, owner: str, carrier_id: str) -> tuple[int, Alert | None]:
    """Return how many alerts ride along in a message, and the latest of them."""
    folded = (
        Alert.user_id == owner,
        Alert.carrier_id == carrier_id,
        Alert.action == Action.FOLD.value,
    )
    count = session.scalar(select(func.count()).select_from(Alert).where(*folded)) or 0
    latest = session.scalars(
        select(Alert).where(*folded).order_by(Alert.market_ms.desc(), Alert.alert_id.desc()).limit(1)
    ).first()
    return count, latest


def carried_by(session: Session, owner: str, carrier_id: str) -> list[Alert]:
    """Return every alert that a message carries, oldest first."""
    query = select(Alert).where(Alert.user_id == owner, Alert.carrier_id == carrier_id)
    return list(session.scalars(query.order_by(Alert.market_ms, Alert.alert_id)))


def waiting_before(session: Session, epoch: int) -> list[Alert]:
    """Return what waits since before an epoch."""
    query = select(Alert).where(
        Alert.action.in_(WAITS), Alert.hold_until_ms.is_not(None), Alert.epoch < epoch
    )
    return list(session.scalars(query))


def own_alert(session: Session, owner: str, alert_id: str) -> Alert | None:
    """Return one of a user's alerts, or None where it is not theirs."""
    return session.scalars(
        select(Alert).where(Alert.alert_id == alert_id, Alert.user_id == owner)
    ).one_or_none()


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Since when: a market time of fires, or when they were decided by the machine's clock."""

    market_ms: int = 0
    wall_ms: int = 0


EVER = Since()


def own_alerts(
    session: Session,
    owner: str,
    *,
    rule_id: int | None = None,
    since: Since = EVER,
    limit: int,
    offset: int = 0,
) -> list[Alert]:
    """Return a user's alerts of real fires, newest first."""
    query = select(Alert).where(
        Alert.user_id == owner,
        Alert.kind.not_in(NOT_FIRES),
        Alert.market_ms >= since.market_ms,
        Alert.wall_ms >= since.wall_ms,
    )
    if rule_id is not None:
        query = query.where(Alert.rule_id == rule_id)
    ordered = query.order_by(Alert.wall_ms.desc(), Alert.market_ms.desc(), Alert.alert_id)
    return list(session.scalars(ordered.limit(limit).offset(offset)))


def steps_of(session: Session, owner: str, alert_ids: Sequence[str]) -> dict[str, list[AlertStep]]:
    """Return every stage's word on some of a user's alerts, in order."""
    found: dict[str, list[AlertStep]] = {alert_id: [] for alert_id in alert_ids}
    query = select(AlertStep).where(AlertStep.user_id == owner, AlertStep.alert_id.in_(alert_ids))
    for step in session.scalars(query.order_by(AlertStep.step_id)):
        found[step.alert_id].append(step)
    return found


def deliveries_of(session: Session, owner: str, alert_ids: Sequence[str]) -> dict[str, list[Delivery]]:
    """Return where some of a user's alerts went, in order."""
    found: dict[str, list[Delivery]] = {alert_id: [] for alert_id in alert_ids}
    query = select(Delivery).where(Delivery.user_id == owner, Delivery.alert_id.in_(alert_ids))
    for row in session.scalars(query.order_by(Delivery.delivery_id)):
        found[row.alert_id].append(row)
    return found


def forget_old(session: Session, *, before_wall_ms: int, limit: int = 2_000) -> int:
    """Remove the oldest alerts that nothing waits for, with their steps and deliveries; return how many."""
    old = (
        select(Alert.alert_id)
        .where(
            Alert.wall_ms < before_wall_ms,
            or_(Alert.action.not_in(WAITS), Alert.hold_until_ms.is_(None)),
        )
        .order_by(Alert.wall_ms)
        .limit(limit)
    )
    gone = session.scalars(
        delete(Alert)
        .where(Alert.alert_id.in_(old))
        .returning(Alert.alert_id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def known_users(session: Session, user_ids: Iterable[str]) -> set[str]:
    """Return which of some users there are."""
    return set(session.scalars(select(User.user_id).where(User.user_id.in_(list(user_ids)))))


def values_of(alert: Alert) -> dict[str, Any]:
    """Return the columns of an alert that analytics keep."""
    names = ("user_id", "alert_id", "rule_id", "market_ms", "wall_ms", "symbol", "kind", "severity")
    more = ("subject", "price", "action", "reason", "epoch")
    return {name: getattr(alert, name) for name in (*names, *more)}
