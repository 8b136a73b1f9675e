"""What venues report: kept once, told apart by venue, forgotten when it is old."""

from dataclasses import replace

import pytest

from engine.model import DAY_MS, Funding, Liquidation, LongShortRatio, OpenInterest, PriceKind, Side
from storage.venues import VenueStore

ONE = Liquidation(
    venue="binance",
    symbol="BTCUSDT",
    side=Side.LONG,
    price=60_000.0,
    price_kind=PriceKind.FILL,
    quantity=0.5,
    notional_usd=30_000.0,
    ts=1_000,
    received_ms=1_200,
)


@pytest.fixture
def venues(market):
    return VenueStore(market)


async def test_liquidations_come_back_once_and_by_venue(market, venues):
    other = replace(ONE, venue="bybit", side=Side.SHORT, price_kind=PriceKind.BANKRUPTCY, ts=2_000)
    twin = replace(ONE, nth=1)
    await venues.add_liquidations([ONE, twin, other])
    await venues.add_liquidations([replace(ONE, received_ms=9_000)])  # the same again
    await venues.add_liquidations([])
    await market.flush()
    assert await venues.liquidations() == [replace(ONE, received_ms=9_000), twin, other]
    assert await venues.liquidations(venues=["bybit", "okx"]) == [other]
    assert await venues.liquidations(symbol="ETHUSDT") == []
    assert await venues.liquidations(symbol="BTCUSDT", t0=1_500) == [other]
    ts, usd = await venues.liquidated_usd("BTCUSDT", 1_000)
    assert ts.tolist() == [1_000, 2_000]
    assert usd.tolist() == [[60_000.0, 0.0], [0.0, 30_000.0]]
    ts, usd = await venues.liquidated_usd("BTCUSDT", 10_000, venues=["okx"])
    assert (ts.shape, usd.shape) == ((0,), (0, 2))


async def test_open_interest_funding_ratios_and_health_come_back(market, venues):
    said = Funding(venue="okx", symbol="BTCUSDT", ts=5, rate=1e-4, funding_ts=10, interval_h=8.0)
    paid = replace(said, ts=11, rate=1.1e-4, settled=True)
    await venues.add_funding([said])
    await venues.add_funding([paid, replace(paid, funding_ts=20, interval_h=None)])
    await venues.add_open_interest(
        [OpenInterest(venue="okx", symbol="BTCUSDT", ts=300_000, open_interest=7.0)]
    )
    await venues.add_ratios(
        [LongShortRatio(venue="okx", symbol="BTCUSDT", ts=1, step_ms=2, kind="accounts", ratio=1.5)]
    )
    await venues.add_health("okx", 7, "up", {"reconnects": 2})
    await market.flush()
    assert await venues.funding("BTCUSDT", "okx") == [paid, replace(paid, funding_ts=20, interval_h=None)]
    assert await venues.health("okx") == [(7, "up", {"reconnects": 2})]
    rows = await market.read(lambda c: c.execute("SELECT kind, ratio FROM long_short_ratios").fetchall())
    assert rows == [("accounts", 1.5)]
    rows = await market.read(lambda c: c.execute("SELECT open_interest FROM open_interest").fetchall())
    assert rows == [(7.0,)]


async def test_what_is_old_is_removed_table_by_table(market, venues):
    await venues.add_liquidations(replace(ONE, ts=day * DAY_MS) for day in range(1, 11))
    await venues.add_health("okx", DAY_MS, "up", {})
    await market.flush()
    removed = await venues.retain({"liquidations": 3, "exchange_health": 30}, now_ms=10 * DAY_MS)
    assert removed == {"liquidations": 6, "exchange_health": 0}
    assert [each.ts // DAY_MS for each in await venues.liquidations()] == [7, 8, 9, 10]
    for name in ("nothing", "alert_history"):
        with pytest.raises(ValueError, match="no table of market history"):
            await venues.retain({name: 1}, now_ms=0)
