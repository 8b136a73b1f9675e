"""Feed open interest in: in place of volume, beside it, or as the speed of fading."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from bench.flow.parts import Named, flow, massed, mixed
from bench.flow.places import levels
from bench.flow.runs import Runner, before
from bench.flow.survival import clocked
from engine.model import Floats
from engine.presets import FLOW, LEVERAGE, Preset


def open_interest() -> Iterable[Named]:
    """Yield variants fed by open interest, alone or beside volume."""
    opened = partial(massed, _opened)
    yield "rising open interest alone", opened
    for share in (0.1, 0.25, 0.5):
        yield f"{share:.0%} of rising open interest", partial(mixed, [(flow, 1.0 - share), (opened, share)])
    for share in (0.05, 0.15, 0.3):
        yield f"{share:.0%} of leverage", partial(mixed, [(flow, 1.0 - share), (leverage, share)])
    on_flow = replace(LEVERAGE, levels=levels(FLOW.distances, lambda d: d / 0.5), lifetimes=FLOW.lifetimes)
    for share in (0.15, 0.3):
        name = f"{share:.0%} of leverage on flow's distances"
        yield name, partial(mixed, [(flow, 1.0 - share), (partial(_standing, on_flow), share)])
    yield "volume where open interest rises", partial(massed, partial(_gated, 1.0))
    yield "volume where open interest falls", partial(massed, partial(_gated, -1.0))
    yield "volume times open interest", partial(massed, _levelled)
    for factor in (1.0, 4.0):
        yield f"faster fading on closing, {factor:g}", partial(clocked, partial(_closing, factor))


def _coins(runner: Runner) -> Floats:
    """Return open interest, held where it is not known; the first known before that."""
    coins = runner.study.candles.open_interest[runner.first :]
    at = np.maximum.accumulate(np.where(np.isnan(coins), 0, np.arange(len(coins))))
    held: Floats = coins[at]
    return np.where(np.isnan(held), coins[np.argmax(~np.isnan(coins))], held)


def _change(runner: Runner) -> Floats:
    """Return the relative change of open interest within each candle; readings are of the opens.

    That is generous: a venue tells the reading some time after the candle that it ends.
    """
    logs = np.log(_coins(runner))
    return np.diff(logs, append=logs[-1])


def _opened(runner: Runner) -> Floats:
    change = np.maximum(_change(runner), 0.0)
    usual = before(change, 7.0)
    mass: Floats = np.where(usual > 0.0, change / np.maximum(usual, 1e-9), 0.0)
    return np.minimum(mass, 50.0)


def _gated(sign: float, runner: Runner) -> Floats:
    change = _change(runner)
    usual = np.sqrt(before(change**2, 7.0)) + 1e-12
    return np.asarray(runner.mass() * (1.0 + 0.5 * np.tanh(sign * change / usual)))


def _levelled(runner: Runner) -> Floats:
    coins = _coins(runner)
    return np.asarray(runner.mass() * coins / before(coins, 30.0))


def leverage(runner: Runner) -> Floats:
    """Return what the preset `leverage` sweeps, in dollars that stood."""
    return _standing(LEVERAGE, runner)


def _standing(preset: Preset, runner: Runner) -> Floats:
    return runner.swept(preset, mass=np.zeros(len(runner.ts)), open_interest=True)


def _closing(factor: float, runner: Runner) -> Floats:
    change = _change(runner)
    fall = np.maximum(-change, 0.0)
    return np.asarray(1.0 + factor * np.minimum(fall / np.maximum(before(fall, 7.0), 1e-9), 20.0))
