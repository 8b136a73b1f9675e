"""Compare what each preset says stands with what does stand, in made markets whose positions are known.

`*_rank` is Spearman's rank correlation, over hours and prices, of the surface with the true book, the mean of
both sides; `*_at_distance` the same among equal distances from price only, so that nothing is earned by
knowing that more stands far away than near. Beside each stands the best of the placebos: the same preset on
the same prices with volume and open interest from other days. A made market is no proof about a real one:
`liqwatch accuracy` judges by real liquidations.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.runner import Outcome
from bench.synthetic_market import VENUE, Recipe, SyntheticMarket, make
from engine.columns import Columns
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Floats
from engine.presets import BIN_LOG, PRESETS, Preset
from engine.scoring.hours import Hours, fold_hours
from engine.scoring.measures import spearman
from engine.scoring.placebos import shuffled
from engine.scoring.predict import VenueBars, predict

DAYS = 60
MARKETS = 3
SHUFFLES = 3
WARM_DAYS = 14
POOL = 10
"""State bins in one that is compared: 20 basis points."""
REACH = round(0.06 / BIN_LOG / POOL)
"""Compared bins on each side: 6 % of price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Hold how well a surface ranks what stands: over everything, and among equal distances from price."""

    rank: float
    at_distance: float


class Judge:
    """Know a made market's true book at each hour once warm, and compare surfaces with it."""

    def __init__(self, market: SyntheticMarket) -> None:
        self.bars = VenueBars(venue=VENUE, candles=market.candles, step_ms=STEP_MS)
        self.hours: Hours = fold_hours(market.candles, step_ms=STEP_MS)
        self._warm_ms = int(market.candles.ts[0]) + WARM_DAYS * DAY_MS
        c = market.candles
        rows = np.flatnonzero(((c.ts + STEP_MS) % HOUR_MS == 0) & (c.ts + STEP_MS >= self._warm_ms))
        close_bins = np.floor(np.log(c.close[rows]) / BIN_LOG).astype(np.int64)
        places = zip(c.ts[rows] + STEP_MS, close_bins, strict=True)
        self._truth = _pooled(market.book(int(ts), int(at), REACH * POOL) for ts, at in places)

    def agreement(self, preset: Preset) -> Agreement:
        """Return how well a preset ranks the true book."""
        return self._agreement(preset, self.bars)

    def placebo(self, preset: Preset, *, shuffles: int = SHUFFLES) -> Agreement:
        """Return the best that a preset does on the same prices with the activity of other days."""
        tries = [self._agreement(preset, shuffled(self.bars, seed=seed)) for seed in range(shuffles)]
        return Agreement(rank=max(t.rank for t in tries), at_distance=max(t.at_distance for t in tries))

    def _agreement(self, preset: Preset, bars: VenueBars) -> Agreement:
        columns = predict(preset, bars, self.hours, usd_scale=1.0).columns
        first = int(np.searchsorted(columns.ts, self._warm_ms))
        says = _pooled(_near(columns, row) for row in range(first, len(columns)))
        truth = self._truth[: len(says)]
        return Agreement(
            rank=_mean(spearman(says[:, side].ravel(), truth[:, side].ravel()) for side in (0, 1)),
            at_distance=_mean(
                spearman(says[:, side, at], truth[:, side, at]) for side in (0, 1) for at in range(REACH)
            ),
        )


def _near(columns: Columns, row: int) -> Floats:
    """Return the compared part of a row, (2, bins)."""
    return np.stack([columns.long[row, : REACH * POOL], columns.short[row, : REACH * POOL]]).astype(float)


def _pooled(books: Iterable[Floats]) -> Floats:
    """Return books as (hours, sides, compared bins)."""
    return np.array([book.reshape(2, REACH, POOL).sum(axis=2) for book in books])


def _mean(values: Iterable[float]) -> float:
    """Return the mean of what is known."""
    return float(np.nanmean(list(values)))


def run(*, quick: bool) -> Outcome:
    """Measure on several made markets; `quick` on one, with fewer placebos."""
    figures: dict[str, list[float]] = {}
    for seed in range(1, 1 + (1 if quick else MARKETS)):
        judge = Judge(make(Recipe(days=DAYS, seed=seed)))
        for name, preset in PRESETS.items():
            found = judge.agreement(preset)
            placebo = judge.placebo(preset, shuffles=1 if quick else SHUFFLES)
            for figure, value in (
                (f"{name}_rank", found.rank),
                (f"{name}_shuffled_rank", placebo.rank),
                (f"{name}_rank_at_distance", found.at_distance),
                (f"{name}_shuffled_rank_at_distance", placebo.at_distance),
            ):
                figures.setdefault(figure, []).append(value)
    return {
        "figures": {figure: _mean(values) for figure, values in figures.items()},
        "units": dict.fromkeys(figures, "rho"),
        "goals": {},
    }
