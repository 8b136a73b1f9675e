"""Walk a fire through the stages, and say what has to be written down because of it."""

from dataclasses import dataclass
from typing import Final

from engine.alerts import (
    consolidate,
    cooldown,
    daily_limit,
    dedup,
    episode,
    flap,
    inhibit,
    mute,
    route,
    score,
    stale,
)
from engine.alerts.reasons import Reason
from engine.alerts.stage import (
    Action,
    Context,
    Cooling,
    Decision,
    Destination,
    EpisodeState,
    Stage,
    alert_id_of,
)
from engine.model import AlertId, Fire

STAGES: Final[tuple[tuple[str, Stage], ...]] = (
    ("dedup", dedup.decide),
    ("stale", stale.decide),
    ("inhibit", inhibit.decide),
    ("mute", mute.decide),
    ("cooldown", cooldown.decide),
    ("flap", flap.decide),
    ("daily_limit", daily_limit.decide),
    ("score", score.decide),
    ("consolidate", consolidate.decide),
    ("route", route.decide),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One stage's word, as it is kept for the history."""

    stage: str
    action: Action
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What becomes of one fire, and everything that has to be written with it.

    `until_ms`: when to walk again (HOLD) or the digest's time (DIGEST). `carrier`: whose message carries it
    (FOLD). `destinations` (SEND) are never empty. `silent`: the message makes no sound.
    `cooling` and `episode` are rows to upsert, None to leave what stands. SEND is a new message, so the
    day's count grows by one; FOLD edits the carrier's, which does not ring. `again`: a held fire was held
    once more for the same reason, so its steps need not be written again.
    """

    fire: Fire
    alert_id: AlertId
    action: Action
    reason: Reason
    steps: tuple[Step, ...]
    until_ms: int | None = None
    carrier: AlertId | None = None
    destinations: tuple[Destination, ...] = ()
    silent: bool = False
    cooling: Cooling | None = None
    episode: EpisodeState | None = None
    again: bool = False


def walk(
    fire: Fire, context: Context, now_ms: int, *, stages: tuple[tuple[str, Stage], ...] = STAGES
) -> Outcome:
    """Return what becomes of a fire at market time `now_ms`.

    A held fire walks again by the same call, with `context.held` set. Stages are asked in order until one
    does not answer SEND; the reason of a sent fire is the one that consolidation gave.
    """
    steps: list[Step] = []
    silent = False
    last = Decision(action=Action.SEND, reason=Reason.NEW)
    for name, stage in stages:
        last = stage(fire, context, now_ms)
        steps.append(Step(stage=name, action=last.action, reason=last.reason))
        silent = silent or last.silent
        if last.action is not Action.SEND:
            break
    return _outcome(fire, context, now_ms, last, tuple(steps), silent=silent)


def _outcome(
    fire: Fire, context: Context, now_ms: int, last: Decision, steps: tuple[Step, ...], *, silent: bool
) -> Outcome:
    """Return the last stage's word with the rows that follow from it."""
    sent = last.action is Action.SEND
    told = next((s.reason for s in steps if s.stage == "consolidate"), last.reason) if sent else last.reason
    held = context.held
    return Outcome(
        fire=fire,
        alert_id=alert_id_of(fire),
        action=last.action,
        reason=told,
        steps=steps,
        until_ms=last.until_ms,
        carrier=last.carrier,
        destinations=tuple(route.hushed(d) if silent else d for d in last.destinations),
        silent=silent,
        cooling=cooldown.after(fire, context, now_ms, last),
        episode=episode.after(fire, context, now_ms, last),
        again=held is not None and last.action is Action.HOLD and last.reason is held.reason,
    )
