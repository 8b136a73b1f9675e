"""Hold what stands at each candle's close: columns that run away from the price on both sides.

A column has `width` state bins a side (`BIN_LOG` of log price each). `long[:, i]` is bin
`close_bin - i` and `short[:, i]` is bin `close_bin + i`, so index 0 of both is the close's own bin
and a column's index is a distance from price. Values are USD per bin.
"""

import math
import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.errors import DataError
from engine.model import Floats, Ints
from engine.presets import BIN_LOG

Surface = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]

_HEADER = struct.Struct("<BqdqfI")
_VERSION = 1
_REBASE = np.uint32(0x38000000)
"""What the exponent of a float has more than that of a half."""
_HALF_BITS = np.uint32(0x3F000000)
_SMALLEST_NORMAL = np.float32(2.0**-14)
_SLACK = 64
"""Rows kept beyond the capacity, so that a slice being read is not the one being overwritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Columns of n candles in order; see the module for how `long` and `short` are laid out."""

    ts: Ints  # (n,) candle open
    close: Floats  # (n,) price
    close_bin: Ints  # (n,) global bin of the close
    long: Surface  # (n, width)
    short: Surface  # (n, width)

    def __len__(self) -> int:
        return int(self.ts.shape[0])

    def __getitem__(self, rows: slice) -> "Columns":
        """Return the columns of a slice (views, not copies)."""
        return Columns(
            ts=self.ts[rows],
            close=self.close[rows],
            close_bin=self.close_bin[rows],
            long=self.long[rows],
            short=self.short[rows],
        )

    @property
    def width(self) -> int:
        """Return the bins of a column on each side."""
        return int(self.long.shape[1])

    @classmethod
    def empty(cls, width: int) -> "Columns":
        """Return no columns."""
        none = np.empty((0, width), np.float32)
        ints = np.empty(0, np.int64)
        return cls(ts=ints, close=np.empty(0), close_bin=ints, long=none, short=none)

    def concat(self, later: "Columns") -> "Columns":
        """Return these columns followed by `later`."""
        return Columns(
            ts=np.concatenate([self.ts, later.ts]),
            close=np.concatenate([self.close, later.close]),
            close_bin=np.concatenate([self.close_bin, later.close_bin]),
            long=np.concatenate([self.long, later.long]),
            short=np.concatenate([self.short, later.short]),
        )

    def prices(self, row: int) -> tuple[Floats, Floats]:
        """Return the lower edges of a row's bins, for its long and its short side."""
        steps = np.arange(self.width)
        at = self.close_bin[row]
        return np.exp((at - steps) * BIN_LOG), np.exp((at + steps) * BIN_LOG)


@njit(cache=True, nogil=True)
def halve(long: Surface, short: Surface, halves: npt.NDArray[np.uint16], scale: Surface) -> None:
    """Write rows of n columns as the bits of half floats, (2, n, width), and what each was divided by.

    Bits are moved by hand: the compiler has no half floats, and numpy takes ten times as long for them.
    """
    width = long.shape[1]
    part = np.empty(width, np.float32)
    bits = part.view(np.uint32)
    for row in range(long.shape[0]):
        peak = np.float32(0.0)
        for i in range(width):
            peak = max(peak, long[row, i], short[row, i])
        exponent = math.ceil(math.log2(peak)) - 15.0 if peak > 0.0 else -15.0
        divisor = np.float32(2.0 ** max(exponent, -126.0))
        scale[row] = divisor
        factor = np.float32(1.0) / divisor
        for side in range(2):
            values = long[row] if side == 0 else short[row]
            out = halves[side, row]
            for i in range(width):
                part[i] = max(values[i] * factor, np.float32(0.0))
            for i in range(width):
                u = bits[i]
                out[i] = (
                    u - _REBASE + np.uint32(0xFFF) + ((u >> np.uint32(13)) & np.uint32(1))
                ) >> np.uint32(13)
            # Below the smallest normal half, adding one half makes the float's own rounding do it.
            for i in range(width):
                if part[i] < _SMALLEST_NORMAL:
                    part[i] += np.float32(0.5)
                    out[i] = bits[i] - _HALF_BITS


def quantise(columns: Columns) -> tuple[Halves, Surface]:
    """Return `(2, n, width)` half floats and the power of two each row was divided by.

    Half floats keep values to 1/2048 over nine decades below a row's largest; doing it twice
    changes nothing, so that a column is the same before and after it was stored.
    """
    halves = np.empty((2, len(columns), columns.width), np.uint16)
    scale = np.empty(len(columns), np.float32)
    halve(np.ascontiguousarray(columns.long), np.ascontiguousarray(columns.short), halves, scale)
    return halves.view(np.float16), scale


def rounded(columns: Columns) -> Columns:
    """Return columns as they come back after they were stored."""
    halves, scale = quantise(columns)
    both = halves.astype(np.float32)
    both *= scale[None, :, None]
    return replace(columns, long=both[0], short=both[1])


@njit(cache=True, nogil=True)
def lay_over(rows: Surface, close_bin: Ints, group: Ints, at: Ints, away: int, out: Surface) -> None:
    """Take the maximum over the rows of each group, bin by bin of price, into rows that begin at bins `at`.

    `away` is the way a row runs: -1 for longs, 1 for shorts. What lies before a row's beginning is left out.
    """
    width = rows.shape[1]
    for t in range(rows.shape[0]):
        shift = away * (close_bin[t] - at[group[t]])
        values, kept = rows[t], out[group[t]]
        for i in range(max(0, -shift), min(width, width - shift)):
            kept[i + shift] = max(kept[i + shift], values[i])


def coarsen(columns: Columns, step_ms: int) -> Columns:
    """Return one column for each `step_ms` in which there are any: the maximum of each price over time.

    A coarse column has the close of its last one, and lies around it; what an earlier one held on the other
    side of that close is left out: price has been there.
    """
    if not len(columns):
        return columns
    number = columns.ts // step_ms
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    last = np.append(starts[1:], len(columns)) - 1
    group = (np.cumsum(np.diff(number, prepend=number[0]) != 0)).astype(np.int64)
    at = np.ascontiguousarray(columns.close_bin[last])
    heat = np.zeros((2, len(starts), columns.width), np.float32)
    close_bin = np.ascontiguousarray(columns.close_bin)
    lay_over(np.ascontiguousarray(columns.long), close_bin, group, at, -1, heat[0])
    lay_over(np.ascontiguousarray(columns.short), close_bin, group, at, 1, heat[1])
    return Columns(
        ts=number[starts] * step_ms, close=columns.close[last], close_bin=at, long=heat[0], short=heat[1]
    )


def encode_columns(columns: Columns) -> list[bytes]:
    """Return one compact blob for each column."""
    halves, scale = quantise(columns)
    blobs = []
    for row in range(len(columns)):
        header = _HEADER.pack(
            _VERSION,
            int(columns.ts[row]),
            float(columns.close[row]),
            int(columns.close_bin[row]),
            float(scale[row]),
            columns.width,
        )
        # High and low bytes apart: the high ones repeat and compress.
        planes = halves[:, row].astype("<f2").view(np.uint8).reshape(-1, 2).T.tobytes()
        blobs.append(header + zlib.compress(planes, 6))
    return blobs


def decode_columns(blobs: list[bytes], *, width: int) -> Columns:
    """Return the columns of blobs in the order given; raise DataError for one that is not a column."""
    count = len(blobs)
    ts, close_bin = np.empty(count, np.int64), np.empty(count, np.int64)
    close, both = np.empty(count), np.empty((2, count, width), np.float32)
    for row, blob in enumerate(blobs):
        ts[row], close[row], close_bin[row], scale, halves = _decode(blob, width)
        both[:, row] = halves.astype(np.float32) * np.float32(scale)
    return Columns(ts=ts, close=close, close_bin=close_bin, long=both[0], short=both[1])


def _decode(blob: bytes, width: int) -> tuple[int, float, int, float, Halves]:
    try:
        version, ts, close, close_bin, scale, stored = _HEADER.unpack_from(blob)
        planes = np.frombuffer(zlib.decompress(blob[_HEADER.size :]), np.uint8)
    except (struct.error, zlib.error) as error:
        raise DataError(f"this is not a stored heatmap column: {error}") from error
    if version != _VERSION or stored != width or planes.size != 4 * width:
        raise DataError(
            f"stored heatmap column of version {version} with {stored} bins a side; "
            f"this Liqwatch reads version {_VERSION} with {width}"
        )
    halves = np.ascontiguousarray(planes.reshape(2, -1).T).view("<f2").reshape(2, width)
    return ts, close, close_bin, scale, halves.astype(np.float16)


class ColumnHistory:
    """Keep the latest columns of one symbol in memory, as half floats; the oldest make room.

    Reading copies; a slice may be taken in another thread while rows are appended.
    """

    def __init__(self, capacity: int, *, width: int) -> None:
        self.capacity = capacity
        self.width = width
        rows = capacity + _SLACK
        self._ts = np.zeros(rows, np.int64)
        self._close = np.zeros(rows)
        self._close_bin = np.zeros(rows, np.int64)
        self._scale = np.ones(rows, np.float32)
        self._halves = np.zeros((2, rows, width), np.float16)
        self._appended = 0

    def __len__(self) -> int:
        return min(self._appended, self.capacity)

    @property
    def first_ts(self) -> int | None:
        """Return the oldest column's candle, None where there is none."""
        return int(self._ts[(self._appended - len(self)) % self._ts.size]) if self._appended else None

    @property
    def last_ts(self) -> int | None:
        """Return the latest column's candle, None where there is none."""
        return int(self._ts[(self._appended - 1) % self._ts.size]) if self._appended else None

    @property
    def nbytes(self) -> int:
        """Return the memory held."""
        arrays = (self._ts, self._close, self._close_bin, self._scale, self._halves)
        return sum(array.nbytes for array in arrays)

    def append(self, columns: Columns) -> None:
        """Add columns that follow those held; raise DataError where they do not."""
        if not len(columns):
            return
        last = self.last_ts
        known = columns.ts if last is None else np.concatenate([[last], columns.ts])
        if columns.width != self.width or np.any(np.diff(known) <= 0):
            raise DataError("columns must be as wide as the history and follow it in time")
        latest = columns[-self.capacity :]
        slots = np.arange(self._appended, self._appended + len(latest)) % self._ts.size
        self._halves[:, slots], self._scale[slots] = quantise(latest)
        self._ts[slots] = latest.ts
        self._close[slots] = latest.close
        self._close_bin[slots] = latest.close_bin
        self._appended += len(latest)

    def slice(self, t0: int, t1: int) -> Columns:
        """Return the columns with `t0 <= ts < t1`, in order."""
        end = self._appended
        slots = np.arange(end - min(end, self.capacity), end) % self._ts.size
        ts = self._ts[slots]
        slots = slots[np.searchsorted(ts, t0) : np.searchsorted(ts, t1)]
        both = np.empty((2, len(slots), self.width), np.float32)
        cut = int(np.argmin(slots)) if len(slots) else 0  # where the ring starts over
        for rows in (slice(0, cut), slice(cut, len(slots))):
            if rows.start < rows.stop:
                held = slice(slots[rows.start], slots[rows.stop - 1] + 1)
                both[:, rows] = self._halves[:, held]
                both[:, rows] *= self._scale[held, None]
        return Columns(
            ts=self._ts[slots],
            close=self._close[slots],
            close_bin=self._close_bin[slots],
            long=both[0],
            short=both[1],
        )

    def clear(self) -> None:
        """Forget all columns."""
        self._appended = 0
