"""A site with everything the API answers from: three exchanges, what they reported, what was measured."""

import orjson
import pytest

from adapters.venue import Feed
from bot.truth.shelf import Shelf
from engine.model import Liquidation, PriceKind, Side
from storage.market import MarketStore
from storage.venues import VenueStore


@pytest.fixture
async def full(serve, tmp_path):
    store = await MarketStore.open(tmp_path / "market.duckdb")
    site = await serve(reports=VenueStore(store), accuracy=Shelf())
    site.market.parts = {"binance": 0.7, "okx": 0.2, "bybit": 0.1}
    site.market.feeds = frozenset(Feed)
    now = site.market.now_ms()
    await VenueStore(store).add_liquidations(
        Liquidation(
            venue=venue,
            symbol="BTCUSDT",
            side=side,
            price=100.0,
            price_kind=PriceKind.FILL,
            quantity=usd / 100.0,
            notional_usd=usd,
            ts=now - minutes * 60_000,
            received_ms=now,
        )
        for venue, side, usd, minutes in (("okx", Side.LONG, 3e6, 5), ("bybit", Side.SHORT, 1e6, 9))
    )
    await store.flush()
    yield site
    await store.close()


@pytest.fixture
def fetch():
    """Return a function that fetches JSON and checks the status."""

    async def get(site, path, status=200, **params):
        async with site.get(path, params=params) as answer:
            assert answer.status == status, await answer.text()
            return orjson.loads(await answer.read())

    return get
