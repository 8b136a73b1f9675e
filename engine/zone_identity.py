"""Carry the identity of zones from one column to the next, and say what happened to each.

A zone keeps its id while the dollars in the part it has in common with its previous range are at least half
of those of the smaller of the two ranges (both on today's surface): growing or being eaten from one edge
keeps an id, wandering off does not. Where several could, the most dollars in common win; those that come
away without are merged (into the winner) or split (from it).
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engine.model import Floats, Side, Zone, ZoneChange, ZoneEvent, ZoneId
from engine.zone_density import Surface

GROWN_BY: Final = 0.5
"""Growth since it was last reported that makes an event."""
EATEN_BY: Final = 0.1
"""Share swept in one step that makes an event."""
EATEN_UP: Final = 0.5
"""Share swept in one step from which a zone's end is put down to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A zone with what is needed to follow it: its range in log price and the dollars last reported."""

    zone: Zone
    log_low: float
    log_high: float
    reported_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One side of the market at one column: today's surface, yesterday's, and the range traded since."""

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
    old: tuple[Tracked, ...], fresh: tuple[Tracked, ...], now: Now, overlap: float
) -> tuple[tuple[Tracked, ...], list[ZoneEvent]]:
    """Return the zones of one side with their identities, and the events that led to them.

    `fresh` come with the ids they have if they are new. Every id that appears has one BORN or SPLIT, every
    one that disappears one MERGED, EATEN or GONE.
    """
    common = _common(old, fresh, now, overlap)
    heirs = _heirs(common)
    swept = _swept(old, now)
    kept: list[Tracked] = []
    events: list[ZoneEvent] = []
    for j, tracked in enumerate(fresh):
        i = heirs.get(j)
        if i is None:
            kept.append(tracked)
            events.append(_arrival(tracked, old, heirs, common[:, j], now))
            continue
        following, changes = _continued(old[i], tracked, float(swept[i]), now)
        kept.append(following)
        events.extend(changes)
    taken = set(heirs.values())
    for i, tracked in enumerate(old):
        if i not in taken:
            events.append(_end(tracked, float(swept[i]), kept, common[i], now))
    return tuple(kept), events


def _common(old: tuple[Tracked, ...], fresh: tuple[Tracked, ...], now: Now, overlap: float) -> Floats:
    """Return the dollars that each pair has in common, shape (old, fresh); 0 where it is too little."""
    old_low, old_high = _ranges(old)
    low, high = _ranges(fresh)
    shared = now.surface.between(
        np.maximum(old_low[:, None], low[None, :]), np.minimum(old_high[:, None], high[None, :])
    )
    least = np.minimum(
        now.surface.between(old_low, old_high)[:, None], now.surface.between(low, high)[None, :]
    )
    return np.where((shared >= overlap * least) & (shared > 0.0), shared, 0.0)


def _ranges(zones: tuple[Tracked, ...]) -> tuple[Floats, Floats]:
    """Return the lower and upper ends in log price."""
    return np.array([z.log_low for z in zones]), np.array([z.log_high for z in zones])


def _heirs(common: Floats) -> dict[int, int]:
    """Return which old zone each fresh one continues: most dollars in common first, one to one."""
    heirs: dict[int, int] = {}
    rows, columns = np.nonzero(common)
    order = np.argsort(-common[rows, columns], kind="stable")
    given: set[int] = set()
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if j not in heirs and i not in given:
            heirs[j] = i
            given.add(i)
    return heirs


def _swept(old: tuple[Tracked, ...], now: Now) -> Floats:
    """Return which share of each old zone's dollars lay in the range traded since."""
    if now.before is None or not old:
        return np.zeros(len(old))
    low, high = _ranges(old)
    whole = now.before.between(low, high)
    if now.side is Side.LONG:
        hit = now.before.between(np.maximum(low, now.log_traded[0]), high)
    else:
        hit = now.before.between(low, np.minimum(high, now.log_traded[1]))
    share: Floats = np.divide(hit, whole, out=np.zeros(len(old)), where=whole > 0.0)
    return share


def _arrival(
    tracked: Tracked, old: tuple[Tracked, ...], heirs: dict[int, int], common: Floats, now: Now
) -> ZoneEvent:
    """Return BORN, or SPLIT where the zone lies in one that lives on elsewhere."""
    if common.shape[0] and common.max() > 0.0:
        source = old[int(common.argmax())].zone.zone_id
        return ZoneEvent(ts=now.ts, change=ZoneChange.SPLIT, zone=tracked.zone, other=source)
    return ZoneEvent(ts=now.ts, change=ZoneChange.BORN, zone=tracked.zone)


def _continued(before: Tracked, tracked: Tracked, swept: float, now: Now) -> tuple[Tracked, list[ZoneEvent]]:
    """Return the zone under its old id, with what happened to it."""
    zone = replace(tracked.zone, zone_id=before.zone.zone_id, born_ts=before.zone.born_ts)
    usd, reported = zone.notional_usd, before.reported_usd
    events: list[ZoneEvent] = []
    if swept >= EATEN_BY:
        events.append(ZoneEvent(ts=now.ts, change=ZoneChange.EATEN, zone=zone, fraction=swept))
        reported = usd
    elif usd >= reported * (1.0 + GROWN_BY):
        events.append(ZoneEvent(ts=now.ts, change=ZoneChange.GROWN, zone=zone, fraction=usd / reported - 1.0))
        reported = usd
    return replace(tracked, zone=zone, reported_usd=reported), events


def _end(tracked: Tracked, swept: float, kept: list[Tracked], common: Floats, now: Now) -> ZoneEvent:
    """Return how a zone ended: merged into another, eaten by price, or gone (faded, out of range)."""
    if common.shape[0] and common.max() > 0.0:
        into = kept[int(common.argmax())].zone.zone_id
        return ZoneEvent(ts=now.ts, change=ZoneChange.MERGED, zone=tracked.zone, other=into)
    change = ZoneChange.EATEN if swept >= EATEN_UP else ZoneChange.GONE
    return ZoneEvent(ts=now.ts, change=change, zone=tracked.zone, fraction=swept)
