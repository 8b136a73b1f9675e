"""Tell an owner on another channel what one channel could not deliver."""

import hashlib
from collections.abc import Callable, Collection, Sequence

from sqlalchemy.orm import Session

from bot.alerting.elsewhere import Missed, elsewhere, name_of, told_elsewhere
from bot.lang import _
from bot.lang.choice import tongue_of
from storage.alerts import NOTICE
from storage.channels import KINDS, note_attempt
from storage.claims import Claimed
from storage.outbox import GONE, Outgoing, State, enqueue
from storage.settle import Outcome, settle
from storage.tables import Alert

Fallback = Callable[[Claimed], tuple[str, str] | None]
"""Return (channel, destination) to use instead, or None where there is none."""

INAPP = "inapp"


def to_inapp(row: Claimed) -> tuple[str, str] | None:
    """Fall back to the owner's inbox in the app, which takes everything."""
    return None if row.channel == INAPP else (INAPP, row.user_id)


def settle_and_reroute(
    session: Session,
    outcomes: Sequence[Outcome],
    *,
    wall_ms: int,
    fallback: Fallback,
    kinds: Collection[str] = (),
) -> list[bool]:
    """Write outcomes; what is dead or refused goes to another channel in the same transaction.

    `fallback` says where on a platform; else it is the owner's next channel of `kinds`.
    """
    marks = settle(session, outcomes, wall_ms)
    for outcome, mark in zip(outcomes, marks, strict=True):
        if not mark:
            continue
        row = outcome.claimed
        place = (row.user_id, row.channel, row.destination)
        note_attempt(session, place, outcome.state, outcome.reason, wall_ms=wall_ms)
        if outcome.state in (State.DEAD, State.FAILED) and row.revision == 0:
            _reroute(session, outcome, wall_ms, fallback=fallback, kinds=kinds)
    return marks


def _reroute(
    session: Session, outcome: Outcome, wall_ms: int, *, fallback: Fallback, kinds: Collection[str]
) -> None:
    """Send a message another way; where its alert is told elsewhere as well, only that a place is gone."""
    row = outcome.claimed
    if row.channel == INAPP:
        return
    missed = Missed(
        owner=row.user_id,
        alert_id=row.alert_id,
        severity=row.severity,
        place=(row.channel, row.destination),
    )
    channel, destination = elsewhere(session, missed, kinds, first=fallback(row))
    with tongue_of(row.message):
        message, alert_id = row.message | {"note": note(outcome)}, row.alert_id
    if row.channel in KINDS and told_elsewhere(session, missed):
        if not outcome.reason.startswith(GONE):
            return
        with tongue_of(row.message):
            alert_id, message = _notice(session, outcome, wall_ms)
    out = Outgoing(
        alert_id=alert_id,
        user_id=row.user_id,
        channel=channel,
        destination=destination,
        severity=row.severity,
        message=message,
        market_ms=row.market_ms,
        epoch=row.epoch,
        expires_wall_ms=None,
    )
    enqueue(
        session,
        out,
        wall_ms,
        reason=f"{row.channel} failed: {outcome.reason}",
    )


def _notice(session: Session, outcome: Outcome, wall_ms: int) -> tuple[str, dict[str, object]]:
    """Write that a channel of a user's is off; return the notice's id and what it says."""
    row = outcome.claimed
    number = hashlib.blake2b(row.key.encode(), digest_size=8).hexdigest()
    name, why = name_of(row.channel, row.destination), outcome.reason.removeprefix(GONE)
    label = str(row.message.get("label", ""))
    session.add(
        Alert(
            alert_id=f"n{number}",
            fire_id=f"{NOTICE}-{number}",
            user_id=row.user_id,
            rule_id=0,
            kind=NOTICE,
            symbol="",
            severity=row.severity.value,
            subject=NOTICE,
            audience=f"{row.channel}|{row.destination}",
            market_ms=row.market_ms,
            wall_ms=wall_ms,
            price=0.0,
            action="send",
            reason=NOTICE,
            hold_until_ms=None,
            carrier_id=None,
            facts={"label": label},
            epoch=row.epoch,
        )
    )
    session.flush()
    text = _(
        "Because: {why}.\nAlerts go your other ways until a message arrives there: /channels test"
    ).format(why=_(why))
    told = {
        "kind": NOTICE,
        "severity": row.severity.value,
        "title": _("{name} is off").format(name=name),
        "text": text,
    }
    return f"n{number}", told | {"market_ms": row.market_ms, "label": label}


def note(outcome: Outcome) -> str:
    """Return the line that says why a message came another way."""
    row = outcome.claimed
    name = name_of(row.channel, row.destination)
    if outcome.reason.startswith(GONE):
        why = outcome.reason.removeprefix(GONE)
        return _("{name} is off ({why}). Your alerts come here until a message arrives there again.").format(
            name=name, why=_(why)
        )
    return _("{name} did not take this message, so it came here.").format(name=name)
