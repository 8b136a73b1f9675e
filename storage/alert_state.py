"""Keep what the alert pipeline remembers between fires: arms, cooldowns, episodes, counts of a day.

All times are market time. Rows of an older epoch do not bind, and are replaced where they stand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from engine.alerts.stage import Cooling, EpisodeState, OpenStep
from engine.model import RuleId, Severity, UserId
from storage.tables import Arm, Base, Cooldown, DailyCount, Episode, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmChange:
    """One step of one rule that has fired (`fired_ms`), or is armed again (None)."""

    rule_id: RuleId
    owner: UserId
    subject: str
    severity: Severity
    fired_ms: int | None


def write_arms(session: Session, changes: Iterable[ArmChange], *, epoch: int) -> None:
    """Write arms; those of rules that are no more are left out."""
    latest = {(c.rule_id, c.subject, c.severity.value): c for c in changes}
    if not latest:
        return
    wanted = {rule_id for rule_id, _, _ in latest}
    alive = set(session.scalars(select(Rule.rule_id).where(Rule.rule_id.in_(wanted))))
    mine = {key: change for key, change in latest.items() if change.rule_id in alive}
    keys = [dict(zip(("b_rule", "b_subject", "b_severity"), key, strict=True)) for key in mine]
    if keys:
        session.connection().execute(_FORGET_ARM, keys)
    rows = [
        {
            "rule_id": change.rule_id,
            "subject": change.subject,
            "severity": change.severity.value,
            "user_id": change.owner,
            "fired_ms": change.fired_ms,
            "epoch": epoch,
        }
        for change in mine.values()
        if change.fired_ms is not None
    ]
    if rows:
        session.connection().execute(insert(Arm), rows)


_FORGET_ARM = delete(cast("Table", Arm.__table__)).where(
    Arm.rule_id == bindparam("b_rule"),
    Arm.subject == bindparam("b_subject"),
    Arm.severity == bindparam("b_severity"),
)


Fired = dict[RuleId, dict[tuple[str, Severity], int]]
"""By rule and (subject, severity): when a step fired."""


def load_arms(session: Session, *, epoch: int) -> Fired:
    """Return which steps stand fired."""
    found: Fired = {}
    rows = session.execute(
        select(Arm.rule_id, Arm.subject, Arm.severity, Arm.fired_ms).where(Arm.epoch == epoch)
    )
    for rule_id, subject, severity, fired_ms in rows:
        found.setdefault(RuleId(rule_id), {})[(subject, Severity(severity))] = fired_ms
    return found


def open_steps(session: Session, owner: str, subject: str, *, epoch: int) -> tuple[OpenStep, ...]:
    """Return the steps of any of the owner's rules that stand fired for a subject."""
    rows = session.execute(
        select(Arm.rule_id, Arm.severity, Arm.fired_ms).where(
            Arm.user_id == owner, Arm.subject == subject, Arm.epoch == epoch
        )
    )
    return tuple(
        OpenStep(rule_id=RuleId(rule_id), severity=Severity(severity), fired_ms=fired_ms)
        for rule_id, severity, fired_ms in rows
    )


class _Upsert:
    """Write rows of one table over those that stand, by statements that are made once."""

    def __init__(self, entity: type[Base]) -> None:
        table = cast("Table", entity.__table__)
        keys = [column.name for column in table.primary_key]
        rest = [column.name for column in table.columns if column.name not in keys]
        self._keys = keys
        self._insert = insert(table)
        self._update = (
            update(table)
            .where(*(table.c[name] == bindparam(f"old_{name}") for name in keys))
            .values({name: bindparam(name) for name in rest})
        )

    def __call__(self, session: Session, row: Mapping[str, object]) -> None:
        """Write one row, all of its columns."""
        session.flush()
        connection = session.connection()
        values = {name: value for name, value in row.items() if name not in self._keys}
        changed = connection.execute(self._update, values | {f"old_{name}": row[name] for name in self._keys})
        if changed.rowcount == 0:
            connection.execute(self._insert, dict(row))


_put_cooldown, _put_episode = _Upsert(Cooldown), _Upsert(Episode)


def write_cooling(session: Session, owner: str, state: Cooling, *, epoch: int) -> None:
    """Write a cooldown over the one that stands."""
    row = {
        "rule_id": state.rule_id,
        "subject": state.subject,
        "user_id": owner,
        "severity": state.severity.value,
        "until_ms": state.until_ms,
        "epoch": epoch,
    }
    _put_cooldown(session, row)


def write_episode(session: Session, state: EpisodeState, *, epoch: int) -> None:
    """Write an episode over the one that stands."""
    row = {
        "user_id": state.owner,
        "symbol": state.symbol,
        "direction": state.direction,
        "audience": state.audience,
        "alert_id": state.alert_id,
        "severity": state.severity.value,
        "opened_ms": state.opened_ms,
        "last_ms": state.last_ms,
        "critical_ms": state.critical_ms,
        "folded": state.folded,
        "epoch": epoch,
    }
    _put_episode(session, row)


def close_episodes(session: Session, *, quiet_since_ms: int) -> int:
    """Forget the episodes that have been quiet since a time; return how many."""
    gone = session.scalars(delete(Episode).where(Episode.last_ms <= quiet_since_ms).returning(Episode.symbol))
    return len(gone.all())


_SENT = select(DailyCount.sent).where(
    DailyCount.user_id == bindparam("owner"),
    DailyCount.day == bindparam("on"),
    DailyCount.epoch == bindparam("of"),
)
_COUNTED = (
    update(cast("Table", DailyCount.__table__))
    .where(
        DailyCount.user_id == bindparam("owner"),
        DailyCount.day == bindparam("on"),
        DailyCount.epoch == bindparam("of"),
    )
    .values(sent=DailyCount.sent + 1)
)


def sent_on(session: Session, owner: str, day: str, *, epoch: int) -> int:
    """Return how many messages rang for a user on a UTC day."""
    return session.scalar(_SENT, {"owner": owner, "on": day, "of": epoch}) or 0


def count_sent(session: Session, owner: str, day: str, *, epoch: int) -> None:
    """Count one more message that rings."""
    session.flush()
    changed = session.connection().execute(_COUNTED, {"owner": owner, "on": day, "of": epoch})
    if changed.rowcount == 0:
        row = {"user_id": owner, "day": day, "epoch": epoch, "sent": 1}
        session.connection().execute(insert(DailyCount), row)


def clear_before(session: Session, epoch: int) -> None:
    """Forget what older epochs remembered."""
    for table in (Arm, Cooldown, Episode, DailyCount):
        session.execute(delete(table).where(table.epoch < epoch))
