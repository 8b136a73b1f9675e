"""Look after what waits: held alerts and digests that are due, episodes that are over, epochs that ended.

Synchronous on a session, like `decide`.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy.orm import Session

from bot.alerting.context import placed_preferences, rule_view
from bot.alerting.decide import Decided, compose_alert, decide_held, drop
from bot.alerting.facts import fire_of
from bot.alerting.moment import Moment
from bot.alerting.outgoing import post
from bot.lang.choice import CHOSEN, tongue_of
from engine.alerts.digest import rings
from engine.alerts.local_time import next_digest_ms
from engine.alerts.route import hushed
from engine.alerts.stage import IN_APP, Action, Destination
from engine.model import Fire, Severity
from storage import alert_state, alerts
from storage.alerts import DIGEST, NOT_FIRES, VOID, StepRow
from storage.epochs import begin_epoch
from storage.outbox import void_open
from storage.rules import get_rule
from storage.tables import Alert

StillTrue = Callable[[Fire], bool | None]
"""`still_true(fire)`: whether what a held fire told holds now; None while that cannot be known."""
UNKNOWN_AGAIN_MS = 1_000
"""When to ask again about a held alert of which it cannot be known whether it is still true."""

MOVED_BACK = "replay_moved_back"
EXPIRED = "not_delivered_in_time"
NO_DIGEST = "digest_off"
TOLD = "digest_sent"
TOLD_SILENTLY = "digest_sent_silently"


def sweep(session: Session, moment: Moment, still_true: StillTrue) -> list[Decided]:
    """Walk held alerts again that are due by now, send the digests that are, and close quiet episodes."""
    decided: list[Decided] = []
    walked: set[str] = set()
    while due := [
        alert
        for alert in alerts.held_due(session, moment.now_ms, epoch=moment.epoch)
        if alert.alert_id not in walked
    ]:
        for alert in due:
            walked.add(alert.alert_id)
            truth = still_true(fire_of(alert))
            if truth is None:
                alert.hold_until_ms = moment.now_ms + UNKNOWN_AGAIN_MS
                decided.append(_waits(alert))
            else:
                decided.append(decide_held(session, alert, moment, still_true=truth))
    decided += digests(session, moment)
    quiet_ms = moment.house.policy.episode_quiet_s * 1000
    alert_state.close_episodes(session, quiet_since_ms=moment.now_ms - quiet_ms)
    return decided


def _waits(alert: Alert) -> Decided:
    return Decided(alert=alert, action=alert.action, until_ms=alert.hold_until_ms, sends=False)


def digests(session: Session, moment: Moment) -> list[Decided]:
    """Send one digest for each user and place with what is due for it."""
    due = alerts.digest_due(session, moment.now_ms, epoch=moment.epoch)
    placed = sorted(((row.user_id, _place(session, row), row) for row in due), key=lambda e: _order(*e))
    decided: list[Decided] = []
    for (owner, place), group in groupby(placed, key=lambda e: (e[0], e[1])):
        decided.append(_digest(session, owner, place, [row for _, _, row in group], moment))
    return decided


def _order(owner: str, place: Destination, row: Alert) -> tuple[str, str, str, int, str]:
    return owner, place.channel, place.place, row.market_ms, row.alert_id


def _place(session: Session, alert: Alert) -> Destination:
    """Return where the digest of an alert goes: where its rule sends alerts, else to the app."""
    rule = get_rule(session, alert.user_id, alert.rule_id)
    return IN_APP if rule is None else rule_view(rule).destination


def _digest(
    session: Session, owner: str, place: Destination, rows: Sequence[Alert], moment: Moment
) -> Decided:
    """Write one digest: an alert of its own that carries the others, silent where it is not worth a ring."""
    loud = rings(Severity(row.severity) for row in rows)
    told = TOLD if loud else TOLD_SILENTLY
    due_ms = max(row.hold_until_ms or 0 for row in rows)
    digest = _digest_row(owner, place, rows, due_ms, moment)
    digest.reason = told
    session.add(digest)
    session.flush()
    for row in rows:
        row.carrier_id, row.hold_until_ms = digest.alert_id, None
        alerts.add_steps(
            session, row, [StepRow(stage=DIGEST, action=Action.SEND.value, reason=told)], moment.now_ms
        )
    session.flush()
    wishes = placed_preferences(session, owner, place, moment.house)
    if wishes.language != "en":
        digest.facts = {**digest.facts, CHOSEN: wishes.language}
    alerts.add_steps(
        session, digest, [StepRow(stage=DIGEST, action=Action.SEND.value, reason=told)], moment.now_ms
    )
    with tongue_of(digest.facts):
        message = compose_alert(session, digest, wishes.tz)
        sends = post(session, digest, message, place if loud else hushed(place), moment, expires=False)
    return Decided(alert=digest, action=Action.SEND.value, until_ms=None, sends=sends)


def _digest_row(owner: str, place: Destination, rows: Sequence[Alert], due_ms: int, moment: Moment) -> Alert:
    text = f"{owner}|{place.channel}|{place.place}|{due_ms}|{moment.epoch}|{rows[0].alert_id}"
    number = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return Alert(
        alert_id=f"d{number}",
        fire_id=f"digest-{number}",
        user_id=owner,
        rule_id=0,
        kind=DIGEST,
        symbol="",
        severity=Severity.INFO.value,
        subject=DIGEST,
        audience=place.audience,
        market_ms=moment.now_ms,
        wall_ms=moment.wall_ms,
        price=0.0,
        action=Action.SEND.value,
        reason=TOLD,
        hold_until_ms=None,
        carrier_id=None,
        facts={"label": moment.label},
        epoch=moment.epoch,
    )


def to_digest(session: Session, alert_ids: Sequence[str], moment: Moment) -> list[int]:
    """Hand alerts that nobody got in time to their owners' next digest; return when those are due."""
    times: list[int] = []
    for alert_id in alert_ids:
        alert = session.get(Alert, alert_id)
        if alert is None or alert.kind in NOT_FIRES:
            continue
        place = _place(session, alert)
        wishes = placed_preferences(session, alert.user_id, place, moment.house)
        due_ms = next_digest_ms(wishes, moment.now_ms)
        if due_ms is None:
            drop(session, alert, NO_DIGEST, moment)
            continue
        alert.action, alert.reason, alert.hold_until_ms = Action.DIGEST.value, EXPIRED, due_ms
        step = StepRow(stage="delivery", action=Action.DIGEST.value, reason=EXPIRED)
        alerts.add_steps(session, alert, [step], moment.now_ms)
        times.append(due_ms)
    return times


def new_epoch(session: Session, moment: Moment) -> int:
    """Start an epoch: what was remembered, held or queued before is void."""
    epoch = begin_epoch(session, market_ms=moment.now_ms, wall_ms=moment.wall_ms)
    void_before(session, replace(moment, epoch=epoch))
    return epoch


def void_before(session: Session, moment: Moment) -> None:
    """Void what is left of epochs before the present one, with the reason; nothing left changes nothing."""
    for alert in alerts.waiting_before(session, moment.epoch):
        drop(session, alert, MOVED_BACK, moment, action=VOID)
    void_open(session, before_epoch=moment.epoch, wall_ms=moment.wall_ms, reason="the replay was moved back")
    alert_state.clear_before(session, moment.epoch)
