"""Keep the book of episodes: runs of alerts of one user and audience about one symbol in one direction."""

from dataclasses import replace

from engine.alerts.stage import Action, Context, Decision, EpisodeState, alert_id_of, direction_of
from engine.model import Fire, Severity


def current(context: Context, now_ms: int) -> EpisodeState | None:
    """Return the episode if it is open: it closes after `episode_quiet_s` without a fire.

    One that lies further ahead than that is none either: a clock that jumped back holds nothing up.
    """
    state = context.episode
    if state is None or abs(now_ms - state.last_ms) >= context.policy.episode_quiet_s * 1000:
        return None
    return state


def criticals_go_on(state: EpisodeState, context: Context, now_ms: int) -> bool:
    """Say whether a critical leads the episode, and criticals have followed it without a pause until now.

    Nothing lesser counts: when a critical rings may depend on criticals alone.
    """
    if state.severity is not Severity.CRITICAL:
        return False
    last_ms = state.opened_ms if state.critical_ms is None else state.critical_ms
    return now_ms - last_ms < context.policy.episode_quiet_s * 1000


def after(fire: Fire, context: Context, now_ms: int, last: Decision) -> EpisodeState | None:
    """Return the episode to write: a new leader for SEND, one more passenger for FOLD; None to leave it.

    A critical that another message carries is none of its passengers, but the move goes on with it.
    """
    if last.action is Action.SEND:
        return EpisodeState(
            owner=fire.owner,
            symbol=fire.symbol,
            direction=direction_of(fire),
            alert_id=alert_id_of(fire),
            severity=fire.severity,
            opened_ms=now_ms,
            last_ms=now_ms,
            critical_ms=now_ms if fire.severity is Severity.CRITICAL else None,
            audience=context.rule.destination.audience,
        )
    state = current(context, now_ms)
    if last.action is not Action.FOLD or state is None:
        return None
    goes_on = fire.severity is Severity.CRITICAL and criticals_go_on(state, context, now_ms)
    if goes_on:
        state = replace(state, last_ms=now_ms, critical_ms=now_ms)
    if last.carrier != state.alert_id:
        return state if goes_on else None
    return replace(state, last_ms=now_ms, folded=state.folded + 1)
