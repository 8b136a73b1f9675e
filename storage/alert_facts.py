"""Read what the decision about one fire rests on, in as few queries as it takes.

The statements are made once: building one anew costs as much as running it. All times are market time; rows
of another epoch than the present one do not bind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, and_, bindparam, case, exists, func, select
from sqlalchemy.orm import Session

from engine.alerts.stage import IN_APP, Action, Cooling, EpisodeState, Past, RuleView
from engine.alerts.stage import Destination as Place
from engine.model import DAY_MS, AlertId, RuleId, Severity, UserId
from storage.alerts import NOT_FIRES
from storage.tables import Alert, Cooldown, DailyCount, Delivery, Episode, Rule, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which fire is to be decided: whose, by which rule, about what; `day` is the UTC day, `YYYY-MM-DD`."""

    owner: str
    rule_id: int
    fire_id: str
    subject: str
    symbol: str
    direction: str
    day: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands as a fire comes: its rule, what its owner has set, cooldown, episode, count of the day.

    `known` says that the fire has its alert already.
    """

    rule: RuleView
    settings: Mapping[str, Any] = field(default_factory=dict)
    known: bool = False
    cooling: Cooling | None = None
    episode: EpisodeState | None = None
    sent_today: int = 0


_AUDIENCE: Final = case((Rule.to_channel != "", Rule.to_channel + "|" + Rule.to_place), else_=IN_APP.audience)
_STANDING: Final = (
    select(
        Rule.cooldown_s,
        Rule.paused,
        Rule.snoozed_until_ms,
        Rule.params,
        Rule.to_channel,
        Rule.to_place,
        Settings.values,
        exists().where(Alert.fire_id == bindparam("fire_id")).label("known"),
        Cooldown.severity.label("cooling_severity"),
        Cooldown.until_ms,
        Episode.alert_id,
        Episode.severity,
        Episode.audience,
        Episode.opened_ms,
        Episode.last_ms,
        Episode.critical_ms,
        Episode.folded,
        DailyCount.sent,
    )
    .select_from(Rule)
    .outerjoin(Settings, Settings.user_id == Rule.user_id)
    .outerjoin(
        Cooldown,
        and_(
            Cooldown.rule_id == Rule.rule_id,
            Cooldown.subject == bindparam("subject"),
            Cooldown.epoch == bindparam("epoch"),
        ),
    )
    .outerjoin(
        Episode,
        and_(
            Episode.user_id == Rule.user_id,
            Episode.symbol == bindparam("symbol"),
            Episode.direction == bindparam("direction"),
            Episode.audience == _AUDIENCE,
            Episode.epoch == bindparam("epoch"),
        ),
    )
    .outerjoin(
        DailyCount,
        and_(
            DailyCount.user_id == Rule.user_id,
            DailyCount.day == bindparam("day"),
            DailyCount.epoch == bindparam("epoch"),
        ),
    )
    .where(Rule.rule_id == bindparam("rule_id"), Rule.user_id == bindparam("owner"))
)


def standing(session: Session, asked: Asked) -> Standing | None:
    """Return what stands as a fire comes, or None where the owner has no such rule."""
    values = {name: getattr(asked, name) for name in Asked.__dataclass_fields__}
    row = session.execute(_STANDING, values).one_or_none()
    if row is None:
        return None
    return Standing(
        rule=_view(asked.rule_id, row),
        settings=row.values or {},
        known=bool(row.known),
        cooling=_cooling(asked, row),
        episode=_episode(asked, row),
        sent_today=row.sent or 0,
    )


def _view(rule_id: int, row: Row[Any]) -> RuleView:
    return RuleView(
        rule_id=RuleId(rule_id),
        cooldown_s=row.cooldown_s,
        paused=row.paused,
        snoozed_until_ms=row.snoozed_until_ms,
        quiet_critical=bool(row.params.get("quiet_critical", False)),
        destination=Place(channel=row.to_channel, place=row.to_place) if row.to_channel else IN_APP,
    )


def _cooling(asked: Asked, row: Row[Any]) -> Cooling | None:
    if row.until_ms is None:
        return None
    return Cooling(
        rule_id=RuleId(asked.rule_id),
        subject=asked.subject,
        severity=Severity(row.cooling_severity),
        until_ms=row.until_ms,
    )


def _episode(asked: Asked, row: Row[Any]) -> EpisodeState | None:
    if row.alert_id is None:
        return None
    return EpisodeState(
        owner=UserId(asked.owner),
        symbol=asked.symbol,
        direction=asked.direction,
        alert_id=AlertId(row.alert_id),
        severity=Severity(row.severity),
        opened_ms=row.opened_ms,
        last_ms=row.last_ms,
        critical_ms=row.critical_ms,
        folded=row.folded,
        audience=row.audience,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """Whose alerts are looked at: one owner's, for one audience, of one epoch, but for one fire's own."""

    owner: str
    audience: str
    epoch: int
    without: str = ""

    def values(self, **more: object) -> dict[str, object]:
        """Return the values that the statements on a circle ask for, with more of them."""
        return {
            "owner": self.owner,
            "audience": self.audience,
            "epoch": self.epoch,
            "without": self.without,
            **more,
        }


_IN_CIRCLE: Final = (
    Alert.user_id == bindparam("owner"),
    Alert.audience == bindparam("audience"),
    Alert.epoch == bindparam("epoch"),
    Alert.fire_id != bindparam("without"),
)
_ABOUT: Final = (
    select(
        Alert.alert_id,
        Alert.rule_id,
        Alert.kind,
        Alert.severity,
        Alert.action,
        Alert.market_ms,
        Alert.carrier_id,
    )
    .where(
        *_IN_CIRCLE,
        Alert.subject == bindparam("subject"),
        Alert.market_ms >= bindparam("since_ms"),
        Alert.action.in_([action.value for action in Action]),
    )
    .order_by(Alert.market_ms, Alert.alert_id)
)


def about(session: Session, circle: Circle, subject: str, *, now_ms: int) -> tuple[Past, ...]:
    """Return a circle's alerts about a subject in the last 24 h, oldest first."""
    rows = session.execute(_ABOUT, circle.values(subject=subject, since_ms=now_ms - DAY_MS))
    return tuple(
        Past(
            alert_id=AlertId(row.alert_id),
            rule_id=RuleId(row.rule_id),
            kind=row.kind,
            severity=Severity(row.severity),
            action=Action(row.action),
            market_ms=row.market_ms,
            carrier=AlertId(row.carrier_id) if row.carrier_id else None,
        )
        for row in rows
    )


_WAITING: Final = select(Alert.hold_until_ms, Alert.facts).where(
    *_IN_CIRCLE,
    Alert.symbol == bindparam("symbol"),
    Alert.action == Action.HOLD.value,
    Alert.reason == bindparam("reason"),
)


def group_due_ms(session: Session, circle: Circle, move: tuple[str, str], *, reason: str) -> int | None:
    """Return when the alerts of one move (symbol, direction) that wait for their group are due."""
    symbol, direction = move
    rows = session.execute(_WAITING, circle.values(symbol=symbol, reason=reason))
    due = [r.hold_until_ms for r in rows if r.hold_until_ms and r.facts.get("direction") == direction]
    return min(due, default=None)


_CRITICALS: Final = (
    select(func.count(func.distinct(Delivery.alert_id)))
    .join(Alert, Alert.alert_id == Delivery.alert_id)
    .where(
        Delivery.user_id == bindparam("owner"),
        Delivery.severity == Severity.CRITICAL.value,
        Delivery.revision == 0,
        Delivery.market_ms >= bindparam("day_ms"),
        Delivery.market_ms < bindparam("next_ms"),
        Delivery.epoch == bindparam("epoch"),
        Alert.kind.not_in(NOT_FIRES),
    )
)


def criticals_on(session: Session, owner: str, day_ms: int, *, epoch: int) -> int:
    """Return how many critical messages rang for a user on the UTC day that begins at `day_ms`."""
    values = {"owner": owner, "day_ms": day_ms, "next_ms": day_ms + DAY_MS, "epoch": epoch}
    return session.scalar(_CRITICALS, values) or 0
