"""Load from SQL every fact that the decision about one fire rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from config.settings import AlertSettings
from engine.alerts.local_time import utc_day
from engine.alerts.reasons import Reason
from engine.alerts.stage import (
    IN_APP,
    Context,
    Destination,
    Held,
    Policy,
    Preferences,
    Quiet,
    QuietMode,
    RuleView,
    direction_of,
    subject_of,
)
from engine.model import DAY_MS, Fire, RuleId, Severity
from storage import alert_state, alerts
from storage.alerts import Circle
from storage.rules import get_rule
from storage.tables import Rule
from storage.users import get_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the installation has set: defaults of users, and the policy of the pipeline."""

    defaults: AlertSettings
    policy: Policy

    @classmethod
    def of(cls, settings: AlertSettings) -> "House":
        """Return the house rules of an installation's settings."""
        again_s = min(Policy().critical_again_s, settings.episode_quiet_s)
        policy = Policy(
            group_wait_s=settings.group_wait_s,
            episode_quiet_s=settings.episode_quiet_s,
            critical_again_s=again_s,
        )
        return cls(defaults=settings, policy=policy)


def preferences_of(values: Mapping[str, Any], defaults: AlertSettings) -> Preferences:
    """Return what a user has set about being told; a value of the wrong form counts as not set."""
    digests = values.get("digest_times")
    tz = values.get("tz")
    return Preferences(
        tz=tz if isinstance(tz, str) and tz else "UTC",
        quiet=_quiet(values.get("quiet"), values.get("quiet_mode")),
        daily_limit=_int(values.get("daily_limit")) or defaults.daily_limit,
        digest_min=_minutes(digests if isinstance(digests, list) else defaults.digest_times),
        paused=values.get("paused") is True,
        snoozed_until_ms=_int(values.get("snoozed_until_ms")),
    )


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _quiet(hours: object, mode: object) -> Quiet | None:
    """Return quiet hours from "22:00-07:00" and hold, silent or drop."""
    if not isinstance(hours, str) or "-" not in hours:
        return None
    ends = _minutes(hours.split("-"))
    if len(ends) != 2:
        return None
    chosen = QuietMode(mode) if isinstance(mode, str) and mode in set(QuietMode) else QuietMode.HOLD
    return Quiet(start_min=ends[0], end_min=ends[1], mode=chosen)


def _minutes(clocks: Iterable[object]) -> tuple[int, ...]:
    """Return minutes after midnight of "HH:MM" texts, in the order given; others are left out."""
    found: list[int] = []
    for clock in clocks:
        hour, _, minute = str(clock).strip().partition(":")
        if hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60:
            found.append(int(hour) * 60 + int(minute))
    return tuple(found)


def user_preferences(session: Session, owner: str, house: House) -> Preferences:
    """Return what a user has set, with the installation's defaults."""
    return preferences_of(get_settings(session, owner), house.defaults)


def rule_view(rule: Rule) -> RuleView:
    """Return what the pipeline needs to know of a rule."""
    place = Destination(channel=rule.to_channel, place=rule.to_place) if rule.to_channel else IN_APP
    return RuleView(
        rule_id=RuleId(rule.rule_id),
        cooldown_s=rule.cooldown_s,
        paused=rule.paused,
        snoozed_until_ms=rule.snoozed_until_ms,
        quiet_critical=bool(rule.params.get("quiet_critical", False)),
        destination=place,
    )


def load_context(
    session: Session, fire: Fire, now_ms: int, *, house: House, epoch: int, held: Held | None = None
) -> Context | None:
    """Return the facts about a fire, or None where its rule is no more."""
    rule = get_rule(session, fire.owner, fire.rule_id)
    if rule is None:
        return None
    owner, subject, move = fire.owner, subject_of(fire), (fire.symbol, direction_of(fire))
    view = rule_view(rule)
    circle = Circle(owner=owner, audience=view.destination.audience, epoch=epoch, without=fire.fire_id)
    critical = fire.severity is Severity.CRITICAL
    day_ms = now_ms - now_ms % DAY_MS
    return Context(
        rule=view,
        preferences=user_preferences(session, owner, house),
        policy=house.policy,
        seen=held is None and alerts.known(session, fire.fire_id),
        about=alerts.about(session, circle, subject, now_ms=now_ms),
        open_steps=alert_state.open_steps(session, owner, subject, epoch=epoch),
        cooling=alert_state.cooling(session, fire.rule_id, subject, epoch=epoch),
        episode=alert_state.episode(session, owner, move, audience=circle.audience, epoch=epoch),
        group_due_ms=alerts.group_due_ms(session, circle, move, reason=Reason.GROUP_WAIT),
        sent_today=alert_state.sent_on(session, owner, utc_day(now_ms), epoch=epoch),
        critical_today=alerts.criticals_on(session, owner, day_ms, epoch=epoch) if critical else 0,
        held=held,
    )
