"""Drop a fire that was handled before, and fold one that another rule of the owner has just sent."""

from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Decision, Past, passed
from engine.model import Fire


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return whether this is news: the same fire again is dropped, a twin is folded into its message.

    A twin says the same (kind, subject, severity) by another rule within `twin_s`, and was itself told.
    """
    if context.seen and context.held is None:
        return Decision(action=Action.SUPPRESS, reason=Reason.DUPLICATE)
    twin = next((past for past in reversed(context.about) if _is_twin(fire, past, context)), None)
    if twin is not None:
        return Decision(action=Action.FOLD, reason=Reason.TWIN, carrier=twin.message)
    return passed(Reason.NEW)


def _is_twin(fire: Fire, past: Past, context: Context) -> bool:
    """Say whether an earlier alert told the same thing for another rule at about the same time."""
    return (
        past.action in {Action.SEND, Action.DIGEST}
        and past.rule_id != fire.rule_id
        and past.kind == fire.kind
        and past.severity is fire.severity
        and abs(fire.ts - past.market_ms) <= context.policy.twin_s * 1000
    )
