"""Keep to the number of messages a day that a user allows; midnight is UTC, of market time."""

from engine.alerts.cooldown import cooling, last_told
from engine.alerts.local_time import utc_day
from engine.alerts.mute import to_digest
from engine.alerts.reasons import Reason
from engine.alerts.stage import CARRIED, Action, Context, Decision, Past, passed
from engine.model import Fire, Severity


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return DIGEST for what is over the limit; a critical passes, only its repeats are merged.

    Repeats are merged once the criticals alone have reached the limit, so that lesser alerts never change
    what becomes of a critical. A step up within the cooldown joins the message that told the milder step, as
    a repeat of that step would have: getting worse never tells later.
    """
    limit = context.preferences.daily_limit
    if fire.severity is not Severity.CRITICAL:
        if context.sent_today < limit:
            return passed(Reason.UNDER_LIMIT)
        milder = last_told(fire, context) if cooling(context, now_ms) else None
        if milder is not None:
            return Decision(action=Action.FOLD, reason=Reason.LIMIT_MERGE, carrier=milder.message)
        return to_digest(Reason.LIMIT_DIGEST, context, now_ms)
    earlier = _told_today(fire, context, now_ms)
    if context.critical_today >= limit and earlier is not None:
        return Decision(action=Action.FOLD, reason=Reason.LIMIT_MERGE, carrier=earlier.message)
    return passed(Reason.LIMIT_CRITICAL if context.sent_today >= limit else Reason.UNDER_LIMIT)


def _told_today(fire: Fire, context: Context, now_ms: int) -> Past | None:
    """Return the last critical of the same rule about the same subject that was told on this UTC day."""
    today = utc_day(now_ms)
    same = (
        past
        for past in reversed(context.about)
        if past.rule_id == fire.rule_id
        and past.severity is Severity.CRITICAL
        and past.action in CARRIED
        and utc_day(past.market_ms) == today
    )
    return next(same, None)
