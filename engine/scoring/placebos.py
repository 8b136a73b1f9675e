"""Make the baselines and placebos of a model: the same kernel with something taken away or made up."""

from dataclasses import replace

import numpy as np

from engine.model import DAY_MS, HOUR_MS, Floats, Ints
from engine.presets import Fuel, Level, Preset
from engine.scoring.predict import VenueBars

LADDER = (5, 10, 20, 25, 50, 75, 100, 125)
"""Leverages that traders are offered: fixed distances are one over them."""
NEAREST, FARTHEST = 0.002, 0.1


def uniform(bars: VenueBars) -> VenueBars:
    """Return the same prices with the same volume in every bar: what is left is distance."""
    c = bars.candles
    even = np.ones(len(c))
    return replace(bars, candles=replace(c, volume=even, quote_volume=even))


def days_shuffled(preset: Preset, bars: VenueBars, *, seed: int) -> VenueBars:
    """Return the same prices with what the preset makes mass of taken from other days.

    Volume stays where mass is open interest: it says at which price of a candle mass enters.
    """
    if preset.fuel is Fuel.OPEN_INTEREST:
        return shuffled_open_interest(bars, seed=seed)
    return shuffled(bars, seed=seed)


def shuffled(bars: VenueBars, *, seed: int) -> VenueBars:
    """Return the same prices with volume and changes of open interest taken from other days.

    Whole days change places, each bar staying at its time of day, so that only *when* is wrong. Days that
    lack bars stay where they are.
    """
    c = bars.candles
    source = _swapped(len(c), _days(c.ts, bars.step_ms), seed)
    known = replace(c, quote_volume=np.where(np.isnan(c.quote_volume), c.volume * c.close, c.quote_volume))
    return replace(
        bars,
        candles=replace(
            known,
            volume=known.volume[source],
            quote_volume=known.quote_volume[source],
            taker_buy_volume=known.taker_buy_volume[source],
            open_interest=_replayed(c.open_interest, source),
        ),
    )


def shuffled_open_interest(bars: VenueBars, *, seed: int) -> VenueBars:
    """Return the same prices and volume with changes of open interest taken from other days.

    It starts where it did and makes the relative changes of other days, bar by bar at their time of day. A
    day takes part where open interest is known in each of its hours: those before it was known would bring
    days on which nothing opens.
    """
    c = bars.candles
    rows = _days(c.ts, bars.step_ms)
    held = np.unique(c.ts[np.isfinite(c.open_interest)] // HOUR_MS)
    known = np.isin(c.ts[rows] // HOUR_MS, held).all(axis=1)
    source = _swapped(len(c), rows[known], seed)
    return replace(bars, candles=replace(c, open_interest=_replayed(c.open_interest, source)))


def _swapped(count: int, rows: Ints, seed: int) -> Ints:
    """Return for each of `count` bars which takes its place; `rows` holds the days that change places."""
    source = np.arange(count)
    source[rows] = rows[np.random.default_rng(seed).permutation(len(rows))]
    return source


def _days(ts: Ints, step_ms: int) -> Ints:
    """Return the rows of every full day, (days, bars of a day)."""
    day = ts // DAY_MS
    first = np.flatnonzero(np.diff(day, prepend=day[0] - 1)) if len(day) else np.empty(0, np.int64)
    size = np.diff(np.append(first, len(day)))
    bars = DAY_MS // step_ms
    return np.asarray(first[size == bars][:, None] + np.arange(bars))


def _replayed(open_interest: Floats, source: Ints) -> Floats:
    """Return open interest that starts where it did and makes the relative changes of other bars."""
    known = ~np.isnan(open_interest) & (open_interest > 0.0)
    if not known.any():
        return open_interest
    first = int(np.argmax(known))
    held = np.where(known, open_interest, np.nan)
    place = np.maximum.accumulate(np.where(known, np.arange(len(held)), first))
    change = np.diff(np.log(held[place]), prepend=np.log(held[first]))
    made: Floats = held[first] * np.exp(np.cumsum(change[source]))
    return np.where(known, made, np.nan)


def at_distances(preset: Preset, distances: Floats) -> Preset:
    """Return the preset with levels at other distances, weighted in proportion to them.

    Levels share out the same dollars: the weights add up to what the preset's do.
    """
    share = sum(preset.weights) / float(np.sum(distances))
    levels = tuple(Level.at(float(d), weight=float(d) * share) for d in np.sort(distances))
    return replace(preset, levels=levels)


def ladder(preset: Preset) -> Preset:
    """Return the preset with levels at one over each leverage on offer."""
    return at_distances(preset, 1.0 / np.array(LADDER, float))


def random_distances(preset: Preset, *, seed: int) -> Preset:
    """Return the preset with as many levels at random distances, even in log from .2 to 10 %."""
    rng = np.random.default_rng(seed)
    logs = rng.uniform(np.log(NEAREST), np.log(FARTHEST), len(preset.levels))
    return at_distances(preset, np.exp(logs))
