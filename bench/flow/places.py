"""Vary where mass enters and stands: in the candle, at which distances, on which side."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from bench.flow.parts import Named, changed
from bench.flow.runs import Runner, before, trailing
from engine.model import Floats
from engine.presets import FLOW, EntryPoint, Level


def entry() -> Iterable[Named]:
    """Yield other points of a candle that mass enters at."""
    yield changed("at the close", entry=(EntryPoint(close=1.0),))
    yield changed("at the open", entry=(EntryPoint(open=1.0),))
    yield changed(
        "open and close apart", entry=(EntryPoint(open=1.0, share=0.5), EntryPoint(close=1.0, share=0.5))
    )
    yield changed("middle of low and high", entry=(EntryPoint(low=0.5, high=0.5),))
    ends = tuple(EntryPoint(**{name: 1.0}, share=0.25) for name in ("open", "high", "low", "close"))
    yield changed("four prices apart", entry=ends)
    for points in (3, 5, 9):
        yield changed(f"triangle of {points} points, low to high", entry=(), spread=points)


def levels(distances: Iterable[float], weigh: Callable[[float], float]) -> tuple[Level, ...]:
    """Return levels at distances, each with a weight by its own."""
    return tuple(Level.at(float(d), weight=float(weigh(d))) for d in distances)


def distances() -> Iterable[Named]:
    """Yield other distances and weights, those of margin tiers among them."""
    usual = FLOW.distances
    for power in (0.0, 0.5, 0.75, 1.25, 1.5):
        yield changed(f"weight distance^{power:g}", levels=levels(usual, partial(power_of, power)))
    for scale in (0.01, 0.03, 0.06):
        yield changed(f"thin tail, fading over {scale:.0%}", levels=levels(usual, partial(_thin, scale)))
    yield changed("fat tail, to 20 %", levels=levels((*usual, 0.125, 0.16, 0.2), partial(power_of, 1.0)))
    yield changed("nearer, from .1 %", levels=levels((0.001, 0.0015, *usual), partial(power_of, 1.0)))
    yield changed("none under .3 %", levels=levels(usual[1:], partial(power_of, 1.0)))
    yield changed("33 distances", levels=levels(np.geomspace(0.002, 0.1, 33), partial(power_of, 1.0)))
    yield changed("none beyond 5 %", levels=levels(usual[:14], partial(power_of, 1.0)))
    for power in (0.0, 1.0):
        name = "even" if power == 0.0 else "by distance"
        yield changed(f"tiers of BTC, weighed {name}", levels=tierlevels(power))


def power_of(power: float, distance: float) -> float:
    """Return a weight by a power of distance, 1 % weighing as in `flow`."""
    return 0.01 * float((distance / 0.01) ** power)


def _thin(scale: float, distance: float) -> float:
    return distance * math.exp(-distance / scale)


BTC_TIERS = (
    (150, 0.004),
    (100, 0.005),
    (75, 0.0065),
    (50, 0.01),
    (25, 0.02),
    (20, 0.025),
    (10, 0.05),
    (5, 0.1),
)
"""Highest leverage and maintenance margin rate of Binance's brackets of BTC, as of 2026-09."""
LADDER = (3, 5, 8, 10, 15, 20, 25, 40, 50, 75, 100, 125, 150)


def tierlevels(power: float) -> tuple[Level, ...]:
    """Return levels of every leverage in every bracket that allows it, weighed by a power of distance."""
    rungs = [
        Level.rung(float(leverage), rate, weight=1.0)
        for most, rate in BTC_TIERS
        for leverage in LADDER
        if leverage <= most and 1.0 / leverage > rate + 0.001
    ]
    return tuple(replace(rung, weight=power_of(power, rung.distance)) for rung in rungs)


def volatility_weights() -> Iterable[Named]:
    """Yield weights that lean to far or near levels as volatility changes."""
    for hours in (4, 24, 168):
        for power in (0.5, 1.0):
            name = f"farther by volatility of {hours} h, power {power:g}"
            yield name, partial(_tilted, hours, power)
    yield "nearer by volatility of 24 h, power 0.5", partial(_tilted, 24, -0.5)


def _tilted(hours: int, power: float, runner: Runner) -> Floats:
    """Return `flow` with weights tilted to far levels when it is wild, and to near ones when calm."""
    wild = runner.wildness(hours)
    logs = np.log(np.array(FLOW.distances) / 0.01)
    return runner.by_level(np.exp(np.clip(power * logs[:, None] * np.log(wild)[None, :], -4.0, 4.0)))


def sides() -> Iterable[Named]:
    """Yield uneven splits between longs and shorts."""
    for tilt in (0.3, 0.6, 1.0, -0.3):
        yield f"by colour of the candle, {tilt:+g}", partial(_tilt_sides, partial(_colour, tilt))
    for tilt in (0.3, -0.3):
        yield f"by return of the last hour, {tilt:+g}", partial(_tilt_sides, partial(_momentum, tilt))
    for tilt in (0.25, -0.25):
        yield f"by funding, {tilt:+g}", partial(_tilt_sides, partial(_funding, tilt))


def _tilt_sides(tilt: Callable[[Runner], Floats], runner: Runner) -> Floats:
    mass, lean = runner.mass(), np.clip(tilt(runner), -1.0, 1.0)
    return runner.swept(mass=mass * (1.0 + lean), shorts=mass * (1.0 - lean))


def _colour(tilt: float, runner: Runner) -> Floats:
    return np.asarray(tilt * np.sign(runner.log_returns()))


def _momentum(tilt: float, runner: Runner) -> Floats:
    move = trailing(runner.log_returns(), 12) * math.sqrt(12.0)
    return np.asarray(tilt * np.tanh(move / runner.volatility(168)))


def _funding(tilt: float, runner: Runner) -> Floats:
    rate = np.nan_to_num(runner.study.funding[runner.first :])
    mean = before(rate, 30.0)
    spread = np.sqrt(np.maximum(before(rate**2, 30.0) - mean**2, 1e-14))
    return np.asarray(tilt * np.clip((rate - mean) / spread, -3.0, 3.0))
