"""Take out of zones what price has swept since they were found: it does not wait for a candle to close."""

from dataclasses import replace

from engine.model import Side, Zone, ZoneSet
from engine.standing import Standing


def touched(zones: ZoneSet, low: float, high: float) -> bool:
    """Say whether price, having traded from `low` to `high`, has reached any zone."""
    return any(zone.high > low if zone.side is Side.LONG else zone.low < high for zone in zones.zones)


def after_trading(zones: ZoneSet, standing: Standing, low: float, high: float) -> ZoneSet:
    """Return the zones that are left once price has traded from `low` to `high`, with what is left of each.

    `standing` is what stood when they were found. A zone that price has gone through is none any more.
    """
    left = standing.after(low, high)
    return replace(
        zones, zones=tuple(z for zone in zones.zones if (z := _left(zone, standing, left, low, high)))
    )


def _left(zone: Zone, before: Standing, left: Standing, low: float, high: float) -> Zone | None:
    """Return what is left of a zone, None where nothing is."""
    new_low, new_high = zone.low, zone.high
    if zone.side is Side.LONG:
        new_high = min(zone.high, low)
    else:
        new_low = max(zone.low, high)
    if (new_low, new_high) == (zone.low, zone.high):
        return zone
    if new_low >= new_high:
        return None
    stood = before.between(zone.side, zone.low, zone.high)
    stands = left.between(zone.side, new_low, new_high)
    part = stands / stood if stood > 0.0 else 0.0
    if part <= 0.0:
        return None
    return replace(
        zone,
        low=new_low,
        high=new_high,
        peak=min(max(zone.peak, new_low), new_high),
        notional_usd=zone.notional_usd * part,
        share=zone.share * part,
    )
