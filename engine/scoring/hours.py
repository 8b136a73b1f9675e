"""Fold candles into hours: where price opened, how far it went, and by how long a way."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import DataError
from engine.model import HOUR_MS, Candles, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Hold n hours without a gap, in log price; an hour that lacks candles stands still.

    `hour` counts hours since 1970 UTC; `whole` says that every candle of the hour is there. `path` is the sum
    of moves between closes, `fall` and `rise` its parts, `variance` the sum of their squares.
    """

    hour: Ints
    whole: npt.NDArray[np.bool_]
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    path: Floats
    fall: Floats
    rise: Floats
    variance: Floats

    def __len__(self) -> int:
        return len(self.hour)

    @property
    def first(self) -> int:
        """Return the number of the first hour."""
        return int(self.hour[0])

    def mirrored(self) -> "Hours":
        """Return the same hours as a short sees them: up is down."""
        return Hours(
            hour=self.hour,
            whole=self.whole,
            open=-self.open,
            high=-self.low,
            low=-self.high,
            close=-self.close,
            path=self.path,
            fall=self.rise,
            rise=self.fall,
            variance=self.variance,
        )


def fold_hours(candles: Candles, *, step_ms: int) -> Hours:
    """Return the hours that candles of `step_ms` cover; DataError where there are none."""
    if not len(candles):
        raise DataError("there are no candles to fold into hours")
    number = candles.ts // HOUR_MS
    first, count = int(number[0]), int(number[-1] - number[0]) + 1
    starts = np.flatnonzero(np.diff(number, prepend=first - 1))
    at = number[starts] - first
    last = np.append(starts[1:], len(candles)) - 1
    price = {name: np.log(getattr(candles, name)) for name in ("open", "high", "low", "close")}
    low = np.minimum.reduceat(np.minimum(price["low"], np.minimum(price["open"], price["close"])), starts)
    high = np.maximum.reduceat(np.maximum(price["high"], np.maximum(price["open"], price["close"])), starts)
    moves = np.diff(price["close"], prepend=price["open"][0])
    close = _stand_still(_spread(price["close"][last], at, count))
    before = np.concatenate([[price["open"][0]], close[:-1]])
    seen = np.bincount(number - first, minlength=count)

    def total(values: Floats) -> Floats:
        return np.bincount(number - first, values, minlength=count).astype(np.float64)

    def known(values: Floats, otherwise: Floats) -> Floats:
        spread = _spread(values, at, count)
        return np.where(np.isnan(spread), otherwise, spread)

    return Hours(
        hour=np.arange(first, first + count),
        whole=seen >= HOUR_MS // step_ms,
        open=known(price["open"][starts], before),
        high=known(high, before),
        low=known(low, before),
        close=close,
        path=total(np.abs(moves)),
        fall=total(np.maximum(-moves, 0.0)),
        rise=total(np.maximum(moves, 0.0)),
        variance=total(moves * moves),
    )


def _spread(values: Floats, at: Ints, count: int) -> Floats:
    """Return values at their hours, NaN elsewhere."""
    out = np.full(count, np.nan)
    out[at] = values
    return out


def _stand_still(close: Floats) -> Floats:
    """Return closes where an hour without one has that of the hour before."""
    at = np.where(np.isnan(close), 0, np.arange(len(close)))
    return np.asarray(close[np.maximum.accumulate(at)])
