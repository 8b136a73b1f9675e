"""Define what measures one feature: it takes events in and says its value at a time."""

import math
from typing import Final, Protocol

from engine.model import Candle, Funding, Liquidation, LongShortRatio, OpenInterest, Tick

Event = Tick | Candle | Liquidation | OpenInterest | Funding | LongShortRatio
UNKNOWN: Final = math.nan


class Gauge(Protocol):
    """Measure one feature. Events may come late by less than its window; times asked for never run back."""

    wants: tuple[type, ...]
    ages: bool
    """Whether its value changes with time alone."""

    def take(self, event: Event) -> None:
        """Take an event of one of the types that it wants in."""

    def value(self, now_ms: int) -> float:
        """Return the value at a time, NaN while it is unknown."""


class Prices:
    """Follow the prices of one venue: the newest, and since when there are any without a long break."""

    wants: tuple[type, ...] = (Tick,)
    ages = True

    def __init__(self, window_ms: int) -> None:
        self.window_ms, self.price, self.last_ms, self.since_ms = window_ms, UNKNOWN, -1, -1

    def take(self, event: Event) -> None:
        """Take a price in; a late one counts for the past alone."""
        if not isinstance(event, Tick):
            return
        if event.ts >= self.last_ms:
            if self.last_ms < 0 or event.ts - self.last_ms > max(self.window_ms, 1):
                self.since_ms = event.ts
            self.price, self.last_ms = event.price, event.ts
        self.add(event.ts, event.price)

    def add(self, ts: int, price: float) -> None:
        """Take a price into the window, where there is one."""

    def covered(self, now_ms: int) -> bool:
        """Say whether prices reach back over the whole window."""
        return self.since_ms >= 0 and now_ms - self.since_ms >= self.window_ms
