"""Keep what live venues say in the market store, and read their candles back from there."""

import time
from collections.abc import Sequence

from adapters.live_archive import Held, Kept
from adapters.series import Series
from engine.model import STEP_MS, Candles, Funding, Liquidation, LongShortRatio, OpenInterest
from storage.market import MarketStore
from storage.past import PastStore, Shelf
from storage.venues import VenueStore


class StoreArchive:
    """Be the archive of live venues, over a market store that others read and write as well.

    Everything raises StorageError where the store cannot be read, and StoreFull where it cannot take more.
    """

    def __init__(self, store: MarketStore) -> None:
        self._store = store
        self._said = VenueStore(store)
        self._past = PastStore(store)

    async def candles(self, symbol: str, venue: str, since_ms: int, until_ms: int) -> Candles:
        """Return the candles of five minutes with `since_ms <= ts < until_ms` (ms UTC), oldest first."""
        return await self._store.candles(symbol, venue, since_ms, until_ms)

    async def add_candles(self, symbol: str, venue: str, candles: Candles) -> None:
        """Keep closed candles; they are on disk when this returns, and `candles` has them."""
        await self._store.add_candles(symbol, venue, candles)
        await self._store.flush()

    async def absences(self, symbol: str, venue: str) -> Sequence[tuple[int, int]]:
        """Return the first and last open of each stretch of candles that a venue is known not to have."""
        return await self._past.absences(_shelf(symbol, venue))

    async def add_absences(self, symbol: str, venue: str, absent: Sequence[tuple[int, int]]) -> None:
        """Remember more such stretches, on disk."""
        await self._past.keep(_shelf(symbol, venue), (), absent, time.time_ns() // 1_000_000)

    async def add_events(self, events: Sequence[Kept]) -> None:
        """Keep what else venues say, each kind in its table; an event given again replaces the first."""
        await self._said.add_liquidations([each for each in events if isinstance(each, Liquidation)])
        await self._said.add_open_interest([each for each in events if isinstance(each, OpenInterest)])
        await self._said.add_funding([each for each in events if isinstance(each, Funding)])
        await self._said.add_ratios([each for each in events if isinstance(each, LongShortRatio)])

    async def held(self, symbol: str, venue: str, series: Series, since_ms: int, until_ms: int) -> Held:
        """Return what is kept of a series with `since_ms <= ts < until_ms`; of funding, what was settled."""
        shelf = _shelf_of(symbol, venue, series)
        return Held(
            times=await self._past.told(shelf, since_ms, until_ms),
            absent=await self._past.absences(shelf),
            first_ms=await self._past.first_ms(shelf),
        )

    async def fill(
        self,
        symbol: str,
        venue: str,
        series: Series,
        rows: Sequence[Kept],
        absent: Sequence[tuple[int, int]],
    ) -> None:
        """Keep rows of a series and what is absent between them, on disk."""
        await self._past.keep(_shelf_of(symbol, venue, series), rows, absent, time.time_ns() // 1_000_000)


def _shelf_of(symbol: str, venue: str, series: Series) -> Shelf:
    return Shelf(venue=venue, symbol=symbol, what=series.what, step_ms=series.step_ms, kind=series.kind)


def _shelf(symbol: str, venue: str) -> Shelf:
    return Shelf(venue=venue, symbol=symbol, what="candles", step_ms=STEP_MS)
