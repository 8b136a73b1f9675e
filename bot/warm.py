"""Compile the engine for models of an installation's own, before somebody waits for a picture of one."""

from collections.abc import Iterable

import numpy as np

from engine.heatmap import Heatmap
from engine.model import Candles
from engine.presets import PRESETS, Preset


def compile_models(presets: Iterable[Preset]) -> None:
    """Compile the engine's loops for presets that differ from the shipped ones in a way that asks for it.

    Loops are unrolled over lifetimes, so each number of them is compiled once, which takes seconds, and kept
    on disk. Call it in a thread.
    """
    done = {len(preset.lifetimes) for preset in PRESETS.values()}
    for preset in presets:
        if len(preset.lifetimes) not in done:
            done.add(len(preset.lifetimes))
            Heatmap(preset).feed(_flat())


def _flat() -> Candles:
    """Return one candle in which nothing happens."""
    one, unknown = np.ones(1), np.full(1, np.nan)
    return Candles(
        ts=np.zeros(1, np.int64),
        open=one,
        high=one,
        low=one,
        close=one,
        volume=one,
        quote_volume=one,
        taker_buy_volume=unknown,
        open_interest=unknown,
    )
