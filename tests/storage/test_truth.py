"""Test that imported and recorded data are read together and kept apart."""

import numpy as np
import pyarrow as pa

from engine.model import HOUR_MS, STEP_MS
from storage.market_merge import Append
from storage.market_tables import IMPORTED_CANDLES, IMPORTED_EVENTS, IMPORTED_LIQUIDATIONS
from storage.truth import TruthStore

PLACE = {"venue": "binance", "symbol": "BTCUSDT"}


def rows(table, **columns):
    count = len(columns["ts"])
    same = {name: pa.repeat(pa.scalar(value), count) for name, value in PLACE.items()}
    return Append(table=table, rows=table.arrow(same | columns))


def imported_bars(first, count, price):
    flat = np.full(count, price)
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), flat)
    return rows(
        IMPORTED_CANDLES,
        step_ms=np.full(count, STEP_MS),
        ts=np.arange(first, first + count) * STEP_MS,
        quote_volume=np.full(count, np.nan),
        taker_buy_volume=np.full(count, np.nan),
        **prices,
    )


async def test_imported_bars_come_before_recorded_ones_of_the_same_time(market, bars):
    store = TruthStore(market)
    await market.add_candles("BTCUSDT", "binance", bars(10))
    await market.flush()
    await store.add_whole([imported_bars(8, 4, 7.0)])
    found = await store.candles("BTCUSDT", "binance", step_ms=STEP_MS)
    assert (found.ts // STEP_MS).tolist() == list(range(12))
    assert found.close[8:].tolist() == [7.0] * 4
    assert found.open_interest[8] == 24.0
    (series,) = await store.series("BTCUSDT")
    assert (series.count, series.recorded, series.last_ts) == (12, 10, 11 * STEP_MS)
    recorded = await market.candles("BTCUSDT", "binance")
    assert len(recorded) == 10
    assert not (recorded.close == 7.0).any()


async def test_a_replay_sought_backwards_keeps_what_was_imported(market, bars):
    store = TruthStore(market)
    await market.add_candles("BTCUSDT", "binance", bars(10))
    await store.add_whole([imported_bars(0, 4, 7.0)])
    await market.truncate_after(0)
    assert len(await store.candles("BTCUSDT", "binance", step_ms=STEP_MS)) == 4


async def test_single_liquidations_are_summed_by_hour_with_quiet_hours_between(market):
    hours = np.array([10, 11, 11, 13, 14])
    events = rows(
        IMPORTED_EVENTS,
        ts=hours * HOUR_MS + np.arange(5),
        side=["long", "long", "short", "short", "long"],
        price=np.full(5, 10.0),
        quantity=np.arange(1.0, 6.0),
        nth=np.zeros(5, np.int64),
    )
    sums = rows(
        IMPORTED_LIQUIDATIONS,
        step_ms=np.full(2, HOUR_MS),
        ts=np.array([0, HOUR_MS]),
        long_usd=np.ones(2),
        short_usd=np.zeros(2),
    )
    store = TruthStore(market)
    await store.add_whole([events, sums])
    aggregated, single = await store.liquidations("BTCUSDT")
    assert aggregated.usd.tolist() == [[1.0, 0.0]] * 2
    assert (single.ts // HOUR_MS).tolist() == [11, 12, 13]
    assert single.usd.tolist() == [[20.0, 30.0], [0.0, 0.0], [0.0, 40.0]]
    assert await store.liquidations("ETHUSDT") == []
