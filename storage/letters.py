"""Let an operator look at deliveries, whoever's they are, and have lost ones sent once more."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from engine.errors import UserError
from storage.epochs import current_epoch
from storage.outbox import Change, State, log_changes
from storage.tables import Delivery, DeliveryEvent

LETTERS: Final = (State.FAILED, State.DEAD, State.EXPIRED)
"""States of dead letters: nothing is sent any more, though something was to be told."""
AGAIN: Final = "sent again by the operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries are looked for; an empty field asks for nothing."""

    states: Sequence[State] = LETTERS
    user: str = ""
    channel: str = ""
    limit: int = 50


def find_deliveries(session: Session, wanted: Wanted) -> list[Delivery]:
    """Return deliveries, newest first; edits of messages are left out."""
    query = select(Delivery).where(Delivery.state.in_(wanted.states), Delivery.revision == 0)
    if wanted.user:
        query = query.where(Delivery.user_id == wanted.user)
    if wanted.channel:
        query = query.where(Delivery.channel == wanted.channel)
    return list(session.scalars(query.order_by(Delivery.delivery_id.desc()).limit(wanted.limit)))


def tally(session: Session, *, since_wall_ms: int) -> dict[tuple[str, str], int]:
    """Return how many messages of each channel are in which state, edits left out."""
    query = select(Delivery.channel, Delivery.state, func.count()).where(
        Delivery.revision == 0, Delivery.created_wall_ms >= since_wall_ms
    )
    grouped = query.group_by(Delivery.channel, Delivery.state).order_by(Delivery.channel, Delivery.state)
    return {(channel, state): count for channel, state, count in session.execute(grouped)}


def get_delivery(session: Session, number: int) -> Delivery:
    """Return one delivery. Raise UserError where there is none of that number."""
    row = session.get(Delivery, number)
    if row is None:
        raise UserError(f"There is no delivery {number}.", example="liqwatch deliveries list")
    return row


def events_of(session: Session, number: int) -> list[DeliveryEvent]:
    """Return every transition of a delivery, the first first."""
    mine = select(DeliveryEvent).where(DeliveryEvent.delivery_id == number)
    return list(session.scalars(mine.order_by(DeliveryEvent.event_id)))


def siblings_of(session: Session, row: Delivery) -> list[Delivery]:
    """Return the other ways in which the same alert was, or is to be, told."""
    others = select(Delivery).where(
        Delivery.alert_id == row.alert_id, Delivery.delivery_id != row.delivery_id, Delivery.revision == 0
    )
    return list(session.scalars(others.order_by(Delivery.delivery_id)))


def requeue(session: Session, numbers: Iterable[int], *, wall_ms: int) -> list[Delivery]:
    """Have dead letters sent once more, now and with all their attempts; all of them or none.

    Raise UserError for one that is no dead letter.
    """
    rows = [get_delivery(session, number) for number in dict.fromkeys(numbers)]
    for row in rows:
        if row.state not in LETTERS or row.revision:
            told = "is an edit of a message" if row.revision else f"is {row.state}"
            raise UserError(
                f"Delivery {row.delivery_id} {told}: only {', '.join(LETTERS)} are sent again.",
                example="liqwatch deliveries list",
            )
    epoch = current_epoch(session)
    changes = []
    for row in rows:
        changes.append(
            Change(
                delivery_id=row.delivery_id,
                user_id=row.user_id,
                before=row.state,
                after=State.QUEUED,
                reason=AGAIN,
            )
        )
        row.state, row.reason, row.attempts = State.QUEUED.value, "", 0
        row.next_wall_ms, row.expires_wall_ms, row.epoch = wall_ms, None, epoch
    log_changes(session, changes, wall_ms)
    session.flush()
    return rows
