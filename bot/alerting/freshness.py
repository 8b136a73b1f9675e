"""Know whether the data that alerts rest on is fresh, and from when to when it was missing.

Recorded data is never stale: a replay stands still on purpose. Times are ms UTC.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, runtime_checkable

from adapters.health import HealthSnapshot, snapshots_of
from adapters.venue import VenueHealth
from bot.live.view import SymbolView
from config.settings import AlertSettings
from engine.errors import UserError
from engine.model import STEP_MS, Fire, Tick

FROM, TO, TOLD = "missing_from_ms", "missing_to_ms", "told_ms"
"""The facts of a fire that say when data was missing, and when a held one was told."""

Stretch = tuple[int, int]
Venues = Mapping[str, HealthSnapshot]


@runtime_checkable
class MarketData(Protocol):
    """Be the live market, as far as the age of its data goes."""

    @property
    def source_kind(self) -> str:
        """Return "live" or "replay"."""

    def now_ms(self) -> int:
        """Return the market time."""

    def view(self, symbol: str) -> SymbolView:
        """Return one symbol as it stands now; raise UserError where nothing is known of it."""

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """How one symbol's data is: why it is stale (empty while fresh), its newest price (NaN before the first).

    `missing` is the last stretch without a price that was longer than it may be.
    """

    stale: str = ""
    price: float = math.nan
    missing: Stretch | None = None


class _Heard(NamedTuple):
    """The newest price, and when it was heard."""

    tick: Tick
    at_ms: int


class Freshness:
    """Follow the prices of every symbol, and judge them with the market's candles and venues.

    Of a replay, and of a mere clock, nothing is ever stale.
    """

    def __init__(self, market: object, settings: AlertSettings) -> None:
        known = market if isinstance(market, MarketData) else None
        self._market = known if known is not None and known.source_kind == "live" else None
        self._price_ms = settings.stale_price_s * 1000
        self._candle_ms = settings.stale_candle_s * 1000
        self._heard: dict[str, _Heard] = {}
        self._missing: dict[str, Stretch] = {}

    def heard(self, tick: Tick) -> None:
        """Take note of a price; where none came for long before it, of the stretch without one."""
        if self._market is None:
            return
        now_ms, before = self._market.now_ms(), self._heard.get(tick.symbol)
        if before is not None and now_ms - before.at_ms > self._price_ms:
            self._missing[tick.symbol] = (before.tick.ts, tick.ts)
        self._heard[tick.symbol] = _Heard(tick, now_ms)

    def marked(self, fires: Iterable[Fire]) -> list[Fire]:
        """Return fires, those of the first price after an outage with the stretch that nobody saw."""
        return [self._marked(fire) for fire in fires]

    def _marked(self, fire: Fire) -> Fire:
        stretch = self._missing.get(fire.symbol)
        if stretch is None or stretch[1] != fire.ts:
            return fire
        return replace(fire, facts=(*fire.facts, (FROM, stretch[0]), (TO, stretch[1])))

    def supplies(self, symbols: Iterable[str]) -> dict[str, Supply]:
        """Return how the data of symbols is now; nothing for recorded data, which is as it should be."""
        market = self._market
        if market is None:
            return {}
        venues = {shown.venue: shown for shown in snapshots_of(market)}
        return {symbol: self._supply(market, symbol, venues) for symbol in symbols}

    def _supply(self, market: MarketData, symbol: str, venues: Venues) -> Supply:
        heard = self._heard.get(symbol)
        return Supply(
            stale=self._why_stale(market, symbol, heard, venues),
            price=math.nan if heard is None else heard.tick.price,
            missing=self._missing.get(symbol),
        )

    def _why_stale(self, market: MarketData, symbol: str, heard: _Heard | None, venues: Venues) -> str:
        """Return why nothing can be said of a symbol now; empty where everything is fresh."""
        try:
            view = market.view(symbol)
        except UserError:
            return "nothing is known of it"
        now_ms = market.now_ms()
        if heard is None or now_ms - heard.at_ms > self._price_ms:
            return "no price comes"
        lender = venues.get(heard.tick.venue)
        skew_ms = None if lender is None else lender.skew_ms
        if skew_ms is not None and now_ms + skew_ms - heard.tick.ts > self._price_ms:
            return "its prices come late"
        if now_ms + (skew_ms or 0) - (view.candle_ts + STEP_MS) > self._candle_ms:
            return "no candle comes"
        feeding = [venues[name] for name in view.venues if name in venues]
        return "no venue of it is up" if feeding and not any(each.ok for each in feeding) else ""
