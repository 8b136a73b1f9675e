"""Choose among variants on one stretch, and judge the best of each family once on others."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, islice

import numpy as np

from bench.flow.judge import Stretch, carried, nested_gain, together
from bench.flow.learned import WINDOWS_H, fitted, levelled
from bench.flow.runs import Runner
from bench.flow.study import Study
from bench.flow.survival import power_law
from bench.flow.variants import variants
from engine.calibration import BTC_USD_SCALE
from engine.model import Floats
from engine.presets import FLOW
from engine.scoring.folds import curve_of, pooled_deviance
from engine.scoring.measures import SURE, Interval

CHOSEN = ("2025-12-08", "2026-01-31")
HELD = ("2026-02-01", "2026-03-15")
BEFORE = ("2025-11-23", "2025-12-08")
"""Here not even the parameters of `flow` were chosen."""
BEST_JOINED = "perpetual, 14 d, close, clock, leverage"
"""What several changes at once came to on the chosen stretch; levels are tried on it as well."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Hold a variant's prediction of every hour in USD, (hours, 2), without background."""

    family: str
    name: str
    usd: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Hold how a variant does on a stretch, through curves of other days of it.

    `over_flow` is the share of deviance explained beyond `flow`; `adds` what it adds to price and distance.
    """

    family: str
    name: str
    explained: float
    ranks: tuple[float, float]
    over_flow: Interval
    adds: Interval


class Trial:
    """Know the study, its stretches, `flow` and distance alone; make and judge variants."""

    def __init__(self, study: Study) -> None:
        self.runner = Runner.of(study)
        self.study = study
        self.chosen, self.held, self.before = (Stretch(study, *ends) for ends in (CHOSEN, HELD, BEFORE))
        self.flow = self.runner.swept() * BTC_USD_SCALE
        even = self.runner.mass(np.ones(len(study.candles)))
        self.distance = self.scaled(self.runner.swept(mass=even))

    def scaled(self, predicted: Floats) -> Floats:
        """Return a prediction in dollars: as many on the chosen stretch as `flow` has there."""
        rows = self.chosen.rows
        usd: Floats = predicted * (self.flow[rows].sum() / predicted[rows].sum())
        return usd

    def tried(self, *, most: int | None = None) -> Iterable[Tried]:
        """Yield every variant with its prediction, `most` of a family at most."""
        joined = self.flow
        for _, family in groupby(variants(), key=lambda variant: variant.family):
            for each in list(family)[:most]:
                usd = self.scaled(each.predict(self.runner))
                joined = usd if each.name == BEST_JOINED else joined
                yield Tried(each.family, each.name, usd)
        yield from islice(self._levels(joined), most)
        yield from islice(self._fits(), most)

    def _levels(self, joined: Floats) -> Iterable[Tried]:
        family, reported = "level of the last days", self.study.reported
        for hours in WINDOWS_H:
            for apart in (True, False):
                sides = "each side" if apart else "both sides"
                yield Tried(family, f"{hours} h, {sides}", levelled(self.flow, reported, hours, apart=apart))
        best = levelled(joined, reported, WINDOWS_H[-1], apart=True)
        yield Tried(family, f"{WINDOWS_H[-1]} h, each side, on {BEST_JOINED}", best)

    def _fits(self) -> Iterable[Tried]:
        family = "weights fitted to reports"
        for name, lifetimes in (("two lifetimes", FLOW.lifetimes), ("four lifetimes", power_law(0.5)[1:9:2])):
            for each_side in (False, True):
                sides = "each side" if each_side else "both sides"
                usd = fitted(self.runner, self.chosen, lifetimes, each_side=each_side)
                yield Tried(family, f"{name}, {sides}", usd)

    def losses(self, stretch: Stretch, usd: Floats) -> Floats:
        """Return each hour's deviance through curves of other days of the stretch."""
        return stretch.loss(curve_of(stretch.of(usd)))

    def score(self, stretch: Stretch, tried: Tried, *, sure: float = SURE) -> Score:
        """Return how a variant does on a stretch; both intervals are `sure`."""
        expected = stretch.expected(curve_of(stretch.of(tried.usd)))
        loss = pooled_deviance(stretch.usd, expected)
        base = stretch.loss(together(stretch, self.distance))
        beside = stretch.loss(together(stretch, self.distance, tried.usd))
        return Score(
            family=tried.family,
            name=tried.name,
            explained=stretch.explained(loss),
            ranks=stretch.ranks(expected),
            over_flow=stretch.gain(self.losses(stretch, self.flow), loss, sure=sure),
            adds=stretch.gain(base, beside, sure=sure),
        )

    def carried_gain(self, stretch: Stretch, usd: Floats, *, sure: float = SURE) -> Interval:
        """Return the gain over `flow` on a stretch where both curves were fitted on the chosen one."""
        losses = [
            carried(self.chosen, stretch, (curve_of(self.chosen.of(each)), curve_of(stretch.of(each))))
            for each in (self.flow, usd)
        ]
        return stretch.gain(*losses, sure=sure)

    def nested(self, family: list[Tried]) -> Interval:
        """Return what choosing the best of a family gains on days that it was not chosen on."""
        losses = np.array([self.losses(self.chosen, each.usd) for each in family])
        return nested_gain(self.chosen, self.losses(self.chosen, self.flow), losses)
