"""Judge every hour by a curve that was fitted on other days: contiguous folds, purged around their edges."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from engine.model import Floats, Ints
from engine.scoring.tweedie import NOTHING_USD, RIDGE, deviance, fit

FOLDS = 8
PURGE_H = 24


def contiguous(hours: Ints, *, folds: int = FOLDS, purge_h: int = PURGE_H) -> Iterator[tuple[Ints, Ints]]:
    """Yield (train, test) rows: tests are stretches in time, and no training hour is near one."""
    rows = np.arange(len(hours))
    edges = np.linspace(0, len(hours), folds + 1).astype(np.int64)
    for first, last in pairwise(edges):
        if first == last:
            continue
        near = (hours >= hours[first] - purge_h) & (hours <= hours[last - 1] + purge_h)
        yield rows[~near], rows[first:last]


def cross_predict(
    features: Sequence[Floats], reported: Floats, hours: Ints, *, ridge: float = RIDGE
) -> Floats:
    """Return expected amounts (hours, sides), each from a curve that never saw its fold.

    `features` holds one table (hours, k) a side; `reported` is (hours, sides).
    """
    expected = np.empty(reported.shape)
    for train, test in contiguous(hours):
        for side, table in enumerate(features):
            curve = fit(table[train], reported[train, side], ridge=ridge)
            expected[test, side] = curve.predict(table[test])
    return expected


def curve_of(predicted: Floats) -> list[Floats]:
    """Return the features of the curve `log mu = a + b log p + c (log p)^2`, one table a side."""
    logs = np.log(np.maximum(predicted, NOTHING_USD))
    return [np.column_stack([logs[:, side], logs[:, side] ** 2]) for side in range(predicted.shape[1])]


def beside(*tables: Sequence[Floats]) -> list[Floats]:
    """Return features put beside each other, per side."""
    return [np.hstack(parts) for parts in zip(*tables, strict=True)]


def pooled_deviance(reported: Floats, expected: Floats) -> Floats:
    """Return each hour's deviance over both sides, each side scaled by its mean."""
    level = np.sqrt(np.maximum(reported.mean(axis=0), NOTHING_USD))
    pooled: Floats = (deviance(reported, expected) / level).sum(axis=1)
    return pooled
