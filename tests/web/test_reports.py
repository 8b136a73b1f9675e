"""The HTTP API by venue: heatmaps and levels of some, and what was liquidated on each."""

import pytest

from adapters.venue import Feed
from engine.model import Liquidation, PriceKind, Side
from storage.market import MarketStore
from storage.venues import VenueStore


@pytest.fixture
async def four(serve, tmp_path):
    """A site whose market is read from three venues, with a store of what they reported."""
    store = await MarketStore.open(tmp_path / "market.duckdb")
    site = await serve(reports=VenueStore(store))
    site.market.parts = {"binance": 0.7, "okx": 0.2, "bybit": 0.1}
    site.market.feeds = frozenset(Feed)
    now = site.market.now_ms()
    rows = (("okx", "BTCUSDT", Side.LONG, 3e6, 5), ("okx", "ETHUSDT", Side.SHORT, 1e6, 9))
    await VenueStore(store).add_liquidations(
        Liquidation(
            venue=venue,
            symbol=symbol,
            side=side,
            price=100.0,
            price_kind=PriceKind.FILL,
            quantity=usd / 100.0,
            notional_usd=usd,
            ts=now - minutes * 60_000,
            received_ms=now,
        )
        for venue, symbol, side, usd, minutes in rows
    )
    await store.flush()
    yield site
    await store.close()


async def get(site, path, status=200, **params):
    async with site.get(path, params=params) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def test_a_heatmap_and_levels_of_some_venues(four):
    whole = await get(four, "/api/heatmap", symbol="btc")
    assert whole["shares"] == {"binance": 0.7, "okx": 0.2, "bybit": 0.1}
    some = await get(four, "/api/heatmap", symbol="btc", exchange="bybit,okx")
    assert (some["venues"], some["shares"]) == (["okx", "bybit"], {"okx": 0.2, "bybit": 0.1})
    assert four.market.asked_of == [(), ("okx", "bybit")]
    await get(four, "/api/heatmap", symbol="btc", exchange="okx, bybit")  # the same again
    await get(four, "/api/heatmap", symbol="btc", exchange="all")
    assert len(four.market.asked_of) == 2
    await get(four, "/api/heatmap", symbol="btc", exchange="okx", model="leverage")
    levels = await get(four, "/api/levels", symbol="btc", exchange="okx")
    assert four.market.asked_of[2:] == [("okx",), ("okx",)]
    assert (levels["venues"], levels["shares"]) == (["okx"], {"okx": 0.2})


@pytest.mark.parametrize("path", ["/api/heatmap", "/api/candles", "/api/levels", "/api/liquidations"])
async def test_an_unknown_venue_is_refused_in_words(four, path):
    body = await get(four, path, 400, symbol="btc", exchange="kraken")
    assert body["detail"] == "I read no venue “kraken”. I read Binance, OKX and Bybit."


async def test_what_was_liquidated(four):
    body = await get(four, "/api/liquidations", symbol="btc")
    assert (body["symbol"], body["total_usd"], body["t1"] - body["t0"]) == ("BTCUSDT", 3e6, 3_600_000)
    okx = next(row for row in body["venues"] if row["venue"] == "okx")
    assert (okx["long_usd"], okx["short_usd"], okx["count"], okx["share"]) == (3e6, 0.0, 1, 1.0)
    assert (okx["coverage"], okx["recorded_since"]) == ("sampled", body["t1"] - 9 * 60_000)
    bybit = next(row for row in body["venues"] if row["venue"] == "bybit")
    assert (bybit["count"], bybit["coverage"], bybit["recorded_since"]) == (0, "full", None)
    [largest] = body["largest"]
    row = dict(zip(body["fields"], largest, strict=True))
    assert (row["venue"], row["side"], row["notional_usd"], row["price_kind"]) == ("okx", "long", 3e6, "fill")
    [step] = body["steps"]
    assert step[1:] == [3e6, 0.0]
    assert step[0] % body["step_ms"] == 0
    every = await get(four, "/api/liquidations", window="24h", exchange="okx", min_usd="2000000")
    assert (every["symbol"], every["total_usd"]) == ("all", 3e6)
    assert [row["venue"] for row in every["venues"]] == ["okx"]
    assert (await get(four, "/api/liquidations", symbol="all"))["total_usd"] == 4e6


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"window": "5m"}, "window must be from 10m to 30d."),
        ({"window": "90d"}, "window must be from 10m to 30d."),
        ({"min_usd": "lots"}, "min_usd must be a number"),
        ({"min_usd": "-1"}, "min_usd must be a number"),
        ({"symbol": "nope"}, "There is no market"),
    ],
)
async def test_what_cannot_be_meant_is_refused(four, wrong, told):
    assert told in (await get(four, "/api/liquidations", 400, **wrong))["detail"]


async def test_a_replay_has_none(site):
    body = await get(site, "/api/liquidations", 400, symbol="btc")
    assert body["detail"] == "There are no reports of liquidations here: none were recorded."
