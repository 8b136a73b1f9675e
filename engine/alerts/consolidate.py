"""Say one thing once: a critical leads an episode and goes at once, lesser alerts ride along or wait."""

from engine.alerts.episode import criticals_go_on, current
from engine.alerts.local_time import next_digest_ms
from engine.alerts.mute import to_digest
from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Decision, EpisodeState, passed
from engine.model import Fire, Severity


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return whether a fire leads a message, rides along in an open one, waits, or goes to the digest."""
    state = current(context, now_ms)
    if fire.severity is Severity.CRITICAL:
        return _critical(context, state, now_ms)
    if state is not None and now_ms - state.opened_ms < context.policy.warning_again_s * 1000:
        return Decision(action=Action.FOLD, reason=Reason.RIDES_ALONG, carrier=state.alert_id)
    if fire.severity is Severity.INFO:
        return to_digest(Reason.INFO_DIGEST, context, now_ms)
    if state is not None:
        return passed(Reason.GOES_ON)
    if context.held is not None:
        return passed(Reason.OPENS)
    return Decision(action=Action.HOLD, reason=Reason.GROUP_WAIT, until_ms=_group_due_ms(context, now_ms))


def _critical(context: Context, state: EpisodeState | None, now_ms: int) -> Decision:
    """Return FOLD into the critical that rang for the same move lately, else SEND at once.

    A move that pauses for `episode_quiet_s` is over: the next critical is the first of another and rings.
    """
    rang_ms = context.policy.critical_again_s * 1000
    if state is not None and criticals_go_on(state, context, now_ms) and now_ms - state.opened_ms < rang_ms:
        return Decision(action=Action.FOLD, reason=Reason.RIDES_ALONG, carrier=state.alert_id)
    return passed(Reason.LEADS)


def _group_due_ms(context: Context, now_ms: int) -> int:
    """Return when a group is due: with those that already wait, and never after the next digest."""
    due = [now_ms + context.policy.group_wait_s * 1000, context.group_due_ms]
    due.append(next_digest_ms(context.preferences, now_ms))
    return max(now_ms, min(d for d in due if d is not None))
