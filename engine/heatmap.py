"""Hold one symbol's heatmap on one venue: feed it candles, read what stands.

The model is a preset's parts put into the one kernel (`presets`, `kernel`). Feeding candles one at a
time, in blocks or all at once gives the same arrays, bit by bit. Surfaces are USD per state bin.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine import assemble, state
from engine.columns import Columns
from engine.intake import pack
from engine.kernel import (
    CLOSE,
    CLOSED,
    COUNT,
    DECAYED,
    ENTERED,
    FIRST_TS,
    HIGH,
    LAST_CLOSE,
    LAST_LOG,
    LAST_TS,
    LONG,
    LOW,
    NORM_COUNT,
    NORM_SUM,
    SHORT,
    SWEPT,
    TAKEN,
    Bars,
    Book,
    bin_of,
)
from engine.model import DAY_MS, Candles, Floats, Ints, Side
from engine.presets import BIN_LOG, Preset

__all__ = ["BIN_LOG", "Fed", "Heatmap", "PositionEvents", "Result", "Totals", "run"]

_SIDES = (Side.LONG, Side.SHORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Account for one side's mass since the first candle, in USD; what entered is in the others."""

    entered: float
    swept: float
    taken: float
    decayed: float
    closed: float
    standing: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionEvents:
    """Say what n candles moved, in USD; every array is (n, 2), longs first."""

    ts: Ints
    entered: Floats
    swept: Floats
    taken: Floats
    decayed: Floats
    closed: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """Hold what feeding candles gave: a column and the moves of each."""

    columns: Columns
    events: PositionEvents


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Hold what stood at each close in fixed bins: `long`, `short` (candles, bins), `edges` (bins + 1,).

    USD for a `usd_scale` of 1; edges are prices, evenly spaced in log price.
    """

    long: npt.NDArray[np.float32]
    short: npt.NDArray[np.float32]
    edges: Floats


class Heatmap:
    """Estimate where open positions of one symbol on one venue would be liquidated.

    `usd_scale` turns mass into dollars (see `calibration`) and may be changed at any time.
    """

    def __init__(self, preset: Preset, *, usd_scale: float = 1.0) -> None:
        self.preset = preset
        self.usd_scale = usd_scale
        self._parts = state.parts_of(preset)
        self._book = state.new_book(preset)
        self._gaps: list[tuple[int, int]] = []

    def feed(self, candles: Candles) -> Columns:
        """Take candles that follow those before; return a column for each.

        Raise CandleError, with nothing changed, for a candle that is out of order or impossible.
        """
        return self.advance(candles).columns

    def advance(self, candles: Candles) -> Fed:
        """Take candles like `feed`; return what they moved as well."""
        last = self.last_ts
        bars = pack(candles, step_ms=self.preset.step_ms, last_ts=last)
        ts = bars.ts
        out = assemble.Near(
            usd_scale=float(self.usd_scale),
            rows=np.zeros((2, len(ts), self.preset.width), np.float32),
            close_bin=np.zeros(len(ts), np.int64),
            moved=np.zeros((len(ts), 2, 5)),
            need=np.zeros((2, 2), np.int64),
        )
        self._walk(len(ts), out.need, lambda book, at: assemble.walk_near(self._parts, book, bars, at, out))
        self._note_gaps(ts if last is None else np.concatenate([[last], ts]))
        close = bars.values[CLOSE].copy()
        columns = Columns(ts=ts, close=close, close_bin=out.close_bin, long=out.rows[0], short=out.rows[1])
        return Fed(columns=columns, events=self._events(ts, out.moved))

    def tabulate(self, candles: Candles, *, bins: int) -> Result:
        """Take candles like `feed`; return what stood in `bins` fixed bins that cover them all."""
        bars = pack(candles, step_ms=self.preset.step_ms, last_ts=self.last_ts)
        rows = np.zeros((2, len(bars.ts), bins), np.float32)
        low, high = (bin_of(math.log(v)) for v in _price_range(bars))
        per = -(-(high - low + 1 + 2 * self.preset.width) // bins)
        first = (low + high + 1 - per * bins) // 2
        out = assemble.Fixed(first=first, per=per, rows=rows, need=np.zeros((2, 2), np.int64))
        self._walk(
            len(bars.ts), out.need, lambda book, at: assemble.walk_fixed(self._parts, book, bars, at, out)
        )
        edges = np.exp((first + per * np.arange(bins + 1)) * BIN_LOG)
        return Result(long=rows[0], short=rows[1], edges=edges)

    def _walk(self, count: int, need: Ints, walk: Callable[[Book, int], int]) -> None:
        at = walk(self._book, 0)
        while at < count:
            self._book = state.grown(self._book, need)
            at = walk(self._book, at)

    def _events(self, ts: Ints, moved: Floats) -> PositionEvents:
        moved *= self.usd_scale
        return PositionEvents(
            ts=ts,
            entered=moved[:, :, ENTERED],
            swept=moved[:, :, SWEPT],
            taken=moved[:, :, TAKEN],
            decayed=moved[:, :, DECAYED],
            closed=moved[:, :, CLOSED],
        )

    def _note_gaps(self, ts: Ints) -> None:
        step_ms = self.preset.step_ms
        found = np.flatnonzero(np.diff(ts) > step_ms)
        self._gaps += [(int(ts[i]) + step_ms, int(ts[i + 1]) - step_ms) for i in found]
        if self._gaps:
            oldest = int(ts[-1]) - self.preset.norm_days * DAY_MS
            self._gaps = [gap for gap in self._gaps if gap[1] >= oldest]

    def column(self) -> Columns:
        """Return what stands now as one column; none before the first candle."""
        width = self.preset.width
        if self.last_ts is None:
            return Columns.empty(width)
        close_bin = bin_of(float(self._book.last[LAST_LOG]))
        near = np.zeros((2, 1, width), np.float32)
        for side in (LONG, SHORT):
            assemble.pour_near(self._book, side, close_bin, self.usd_scale, near[side, 0])
        return Columns(
            ts=np.array([self.last_ts], np.int64),
            close=self._book.last[[LAST_CLOSE]],
            close_bin=np.array([close_bin], np.int64),
            long=near[0],
            short=near[1],
        )

    def totals(self) -> dict[Side, Totals]:
        """Return where each side's mass went since the first candle."""
        standing = (self._book.mass.sum(axis=(1, 2)) * self._book.scale).sum(axis=1)
        totals = {}
        for side, kinds, stands in zip(_SIDES, self._book.totals, standing, strict=True):
            usd = [float(v) * self.usd_scale for v in (*kinds, stands)]
            totals[side] = Totals(
                entered=usd[ENTERED],
                swept=usd[SWEPT],
                taken=usd[TAKEN],
                decayed=usd[DECAYED],
                closed=usd[CLOSED],
                standing=usd[-1],
            )
        return totals

    @property
    def count(self) -> int:
        """Return how many candles were fed."""
        return int(self._book.clock[COUNT])

    @property
    def first_ts(self) -> int | None:
        """Return the open of the first candle, None before there is one."""
        return int(self._book.clock[FIRST_TS]) if self.count else None

    @property
    def last_ts(self) -> int | None:
        """Return the open of the latest candle, None before there is one."""
        return int(self._book.clock[LAST_TS]) if self.count else None

    @property
    def history_days(self) -> float:
        """Return how many days of candles were fed; missing ones do not count."""
        return self.count * self.preset.step_ms / DAY_MS

    @property
    def warm(self) -> bool:
        """Say whether there is as much history as a picture should have."""
        return self.history_days >= self.preset.warm_days

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Return the stretches of missing candles in the norm's days: first and last missing open."""
        return tuple(self._gaps)

    @property
    def mean_quote_volume(self) -> float:
        """Return the mean the next candle's quote volume is divided by; NaN while too few are known."""
        count = self._book.norm[NORM_COUNT]
        if count < self._parts.norm_min:
            return math.nan
        return float(self._book.norm[NORM_SUM] / count)

    def dump(self) -> bytes:
        """Return the whole state as bytes."""
        return state.dump(self.preset, self._book, usd_scale=self.usd_scale, gaps=self._gaps)

    @classmethod
    def load(cls, preset: Preset, data: bytes) -> "Heatmap":
        """Return the heatmap that was dumped; raise DataError where the bytes or the preset differ."""
        heatmap = cls(preset)
        heatmap._book, heatmap.usd_scale, heatmap._gaps = state.load(preset, data)
        return heatmap


def run(candles: Candles, preset: Preset, bins: int = 500) -> Result:
    """Return what stood at each candle's close in `bins` bins that cover all prices and levels."""
    return Heatmap(preset).tabulate(candles, bins=bins)


def _price_range(bars: Bars) -> tuple[float, float]:
    if not bars.ts.size:
        return 1.0, 1.0
    return float(bars.values[LOW].min()), float(bars.values[HIGH].max())
