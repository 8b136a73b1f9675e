"""Make the grid of a window of time: which prices it shows, and what stood there."""

from dataclasses import dataclass

import numpy as np

from bot.live.book import Book
from bot.live.columns import step_for
from bot.live.view import SymbolView
from engine.columns import Columns
from engine.grid import Grid, column_step, make_grid
from engine.model import STEP_MS, Candles
from engine.presets import Preset

ROOM = 0.028
"""Room above the highest and below the lowest price, as a fraction of price."""
NEARBY = 0.035
"""Zones whose nearer edge is within this fraction of price are shown whole."""
MARGIN = 0.003
"""Room beyond such a zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a picture is to show: how long, which prices (None for what fits), how fine."""

    window_ms: int
    low: float | None = None
    high: float | None = None
    bins: int
    max_cols: int

    @property
    def column_ms(self) -> int:
        """Return how long the columns of a picture of the whole window are."""
        return column_step(self.window_ms - STEP_MS, STEP_MS, self.max_cols)

    @property
    def step_ms(self) -> int:
        """Return how long the columns are that such a picture is made from, where they are not in memory."""
        return step_for(self.column_ms)

    def begin(self, end: int) -> int:
        """Return where the window begins that ends at `end`, on such a column."""
        return (end - self.window_ms) // self.step_ms * self.step_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFeed:
    """A model chosen for one picture, and the candles that there are for it."""

    preset: Preset
    history: Candles


def window_grid(
    book: Book, view: SymbolView, window: Window, older: Columns | None = None, *, forming: bool = False
) -> Grid:
    """Return the heatmap of a window that ends with the view's candle; call it in a thread.

    `older` columns come before those that the book holds in memory, up to `older_until`. With `forming` the
    candle that forms comes last: what price has swept of it is gone there.
    """
    end = view.candle_ts + STEP_MS
    begin = end - window.window_ms if older is None or not len(older) else window.begin(end)
    columns, candles = book.slices(begin, end)
    column_ms = None
    if older is not None and len(older):
        newer = columns[int(np.searchsorted(columns.ts, older_until(book, window))) :]
        columns, column_ms = older.concat(newer), window.column_ms
    live = book.forming() if forming else None
    if live is not None and int(live[0].ts[0]) == end:
        columns, candles = columns.concat(live[0]), candles.concat(live[1])
    return columns_grid(view, columns, candles, window, column_ms=column_ms)


def older_until(book: Book, window: Window) -> int:
    """Return from when on the columns in memory fill whole columns of those that are kept."""
    return -(-(book.columns_from or 0) // window.step_ms) * window.step_ms


def columns_grid(
    view: SymbolView, columns: Columns, candles: Candles, window: Window, *, column_ms: int | None = None
) -> Grid:
    """Return the grid of columns and candles that are at hand; without `column_ms` as fine as they allow."""
    end = view.candle_ts + STEP_MS
    auto_low, auto_high = price_range(view, candles)
    return make_grid(
        view.symbol,
        columns,
        candles,
        t0=end - window.window_ms if column_ms is None else window.begin(end),
        t1=end + STEP_MS,
        price_low=auto_low if window.low is None else window.low,
        price_high=auto_high if window.high is None else window.high,
        bins=window.bins,
        max_cols=window.max_cols,
        step_ms=column_ms,
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
