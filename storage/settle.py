"""Write down what became of deliveries that a worker took.

A claim is fenced by (lease owner, attempt number): a worker that lost its lease changes nothing any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from storage.claims import Claimed
from storage.outbox import (
    ARRIVED,
    CHUNK,
    LOST,
    WAITING,
    Change,
    State,
    arrived,
    close,
    log_changes,
    supersede,
)
from storage.tables import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt."""

    claimed: Claimed
    state: State
    reason: str = ""
    remote_id: str | None = None
    next_wall_ms: int = 0


def settle(session: Session, outcomes: Sequence[Outcome], wall_ms: int) -> list[bool]:
    """Write what became of attempts; False for each whose lease was lost meanwhile."""
    changes: list[Change] = []
    marks = [_settle_one(session, outcome, wall_ms, changes) for outcome in outcomes]
    log_changes(session, changes, wall_ms)
    return marks


def _settle_one(session: Session, outcome: Outcome, wall_ms: int, changes: list[Change]) -> bool:
    """Move one row out of SENDING, if it is still ours, and add that to the changes to be written down."""
    mine = outcome.claimed
    done = session.execute(
        update(Delivery)
        .where(_still_ours(mine))
        .values(
            state=outcome.state.value,
            reason=outcome.reason[:200],
            remote_id=outcome.remote_id,
            next_wall_ms=outcome.next_wall_ms,
            lease_owner=None,
            lease_wall_ms=None,
        )
        .returning(Delivery.delivery_id)
        .execution_options(synchronize_session=False)
    ).first()
    if done is None:
        return _already_shown(session, outcome)
    change = Change(
        delivery_id=mine.delivery_id,
        user_id=mine.user_id,
        before=State.SENDING,
        after=outcome.state,
        reason=outcome.reason,
    )
    changes.append(change)
    if outcome.state in LOST:
        _void_edits(session, mine.key, wall_ms)
    elif outcome.state in WAITING and mine.revision > 0:
        supersede(session, [mine.key], wall_ms)
    return True


def _still_ours(mine: Claimed) -> ColumnElement[bool]:
    return and_(
        Delivery.delivery_id == mine.delivery_id,
        Delivery.lease_owner == mine.owner,
        Delivery.attempts == mine.attempts,
        Delivery.state == State.SENDING.value,
    )


def _already_shown(session: Session, outcome: Outcome) -> bool:
    """Keep the remote id of a message whose receipt came before this mark; it did arrive."""
    row = session.get(Delivery, outcome.claimed.delivery_id, populate_existing=True)
    if row is None or row.state not in (State.DELIVERED, State.ACKED):
        return False
    row.remote_id = row.remote_id or outcome.remote_id
    return True


def _void_edits(session: Session, key: str, wall_ms: int) -> None:
    """Void the edits that wait for a message which will never arrive."""
    if arrived(session, key):
        return
    rows = session.execute(
        select(Delivery.delivery_id, Delivery.user_id, Delivery.state).where(
            Delivery.key == key, Delivery.revision > 0, Delivery.state.in_(WAITING)
        )
    ).all()
    found = [(r.delivery_id, r.user_id, r.state) for r in rows]
    close(session, found, State.VOID, "the message it edits never arrived", wall_ms)


def reap(session: Session, wall_ms: int, *, epoch: int, all_leases: bool = False) -> int:
    """Give up on leases that ran out; return how many sends have an unknown end.

    `all_leases` is for the start of a process that owns its stores alone: whoever held a lease is dead.
    """
    ran_out = [Delivery.state == State.SENDING.value]
    if not all_leases:
        ran_out.append(Delivery.lease_wall_ms <= wall_ms)
    rows = session.execute(
        select(
            Delivery.delivery_id,
            Delivery.user_id,
            Delivery.state,
            Delivery.epoch,
            Delivery.key,
            Delivery.revision,
        ).where(*ran_out)
    ).all()
    old = [(r.delivery_id, r.user_id, r.state) for r in rows if r.epoch < epoch]
    live = [(r.delivery_id, r.user_id, r.state) for r in rows if r.epoch >= epoch]
    close(session, old, State.VOID, "the replay was moved back", wall_ms)
    close(session, live, State.UNKNOWN, "the sender stopped before it knew", wall_ms)
    supersede(session, [r.key for r in rows if r.revision > 0], wall_ms)
    return len(live)


def expire(session: Session, wall_ms: int) -> list[str]:
    """Expire what waited past its time to live; return the alerts of which nothing arrived anywhere."""
    rows = session.execute(
        select(
            Delivery.delivery_id,
            Delivery.user_id,
            Delivery.state,
            Delivery.alert_id,
            Delivery.key,
            Delivery.revision,
        ).where(Delivery.state.in_(WAITING), Delivery.expires_wall_ms <= wall_ms)
    ).all()
    found = [(r.delivery_id, r.user_id, r.state) for r in rows]
    close(session, found, State.EXPIRED, "not sent within its time to live", wall_ms)
    first = [r for r in rows if r.revision == 0]
    for row in first:
        _void_edits(session, row.key, wall_ms)
    alerts = list(dict.fromkeys(r.alert_id for r in first))
    reached: set[str] = set()
    for start in range(0, len(alerts), CHUNK):
        part = alerts[start : start + CHUNK]
        reached.update(
            session.scalars(
                select(Delivery.alert_id).where(
                    Delivery.alert_id.in_(part), Delivery.state.in_([*ARRIVED, *WAITING, State.SENDING])
                )
            )
        )
    return [a for a in alerts if a not in reached]


def next_due_ms(session: Session, wall_ms: int) -> int | None:
    """Return when the next delivery that is not due yet will be, or None where none waits for a time."""
    return session.scalar(
        select(func.min(Delivery.next_wall_ms)).where(
            Delivery.state.in_(WAITING), Delivery.next_wall_ms > wall_ms
        )
    )
