"""Turn a heatmap column into dollars per bin of distance from price: what zones are judged by.

A surface holds dollars per global log-price bin; here it is read as a cumulative sum, so that the dollars
between any two prices come out exactly (a bin that straddles an edge counts pro rata).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.columns import Columns
from engine.model import Floats, Side
from engine.presets import BIN_LOG

SIDES: Final = (Side.LONG, Side.SHORT)
"""The order of sides in every array with a side axis."""
SIGNS: Final = {Side.LONG: -1.0, Side.SHORT: 1.0}
"""Which way log price goes with distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One side's dollars over log price: `first_bin` is the global bin where `cumulative` starts at 0."""

    first_bin: int
    cumulative: Floats

    @classmethod
    def of(cls, first_bin: int, usd: npt.NDArray[np.floating[Any]]) -> "Surface":
        """Return the surface of dollars per bin (ascending in price) from `first_bin` on."""
        cumulative = np.zeros(usd.shape[0] + 1)
        np.cumsum(usd, out=cumulative[1:], dtype=np.float64)
        return cls(first_bin=first_bin, cumulative=cumulative)

    def below(self, log_price: npt.NDArray[np.floating[Any]]) -> Floats:
        """Return the dollars below each log price."""
        grid = np.arange(self.cumulative.shape[0])
        usd: Floats = np.interp(log_price / BIN_LOG - self.first_bin, grid, self.cumulative)
        return usd

    def between(self, low: Floats, high: Floats) -> Floats:
        """Return the dollars between pairs of log prices; 0 where `high` is not above `low`."""
        ends = self.below(np.array([low, np.maximum(low, high)]))
        inside: Floats = ends[1] - ends[0]
        return inside


def surfaces(columns: Columns, row: int) -> tuple[Surface, Surface]:
    """Return both sides of one column, longs first."""
    close_bin = int(columns.close_bin[row])
    long = Surface.of(close_bin - columns.width + 1, columns.long[row][::-1])
    return long, Surface.of(close_bin, columns.short[row])


def densities(pair: tuple[Surface, Surface], log_close: float, bin_log: float, bins: int) -> Floats:
    """Return dollars per distance bin, shape (2, bins + 1), nearest first; the last is for smoothing only."""
    steps = np.arange(bins + 2) * bin_log
    out = np.empty((2, bins + 1))
    for i, side in enumerate(SIDES):
        below = pair[i].below(log_close + SIGNS[side] * steps)
        out[i] = SIGNS[side] * (below[1:] - below[:-1])
    return out


def smoothed(density: Floats) -> Floats:
    """Return the mean of each bin and its neighbours, shape (2, bins), from densities of (2, bins + 1)."""
    out = density[:, :-1] + density[:, 1:]
    out[:, 1:] += density[:, :-2]
    out[:, 0] /= 2.0
    out[:, 1:] /= 3.0
    return out


def runs(flags: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each run of set flags starts and where it ends (exclusive)."""
    padded = np.zeros(flags.shape[0] + 2, np.bool_)
    padded[1:-1] = flags
    turns = np.flatnonzero(padded[1:] != padded[:-1])
    return turns[::2], turns[1::2]
