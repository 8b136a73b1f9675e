"""Read what new numbers need to be right from their first moment, from the market store."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from adapters.venue import Feed
from engine.features.gauge import Event
from engine.features.market import LED, MAKERS
from engine.features.past import bars, points
from engine.features.windows import tolerance_ms
from engine.model import (
    DAY_MS,
    HOUR_MS,
    STEP_MS,
    Candle,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    Side,
    Tick,
)
from engine.rules.conditions.zone_swept import FollowUp
from engine.rules.feature import Feature
from storage.market import MarketStore
from storage.rule_reads import funding, liquidations, ratios
from storage.venue_reads import Asked, by_venue

SAID_MS: Final = {Liquidation: DAY_MS + HOUR_MS, Funding: 10 * HOUR_MS, LongShortRatio: 4 * HOUR_MS}
"""How far back what is no candle is read: as long as it says anything of now, and the usual day."""
READS: Final[dict[type, Callable[..., Sequence[Event]]]] = {
    Liquidation: liquidations,
    Funding: funding,
    LongShortRatio: ratios,
}
PLAIN_MS: Final = 2 * STEP_MS
"""How far back prices are read for a number without a window."""


class PastEvents(Protocol):
    """Be where events of the past are had."""

    async def events(self, symbol: str, features: Sequence[Feature]) -> list[Event]:
        """Return what features of a symbol are measured from, up to now, oldest first; raise StorageError."""

    async def liquidated_usd(self, sweep: FollowUp) -> float | None:
        """Return the dollars reported for a sweep, None where nobody reports any; raise StorageError."""


class VenueClock(Protocol):
    """Be the market, as far as its past is asked for."""

    def now_ms(self) -> int:
        """Return the market clock."""

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return which kinds of fact there are."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol is read from, the one that lends the price first."""


class StoredPast:
    """Be the past that a market store has; a candle stands for four prices."""

    def __init__(self, store: MarketStore, market: VenueClock) -> None:
        self._store, self._market = store, market

    async def events(self, symbol: str, features: Sequence[Feature]) -> list[Event]:
        """Return what features of a symbol are measured from, up to now, oldest first; raise StorageError."""
        now_ms = self._market.now_ms()
        wants = {feature: MAKERS[feature.metric](feature).wants for feature in features}
        prices = [f for f, kinds in wants.items() if Tick in kinds]
        closed = [f for f, kinds in wants.items() if Candle in kinds]
        kinds = {kind for each in wants.values() for kind in each if kind in SAID_MS}
        parts = await asyncio.gather(
            *(self._prices(symbol, venue, now_ms, prices) for venue in self._venues(symbol, prices)),
            *(self._bars(symbol, venue, now_ms, closed) for venue in self._venues(symbol, closed)),
            *(self._said(symbol, kind, now_ms) for kind in kinds),
        )
        known = (pair for part in parts for pair in part)
        return [event for _, event in sorted(known, key=lambda pair: pair[0])]

    async def liquidated_usd(self, sweep: FollowUp) -> float | None:
        """Return the dollars reported for a sweep, None where nobody reports any; raise StorageError."""
        if Feed.LIQUIDATIONS not in self._market.feeds:
            return None
        asked = Asked(symbol=sweep.symbol, t0=sweep.since_ms, t1=sweep.due_ms)
        found = await self._store.read(lambda cursor: by_venue(cursor, asked))
        return sum(each.long_usd if sweep.side is Side.LONG else each.short_usd for each in found)

    def _venues(self, symbol: str, features: Iterable[Feature]) -> set[str]:
        """Return the venues whose candles are needed: of the price the first alone, of the rest all."""
        venues = self._market.venues_of(symbol)
        named = {f.venue for f in features if f.venue}
        led = set(venues[:1]) if any(f.metric in LED and not f.venue for f in features) else set()
        summed = set(venues) if any(f.metric not in LED and not f.venue for f in features) else set()
        return named | led | summed

    async def _candles(self, symbol: str, venue: str, now_ms: int, reach_ms: int) -> Candles:
        return await self._store.candles(symbol, venue, now_ms - reach_ms, now_ms - STEP_MS + 1)

    async def _prices(
        self, symbol: str, venue: str, now_ms: int, features: Sequence[Feature]
    ) -> list[tuple[int, Event]]:
        candles = await self._candles(symbol, venue, now_ms, _reach(features))
        times, prices = points(candles)
        return [
            (ts, Tick(venue=venue, symbol=symbol, ts=ts, price=price, interpolated=True))
            for ts, price in zip(times.tolist(), prices.tolist(), strict=True)
        ]

    async def _bars(
        self, symbol: str, venue: str, now_ms: int, features: Sequence[Feature]
    ) -> list[tuple[int, Event]]:
        candles = await self._candles(symbol, venue, now_ms, _reach(features))
        return [*bars(venue, symbol, candles, STEP_MS)]

    async def _said(self, symbol: str, kind: type, now_ms: int) -> list[tuple[int, Event]]:
        span = (symbol, now_ms - SAID_MS[kind], now_ms + 1)
        found = await self._store.read(lambda cursor: READS[kind](cursor, *span))
        return [(each.ts, each) for each in found]


def _reach(features: Sequence[Feature]) -> int:
    """Return how far back features look at most, with what they tolerate."""
    longest = max((f.window_ms + tolerance_ms(f.window_ms) for f in features if f.window_ms), default=0)
    return longest + PLAIN_MS
