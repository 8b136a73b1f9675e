"""Switch "near a zone" on and off as price and zones move, and look only where something may change.

While its zones stay the same, price is near within stretches of prices; between two looks a market has a calm
band in which nothing changes, and a price inside it costs two comparisons.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Final

from engine.model import Side, Zone, ZoneSet
from engine.rules.atom import ZoneNear

Band = tuple[float, float]
NOWHERE: Final[Band] = (math.inf, -math.inf)
MARGIN: Final = 1e-9
"""Relative width by which the calm band is narrowed, against rounding."""


class Nearness:
    """The atoms of one market about nearness to zones, and which of them are true (None: not known yet)."""

    def __init__(self) -> None:
        self._on: dict[ZoneNear, bool | None] = {}
        self._zones: ZoneSet | None = None
        self._band = NOWHERE

    def __len__(self) -> int:
        return len(self._on)

    def __contains__(self, atom: ZoneNear) -> bool:
        return atom in self._on

    def add(self, atom: ZoneNear, *, on: bool | None = None) -> None:
        """Look at an atom from the next price on; one that is looked at already stays as it is."""
        if atom not in self._on or on is not None:
            self._on[atom] = on
            self._band = NOWHERE

    def drop(self, atom: ZoneNear) -> None:
        """Look at an atom no longer."""
        self._on.pop(atom, None)

    def unknown(self) -> list[ZoneNear]:
        """Forget what is true; return the atoms of which nothing is known now."""
        self._on, self._band, self._zones = dict.fromkeys(self._on), NOWHERE, None
        return list(self._on)

    def look(self, zones: ZoneSet | None, price: float) -> Iterator[tuple[ZoneNear, bool]]:
        """Yield what changes at a price, the first looks included."""
        low, high = self._band
        if zones is None or not self._on or (low < price < high and zones is self._zones):
            return
        self._zones, low, high = zones, -math.inf, math.inf
        for atom, was in self._on.items():
            true = atom.holds(zones, price, was=bool(was))
            calm = _calm(_near(atom, zones, true=true), price)
            low, high = max(low, calm[0]), min(high, calm[1])
            if true is not was:
                self._on[atom] = true
                yield atom, true
        self._band = (low * (1 + MARGIN) if low > 0 else low, high * (1 - MARGIN))


def nearest(atom: ZoneNear, zones: ZoneSet | None, price: float) -> Zone | None:
    """Return the nearest zone that an atom is about, the larger of two; None where there is none."""
    if zones is None:
        return None
    least = zones.auto_min_usd if atom.min_usd is None else atom.min_usd
    known = [zone for zone in zones.zones if atom.counts(zone, price, least)]
    return min(known, key=lambda zone: (zone.distance(price), -zone.notional_usd), default=None)


def _near(atom: ZoneNear, zones: ZoneSet, *, true: bool) -> Iterator[Band]:
    """Yield the prices at which each zone that counts makes an atom true, or keeps it so."""
    least = zones.auto_min_usd if atom.min_usd is None else atom.min_usd
    reach = atom.within + (atom.give_back if true else 0.0)
    for zone in zones.zones:
        if atom.side in (None, zone.side) and zone.notional_usd >= least:
            if zone.side is Side.LONG:
                yield zone.low, zone.high / (1 - reach) if reach < 1 else math.inf
            else:
                yield zone.low / (1 + reach), zone.high


def _calm(stretches: Iterable[Band], price: float) -> Band:
    """Return the prices around one between which no end of a stretch lies."""
    low, high = -math.inf, math.inf
    for end in (end for stretch in stretches for end in stretch):
        if end <= price:
            low = max(low, end)
        if end >= price:
            high = min(high, end)
    return low, high
