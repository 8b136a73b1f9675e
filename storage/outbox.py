"""Keep the outbox: which alert goes where, in which state, and how it came to that state.

A row is written in the transaction that decides the alert, claimed under a lease, and marked after the
far end answered. Every transition is appended to `delivery_events`. docs/delivery.md explains the states.
All times here are the machine's clock (`*_wall_ms`) unless they say `market`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.orm import Session

from engine.model import Severity
from storage.tables import Delivery, DeliveryEvent


class State(StrEnum):
    """Where a delivery stands."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    RETRY = "RETRY"
    ACCEPTED = "ACCEPTED"
    DELIVERED = "DELIVERED"
    ACKED = "ACKED"
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    DEAD = "DEAD"
    VOID = "VOID"


WAITING = (State.QUEUED, State.RETRY, State.UNKNOWN)
"""States that a worker may claim."""
ARRIVED = (State.ACCEPTED, State.DELIVERED, State.ACKED)
"""States in which the far end has the message."""
LOST = (State.FAILED, State.EXPIRED, State.DEAD, State.VOID)
"""States from which nothing is sent any more."""
URGENT_PRIORITY = 1
"""Criticals and their edits: the priorities that reserved slots are kept for."""
EDIT_GAP_MS = 2_000
"""How long an edit waits after the revision before it, so that a burst becomes one edit."""
GONE = "gone: "
"""How the reason of a delivery begins whose destination no longer exists."""
CHUNK = 500
"""How many rows one statement names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message to write to the outbox. `expires_wall_ms` None never expires (criticals)."""

    alert_id: str
    user_id: str
    channel: str
    destination: str
    severity: Severity
    message: dict[str, Any]
    market_ms: int
    epoch: int
    expires_wall_ms: int | None = None


def delivery_key(alert_id: str, channel: str, destination: str) -> str:
    """Return the idempotency key of one alert at one destination."""
    return hashlib.sha256(f"{alert_id}|{channel}|{destination}".encode()).hexdigest()


def priority_of(severity: Severity, *, edit: bool = False) -> int:
    """Order sends: criticals first, edits after first messages of the same severity."""
    return 2 * (Severity.CRITICAL.rank - severity.rank) + int(edit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One transition of one delivery, as it is appended to its history."""

    delivery_id: int
    user_id: str
    before: str
    after: str
    reason: str


def log_changes(session: Session, changes: Iterable[Change], wall_ms: int) -> None:
    """Append transitions to the history."""
    rows = [
        {
            "delivery_id": c.delivery_id,
            "user_id": c.user_id,
            "wall_ms": wall_ms,
            "from_state": c.before,
            "to_state": c.after,
            "reason": c.reason[:200],
        }
        for c in changes
    ]
    if rows:
        session.execute(insert(DeliveryEvent), rows)


def enqueue(session: Session, out: Outgoing, wall_ms: int, *, reason: str = "") -> int | None:
    """Queue a first message; return its delivery id, or None where that alert is already queued there."""
    key = delivery_key(out.alert_id, out.channel, out.destination)
    if session.scalar(select(Delivery.delivery_id).where(Delivery.key == key).limit(1)) is not None:
        return None
    return _insert(session, out, wall_ms, revision=0, next_wall_ms=wall_ms, reason=reason or "queued")


def revise(session: Session, alert_id: str, message: dict[str, Any], wall_ms: int, *, epoch: int) -> int:
    """Change what every message of an alert says; return how many messages will be changed.

    A message that was not sent yet is rewritten where it waits. One that was sent gets an edit, and an edit
    that still waits is rewritten, so that at most one edit per message is pending.
    """
    latest = (
        select(Delivery.key, func.max(Delivery.revision).label("revision"))
        .where(Delivery.alert_id == alert_id)
        .group_by(Delivery.key)
        .subquery()
    )
    rows = session.scalars(
        select(Delivery).join(
            latest, and_(Delivery.key == latest.c.key, Delivery.revision == latest.c.revision)
        )
    ).all()
    return sum(_revise_one(session, row, message, wall_ms, epoch) for row in rows)


def _revise_one(session: Session, last: Delivery, message: dict[str, Any], wall_ms: int, epoch: int) -> int:
    """Rewrite or follow the latest revision of one message; return 1 where something will be sent."""
    if last.state in (State.QUEUED, State.RETRY):
        last.message = message
        session.flush()
        change = Change(
            delivery_id=last.delivery_id,
            user_id=last.user_id,
            before=last.state,
            after=last.state,
            reason="rewritten before it was sent",
        )
        log_changes(session, [change], wall_ms)
        return 1
    if last.state in LOST and not arrived(session, last.key):
        return 0
    out = Outgoing(
        alert_id=last.alert_id,
        user_id=last.user_id,
        channel=last.channel,
        destination=last.destination,
        severity=Severity(last.severity),
        message=message,
        market_ms=last.market_ms,
        epoch=epoch,
        expires_wall_ms=None if last.expires_wall_ms is None else wall_ms + _ttl_of(last),
    )
    due = max(wall_ms, last.created_wall_ms + EDIT_GAP_MS)
    _insert(session, out, wall_ms, revision=last.revision + 1, next_wall_ms=due, reason="edit of a message")
    supersede(session, [last.key], wall_ms)
    return 1


def supersede(session: Session, keys: Sequence[str], wall_ms: int) -> None:
    """Void every edit of these messages that waits before a later one: the last text is the one to send."""
    for start in range(0, len(keys), CHUNK):
        rows = session.execute(
            select(Delivery.key, Delivery.delivery_id, Delivery.user_id, Delivery.state)
            .where(
                Delivery.key.in_(keys[start : start + CHUNK]),
                Delivery.revision > 0,
                Delivery.state.in_(WAITING),
            )
            .order_by(Delivery.key, Delivery.revision.desc())
        ).all()
        last: set[str] = set()
        older = []
        for row in rows:
            if row.key in last:
                older.append((row.delivery_id, row.user_id, row.state))
            last.add(row.key)
        if older:
            close(session, older, State.VOID, "a later edit says it all", wall_ms)
            session.expire_all()  # rows at hand were changed behind their backs


def arrived(session: Session, key: str) -> bool:
    """Say whether any revision of a message arrived."""
    query = select(Delivery.delivery_id).where(Delivery.key == key, Delivery.state.in_(ARRIVED))
    return session.scalar(query.limit(1)) is not None


def _ttl_of(row: Delivery) -> int:
    """Return how long a delivery was given to live."""
    return (row.expires_wall_ms or row.created_wall_ms) - row.created_wall_ms


def _insert(
    session: Session, out: Outgoing, wall_ms: int, *, revision: int, next_wall_ms: int, reason: str
) -> int:
    """Write one row and its first transition."""
    row = Delivery(
        key=delivery_key(out.alert_id, out.channel, out.destination),
        revision=revision,
        alert_id=out.alert_id,
        user_id=out.user_id,
        channel=out.channel,
        destination=out.destination,
        severity=out.severity.value,
        priority=priority_of(out.severity, edit=revision > 0),
        state=State.QUEUED.value,
        reason="",
        attempts=0,
        message=out.message,
        market_ms=out.market_ms,
        created_wall_ms=wall_ms,
        next_wall_ms=next_wall_ms,
        expires_wall_ms=out.expires_wall_ms,
        epoch=out.epoch,
    )
    session.add(row)
    session.flush()
    change = Change(
        delivery_id=row.delivery_id, user_id=out.user_id, before="", after=State.QUEUED, reason=reason
    )
    log_changes(session, [change], wall_ms)
    return row.delivery_id


def disabled_reason(session: Session, user_id: str, channel: str, destination: str) -> str | None:
    """Return why a destination is off, or None where it is usable.

    A destination is off once the far end said that it is gone, until a later message arrives there.
    """
    row = session.execute(
        select(Delivery.state, Delivery.reason)
        .where(
            Delivery.user_id == user_id,
            Delivery.channel == channel,
            Delivery.destination == destination,
            Delivery.state.in_([State.FAILED, *ARRIVED]),
        )
        .order_by(Delivery.delivery_id.desc())
        .limit(1)
    ).first()
    if row is None or row.state != State.FAILED or not row.reason.startswith(GONE):
        return None
    return str(row.reason)


def void_open(session: Session, *, before_epoch: int, wall_ms: int, reason: str) -> int:
    """Void what waits from before an epoch; return how many messages that were."""
    rows = session.execute(
        select(Delivery.delivery_id, Delivery.user_id, Delivery.state).where(
            Delivery.state.in_(WAITING), Delivery.epoch < before_epoch
        )
    ).all()
    close(session, [(r.delivery_id, r.user_id, r.state) for r in rows], State.VOID, reason, wall_ms)
    return len(rows)


def close(
    session: Session, rows: list[tuple[int, str, str]], state: State, reason: str, wall_ms: int
) -> None:
    """Move rows of (delivery id, user id, state before) to a final state."""
    ids = [row[0] for row in rows]
    values = {"state": state.value, "reason": reason[:200], "lease_wall_ms": None, "lease_owner": None}
    for start in range(0, len(ids), CHUNK):
        session.execute(
            update(Delivery)
            .where(Delivery.delivery_id.in_(ids[start : start + CHUNK]))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
    changes = [
        Change(delivery_id=i, user_id=user, before=before, after=state, reason=reason)
        for i, user, before in rows
    ]
    log_changes(session, changes, wall_ms)


def receipt(session: Session, user_id: str, delivery_id: int, state: State, wall_ms: int) -> bool:
    """Record that a user's message was shown (DELIVERED) or pressed (ACKED); never of somebody else's.

    A page may answer before its send is marked, so a row that is still SENDING is taken too.
    """
    before = session.execute(
        select(Delivery.state, Delivery.alert_id).where(
            Delivery.delivery_id == delivery_id, Delivery.user_id == user_id
        )
    ).first()
    lower = {State.DELIVERED: ("DELIVERED", "ACKED"), State.ACKED: ("ACKED",)}[state]
    if before is None or before.state in (*lower, *LOST):
        return False
    close(session, [(delivery_id, user_id, before.state)], state, "", wall_ms)
    return True
