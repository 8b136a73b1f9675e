"""Carry the identity of zones from one column to the next, and say what happened to each.

A zone keeps its id while the dollars in the part it has in common with its previous range are at least half
of those of the smaller of the two ranges (both on today's surface): growing or being eaten from one edge
keeps an id, wandering off does not. Where several could, the most dollars in common win; those that come
away without are merged (into the winner) or split (from it).
"""

import hashlib
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from engine.model import Floats, Side, Zone, ZoneChange, ZoneEvent, ZoneId
from engine.zone_density import Surface

GROWN_BY: Final = 0.5
"""Growth since it was last reported that makes an event."""
EATEN_BY: Final = 0.1
"""Share swept in one step that makes an event."""
EATEN_UP: Final = 0.5
"""Share swept in one step from which a zone's end is put down to it."""


class Shape(NamedTuple):
    """A zone as it is found in one column, before it is known which one it is; prices and log prices."""

    low: float
    high: float
    peak: float
    notional_usd: float
    share: float
    percentile: float
    log_low: float
    log_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A zone with what is needed to follow it: its range in log price and the dollars last reported."""

    zone: Zone
    log_low: float
    log_high: float
    reported_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One side of a market at one column: its surface, the one before, and the log range traded since."""

    venue: str
    symbol: str
    ts: int
    side: Side
    surface: Surface
    before: Surface | None
    log_traded: tuple[float, float]


def new_id(venue: str, symbol: str, side: Side, ts: int, peak: float) -> ZoneId:
    """Return the id of a zone born at a column: the same for the same data, short, letters and digits."""
    text = f"{venue}|{symbol}|{side}|{ts}|{peak:.10g}"
    return ZoneId(side.value[0] + hashlib.blake2b(text.encode(), digest_size=6).hexdigest())


def follow(
    old: tuple[Tracked, ...], found: list[Shape], now: Now, overlap: float
) -> tuple[tuple[Tracked, ...], list[ZoneEvent]]:
    """Return the zones of one side with their identities, and the events that led to them.

    Every id that appears has one BORN or SPLIT, every one that disappears one MERGED, EATEN or GONE. An
    EATEN zone that is still among those returned lives on.
    """
    common = _common(old, found, now, overlap)
    heirs = _heirs(common)
    swept = _swept(old, now)
    kept: list[Tracked] = []
    events: list[ZoneEvent] = []
    for j, shape in enumerate(found):
        i = heirs.get(j)
        if i is None:
            kept.append(_arrived(shape, now))
            events.append(_arrival(kept[-1].zone, old, common[:, j], now))
            continue
        following, event = _continued(old[i], shape, swept[i], now)
        kept.append(following)
        events.extend(event)
    taken = set(heirs.values())
    for i, tracked in enumerate(old):
        if i not in taken:
            events.append(_end(tracked.zone, swept[i], kept, common[i], now))
    return tuple(kept), events


def _common(old: tuple[Tracked, ...], found: list[Shape], now: Now, overlap: float) -> Floats:
    """Return the dollars that each pair has in common, shape (old, found); 0 where it is too little."""
    if not old or not found:
        return np.zeros((len(old), len(found)))
    old_low, old_high = _ranges(old)
    low = np.array([s.log_low for s in found])
    high = np.array([s.log_high for s in found])
    usd = np.array([s.notional_usd for s in found])
    shared = now.surface.between(
        np.maximum(old_low[:, None], low[None, :]), np.minimum(old_high[:, None], high[None, :])
    )
    least = np.minimum(now.surface.between(old_low, old_high)[:, None], usd[None, :])
    return np.where((shared >= overlap * least) & (shared > 0.0), shared, 0.0)


def _ranges(zones: tuple[Tracked, ...]) -> tuple[Floats, Floats]:
    """Return the lower and upper ends in log price."""
    return np.array([z.log_low for z in zones]), np.array([z.log_high for z in zones])


def _heirs(common: Floats) -> dict[int, int]:
    """Return which old zone each found one continues: most dollars in common first, one to one."""
    heirs: dict[int, int] = {}
    given: set[int] = set()
    pairs = [(-usd, i, j) for i, row in enumerate(common.tolist()) for j, usd in enumerate(row) if usd]
    for _, i, j in sorted(pairs):
        if j not in heirs and i not in given:
            heirs[j] = i
            given.add(i)
    return heirs


def _swept(old: tuple[Tracked, ...], now: Now) -> list[float]:
    """Return which share of each old zone's dollars lay in the range traded since."""
    traded_low, traded_high = now.log_traded
    reached = any(t.log_high > traded_low and t.log_low < traded_high for t in old)
    if now.before is None or not reached:
        return [0.0] * len(old)
    low, high = _ranges(old)
    whole = now.before.between(low, high)
    if now.side is Side.LONG:
        hit = now.before.between(np.maximum(low, traded_low), high)
    else:
        hit = now.before.between(low, np.minimum(high, traded_high))
    share = np.divide(hit, whole, out=np.zeros(len(old)), where=whole > 0.0)
    return [float(s) for s in share]


def _zone(shape: Shape, zone_id: ZoneId, born_ts: int, now: Now) -> Zone:
    """Return what was found under an id."""
    return Zone(
        zone_id=zone_id,
        venue=now.venue,
        symbol=now.symbol,
        side=now.side,
        low=shape.low,
        high=shape.high,
        peak=shape.peak,
        notional_usd=shape.notional_usd,
        share=shape.share,
        percentile=shape.percentile,
        born_ts=born_ts,
        updated_ts=now.ts,
        venue_share=((now.venue, 1.0),),
    )


def _tracked(shape: Shape, zone: Zone, reported_usd: float) -> Tracked:
    """Return a zone with what is needed to follow it."""
    return Tracked(zone=zone, log_low=shape.log_low, log_high=shape.log_high, reported_usd=reported_usd)


def _arrived(shape: Shape, now: Now) -> Tracked:
    """Return a zone that was not there before."""
    zone_id = new_id(now.venue, now.symbol, now.side, now.ts, shape.peak)
    return _tracked(shape, _zone(shape, zone_id, now.ts, now), shape.notional_usd)


def _arrival(zone: Zone, old: tuple[Tracked, ...], common: Floats, now: Now) -> ZoneEvent:
    """Return BORN, or SPLIT where the zone lies in one that lives on elsewhere."""
    if old and common.max() > 0.0:
        source = old[int(common.argmax())].zone.zone_id
        return ZoneEvent(ts=now.ts, change=ZoneChange.SPLIT, zone=zone, other=source)
    return ZoneEvent(ts=now.ts, change=ZoneChange.BORN, zone=zone)


def _continued(before: Tracked, shape: Shape, swept: float, now: Now) -> tuple[Tracked, list[ZoneEvent]]:
    """Return the zone under its old id, with what happened to it."""
    zone = _zone(shape, before.zone.zone_id, before.zone.born_ts, now)
    usd, reported = zone.notional_usd, before.reported_usd
    if swept >= EATEN_BY:
        event = ZoneEvent(ts=now.ts, change=ZoneChange.EATEN, zone=zone, fraction=swept)
        return _tracked(shape, zone, usd), [event]
    if usd >= reported * (1.0 + GROWN_BY):
        event = ZoneEvent(ts=now.ts, change=ZoneChange.GROWN, zone=zone, fraction=usd / reported - 1.0)
        return _tracked(shape, zone, usd), [event]
    return _tracked(shape, zone, reported), []


def _end(zone: Zone, swept: float, kept: list[Tracked], common: Floats, now: Now) -> ZoneEvent:
    """Return how a zone ended: merged into another, eaten by price, or gone (faded, out of range)."""
    if kept and common.max() > 0.0:
        into = kept[int(common.argmax())].zone.zone_id
        return ZoneEvent(ts=now.ts, change=ZoneChange.MERGED, zone=zone, other=into)
    change = ZoneChange.EATEN if swept >= EATEN_UP else ZoneChange.GONE
    return ZoneEvent(ts=now.ts, change=change, zone=zone, fraction=swept)
