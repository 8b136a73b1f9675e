"""Say what price alone tells about an hour: the baseline that every model must beat.

Everything may use the hour's own path, as the predictions may: the question is where liquidations sit
given where price went, not where it goes.
"""

import numpy as np

from engine.model import Floats
from engine.scoring.hours import Hours

EXTREME_HOURS = (2, 4, 8, 24, 72, 168, 504)
"""How far back the extremes look that an hour may exceed: 2 hours to 21 days."""
OTHER_SIDE_HOURS = (2, 24)
VOLATILITY_HOURS = (2, 6, 24, 168)
_LEAST_MOVE = 1e-4
_LEAST_VARIANCE = 1e-9
_PERCENT = 100.0


def price_only(hours: Hours) -> list[Floats]:
    """Return the features of longs and of shorts, one table (hours, k) each."""
    return [_of_longs(hours), _of_longs(hours.mirrored())]


def _log(move: Floats) -> Floats:
    logs: Floats = np.log(np.maximum(move, 0.0) + _LEAST_MOVE)
    return logs


def _of_longs(hours: Hours) -> Floats:
    """Return move, range, path, return, excess over extremes, volatility before, hour of day."""
    fall, width = hours.open - hours.low, hours.high - hours.low
    back = _PERCENT * (hours.close - hours.open)
    columns = [
        *(_log(fall), _log(fall) ** 2, _log(width), _log(width) ** 2),
        *(_log(hours.high - hours.open), back, back * back / (1.0 + np.abs(back))),
        *(_log(hours.path), _log(hours.path) ** 2, _log(hours.fall), _log(hours.rise)),
    ]
    columns += [_log(_lowest_before(hours.low, span) - hours.low) for span in EXTREME_HOURS]
    columns += [_log(hours.high + _lowest_before(-hours.high, span)) for span in OTHER_SIDE_HOURS]
    columns += [0.5 * np.log(_mean_before(hours.variance, span)) for span in VOLATILITY_HOURS]
    turn = 2.0 * np.pi * (hours.hour % 24) / 24.0
    columns += [np.sin(turn), np.cos(turn), np.sin(2.0 * turn), np.cos(2.0 * turn)]
    return np.column_stack(columns)


def _lowest_before(values: Floats, span: int) -> Floats:
    """Return the least of the `span` values before each one, as far as there are any."""
    padded = np.concatenate([np.full(span, np.inf), values[:-1]])
    lowest = np.lib.stride_tricks.sliding_window_view(padded, span).min(axis=1)
    return np.where(np.isinf(lowest), values, lowest)


def _mean_before(values: Floats, span: int) -> Floats:
    """Return the mean of the `span` values before each one, as far as there are any."""
    total = np.concatenate([[0.0], np.cumsum(values)])[:-1]
    at = np.arange(len(values))
    since = np.maximum(at - span, 0)
    mean: Floats = (total - total[since]) / np.maximum(at - since, 1)
    return np.maximum(mean, 0.0) + _LEAST_VARIANCE
