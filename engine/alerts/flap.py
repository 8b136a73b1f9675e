"""Tell of a rule that flips back and forth once an hour at most, however short its cooldown is."""

from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Decision, passed
from engine.model import Fire


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return FOLD into the rule's last ring about the subject while the rule flaps, else a pass.

    A rule flaps once it has fired `flap_fires` times within `flap_s` about one subject at one severity. Other
    severities do not count, so a step up is never taken for a repeat, and nothing lesser decides about a
    critical. Where it did not ring within `flap_s` it passes: what flaps all day is heard once an hour.
    """
    since_ms = now_ms - context.policy.flap_s * 1000
    same = [
        past
        for past in context.about
        if past.rule_id == fire.rule_id and past.severity is fire.severity and past.market_ms > since_ms
    ]
    rang = next((past for past in reversed(same) if past.action is Action.SEND), None)
    if rang is None or len(same) < context.policy.flap_fires:
        return passed(Reason.STEADY)
    return Decision(action=Action.FOLD, reason=Reason.FLAPS, carrier=rang.alert_id)
