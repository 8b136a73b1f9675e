"""Say which zones of one set are the same as those of another that was made anew: what was told stays told.

Where a heatmap is made from other venues or from candles that were missing, its zones have other names. A
zone hands on to each zone of the same side that shares half of the narrower one's range with it.
"""

from engine.model import Zone, ZoneChange, ZoneEvent, ZoneSet

SHARED = 0.5
"""How much of the narrower zone's range both must share."""


def handed_on(before: ZoneSet | None, after: ZoneSet | None) -> list[ZoneEvent]:
    """Return, as mergers at the time of `after`, which zones of `before` go on as which others."""
    if before is None or after is None:
        return []
    return [
        ZoneEvent(ts=after.ts, change=ZoneChange.MERGED, zone=old, other=new.zone_id)
        for old in before.zones
        for new in after.zones
        if old.zone_id != new.zone_id and old.side is new.side and _shared(old, new) >= SHARED
    ]


def _shared(one: Zone, other: Zone) -> float:
    """Return the part of the narrower zone that lies in both, 1 where that is a single price."""
    both = min(one.high, other.high) - max(one.low, other.low)
    narrower = min(one.high - one.low, other.high - other.low)
    if both < 0:
        return 0.0
    return both / narrower if narrower > 0 else 1.0
