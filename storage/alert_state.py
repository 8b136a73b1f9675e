"""Keep what the alert pipeline remembers between fires: arms, cooldowns, episodes, counts of a day.

All times are market time. Rows of an older epoch do not bind, and are replaced where they stand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from engine.alerts.stage import Cooling, EpisodeState, OpenStep
from engine.model import AlertId, RuleId, Severity, UserId
from storage.tables import Arm, Cooldown, DailyCount, Episode, Rule


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
    changes = list(changes)
    if not changes:
        return
    wanted = {c.rule_id for c in changes}
    alive = set(session.scalars(select(Rule.rule_id).where(Rule.rule_id.in_(wanted))))
    for change in changes:
        if change.rule_id not in alive:
            continue
        key = (change.rule_id, change.subject, change.severity.value)
        row = session.get(Arm, key)
        if change.fired_ms is None:
            if row is not None:
                session.delete(row)
        elif row is None:
            session.add(
                Arm(
                    rule_id=change.rule_id,
                    subject=change.subject,
                    severity=change.severity.value,
                    user_id=change.owner,
                    fired_ms=change.fired_ms,
                    epoch=epoch,
                )
            )
        else:
            row.fired_ms, row.epoch = change.fired_ms, epoch
    session.flush()


Fired = dict[RuleId, dict[tuple[str, Severity], int]]
"""By rule and (subject, severity): when a step fired."""


def load_arms(session: Session, *, epoch: int) -> Fired:
    """Return which steps stand fired."""
    found: Fired = {}
    for row in session.scalars(select(Arm).where(Arm.epoch == epoch)):
        steps = found.setdefault(RuleId(row.rule_id), {})
        steps[(row.subject, Severity(row.severity))] = row.fired_ms
    return found


def open_steps(session: Session, owner: str, subject: str, *, epoch: int) -> tuple[OpenStep, ...]:
    """Return the steps of any of the owner's rules that stand fired for a subject."""
    rows = session.scalars(
        select(Arm).where(Arm.user_id == owner, Arm.subject == subject, Arm.epoch == epoch)
    )
    return tuple(
        OpenStep(rule_id=RuleId(r.rule_id), severity=Severity(r.severity), fired_ms=r.fired_ms) for r in rows
    )


def cooling(session: Session, rule_id: int, subject: str, *, epoch: int) -> Cooling | None:
    """Return the cooldown of a rule about a subject, over or not."""
    row = session.get(Cooldown, (rule_id, subject))
    if row is None or row.epoch != epoch:
        return None
    return Cooling(
        rule_id=RuleId(row.rule_id),
        subject=row.subject,
        severity=Severity(row.severity),
        until_ms=row.until_ms,
    )


def write_cooling(session: Session, owner: str, state: Cooling, *, epoch: int) -> None:
    """Write a cooldown over the one that stands."""
    session.merge(
        Cooldown(
            rule_id=state.rule_id,
            subject=state.subject,
            user_id=owner,
            severity=state.severity.value,
            until_ms=state.until_ms,
            epoch=epoch,
        )
    )


def episode(
    session: Session, owner: str, move: tuple[str, str], *, audience: str, epoch: int
) -> EpisodeState | None:
    """Return the episode of a user, move (symbol, direction) and audience, open or not."""
    row = session.get(Episode, (owner, *move, audience))
    if row is None or row.epoch != epoch:
        return None
    return EpisodeState(
        owner=UserId(row.user_id),
        symbol=row.symbol,
        direction=row.direction,
        alert_id=AlertId(row.alert_id),
        severity=Severity(row.severity),
        opened_ms=row.opened_ms,
        last_ms=row.last_ms,
        folded=row.folded,
        audience=row.audience,
    )


def write_episode(session: Session, state: EpisodeState, *, epoch: int) -> None:
    """Write an episode over the one that stands."""
    session.merge(
        Episode(
            user_id=state.owner,
            symbol=state.symbol,
            direction=state.direction,
            audience=state.audience,
            alert_id=state.alert_id,
            severity=state.severity.value,
            opened_ms=state.opened_ms,
            last_ms=state.last_ms,
            folded=state.folded,
            epoch=epoch,
        )
    )


def close_episodes(session: Session, *, quiet_since_ms: int) -> int:
    """Forget the episodes that have been quiet since a time; return how many."""
    gone = session.scalars(delete(Episode).where(Episode.last_ms <= quiet_since_ms).returning(Episode.symbol))
    return len(gone.all())


def sent_on(session: Session, owner: str, day: str, *, epoch: int) -> int:
    """Return how many messages rang for a user on a UTC day."""
    row = session.get(DailyCount, (owner, day, epoch))
    return 0 if row is None else row.sent


def count_sent(session: Session, owner: str, day: str, *, epoch: int) -> None:
    """Count one more message that rings."""
    row = session.get(DailyCount, (owner, day, epoch))
    if row is None:
        session.add(DailyCount(user_id=owner, day=day, epoch=epoch, sent=1))
    else:
        row.sent += 1


def clear_before(session: Session, epoch: int) -> None:
    """Forget what older epochs remembered."""
    for table in (Arm, Cooldown, Episode, DailyCount):
        session.execute(delete(table).where(table.epoch < epoch))
