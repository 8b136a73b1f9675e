"""Make the grid of a window of time: which prices it shows, and what stood there."""

from dataclasses import dataclass

import numpy as np

from bot.live.book import Book
from bot.live.view import SymbolView
from engine.columns import Columns
from engine.grid import Grid, make_grid
from engine.heatmap import Heatmap
from engine.model import STEP_MS, Candles
from engine.presets import Preset

ROOM = 0.028
"""Room above the highest and below the lowest price, as a fraction of price."""
NEARBY = 0.035
"""Zones whose nearer edge is within this fraction of price are shown whole."""
MARGIN = 0.003
"""Room beyond such a zone."""
BLOCK = 512
"""How many candles of history are fed at once: their columns are not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a picture is to show: how long, which prices (None for what fits), how fine."""

    window_ms: int
    low: float | None = None
    high: float | None = None
    bins: int
    max_cols: int


def window_grid(book: Book, view: SymbolView, window: Window) -> Grid:
    """Return the heatmap of a window that ends with the view's candle; call it in a thread."""
    end = view.candle_ts + STEP_MS
    columns, candles = book.slices(end - window.window_ms, end)
    return _grid(view, columns, candles, window)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFeed:
    """A model, and the candles that it is fed with for one picture."""

    preset: Preset
    history: Candles


def model_grid(view: SymbolView, feed: ModelFeed, scale: float, window: Window) -> Grid:
    """Return the same window as another model sees it; call it in a thread.

    `scale` is the dollars of a unit of mass; coins of open interest need none.
    """
    heatmap, history = Heatmap(feed.preset, usd_scale=scale), feed.history
    end = view.candle_ts + STEP_MS
    first = int(np.searchsorted(history.ts, end - window.window_ms))
    for at in range(0, first, BLOCK):
        heatmap.feed(history[slice(at, min(at + BLOCK, first))])
    shown = history[slice(first, len(history))]
    return _grid(view, heatmap.feed(shown), shown, window)


def _grid(view: SymbolView, columns: Columns, candles: Candles, window: Window) -> Grid:
    end = view.candle_ts + STEP_MS
    auto_low, auto_high = price_range(view, candles)
    return make_grid(
        view.symbol,
        columns,
        candles,
        t0=end - window.window_ms,
        t1=end,
        price_low=auto_low if window.low is None else window.low,
        price_high=auto_high if window.high is None else window.high,
        bins=window.bins,
        max_cols=window.max_cols,
    )


def price_range(view: SymbolView, candles: Candles) -> tuple[float, float]:
    """Return (low, high): the candles' extremes and the price with room around, and the zones nearby."""
    lows, highs = [view.price], [view.price]
    if len(candles):
        lows.append(float(candles.low.min()))
        highs.append(float(candles.high.max()))
    room = ROOM * view.price
    low, high = max(min(lows) - room, min(lows) / 2), max(highs) + room
    for zone in view.zones.zones if view.zones else ():
        if zone.distance(view.price) <= NEARBY:
            low, high = min(low, zone.low * (1 - MARGIN)), max(high, zone.high * (1 + MARGIN))
    return low, high
