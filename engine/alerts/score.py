"""Judge how relevant a fire is to its owner. Nothing is known of that yet, so every fire scores the same."""

from engine.alerts.reasons import Reason
from engine.alerts.stage import Context, Decision, passed
from engine.model import Fire


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return a pass at the neutral score."""
    return passed(Reason.SCORE_NEUTRAL)
