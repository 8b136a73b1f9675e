"""Respect pause, snooze and quiet hours; look again when they end."""

from typing import Final

from engine.alerts.local_time import in_quiet, next_digest_ms, quiet_end_ms
from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Decision, Quiet, QuietMode, passed
from engine.model import Fire, Severity

RECHECKED: Final = frozenset({Reason.SNOOZED, Reason.QUIET_HOLD})


def decide(fire: Fire, context: Context, now_ms: int) -> Decision:
    """Return what the owner's wish for silence makes of a fire.

    Pause drops, snooze holds whatever it is until its end, quiet hours hold, hush or drop warnings; critical
    alerts pass quiet hours unless the rule opted in. What was held is sent only if it is still true. Quiet
    hours that begin in the seconds that a fire waits for its group come too late to hold it.
    """
    preferences, rule, held = context.preferences, context.rule, context.held
    if rule.paused or preferences.paused:
        reason = Reason.PAUSED_RULE if rule.paused else Reason.PAUSED_ALL
        return Decision(action=Action.SUPPRESS, reason=reason)
    snoozed_ms = max(rule.snoozed_until_ms or 0, preferences.snoozed_until_ms or 0)
    if now_ms < snoozed_ms:
        return Decision(action=Action.HOLD, reason=Reason.SNOOZED, until_ms=snoozed_ms)
    quiet = preferences.quiet
    if quiet is not None and in_quiet(preferences, now_ms):
        return _quiet(fire, context, quiet, now_ms)
    if held is not None and held.reason in RECHECKED and not held.still_true:
        return Decision(action=Action.SUPPRESS, reason=Reason.NO_LONGER_TRUE)
    return passed(Reason.AUDIBLE)


def to_digest(reason: Reason, context: Context, now_ms: int) -> Decision:
    """Return DIGEST at the user's next digest time; SUPPRESS where the user wants no digest.

    What has waited goes into the digest that it would have had at once, if that one is only due now.
    """
    until_ms = next_digest_ms(context.preferences, now_ms)
    if until_ms is None:
        return Decision(action=Action.SUPPRESS, reason=Reason.DIGEST_OFF)
    if context.held is not None:
        missed_ms = next_digest_ms(context.preferences, context.held.since_ms)
        if missed_ms is not None and missed_ms >= now_ms:
            until_ms = min(until_ms, missed_ms)
    return Decision(action=Action.DIGEST, reason=reason, until_ms=until_ms)


def _quiet(fire: Fire, context: Context, quiet: Quiet, now_ms: int) -> Decision:
    """Return what quiet hours make of a fire."""
    if fire.severity is Severity.CRITICAL and not context.rule.quiet_critical:
        return passed(Reason.QUIET_CRITICAL)
    if quiet.mode is QuietMode.SILENT:
        return Decision(action=Action.SEND, reason=Reason.QUIET_SILENT, silent=True)
    if context.held is not None and context.held.reason is Reason.GROUP_WAIT:
        return passed(Reason.WAITED)
    if quiet.mode is QuietMode.DROP:
        return Decision(action=Action.SUPPRESS, reason=Reason.QUIET_DROP)
    if fire.severity is Severity.INFO:
        return to_digest(Reason.QUIET_DIGEST, context, now_ms)
    until_ms = quiet_end_ms(context.preferences, quiet, now_ms)
    return Decision(action=Action.HOLD, reason=Reason.QUIET_HOLD, until_ms=until_ms)
