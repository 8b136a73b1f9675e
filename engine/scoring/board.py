"""Put predictions on one table: each through its curve on unseen hours, alone and beside the baselines."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from engine.model import Floats, Ints
from engine.scoring.folds import beside, cross_predict, curve_of, pooled_deviance
from engine.scoring.measures import Days, recall_of_top, spearman
from engine.scoring.report import Kind, Pair, Role, Skill
from engine.scoring.tweedie import NOTHING_USD

PRICE, DISTANCE = "price only", "distance only"


class _Scores(TypedDict):
    explained: float
    spearman: Pair
    recall: Pair
    usd_ratio: Pair


def pair(longs: float, shorts: float) -> Pair:
    """Return a figure for each side as plain numbers."""
    return float(longs), float(shorts)


class Board:
    """Judge predictions for the same hours; `price` holds the features of price alone, a table a side."""

    def __init__(self, hour: Ints, reported: Floats, price: Sequence[Floats], *, seed: int) -> None:
        self.skills: list[Skill] = []
        self._hour, self._reported, self._price = hour, reported, price
        self._days = Days(hour, seed=seed)
        self._null = pooled_deviance(reported, np.broadcast_to(reported.mean(axis=0), reported.shape))
        self._together: Sequence[Floats] = price
        expected, self._price_loss = self._fitted(price)
        self._together_loss = self._price_loss
        self.skills.append(Skill(name=PRICE, role=Role.BASELINE, **self._scores(expected, expected)))

    def set_distance(self, predicted: Floats) -> None:
        """Judge the baseline of distance; with price, it is what later rows are asked to add to."""
        curve = curve_of(predicted)
        expected, loss = self._fitted(curve)
        self._together = beside(self._price, curve)
        self._together_loss = self._fitted(self._together)[1]
        over_price = self._days.ratio(self._price_loss - loss, self._null)
        scores = self._scores(expected, predicted)
        self.skills.append(Skill(name=DISTANCE, role=Role.BASELINE, over_price=over_price, **scores))

    def judge(
        self, name: str, role: Role, predicted: Floats, *, model: str = "", kind: Kind = Kind.WALK
    ) -> None:
        """Add the row of a prediction in USD, (hours, sides)."""
        curve = curve_of(predicted)
        expected, loss = self._fitted(curve)
        joined = self._fitted(beside(self._together, curve))[1]
        self.skills.append(
            Skill(
                name=name,
                role=role,
                model=model,
                kind=kind,
                over_price=self._days.ratio(self._price_loss - loss, self._null),
                over_distance=self._days.ratio(self._together_loss - joined, self._null),
                **self._scores(expected, predicted),
            )
        )

    def _fitted(self, features: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Return what is expected of unseen hours, and each hour's loss."""
        expected = cross_predict(features, self._reported, self._hour)
        return expected, pooled_deviance(self._reported, expected)

    def _scores(self, expected: Floats, predicted: Floats) -> _Scores:
        """Return the figures of a prediction (raw) and of what its curve expects."""
        loss = pooled_deviance(self._reported, expected)
        sides = [(expected[:, side], self._reported[:, side]) for side in range(2)]
        ratio = predicted.sum(axis=0) / np.maximum(self._reported.sum(axis=0), NOTHING_USD)
        return _Scores(
            explained=float(1.0 - loss.sum() / self._null.sum()),
            spearman=pair(*(spearman(mine, theirs) for mine, theirs in sides)),
            recall=pair(*(recall_of_top(mine, theirs) for mine, theirs in sides)),
            usd_ratio=pair(*ratio),
        )
