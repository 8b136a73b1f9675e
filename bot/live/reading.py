"""Have candles of a market while somebody waits: from the source where it answers soon, else what is kept.

Waits are seconds, times are ms UTC.
"""

import asyncio
from collections.abc import Callable

import structlog

from adapters.venue import Source, SourceKind
from bot.live.columns import History
from engine.errors import SourceError
from engine.model import Candles
from storage.market import MarketStore

log = structlog.get_logger(__name__)

GAP_S = 0.5
"""How long everything waits for the candles before one that came too soon."""
PICTURE_S = 6.0
"""How long a picture waits for candles that are not kept."""
DOUBT_S = 60.0
"""How long nobody waits for a venue that was waited for in vain."""


class Histories:
    """Ask a source for candles, a live one not for long, and not again a moment after it was slow."""

    def __init__(self, source: Source, store: MarketStore, monotonic: Callable[[], float]) -> None:
        self._source = source
        self._store = store
        self._monotonic = monotonic
        self._slow_until_s: dict[str, float] = {}

    async def at_once(self, symbol: str, venue: str, since_ms: int, until_ms: int) -> Candles | None:
        """Return candles for the loop that carries prices; None where they cannot be had soon."""
        if self._is_slow(venue):
            return None
        try:
            async with asyncio.timeout(GAP_S):
                return await self._asked(symbol, venue, since_ms, until_ms)
        except (SourceError, TimeoutError) as error:
            self._doubt(venue)
            log.warning("market.gap_not_filled", symbol=symbol, venue=venue, why=str(error))
            return None

    def of(self, symbol: str, venue: str) -> History:
        """Return how candles of a market between two times are had, for somebody who waits for a picture.

        Where a live venue does not answer soon, what is kept of it has to do.
        """

        async def known(since_ms: int, until_ms: int) -> Candles:
            live = self._source.kind is SourceKind.LIVE
            if live and self._is_slow(venue):
                return await self._store.candles(symbol, venue, since_ms, until_ms)
            try:
                async with asyncio.timeout(PICTURE_S):
                    return await self._asked(symbol, venue, since_ms, until_ms)
            except (SourceError, TimeoutError) as error:
                if not live:
                    raise
                self._doubt(venue)
                log.info("market.kept_candles_used", symbol=symbol, venue=venue, why=str(error))
                return await self._store.candles(symbol, venue, since_ms, until_ms)

        return known

    async def _asked(self, symbol: str, venue: str, since_ms: int, until_ms: int) -> Candles:
        return await self._source.history(symbol, since_ms=since_ms, until_ms=until_ms, venue=venue)

    def _is_slow(self, venue: str) -> bool:
        return self._monotonic() < self._slow_until_s.get(venue, 0.0)

    def _doubt(self, venue: str) -> None:
        self._slow_until_s[venue] = self._monotonic() + DOUBT_S
