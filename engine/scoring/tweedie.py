"""Fit and judge positive, heavy-tailed amounts: Tweedie deviance with power 1.5 and a log link.

For this power the deviance is convex in the linear predictor `eta = log mu`, so that Newton's method
(iteratively reweighted least squares with observed weights) finds the one minimum from anywhere.
"""

from dataclasses import dataclass

import numpy as np

from engine.model import Floats

RIDGE = 1e-3
"""Pull on standardised coefficients. Of 1e-6 to 1e-1 the value at which price alone explains most: a rule
that favours the baseline, not the models."""
ROUNDS = 60
HALVINGS = 40
SETTLED = 1e-9
NOTHING_USD = 1e-9
"""What stands for "none at all", so that a logarithm exists."""
_ETA_LIMIT = 60.0
_CONSTANT = 1e-9
"""Relative spread below which a feature is constant but for rounding; it says nothing then."""


def deviance(reported: Floats, expected: Floats) -> Floats:
    """Return what each amount adds to the deviance: 0 where it is exactly as expected."""
    root = np.sqrt(np.maximum(expected, NOTHING_USD))
    parts: Floats = 4.0 * (reported / root + root - 2.0 * np.sqrt(reported))
    return np.maximum(parts, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Hold a fitted model: `log mu` is linear in standardised features."""

    mean: Floats  # (features,)
    spread: Floats  # (features,)
    weights: Floats  # (features + 1,) the constant first

    def predict(self, features: Floats) -> Floats:
        """Return expected amounts for rows of features."""
        eta = _design(features, self.mean, self.spread) @ self.weights
        expected: Floats = np.exp(np.clip(eta, -_ETA_LIMIT, _ETA_LIMIT))
        return expected


def fit(features: Floats, amounts: Floats, *, ridge: float = RIDGE) -> Curve:
    """Return the curve that explains amounts (n,) by features (n, k) with the least deviance."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > _CONSTANT * (1.0 + np.abs(mean)), spread, 1.0)
    level = max(float(amounts.mean()), NOTHING_USD)
    weights = np.zeros(features.shape[1] + 1)
    weights[0] = np.log(level)
    if amounts.any():
        pull = np.full(len(weights), 4.0 * ridge * len(amounts) * level**0.5)
        pull[0] = 0.0
        weights = _descend(_design(features, mean, spread), amounts, weights, pull)
    return Curve(mean=mean, spread=spread, weights=weights)


def _design(features: Floats, mean: Floats, spread: Floats) -> Floats:
    return np.column_stack([np.ones(len(features)), (features - mean) / spread])


def _loss(eta: Floats, amounts: Floats, weights: Floats, pull: Floats) -> float:
    if np.abs(eta).max(initial=0.0) > _ETA_LIMIT:
        return np.inf
    half = np.exp(eta / 2.0)
    return float(4.0 * (amounts / half + half).sum() + 0.5 * (pull * weights * weights).sum())


def _descend(design: Floats, amounts: Floats, weights: Floats, pull: Floats) -> Floats:
    """Return the weights of least deviance, by Newton steps that are halved until they help."""
    loss = _loss(design @ weights, amounts, weights, pull)
    for _ in range(ROUNDS):
        half = np.exp(design @ weights / 2.0)
        over, under = half, amounts / half
        slope = design.T @ (2.0 * (over - under)) + pull * weights
        bend = design.T @ (design * (over + under)[:, None])
        bend[np.diag_indices_from(bend)] += pull + 1e-12 * np.diag(bend)
        step: Floats = np.linalg.solve(bend, slope).astype(np.float64)
        better, found = _halve(design, amounts, weights, step, pull, loss)
        settled = loss - found <= SETTLED * abs(loss)
        weights, loss = better, found
        if settled:
            break
    return weights


def _halve(
    design: Floats, amounts: Floats, weights: Floats, step: Floats, pull: Floats, loss: float
) -> tuple[Floats, float]:
    """Return the weights after as much of a step as lowers the loss, and that loss."""
    for times in range(HALVINGS):
        tried = weights - step * 0.5**times
        found = _loss(design @ tried, amounts, tried, pull)
        if found < loss:
            return tried, found
    return weights, loss
