"""Put what a venue says in order: open interest to its candle, prices after the one before, liquidations.

Nothing here waits or reads a clock; times are ms UTC, `now_s` is any clock that never runs backwards.
"""

import math
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.model import CANDLE_FIELDS, STEP_MS, Candle, Candles, Ints, Liquidation, OpenInterest, Tick

EARLY_MS = 120_000
"""Open interest that was said at most so long before a candle's open is that candle's as well."""
KEPT = 16
"""How many candles' open interest is remembered of each symbol: a candle closes one step after its open."""
HELD = 1_000
"""How many prices of a symbol are held back at most; the oldest goes first."""


class Interest:
    """Know the open interest that was said nearest to each candle's open, of the newest `kept` candles."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._kept = kept
        self._nearest: dict[str, dict[int, OpenInterest]] = defaultdict(dict)

    def note(self, told: OpenInterest) -> None:
        """Take in what was said of one symbol."""
        bar_ms = told.ts // STEP_MS * STEP_MS
        self._offer(bar_ms, told)
        if bar_ms + STEP_MS - told.ts <= EARLY_MS:
            self._offer(bar_ms + STEP_MS, told)

    def _offer(self, bar_ms: int, told: OpenInterest) -> None:
        known = self._nearest[told.symbol]
        nearest = known.get(bar_ms)
        if nearest is None or abs(told.ts - bar_ms) < abs(nearest.ts - bar_ms):
            known[bar_ms] = told
        if len(known) > self._kept:
            del known[min(known)]

    def of(self, candle: Candle) -> Candle:
        """Return a candle with the open interest at its open, as it is where it has one or none is known."""
        told = self._nearest[candle.symbol].get(candle.ts)
        if told is None or candle.open_interest is not None:
            return candle
        return replace(candle, open_interest=told.open_interest)


class Turns:
    """Hold a symbol's prices back while the candle before them is still to come, for `hold_s` at most."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._open_ms: dict[str, int] = {}
        self._held: dict[str, deque[Tick]] = {}
        self._until_s: dict[str, float] = {}

    def tick(self, tick: Tick, now_s: float) -> list[Tick]:
        """Return what may be handed on: the price, or nothing yet."""
        bar_ms = tick.ts // STEP_MS * STEP_MS
        if bar_ms <= self._open_ms.setdefault(tick.symbol, bar_ms):
            return [tick]
        self._held.setdefault(tick.symbol, deque(maxlen=HELD)).append(tick)
        self._until_s.setdefault(tick.symbol, now_s + self._hold_s)
        return []

    def candle(self, candle: Candle) -> list[Candle | Tick]:
        """Return a closed candle, and the prices that were held back for it."""
        symbol, next_ms = candle.symbol, candle.ts + STEP_MS
        self._open_ms[symbol] = max(next_ms, self._open_ms.get(symbol, next_ms))
        held = self._held.get(symbol, ())
        free = [tick for tick in held if tick.ts < self._open_ms[symbol] + STEP_MS]
        left = [tick for tick in held if tick.ts >= self._open_ms[symbol] + STEP_MS]
        self._keep(symbol, left)
        return [candle, *free]

    def due(self, now_s: float) -> list[Tick]:
        """Return the prices that were held back for long enough, whatever became of their candle."""
        free: list[Tick] = []
        for symbol in [each for each, until_s in self._until_s.items() if until_s <= now_s]:
            held = self._held[symbol]
            self._open_ms[symbol] = max(tick.ts for tick in held) // STEP_MS * STEP_MS
            free += held
            self._keep(symbol, ())
        return sorted(free, key=lambda event: event.ts)

    def wait_s(self, now_s: float) -> float | None:
        """Return for how long nothing is due, None where nothing is held back."""
        return max(min(self._until_s.values()) - now_s, 0.0) if self._until_s else None

    def _keep(self, symbol: str, left: Sequence[Tick]) -> None:
        if left:
            self._held[symbol] = deque(left, maxlen=HELD)
        else:
            self._held.pop(symbol, None)
            self._until_s.pop(symbol, None)


class InOrder:
    """Hold each liquidation of a venue back for `hold_s`: an earlier one that comes late takes its place.

    One that comes later than that is handed on late, with its own time.
    """

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._held: deque[tuple[float, Liquidation]] = deque()

    def __len__(self) -> int:
        return len(self._held)

    def add(self, event: Liquidation, now_s: float) -> None:
        """Hold what came."""
        self._held.append((now_s + self._hold_s, event))

    def pop(self) -> None:
        """Let go of what came first."""
        self._held.popleft()

    @property
    def until_s(self) -> float:
        """Return when the first is held for long enough."""
        return self._held[0][0] if self._held else math.inf

    def due(self, now_s: float) -> list[Liquidation]:
        """Return what was held for long enough, and all of an earlier time, by their times."""
        last_ms = max((event.ts for until_s, event in self._held if until_s <= now_s), default=None)
        if last_ms is None:
            return []
        free = [event for _, event in self._held if event.ts <= last_ms]
        self._held = deque(each for each in self._held if each[1].ts > last_ms)
        return sorted(free, key=lambda event: event.ts)


def merged(parts: Sequence[Candles]) -> Candles:
    """Return candles in order, one for each time: that of the first part that has it."""
    whole = Candles.empty()
    for part in parts:
        whole = whole.concat(part)
    _, first = np.unique(whole.ts, return_index=True)
    return Candles(**{name: getattr(whole, name)[first] for name in CANDLE_FIELDS})


def stretches(since_ms: int, until_ms: int, known: Sequence[Ints]) -> list[tuple[int, int]]:
    """Return the stretches (begin, end) of candles that open from one time up to another and are not known.

    Both times are multiples of the step; `end` is not included.
    """
    wanted = np.arange(since_ms, until_ms, STEP_MS, dtype=np.int64)
    lack = wanted[~np.isin(wanted, np.concatenate([np.empty(0, np.int64), *known]))]
    cuts = np.flatnonzero(np.diff(lack) > STEP_MS) + 1
    return [(int(run[0]), int(run[-1]) + STEP_MS) for run in np.split(lack, cuts) if len(run)]
