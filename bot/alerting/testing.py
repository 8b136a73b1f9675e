"""Make a test alert: a real delivery of one rule, marked as a test, that counts for nothing."""

import secrets
from collections.abc import Callable

from sqlalchemy.orm import Session

from bot.alerting.context import placed_preferences, rule_view
from bot.alerting.decide import Decided
from bot.alerting.facts import facts_of, row_of
from bot.alerting.message import Telling, tell_test
from bot.alerting.moment import Moment
from bot.alerting.outgoing import post
from bot.alerting.parts import Latest
from bot.alerting.rules.fires import trial_facts
from bot.lang import _, speaking, speech_of
from engine.alerts.stage import Action
from engine.errors import UserError
from engine.model import Fire, RuleId, Severity, UserId
from engine.rules.stored import KINDS, spec_of
from storage.alerts import TEST, StepRow, add_steps
from storage.rules import get_rule
from storage.tables import Rule


def send_test(
    session: Session,
    owner: UserId,
    rule_id: RuleId,
    latest: Callable[[str], Latest | None],
    moment: Moment,
) -> Decided:
    """Write a test alert of one of the owner's rules: about the nearest zone there is, or what it asks.

    `latest` gives the last price of a symbol. Raises UserError where the owner has no such rule.
    """
    rule = get_rule(session, owner, rule_id)
    if rule is None:
        raise UserError(_("You have no alert {rule_id}.").format(rule_id=rule_id), example="/alert list")
    place = rule_view(rule).destination
    wishes = placed_preferences(session, owner, place, moment.house)
    with speaking(speech_of(wishes.language)):
        fire = _fire(rule, latest(rule.symbol), moment)
    alert_id = f"t{secrets.token_hex(8)}"
    alert = row_of(fire, alert_id, facts_of(fire, moment.label), wall_ms=moment.wall_ms, epoch=moment.epoch)
    alert.action, alert.reason = Action.SEND.value, TEST
    alert.subject = f"{TEST}:{rule_id}"
    session.add(alert)
    session.flush()
    add_steps(session, alert, [StepRow(stage=TEST, action=alert.action, reason=alert.reason)], moment.now_ms)
    telling = Telling(alert_id=alert_id, fire=fire, label=moment.label, tz=wishes.tz)
    with speaking(speech_of(wishes.language)):
        sends = post(session, alert, tell_test(telling), place, moment)
    return Decided(alert=alert, action=alert.action, until_ms=None, sends=sends)


def _fire(rule: Rule, latest: Latest | None, moment: Moment) -> Fire:
    """Return what would fire: the worst step that a watch has, the nearest zone; of others, what they ask."""
    zones = latest.zones if latest else None
    price = latest.price if latest else 0.0
    watch = rule.kind not in KINDS
    steps = [Severity(name) for name in rule.params.get("within", {})]
    near = sorted(zones.zones if zones and watch else (), key=lambda zone: zone.distance(price))
    spec = None if watch else spec_of(rule.kind, rule.params, note=rule.note)
    return Fire(
        fire_id=f"{TEST}-{secrets.token_hex(8)}",
        rule_id=RuleId(rule.rule_id),
        owner=UserId(rule.user_id),
        symbol=rule.symbol,
        kind=TEST,
        severity=spec.severity if spec else max(steps, key=lambda s: s.rank, default=Severity.WARNING),
        ts=moment.now_ms,
        price=price,
        zone=near[0] if near else None,
        facts=tuple(trial_facts(spec, rule.symbol)) if spec else (),
    )
