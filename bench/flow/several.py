"""Vary several parts at once, and show what coarser steps cost."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bench.flow.interest import leverage as standing
from bench.flow.parts import Named, lives
from bench.flow.runs import Runner
from bench.flow.survival import speed
from bench.flow.volume import perpetual
from engine.model import STEP_MS, Floats
from engine.presets import FLOW, EntryPoint


def steps() -> Iterable[Named]:
    """Yield what coarser steps cost: a hint of what finer ones might give."""
    for minutes in (15, 30, 60):
        yield f"entries gathered over {minutes} min", partial(_gathered, minutes)


def _gathered(minutes: int, runner: Runner) -> Floats:
    """Return `flow` where mass is let in at the end of longer steps only: what shorter ones might give."""
    mass, span = runner.mass(), minutes * 60_000 // STEP_MS
    step = runner.ts // (STEP_MS * span)
    last = np.append(np.diff(step) > 0, True)
    return runner.swept(mass=np.where(last, np.bincount(step - step[0], mass)[step - step[0]], 0.0))


def several() -> Iterable[Named]:
    """Yield what did best of several families on the stretch that is chosen on, put together."""
    close, spread = {"entry": (EntryPoint(close=1.0),)}, {"entry": (), "spread": 9}
    quick = {"lifetimes": lives((0.25, 1.6), (2.0, 0.6), (48.0, 0.25))}
    month, fortnight = {"norm_days": 30.0}, {"norm_days": 14.0}
    yield "perpetual, 14 d", partial(_joined, fortnight, 0.0, 0.0)
    yield "spot, 14 d, close", partial(_spot, {**fortnight, **close})
    yield "spot, 14 d, triangle", partial(_spot, {**fortnight, **spread})
    yield "perpetual, close", partial(_joined, {**month, **close}, 0.0, 0.0)
    yield "perpetual, 14 d, close", partial(_joined, {**fortnight, **close}, 0.0, 0.0)
    yield "perpetual, 14 d, triangle", partial(_joined, {**fortnight, **spread}, 0.0, 0.0)
    yield "perpetual, 14 d, close, clock", partial(_joined, {**fortnight, **close}, 0.5, 0.0)
    yield "perpetual, 14 d, close, clock, leverage", partial(_joined, {**fortnight, **close}, 0.5, 0.15)
    yield "perpetual, 14 d, close, leverage", partial(_joined, {**fortnight, **close}, 0.0, 0.15)
    yield (
        "perpetual, 14 d, close, three lifetimes",
        partial(_joined, {**fortnight, **close, **quick}, 0.0, 0.0),
    )


def _spot(parts: dict[str, Any], runner: Runner) -> Floats:
    return runner.swept(replace(FLOW, **parts))


def _joined(parts: dict[str, Any], clock: float, leverage: float, runner: Runner) -> Floats:
    """Return `flow` with parts changed, by volume of perpetuals, with a clock and `leverage`."""
    preset = replace(FLOW, **parts)
    mass = perpetual([0, 1, 2], 1, runner, preset)
    time = runner.warped(speed(24, clock, runner)) if clock else None
    made = runner.swept(preset, mass=mass, clock_ms=time)
    if not leverage:
        return made
    other = standing(runner)
    return np.asarray((1.0 - leverage) * runner.of_one(made) + leverage * runner.of_one(other))
