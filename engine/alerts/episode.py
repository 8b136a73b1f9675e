"""Keep the book of episodes: runs of alerts of one user and audience about one symbol in one direction."""

from dataclasses import replace

from engine.alerts.stage import Action, Context, Decision, EpisodeState, alert_id_of, direction_of
from engine.model import Fire


def current(context: Context, now_ms: int) -> EpisodeState | None:
    """Return the episode if it is open: it closes after `episode_quiet_s` without a fire."""
    state = context.episode
    if state is None or now_ms - state.last_ms >= context.policy.episode_quiet_s * 1000:
        return None
    return state


def after(fire: Fire, context: Context, now_ms: int, last: Decision) -> EpisodeState | None:
    """Return the episode to write: a new leader for SEND, one more passenger for FOLD; None to leave it."""
    if last.action is Action.SEND:
        return EpisodeState(
            owner=fire.owner,
            symbol=fire.symbol,
            direction=direction_of(fire),
            alert_id=alert_id_of(fire),
            severity=fire.severity,
            opened_ms=now_ms,
            last_ms=now_ms,
            audience=context.rule.destination.audience,
        )
    state = current(context, now_ms)
    if last.action is not Action.FOLD or state is None or last.carrier != state.alert_id:
        return None
    return replace(state, last_ms=now_ms, folded=state.folded + 1)
