"""Hold what a worse, open alert about the same subject already says; release it when that is over."""

from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Decision, OpenStep, passed
from engine.model import Fire


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return HOLD while a worse alert about the subject is open, and SUPPRESS if its own time has passed.

    "Open" means that the worse step stands fired (is not armed again) and that the owner was told of it.
    What waited for its group when the worse one came is not held: it rides along in that one's message.
    """
    held = context.held
    if held is not None and held.reason is Reason.INHIBITED and not held.still_true:
        return Decision(action=Action.SUPPRESS, reason=Reason.NO_LONGER_TRUE)
    if held is not None and held.reason is Reason.GROUP_WAIT:
        return passed(Reason.WAITED)
    if any(_inhibits(step, fire, context) for step in context.open_steps):
        until_ms = now_ms + context.policy.inhibit_recheck_s * 1000
        return Decision(action=Action.HOLD, reason=Reason.INHIBITED, until_ms=until_ms)
    return passed(Reason.NOTHING_WORSE)


def _inhibits(step: OpenStep, fire: Fire, context: Context) -> bool:
    """Say whether an open step is worse than the fire and known to the owner."""
    if step.severity.rank <= fire.severity.rank:
        return False
    return any(
        past.rule_id == step.rule_id
        and past.severity is step.severity
        and past.action in {Action.SEND, Action.FOLD}
        and past.market_ms >= step.fired_ms
        for past in context.about
    )
