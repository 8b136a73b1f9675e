"""Vary how long mass stands: lifetimes, profit that is taken, and clocks that fading goes by."""

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from bench.flow.parts import Named, Predict, changed, lives, mixed, swept
from bench.flow.runs import Runner
from engine.model import Floats, Ints
from engine.presets import FLOW, Lifetime


def power_law(exponent: float, *, longest_h: float = 384.0) -> tuple[Lifetime, ...]:
    """Return lifetimes whose sum falls as time to the power of -exponent, from .25 h to the longest."""
    hours = 0.25 * 2.0 ** np.arange(round(math.log2(longest_h / 0.25)) + 1)
    return lives(*((float(h), float(h**-exponent)) for h in hours))


def lifetimes() -> Iterable[Named]:
    """Yield other lifetimes, some near a power law."""
    for hours in (4.0, 12.0, 48.0, 168.0):
        yield changed(f"one, {hours:g} h", lifetimes=lives((hours, 1.0)))
    pairs = ((0.25, 48.0, 1.67), (1.0, 48.0, 1.67), (0.5, 24.0, 1.67), (0.5, 96.0, 1.67), (0.5, 48.0, 1.0))
    for fast, slow, share in (*pairs, (0.5, 48.0, 1.85), (0.5, 48.0, 1.4)):
        both = lives((fast, share), (slow, 2.0 - share))
        yield changed(f"{fast:g} h {share:g}, {slow:g} h {2 - share:.2g}", lifetimes=both)
    yield changed("three: .5, 6, 72 h", lifetimes=lives((0.5, 1.5), (6.0, 0.3), (72.0, 0.2)))
    yield changed("three: .25, 2, 48 h", lifetimes=lives((0.25, 1.6), (2.0, 0.6), (48.0, 0.25)))
    for exponent in (0.25, 0.5, 0.75, 1.0):
        yield changed(f"power law, -{exponent:g}", lifetimes=power_law(exponent))


def profit() -> Iterable[Named]:
    """Yield other moves in favour after which mass leaves."""
    for percent in (0.3, 0.45, 0.8, 1.0, 1.5, 3.0):
        yield changed(f"after {percent:g} %", take_profit=percent / 100.0)
    yield changed("never", take_profit=None)
    ends = [partial(swept, replace(FLOW, take_profit=take)) for take in (0.003, 0.006, 0.015)]
    yield "thirds at .3, .6 and 1.5 %", partial(mixed, [(end, 1.0 / 3.0) for end in ends])
    for part in (0.5, 1.0, 2.0):
        yield f"after {part:g} times the level's distance", partial(_profit_by_level, part)


def _profit_by_level(part: float, runner: Runner) -> Floats:
    presets = [replace(FLOW, levels=(each,), take_profit=part * each.long_log) for each in FLOW.levels]
    return np.asarray(runner.exposures(presets).sum(axis=2))


def clocks() -> Iterable[Named]:
    """Yield clocks that run with volatility or volume."""
    for hours in (1, 4, 24):
        for power in (0.5, 1.0, 2.0):
            yield f"volatility of {hours} h, power {power:g}", partial(clocked, partial(speed, hours, power))
    yield "volume", partial(clocked, _volume_speed)
    for power in (0.5, 1.0):
        yield f"slower by volatility of 24 h, power {power:g}", partial(clocked, partial(speed, 24, -power))


def clocked(pace: Predict, runner: Runner) -> Floats:
    """Return `flow` fading by a clock with its own pace, (candles,)."""
    clock: Ints = runner.warped(pace(runner))
    return runner.swept(clock_ms=clock)


def speed(hours: int, power: float, runner: Runner) -> Floats:
    """Return how fast time passes: a power of volatility over its usual one."""
    return np.asarray(runner.wildness(hours) ** power)


def _volume_speed(runner: Runner) -> Floats:
    return np.asarray(runner.mass() ** (1.0 / FLOW.volume_exponent))
