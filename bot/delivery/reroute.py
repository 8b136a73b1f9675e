"""Tell an owner on another channel what one channel could not deliver."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from storage.claims import Claimed
from storage.outbox import GONE, Outgoing, State, enqueue
from storage.settle import Outcome, settle

Fallback = Callable[[Claimed], tuple[str, str] | None]
"""Return (channel, destination) to use instead, or None where there is none."""

INAPP = "inapp"


def to_inapp(row: Claimed) -> tuple[str, str] | None:
    """Fall back to the owner's inbox in the app, which takes everything."""
    return None if row.channel == INAPP else (INAPP, row.user_id)


def settle_and_reroute(
    session: Session, outcomes: Sequence[Outcome], *, wall_ms: int, fallback: Fallback
) -> list[bool]:
    """Write outcomes; what is dead or refused goes to another channel in the same transaction."""
    marks = settle(session, outcomes, wall_ms)
    for outcome, mark in zip(outcomes, marks, strict=True):
        if mark and outcome.state in (State.DEAD, State.FAILED) and outcome.claimed.revision == 0:
            _reroute(session, outcome, wall_ms, fallback)
    return marks


def _reroute(session: Session, outcome: Outcome, wall_ms: int, fallback: Fallback) -> None:
    row = outcome.claimed
    target = fallback(row)
    if target is None:
        return
    channel, destination = target
    out = Outgoing(
        alert_id=row.alert_id,
        user_id=row.user_id,
        channel=channel,
        destination=destination,
        severity=row.severity,
        message=row.message | {"note": note(outcome)},
        market_ms=row.market_ms,
        epoch=row.epoch,
        expires_wall_ms=None,
    )
    enqueue(session, out, wall_ms, reason=f"{row.channel} failed: {outcome.reason}")


def note(outcome: Outcome) -> str:
    """Return the line that says why a message came another way."""
    name = outcome.claimed.channel.capitalize()
    if outcome.reason.startswith(GONE):
        why = outcome.reason.removeprefix(GONE)
        return f"{name} is off ({why}). Your alerts come here until a message arrives there again."
    return f"{name} did not take this message, so it came here."
