"""Keep what evaluating rules remembers, row by row: values, leaves held, waits, fires not yet decided.

Rows of an older epoch do not bind. Times are market time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from storage.tables import FeatureValue, FollowUp, Rule, RuleMemory, WaitingHit

HELD, WAIT, SPENT = "held", "wait", "spent"
CHUNK: Final = 500
"""How many numbers one query names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """What a feature or switch last was; `at_ms` is up to when its market was seen."""

    key: str
    symbol: str
    value: float
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRow:
    """What is remembered of one rule, as described at `storage.tables.RuleMemory`."""

    rule_id: int
    what: str
    place: int
    key: str = ""
    value: float = 0.0
    since_ms: int = 0
    leaf: int = 0

    @property
    def name(self) -> tuple[int, str, int]:
        """Return what tells the row from others."""
        return self.rule_id, self.what, self.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What has changed since memory was last written, nothing else."""

    values: Sequence[ValueRow] = ()
    gone_keys: Sequence[str] = ()
    rows: Sequence[MemoryRow] = ()
    gone_rows: Sequence[tuple[int, str, int]] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.gone_keys or self.rows or self.gone_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that is remembered of an epoch; `hits` are fires not yet decided, by their numbers."""

    values: list[ValueRow] = field(default_factory=list)
    rows: list[MemoryRow] = field(default_factory=list)
    hits: dict[int, dict[str, Any]] = field(default_factory=dict)


def read_memory(session: Session, *, epoch: int) -> Kept:
    """Return what is remembered of an epoch."""
    values = select(FeatureValue.key, FeatureValue.symbol, FeatureValue.value, FeatureValue.at_ms)
    names = ("rule_id", "what", "place", "key", "value", "since_ms", "leaf")
    rows = select(*(getattr(RuleMemory, name) for name in names)).where(RuleMemory.epoch == epoch)
    hits = select(WaitingHit).where(WaitingHit.epoch == epoch).order_by(WaitingHit.hit_id)
    return Kept(
        values=[
            ValueRow(key=key, symbol=symbol, value=value, at_ms=at_ms)
            for key, symbol, value, at_ms in session.execute(values.where(FeatureValue.epoch == epoch))
        ],
        rows=[MemoryRow(**dict(zip(names, row, strict=True))) for row in session.execute(rows)],
        hits={row.hit_id: dict(row.hit) for row in session.scalars(hits)},
    )


def write_memory(session: Session, changed: Difference, *, epoch: int) -> None:
    """Write what has changed; rows of rules that are no more are left out."""
    if changed.values:
        _upsert(session, FeatureValue, [{**_columns(v), "epoch": epoch} for v in changed.values])
    for part in _chunks(changed.gone_keys):
        session.execute(delete(FeatureValue).where(FeatureValue.key.in_(part)))
    for rule_id, what, place in changed.gone_rows:
        session.execute(
            delete(RuleMemory).where(
                RuleMemory.rule_id == rule_id, RuleMemory.what == what, RuleMemory.place == place
            )
        )
    owners = _owners(session, {row.rule_id for row in changed.rows})
    rows = [
        {**_columns(row), "user_id": owners[row.rule_id], "epoch": epoch}
        for row in changed.rows
        if row.rule_id in owners
    ]
    if rows:
        _upsert(session, RuleMemory, rows)


def add_hits(session: Session, hits: Iterable[tuple[int, dict[str, Any]]], *, epoch: int) -> list[int]:
    """Keep fires of rules, as (rule, what it saw), to be decided later; return their numbers.

    Those of rules that are no more are left out, with 0 for a number.
    """
    hits = list(hits)
    owners = _owners(session, {rule_id for rule_id, _ in hits})
    made = [
        WaitingHit(rule_id=rule_id, user_id=owners[rule_id], hit=hit, epoch=epoch)
        if rule_id in owners
        else None
        for rule_id, hit in hits
    ]
    session.add_all(row for row in made if row is not None)
    session.flush()
    return [0 if row is None else row.hit_id for row in made]


def drop_hits(session: Session, numbers: Iterable[int]) -> None:
    """Forget fires that have been decided."""
    for part in _chunks(list(numbers)):
        session.execute(delete(WaitingHit).where(WaitingHit.hit_id.in_(part)))


def due_follow_ups(session: Session, now_ms: int, *, epoch: int) -> list[FollowUp]:
    """Return the sweeps whose liquidations are to be added up by now, the earliest first."""
    query = select(FollowUp).where(FollowUp.due_ms <= now_ms, FollowUp.epoch == epoch)
    return list(session.scalars(query.order_by(FollowUp.due_ms)))


def follow_up_times(session: Session, *, epoch: int) -> list[int]:
    """Return when sweeps are to be followed up."""
    return list(session.scalars(select(FollowUp.due_ms).where(FollowUp.epoch == epoch)))


def clear_before(session: Session, epoch: int) -> None:
    """Forget what older epochs remembered."""
    for table in (FeatureValue, RuleMemory, WaitingHit, FollowUp):
        session.execute(delete(table).where(table.epoch < epoch))


def _columns(row: ValueRow | MemoryRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _upsert(
    session: Session, table: type[FeatureValue | RuleMemory], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write rows over those with the same key."""
    made = insert(table)
    keys = [column.name for column in table.__table__.primary_key]
    rest = {name: made.excluded[name] for name in rows[0] if name not in keys}
    session.execute(made.on_conflict_do_update(index_elements=keys, set_=rest), list(rows))


def _owners(session: Session, rule_ids: set[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in _chunks(sorted(rule_ids)):
        rows = session.execute(select(Rule.rule_id, Rule.user_id).where(Rule.rule_id.in_(part)))
        found |= {row[0]: row[1] for row in rows}
    return found


def _chunks(values: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (values[at : at + CHUNK] for at in range(0, len(values), CHUNK))
