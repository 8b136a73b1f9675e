"""Keep what live venues say in the market store, and read their candles back from there."""

from collections.abc import Sequence

from adapters.live_archive import Kept
from engine.model import Candles, Funding, Liquidation, LongShortRatio, OpenInterest
from storage.market import MarketStore
from storage.venues import VenueStore


class StoreArchive:
    """Be the archive of live venues, over a market store that others read and write as well.

    Everything raises StorageError where the store cannot be read, and StoreFull where it cannot take more.
    """

    def __init__(self, store: MarketStore) -> None:
        self._store = store
        self._said = VenueStore(store)

    async def candles(self, symbol: str, venue: str, since_ms: int, until_ms: int) -> Candles:
        """Return the candles of five minutes with `since_ms <= ts < until_ms` (ms UTC), oldest first."""
        return await self._store.candles(symbol, venue, since_ms, until_ms)

    async def add_candles(self, symbol: str, venue: str, candles: Candles) -> None:
        """Keep closed candles; they are on disk when this returns, and `candles` has them."""
        await self._store.add_candles(symbol, venue, candles)
        await self._store.flush()

    async def add_events(self, events: Sequence[Kept]) -> None:
        """Keep what else venues say, each kind in its table; an event given again replaces the first."""
        await self._said.add_liquidations([each for each in events if isinstance(each, Liquidation)])
        await self._said.add_open_interest([each for each in events if isinstance(each, OpenInterest)])
        await self._said.add_funding([each for each in events if isinstance(each, Funding)])
        await self._said.add_ratios([each for each in events if isinstance(each, LongShortRatio)])
