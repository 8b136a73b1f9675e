"""Tell when price comes near a zone that matters: one watch, its zones, one price.

A step (a severity and how near) becomes true when an eligible zone lies within it. It can become true again
after the zone was further away than that plus the hysteresis, or after price has eaten into the zone: then
the edge that was told of is reached, and what still lies ahead is news. Without the second way a zone that is
eaten at one end while it is fed at the other would be told of once and never again.
Where several steps of a zone become true at once, only the worst fires, and the others count as fired. A zone
that price has gone through since the last candle, but that still stands in the set, neither fires nor arms.

A zone that is born within a step, or grows to the least dollars there, makes it true like any other: price is
near something that matters, whoever moved. What keeps this quiet is that few zones reach `min=auto`, that
zones keep their id, and that `follow` hands on what has fired when they merge or split.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from engine.model import (
    DAY_MS,
    Fire,
    Severity,
    Side,
    Watch,
    Zone,
    ZoneChange,
    ZoneEvent,
    ZoneId,
    ZoneSet,
)

KIND: Final = "zone_proximity"
DEFAULT_WITHIN: Final = ((Severity.INFO, 0.05), (Severity.WARNING, 0.03), (Severity.CRITICAL, 0.01))
"""Steps of a watch whose owner asked for nothing else, as fractions of price."""
FORGET_MS: Final = DAY_MS
"""How long the steps of a zone that is no more are kept; nobody asks for them, so this is only tidiness."""

StepKey = tuple[ZoneId, Severity]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmState:
    """Hold which steps of one watch have fired and are not armed again, and when each fired.

    `epoch` grows when a replay is sought backwards, so that its fires are told from those of before.
    """

    fired: Mapping[StepKey, int] = field(default_factory=lambda: MappingProxyType({}))
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What one look at the market gave: fires, the state after, and how it differs from the one before."""

    fires: tuple[Fire, ...]
    state: ArmState
    added: tuple[StepKey, ...] = ()
    removed: tuple[StepKey, ...] = ()


def evaluate(
    watch: Watch, zones: ZoneSet, previous: float | None, price: float, ts: int, armed: ArmState
) -> Evaluation:
    """Return what becomes true for a watch at a price.

    `previous` is the price of the look before; None says that this is the first look at all: of what is true
    already only the worst and nearest fires, the rest is taken as known.
    """
    least_usd = zones.auto_min_usd if watch.min_notional_usd is None else watch.min_notional_usd
    fired = dict(armed.fired)
    fires: list[Fire] = []
    for zone in zones.zones:
        if (watch.side is None or zone.side is watch.side) and not _passed(zone, price):
            eligible = zone.notional_usd >= least_usd
            worst = _step(watch, zone, (ts, price), fired, eligible=eligible)
            if worst is not None:
                fires.append(_fire(watch, zone, worst, (ts, price), least_usd, armed.epoch))
    if previous is None and fires:
        fires = [max(fires, key=lambda f: (f.severity.rank, -float(dict(f.facts)["distance"])))]
    _forget(fired, zones, ts)
    return _evaluation(fires, armed, fired)


def follow(armed: ArmState, events: Sequence[ZoneEvent]) -> Evaluation:
    """Return the state after a candle changed the zones; to be called before the new set is looked at.

    What has fired for a zone has fired for what it merged into or split into; what price has eaten into is
    armed again.
    """
    fired = dict(armed.fired)
    for event in events:
        if event.change is ZoneChange.MERGED and event.other:
            _hand_on(fired, event.zone.zone_id, event.other)
        elif event.change is ZoneChange.SPLIT and event.other:
            _hand_on(fired, event.other, event.zone.zone_id)
    for event in events:
        if event.change is ZoneChange.EATEN:
            for severity in Severity:
                fired.pop((event.zone.zone_id, severity), None)
    return _evaluation([], armed, fired)


def still_true(watch: Watch, zones: ZoneSet, fire: Fire, price: float) -> bool:
    """Say whether what a held fire told still holds: its zone stands and lies within its step."""
    within = dict(watch.within).get(fire.severity)
    if within is None or fire.zone is None:
        return False
    same = (z for z in zones.zones if z.zone_id == fire.zone.zone_id)
    return any(zone.distance(price) <= within for zone in same)


def _step(
    watch: Watch, zone: Zone, at: tuple[int, float], fired: dict[StepKey, int], *, eligible: bool
) -> Severity | None:
    """Arm and fire the steps of one zone in `fired`; return the worst one that became true."""
    worst: Severity | None = None
    ts, price = at
    distance = zone.distance(price)
    for severity, within in watch.within:
        key = (zone.zone_id, severity)
        if key in fired:
            if distance > within + watch.hysteresis:
                del fired[key]
        elif eligible and distance <= within:
            fired[key] = ts
            if worst is None or severity.rank > worst.rank:
                worst = severity
    return worst


def _hand_on(fired: dict[StepKey, int], source: ZoneId, target: ZoneId) -> None:
    """Let what has fired for one zone have fired for another."""
    for severity in Severity:
        when = fired.get((source, severity))
        if when is not None:
            fired.setdefault((target, severity), when)


def _passed(zone: Zone, price: float) -> bool:
    """Say whether price is beyond a zone already, which the next candle will tell."""
    return price < zone.low if zone.side is Side.LONG else price > zone.high


def _forget(fired: dict[StepKey, int], zones: ZoneSet, ts: int) -> None:
    """Drop the steps of zones that are gone for long."""
    if not fired:
        return
    standing = {zone.zone_id for zone in zones.zones}
    for key in [k for k, when in fired.items() if k[0] not in standing and ts - when > FORGET_MS]:
        del fired[key]


def _evaluation(fires: list[Fire], before: ArmState, fired: dict[StepKey, int]) -> Evaluation:
    """Return the state after with its differences; the same state object where nothing changed."""
    added = tuple(key for key, when in fired.items() if before.fired.get(key) != when)
    removed = tuple(key for key in before.fired if key not in fired)
    state = ArmState(fired=MappingProxyType(fired), epoch=before.epoch) if added or removed else before
    return Evaluation(fires=tuple(fires), state=state, added=added, removed=removed)


def _fire(
    watch: Watch, zone: Zone, severity: Severity, at: tuple[int, float], least_usd: float, epoch: int
) -> Fire:
    """Return the fire of one step at a time and price; the same thing found again has the same id."""
    ts, price = at
    text = f"{watch.rule_id}|{zone.zone_id}|{severity}|{ts}|{epoch}"
    facts: list[tuple[str, float | str]] = [
        ("distance", zone.distance(price)),
        ("within", dict(watch.within)[severity]),
    ]
    if math.isfinite(least_usd):
        facts.append(("min_usd", least_usd))
    return Fire(
        fire_id="f" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
        rule_id=watch.rule_id,
        owner=watch.owner,
        symbol=watch.symbol,
        kind=KIND,
        severity=severity,
        ts=ts,
        price=price,
        zone=zone,
        facts=tuple(facts),
    )
