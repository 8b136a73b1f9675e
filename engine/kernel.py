"""Step the heatmap's state through candles: sweep, take profit, decay, enter.

Shorts are longs on mirrored log price, so every loop here knows one side only: `y` is the log price
for longs and its negative for shorts, and bin `b` of log price is bin `-1 - b` of the mirror. Mass is
kept per bin, level and lifetime; `surface` is its sum over levels. Both are stored undecayed and
multiplied by `scale` (one number per side and lifetime) when read, so that a candle costs what it
touches. All functions are compiled; their `.py_func` is the same in plain Python.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from engine.model import Floats, Ints
from engine.presets import BIN_LOG

LONG, SHORT = 0, 1
OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE_VOLUME, TAKER_BUY_VOLUME, OPEN_INTEREST = range(8)
ENTERED, SWEPT, TAKEN, DECAYED, CLOSED = range(5)
LAST_TS, FIRST_TS, COUNT, HALFWAY = range(4)
LAST_LOG, LAST_CLOSE, MASS = range(3)
NORM_SUM, NORM_COUNT, NORM_PEAK = range(3)

NOWHERE = 1 << 60
"""Lowest occupied bin of a level that holds nothing; its highest is the negative."""
FAINT = 1e-60
"""Scale below which the stored mass is rewritten with its decay applied."""
GONE = 1e-100
"""Mass below which a rewrite forgets a cell; no sum of doubles could show it."""
MAX_RATIO = 1e9
"""Bound on a candle's volume in means, so that a market waking from nothing stays finite."""


class Parts(NamedTuple):
    """Hold a preset as arrays: D levels, K lifetimes, P entry points."""

    offset: Floats  # (2, D) log distance from entry, per side
    weight: Floats  # (D,)
    half_life_ms: Floats  # (K,)
    amplitude: Floats  # (K,)
    entry: Floats  # (P, 5) blend of log open, high, low, close; share
    take_profit: float  # log price; infinite for never
    exponent: float
    norm_min: int  # bars
    step_ms: int
    step_share: float  # of the five minutes a unit of mass is meant for


class Bars(NamedTuple):
    """Hold candles as the kernel reads them: times (n,) and values (8, n) in the fields' order."""

    ts: Ints
    values: Floats


class Book(NamedTuple):
    """Hold the whole state of one heatmap over N bins; written in place."""

    base: Ints  # (2,) mirrored bin of cell 0
    mass: Floats  # (2, N, D, K) undecayed
    surface: Floats  # (2, K, N) mass summed over levels
    lowest: Ints  # (2, D) occupied bins
    highest: Ints  # (2, D)
    scale: Floats  # (2, K) decay since the last rewrite
    standing: Floats  # (2, K) undecayed mass in all bins
    ring: Floats  # (bars of the norm,) quote volume by time; NaN where no bar was
    norm: Floats  # (3,) sum and count of the ring, largest sum since it was last added up
    clock: Ints  # (4,) open of the last and first bar, bars seen, 1 while a bar has yet to enter
    last: Floats  # (3,) log close and close of the last bar, NaN before; mass that has yet to enter
    totals: Floats  # (2, 5) entered, swept, taken, decayed, closed


@njit(cache=True, nogil=True)
def bin_of(log_price: float) -> int:
    """Return the global bin of a log price."""
    return math.floor(log_price / BIN_LOG)


@njit(cache=True, nogil=True)
def side_bin(side: int, log_price: float) -> int:
    """Return the bin of a log price as a side sees it: mirrored for shorts."""
    b = math.floor(log_price / BIN_LOG)
    return b if side == LONG else -1 - b


@njit(cache=True, nogil=True)
def sweep(book: Book, side: int, first: int) -> float:
    """Consume all mass in bins `first` and above; return what it was."""
    top = -NOWHERE
    bottom = NOWHERE
    for j in range(book.highest.shape[1]):
        top = max(top, book.highest[side, j])
        bottom = min(bottom, book.lowest[side, j])
    if top < first:
        return 0.0
    begin = max(first, bottom) - book.base[side]
    end = top - book.base[side] + 1
    swept = 0.0
    for k in range(book.scale.shape[1]):
        left = 0.0
        for cell in range(begin, end):
            left += book.surface[side, k, cell]
            book.surface[side, k, cell] = 0.0
        book.standing[side, k] = max(book.standing[side, k] - left, 0.0) if bottom < first else 0.0
        swept += left * book.scale[side, k]
    book.mass[side, begin:end] = 0.0
    for j in range(book.highest.shape[1]):
        if book.highest[side, j] >= first:
            book.highest[side, j] = first - 1
            if book.lowest[side, j] >= first:
                book.lowest[side, j] = NOWHERE
                book.highest[side, j] = -NOWHERE
    return swept


@njit(cache=True, nogil=True)
def clear_cell(book: Book, side: int, cell: int, level: int) -> float:
    """Take one level's mass out of one cell; return what it was."""
    taken = 0.0
    levels = book.mass.shape[2]
    for k in range(book.scale.shape[1]):
        left = book.mass[side, cell, level, k]
        if left > 0.0:
            book.mass[side, cell, level, k] = 0.0
            rest = 0.0  # added up anew: a subtraction would leave dust where nothing stands
            for j in range(levels):
                rest += book.mass[side, cell, j, k]
            book.surface[side, k, cell] = rest
            book.standing[side, k] = max(book.standing[side, k] - left, 0.0)
            taken += left * book.scale[side, k]
    return taken


@njit(cache=True, nogil=True)
def take_profit(parts: Parts, book: Book, side: int, best: float) -> float:
    """Let mass leave whose entry lies more than the margin behind `best`; return what it was."""
    taken = 0.0
    if math.isinf(parts.take_profit):
        return taken
    for j in range(parts.weight.shape[0]):
        last = math.floor((best - parts.take_profit - parts.offset[side, j]) / BIN_LOG)
        low = book.lowest[side, j]
        high = book.highest[side, j]
        if low > last:
            continue
        for b in range(low, min(last, high) + 1):
            taken += clear_cell(book, side, b - book.base[side], j)
        if last >= high:
            book.lowest[side, j] = NOWHERE
            book.highest[side, j] = -NOWHERE
        else:
            book.lowest[side, j] = last + 1
    return taken


@njit(cache=True, nogil=True)
def rewrite(book: Book, side: int, k: int) -> None:
    """Apply a lifetime's decay to what is stored and start its scale at 1 again."""
    scale = book.scale[side, k]
    standing = 0.0
    for j in range(book.lowest.shape[1]):
        for b in range(book.lowest[side, j], book.highest[side, j] + 1):
            cell = b - book.base[side]
            left = book.mass[side, cell, j, k] * scale
            book.mass[side, cell, j, k] = left if left > GONE else 0.0
    for j in range(book.lowest.shape[1]):
        for b in range(book.lowest[side, j], book.highest[side, j] + 1):
            cell = b - book.base[side]
            rest = 0.0
            for i in range(book.lowest.shape[1]):
                rest += book.mass[side, cell, i, k]
            book.surface[side, k, cell] = rest
            standing += book.mass[side, cell, j, k]
    book.standing[side, k] = standing
    book.scale[side, k] = 1.0


@njit(cache=True, nogil=True)
def decay(parts: Parts, book: Book, side: int, elapsed_ms: int) -> float:
    """Fade every lifetime by the time that passed; return what it took."""
    decayed = 0.0
    for k in range(parts.half_life_ms.shape[0]):
        kept = 0.5 ** (elapsed_ms / parts.half_life_ms[k])
        decayed += book.standing[side, k] * book.scale[side, k] * (1.0 - kept)
        book.scale[side, k] *= kept
        if book.scale[side, k] < FAINT:
            rewrite(book, side, k)
    return decayed


@njit(cache=True, nogil=True)
def deposit(parts: Parts, book: Book, side: int, b: int, level: int, amount: float) -> None:
    """Put an amount into one bin of one level, split over the lifetimes by amplitude."""
    cell = b - book.base[side]
    for k in range(parts.amplitude.shape[0]):
        added = amount * parts.amplitude[k] / book.scale[side, k]
        book.mass[side, cell, level, k] += added
        book.surface[side, k, cell] += added
        book.standing[side, k] += added
    book.lowest[side, level] = min(book.lowest[side, level], b)
    book.highest[side, level] = max(book.highest[side, level], b)


@njit(cache=True, nogil=True)
def entry_log(parts: Parts, logs: Floats, point: int) -> float:
    """Return the log price at which an entry point of a candle lies."""
    blend = 0.0
    for i in range(4):
        blend += parts.entry[point, i] * logs[i]
    return blend


@njit(cache=True, nogil=True)
def enter(parts: Parts, book: Book, side: int, logs: Floats, mass: float) -> float:
    """Enter a candle's mass at every level the close has not passed; return what entered.

    A level lies between two bin centres and is split linearly between them; the part that would
    fall beyond the close's bin stays in it, so that nothing stands on the wrong side of price.
    """
    sign = 1.0 if side == LONG else -1.0
    close = sign * logs[CLOSE]
    close_bin = side_bin(side, logs[CLOSE])
    entered = 0.0
    for p in range(parts.entry.shape[0]):
        point = entry_log(parts, logs, p)
        for j in range(parts.weight.shape[0]):
            level = sign * point - parts.offset[side, j]
            amount = mass * parts.entry[p, 4] * parts.weight[j]
            if level >= close or amount <= 0.0:
                continue
            centres = level / BIN_LOG - 0.5
            b = math.floor(centres)
            above = amount * (centres - b)
            deposit(parts, book, side, b, j, amount - above)
            deposit(parts, book, side, min(b + 1, close_bin), j, above)
            entered += amount
    return entered * float(parts.amplitude.sum())


@njit(cache=True, nogil=True)
def add_up_norm(book: Book) -> None:
    """Add the ring up anew, so that a running sum's rounding never gathers."""
    total = 0.0
    count = 0
    for value in book.ring:
        if not math.isnan(value):
            total += value
            count += 1
    book.norm[NORM_SUM] = total
    book.norm[NORM_COUNT] = count
    book.norm[NORM_PEAK] = total


@njit(cache=True, nogil=True)
def forget_slot(book: Book, slot: int) -> None:
    """Take one bar out of the norm, if there is one."""
    if not math.isnan(book.ring[slot]):
        book.norm[NORM_SUM] -= book.ring[slot]
        book.norm[NORM_COUNT] -= 1.0
        book.ring[slot] = np.nan


@njit(cache=True, nogil=True)
def volume_mass(parts: Parts, book: Book, ts: int, quote_volume: float) -> float:
    """Return a candle's mass by the norm of the bars before it, then let it join the norm.

    The norm is the mean of the bars there were in the time before: missing ones count as nothing
    known, not as zero.
    """
    size = book.ring.shape[0]
    slot = ts // parts.step_ms
    if book.clock[COUNT] > 0:
        before = book.clock[LAST_TS] // parts.step_ms
        for missing in range(max(before + 1, slot - size), slot):
            forget_slot(book, missing % size)
    if book.norm[NORM_SUM] < 1e-6 * book.norm[NORM_PEAK]:
        add_up_norm(book)
    mass = 0.0
    count = book.norm[NORM_COUNT]
    if count >= parts.norm_min and book.norm[NORM_SUM] > 0.0:
        ratio = min(quote_volume / book.norm[NORM_SUM] * count, MAX_RATIO)
        mass = ratio**parts.exponent * parts.step_share
    forget_slot(book, slot % size)
    book.ring[slot % size] = quote_volume
    book.norm[NORM_SUM] += quote_volume
    book.norm[NORM_COUNT] += 1.0
    book.norm[NORM_PEAK] = max(book.norm[NORM_PEAK], book.norm[NORM_SUM])
    if slot % size == 0:
        add_up_norm(book)
    return mass
