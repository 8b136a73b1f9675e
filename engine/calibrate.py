"""Calibrate a model by reported liquidations: the level week by week, the shape only where it helps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.model import Floats, Ints
from engine.presets import Preset
from engine.scoring.folds import contiguous, cross_predict, curve_of, pooled_deviance
from engine.scoring.hours import Hours
from engine.scoring.measures import Days, Interval
from engine.scoring.predict import VenueBars, predict_all
from engine.scoring.tweedie import NOTHING_USD

WEEK_H = 7 * 24
LEAST_H = 48
"""Known hours in the last week below which the level is left alone."""
LEAST_FACTOR, MOST_FACTOR = 0.1, 10.0
ROUNDS = 400
_STEP = 1.0 / 1.5
"""Exponent with which multiplicative updates lower a Tweedie deviance of power 1.5 in every round."""


def level_factors(predicted: Floats, reported: Floats) -> Floats:
    """Return reported over predicted USD of the week before each hour and side; 1 where too little is known.

    Both are (hours, sides) without gaps in time, `reported` NaN where nothing is known. The row after the
    last hour is there as well: what holds now. Nothing of an hour or after it goes into its factor.
    """
    known = ~np.isnan(reported)
    factors = np.ones((len(predicted) + 1, predicted.shape[1]))
    end = np.arange(len(factors))
    since = np.maximum(end - WEEK_H, 0)
    hours, above, below = (
        np.concatenate([np.zeros((1, predicted.shape[1])), np.cumsum(values, axis=0)])
        for values in (known, np.where(known, reported, 0.0), np.where(known, predicted, 0.0))
    )
    enough = (hours[end] - hours[since] >= LEAST_H) & (below[end] - below[since] > NOTHING_USD)
    ratio = (above[end] - above[since])[enough] / (below[end] - below[since])[enough]
    factors[enough] = np.clip(ratio, LEAST_FACTOR, MOST_FACTOR)
    return factors


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Hold a fit of the weights of a preset's levels and whether it may replace them.

    `weights` are dollars at the preset's scale; `background_usd` what is expected in any hour and side.
    `gain` is the share of null deviance that the fit explains beyond the default, on hours it never saw.
    """

    distances: tuple[float, ...]
    default: tuple[float, ...]
    weights: tuple[float, ...]
    background_usd: float
    gain: Interval
    accepted: bool

    def applied(self, preset: Preset) -> Preset:
        """Return the preset with the fitted weights."""
        pairs = zip(preset.levels, self.weights, strict=True)
        return replace(preset, levels=tuple(replace(level, weight=w) for level, w in pairs))


def exposures(preset: Preset, venues: Sequence[VenueBars], hours: Hours, *, usd_scale: float) -> Floats:
    """Return what each level alone expects in each hour, (hours, sides, levels) USD at its default weight."""
    swept = [
        predict_all(replace(preset, levels=(level,)), venues, hours, usd_scale=usd_scale).walk
        for level in preset.levels
    ]
    return np.stack(swept, axis=2)


def fit_shape(preset: Preset, exposure: Floats, reported: Floats, hour: Ints, *, seed: int) -> Shape:
    """Return the non-negative weights of least deviance, judged on hours that the fit never saw.

    `exposure` is (hours, sides, levels), `reported` (hours, sides), `hour` the numbers of the hours. Accepted
    only where the whole interval of the gain over the default is above zero.
    """
    background = max(float(reported.mean()) * 0.01, NOTHING_USD)
    sources = np.concatenate([exposure, np.full((*reported.shape, 1), background)], axis=2)
    default, fitted = sources.sum(axis=2), np.empty(reported.shape)
    for train, test in contiguous(hour):
        factors = non_negative(sources[train], reported[train])
        fitted[test] = sources[test] @ factors
    loss = [_judged(predicted, reported, hour) for predicted in (default, fitted)]
    null = pooled_deviance(reported, np.broadcast_to(reported.mean(axis=0), reported.shape))
    gain = Days(hour, seed=seed).ratio(loss[0] - loss[1], null)
    factors = non_negative(sources, reported)
    return Shape(
        distances=preset.distances,
        default=preset.weights,
        weights=tuple(float(w * f) for w, f in zip(preset.weights, factors[:-1], strict=True)),
        background_usd=float(background * factors[-1]),
        gain=gain,
        accepted=gain.above_zero,
    )


def _judged(predicted: Floats, reported: Floats, hour: Ints) -> Floats:
    return pooled_deviance(reported, cross_predict(curve_of(predicted), reported, hour))


def non_negative(sources: Floats, reported: Floats) -> Floats:
    """Return factors (k,) of sources (hours, sides, k) with the least Tweedie deviance, none below zero.

    Multiplicative updates: every round lowers the deviance, and what is not negative stays so.
    """
    table = sources.reshape(-1, sources.shape[-1])
    amounts = reported.reshape(-1)
    factors = np.ones(table.shape[1])
    for _ in range(ROUNDS):
        expected = np.maximum(table @ factors, NOTHING_USD)
        root = np.sqrt(expected)
        wanted, had = table.T @ (amounts / (expected * root)), table.T @ (1.0 / root)
        change = np.divide(wanted, had, out=np.zeros(len(had)), where=had > 0.0) ** _STEP
        factors = factors * change
        if np.abs(change - 1.0).max() < 1e-6:
            break
    return factors
