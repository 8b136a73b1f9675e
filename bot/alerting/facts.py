"""Keep what a message is made of with the alert, as JSON, and read it back."""

from dataclasses import asdict
from typing import Any

from engine.alerts.stage import direction_of, subject_of
from engine.model import Fire, RuleId, Severity, Side, UserId, Zone, ZoneId
from storage.tables import Alert


def zone_to_json(zone: Zone) -> dict[str, Any]:
    """Return a zone as plain JSON values."""
    values = asdict(zone)
    values["side"] = zone.side.value
    values["venue_share"] = [[venue, share] for venue, share in zone.venue_share]
    return values


def zone_from_json(values: dict[str, Any]) -> Zone:
    """Return a zone from its JSON values."""
    plain = {name: values[name] for name in ZONE_NUMBERS}
    return Zone(
        zone_id=ZoneId(values["zone_id"]),
        venue=values["venue"],
        symbol=values["symbol"],
        side=Side(values["side"]),
        venue_share=tuple((str(v), float(s)) for v, s in values.get("venue_share", ())),
        **plain,
    )


ZONE_NUMBERS = ("low", "high", "peak", "notional_usd", "share", "percentile", "born_ts", "updated_ts")


def facts_of(fire: Fire, label: str) -> dict[str, Any]:
    """Return what is kept of a fire beside the columns of its alert. `label` is the source line."""
    return {
        "zone": zone_to_json(fire.zone) if fire.zone else None,
        "direction": direction_of(fire),
        "fire": dict(fire.facts),
        "label": label,
    }


def fire_of(alert: Alert) -> Fire:
    """Return the fire that an alert was made from."""
    zone = alert.facts.get("zone")
    return Fire(
        fire_id=alert.fire_id,
        rule_id=RuleId(alert.rule_id),
        owner=UserId(alert.user_id),
        symbol=alert.symbol,
        kind=alert.kind,
        severity=Severity(alert.severity),
        ts=alert.market_ms,
        price=alert.price,
        zone=zone_from_json(zone) if zone else None,
        facts=tuple(alert.facts.get("fire", {}).items()),
    )


def row_of(fire: Fire, alert_id: str, facts: dict[str, Any], *, wall_ms: int, epoch: int) -> Alert:
    """Return the row of a fire, its audience, action and reason still to be filled in."""
    return Alert(
        alert_id=alert_id,
        fire_id=fire.fire_id,
        user_id=fire.owner,
        rule_id=fire.rule_id,
        kind=fire.kind,
        symbol=fire.symbol,
        severity=fire.severity.value,
        subject=subject_of(fire),
        audience="",
        market_ms=fire.ts,
        wall_ms=wall_ms,
        price=fire.price,
        action="",
        reason="",
        hold_until_ms=None,
        carrier_id=None,
        facts=facts,
        epoch=epoch,
    )
