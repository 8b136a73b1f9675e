"""What live venues say, kept in a real store and read back."""

import numpy as np
import pytest

from bot.live.archive import StoreArchive
from engine.errors import StorageError
from engine.model import (
    STEP_MS,
    Candle,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    PriceKind,
    Side,
)
from storage.market import MarketStore
from storage.venues import VenueStore

BTC, VENUE, BASE = "BTCUSDT", "okx", 1_760_000_100_000 // STEP_MS * STEP_MS
FORCED = Liquidation(
    venue=VENUE,
    symbol=BTC,
    side=Side.SHORT,
    price=60_000.0,
    price_kind=PriceKind.BANKRUPTCY,
    quantity=0.5,
    notional_usd=30_000.0,
    ts=BASE,
    received_ms=BASE + 100,
)


def bars(first, count):
    return Candles.of(
        [
            Candle(
                venue=VENUE,
                symbol=BTC,
                ts=BASE + step * STEP_MS,
                open=60_000.0,
                high=60_010.0,
                low=59_990.0,
                close=60_000.0 + step,
                volume=2.0,
                open_interest=1_000.0 + step if step % 2 else None,
            )
            for step in range(first, first + count)
        ]
    )


@pytest.fixture
async def store(tmp_path):
    opened = await MarketStore.open(tmp_path / "market.duckdb")
    yield opened
    await opened.close()


async def test_candles_can_be_read_as_soon_as_they_are_kept(store, tmp_path):
    archive = StoreArchive(store)
    assert len(await archive.candles(BTC, VENUE, 0, BASE)) == 0
    await archive.add_candles(BTC, VENUE, bars(0, 5))
    await archive.add_candles(BTC, "bybit", bars(0, 1))
    found = await archive.candles(BTC, VENUE, BASE + STEP_MS, BASE + 4 * STEP_MS)
    assert found.close.tolist() == [60_001.0, 60_002.0, 60_003.0]
    assert found.open_interest[0] == 1_001.0
    assert np.isnan(found.open_interest[1])
    await archive.add_candles(BTC, VENUE, Candles.empty())
    await store.close()
    again = await MarketStore.open(tmp_path / "market.duckdb")
    assert len(await StoreArchive(again).candles(BTC, VENUE, 0, BASE + 9 * STEP_MS)) == 5
    await again.close()


async def test_events_are_kept_once_each_in_its_table(store):
    archive, said = StoreArchive(store), VenueStore(store)
    paid = Funding(venue=VENUE, symbol=BTC, ts=BASE, rate=1e-4, funding_ts=BASE + 9, settled=True)
    events = [
        FORCED,
        OpenInterest(venue=VENUE, symbol=BTC, ts=BASE, open_interest=7.0),
        paid,
        LongShortRatio(venue=VENUE, symbol=BTC, ts=BASE, step_ms=STEP_MS, kind="accounts", ratio=1.5),
    ]
    for _ in range(2):
        await archive.add_events(events)
    await archive.add_events([])
    await archive.add_candles(BTC, VENUE, bars(0, 1))
    assert await said.liquidations() == [FORCED]
    assert await said.funding(BTC, VENUE) == [paid]
    counts = await store.read(
        lambda cursor: [len(cursor.table(name).fetchall()) for name in ("open_interest", "long_short_ratios")]
    )
    assert counts == [1, 1]
    assert (await archive.candles(BTC, VENUE, 0, BASE + 1)).open_interest.tolist() == [7.0]


async def test_a_store_that_is_closed_says_so(store):
    await store.close()
    archive = StoreArchive(store)
    with pytest.raises(StorageError):
        await archive.candles(BTC, VENUE, 0, BASE)
    with pytest.raises(StorageError):
        await archive.add_candles(BTC, VENUE, bars(0, 1))
