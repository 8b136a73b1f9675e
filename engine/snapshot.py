"""Hand out what stands as values: for programs that want levels and cells, not arrays.

`LiquidationLevel` is one price range of one side at one moment, `HeatmapSnapshot` all of them at a candle's
close, `HeatmapCell` one level over one column of a heatmap.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.columns import Columns
from engine.errors import GridError
from engine.grid import Grid
from engine.model import Floats, Side
from engine.presets import BIN_LOG, Preset, Unit

BIN_BP = 5.0
"""Width of a level in basis points of price, where nothing else is asked for: what zones are judged by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationLevel:
    """Dollars of one side between two prices; what they mean is the snapshot's `unit`.

    `distance` is how far the nearer edge is from the snapshot's price, as a fraction of it.
    """

    side: Side
    price_low: float
    price_high: float
    notional_usd: float
    distance: float

    @property
    def price(self) -> float:
        """Return the middle of the range, in log price."""
        return float(np.sqrt(self.price_low * self.price_high))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapCell:
    """Dollars of one side between two prices during one column of a heatmap, at their most."""

    ts: int
    step_ms: int
    side: Side
    price_low: float
    price_high: float
    notional_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatmapSnapshot:
    """What stands at one candle's close, by level, each side nearest to the price first.

    `ts` is the candle's open, int ms UTC; `model` the preset's name; `venues` whose data it is made from.
    """

    symbol: str
    venues: tuple[str, ...]
    model: str
    unit: Unit
    ts: int
    price: float
    long: tuple[LiquidationLevel, ...]
    short: tuple[LiquidationLevel, ...]

    @classmethod
    def of(
        cls,
        columns: Columns,
        preset: Preset,
        *,
        symbol: str,
        venues: tuple[str, ...],
        bin_bp: float = BIN_BP,
        min_usd: float = 0.0,
    ) -> "HeatmapSnapshot":
        """Return the newest of some columns, in levels of `bin_bp` basis points that hold above `min_usd`.

        Levels are whole numbers of the state's bins (2 basis points): the nearest to `bin_bp`, one at least.
        Raise GridError where there are no columns.
        """
        if not len(columns):
            raise GridError(f"{symbol}: there is no candle yet")
        per = max(1, round(bin_bp * 1e-4 / BIN_LOG))
        close, close_bin = float(columns.close[-1]), int(columns.close_bin[-1])
        sides = {
            side: tuple(_levels(side, row.astype(np.float64), (close, close_bin), per, min_usd))
            for side, row in ((Side.LONG, columns.long[-1]), (Side.SHORT, columns.short[-1]))
        }
        return cls(
            symbol=symbol,
            venues=venues,
            model=preset.name,
            unit=preset.unit,
            ts=int(columns.ts[-1]),
            price=close,
            long=sides[Side.LONG],
            short=sides[Side.SHORT],
        )

    def total_usd(self, side: Side) -> float:
        """Return the dollars of one side."""
        return sum(level.notional_usd for level in (self.long if side is Side.LONG else self.short))


def _levels(
    side: Side, usd: Floats, at: tuple[float, int], per: int, min_usd: float
) -> Iterator[LiquidationLevel]:
    close, close_bin = at
    padded = np.append(usd, np.zeros(-len(usd) % per)).reshape(-1, per).sum(axis=1)
    for i in np.flatnonzero(padded > min_usd).tolist():
        near, far = i * per, min((i + 1) * per, len(usd))
        ends = (
            (close_bin + near, close_bin + far)
            if side is Side.SHORT
            else (close_bin + 1 - far, close_bin + 1 - near)
        )
        low, high = (float(np.exp(end * BIN_LOG)) for end in ends)
        # The close lies within its own bin: what stands there stands on its side of the price.
        low, high = (max(low, close), high) if side is Side.SHORT else (low, min(high, close))
        edge = low if side is Side.SHORT else high
        yield LiquidationLevel(
            side=side,
            price_low=low,
            price_high=high,
            notional_usd=float(padded[i]),
            distance=abs(edge - close) / close,
        )


def cells(grid: Grid, *, min_usd: float = 0.0) -> Iterator[HeatmapCell]:
    """Yield the cells of a heatmap that hold above `min_usd`, by time, then side, then price."""
    for column in range(len(grid.ts)):
        for side, heat in ((Side.LONG, grid.long), (Side.SHORT, grid.short)):
            for place in np.flatnonzero(heat[column] > min_usd).tolist():
                yield HeatmapCell(
                    ts=int(grid.ts[column]),
                    step_ms=grid.step_ms,
                    side=side,
                    price_low=float(grid.edges[place]),
                    price_high=float(grid.edges[place + 1]),
                    notional_usd=float(heat[column, place]),
                )
