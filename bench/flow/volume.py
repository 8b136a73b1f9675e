"""Vary what a candle's mass is made of: its volume, on spot or perpetuals, over one norm or another."""

from collections.abc import Iterable
from functools import partial

import numpy as np

from bench.flow.parts import Named, changed, flow, massed, mixed
from bench.flow.runs import Runner, trailing
from bench.flow.study import Study
from engine.model import STEP_MS, Floats
from engine.presets import FLOW, Preset

CANDLES_15M = 3
"""Candles that the study spreads one spot volume over."""


def volume() -> Iterable[Named]:
    """Yield other norms and exponents of volume."""
    for exponent in (0.5, 0.6, 0.9, 1.0):
        yield changed(f"exponent {exponent:g}", volume_exponent=exponent)
    for days in (7.0, 14.0):
        yield changed(f"norm of {days:g} days", norm_days=days)
    yield "spot volume known late (no look-ahead)", partial(massed, _late)
    yield "norm by hour of day", partial(massed, _by_hour_of_day)
    yield "volume of the last half hour", partial(massed, _smooth)


def _late(runner: Runner) -> Floats:
    return runner.mass(late(runner.study.candles.quote_volume, runner.study))


def late(quote: Floats, study: Study) -> Floats:
    """Return volumes of 15 minutes that are over: the study's own spread of them looks 10 minutes ahead."""
    slot = (study.candles.ts // STEP_MS) % CANDLES_15M
    return np.where(slot == CANDLES_15M - 1, quote, np.roll(quote, CANDLES_15M))


def evenly(quote: Floats, study: Study) -> Floats:
    """Return volumes spread over their 15 minutes, as the study's spot volume is."""
    row = study.candles.ts // (CANDLES_15M * STEP_MS)
    row = row - row[0]
    return np.asarray((np.bincount(row, quote) / np.bincount(row))[row])


def _by_hour_of_day(runner: Runner) -> Floats:
    """Return mass by volume over its mean at the same hour of the 28 days before."""
    quote = runner.study.candles.quote_volume
    day = 288
    hour = trailing(quote, 12)
    past = np.mean([np.roll(hour, day * back) for back in range(1, 29)], axis=0)
    mass: Floats = (quote / np.maximum(past, 1.0)) ** FLOW.volume_exponent
    return mass[runner.first :]


def _smooth(runner: Runner) -> Floats:
    return runner.mass(trailing(runner.study.candles.quote_volume, 6))


def venues() -> Iterable[Named]:
    """Yield perpetual volume in place of spot volume."""
    for name, rows in (("Binance", [0]), ("Binance and Bybit", [0, 1]), ("three venues", [0, 1, 2])):
        for span in (1, 24):
            label = f"perpetual, {name}, ratio to spot of the last {span} h"
            yield label, partial(massed, partial(perpetual, rows, span))
    yield "perpetual of the last hour alone, three venues", partial(massed, _last_hour)
    yield (
        "spot and perpetual in equal parts",
        partial(mixed, [(flow, 0.5), (partial(massed, partial(perpetual, [0, 1, 2], 1)), 0.5)]),
    )


def perpetual(rows: list[int], span_h: int, runner: Runner, preset: Preset = FLOW) -> Floats:
    """Return mass by perpetual volume, of the venues in `rows`."""
    return runner.mass(perpetual_quote(rows, span_h, runner.study), preset)


def perpetual_quote(rows: list[int], span_h: int, study: Study) -> Floats:
    """Return spot volume times what perpetuals traded for each dollar of spot in hours that were over.

    One value for each of the study's candles, in USD; where venues' hours end the last ratio is kept.
    """
    quote, row = study.candles.quote_volume, study.hour_row
    traded = _known(study.venue_volume[rows])
    by_hour = np.bincount(row, quote)
    spot = np.concatenate([by_hour[:1], by_hour])[row]  # of the hour before
    ratio = trailing(traded, 12 * span_h) / np.maximum(trailing(spot, 12 * span_h), 1.0)
    known = np.isfinite(study.venue_volume[rows[0]])
    ratio = ratio[np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))]
    return np.asarray(quote * ratio)


def _known(volumes: Floats) -> Floats:
    """Return the sum over venues; one not known has its last share, or its first."""
    base = volumes[0]
    total = np.zeros(base.shape)
    for each in volumes:
        at = np.where(np.isnan(each), 0, np.arange(len(each)))
        share = (each / base)[np.maximum.accumulate(at)]
        first = share[np.argmax(~np.isnan(share))]
        total += np.where(np.isnan(share), first, share)
    held = base[np.maximum.accumulate(np.where(np.isnan(base), 0, np.arange(len(base))))]
    return np.asarray(np.nan_to_num(total * held))


def _last_hour(runner: Runner) -> Floats:
    return runner.mass(_known(runner.study.venue_volume))
