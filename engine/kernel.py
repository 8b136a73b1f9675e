"""Step a heatmap through candles: sweep, take profit, decay, enter; write out what stands.

Longs are shorts on mirrored price, so every loop knows one side only. A side's axis runs away from the
price and counts in bins: `z` is log price over `bin_log` for shorts and its negative for longs, levels
lie above their entry, and global bin `b` is bin `-1 - b` of the mirror. Mass is kept per bin, level and
lifetime; `surface` is its sum over levels. Mass is a number without unit, or coins of open interest, which
are priced where they stand when written out. Both are stored undecayed and multiplied by `scale` (one
number per side and lifetime) when read, so that a candle costs what it touches.

Everything is compiled; `.py_func` of each function is the same in plain Python. All of it stands in one
file because a compiled function is kept on disk until its own file changes, whatever it calls. Small
functions are written into their callers: handing over a book of ten arrays takes longer than most of them do.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.model import Floats, Ints

Surface = npt.NDArray[np.float32]
Flags = npt.NDArray[np.uint8]

LONG, SHORT = 0, 1
OPEN, HIGH, LOW, CLOSE = range(4)
BOTTOM, TOP, VWAP = 4, 5, 6
ENTERED, SWEPT, TAKEN, DECAYED, CLOSED = range(5)
LAST_TS, FIRST_TS, COUNT, HALFWAY = range(4)
LAST_Z, LAST_CLOSE, LAST_OPEN_INTEREST, LIQUIDATED = range(4)

BLOCK_BITS = 6
"""Cells whose changes are noted together: two to the power of this."""
NOWHERE = 1 << 60
"""Lowest occupied bin of a level that holds nothing; its highest is the negative."""
NO_ROOM = -(1 << 62)
"""What a step returns in place of a bin where the book must grow first."""
FAINT = 1e-60
"""Scale below which the stored mass is rewritten with its decay applied."""
CANCELLED = 1e-3
"""Part of what was taken from a cell below which its rest is added up anew: else dust would stand."""
GONE = 1e-100
"""Mass below which a rewrite forgets a cell; no sum of doubles could show it."""


class Parts(NamedTuple):
    """Hold a preset as arrays: D levels, K lifetimes, P entry points. Distances are in bins."""

    bin_log: float
    offset: Floats  # (2, D) distance from entry, per side
    farthest: Floats  # (2,) largest offset, per side
    weight: Floats  # (D,)
    half_life_ms: tuple[float, ...]  # K; tuples, so that loops over lifetimes are unrolled
    amplitude: tuple[float, ...]  # K
    entry: Floats  # (P, 5) blend of open, high, low, close; share
    take_profit: float  # infinite for never
    spread: int  # points between low and high in place of `entry`, 0 for none
    from_open_interest: bool  # mass is coins of open interest, not a share of volume
    one_sided: bool  # a candle opens on the side of its colour only
    feedback: float  # part of swept open interest that is liquidated, and may open again


class Bars(NamedTuple):
    """Hold n candles: their opens in time, prices in the fields' order, and the mass each enters."""

    ts: Ints  # (n,)
    prices: Floats  # (4, n)
    mass: Floats  # (n,)
    vwap: Floats  # (n,)
    open_interest: Floats  # (n,) coins, NaN where it is not known


class Book(NamedTuple):
    """Hold what stands, over N bins; written in place."""

    base: Ints  # (2,) bin of cell 0, on the side's axis
    mass: Floats  # (2, N, D, K) undecayed
    surface: Floats  # (2, K, N) mass summed over levels
    dirty: Flags  # (2, N / BLOCK, rounded up) 1 where `surface` changed since a walk over fixed bins saw it
    lowest: Ints  # (2, D) occupied bins
    highest: Ints  # (2, D)
    scale: Floats  # (2, K) decay since the last rewrite
    standing: Floats  # (2, K) undecayed mass in all bins
    clock: Ints  # (4,) open of the last and first candle, candles seen, 1 while one has yet to enter
    last: Floats  # (5,) close of the last candle in bins and in price, open interest; liquidated per side
    totals: Floats  # (2, 5) entered, swept, taken, decayed, closed


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
    prices: Floats  # (2, per x bins) of the middle of each state bin as a side counts, where mass is coins
    cells: Floats  # (per x bins,) scratch
    sums: Floats  # (2, bins) undecayed, what stands in each bin as a side counts
    rows: Surface  # (2, n, bins)
    need: Ints


@njit(cache=True, nogil=True, inline="always")
def side_bin(side: int, z: float) -> int:
    """Return the bin, on a side's axis, of a log price counted in bins."""
    b = math.floor(z)
    return b if side == SHORT else -1 - b


@njit(cache=True, nogil=True, inline="always")
def extent(book: Book, side: int) -> tuple[int, int]:
    """Return the lowest and highest occupied bin; the lowest is the higher one where none is."""
    lowest = NOWHERE
    highest = -NOWHERE
    for j in range(book.lowest.shape[1]):
        lowest = min(lowest, book.lowest[side, j])
        highest = max(highest, book.highest[side, j])
    return lowest, highest


@njit(cache=True, nogil=True, inline="always")
def vacate(book: Book, side: int, level: int) -> None:
    """Note that a level holds nothing."""
    book.lowest[side, level] = NOWHERE
    book.highest[side, level] = -NOWHERE


@njit(cache=True, nogil=True, inline="always")
def note_change(book: Book, side: int, first: int, last: int) -> None:
    """Note that cells `first` to `last` may have changed."""
    for block in range(first >> BLOCK_BITS, (last >> BLOCK_BITS) + 1):
        book.dirty[side, block] = 1


@njit(cache=True, nogil=True, inline="always")
def sweep(book: Book, side: int, last: int) -> float:
    """Consume all mass in bins `last` and below; return what it was."""
    lowest, highest = extent(book, side)
    if lowest > last:
        return 0.0
    begin = lowest - book.base[side]
    end = min(last, highest) - book.base[side] + 1
    swept = 0.0
    for k in range(book.scale.shape[1]):
        left = book.surface[side, k, begin:end].sum()
        book.surface[side, k, begin:end] = 0.0
        rest = max(book.standing[side, k] - left, 0.0)
        book.standing[side, k] = rest if highest > last else 0.0
        swept += left * book.scale[side, k]
    book.mass[side, begin:end] = 0.0
    note_change(book, side, begin, end - 1)
    for j in range(book.lowest.shape[1]):
        if book.highest[side, j] <= last:
            vacate(book, side, j)
        elif book.lowest[side, j] <= last:
            book.lowest[side, j] = last + 1
    return float(swept)


@njit(cache=True, nogil=True, inline="always")
def clear_cell(parts: Parts, book: Book, side: int, cell: int, level: int) -> float:
    """Take one level's mass out of one cell; return what it was."""
    taken = 0.0
    for k in range(len(parts.amplitude)):
        left = book.mass[side, cell, level, k]
        if left > 0.0:
            book.mass[side, cell, level, k] = 0.0
            rest = book.surface[side, k, cell] - left
            if rest < CANCELLED * left:
                rest = 0.0
                for j in range(book.mass.shape[2]):
                    rest += book.mass[side, cell, j, k]
            book.surface[side, k, cell] = rest
            book.standing[side, k] = max(book.standing[side, k] - left, 0.0)
            taken += left * book.scale[side, k]
    return taken


@njit(cache=True, nogil=True, inline="always")
def take_profit(parts: Parts, book: Book, side: int, best: float) -> float:
    """Let mass leave whose entry lies more than the margin behind `best`; return what it was."""
    taken = 0.0
    if math.isinf(parts.take_profit):
        return taken
    for j in range(parts.weight.shape[0]):
        first = math.floor(best + parts.take_profit + parts.offset[side, j])
        if book.highest[side, j] < first:
            continue
        begin = max(first, book.lowest[side, j])
        note_change(book, side, begin - book.base[side], book.highest[side, j] - book.base[side])
        for b in range(begin, book.highest[side, j] + 1):
            taken += clear_cell(parts, book, side, b - book.base[side], j)
        book.highest[side, j] = begin - 1
        if book.lowest[side, j] >= begin:
            vacate(book, side, j)
    return taken


@njit(cache=True, nogil=True, inline="always")
def rewrite(book: Book, side: int, k: int) -> None:
    """Apply a lifetime's decay to what is stored and start its scale at 1 again."""
    lowest, highest = extent(book, side)
    standing = 0.0
    for cell in range(lowest - book.base[side], highest - book.base[side] + 1):
        total = 0.0
        for j in range(book.mass.shape[2]):
            left = book.mass[side, cell, j, k] * book.scale[side, k]
            kept = left if left > GONE else 0.0
            book.mass[side, cell, j, k] = kept
            total += kept
        book.surface[side, k, cell] = total
        standing += total
    if highest >= lowest:
        note_change(book, side, lowest - book.base[side], highest - book.base[side])
    book.standing[side, k] = standing
    book.scale[side, k] = 1.0


@njit(cache=True, nogil=True, inline="always")
def decay(parts: Parts, book: Book, side: int, elapsed_ms: int) -> float:
    """Fade every lifetime by the time that passed; return what it took."""
    decayed = 0.0
    for k in range(len(parts.half_life_ms)):
        kept = 0.5 ** (elapsed_ms / parts.half_life_ms[k])
        decayed += book.standing[side, k] * book.scale[side, k] * (1.0 - kept)
        book.scale[side, k] *= kept
        if book.scale[side, k] < FAINT:
            rewrite(book, side, k)
    return decayed


@njit(cache=True, nogil=True, inline="always")
def entry_at(parts: Parts, bar: Floats, side: int, point: int) -> float:
    """Return where on a side's axis an entry point of a candle lies."""
    z = 0.0
    if parts.spread > 0:
        z = bar[LOW] + (bar[HIGH] - bar[LOW]) * (point + 0.5) / parts.spread
    else:
        for i in range(4):
            z += parts.entry[point, i] * bar[i]
    return z if side == SHORT else -z


@njit(cache=True, nogil=True, inline="always")
def spread_at(parts: Parts, bar: Floats, point: int) -> float:
    """Return the height, at a point, of the triangle over a candle's range with its top at the VWAP."""
    if bar[HIGH] <= bar[LOW]:
        return 1.0
    z = bar[LOW] + (bar[HIGH] - bar[LOW]) * (point + 0.5) / parts.spread
    if z < bar[VWAP]:
        return float((z - bar[LOW]) / (bar[VWAP] - bar[LOW]))
    return float((bar[HIGH] - z) / (bar[HIGH] - bar[VWAP])) if bar[HIGH] > bar[VWAP] else 1.0


@njit(cache=True, nogil=True, inline="always")
def spread_sum(parts: Parts, bar: Floats) -> float:
    """Return the heights of all points together."""
    whole = 0.0
    for p in range(parts.spread):
        whole += spread_at(parts, bar, p)
    return whole


@njit(cache=True, nogil=True, inline="always")
def enter(parts: Parts, book: Book, side: int, bar: Floats, mass: float) -> float:
    """Enter a candle's mass at every level the close has not passed; return what entered.

    A level lies between two bin centres and is split linearly between them; the part that would
    fall before the close's bin is put into it, so that nothing stands on the wrong side of price.
    """
    close = bar[CLOSE] if side == SHORT else -bar[CLOSE]
    close_bin = side_bin(side, bar[CLOSE])
    mass_at, surface = book.mass[side], book.surface[side]
    entered = 0.0
    least, most = NOWHERE, -NOWHERE
    whole = spread_sum(parts, bar)
    rates = np.empty(len(parts.amplitude))
    for k in range(len(parts.amplitude)):
        rates[k] = parts.amplitude[k] / book.scale[side, k]
    for p in range(max(parts.entry.shape[0], parts.spread)):
        point = entry_at(parts, bar, side, p)
        share = parts.entry[p, 4] if parts.spread == 0 else spread_at(parts, bar, p) / whole
        for j in range(parts.weight.shape[0]):
            level = point + parts.offset[side, j]
            amount = mass * share * parts.weight[j]
            if level <= close or amount <= 0.0:
                continue
            far = math.floor(level - 0.5) + 1
            near = max(far - 1, close_bin)
            farther = amount * (level + 0.5 - far)
            near_cell, far_cell = near - book.base[side], far - book.base[side]
            least, most = min(least, near_cell), max(most, far_cell)
            for k in range(len(parts.amplitude)):
                mass_at[near_cell, j, k] += (amount - farther) * rates[k]
                mass_at[far_cell, j, k] += farther * rates[k]
                surface[k, near_cell] += (amount - farther) * rates[k]
                surface[k, far_cell] += farther * rates[k]
            book.lowest[side, j] = min(book.lowest[side, j], near)
            book.highest[side, j] = max(book.highest[side, j], far)
            entered += amount
    if least <= most:
        note_change(book, side, least, most)
    total = 0.0
    for k in range(len(parts.amplitude)):
        book.standing[side, k] += entered * rates[k]
        total += entered * parts.amplitude[k]
    return total


@njit(cache=True, nogil=True, inline="always")
def traded(parts: Parts, book: Book, bars: Bars, t: int) -> Floats:
    """Return a candle's prices in bins, and the range it traded with the gap from the last close."""
    bar = np.full(7, np.nan)
    for field in range(4):
        bar[field] = math.log(bars.prices[field, t]) / parts.bin_log
    if parts.spread > 0:
        vwap = math.log(bars.vwap[t]) / parts.bin_log
        bar[VWAP] = min(max(vwap, bar[LOW]), bar[HIGH])
    bar[BOTTOM] = min(bar[LOW], bar[OPEN], bar[CLOSE])
    bar[TOP] = max(bar[HIGH], bar[OPEN], bar[CLOSE])
    if not math.isnan(book.last[LAST_Z]):
        bar[BOTTOM] = min(bar[BOTTOM], book.last[LAST_Z])
        bar[TOP] = max(bar[TOP], book.last[LAST_Z])
    return bar


@njit(cache=True, nogil=True, inline="always")
def leave(parts: Parts, book: Book, ts: int, bar: Floats, moved: Floats) -> None:
    """Take out of both sides what a candle sweeps, takes and fades."""
    elapsed_ms = ts - book.clock[LAST_TS] if book.clock[COUNT] > 0 else 0
    for side in (LONG, SHORT):
        worst, best = (bar[BOTTOM], -bar[TOP]) if side == LONG else (bar[TOP], bar[BOTTOM])
        moved[side, SWEPT] = sweep(book, side, side_bin(side, worst))
        moved[side, TAKEN] = take_profit(parts, book, side, best)
        moved[side, DECAYED] = decay(parts, book, side, elapsed_ms)
        book.last[LIQUIDATED + side] = parts.feedback * moved[side, SWEPT]
        for kind in (SWEPT, TAKEN, DECAYED):
            book.totals[side, kind] += moved[side, kind]
    if book.clock[COUNT] == 0:
        book.clock[FIRST_TS] = ts
    book.clock[LAST_TS] = ts
    book.clock[COUNT] += 1
    book.clock[HALFWAY] = 1


@njit(cache=True, nogil=True, inline="always")
def has_room(parts: Parts, book: Book, bar: Floats, need: Ints) -> bool:
    """Say whether the bins a candle enters fit; write which bins it and what stands need if not."""
    good = True
    for side in (LONG, SHORT):
        first = side_bin(side, bar[CLOSE])
        last = first
        for p in range(max(parts.entry.shape[0], parts.spread)):
            farthest = entry_at(parts, bar, side, p) + parts.farthest[side]
            last = max(last, math.floor(farthest - 0.5) + 1)
        good &= book.base[side] <= first and last < book.base[side] + book.mass.shape[1]
        need[side, 0] = first
        need[side, 1] = last
    if not good:
        for side in (LONG, SHORT):
            lowest, highest = extent(book, side)
            need[side, 0] = min(need[side, 0], lowest)
            need[side, 1] = max(need[side, 1], highest)
    return good


@njit(cache=True, nogil=True, inline="always")
def shrink(book: Book, side: int, kept: float) -> float:
    """Let all that stands leave in proportion; return what left."""
    left = 0.0
    for k in range(book.scale.shape[1]):
        left += book.standing[side, k] * book.scale[side, k] * (1.0 - kept)
        book.scale[side, k] *= kept
        if book.scale[side, k] < FAINT:
            rewrite(book, side, k)
    return left


@njit(cache=True, nogil=True, inline="always")
def settle(book: Book, side: int, open_interest: float) -> tuple[float, float]:
    """Follow the open interest: return what closed of what stands, and the coins to open.

    What no level holds is the rest of the open interest: it needs no account of its own.
    """
    before = book.last[LAST_OPEN_INTEREST]
    if math.isnan(open_interest) or math.isnan(before):
        return 0.0, 0.0
    left = before - book.last[LIQUIDATED + side]
    opened = open_interest - left
    if opened >= 0.0:
        return 0.0, opened
    return shrink(book, side, max(open_interest / left, 0.0)), 0.0


@njit(cache=True, nogil=True, inline="always")
def fuel(parts: Parts, book: Book, bars: Bars, t: int, side: int, moved: Floats) -> float:
    """Return the mass that a candle enters on a side, once what it closes has left."""
    if not parts.from_open_interest:
        return float(bars.mass[t])
    moved[side, CLOSED], opened = settle(book, side, bars.open_interest[t])
    book.totals[side, CLOSED] += moved[side, CLOSED]
    rising = bars.prices[CLOSE, t] >= bars.prices[OPEN, t]
    return 0.0 if parts.one_sided and rising != (side == LONG) else opened


@njit(cache=True, nogil=True, inline="always")
def arrive(parts: Parts, book: Book, bar: Floats, bars: Bars, t: int, moved: Floats) -> None:
    """Enter a candle's mass on both sides, which ends the candle."""
    for side in (LONG, SHORT):
        mass = fuel(parts, book, bars, t, side, moved)
        moved[side, ENTERED] = enter(parts, book, side, bar, mass) if mass > 0.0 else 0.0
        book.totals[side, ENTERED] += moved[side, ENTERED]
    if not math.isnan(bars.open_interest[t]):
        book.last[LAST_OPEN_INTEREST] = bars.open_interest[t]
    book.last[LAST_Z] = bar[CLOSE]
    book.clock[HALFWAY] = 0


@njit(cache=True, nogil=True)
def step(parts: Parts, book: Book, bars: Bars, t: int, moved: Floats, need: Ints) -> int:
    """Take one candle through the book; return the close's bin.

    NO_ROOM where the book must grow first: call again then, the candle goes on where it was.
    """
    bar = traded(parts, book, bars, t)
    if book.clock[HALFWAY] == 0:
        leave(parts, book, bars.ts[t], bar, moved)
    if not has_room(parts, book, bar, need):
        return NO_ROOM
    arrive(parts, book, bar, bars, t, moved)
    book.last[LAST_CLOSE] = bars.prices[CLOSE, t]
    return int(math.floor(bar[CLOSE]))  # noqa: RUF046 - numba's stubs do not know it is one


@njit(cache=True, nogil=True, inline="always")
def add_scaled(values: Floats, factor: float, out: npt.NDArray[np.floating[Any]]) -> None:
    """Add values times a factor to as many places."""
    for i in range(out.shape[0]):
        out[i] += factor * values[i]


@njit(cache=True, nogil=True, inline="always")
def multiply(values: Floats, factors: Floats) -> None:
    """Multiply values by as many factors."""
    for i in range(values.shape[0]):
        values[i] *= factors[i]


@njit(cache=True, nogil=True, inline="always")
def price_bins(parts: Parts, side: int, first: int, coins: npt.NDArray[np.floating[Any]]) -> None:
    """Turn coins in bins, from bin `first` of a side's axis on, into dollars at the middle of each."""
    direction = 1.0 if side == SHORT else -1.0
    factor = math.exp(direction * parts.bin_log)
    price = math.exp(direction * (first + 0.5) * parts.bin_log)
    for i in range(coins.shape[0]):
        coins[i] *= price
        price *= factor


@njit(cache=True, nogil=True, inline="always")
def pour_near(parts: Parts, book: Book, side: int, close_bin: int, usd_scale: float, row: Surface) -> None:
    """Add what stands to a row that runs away from price, the close's bin first."""
    near = close_bin if side == SHORT else -1 - close_bin
    lowest, highest = extent(book, side)
    begin = max(0, lowest - near)
    end = min(row.shape[0], highest - near + 1)
    if begin >= end:
        return
    at = near - book.base[side]
    for k in range(book.scale.shape[1]):
        values = book.surface[side, k, at + begin : at + end]
        add_scaled(values, usd_scale * book.scale[side, k], row[begin:end])
    if parts.from_open_interest:
        price_bins(parts, side, near + begin, row[begin:end])


@njit(cache=True, nogil=True)
def refresh(book: Book, side: int, out: Fixed, first: int, blocks: tuple[int, int]) -> None:
    """Add up anew the fixed bins that a run of blocks of cells lies in; `first` is the state bin of place 0.

    Bins are added up side by side, first all first cells, then all second ones: that has no short loops.
    """
    per, bins, base = out.per, out.sums.shape[1], book.base[side]
    least = max(0, ((blocks[0] << BLOCK_BITS) + base - first) // per)
    most = min(bins - 1, ((blocks[1] << BLOCK_BITS) - 1 + base - first) // per)
    if least > most:
        return
    start = least * per + first - base
    cells = out.cells[: (most + 1 - least) * per]
    begin, end = max(0, start), min(book.surface.shape[2], start + cells.shape[0])
    cells[:] = 0.0
    sums = out.sums[side, least : most + 1]
    sums[:] = 0.0
    add_scaled(book.surface[side, 0, begin:end], 1.0, cells[begin - start : end - start])
    if out.prices.shape[1] > 0:
        multiply(cells, out.prices[side, least * per : (most + 1) * per])
    for j in range(per):
        add_scaled(cells[j::per], 1.0, sums)


@njit(cache=True, nogil=True)
def pour_whole(book: Book, side: int, out: Fixed, row: Surface) -> None:
    """Add what stands to a row of fixed bins, added up from the start."""
    lowest, highest = extent(book, side)
    bins, per = row.shape[0], out.per
    first = out.first if side == SHORT else -(out.first + per * bins)
    begin, end = max(0, lowest - first), min(per * bins, highest + 1 - first)
    if begin >= end:
        return
    b, count = begin // per, (end - 1) // per + 1 - begin // per
    cells, sums, at = out.cells[: count * per], out.sums[side, :count], first - book.base[side]
    cells[:] = 0.0
    sums[:] = 0.0
    for k in range(book.scale.shape[1]):
        values = book.surface[side, k, begin + at : end + at]
        add_scaled(values, book.scale[side, k], cells[begin - b * per : end - b * per])
    if out.prices.shape[1] > 0:
        multiply(cells, out.prices[side, b * per : (b + count) * per])
    for j in range(per):
        add_scaled(cells[j::per], 1.0, sums)
    for i in range(count):
        row[b + i if side == SHORT else bins - 1 - b - i] += sums[i]


@njit(cache=True, nogil=True)
def pour_changed(book: Book, side: int, out: Fixed, row: Surface) -> None:
    """Add what stands to a row of fixed bins, of one lifetime: all of it fades alike.

    Bins where nothing else changed have been added up before.
    """
    bins, dirty = row.shape[0], book.dirty[side]
    first = out.first if side == SHORT else -(out.first + out.per * bins)
    begin = 0
    while begin < dirty.shape[0]:
        if dirty[begin] == 0:
            begin += 1
            continue
        end = begin + 1
        while end < dirty.shape[0] and dirty[end] != 0:
            end += 1
        refresh(book, side, out, first, (begin, end))
        dirty[begin:end] = 0
        begin = end
    lowest, highest = extent(book, side)
    least, most = max(0, (lowest - first) // out.per), min(bins - 1, (highest - first) // out.per)
    for b in range(least, most + 1):
        row[b if side == SHORT else bins - 1 - b] += out.sums[side, b] * book.scale[side, 0]


@njit(cache=True, nogil=True)
def walk_near(parts: Parts, book: Book, bars: Bars, start: int, out: Near) -> int:
    """Step through candles from `start`, writing each one's column; return where it stopped for room."""
    for t in range(start, bars.ts.shape[0]):
        close_bin = step(parts, book, bars, t, out.moved[t], out.need)
        if close_bin == NO_ROOM:
            return t
        out.close_bin[t] = close_bin
        for side in (LONG, SHORT):
            pour_near(parts, book, side, close_bin, out.usd_scale, out.rows[side, t])
    return int(bars.ts.shape[0])


@njit(cache=True, nogil=True)
def walk_fixed(parts: Parts, book: Book, bars: Bars, start: int, out: Fixed) -> int:
    """Step through candles from `start`, writing fixed bins; return where it stopped for room."""
    moved = np.zeros(book.totals.shape)
    book.dirty[:] = 1
    out.sums[:] = 0.0
    for t in range(start, bars.ts.shape[0]):
        if step(parts, book, bars, t, moved, out.need) == NO_ROOM:
            return t
        for side in (LONG, SHORT):
            if book.scale.shape[1] == 1:
                pour_changed(book, side, out, out.rows[side, t])
            else:
                pour_whole(book, side, out, out.rows[side, t])
    return int(bars.ts.shape[0])
