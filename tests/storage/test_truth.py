"""Test that imported and recorded data are read together and kept apart."""

import numpy as np
import pyarrow as pa

from engine.model import HOUR_MS, STEP_MS, Liquidation, PriceKind, Side
from storage.market_merge import Append
from storage.market_tables import IMPORTED_CANDLES, IMPORTED_EVENTS, IMPORTED_LIQUIDATIONS
from storage.truth import TruthStore
from storage.venues import VenueStore

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


async def test_what_was_recorded_counts_in_the_hours_in_which_the_venue_was_heard(market):
    said = VenueStore(market)
    hour0 = 1_764_547_200_000
    half = HOUR_MS // 2

    def forced(ts, side, usd):
        return Liquidation(
            venue="bybit",
            symbol="BTCUSDT",
            ts=ts,
            side=side,
            price=100.0,
            price_kind=PriceKind.BANKRUPTCY,
            quantity=usd / 100.0,
            notional_usd=usd,
            received_ms=ts,
            venue_id="",
        )

    first = [forced(hour0 + half, Side.LONG, 100.0), forced(hour0 + HOUR_MS + half, Side.LONG, 200.0)]
    later = [forced(hour0 + 2 * HOUR_MS, Side.SHORT, 50.0), forced(hour0 + 4 * HOUR_MS + 1, Side.SHORT, 70.0)]
    await said.add_liquidations([*first, *later])
    for minute in range(6 * 60):
        # in the third hour the venue is down for ten minutes
        state = "down" if 2 * 60 + 20 <= minute < 2 * 60 + 30 else "up"
        await said.add_health("bybit", hour0 + minute * 60_000 + 17, state, {})
    await market.flush()
    (found,) = await TruthStore(market).liquidations("BTCUSDT")
    assert (found.venue, found.step_ms) == ("bybit", HOUR_MS)
    assert found.ts.tolist() == [hour0 + n * HOUR_MS for n in (1, 3, 4, 5)]
    assert found.usd.tolist() == [[200.0, 0.0], [0.0, 0.0], [0.0, 70.0], [0.0, 0.0]]
    assert await TruthStore(market).liquidations("ETHUSDT") == []
