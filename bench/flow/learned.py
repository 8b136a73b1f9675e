"""Variants that learn from reports: the level of the last days, and weights fitted to what was liquidated.

What a level learns from is over before the hour that it is used in. Weights are fitted on the stretch that is
chosen on: within it each hour is predicted by weights that never saw its fold, elsewhere by all of it.
"""

from dataclasses import replace

import numpy as np

from bench.flow.judge import Stretch
from bench.flow.runs import Runner
from engine.calibrate import non_negative
from engine.calibration import BTC_USD_SCALE
from engine.model import Floats
from engine.presets import FLOW, Lifetime
from engine.scoring.folds import contiguous
from engine.task import BACKGROUND_USD

WINDOWS_H = (6, 24, 72, 168, 336)
PRIOR_H, USUAL_H = 24.0, 504
"""Hours of usual predictions that a level begins with, and of how many before the first report they are."""


def levelled(predicted: Floats, reported: Floats, window_h: int, *, apart: bool) -> Floats:
    """Return predictions in USD times reported over predicted of the hours before, each side apart or both.

    Both are (hours, 2), without background; what was reported may be NaN.
    """
    known = ~np.isnan(reported)
    said = np.where(known, predicted + BACKGROUND_USD, 0.0)
    seen = np.where(known, reported, 0.0)
    if not apart:
        said, seen = (np.repeat(values.sum(axis=1, keepdims=True), 2, axis=1) for values in (said, seen))
    first = int(np.argmax(known[:, 0]))
    usual = (predicted[first - USUAL_H : first] + BACKGROUND_USD).mean(axis=0) * PRIOR_H
    usual = usual if apart else np.full(2, usual.sum())
    factor = (_sums(seen, window_h) + usual) / (_sums(said, window_h) + usual)
    return np.asarray((predicted + BACKGROUND_USD) * factor - BACKGROUND_USD)


def _sums(values: Floats, window_h: int) -> Floats:
    """Return the sum of the hours before each one, without it."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    end = np.arange(len(values))
    return np.asarray(total[end] - total[np.maximum(end - window_h, 0)])


def fitted(runner: Runner, chosen: Stretch, lifetimes: tuple[Lifetime, ...], *, each_side: bool) -> Floats:
    """Return predictions in USD by non-negative weights of each distance and lifetime, (hours, 2)."""
    presets = [
        replace(FLOW, levels=(level,), lifetimes=(replace(life, amplitude=1.0),))
        for life in lifetimes
        for level in FLOW.levels
    ]
    swept = runner.exposures(presets) * BTC_USD_SCALE
    floor = np.full((*swept.shape[:2], 1), BACKGROUND_USD)
    sources = np.concatenate([swept, floor], axis=2)
    out = np.empty(swept.shape[:2])
    sides = ([0], [1]) if each_side else ([0, 1],)
    for side in (np.array(numbers) for numbers in sides):
        part, rows = sources[:, side], chosen.rows
        usd = chosen.usd[:, side]
        out[:, side] = part @ non_negative(part[rows], usd)
        for train, test in contiguous(chosen.hour):
            out[np.ix_(rows[test], side)] = part[rows[test]] @ non_negative(part[rows[train]], usd[train])
    return np.asarray(out - BACKGROUND_USD)
