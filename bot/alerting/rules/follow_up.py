"""Follow a swept zone up: minutes later its message says what was liquidated of what was predicted.

A follow-up is a row of the state store, so that it survives a restart. Where no venue reports liquidations
nothing is said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from bot.alerting.context import user_preferences
from bot.alerting.decide import revise_carrier
from bot.alerting.moment import Clock, Moment
from bot.alerting.rules.fires import FOLLOW_UP, PREDICTED, SINCE
from bot.lang.choice import tongue_of
from engine.alerts.stage import alert_id_of
from engine.model import Fire, Side
from engine.rules.conditions.zone_swept import FOLLOW_UP_MS, FollowUp
from storage.epochs import current_epoch
from storage.rule_memory import due_follow_ups
from storage.tables import Alert
from storage.tables import FollowUp as Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One sweep whose time has come, and its alert."""

    alert_id: str
    sweep: FollowUp


def note_sweeps(session: Session, fires: Iterable[Fire], moment: Moment) -> list[int]:
    """Write a follow-up for each fire of a swept zone that has its alert now; return when they are due."""
    times: list[int] = []
    for fire in fires:
        facts, alert_id = dict(fire.facts), alert_id_of(fire)
        if PREDICTED not in facts or fire.zone is None or session.get(Alert, alert_id) is None:
            continue
        row = Row(
            alert_id=alert_id,
            user_id=fire.owner,
            symbol=fire.symbol,
            side=fire.zone.side.value,
            since_ms=int(facts[SINCE]),
            due_ms=fire.ts + FOLLOW_UP_MS,
            predicted_usd=float(facts[PREDICTED]),
            epoch=moment.epoch,
        )
        session.merge(row)
        times.append(row.due_ms)
    return times


def due(session: Session, now_ms: int) -> Sequence[Due]:
    """Return the sweeps that are to be followed up by now."""
    return [
        Due(
            alert_id=row.alert_id,
            sweep=FollowUp(
                symbol=row.symbol,
                side=Side(row.side),
                since_ms=row.since_ms,
                due_ms=row.due_ms,
                predicted_usd=row.predicted_usd,
            ),
        )
        for row in due_follow_ups(session, now_ms, epoch=current_epoch(session))
    ]


def tell(session: Session, followed: Due, liquidated_usd: float | None, clock: Clock) -> bool:
    """Write what was liquidated into an alert and let its message say so; return whether that is sent."""
    row = session.get(Row, followed.alert_id)
    alert = session.get(Alert, followed.alert_id)
    if row is not None:
        session.delete(row)
    if alert is None or row is None or liquidated_usd is None:
        return False
    with tongue_of(alert.facts):
        fire = {**alert.facts.get("fire", {}), FOLLOW_UP: followed.sweep.says(liquidated_usd)}
    alert.facts = {**alert.facts, "fire": fire}
    session.flush()
    moment = clock.at(session)
    tz = user_preferences(session, alert.user_id, moment.house).tz
    return revise_carrier(session, alert.carrier_id or alert.alert_id, tz, moment)
