"""Walk fires through the pipeline and write everything that follows, inside one transaction.

These functions are synchronous on a session, so that a bench or a test can run them without a loop.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from bot.alerting.context import load_context
from bot.alerting.facts import facts_of, fire_of, row_of
from bot.alerting.freshness import FROM, TO, TOLD, Supply
from bot.alerting.hosts import host_of
from bot.alerting.message import Message, Telling, tell, tell_digest
from bot.alerting.moment import Moment
from bot.alerting.outgoing import post
from bot.lang import speaking, speech_of
from bot.lang.choice import CHOSEN, tongue_of
from engine.alerts.local_time import utc_day
from engine.alerts.pipeline import Outcome, walk
from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Held
from engine.model import Fire
from engine.rules.conditions.data_stale import DataStale
from storage import alert_state, alerts
from storage.alert_state import ArmChange
from storage.alerts import DIGEST, StepRow
from storage.outbox import revise
from storage.tables import Alert


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What became of one fire: its alert as written, when it has to be looked at again, whether to send."""

    alert: Alert
    action: str
    until_ms: int | None
    sends: bool


def decide(
    session: Session, fires: Iterable[Fire], arms: Iterable[ArmChange], moment: Moment
) -> list[Decided]:
    """Write arms, then decide fires, the worst first; a fire that was handled before changes nothing."""
    alert_state.write_arms(session, arms, epoch=moment.epoch)
    decided = [_decide_one(session, f, moment) for f in sorted(fires, key=lambda f: -f.severity.rank)]
    return [d for d in decided if d is not None]


def _decide_one(session: Session, fire: Fire, moment: Moment) -> Decided | None:
    context = _context(session, fire, moment)
    if context is None:
        return None
    outcome = walk(fire, context, moment.now_ms)
    if outcome.reason is Reason.DUPLICATE:
        return None
    facts = facts_of(fire, moment.label)
    alert = row_of(fire, outcome.alert_id, facts, wall_ms=moment.wall_ms, epoch=moment.epoch)
    alert.audience = context.rule.destination.audience
    session.add(alert)
    return _write(session, alert, outcome, context, moment)


def decide_held(session: Session, alert: Alert, moment: Moment, *, still_true: bool) -> Decided:
    """Walk a held alert again; one whose rule is no more is dropped with that reason."""
    held = Held(
        reason=Reason(alert.reason),
        since_ms=alert.market_ms,
        until_ms=alert.hold_until_ms or moment.now_ms,
        still_true=still_true,
    )
    if held.reason is Reason.STALE_DATA and not moment.stale(alert.symbol):
        _up_to_date(alert, moment)
    fire = fire_of(alert)
    context = _context(session, fire, moment, held)
    if context is None:
        return drop(session, alert, "rule_removed", moment)
    return _write(session, alert, walk(fire, context, moment.now_ms), context, moment)


def _context(session: Session, fire: Fire, moment: Moment, held: Held | None = None) -> Context | None:
    """Return the facts about a fire at a moment, or None where its rule is no more."""
    found = load_context(session, fire, moment.now_ms, house=moment.house, epoch=moment.epoch, held=held)
    stale = moment.stale(fire.symbol) and fire.kind != DataStale.kind  # which is there to tell of just that
    return replace(found, stale=True) if found is not None and stale else found


def _up_to_date(alert: Alert, moment: Moment) -> None:
    """Let an alert that stale data held tell the present price, and from when to when data was missing."""
    supply = moment.supply.get(alert.symbol, Supply())
    missing = supply.missing
    begin, end = missing if missing and missing[1] >= alert.market_ms else (alert.market_ms, moment.now_ms)
    told = {FROM: begin, TO: end} | alert.facts.get("fire", {}) | {TOLD: moment.now_ms}
    alert.facts = alert.facts | {"fire": told}
    if math.isfinite(supply.price):
        alert.price = supply.price


def drop(session: Session, alert: Alert, reason: str, moment: Moment, *, action: str = "suppress") -> Decided:
    """End the wait of an alert without sending it."""
    alert.action, alert.reason, alert.hold_until_ms = action, reason, None
    alerts.add_steps(session, alert, [StepRow(stage="wait", action=action, reason=reason)], moment.now_ms)
    return Decided(alert=alert, action=action, until_ms=None, sends=False)


def _write(session: Session, alert: Alert, outcome: Outcome, context: Context, moment: Moment) -> Decided:
    """Write an outcome: the alert, its steps, what the pipeline remembers, and what goes out."""
    alert.action, alert.reason = outcome.action.value, outcome.reason.value
    alert.hold_until_ms = outcome.until_ms
    alert.carrier_id = outcome.carrier
    session.flush()
    if not outcome.again:
        rows = [StepRow(stage=s.stage, action=s.action.value, reason=s.reason.value) for s in outcome.steps]
        alerts.add_steps(session, alert, rows, moment.now_ms)
    _remember(session, alert.user_id, outcome, context, moment)
    sends = False
    if outcome.action is Action.SEND:
        label = str(alert.facts.get("label", ""))
        language = context.preferences.language
        if language != "en":
            alert.facts = {**alert.facts, CHOSEN: language}
        with speaking(speech_of(language)):
            message = tell(
                Telling(alert_id=alert.alert_id, fire=outcome.fire, label=label, tz=context.preferences.tz)
            )
            posted = [post(session, alert, message, place, moment) for place in outcome.destinations]
        sends = any(posted)
    elif outcome.carrier is not None:
        sends = revise_carrier(session, outcome.carrier, context.preferences.tz, moment)
    return Decided(alert=alert, action=alert.action, until_ms=outcome.until_ms, sends=sends)


def _remember(session: Session, owner: str, outcome: Outcome, context: Context, moment: Moment) -> None:
    if outcome.cooling is not None:
        alert_state.write_cooling(session, owner, outcome.cooling, epoch=moment.epoch)
    if outcome.episode is not None:
        alert_state.write_episode(session, outcome.episode, epoch=moment.epoch)
    if outcome.action is Action.SEND:
        host = host_of(session, context.rule.destination)
        for each in (owner, *((host.server_id,) if host is not None else ())):
            alert_state.count_sent(session, each, utc_day(moment.now_ms), epoch=moment.epoch)


def revise_carrier(session: Session, carrier_id: str, tz: str, moment: Moment) -> bool:
    """Let a message say what rides along in it now; return whether something will be sent."""
    carrier = session.get(Alert, carrier_id)
    if carrier is None:
        return False
    with tongue_of(carrier.facts):
        body = compose_alert(session, carrier, tz).as_json()
    return revise(session, carrier_id, body, moment.wall_ms, epoch=moment.epoch) > 0


def compose_alert(session: Session, alert: Alert, tz: str) -> Message:
    """Return what the message of an alert says now."""
    if alert.kind != DIGEST:
        return tell(_telling(session, alert, tz))
    fires = [fire_of(row) for row in alerts.carried_by(session, alert.user_id, alert.alert_id)]
    return tell_digest(fires, now_ms=alert.market_ms, label=str(alert.facts.get("label", "")), tz=tz)


def _telling(session: Session, alert: Alert, tz: str) -> Telling:
    """Return what a message of an alert is made from, with what rides along in it."""
    count, latest = alerts.carried(session, alert.user_id, alert.alert_id)
    return Telling(
        alert_id=alert.alert_id,
        fire=fire_of(alert),
        label=str(alert.facts.get("label", "")),
        tz=tz,
        folded=count,
        latest=fire_of(latest) if latest else None,
    )
