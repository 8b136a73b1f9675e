"""Compare a query for one venue with the same for all: it should take no longer."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.model import DAY_MS, HOUR_MS
from storage.market import MarketStore
from storage.market_merge import Append
from storage.market_tables import LIQUIDATIONS
from storage.venues import VenueStore

NAMES = ("binance", "bybit", "okx", "hyperliquid")
SYMBOL = "BTCUSDT"
DAYS = 30


def query_ratio(*, rows: int, times: int) -> float:
    """Return how long sums by the hour of one venue take, over those of all four, medians of `times` each."""
    return asyncio.run(_ratio(rows, times))


async def _ratio(rows: int, times: int) -> float:
    with tempfile.TemporaryDirectory() as directory:
        store = await MarketStore.open(Path(directory) / "market.duckdb")
        try:
            await store.accept([_made(rows)])
            await store.flush()
            said = VenueStore(store)
            for venues in ((), NAMES[:1]):  # both are read from disk once
                await _took_s(said, venues)
            took = [(await _took_s(said, NAMES[:1]), await _took_s(said, ())) for _ in range(times)]
        finally:
            await store.close()
    one, every = (statistics.median(each) for each in zip(*took, strict=True))
    return float(one / every)


async def _took_s(said: VenueStore, venues: Sequence[str]) -> float:
    began_s = time.perf_counter()
    await said.liquidated_usd(SYMBOL, HOUR_MS, venues=venues, t0=DAY_MS, t1=(DAYS - 1) * DAY_MS)
    return time.perf_counter() - began_s


def _made(rows: int) -> Append:
    """Return so many liquidations of all venues and two symbols, in the order of their times."""
    dice = np.random.default_rng(1)
    ts = np.sort(dice.integers(0, DAYS * DAY_MS, rows))
    usd = dice.lognormal(8.0, 2.0, rows)
    columns = {
        "exchange": np.array(NAMES)[dice.integers(0, len(NAMES), rows)].tolist(),
        "symbol": np.array([SYMBOL, "ETHUSDT"])[dice.integers(0, 2, rows)].tolist(),
        "ts": ts,
        "side": np.array(["long", "short"])[dice.integers(0, 2, rows)].tolist(),
        "price": np.full(rows, 100.0),
        "price_kind": ["fill"] * rows,
        "quantity": usd / 100.0,
        "notional_usd": usd,
        "received_ms": ts,
        "venue_id": [str(number) for number in range(rows)],
        "nth": np.zeros(rows, np.int64),
    }
    return Append(table=LIQUIDATIONS, rows=LIQUIDATIONS.arrow(columns))
