"""Make a picture's grid from columns: sum in price, maximum in time, never a mean.

A mean would fade a level that stood for a part of a column; the maximum shows it.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from engine.columns import Columns, Surface
from engine.errors import GridError
from engine.model import STEP_MS, Candles, Floats, Ints
from engine.presets import BIN_LOG

_ROUND = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
_STEPS = (1, 2, 3, 4, 6, 12, 24, 36, 48, 72, 96, 144, 288)
"""Candles in a column: whole fractions of an hour or a day where candles are of five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Hold what a picture shows: `cols` columns of `step_ms`, `bins` price bins of even size.

    `long` and `short` are USD per bin. A column without candles has NaN prices and nothing in it.
    """

    symbol: str
    step_ms: int
    ts: Ints  # (cols,) start of each column
    edges: Floats  # (bins + 1,) prices
    long: Surface  # (cols, bins)
    short: Surface
    open: Floats  # (cols,)
    high: Floats
    low: Floats
    close: Floats


def make_grid(  # noqa: PLR0913 - a request is flat: what, when, which prices, how fine
    symbol: str,
    columns: Columns,
    candles: Candles,
    *,
    t0: int,
    t1: int,
    price_low: float,
    price_high: float,
    bins: int = 600,
    max_cols: int = 1200,
    base_ms: int = STEP_MS,
    step_ms: int | None = None,
) -> Grid:
    """Return the grid of `t0 <= ts < t1` between two prices, over the time there is data for.

    At most `bins` price bins of a round size that cover the range, at most `max_cols` columns of a
    round number of candles, or columns of `step_ms`. Raise GridError for a range that is empty or has
    no data.
    """
    if not (t0 < t1 and 0 < price_low < price_high < math.inf and bins > 0 and max_cols > 0):
        raise GridError(
            f"{symbol}: nothing to draw from {t0} to {t1}, {price_low:g} to {price_high:g}, "
            f"in {bins} bins and {max_cols} columns"
        )
    columns = columns[_within(columns.ts, t0, t1)]
    candles = candles[_within(candles.ts, t0, t1)]
    known = np.concatenate(
        [columns.ts[[0, -1]] if len(columns) else [], candles.ts[[0, -1]] if len(candles) else []]
    )
    if not known.size:
        raise GridError(f"{symbol}: there is no data from {t0} to {t1}")
    step_ms = step_ms or column_step(int(known.max() - known.min()), base_ms, max_cols)
    first = int(known.min()) // step_ms
    ts = np.arange(first, int(known.max()) // step_ms + 1, dtype=np.int64) * step_ms
    edges = price_edges(price_low, price_high, bins)
    long, short = _heat(columns, columns.ts // step_ms - first, len(ts), edges)
    prices = _prices(candles, candles.ts // step_ms - first, len(ts))
    return Grid(symbol=symbol, step_ms=step_ms, ts=ts, edges=edges, long=long, short=short, **prices)


def _within(ts: Ints, t0: int, t1: int) -> slice:
    return slice(int(np.searchsorted(ts, t0)), int(np.searchsorted(ts, t1)))


def price_edges(low: float, high: float, bins: int) -> Floats:
    """Return even edges on round prices that cover a range in at most `bins` bins."""
    wish = (high - low) / bins
    power = math.floor(math.log10(wish))
    sizes = (digit * 10.0**e for e in range(power, power + 3) for digit in _ROUND)
    for size in sizes:
        first, last = math.floor(low / size), math.ceil(high / size)
        if last - first <= max(bins, 2):
            break
    # The lowest edge is kept above zero by the caller's range; floor may only reach it exactly.
    return np.arange(first, last + 1, dtype=np.float64) * size


def column_step(span_ms: int, base_ms: int, max_cols: int) -> int:
    """Return the shortest round column length that shows a span in at most `max_cols` columns."""
    days = range(2, 2 + span_ms // (_STEPS[-1] * base_ms))
    for count in (*_STEPS, *(day * _STEPS[-1] for day in days)):
        if span_ms // (count * base_ms) + 2 <= max_cols:
            return count * base_ms
    return (len(days) + 2) * _STEPS[-1] * base_ms


class PriceMap(NamedTuple):
    """Say where the edges of output bins lie among the state's bins."""

    bin: Ints  # (bins + 1,) global state bin
    part: Floats  # (bins + 1,) share of that bin below the edge


def price_map(edges: Floats) -> PriceMap:
    """Return where prices lie among the state's bins; dollars are spread evenly in price within one."""
    positive = np.maximum(edges, edges[-1] * 1e-12)
    at = np.floor(np.log(positive) / BIN_LOG).astype(np.int64)
    low, high = np.exp(at * BIN_LOG), np.exp((at + 1) * BIN_LOG)
    return PriceMap(bin=at, part=np.clip((positive - low) / (high - low), 0.0, 1.0))


@njit(cache=True, nogil=True)
def fold(rows: Surface, close_bin: Ints, sign: int, group: Ints, prices: PriceMap, out: Surface) -> None:
    """Sum each row over price and take the maximum over the rows of a group, into (cols, bins).

    `sign` is the way a row runs. A bin's dollars are the difference of the row's running sum at its
    edges, so that a state bin which straddles edges is split and nothing is lost.
    """
    width = rows.shape[1]
    summed = np.zeros(width + 1)
    for t in range(rows.shape[0]):
        for i in range(width):
            summed[i + 1] = summed[i] + rows[t, i]
        before = 0.0
        for b in range(prices.bin.shape[0]):
            i = sign * (prices.bin[b] - close_bin[t])
            at = summed[min(max(i, 0), width)]
            if 0 <= i < width:
                at += (prices.part[b] if sign > 0 else 1.0 - prices.part[b]) * rows[t, i]
            if b > 0:
                out[group[t], b - 1] = max(out[group[t], b - 1], sign * (at - before))
            before = at


def _heat(columns: Columns, group: Ints, cols: int, edges: Floats) -> tuple[Surface, Surface]:
    """Return both sides' dollars per column and bin."""
    bins = len(edges) - 1
    heat = np.zeros((2, cols, bins), np.float32)
    prices = price_map(edges)
    at = np.ascontiguousarray(columns.close_bin)
    fold(np.ascontiguousarray(columns.long), at, -1, group, prices, heat[0])
    fold(np.ascontiguousarray(columns.short), at, 1, group, prices, heat[1])
    return heat[0], heat[1]


def _prices(candles: Candles, group: Ints, cols: int) -> dict[str, Floats]:
    """Return open, high, low and close per column."""
    found = {name: np.full(cols, np.nan) for name in ("open", "high", "low", "close")}
    if not len(candles):
        return found
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    at = group[starts]
    found["open"][at] = candles.open[starts]
    found["high"][at] = np.maximum.reduceat(candles.high, starts)
    found["low"][at] = np.minimum.reduceat(candles.low, starts)
    found["close"][at] = candles.close[np.append(starts[1:], len(candles)) - 1]
    return found
