"""Hold what rests on stale data until the data is back; then it is told, if it is still true."""

from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Decision, passed
from engine.model import Fire


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return HOLD while the data of the fire's symbol is stale, whatever else may be said of the fire.

    It stands before every stage that tells or drops: what a stale price says of a wait that is over counts
    for nothing. Once data is back, what was held is sent on if it is still true, and dropped if it is not.
    """
    if context.stale:
        until_ms = now_ms + context.policy.stale_recheck_s * 1000
        return Decision(action=Action.HOLD, reason=Reason.STALE_DATA, until_ms=until_ms)
    held = context.held
    if held is not None and held.reason is Reason.STALE_DATA and not held.still_true:
        return Decision(action=Action.SUPPRESS, reason=Reason.NO_LONGER_TRUE)
    return passed(Reason.DATA_FRESH)
