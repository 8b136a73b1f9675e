"""Hold one symbol's heatmap on one venue: feed it candles, read what stands.

The model is a preset's parts put into the one kernel (`presets`, `kernel`). Feeding candles one at a
time, in blocks or all at once gives the same arrays, bit by bit. Surfaces are USD per state bin.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine import kernel, norm, state
from engine.columns import Columns, Surface
from engine.errors import GridError
from engine.intake import OPEN_INTEREST, QUOTE_VOLUME, VOLUME, pack
from engine.kernel import (
    CLOSE,
    CLOSED,
    COUNT,
    DECAYED,
    ENTERED,
    FIRST_TS,
    HIGH,
    LAST_CLOSE,
    LAST_OPEN_INTEREST,
    LAST_TS,
    LAST_Z,
    LONG,
    LOW,
    SHORT,
    SWEPT,
    TAKEN,
    Bars,
    Book,
)
from engine.model import DAY_MS, Candles, Floats, Ints, PositionEvents, Side
from engine.presets import BIN_LOG, Preset, preset_named

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
class Fed:
    """Hold what feeding candles gave: a column and the moves of each."""

    columns: Columns
    events: PositionEvents
    mean_quote_volume: Floats  # (n,) what each candle's volume was divided by, NaN while it is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Hold what stood at each close in fixed bins: `long`, `short` (candles, bins), `edges` (bins + 1,).

    USD for a `usd_scale` of 1; edges are prices, evenly spaced in log price.
    """

    long: Surface
    short: Surface
    edges: Floats


class Heatmap:
    """Estimate where open positions of one symbol on one venue would be liquidated.

    `usd_scale` turns mass into dollars (see `calibration`) and may be changed at any time.
    """

    def __init__(self, preset: Preset, *, usd_scale: float = 1.0) -> None:
        self.preset = preset
        self._parts = state.parts_of(preset)
        self._rule = norm.rule_of(preset)
        self._state = state.new_state(preset, usd_scale=usd_scale)

    @property
    def usd_scale(self) -> float:
        """Return the dollars that a unit of surface stands for."""
        return self._state.usd_scale

    @usd_scale.setter
    def usd_scale(self, value: float) -> None:
        self._state.usd_scale = value

    def feed(self, candles: Candles) -> Columns:
        """Take candles that follow those before; return a column for each.

        Raise CandleError, with nothing changed, for a candle that is out of order or impossible.
        """
        return self._advance(candles)[0]

    def advance(self, candles: Candles) -> Fed:
        """Take candles like `feed`; return what they moved as well."""
        columns, moved, mean = self._advance(candles)
        if self._parts.from_open_interest:
            np.multiply(moved, columns.close[:, None, None], out=moved)
        events = self._events(columns.ts, moved)
        return Fed(columns=columns, events=events, mean_quote_volume=mean)

    def check(self, candles: Candles) -> None:
        """Raise CandleError for candles that `feed` would refuse."""
        pack(candles, step_ms=self.preset.step_ms, last_ts=self.last_ts)

    def _advance(self, candles: Candles) -> tuple[Columns, Floats, Floats]:
        """Take candles; return their columns, the mass that each moved, and the mean volumes before them."""
        bars, mean = self._take(candles)
        count = len(bars.ts)
        out = kernel.Near(
            usd_scale=float(self.usd_scale),
            rows=np.zeros((2, count, self.preset.width), np.float32),
            close_bin=np.zeros(count, np.int64),
            moved=np.zeros((count, 2, 5)),
            need=np.zeros((2, 2), np.int64),
        )
        self._walk(count, out.need, lambda book, at: kernel.walk_near(self._parts, book, bars, at, out))
        columns = Columns(
            ts=bars.ts,
            close=bars.prices[CLOSE].copy(),
            close_bin=out.close_bin,
            long=out.rows[0],
            short=out.rows[1],
        )
        return columns, out.moved, mean

    def tabulate(self, candles: Candles, *, bins: int) -> Result:
        """Take candles like `feed`; return what stood in `bins` fixed bins that cover them all.

        Raise GridError, with nothing changed, where fewer than one bin is asked for.
        """
        if bins < 1:
            raise GridError(f"{bins} bins cannot hold a heatmap: 1 or more are wanted, such as 500")
        bars, _ = self._take(candles)
        count = len(bars.ts)
        low, high = bars.prices[LOW].min(initial=math.inf), bars.prices[HIGH].max(initial=0.0)
        first, last = (math.floor(math.log(v) / BIN_LOG) if count else 0 for v in (low, high))
        per = -(-(last - first + 1 + 2 * self.preset.width) // bins)
        first = (first + last + 1 - per * bins) // 2
        rows = np.zeros((2, count, bins), np.float32)
        priced = per * bins if self._parts.from_open_interest else 0
        prices = np.exp((first + 0.5 + np.arange(priced)) * BIN_LOG)
        out = kernel.Fixed(
            first=first,
            per=per,
            prices=np.stack([prices[::-1], prices]),
            cells=np.zeros(per * bins),
            sums=np.zeros((2, bins)),
            rows=rows,
            need=np.zeros((2, 2), np.int64),
        )
        self._walk(count, out.need, lambda book, at: kernel.walk_fixed(self._parts, book, bars, at, out))
        edges = np.exp((first + per * np.arange(bins + 1)) * BIN_LOG)
        return Result(long=rows[0], short=rows[1], edges=edges)

    def _take(self, candles: Candles) -> tuple[Bars, Floats]:
        """Return checked candles with their mass, and the means before them; they are history from now."""
        last = self.last_ts
        packed = pack(candles, step_ms=self.preset.step_ms, last_ts=last)
        self._note_gaps(packed.ts, last)
        mass, mean = norm.masses(self._rule, self._state.norm, packed.ts, packed.values[QUOTE_VOLUME])
        vwap = packed.values[CLOSE]
        if self._parts.spread:
            volume, quote = packed.values[VOLUME], packed.values[QUOTE_VOLUME]
            vwap = np.divide(quote, volume, out=vwap.copy(), where=(volume > 0.0) & (quote > 0.0))
        bars = Bars(
            ts=packed.ts,
            prices=packed.values[: CLOSE + 1],
            mass=mass,
            vwap=vwap,
            open_interest=packed.values[OPEN_INTEREST],
        )
        return bars, mean

    def _walk(self, count: int, need: Ints, walk: Callable[[Book, int], int]) -> None:
        at = walk(self._state.book, 0)
        while at < count:
            self._state.book = state.grown(self._state.book, need)
            at = walk(self._state.book, at)

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

    def _note_gaps(self, ts: Ints, last: int | None) -> None:
        """Note which candles are missing, between those taken and before them."""
        if not len(ts):
            return
        step_ms, gaps = self.preset.step_ms, self._state.gaps
        before = int(ts[0]) - step_ms if last is None else last
        if int(ts[-1]) - before != len(ts) * step_ms:
            times = np.concatenate([[before], ts])
            found = np.flatnonzero(np.diff(times) > step_ms)
            gaps += [(int(times[i]) + step_ms, int(times[i + 1]) - step_ms) for i in found]
        if gaps:
            oldest = int(ts[-1]) - self.preset.norm_days * DAY_MS
            self._state.gaps = [gap for gap in gaps if gap[1] >= oldest]

    def column(self) -> Columns:
        """Return what stands now as one column; none before the first candle."""
        width = self.preset.width
        if self.last_ts is None:
            return Columns.empty(width)
        book = self._state.book
        close_bin = math.floor(book.last[LAST_Z])
        near = np.zeros((2, 1, width), np.float32)
        for side in (LONG, SHORT):
            kernel.pour_near(self._parts, book, side, close_bin, float(self.usd_scale), near[side, 0])
        return Columns(
            ts=book.clock[[LAST_TS]],
            close=book.last[[LAST_CLOSE]],
            close_bin=np.array([close_bin], np.int64),
            long=near[0],
            short=near[1],
        )

    def totals(self) -> dict[Side, Totals]:
        """Return where each side's mass went since the first candle."""
        standing = (self._state.book.mass.sum(axis=(1, 2)) * self._state.book.scale).sum(axis=1)
        totals = {}
        for side, kinds, stands in zip(_SIDES, self._state.book.totals, standing, strict=True):
            usd = [float(v) * self._unit_usd for v in (*kinds, stands)]
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
    def _unit_usd(self) -> float:
        """Return what a unit of mass is worth: coins at the last close."""
        coins = self._parts.from_open_interest
        return self.usd_scale * (float(self._state.book.last[LAST_CLOSE]) if coins else 1.0)

    @property
    def unlevered(self) -> dict[Side, float]:
        """Return the coins of open interest that no level holds, per side; NaN while none is known."""
        book = self._state.book
        known = float(book.last[LAST_OPEN_INTEREST])
        standing = (book.mass.sum(axis=(1, 2)) * book.scale).sum(axis=1)
        return {side: known - float(held) for side, held in zip(_SIDES, standing, strict=True)}

    @property
    def count(self) -> int:
        """Return how many candles were fed."""
        return int(self._state.book.clock[COUNT])

    @property
    def first_ts(self) -> int | None:
        """Return the open of the first candle, None before there is one."""
        return int(self._state.book.clock[FIRST_TS]) if self.count else None

    @property
    def last_ts(self) -> int | None:
        """Return the open of the latest candle, None before there is one."""
        return int(self._state.book.clock[LAST_TS]) if self.count else None

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
        return tuple(self._state.gaps)

    @property
    def mean_quote_volume(self) -> float:
        """Return the mean the next candle's quote volume is divided by; NaN while too few are known."""
        return norm.mean_of(self._state.norm, self._rule)

    def dump(self) -> bytes:
        """Return the whole state as bytes."""
        return state.dump(self.preset, self._state)

    @classmethod
    def load(cls, preset: Preset, data: bytes) -> "Heatmap":
        """Return the heatmap that was dumped; raise DataError where the bytes or the preset differ."""
        heatmap = cls(preset)
        heatmap._state = state.load(preset, data)
        return heatmap


def run(candles: Candles, preset: Preset | str, bins: int = 500) -> Result:
    """Return what stood at each candle's close in `bins` bins that cover all prices and levels.

    `preset` may be the name of a shipped one. Raise GridError for less than one bin, UserError for a name
    that is none of theirs.
    """
    chosen = preset_named(preset) if isinstance(preset, str) else preset
    return Heatmap(chosen).tabulate(candles, bins=bins)
