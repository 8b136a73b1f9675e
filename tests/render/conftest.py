"""Make small grids, zones and requests for the pictures' tests."""

from dataclasses import replace

import numpy as np
import pytest

from bot.render.fonts import Weight
from bot.render.ink import Ink
from bot.render.layout import Box
from bot.render.request import HeatmapRequest
from engine.grid import Grid
from engine.model import STEP_MS, Side, Zone, ZoneSet

NOW_MS = 1_760_128_500_000  # 2025-10-10 20:35 UTC
HOUR_MS = 3_600_000


def grid_for(price=116_000.0, cols=48, bins=200, reach=0.06, seed=1, step_ms=STEP_MS):
    """A grid that ends at NOW_MS: a walk of candles, longs below and shorts above each close."""
    rng = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(rng.normal(0, 0.0008, cols))[::-1] * 0.5)
    if cols:
        close *= price / close[-1]
    open_ = np.concatenate([close[:1], close[:-1]])
    wick = price * 0.0006
    high, low = np.maximum(open_, close) + wick, np.minimum(open_, close) - wick
    edges = np.linspace(price * (1 - reach), price * (1 + reach), bins + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    heat = rng.pareto(2.0, bins)[None, :] * (1 + np.arange(cols))[:, None] * 1e3
    below = middle[None, :] < low[:, None]
    above = middle[None, :] > high[:, None]
    return Grid(
        symbol="BTCUSDT",
        step_ms=step_ms,
        ts=NOW_MS - (cols - np.arange(cols, dtype=np.int64)) * step_ms,
        edges=edges,
        long=np.where(below, heat, 0).astype(np.float32),
        short=np.where(above, heat, 0).astype(np.float32),
        open=open_,
        high=high,
        low=low,
        close=close,
    )


def zone_at(price, distance, usd, *, name=None, width=0.003):
    """A zone whose nearer edge lies at a signed distance from the price."""
    edge = price * (1 + distance)
    low, high = (edge - price * width, edge) if distance < 0 else (edge, edge + price * width)
    return Zone(
        zone_id=name or f"z{distance:+.4f}",
        venue="binance",
        symbol="BTCUSDT",
        side=Side.LONG if distance < 0 else Side.SHORT,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=usd,
        share=0.1,
        percentile=97.0,
        born_ts=NOW_MS - 2 * HOUR_MS,
        updated_ts=NOW_MS - STEP_MS,
    )


def zones_of(price, *zones, samples_h=240, ready=True):
    return ZoneSet(
        venue="binance",
        symbol="BTCUSDT",
        ts=NOW_MS - STEP_MS,
        price=price,
        zones=tuple(zones),
        samples_h=samples_h,
        threshold_ready=ready,
        auto_min_usd=1e6,
    )


@pytest.fixture
def make_grid():
    return grid_for


@pytest.fixture
def make_zone():
    return zone_at


@pytest.fixture
def make_zones():
    return zones_of


@pytest.fixture
def request_for():
    """Return a maker of requests about a market at a price, with three zones on each side."""

    def make(price=116_000.0, **changes):
        signed = [(-0.01, 55e6), (-0.025, 44e6), (-0.04, 62e6), (0.008, 35e6), (0.02, 39e6), (0.035, 41e6)]
        base = HeatmapRequest(
            symbol="BTCUSDT",
            venues=("binance",),
            candle_ts=NOW_MS - STEP_MS,
            now_ms=NOW_MS + 12_000,
            price=price,
            price_ts=NOW_MS,
            window_ms=4 * HOUR_MS,
            window_label="4h",
            zones=zones_of(price, *(zone_at(price, d, usd) for d, usd in signed)),
            change_24h=-0.0335,
            history_days=9.85,
        )
        return replace(base, **changes)

    return make


@pytest.fixture
def record_ink(monkeypatch):
    """Let a module draw with inks that remember each text with its size and place; return their list."""

    def record(module):
        inks = []

        class Recorder(Ink):
            def __init__(self, *args):
                super().__init__(*args)
                self.written = []
                inks.append(self)

            def text(self, at, words, size, colour, **rest):
                width = self.measure(words, size, rest.get("weight", Weight.MEDIUM))
                left = at[0] - {"left": 0, "center": 0.5, "right": 1}[rest.get("align", "left")] * width
                place = Box(left, at[1] - 0.38 * size, left + width, at[1] + 0.38 * size)
                self.written.append((words, size, place))
                super().text(at, words, size, colour, **rest)

        monkeypatch.setattr(module, "Ink", Recorder)
        return inks

    return record
