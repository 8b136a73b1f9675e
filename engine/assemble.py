"""Walk candles through the kernel and write out what stands; check candles; fold columns to a grid.

Compiled like the kernel. A walk returns how far it got: it stops before a candle for which the book
has no room, so that the caller can grow the book and go on.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.kernel import (
    CLOSE,
    COUNT,
    DECAYED,
    ENTERED,
    FIRST_TS,
    HALFWAY,
    HIGH,
    LAST_CLOSE,
    LAST_LOG,
    LAST_TS,
    LONG,
    LOW,
    MASS,
    OPEN,
    OPEN_INTEREST,
    QUOTE_VOLUME,
    SHORT,
    SWEPT,
    TAKEN,
    VOLUME,
    Bars,
    Book,
    Parts,
    bin_of,
    decay,
    enter,
    entry_log,
    side_bin,
    sweep,
    take_profit,
    volume_mass,
)
from engine.model import Floats, Ints
from engine.presets import BIN_LOG

Surface = npt.NDArray[np.float32]

MISALIGNED, ORDER, TWICE, PRICE, RANGE, VOLUMES, QUOTE, KNOWN = range(1, 9)
NO_ROOM = np.iinfo(np.int64).min
HUGE_VOLUME = 1e30
"""Quote volume of a bar beyond which a sum of them may not be finite."""


class Near(NamedTuple):
    """Hold what a walk writes for n candles, and the bins it needs when it stops for room."""

    usd_scale: float
    rows: Surface  # (2, n, width) USD, from the close's bin outwards
    close_bin: Ints  # (n,)
    moved: Floats  # (n, 2, 5) entered, swept, taken, decayed, closed
    need: Ints  # (2, 2) lowest and highest, per side


class Fixed(NamedTuple):
    """Hold what a walk over fixed bins writes: each is `per` state bins, from global bin `first`."""

    first: int
    per: int
    rows: Surface  # (2, n, bins)
    need: Ints


class PriceMap(NamedTuple):
    """Say where state bins lie in output bins: `position[i]` is the lower edge of bin `first + i`."""

    first: int
    position: Floats  # (m + 1,) counted in output bins


@njit(cache=True, nogil=True)
def fault_of(bars: Floats, t: int) -> int:
    """Return what is wrong with a candle's values, 0 for nothing."""
    for field in range(OPEN, VOLUME):
        if not (math.isfinite(bars[field, t]) and bars[field, t] > 0.0):
            return PRICE
    if bars[LOW, t] > bars[HIGH, t]:
        return RANGE
    if not (math.isfinite(bars[VOLUME, t]) and bars[VOLUME, t] >= 0.0):
        return VOLUMES
    if not quote_volume(bars, t) <= HUGE_VOLUME or bars[QUOTE_VOLUME, t] < 0.0:
        return QUOTE
    for field in range(QUOTE_VOLUME + 1, OPEN_INTEREST + 1):
        if bars[field, t] < 0.0 or math.isinf(bars[field, t]):
            return KNOWN
    return 0


@njit(cache=True, nogil=True)
def first_fault(bars: Bars, step_ms: int, last_ts: int) -> tuple[int, int]:
    """Return the first candle that must be refused and why; -1 and 0 where all are good."""
    for t in range(bars.ts.shape[0]):
        ts = bars.ts[t]
        if ts % step_ms != 0:
            return t, MISALIGNED
        if ts == last_ts:
            return t, TWICE
        if ts < last_ts:
            return t, ORDER
        fault = fault_of(bars.values, t)
        if fault != 0:
            return t, fault
        last_ts = ts
    return -1, 0


@njit(cache=True, nogil=True)
def quote_volume(bars: Floats, t: int) -> float:
    """Return a candle's quote volume, made from volume and prices where the venue gives none."""
    given = bars[QUOTE_VOLUME, t]
    if not math.isnan(given):
        return float(given)
    return float(bars[VOLUME, t] * ((bars[HIGH, t] + bars[LOW, t] + bars[CLOSE, t]) / 3.0))


@njit(cache=True, nogil=True)
def traded(book: Book, bars: Floats, t: int, logs: Floats) -> None:
    """Write a candle's log prices, its range widened by the gap from the last close."""
    for field in range(OPEN, VOLUME):
        logs[field] = math.log(bars[field, t])
    low = min(logs[LOW], logs[OPEN], logs[CLOSE])
    high = max(logs[HIGH], logs[OPEN], logs[CLOSE])
    if not math.isnan(book.last[LAST_LOG]):
        low = min(low, book.last[LAST_LOG])
        high = max(high, book.last[LAST_LOG])
    logs[4] = low
    logs[5] = high


@njit(cache=True, nogil=True)
def leave(parts: Parts, book: Book, ts: int, quote: float, logs: Floats, moved: Floats) -> None:
    """Take out of both sides what a candle sweeps, takes and fades; note the mass it will enter."""
    elapsed_ms = ts - book.clock[LAST_TS] if book.clock[COUNT] > 0 else 0
    book.last[MASS] = volume_mass(parts, book, ts, quote)
    for side in (LONG, SHORT):
        worst, best = (logs[4], logs[5]) if side == LONG else (logs[5], -logs[4])
        moved[side, SWEPT] = sweep(book, side, side_bin(side, worst))
        moved[side, TAKEN] = take_profit(parts, book, side, best)
        moved[side, DECAYED] = decay(parts, book, side, elapsed_ms)
        for kind in (SWEPT, TAKEN, DECAYED):
            book.totals[side, kind] += moved[side, kind]
    if book.clock[COUNT] == 0:
        book.clock[FIRST_TS] = ts
    book.clock[LAST_TS] = ts
    book.clock[COUNT] += 1
    book.clock[HALFWAY] = 1


@njit(cache=True, nogil=True)
def has_room(parts: Parts, book: Book, logs: Floats, need: Ints) -> bool:
    """Say whether the bins that stand and those a candle enters fit; write which those are."""
    good = True
    for side in (LONG, SHORT):
        sign = 1.0 if side == LONG else -1.0
        close_bin = side_bin(side, logs[CLOSE])
        lowest = min(close_bin, book.lowest[side].min())
        for p in range(parts.entry.shape[0]):
            level = sign * entry_log(parts, logs, p) - parts.offset[side].max()
            lowest = min(lowest, math.floor(level / BIN_LOG - 0.5))
        need[side, 0] = lowest
        need[side, 1] = max(close_bin, book.highest[side].max())
        cells = book.mass.shape[1]
        if lowest < book.base[side] or need[side, 1] >= book.base[side] + cells:
            good = False
    return good


@njit(cache=True, nogil=True)
def arrive(parts: Parts, book: Book, logs: Floats, moved: Floats) -> None:
    """Enter a candle's mass on both sides, which ends the candle."""
    mass = book.last[MASS]
    for side in (LONG, SHORT):
        moved[side, ENTERED] = enter(parts, book, side, logs, mass) if mass > 0.0 else 0.0
        book.totals[side, ENTERED] += moved[side, ENTERED]
    book.last[LAST_LOG] = logs[CLOSE]
    book.clock[HALFWAY] = 0


@njit(cache=True, nogil=True)
def step(parts: Parts, book: Book, bars: Bars, t: int, moved: Floats, need: Ints) -> int:
    """Take one candle through the book; return the close's bin.

    NO_ROOM where the book must grow first: call again then, the candle goes on where it was.
    """
    logs = np.empty(6)
    traded(book, bars.values, t, logs)
    if book.clock[HALFWAY] == 0:
        leave(parts, book, bars.ts[t], quote_volume(bars.values, t), logs, moved)
    if not has_room(parts, book, logs, need):
        return NO_ROOM
    arrive(parts, book, logs, moved)
    book.last[LAST_CLOSE] = bars.values[CLOSE, t]
    return bin_of(logs[CLOSE])


@njit(cache=True, nogil=True)
def pour_near(book: Book, side: int, close_bin: int, usd_scale: float, row: Surface) -> None:
    """Add what stands to a row that runs away from price, the close's bin first."""
    near = close_bin if side == LONG else -1 - close_bin
    top = book.highest[side].max()
    bottom = book.lowest[side].min()
    begin = max(0, near - top)
    end = min(row.shape[0], near - bottom + 1)
    at = near - book.base[side]
    for k in range(book.scale.shape[1]):
        dollars = usd_scale * book.scale[side, k]
        for i in range(begin, end):
            row[i] += dollars * book.surface[side, k, at - i]


@njit(cache=True, nogil=True)
def pour_fixed(book: Book, side: int, first: int, per: int, row: Surface) -> None:
    """Add what stands to a row of fixed bins of `per` state bins each, from global bin `first`."""
    top = book.highest[side].max()
    bottom = book.lowest[side].min()
    if top < bottom:
        return
    low, high = (bottom, top) if side == LONG else (-1 - top, -1 - bottom)
    sign = 1 if side == LONG else -1
    at = first - book.base[side] if side == LONG else -1 - first - book.base[side]
    for out in range(max((low - first) // per, 0), min((high - first) // per + 1, row.shape[0])):
        begin = max(out * per, low - first)
        end = min((out + 1) * per, high - first + 1)
        total = 0.0
        for k in range(book.scale.shape[1]):
            part = 0.0
            for i in range(begin, end):
                part += book.surface[side, k, at + sign * i]
            total += part * book.scale[side, k]
        row[out] += total


@njit(cache=True, nogil=True)
def walk_near(parts: Parts, book: Book, bars: Bars, start: int, out: Near) -> int:
    """Step through candles from `start`, writing each one's column; return where it stopped."""
    for t in range(start, bars.ts.shape[0]):
        close_bin = step(parts, book, bars, t, out.moved[t], out.need)
        if close_bin == NO_ROOM:
            return t
        out.close_bin[t] = close_bin
        for side in (LONG, SHORT):
            pour_near(book, side, close_bin, out.usd_scale, out.rows[side, t])
    return int(bars.ts.shape[0])


@njit(cache=True, nogil=True)
def walk_fixed(parts: Parts, book: Book, bars: Bars, start: int, out: Fixed) -> int:
    """Step through candles from `start`, writing fixed bins; return where it stopped."""
    moved = np.zeros(book.totals.shape)
    for t in range(start, bars.ts.shape[0]):
        if step(parts, book, bars, t, moved, out.need) == NO_ROOM:
            return t
        for side in (LONG, SHORT):
            pour_fixed(book, side, out.first, out.per, out.rows[side, t])
    return int(bars.ts.shape[0])


@njit(cache=True, nogil=True)
def fold(rows: Surface, close_bin: Ints, sign: int, group: Ints, prices: PriceMap, out: Surface) -> None:
    """Sum each row over price and take the maximum over the rows of a group, into (cols, bins).

    A state bin that straddles output edges is split in proportion. `sign` is the way a row runs.
    """
    position = prices.position
    count = position.shape[0] - 1
    bins = out.shape[1]
    line = np.empty(bins)
    for t in range(rows.shape[0]):
        line[:] = 0.0
        for i in range(rows.shape[1]):
            value = rows[t, i]
            at = close_bin[t] + sign * i - prices.first
            if value == 0.0 or at < 0 or at >= count:
                continue
            low = position[at]
            high = position[at + 1]
            begin = math.floor(low)
            if high <= begin + 1.0 and begin >= 0:
                line[begin] += value
                continue
            for b in range(max(begin, 0), min(math.ceil(high), bins)):
                line[b] += value * (min(high, b + 1.0) - max(low, float(b))) / (high - low)
        for b in range(bins):
            if line[b] > out[group[t], b]:
                out[group[t], b] = line[b]
