"""Keep rolling windows over events in time: the value a window ago, the extreme, the sum.

Time is cut into slices of a 720th of the window, a second at least, and a window is its newest slices, the
present one included: so a window holds a bounded number of entries however many events there are, and reaches
back between the window less a slice and the window. Every operation is O(1) amortised for events in order;
late ones are put where they belong while their slice is inside. Times that are asked for never run back.
"""

import math
from collections import deque

STEPS = 720
LEAST_SLICE_MS = 1_000
TOLERANCE_MS = 600_000
"""How much older than asked the value a window ago may at least be."""


def slice_ms(window_ms: int) -> int:
    """Return how long a slice of a window is."""
    return max(LEAST_SLICE_MS, window_ms // STEPS)


def slices(window_ms: int) -> int:
    """Return how many slices a window is."""
    return max(1, window_ms // slice_ms(window_ms))


def tolerance_ms(window_ms: int) -> int:
    """Return how much older than asked the value a window ago may be: a quarter of it, or ten minutes."""
    return max(window_ms // 4, TOLERANCE_MS)


class Lookback:
    """Hold the newest value of each slice, to ask for the one that stood a window ago."""

    __slots__ = ("_kept", "_slice", "_window")

    def __init__(self, window_ms: int) -> None:
        self._window, self._slice = window_ms, slice_ms(window_ms)
        self._kept: deque[tuple[int, float]] = deque()

    def add(self, ts: int, value: float) -> None:
        """Take a value in; of one slice the latest stays, of one time the one that came last."""
        kept, at = self._kept, len(self._kept)
        while at and kept[at - 1][0] > ts:
            at -= 1
        if at < len(kept) and kept[at][0] // self._slice == ts // self._slice:
            return
        if at and kept[at - 1][0] // self._slice == ts // self._slice:
            kept[at - 1] = (ts, value)
        else:
            kept.insert(at, (ts, value))

    def before(self, ts: int) -> float:
        """Return the value that stood a window before `ts`; NaN where none is known."""
        kept, asked = self._kept, ts - self._window
        while len(kept) > 1 and kept[1][0] <= asked:
            kept.popleft()
        if not kept or not asked - tolerance_ms(self._window) <= kept[0][0] <= asked:
            return math.nan
        return kept[0][1]


class Extreme:
    """Hold the highest value of a window (`sign` 1) or the lowest (-1)."""

    __slots__ = ("_best", "_count", "_open", "_sign", "_slice")

    def __init__(self, window_ms: int, sign: int) -> None:
        self._sign, self._slice, self._count = sign, slice_ms(window_ms), slices(window_ms)
        self._best: deque[tuple[int, float]] = deque()
        self._open: tuple[int, float] | None = None

    def add(self, ts: int, value: float) -> None:
        """Take a value in."""
        entry = (ts // self._slice, value * self._sign)
        if self._open is None or entry[0] > self._open[0]:
            if self._open is not None:
                self._push(self._open)
            self._open = entry
        elif entry[0] == self._open[0]:
            self._open = max(self._open, entry)
        else:
            self._push(entry)

    def within(self, ts: int) -> float:
        """Return the extreme of the window that ends at `ts`; NaN where it is empty."""
        best = self._past(ts // self._slice - self._count)
        if self._open is not None and self._open[0] > ts // self._slice - self._count:
            best = max(best, self._open[1])
        return best * self._sign if best > -math.inf else math.nan

    def before(self, ts: int) -> float:
        """Return the extreme of the window that ends with the slice before; NaN where it is empty."""
        now = ts // self._slice
        best = self._past(now - self._count - 1)
        if self._open is not None and now - self._count - 1 < self._open[0] < now:
            best = max(best, self._open[1])
        return best * self._sign if best > -math.inf else math.nan

    def _past(self, gone: int) -> float:
        """Drop what is of slice `gone` or older; return the best of the rest but the open slice."""
        while self._best and self._best[0][0] <= gone:
            self._best.popleft()
        return self._best[0][1] if self._best else -math.inf

    def _push(self, entry: tuple[int, float]) -> None:
        """Put an entry where it belongs: values fall from left to right, slices rise."""
        best, at = self._best, len(self._best)
        while at and best[at - 1][0] > entry[0]:
            at -= 1
        if at < len(best) and best[at][1] >= entry[1]:
            return
        while at and best[at - 1][1] <= entry[1]:
            at -= 1
            del best[at]
        if not (at and best[at - 1][0] == entry[0]):
            best.insert(at, entry)


class Sum:
    """Add up dollars within a window, to the cent, so that nothing is left of what has gone."""

    __slots__ = ("_count", "_kept", "_slice", "_total")

    def __init__(self, window_ms: int) -> None:
        self._slice, self._count = slice_ms(window_ms), slices(window_ms)
        self._kept: deque[list[int]] = deque()
        self._total = 0

    def add(self, ts: int, usd: float) -> None:
        """Take dollars in."""
        cents, when = round(usd * 100), ts // self._slice
        kept, at = self._kept, len(self._kept)
        while at and kept[at - 1][0] > when:
            at -= 1
        if at and kept[at - 1][0] == when:
            kept[at - 1][1] += cents
        else:
            kept.insert(at, [when, cents])
        self._total += cents

    def within(self, ts: int) -> float:
        """Return the dollars of the window that ends at `ts`, which never runs back."""
        while self._kept and self._kept[0][0] <= ts // self._slice - self._count:
            self._total -= self._kept.popleft()[1]
        return self._total / 100
