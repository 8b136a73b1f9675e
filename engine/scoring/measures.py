"""Measure how well predictions rank and explain what was reported, with intervals over days."""

from dataclasses import dataclass

import numpy as np

from engine.model import Floats, Ints

RESAMPLES = 4000
SURE = 0.95
TOP = 0.05
HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Hold a figure with its bootstrap interval, of 95 % unless said."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Say whether the whole interval is above zero."""
        return self.low > 0.0


class Days:
    """Resample whole days: hours of one day are not independent of each other."""

    def __init__(self, hours: Ints, *, seed: int, resamples: int = RESAMPLES) -> None:
        _, self._day = np.unique(hours // HOURS_A_DAY, return_inverse=True)
        self.count = int(self._day.max()) + 1 if len(hours) else 0
        rng = np.random.default_rng(seed)
        even = np.full(self.count, 1.0 / max(1, self.count))
        self._times = rng.multinomial(self.count, even, resamples).astype(np.float64)

    def sums(self, values: Floats) -> Floats:
        """Return the sum of each day."""
        total: Floats = np.bincount(self._day, values, minlength=self.count).astype(np.float64)
        return total

    def ratio(self, above: Floats, below: Floats, *, sure: float = SURE) -> Interval:
        """Return the sum of `above` (hours,) over that of `below`, with the interval that is `sure`."""
        top, bottom = self.sums(above), self.sums(below)
        drawn = _over(self._times @ top, self._times @ bottom)
        return _interval(float(_over(top.sum(), bottom.sum())), drawn, sure=sure)

    def lift(self, inside: Floats, everything: Floats, covered: Floats, range_: Floats) -> Interval:
        """Return the share `inside / everything` over the share `covered / range_`, with its interval."""
        days = [self.sums(v) for v in (inside, everything, covered, range_)]
        drawn = [self._times @ day for day in days]
        whole = [day.sum() for day in days]
        return _interval(
            float(_over(_over(whole[0], whole[1]), _over(whole[2], whole[3]))),
            _over(_over(drawn[0], drawn[1]), _over(drawn[2], drawn[3])),
        )


def _over(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=np.asarray(below) > 0)
    return ratio


def _interval(value: float, drawn: Floats, *, sure: float = SURE) -> Interval:
    known = drawn[np.isfinite(drawn)]
    if not known.size:
        return Interval(value=value, low=np.nan, high=np.nan)
    tail = 50.0 * (1.0 - sure)
    low, high = np.percentile(known, [tail, 100.0 - tail])
    return Interval(value=value, low=float(low), high=float(high))


def ranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: Floats = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return middle


def spearman(first: Floats, second: Floats) -> float:
    """Return the rank correlation; NaN where one of them never varies."""
    a, b = ranks(first), ranks(second)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0.0 else float("nan")


def recall_of_top(predicted: Floats, reported: Floats, *, share: float = TOP) -> float:
    """Return which share of the largest reported hours is among as many largest predicted ones."""
    count = max(1, round(share * len(reported)))
    largest = set(np.argsort(-reported, kind="stable")[:count].tolist())
    expected = set(np.argsort(-predicted, kind="stable")[:count].tolist())
    return len(largest & expected) / count
