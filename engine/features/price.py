"""Measure what rests on prices."""

from engine.features.gauge import UNKNOWN, Event, Prices
from engine.features.windows import Extreme, Lookback
from engine.model import Tick


class Price(Prices):
    """Say the newest price."""

    ages = False

    def value(self, now_ms: int) -> float:
        """Return the newest price."""
        return self.price


class PriceChange(Prices):
    """Say how far price is from that a window ago, as a fraction of it."""

    def __init__(self, window_ms: int) -> None:
        super().__init__(window_ms)
        self._past = Lookback(window_ms)

    def add(self, ts: int, price: float) -> None:
        """Take a price in."""
        self._past.add(ts, price)

    def value(self, now_ms: int) -> float:
        """Return the change."""
        return self.price / self._past.before(now_ms) - 1.0


class FromExtreme(Prices):
    """Keep the extreme of the window that price is compared with: its high for sign 1, its low for -1."""

    def __init__(self, window_ms: int, sign: int) -> None:
        super().__init__(window_ms)
        self._sign, self._past = sign, Extreme(window_ms, sign)

    def add(self, ts: int, price: float) -> None:
        """Take a price in."""
        self._past.add(ts, price)


class Beyond(FromExtreme):
    """Say how far price is beyond the extreme of the window before the present slice, as a fraction of it."""

    def value(self, now_ms: int) -> float:
        """Return the fraction above the high, or below the low; negative inside of the range."""
        if not self.covered(now_ms):
            return UNKNOWN
        return self._sign * (self.price / self._past.before(now_ms) - 1.0)


class Off(FromExtreme):
    """Say how far price is off the extreme of the window, as a fraction of it; 0 on it."""

    def value(self, now_ms: int) -> float:
        """Return the fraction below the high, or above the low."""
        if not self.covered(now_ms):
            return UNKNOWN
        return self._sign * (1.0 - self.price / self._past.within(now_ms))


class DataAge:
    """Say how many seconds old the newest price is."""

    wants: tuple[type, ...] = (Tick,)
    ages = True

    def __init__(self) -> None:
        self._last_ms = -1

    def take(self, event: Event) -> None:
        """Take a price in."""
        self._last_ms = max(self._last_ms, event.ts)

    def value(self, now_ms: int) -> float:
        """Return the seconds."""
        return max(now_ms - self._last_ms, 0) / 1000.0 if self._last_ms >= 0 else UNKNOWN
