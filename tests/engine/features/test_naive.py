"""Every metric that there is, recomputed from all that was ever stored: a new one has to be put here too."""

import itertools
import math
import statistics
from dataclasses import dataclass, field

import numpy as np
import pytest

from engine.features.market import MarketFeatures
from engine.features.past import points
from engine.model import (
    DAY_MS,
    HOUR_MS,
    STEP_MS,
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    PriceKind,
    Side,
    Tick,
)
from engine.rules.feature import Feature, Metric

WINDOW_MS = 4 * HOUR_MS
CUT_MS = WINDOW_MS // 720
"""A window is 720 slices, the present one included."""
DAYS = 3


@dataclass
class Stored:
    """All that was said of a market until now, as it was said."""

    now: int = 0
    ticks: list[tuple[int, float]] = field(default_factory=list)
    bars: list[tuple[int, float, float]] = field(default_factory=list)
    coins: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    forced: list[tuple[int, Side, float]] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)

    @property
    def price(self):
        return self.ticks[-1][1]

    def slices(self, back, end=0):
        """Return the prices of the slices from `back` before the present one to `end` before it."""
        here = self.now // CUT_MS
        return [p for ts, p in self.ticks if here - back <= ts // CUT_MS <= here - end]

    def covered(self):
        return self.now - self.ticks[0][0] >= WINDOW_MS

    def usd(self, side=None, window_ms=WINDOW_MS):
        cut = window_ms // 720
        kept = [usd for ts, s, usd in self.forced if ts // cut > self.now // cut - 720 and side in (None, s)]
        return kept if self.forced else None


def change(kept):
    """Return price against the last of its slice that stood a window ago."""
    old = {}
    for ts, price in kept.ticks:
        old[ts // CUT_MS] = (ts, price)
    before = [pair for pair in old.values() if pair[0] <= kept.now - WINDOW_MS]
    return kept.price / max(before)[1] - 1 if before else math.nan


def beyond(kept, best):
    before = kept.slices(720, 1)
    return kept.price / best(before) - 1 if kept.covered() and before else math.nan


def off(kept, best):
    return kept.price / best(kept.slices(719)) - 1 if kept.covered() else math.nan


def volatility(kept):
    inside = [bar for bar in kept.bars if bar[0] > kept.bars[-1][0] - WINDOW_MS - STEP_MS]
    steps = [math.log(b[1] / a[1]) for a, b in itertools.pairwise(inside)]
    return statistics.stdev(steps) * math.sqrt(365 * 288) if len(steps) >= 39 else math.nan


def volume(kept):
    last = kept.bars[-1]
    usual = [bar[2] for bar in kept.bars[:-1] if bar[0] >= last[0] - WINDOW_MS]
    return last[2] / statistics.median(usual) if len(usual) >= 39 else math.nan


def liquidated(kept, side=None):
    usd = kept.usd(side)
    return math.nan if usd is None else sum(usd)


def multiple(kept):
    if not kept.forced or kept.now - kept.forced[0][0] < DAY_MS:
        return math.nan
    return sum(kept.usd()) / (sum(kept.usd(window_ms=DAY_MS)) * WINDOW_MS / DAY_MS)


def holdings(kept):
    now = before = 0.0
    for said in kept.coins.values():
        newest = said[-1][0]
        old = [coins for ts, coins in said if ts <= newest - WINDOW_MS]
        if old:
            now, before = now + said[-1][1], before + old[-1]
    return now / before - 1 if before else math.nan


NAIVE = {
    Metric.PRICE: lambda kept: kept.price,
    Metric.PRICE_CHANGE: change,
    Metric.RANGE_HIGH: lambda kept: beyond(kept, max),
    Metric.RANGE_LOW: lambda kept: -beyond(kept, min),
    Metric.RISE: lambda kept: off(kept, min),
    Metric.FALL: lambda kept: -off(kept, max),
    Metric.VOLATILITY: volatility,
    Metric.VOLUME_MULTIPLE: volume,
    Metric.LIQUIDATED_USD: liquidated,
    Metric.LIQUIDATED_LONG_USD: lambda kept: liquidated(kept, Side.LONG),
    Metric.LIQUIDATED_SHORT_USD: lambda kept: liquidated(kept, Side.SHORT),
    Metric.LARGEST_LIQUIDATION_USD: lambda kept: max(kept.usd() or [0.0]) if kept.forced else math.nan,
    Metric.LIQUIDATED_MULTIPLE: multiple,
    Metric.OPEN_INTEREST_CHANGE: holdings,
    Metric.FUNDING_RATE: lambda kept: statistics.mean(kept.rates.values()) if kept.rates else math.nan,
    Metric.FUNDING_SPREAD: lambda kept: (
        max(kept.rates.values()) - min(kept.rates.values()) if len(kept.rates) > 1 else math.nan
    ),
    Metric.LONG_SHORT_RATIO: lambda kept: (
        statistics.geometric_mean(kept.ratios.values()) if kept.ratios else math.nan
    ),
    Metric.DATA_AGE_S: lambda kept: (kept.now - kept.ticks[-1][0]) / 1000,
}


def told(candles, rng):
    """Yield recorded candles as what a feed says, made reports beside them, and what is stored then."""
    kept = Stored()
    times, prices = (a.tolist() for a in points(candles))
    for row, ts in enumerate(candles.ts.tolist()):
        events = []
        for at in range(4 * row, 4 * row + 4):
            events.append(Tick(venue="binance", symbol="BTCUSDT", ts=times[at], price=prices[at]))
            kept.ticks.append((times[at], prices[at]))
        end, close = ts + STEP_MS, float(candles.close[row])
        for n in range(int(rng.integers(0, 3))):
            side, usd = Side(rng.choice(["long", "short"])), float(rng.integers(1, 10**6))
            events.append(_forced(ts + 250_000 + n, side, usd))
            kept.forced.append((ts + 250_000 + n, side, usd))
        coins = float(candles.open_interest[row])
        events.append(_candle(ts, close, float(candles.volume[row]), coins))
        kept.bars.append((ts, close, float(candles.volume[row])))
        kept.coins.setdefault("binance", []).append((ts, coins))
        if row > 400:
            events.append(OpenInterest(venue="okx", symbol="BTCUSDT", ts=ts, open_interest=5e4 + row))
            kept.coins.setdefault("okx", []).append((ts, 5e4 + row))
        if row % 12 == 3:
            venue, hours = ("okx", 4.0) if row % 24 == 3 else ("binance", 8.0)
            rate = float(rng.normal(0, 1e-4))
            events.append(_funding(venue, rate, hours, end))
            kept.rates[venue] = rate * 8 / hours
            events.append(_ratio(venue, 1 + row / 1000, end))
            kept.ratios[venue] = 1 + row / 1000
        kept.now = end
        yield events, kept


def _forced(ts, side, usd):
    return Liquidation(
        venue="bybit",
        symbol="BTCUSDT",
        side=side,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=usd / 100,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
    )


def _candle(ts, close, volume, coins):
    flat = dict.fromkeys(("open", "high", "low", "close"), close)
    return Candle(venue="binance", symbol="BTCUSDT", ts=ts, **flat, volume=volume, open_interest=coins)


def _funding(venue, rate, hours, ts):
    return Funding(venue=venue, symbol="BTCUSDT", ts=ts, rate=rate, funding_ts=ts + HOUR_MS, interval_h=hours)


def _ratio(venue, ratio, ts):
    return LongShortRatio(venue=venue, symbol="BTCUSDT", ts=ts, step_ms=STEP_MS, kind="accounts", ratio=ratio)


@pytest.mark.parametrize("metric", list(Metric), ids=str)
def test_every_metric_is_what_all_that_was_stored_says(metric, recorded):
    windowless = metric in (
        Metric.PRICE,
        Metric.FUNDING_RATE,
        Metric.FUNDING_SPREAD,
        Metric.LONG_SHORT_RATIO,
        Metric.DATA_AGE_S,
    )
    watched = Feature(symbol="BTCUSDT", metric=metric, window_ms=0 if windowless else WINDOW_MS)
    live = MarketFeatures(lambda _: "binance")
    live.register(watched)
    known = 0
    for row, (events, kept) in enumerate(told(recorded(DAYS), np.random.default_rng(7))):
        for event in events:
            live.take(event)
        live.advance(kept.now)
        if row % 9:
            continue
        want = NAIVE[metric](kept)
        assert live.value(watched) == pytest.approx(want, rel=1e-9, abs=1e-12, nan_ok=True), (row, metric)
        known += not math.isnan(want)
    assert known > 50


def test_no_metric_is_left_out():
    assert set(NAIVE) == set(Metric)
