"""Work out what the last 24 hours of candles say about a symbol."""

from dataclasses import dataclass

import numpy as np

from engine.model import DAY_MS, STEP_MS, Candles, Floats

NOT_ENOUGH_MS = DAY_MS - 12 * STEP_MS
"""A day that lacks more than an hour is not called 24 hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStats:
    """Hold the last 24 hours; prices in quote currency, None where not known."""

    reference: float | None = None
    high: float | None = None
    low: float | None = None
    volume_usd: float | None = None
    open_interest: float | None = None
    oi_change: float | None = None

    def change(self, price: float) -> float | None:
        """Return how far `price` is from that of 24 hours before, as a fraction."""
        return None if self.reference is None else price / self.reference - 1


def day_stats(day: Candles) -> DayStats:
    """Return the figures of the bars of one day (oldest first); unknown ones are None."""
    if not len(day) or int(day.ts[-1] - day.ts[0]) + STEP_MS < NOT_ENOUGH_MS:
        newest = _known(day.open_interest[-1]) if len(day) else None
        return DayStats(open_interest=newest)
    interest = _known(day.open_interest[-1])
    before = _known(day.open_interest[0])
    return DayStats(
        reference=float(day.open[0]),
        high=float(day.high.max()),
        low=float(day.low.min()),
        volume_usd=float(quote_volume(day).sum()),
        open_interest=interest,
        oi_change=interest / before - 1 if interest is not None and before else None,
    )


def quote_volume(candles: Candles) -> Floats:
    """Return dollars traded in each bar; `volume * (high + low + close) / 3` where the venue gives none."""
    typical = (candles.high + candles.low + candles.close) / 3
    return np.where(np.isnan(candles.quote_volume), candles.volume * typical, candles.quote_volume)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
