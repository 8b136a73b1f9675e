"""Say in which hours open interest is known: models that follow it are judged there and nowhere else."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from engine.model import HOUR_MS
from engine.scoring.hours import Hours
from engine.scoring.predict import VenueBars

Known = npt.NDArray[np.bool_]  # (hours,)


def holding(venues: Sequence[VenueBars]) -> tuple[str, ...]:
    """Return the names of the venues of which any open interest is known."""
    return tuple(bars.venue for bars in venues if np.isfinite(bars.candles.open_interest).any())


def hours_held(venues: Sequence[VenueBars], hours: Hours) -> Known:
    """Return for each hour whether open interest is known in it, on every venue that has any at all.

    A venue that fell silent would leave what stood on it standing for ever.
    """
    held = np.full(len(hours), bool(holding(venues)))
    for bars in venues:
        known = np.isfinite(bars.candles.open_interest)
        if known.any():
            held &= np.isin(hours.hour, bars.candles.ts[known] // HOUR_MS)
    return held


def hours_to_judge(held: Known, *, warm_days: float) -> Known:
    """Return the hours that are held with so many days before them since the first that is.

    An hour at least: the first reading opens nothing, it takes two to know a change.
    """
    first = int(np.argmax(held)) if held.any() else len(held)
    late: Known = np.arange(len(held)) >= first + max(1, round(24 * warm_days))
    return held & late
