"""Keep the newest candles of one symbol in memory, oldest dropped first."""

import numpy as np

from engine.model import CANDLE_FIELDS, Candles


class CandleRing:
    """Hold up to `capacity` bars as arrays of twice that length, so that a slice is never in two pieces."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a ring holds at least one candle, not {capacity}")
        self.capacity = capacity
        self._size = 2 * capacity
        floats = {name: np.zeros(self._size) for name in CANDLE_FIELDS if name != "ts"}
        self._bars = Candles(ts=np.zeros(self._size, np.int64), **floats)
        self._first = 0
        self._end = 0

    def __len__(self) -> int:
        return self._end - self._first

    @property
    def last_ts(self) -> int | None:
        """Return the open of the newest bar."""
        return int(self._bars.ts[self._end - 1]) if len(self) else None

    def append(self, candles: Candles) -> None:
        """Add later bars; what no longer fits is forgotten."""
        new = candles[slice(max(0, len(candles) - self.capacity), len(candles))]
        if self._end + len(new) > self._size:
            self._compact(min(len(self), self.capacity - len(new)))
        for name in CANDLE_FIELDS:
            getattr(self._bars, name)[self._end : self._end + len(new)] = getattr(new, name)
        self._end += len(new)
        self._first = max(self._first, self._end - self.capacity)

    def _compact(self, keep: int) -> None:
        for name in CANDLE_FIELDS:
            array = getattr(self._bars, name)
            array[:keep] = array[self._end - keep : self._end].copy()
        self._first, self._end = 0, keep

    def slice(self, t0: int, t1: int) -> Candles:
        """Return a copy of the bars with `t0 <= ts < t1`, oldest first."""
        times = self._bars.ts[self._first : self._end]
        low, high = (int(i) + self._first for i in np.searchsorted(times, [t0, t1]))
        return Candles.empty().concat(self._bars[slice(low, high)])
