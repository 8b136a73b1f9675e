"""Define what compiled conditions are made of: thresholds, events that match, and nearness to zones.

A condition compiles to *branches*, an OR of ANDs of atoms.
"""

from dataclasses import dataclass
from typing import Final

from engine.model import Liquidation, Side, Zone, ZoneChange, ZoneEvent, ZoneSet
from engine.rules.feature import Threshold

PULSE_MS: Final = 60_000
"""How long an event counts as true where it is joined to other conditions."""
GONE_BY: Final = 1.0 - 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Be one event as it is known at `known_ms`, with the price then and what `min=auto` means (USD)."""

    event: Liquidation | ZoneEvent
    known_ms: int
    price: float
    auto_min_usd: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class OneLiquidation:
    """Match each single liquidation of `usd` or more; `side` None is either, `venue` "" any."""

    symbol: str
    venue: str
    side: Side | None
    usd: float

    def matches(self, seen: Seen) -> bool:
        """Say whether an event is such a liquidation."""
        event = seen.event
        return (
            isinstance(event, Liquidation)
            and event.symbol == self.symbol
            and self.venue in ("", event.venue)
            and self.side in (None, event.side)
            and event.notional_usd >= self.usd
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSwept:
    """Match each zone of which price took `fraction` or more in one candle; `min_usd` None is auto."""

    symbol: str
    side: Side | None
    fraction: float
    min_usd: float | None

    def matches(self, seen: Seen) -> bool:
        """Say whether an event is such a sweep."""
        event = seen.event
        return (
            isinstance(event, ZoneEvent)
            and event.change is ZoneChange.EATEN
            and event.zone.symbol == self.symbol
            and self.side in (None, event.zone.side)
            and event.fraction >= self.fraction
            and usd_before(event) >= _least(self.min_usd, seen)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneBuilt:
    """Match each zone near price that is born (where `born`) or has grown by `growth` or more."""

    symbol: str
    side: Side | None
    growth: float
    within: float
    min_usd: float | None
    born: bool = True

    def matches(self, seen: Seen) -> bool:
        """Say whether an event is such a zone."""
        event = seen.event
        if not isinstance(event, ZoneEvent) or event.zone.symbol != self.symbol:
            return False
        arrived = self.born and event.change is ZoneChange.BORN
        grown = event.change is ZoneChange.GROWN and event.fraction >= self.growth
        return (
            (arrived or grown)
            and self.side in (None, event.zone.side)
            and event.zone.distance(seen.price) <= self.within
            and event.zone.notional_usd >= _least(self.min_usd, seen)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneNear:
    """Be true while a zone of `min_usd` or more (None is auto) stands within `within` of price.

    Once true it stays so until none is within `within + give_back`.
    """

    symbol: str
    side: Side | None
    within: float
    give_back: float
    min_usd: float | None

    def holds(self, zones: ZoneSet, price: float, *, was: bool) -> bool:
        """Say whether it is true at a price, given whether it was."""
        least = zones.auto_min_usd if self.min_usd is None else self.min_usd
        reach = self.within + (self.give_back if was else 0.0)
        return any(self.counts(zone, price, least) and zone.distance(price) <= reach for zone in zones.zones)

    def counts(self, zone: Zone, price: float, least_usd: float) -> bool:
        """Say whether a zone is of the side and size, and price is not beyond it already."""
        passed = price < zone.low if zone.side is Side.LONG else price > zone.high
        return self.side in (None, zone.side) and not passed and zone.notional_usd >= least_usd


EventAtom = OneLiquidation | ZoneSwept | ZoneBuilt
Atom = Threshold | EventAtom | ZoneNear
Branch = tuple[Atom, ...]
Branches = tuple[Branch, ...]


def usd_before(event: ZoneEvent) -> float:
    """Return the dollars that a zone held before it was eaten into.

    An event carries a zone that lives on as it is after, one that is gone as it was before.
    """
    if event.zone.updated_ts < event.ts or event.fraction >= GONE_BY:
        return event.zone.notional_usd
    return event.zone.notional_usd / (1.0 - event.fraction)


def usd_swept(event: ZoneEvent) -> float:
    """Return the dollars that were predicted to be liquidated by a sweep."""
    return usd_before(event) * event.fraction


def _least(min_usd: float | None, seen: Seen) -> float:
    """Return the least dollars that count; NaN, which nothing reaches, while auto is unknown."""
    return seen.auto_min_usd if min_usd is None else min_usd
