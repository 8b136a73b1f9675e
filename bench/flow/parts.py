"""Give the parts that families of variants are written with: a name, and how it predicts."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bench.flow.runs import Runner
from engine.model import Floats
from engine.presets import FLOW, Lifetime, Preset

Predict = Callable[[Runner], Floats]
"""What a variant is: mass swept in each hour, (hours, 2), at any scale."""
Named = tuple[str, Predict]


def swept(preset: Preset, runner: Runner) -> Floats:
    """Return what a preset sweeps."""
    return runner.swept(preset)


def changed(name: str, **parts: Any) -> Named:  # noqa: ANN401 - fields of a preset
    """Return `flow` with some of its parts changed."""
    return name, partial(swept, replace(FLOW, **parts))


def massed(make: Predict, runner: Runner) -> Floats:
    """Return `flow` fed with other mass, (candles,)."""
    return runner.swept(mass=make(runner))


def mixed(parts: list[tuple[Predict, float]], runner: Runner) -> Floats:
    """Return a mixture: shares of predictions that are each brought to the same total."""
    made = [(runner.of_one(predict(runner)), share) for predict, share in parts]
    total: Floats = np.sum([share * each for each, share in made], axis=0)
    return total


def flow(runner: Runner) -> Floats:
    """Return what `flow` itself sweeps."""
    return runner.swept()


def lives(*pairs: tuple[float, float]) -> tuple[Lifetime, ...]:
    """Return lifetimes of pairs of half-life in hours and amplitude."""
    return tuple(Lifetime(half_life_h=hours, amplitude=share) for hours, share in pairs)
