"""Measure every feature that somebody registered, and no other, from the events of all markets.

A feature is measured once however many look at it. One that is new is given the past first, so that it is
right from its first moment.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from engine.features import bars, liquidated, positions, price
from engine.features.gauge import UNKNOWN, Event, Gauge
from engine.model import STEP_MS, Candle, Side
from engine.rules.feature import Feature, Metric

Made = Callable[[Feature], Gauge]
MAKERS: Final[dict[Metric, Made]] = {
    Metric.PRICE: lambda f: price.Price(f.window_ms),
    Metric.PRICE_CHANGE: lambda f: price.PriceChange(f.window_ms),
    Metric.RANGE_HIGH: lambda f: price.Beyond(f.window_ms, 1),
    Metric.RANGE_LOW: lambda f: price.Beyond(f.window_ms, -1),
    Metric.RISE: lambda f: price.Off(f.window_ms, -1),
    Metric.FALL: lambda f: price.Off(f.window_ms, 1),
    Metric.VOLATILITY: lambda f: bars.Volatility(f.window_ms),
    Metric.VOLUME_MULTIPLE: lambda f: bars.VolumeMultiple(f.window_ms),
    Metric.LIQUIDATED_USD: lambda f: liquidated.Liquidated(f.window_ms, None),
    Metric.LIQUIDATED_LONG_USD: lambda f: liquidated.Liquidated(f.window_ms, Side.LONG),
    Metric.LIQUIDATED_SHORT_USD: lambda f: liquidated.Liquidated(f.window_ms, Side.SHORT),
    Metric.LARGEST_LIQUIDATION_USD: lambda f: liquidated.Largest(f.window_ms),
    Metric.LIQUIDATED_MULTIPLE: lambda f: liquidated.Multiple(f.window_ms),
    Metric.OPEN_INTEREST_CHANGE: lambda f: positions.OpenInterestChange(f.window_ms),
    Metric.FUNDING_RATE: lambda _: positions.FundingRate(),
    Metric.FUNDING_SPREAD: lambda _: positions.FundingSpread(),
    Metric.LONG_SHORT_RATIO: lambda _: positions.Ratio(),
    Metric.DATA_AGE_S: lambda _: price.DataAge(),
}
LED: Final = frozenset(
    {
        Metric.PRICE,
        Metric.PRICE_CHANGE,
        Metric.RANGE_HIGH,
        Metric.RANGE_LOW,
        Metric.RISE,
        Metric.FALL,
        Metric.VOLATILITY,
        Metric.VOLUME_MULTIPLE,
    }
)
"""Metrics that of all venues together are those of the venue whose price stands for the market."""


class _Entry:
    """One registered feature: its gauge, how many look at it, and what it last said.

    One that is `led` takes what stands for the market, whichever venue that is of.
    """

    __slots__ = ("feature", "gauge", "last", "led", "users")

    def __init__(self, feature: Feature) -> None:
        self.feature, self.users = feature, 0
        self.led = feature.metric in LED and not feature.venue
        self.gauge = MAKERS[feature.metric](feature)
        self.last = UNKNOWN

    def concerns(self, event: Event, *, leads: bool) -> bool:
        """Say whether an event of the symbol, and of a type that is wanted, is of the right venue."""
        return leads if self.led else self.feature.venue in ("", event.venue)

    def moved(self, now_ms: int) -> bool:
        """Ask for the value anew; say whether it is another."""
        value = self.gauge.value(now_ms)
        if value == self.last or (math.isnan(value) and math.isnan(self.last)):
            return False
        self.last = value
        return True


class MarketFeatures:
    """Hold the registered features of all markets. `lead` names the venue whose price stands for a symbol."""

    def __init__(self, lead: Callable[[str], str]) -> None:
        self._lead, self.now_ms = lead, 0
        self._entries: dict[Feature, _Entry] = {}
        self._routes: dict[tuple[str, type], list[_Entry]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, feature: Feature) -> bool:
        return feature in self._entries

    def register(self, feature: Feature, past: Iterable[Event] = ()) -> float:
        """Measure a feature from now on and return its value; `past` are events up to now, oldest first."""
        entry = self._entries.get(feature)
        if entry is None:
            entry = self._entries[feature] = _Entry(feature)
            lead = self._lead(feature.symbol)
            wanted = (e for e in past if e.symbol == feature.symbol and isinstance(e, entry.gauge.wants))
            for event in wanted:
                if entry.concerns(event, leads=lead in ("", event.venue)):
                    entry.gauge.take(event)
            for kind in entry.gauge.wants:
                self._routes.setdefault((feature.symbol, kind), []).append(entry)
            entry.moved(self.now_ms)
        entry.users += 1
        return entry.last

    def unregister(self, feature: Feature) -> None:
        """Look at a feature once less; one that nobody looks at is measured no longer."""
        entry = self._entries[feature]
        entry.users -= 1
        if entry.users:
            return
        del self._entries[feature]
        for kind in entry.gauge.wants:
            route = self._routes[feature.symbol, kind]
            route.remove(entry)
            if not route:
                del self._routes[feature.symbol, kind]

    def value(self, feature: Feature) -> float:
        """Return what a registered feature last was; NaN while it is unknown."""
        return self._entries[feature].last

    def take(self, event: Event, *, leads: bool | None = None) -> list[tuple[Feature, float]]:
        """Take an event in; return the features it moved with their new values, NaN for what got unknown.

        `leads` says whether its price or candle stands for the market; of None, that of the lead does.
        """
        known_ms = event.ts + STEP_MS if isinstance(event, Candle) and event.closed else event.ts
        self.now_ms = max(self.now_ms, known_ms)
        route = self._routes.get((event.symbol, type(event)))
        if route is None:
            return []
        if leads is None:
            leads = event.venue == self._lead(event.symbol)
        moved = []
        for entry in route:
            if entry.concerns(event, leads=leads):
                entry.gauge.take(event)
                if entry.moved(self.now_ms):
                    moved.append((entry.feature, entry.last))
        return moved

    def advance(self, now_ms: int) -> list[tuple[Feature, float]]:
        """Let time pass without an event; return the features that moved by that alone."""
        self.now_ms = max(self.now_ms, now_ms)
        return [(e.feature, e.last) for e in self._aging() if e.moved(self.now_ms)]

    def _aging(self) -> Iterator[_Entry]:
        return (entry for entry in self._entries.values() if entry.gauge.ages)
