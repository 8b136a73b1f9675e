"""Read the outbox as a user's inbox: what was or will be shown to them on one channel."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from storage.outbox import LOST, State
from storage.tables import Delivery

SHOWN = (State.DELIVERED, State.ACKED)
FIRST = aliased(Delivery, name="first")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message: what its latest revision says. `delivery_id` is that revision's."""

    delivery_id: int
    alert_id: str
    severity: str
    message: dict[str, Any]
    market_ms: int
    revision: int
    unread: bool


def entries(
    session: Session, user_id: str, channel: str, *, limit: int, before: int | None = None
) -> list[Entry]:
    """Return a user's messages, newest first, each once; `before` is the delivery id to go on from.

    A message is as new as its first revision: an edit does not move it.
    """
    query = _query(user_id, channel)
    if before is not None:
        key = select(Delivery.key).where(Delivery.delivery_id == before, Delivery.user_id == user_id)
        first = select(func.min(Delivery.delivery_id)).where(Delivery.key == key.scalar_subquery())
        query = query.where(FIRST.delivery_id < first.scalar_subquery())
    query = query.order_by(FIRST.delivery_id.desc()).limit(limit)
    return [_entry(row[0], row[1]) for row in session.execute(query)]


def entry(session: Session, user_id: str, channel: str, delivery_id: int) -> Entry | None:
    """Return one of a user's messages by the id of any of its revisions, or None where it is not theirs."""
    key = select(Delivery.key).where(Delivery.delivery_id == delivery_id, Delivery.user_id == user_id)
    query = _query(user_id, channel).where(FIRST.key == key.scalar_subquery())
    row = session.execute(query).first()
    return None if row is None else _entry(row[0], row[1])


def unread(session: Session, user_id: str, channel: str) -> int:
    """Return how many of a user's messages were not shown on any front yet."""
    shown = aliased(Delivery)
    seen = select(shown.key).where(shown.key == Delivery.key, shown.state.in_(SHOWN)).exists()
    return (
        session.scalar(
            select(func.count())
            .select_from(Delivery)
            .where(
                Delivery.user_id == user_id,
                Delivery.channel == channel,
                Delivery.revision == 0,
                Delivery.state.not_in(LOST),
                ~seen,
            )
        )
        or 0
    )


def _query(user_id: str, channel: str) -> Select[Delivery, int]:
    """Return the latest revision of each message that was not lost, and whether any revision was shown."""
    latest = (
        select(Delivery.key, func.max(Delivery.revision).label("revision"))
        .where(Delivery.user_id == user_id, Delivery.channel == channel, Delivery.state.not_in(LOST))
        .group_by(Delivery.key)
        .subquery()
    )
    other = aliased(Delivery, name="other")
    shown = (
        select(func.count())
        .select_from(other)
        .where(other.key == Delivery.key, other.state.in_(SHOWN))
        .correlate(Delivery)
        .scalar_subquery()
    )
    return (
        select(Delivery, shown)
        .join(latest, and_(Delivery.key == latest.c.key, Delivery.revision == latest.c.revision))
        .join(FIRST, and_(FIRST.key == Delivery.key, FIRST.revision == 0))
        .where(FIRST.state.not_in(LOST))
    )


def _entry(row: Delivery, shown: int) -> Entry:
    return Entry(
        delivery_id=row.delivery_id,
        alert_id=row.alert_id,
        severity=row.severity,
        message=row.message,
        market_ms=row.market_ms,
        revision=row.revision,
        unread=shown == 0,
    )
