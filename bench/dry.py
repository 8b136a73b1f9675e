"""Measure how long a user waits to be told what an alert would have done: a busy market of four venues."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.runner import Outcome
from bot.alerting.dry import DAYS, WARM_MS, DryRuns
from config.alert_templates import read_templates
from engine.model import (
    DAY_MS,
    HOUR_MS,
    STEP_MS,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    PriceKind,
    Side,
    Zone,
    ZoneChange,
    ZoneEvent,
    ZoneId,
)
from engine.rules.condition import kinds
from engine.rules.expression import Spec
from engine.rules.text import read_rule
from storage.market import MarketStore
from storage.venues import VenueStore

VENUES = ("binance", "bybit", "okx", "hyperliquid")
SYMBOL = "BTCUSDT"
NOW_MS = 1_764_547_200_000
ZONES, FORCED = 60_000, 400_000
"""Zone events and liquidations of 38 days: more than the recording has of its busiest market."""


@dataclass(frozen=True, slots=True)
class _Market:
    """A market of four venues that stands at a time."""

    def now_ms(self) -> int:
        return NOW_MS

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        return VENUES

    def view(self, symbol: str) -> Any:  # noqa: ANN401 - a view of which two fields are looked at
        return SimpleNamespace(venue="all", zones=SimpleNamespace(auto_min_usd=20e6))


def run(*, quick: bool) -> Outcome:
    """Measure the first rule tried on a market and those after it; `quick` tries each type but once."""
    with tempfile.TemporaryDirectory() as folder:
        first, later = asyncio.run(_measured(Path(folder), repeats=1 if quick else 5))
    return Outcome(
        figures={
            "first_ms": max(first),
            "later_p50_ms": float(np.median(later)),
            "later_worst_ms": max(later),
        },
        units=dict.fromkeys(("first_ms", "later_p50_ms", "later_worst_ms"), "ms"),
        goals={"first_ms": 1_000.0, "later_worst_ms": 1_000.0},
    )


def rules() -> list[Spec]:
    """Return a rule of each type, and each template."""
    made = [read_rule(kind.example, now_ms=0).spec for kind in kinds().values() if kind.kind != "data_stale"]
    return [*made, *(each.fill() for name, each in read_templates().items() if name != "overnight")]


async def _measured(folder: Path, *, repeats: int) -> tuple[list[float], list[float]]:
    store = await MarketStore.open(folder / "market.duckdb")
    try:
        await _fill(store)
        first = [await _timed(DryRuns(store, _Market()), spec) for spec in rules()]
        desk = DryRuns(store, _Market())
        for spec in rules():
            await desk.run(spec, SYMBOL)
        later = [await _timed(desk, spec) for _ in range(repeats) for spec in rules()]
    finally:
        await store.close()
    return first, later


async def _timed(desk: DryRuns, spec: Spec) -> float:
    begun = time.perf_counter()
    await desk.run(spec, SYMBOL)
    return (time.perf_counter() - begun) * 1e3


async def _fill(store: MarketStore) -> None:
    """Store the past of a market, the same each time."""
    chance = np.random.default_rng(1)
    span_ms = DAYS * DAY_MS + WARM_MS
    ts = np.arange(NOW_MS - span_ms, NOW_MS, STEP_MS, dtype=np.int64)
    close = 100_000 * np.exp(np.cumsum(chance.normal(0, 0.0015, len(ts))))
    for venue in VENUES:
        await store.add_candles(SYMBOL, venue, _candles(ts, close, chance))
    said = VenueStore(store)
    times = np.sort(chance.integers(ts[0], NOW_MS, FORCED))
    await said.add_liquidations(_forced(times, close[(times - ts[0]) // STEP_MS], chance))
    hours = range(int(ts[0]), NOW_MS, HOUR_MS)
    await said.add_funding(_paid(hours))
    await said.add_ratios(_crowds(hours))
    rows = np.sort(chance.integers(0, len(ts), ZONES))
    await store.add_zone_events(_zones(ts[rows].tolist(), close[rows].tolist(), chance))
    await store.flush()


def _candles(ts: Any, close: Any, chance: np.random.Generator) -> Candles:  # noqa: ANN401 - arrays
    before = np.concatenate([close[:1], close[:-1]])
    return Candles(
        ts=ts,
        open=before,
        high=np.maximum(before, close) * 1.001,
        low=np.minimum(before, close) * 0.999,
        close=close,
        volume=chance.exponential(100.0, len(ts)),
        quote_volume=np.full(len(ts), np.nan),
        taker_buy_volume=np.full(len(ts), np.nan),
        open_interest=80_000 * np.exp(np.cumsum(chance.normal(0, 0.002, len(ts)))),
    )


def _forced(times: Any, prices: Any, chance: np.random.Generator) -> list[Liquidation]:  # noqa: ANN401 - arrays
    usd = chance.lognormal(8.0, 2.0, len(times))
    return [
        Liquidation(
            venue=VENUES[nth % 4],
            symbol=SYMBOL,
            side=Side.LONG if nth % 3 else Side.SHORT,
            price=price,
            price_kind=PriceKind.FILL,
            quantity=size / price,
            notional_usd=size,
            ts=at,
            received_ms=at,
            nth=nth,
        )
        for nth, (at, price, size) in enumerate(
            zip(times.tolist(), prices.tolist(), usd.tolist(), strict=True)
        )
    ]


def _paid(hours: Sequence[int]) -> list[Funding]:
    return [
        Funding(
            venue=venue,
            symbol=SYMBOL,
            ts=at,
            rate=0.0001 * ((at // HOUR_MS) % 9 - 4),
            funding_ts=at + HOUR_MS,
            interval_h=8.0,
        )
        for at in hours
        for venue in VENUES
    ]


def _crowds(hours: Sequence[int]) -> list[LongShortRatio]:
    return [
        LongShortRatio(
            venue=venue,
            symbol=SYMBOL,
            ts=at,
            step_ms=HOUR_MS,
            kind="accounts",
            ratio=1.0 + (at // HOUR_MS % 20) / 10,
        )
        for at in hours
        for venue in VENUES[:3]
    ]


def _zones(times: list[int], prices: list[float], chance: np.random.Generator) -> list[ZoneEvent]:
    """Return zones that are born, change, and go."""
    usd = chance.lognormal(16.0, 1.0, len(times)).tolist()
    found = []
    for nth, (at, price, size) in enumerate(zip(times, prices, usd, strict=True)):
        low = price * (0.98 if nth % 2 else 1.015)
        zone = Zone(
            zone_id=ZoneId(f"z{nth // 12}"),
            venue="all",
            symbol=SYMBOL,
            side=Side.LONG if nth % 2 else Side.SHORT,
            low=low,
            high=low * 1.002,
            peak=low * 1.001,
            notional_usd=size,
            share=0.1,
            percentile=90.0,
            born_ts=at,
            updated_ts=at,
        )
        change = {0: ZoneChange.BORN, 11: ZoneChange.GONE}.get(nth % 12, ZoneChange.GROWN)
        found.append(ZoneEvent(ts=at, change=change, zone=zone, fraction=0.3))
    return found
