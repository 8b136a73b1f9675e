"""Make the grid of any stretch of time in columns of a given length, and say what each venue adds to its end.

Times are ms UTC, half open: `t0 <= ts < t1`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bot.live.view import SymbolView
from bot.live.window import price_range
from engine.aggregate import Part, standing_of
from engine.columns import Columns
from engine.errors import GridError
from engine.grid import Grid, make_grid
from engine.model import STEP_MS, Candles, Floats, Side
from engine.presets import Unit
from engine.standing import Standing

Factors = tuple[float, float]
"""By what longs and shorts are multiplied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which stretch is wanted, in columns of `step_ms`, between which prices (None for what fits)."""

    t0: int
    t1: int
    step_ms: int
    bins: int
    low: float | None = None
    high: float | None = None

    def until(self, end: int) -> "Span":
        """Return what of it lies before `end`, from a whole column on; raise GridError where nothing does."""
        t0, t1 = self.t0 // self.step_ms * self.step_ms, min(self.t1, end)
        if t0 >= t1:
            raise GridError(f"there is no data from {self.t0} to {self.t1} yet")
        return replace(self, t0=t0, t1=t1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The columns and candles of a stretch, and what each venue adds to the newest column."""

    columns: Columns
    candles: Candles
    standing: Mapping[str, Standing]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePart:
    """What stands on one venue at the end of a stretch: USD in all, and in each bin of the grid (bins,)."""

    venue: str
    share: float
    long_usd: float
    short_usd: float
    long: Floats
    short: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Spanned:
    """The grid of a stretch, and each venue's part of its newest column."""

    grid: Grid
    parts: tuple[VenuePart, ...]


def spanned(view: SymbolView, found: Slices, span: Span, factors: Factors) -> Spanned:
    """Return the grid of a stretch, corrected; GridError where there is no data. Call it in a thread."""
    low, high = _prices(view, found.candles, span)
    grid = make_grid(
        view.symbol,
        found.columns,
        found.candles,
        t0=span.t0,
        t1=span.t1,
        price_low=low,
        price_high=high,
        bins=span.bins,
        step_ms=span.step_ms,
    )
    long, short = (np.float32(factor) for factor in factors)
    if factors != (1.0, 1.0):
        grid = replace(grid, long=grid.long * long, short=grid.short * short)
    return Spanned(grid=grid, parts=_parts(found.standing, grid.edges, factors))


def standing_at_end(parts: list[Part], unit: Unit, share: Floats) -> dict[str, Standing]:
    """Return what each venue adds to the newest column of a sum, whose shares are (venues, n)."""
    known = [part for part in parts if len(part.columns)]
    if not known:
        return {}
    newest = max(int(part.columns.ts[-1]) for part in known)
    close_bin = next(int(p.columns.close_bin[-1]) for p in known if int(p.columns.ts[-1]) == newest)
    return standing_of(known, unit, share[:, -1], close_bin)


def _prices(view: SymbolView, candles: Candles, span: Span) -> tuple[float, float]:
    """Return between which prices the grid runs: as asked, else what fits, zones too where it ends now."""
    if not len(candles):
        raise GridError(f"{view.symbol}: there is no data from {span.t0} to {span.t1}")
    if span.t1 < view.candle_ts + STEP_MS:
        view = replace(view, price=float(candles.close[-1]), zones=None)
    low, high = price_range(view, candles)
    low = low if span.low is None else span.low
    high = high if span.high is None else span.high
    if low >= high:
        raise GridError(f"{view.symbol}: prices from {low:g} to {high:g} are no range")
    return low, high


def _parts(standing: Mapping[str, Standing], edges: Floats, factors: Factors) -> tuple[VenuePart, ...]:
    """Return each venue's part; its share is that of the dollars of both sides."""
    usd = {
        venue: (float(each.long.sum()) * factors[0], float(each.short.sum()) * factors[1])
        for venue, each in standing.items()
    }
    whole = sum(long + short for long, short in usd.values())
    return tuple(
        VenuePart(
            venue=venue,
            share=(long + short) / whole if whole > 0 else 0.0,
            long_usd=long,
            short_usd=short,
            long=standing[venue].within(Side.LONG, edges) * factors[0],
            short=standing[venue].within(Side.SHORT, edges) * factors[1],
        )
        for venue, (long, short) in usd.items()
    )
