"""Judge variants of `flow` on stretches of hours: each through a curve fitted on other days, as accuracy is.

On the stretch that is chosen on, and on the one that is judged once, curves are fitted as `liqwatch accuracy`
fits them: on the other days of the same stretch. `carried` fits them on one stretch and judges on another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.flow.study import Study, at_ms
from engine.model import HOUR_MS, Floats, Ints
from engine.scoring.features import price_only
from engine.scoring.folds import beside, contiguous, cross_predict, curve_of, pooled_deviance
from engine.scoring.measures import SURE, Days, Interval, spearman
from engine.scoring.tweedie import RIDGE, fit
from engine.task import BACKGROUND_USD

RESAMPLES = 20_000


@dataclass(frozen=True)
class Stretch:
    """Hold the reported hours between two times, and what price alone says about them."""

    study: Study
    begin: str
    end: str
    seed: int = 1

    @cached_property
    def rows(self) -> Ints:
        """Return the rows of the hours."""
        ms = self.study.hours.hour * HOUR_MS
        known = ~np.isnan(self.study.reported[:, 0])
        return np.flatnonzero(known & (ms >= at_ms(self.begin)) & (ms < at_ms(self.end)))

    @cached_property
    def hour(self) -> Ints:
        """Return the numbers of the hours."""
        return self.study.hours.hour[self.rows]

    @cached_property
    def usd(self) -> Floats:
        """Return what was reported, (hours, 2)."""
        return self.study.reported[self.rows]

    @cached_property
    def price(self) -> list[Floats]:
        """Return the features of price alone, a table a side."""
        return [table[self.rows] for table in price_only(self.study.hours)]

    @cached_property
    def null(self) -> Floats:
        """Return each hour's deviance when the mean is expected always."""
        return pooled_deviance(self.usd, np.broadcast_to(self.usd.mean(axis=0), self.usd.shape))

    @cached_property
    def days(self) -> Days:
        """Return the days that are drawn again for intervals."""
        return Days(self.hour, seed=self.seed, resamples=RESAMPLES)

    def of(self, predicted: Floats) -> Floats:
        """Return a prediction in USD of these hours, with the background."""
        usd: Floats = predicted[self.rows] + BACKGROUND_USD
        return usd

    def loss(self, features: Sequence[Floats], *, ridge: float = RIDGE) -> Floats:
        """Return each hour's deviance by curves that never saw its fold."""
        return pooled_deviance(self.usd, self.expected(features, ridge=ridge))

    def expected(self, features: Sequence[Floats], *, ridge: float = RIDGE) -> Floats:
        """Return what such curves expect, (hours, 2)."""
        return cross_predict(features, self.usd, self.hour, ridge=ridge)

    def explained(self, loss: Floats) -> float:
        """Return the share of deviance explained."""
        return float(1.0 - loss.sum() / self.null.sum())

    def gain(self, before: Floats, after: Floats, *, sure: float = SURE) -> Interval:
        """Return the share of deviance that one loss explains beyond another, with its interval."""
        return self.days.ratio(before - after, self.null, sure=sure)

    def ranks(self, expected: Floats) -> tuple[float, float]:
        """Return the rank correlation of each side."""
        return spearman(expected[:, 0], self.usd[:, 0]), spearman(expected[:, 1], self.usd[:, 1])


def carried(
    train: Stretch,
    test: Stretch,
    features: tuple[Sequence[Floats], Sequence[Floats]],
    *,
    ridge: float = RIDGE,
) -> Floats:
    """Return each hour's deviance on one stretch by curves fitted on another; features of both."""
    expected = np.empty(test.usd.shape)
    for side in range(2):
        curve = fit(features[0][side], train.usd[:, side], ridge=ridge)
        expected[:, side] = curve.predict(features[1][side])
    return pooled_deviance(test.usd, expected)


def nested_gain(stretch: Stretch, base: Floats, losses: Floats) -> Interval:
    """Return the gain of choosing the best of several on other days and judging it on the rest.

    `losses` is (variants, hours); whoever is best outside a fold stands for the family in it.
    """
    chosen = np.empty_like(base)
    for train, test in contiguous(stretch.hour):
        best = int(np.argmin(losses[:, train].sum(axis=1)))
        chosen[test] = losses[best, test]
    return stretch.gain(base, chosen)


def together(stretch: Stretch, *predicted: Floats) -> list[Floats]:
    """Return the features of price alone beside those of some predictions' curves."""
    return beside(stretch.price, *(curve_of(stretch.of(each)) for each in predicted))
