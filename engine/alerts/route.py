"""Choose the channels of a message by its severity."""

from dataclasses import replace

from engine.alerts.reasons import Reason
from engine.alerts.stage import IN_APP, Action, Context, Decision, Destination
from engine.model import Fire, Severity


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return SEND with where to: a critical to every channel that takes it, anything else to the first.

    The rule's own destination comes first. A channel's severity filter is respected; where none is left
    the message is shown in the app.
    """
    fitting = _fitting(fire, context)
    if not fitting:
        return Decision(action=Action.SEND, reason=Reason.FALLBACK, destinations=(IN_APP,))
    chosen = fitting if fire.severity is Severity.CRITICAL else fitting[:1]
    return Decision(action=Action.SEND, reason=Reason.ROUTED, destinations=chosen)


def hushed(destination: Destination) -> Destination:
    """Return the same destination without a sound."""
    return replace(destination, silent=True)


def _fitting(fire: Fire, context: Context) -> tuple[Destination, ...]:
    """Return the rule's destination and the owner's channels that take this severity, each once."""
    choices = context.preferences.channels
    refusing = {(c.channel, c.place) for c in choices if fire.severity not in c.takes}
    own = context.rule.destination
    places = [(own.channel, own.place), *((c.channel, c.place) for c in choices)]
    kept = [key for key in dict.fromkeys(places) if key not in refusing]
    return tuple(Destination(channel=channel, place=place) for channel, place in kept)
