"""Load from SQL every fact that the decision about one fire rests on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from bot.alerting.hosts import host_of, hosted, minute_of, preferences_in, quiet_of
from bot.lang import speech
from bot.lang.choice import language_of
from config.settings import AlertSettings
from engine.alerts.local_time import utc_day
from engine.alerts.reasons import Reason
from engine.alerts.stage import (
    IN_APP,
    ChannelChoice,
    Context,
    Destination,
    Held,
    Policy,
    Preferences,
    RuleView,
    direction_of,
    subject_of,
)
from engine.model import DAY_MS, Fire, RuleId, Severity
from storage import alert_facts, alert_state
from storage.alert_facts import Asked, Circle
from storage.channels import list_channels, takes, usable
from storage.tables import Rule
from storage.users import get_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the installation has set: defaults of users, the policy of the pipeline, what delivers.

    `kinds` are the names of the channels that run here, beside the app.
    """

    defaults: AlertSettings
    policy: Policy
    kinds: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: AlertSettings, kinds: Iterable[str] = ()) -> "House":
        """Return the house rules of an installation's settings."""
        policy = Policy(group_wait_s=settings.group_wait_s, episode_quiet_s=settings.episode_quiet_s)
        return cls(defaults=settings, policy=policy, kinds=frozenset(kinds))


def preferences_of(values: Mapping[str, Any], defaults: AlertSettings) -> Preferences:
    """Return what a user has set about being told; a value of the wrong form counts as not set."""
    digests = values.get("digest_times")
    tz = values.get("tz")
    return Preferences(
        tz=tz if isinstance(tz, str) and tz else "UTC",
        language=language_of(values, default=speech().code),
        quiet=quiet_of(values.get("quiet"), values.get("quiet_mode")),
        daily_limit=_int(values.get("daily_limit")) or defaults.daily_limit,
        digest_min=_minutes(digests if isinstance(digests, list) else defaults.digest_times),
        paused=values.get("paused") is True,
        snoozed_until_ms=_int(values.get("snoozed_until_ms")),
    )


def _int(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _minutes(clocks: Iterable[object]) -> tuple[int, ...]:
    """Return minutes after midnight of "HH:MM" texts, in the order given; others are left out."""
    return tuple(minute for clock in clocks if (minute := minute_of(clock)) is not None)


def user_preferences(session: Session, owner: str, house: House) -> Preferences:
    """Return what a user has set, with the installation's defaults."""
    return preferences_of(get_settings(session, owner), house.defaults)


def placed_preferences(session: Session, owner: str, place: Destination, house: House) -> Preferences:
    """Return what holds for a user's posts in a place: in a server, what that has set."""
    own, host = user_preferences(session, owner, house), host_of(session, place)
    return own if host is None else preferences_in(own, host.values)


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


def _channels(session: Session, owner: str, house: House) -> tuple[ChannelChoice, ...]:
    """Return the owner's channels that work here, in their order."""
    rows = list_channels(session, owner) if house.kinds else []
    return tuple(
        ChannelChoice(channel=row.kind, place=str(row.channel_id), takes=takes(row))
        for row in rows
        if usable(row) and row.kind in house.kinds
    )


def load_context(
    session: Session, fire: Fire, now_ms: int, *, house: House, epoch: int, held: Held | None = None
) -> Context | None:
    """Return the facts about a fire, or None where its rule is no more.

    What no stage asks of a fire of its severity is not read: nothing is worse than a critical, only criticals
    are counted among criticals, and only warnings wait for a group.
    """
    owner, subject, move = fire.owner, subject_of(fire), (fire.symbol, direction_of(fire))
    asked = Asked(
        owner=owner,
        rule_id=fire.rule_id,
        fire_id=fire.fire_id,
        subject=subject,
        symbol=move[0],
        direction=move[1],
        day=utc_day(now_ms),
        epoch=epoch,
    )
    found = alert_facts.standing(session, asked)
    if found is None:
        return None
    audience = found.rule.destination.audience
    circle = Circle(owner=owner, audience=audience, epoch=epoch, without=fire.fire_id)
    critical, warning = fire.severity is Severity.CRITICAL, fire.severity is Severity.WARNING
    day_ms = now_ms - now_ms % DAY_MS
    context = Context(
        rule=found.rule,
        preferences=replace(
            preferences_of(found.settings, house.defaults), channels=_channels(session, owner, house)
        ),
        policy=house.policy,
        seen=held is None and found.known,
        about=alert_facts.about(session, circle, subject, now_ms=now_ms),
        open_steps=() if critical else alert_state.open_steps(session, owner, subject, epoch=epoch),
        cooling=found.cooling,
        episode=found.episode,
        group_due_ms=alert_facts.group_due_ms(session, circle, move, reason=Reason.GROUP_WAIT)
        if warning
        else None,
        sent_today=found.sent_today,
        critical_today=alert_facts.criticals_on(session, owner, day_ms, epoch=epoch) if critical else 0,
        held=held,
    )
    host = host_of(session, found.rule.destination)
    return context if host is None else hosted(session, context, host, fire, now_ms, epoch=epoch)
