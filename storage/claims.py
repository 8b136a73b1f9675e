"""Let a worker take deliveries under a lease: what is due, the most severe first, users in turn."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Select,
    bindparam,
    exists,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from engine.model import Severity
from storage.outbox import (
    ARRIVED,
    URGENT_PRIORITY,
    WAITING,
    Change,
    State,
    log_changes,
)
from storage.tables import Delivery, DeliveryEvent

LAST_PRIORITY = 99
WINDOW = 96
"""How many waiting rows of a kind are put in order at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one channel can take now: `urgent` slots for criticals, `ordinary` ones for the rest.

    `shut` names destinations that must wait by their limits, `busy` those to which something is under way,
    `urgent_busy` those to which a critical is: nothing lesser ever holds a critical up. `served` counts what
    each user was sent since the channel was last idle: who had less comes first.
    """

    channel: str
    urgent: int
    ordinary: int
    shut: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    urgent_busy: frozenset[str] = frozenset()
    served: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who claims, at what wall time, for how long; rows of an older replay epoch are left alone."""

    owner: str
    wall_ms: int
    lease_ms: int
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One delivery in the hands of a worker. `remote_id` is the message to edit, for an edit."""

    delivery_id: int
    key: str
    revision: int
    alert_id: str
    user_id: str
    channel: str
    destination: str
    severity: Severity
    attempts: int
    message: dict[str, Any]
    remote_id: str | None
    market_ms: int
    created_wall_ms: int
    epoch: int
    owner: str
    may_repeat: bool


class _Candidate(NamedTuple):
    delivery_id: int
    state: str
    destination: str
    priority: int
    user_id: str


def claim(session: Session, asks: Sequence[Ask], lease: Lease) -> list[Claimed]:
    """Take what is due, the most severe first and users in turn; one row per destination at a time."""
    taken: list[Claimed] = []
    for ask in asks:
        urgent = _candidates(session, ask, lease, ask.shut | ask.urgent_busy, urgent=True, limit=ask.urgent)
        skip = ask.shut | ask.busy | {row.destination for row in urgent}
        ordinary_limit = ask.ordinary - len(urgent)
        ordinary = _candidates(session, ask, lease, skip, urgent=False, limit=ordinary_limit)
        taken += _take(session, [*urgent, *ordinary], lease)
    return taken


def _candidates(
    session: Session, ask: Ask, lease: Lease, skip: Collection[str], *, urgent: bool, limit: int
) -> list[_Candidate]:
    """Return the rows to take, in the order they should be sent."""
    if limit <= 0:
        return []
    values = {
        "wall_ms": lease.wall_ms,
        "channel": ask.channel,
        "epoch": lease.epoch,
        "first": 0 if urgent else URGENT_PRIORITY + 1,
        "last": URGENT_PRIORITY if urgent else LAST_PRIORITY,
        "skip": list(skip),
    }
    rows = _read(session, values)
    chosen = _in_turn(rows, ask.served)[:limit]
    if len(rows) >= WINDOW and _some_had_more(chosen, ask.served):
        rows += _read(session, values | {"users": list({row.user_id for row in rows})})
        chosen = _in_turn(rows, ask.served)[:limit]
    return chosen


def _some_had_more(chosen: Sequence[_Candidate], served: Mapping[str, int]) -> bool:
    """Say whether somebody would be sent to again, while others may wait who had less."""
    return any(served.get(row.user_id) for row in chosen) or len({row.user_id for row in chosen}) < len(
        chosen
    )


def _read(session: Session, values: dict[str, Any]) -> list[_Candidate]:
    """Return the first rows that wait, so many of each state, without those of some `users`."""
    return [_Candidate(*row) for row in session.execute(_waiting(), {"users": [], **values})]


@cache
def _waiting() -> CompoundSelect[Any]:
    """Return the query for what waits and is due; built once, because building takes longer than running."""
    return union_all(*(_window(state) for state in WAITING))


def _window(state: State) -> Select[Any]:
    """Return the first rows of one state in the order of the index; ranking more would cost more.

    An edit is due only once every revision before it is settled.
    """
    row = Delivery.__table__.c
    earlier = Delivery.__table__.alias()
    unsettled = exists().where(
        earlier.c.key == row.key,
        earlier.c.revision < row.revision,
        earlier.c.state.in_([*WAITING, State.SENDING]),
    )
    wall_ms: BindParameter[int] = bindparam("wall_ms")
    query = select(row.delivery_id, row.state, row.destination, row.priority, row.user_id).where(
        row.state == state.value,
        row.priority.between(bindparam("first"), bindparam("last")),
        row.next_wall_ms <= wall_ms,
        row.channel == bindparam("channel"),
        row.epoch >= bindparam("epoch"),
        or_(row.expires_wall_ms.is_(None), row.expires_wall_ms > wall_ms),
        or_(row.revision == 0, ~unsettled),
        row.destination.not_in(bindparam("skip", expanding=True)),
        row.user_id.not_in(bindparam("users", expanding=True)),
    )
    return select(query.order_by(row.priority, row.next_wall_ms).limit(WINDOW).subquery())


def _in_turn(rows: list[_Candidate], served: Mapping[str, int]) -> list[_Candidate]:
    """Order rows by severity, then by how much each user was served lately; one row per destination."""
    turns = Counter(served)
    ranked: list[tuple[int, int, _Candidate]] = []
    places: set[str] = set()
    for row in sorted(rows, key=lambda r: (r.priority, r.delivery_id)):
        if row.destination in places:
            continue
        places.add(row.destination)
        ranked.append((row.priority, turns[row.user_id], row))
        turns[row.user_id] += 1
    ranked.sort(key=lambda entry: (entry[0], entry[1], entry[2].delivery_id))
    return [row for _, _, row in ranked]


def _take(session: Session, rows: Sequence[_Candidate], lease: Lease) -> list[Claimed]:
    """Mark candidates as being sent; those another worker took meanwhile are left out."""
    if not rows:
        return []
    before = {row.delivery_id: row.state for row in rows}
    got = session.scalars(
        update(Delivery)
        .where(Delivery.delivery_id.in_(before), Delivery.state.in_(WAITING))
        .values(
            state=State.SENDING.value,
            attempts=Delivery.attempts + 1,
            lease_owner=lease.owner,
            lease_wall_ms=lease.wall_ms + lease.lease_ms,
        )
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    changes = [
        Change(
            delivery_id=row.delivery_id,
            user_id=row.user_id,
            before=before[row.delivery_id],
            after=State.SENDING,
            reason=f"attempt {row.attempts}",
        )
        for row in got
    ]
    log_changes(session, changes, lease.wall_ms)
    repeats = _repeats(session, list(before))
    by_id = {row.delivery_id: row for row in got}
    ordered = [by_id[row.delivery_id] for row in rows if row.delivery_id in by_id]
    return [_claimed(session, row, may_repeat=row.delivery_id in repeats) for row in ordered]


def _repeats(session: Session, ids: list[int]) -> set[int]:
    """Return which deliveries were once UNKNOWN: sending them again may repeat them."""
    return set(
        session.scalars(
            select(DeliveryEvent.delivery_id).where(
                DeliveryEvent.delivery_id.in_(ids), DeliveryEvent.to_state == State.UNKNOWN
            )
        )
    )


def _claimed(session: Session, row: Delivery, *, may_repeat: bool) -> Claimed:
    """Return a row as the worker needs it, for an edit with the message that it edits."""
    remote_id = None
    if row.revision > 0:
        remote_id = session.scalar(
            select(Delivery.remote_id)
            .where(
                Delivery.key == row.key,
                Delivery.revision < row.revision,
                Delivery.state.in_(ARRIVED),
                Delivery.remote_id.is_not(None),
            )
            .order_by(Delivery.revision.desc())
            .limit(1)
        )
    return Claimed(
        delivery_id=row.delivery_id,
        key=row.key,
        revision=row.revision,
        alert_id=row.alert_id,
        user_id=row.user_id,
        channel=row.channel,
        destination=row.destination,
        severity=Severity(row.severity),
        attempts=row.attempts,
        message=row.message,
        remote_id=remote_id,
        market_ms=row.market_ms,
        created_wall_ms=row.created_wall_ms,
        epoch=row.epoch,
        owner=row.lease_owner or "",
        may_repeat=may_repeat,
    )
