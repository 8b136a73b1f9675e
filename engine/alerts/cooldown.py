"""Tell a rule's news about one subject once an hour at most, unless it gets worse."""

from engine.alerts.reasons import Reason
from engine.alerts.stage import CARRIED, Action, Context, Cooling, Decision, Past, passed, subject_of
from engine.model import Fire


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return FOLD into the last message about the subject while the rule is cooling; a step up is exempt."""
    standing = cooling(context, now_ms)
    if standing is None:
        return passed(Reason.NOT_COOLING)
    if fire.severity.rank > standing.severity.rank:
        return passed(Reason.STEP_UP)
    carrier = last_told(fire, context)
    if carrier is None:
        return Decision(action=Action.SUPPRESS, reason=Reason.COOLDOWN)
    return Decision(action=Action.FOLD, reason=Reason.COOLDOWN_FOLD, carrier=carrier.message)


def cooling(context: Context, now_ms: int) -> Cooling | None:
    """Return the cooldown that stands now, if one does."""
    standing = context.cooling
    return None if standing is None or standing.until_ms <= now_ms else standing


def last_told(fire: Fire, context: Context) -> Past | None:
    """Return the rule's last alert about the subject that the owner was told of."""
    told = (p for p in reversed(context.about) if p.rule_id == fire.rule_id and p.action in CARRIED)
    return next(told, None)


def after(fire: Fire, context: Context, now_ms: int, last: Decision) -> Cooling | None:
    """Return the cooldown to write once the owner is told; None where nothing changes.

    What was folded because of a cooldown, or because the rule flaps, does not prolong it; a lesser alert
    never replaces a worse one.
    """
    if last.action not in CARRIED or last.reason in {Reason.COOLDOWN_FOLD, Reason.FLAPS}:
        return None
    old = cooling(context, now_ms)
    if old is not None and old.severity.rank >= fire.severity.rank:
        return None
    until_ms = now_ms + context.rule.cooldown_s * 1000
    return Cooling(rule_id=fire.rule_id, subject=subject_of(fire), severity=fire.severity, until_ms=until_ms)
