"""Make a test alert: a real delivery of one rule, marked as a test, that counts for nothing."""

import secrets

from sqlalchemy.orm import Session

from bot.alerting.context import rule_view, user_preferences
from bot.alerting.decide import Decided
from bot.alerting.facts import facts_of, row_of
from bot.alerting.message import Telling, tell_test
from bot.alerting.moment import Moment
from bot.alerting.outgoing import post
from engine.alerts.stage import Action
from engine.errors import UserError
from engine.model import Fire, RuleId, Severity, UserId, ZoneSet
from storage.alerts import TEST, StepRow, add_steps
from storage.rules import get_rule
from storage.tables import Rule


def send_test(
    session: Session, owner: UserId, rule_id: RuleId, zones: ZoneSet | None, price: float, moment: Moment
) -> Decided:
    """Write a test alert of one of the owner's rules, about the nearest zone there is."""
    rule = get_rule(session, owner, rule_id)
    if rule is None:
        raise UserError(f"You have no alert {rule_id}.", example="/alert list")
    fire = _fire(rule, zones, price, moment)
    alert_id = f"t{secrets.token_hex(8)}"
    alert = row_of(fire, alert_id, facts_of(fire, moment.label), wall_ms=moment.wall_ms, epoch=moment.epoch)
    alert.action, alert.reason = Action.SEND.value, TEST
    alert.subject = f"{TEST}:{rule_id}"
    session.add(alert)
    session.flush()
    add_steps(session, alert, [StepRow(stage=TEST, action=alert.action, reason=alert.reason)], moment.now_ms)
    telling = Telling(
        alert_id=alert_id,
        fire=fire,
        label=moment.label,
        tz=user_preferences(session, owner, moment.house).tz,
    )
    sends = post(session, alert, tell_test(telling), rule_view(rule).destination, moment)
    return Decided(alert=alert, action=alert.action, until_ms=None, sends=sends)


def _fire(rule: Rule, zones: ZoneSet | None, price: float, moment: Moment) -> Fire:
    """Return what would fire: the worst step that the rule has, the nearest zone."""
    steps = [Severity(name) for name in rule.params.get("within", {})]
    near = sorted(zones.zones if zones else (), key=lambda zone: zone.distance(price))
    return Fire(
        fire_id=f"{TEST}-{secrets.token_hex(8)}",
        rule_id=RuleId(rule.rule_id),
        owner=UserId(rule.user_id),
        symbol=rule.symbol,
        kind=TEST,
        severity=max(steps, key=lambda s: s.rank, default=Severity.WARNING),
        ts=moment.now_ms,
        price=price,
        zone=near[0] if near else None,
    )
