"""Measure what rests on closed candles: how restless price is, and how much is traded."""

import math
from bisect import bisect_left, insort
from collections import deque

from engine.features.gauge import UNKNOWN, Event
from engine.model import STEP_MS, Candle

YEAR_MS = 365 * 86_400_000
KNOWN_SHARE = 0.8
"""How much of a window has to be there."""
STALE_STEPS = 3
"""After how many steps without a candle nothing is known."""


def least_bars(window_ms: int, step_ms: int) -> int:
    """Return how many candles of a window have to be there."""
    return math.ceil(KNOWN_SHARE * (window_ms // step_ms))


class _Bars:
    """Follow the closed candles of one venue, in order; one that comes twice or late changes nothing."""

    wants: tuple[type, ...] = (Candle,)
    ages = True

    def __init__(self, window_ms: int, step_ms: int = STEP_MS) -> None:
        self.window_ms, self.step_ms, self.last_ts = window_ms, step_ms, -1
        self.least = least_bars(window_ms, step_ms)

    def take(self, event: Event) -> None:
        """Take a candle in."""
        if isinstance(event, Candle) and event.closed and event.ts > self.last_ts:
            self.add(event)
            self.last_ts = event.ts

    def add(self, candle: Candle) -> None:
        """Take a candle in that is newer than all."""
        raise NotImplementedError

    def stale(self, now_ms: int) -> bool:
        """Say whether candles have stopped coming."""
        return now_ms >= self.last_ts + (1 + STALE_STEPS) * self.step_ms


class Volatility(_Bars):
    """Say the standard deviation of log returns of candles in the window, as a year's."""

    def __init__(self, window_ms: int, step_ms: int = STEP_MS) -> None:
        super().__init__(window_ms, step_ms)
        self._returns: deque[tuple[int, float]] = deque()
        self._close, self._sum, self._squares, self._since = UNKNOWN, 0.0, 0.0, 0

    def add(self, candle: Candle) -> None:
        """Take the return over the candle before in, where that is the one right before."""
        if candle.ts - self.last_ts == self.step_ms and self._close > 0 < candle.close:
            step = math.log(candle.close / self._close)
            self._returns.append((candle.ts, step))
            self._sum += step
            self._squares += step * step
        self._close = candle.close
        while self._returns and self._returns[0][0] <= candle.ts - self.window_ms:
            _, gone = self._returns.popleft()
            self._sum -= gone
            self._squares -= gone * gone
        self._since += 1
        if self._since > self.window_ms // self.step_ms:  # once a window: what rounding left behind goes
            self._since = 0
            self._sum = math.fsum(step for _, step in self._returns)
            self._squares = math.fsum(step * step for _, step in self._returns)

    def value(self, now_ms: int) -> float:
        """Return the volatility as a fraction of price a year."""
        count = len(self._returns)
        if count < max(self.least, 2) or self.stale(now_ms):
            return UNKNOWN
        variance = max(self._squares - self._sum * self._sum / count, 0.0) / (count - 1)
        return math.sqrt(variance * YEAR_MS / self.step_ms)


class VolumeMultiple(_Bars):
    """Say the volume of the newest candle over the median of those in the window before it."""

    def __init__(self, window_ms: int, step_ms: int = STEP_MS) -> None:
        super().__init__(window_ms, step_ms)
        self._kept: deque[tuple[int, float]] = deque()
        self._sorted: list[float] = []
        self._multiple, self._newest = UNKNOWN, UNKNOWN

    def add(self, candle: Candle) -> None:
        """Judge a candle by those before it, then add it to them."""
        while self._kept and self._kept[0][0] < candle.ts - self.window_ms:
            del self._sorted[bisect_left(self._sorted, self._kept.popleft()[1])]
        count = len(self._sorted)
        self._multiple = UNKNOWN
        if count >= max(self.least, 2):
            usual = (self._sorted[(count - 1) // 2] + self._sorted[count // 2]) / 2.0
            self._multiple = candle.volume / usual if usual > 0 else UNKNOWN
        self._kept.append((candle.ts, candle.volume))
        insort(self._sorted, candle.volume)

    def value(self, now_ms: int) -> float:
        """Return the multiple."""
        return UNKNOWN if self.stale(now_ms) else self._multiple
