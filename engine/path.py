"""Make the path of prices that a recorded candle stands for, the same for the replay and the benches."""

import numpy as np

from engine.model import STEP_MS, Candle, Floats, Ints

TICKS_A_CANDLE = 20
"""How many prices a five-minute candle becomes: one each 15 s."""
VERTICES = 4


def candle_path(candle: Candle, n: int = TICKS_A_CANDLE, *, step_ms: int = STEP_MS) -> tuple[Ints, Floats]:
    """Return `n` times and prices within a candle: open-low-high-close if it rose, else open-high-low-close.

    The four vertices are always among them (at the first, about the third and two thirds, and the last
    place), prices in between lie on straight lines. Times start at the candle's open and are `step_ms / n`
    apart, so that all of them come before the candle closes. `n` is 4 at least.
    """
    if n < VERTICES:
        raise ValueError(f"a candle's path has {VERTICES} vertices, so n is {VERTICES} or more, not {n}")
    rose = candle.close >= candle.open
    middle = (candle.low, candle.high) if rose else (candle.high, candle.low)
    places = np.rint(np.linspace(0, n - 1, VERTICES))
    prices = np.interp(np.arange(n), places, (candle.open, *middle, candle.close))
    times = candle.ts + np.arange(n, dtype=np.int64) * step_ms // n
    return times, prices
