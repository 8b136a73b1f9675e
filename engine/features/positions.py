"""Measure what positions do: open interest, funding, longs against shorts. Each of one venue, or of all."""

import math

from engine.features.gauge import UNKNOWN, Event
from engine.features.windows import Lookback
from engine.model import STEP_MS, Candle, Funding, LongShortRatio, OpenInterest

OPEN_INTEREST_STALE_MS = 1_800_000
FUNDING_STALE_MS = 9 * 3_600_000
RATIO_STALE_MS = 3 * 3_600_000
USUAL_INTERVAL_H = 8.0
"""Hours between payments where a venue does not say."""


class OpenInterestChange:
    """Say how far open interest in coins is from that a window before its newest report.

    Of several venues those count that are known at both ends: one that joins is no growth.
    """

    wants: tuple[type, ...] = (OpenInterest, Candle)
    ages = True

    def __init__(self, window_ms: int) -> None:
        self._window = window_ms
        self._newest: dict[str, tuple[int, float]] = {}
        self._past: dict[str, Lookback] = {}

    def take(self, event: Event) -> None:
        """Take a report in, or that of a closed candle; one that is not newer changes nothing."""
        if isinstance(event, OpenInterest):
            coins: float | None = event.open_interest
        elif isinstance(event, Candle) and event.closed:
            coins = event.open_interest
        else:
            return
        known = self._newest.get(event.venue)
        if coins is None or not coins > 0 or (known is not None and event.ts <= known[0]):
            return
        self._newest[event.venue] = (event.ts, coins)
        self._past.setdefault(event.venue, Lookback(self._window)).add(event.ts, coins)

    def value(self, now_ms: int) -> float:
        """Return the change as a fraction."""
        now = before = 0.0
        for venue, (ts, coins) in self._newest.items():
            past = self._past[venue].before(ts)
            if not math.isnan(past) and now_ms - ts < OPEN_INTEREST_STALE_MS + STEP_MS:
                now, before = now + coins, before + past
        return now / before - 1.0 if before > 0 else UNKNOWN


class _Newest:
    """Hold the newest value of each venue, until it is too old."""

    wants: tuple[type, ...] = ()
    ages = True
    stale_ms = 0

    def __init__(self) -> None:
        self._values: dict[str, tuple[int, float]] = {}

    def keep(self, venue: str, ts: int, value: float) -> None:
        """Take a value in, unless a newer one is known."""
        if venue not in self._values or ts >= self._values[venue][0]:
            self._values[venue] = (ts, value)

    def known(self, now_ms: int) -> list[float]:
        """Return what is not too old."""
        return [value for ts, value in self._values.values() if now_ms - ts < self.stale_ms]


class _Funding(_Newest):
    """Follow funding rates of eight hours."""

    wants: tuple[type, ...] = (Funding,)
    stale_ms = FUNDING_STALE_MS

    def take(self, event: Event) -> None:
        """Take a rate in."""
        if isinstance(event, Funding):
            self.keep(event.venue, event.ts, event.rate * 8.0 / (event.interval_h or USUAL_INTERVAL_H))


class FundingRate(_Funding):
    """Say the rate of eight hours; of several venues their mean."""

    def value(self, now_ms: int) -> float:
        """Return the rate as a fraction."""
        rates = self.known(now_ms)
        return math.fsum(rates) / len(rates) if rates else UNKNOWN


class FundingSpread(_Funding):
    """Say the greatest less the least rate of eight hours; unknown of fewer than two venues."""

    def value(self, now_ms: int) -> float:
        """Return the difference as a fraction."""
        rates = self.known(now_ms)
        return max(rates) - min(rates) if len(rates) > 1 else UNKNOWN


class Ratio(_Newest):
    """Say longs over shorts; of several venues their geometric mean. Of each venue the first kind counts."""

    wants: tuple[type, ...] = (LongShortRatio,)
    stale_ms = RATIO_STALE_MS

    def __init__(self) -> None:
        super().__init__()
        self._kind: dict[str, str] = {}

    def take(self, event: Event) -> None:
        """Take a ratio in."""
        if (
            isinstance(event, LongShortRatio)
            and event.ratio > 0
            and event.kind == self._kind.setdefault(event.venue, event.kind)
        ):
            self.keep(event.venue, event.ts, event.ratio)

    def value(self, now_ms: int) -> float:
        """Return the ratio."""
        ratios = self.known(now_ms)
        return math.exp(math.fsum(map(math.log, ratios)) / len(ratios)) if ratios else UNKNOWN
