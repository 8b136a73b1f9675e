"""Find by what a model's dollars have to be multiplied now, from what was reported in the last week."""

from dataclasses import dataclass, replace

import numpy as np

from engine.calibrate import LEAST_H, WEEK_H, level_factors
from engine.model import DAY_MS, HOUR_MS
from engine.presets import Preset, Unit
from engine.scoring.hours import fold_hours
from engine.scoring.predict import VenueBars, predict_all
from engine.scoring.report import Pair
from engine.task import Task

READ_DAYS = 52
"""Days of candles that count: the week, what stood at its start, and the mean volume before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelNow:
    """Hold reported over predicted USD of the week before `as_of_ms`, of which `hours` are known."""

    factor: Pair  # longs, shorts
    hours: int
    as_of_ms: int


def level_now(task: Task, preset: Preset, *, now_ms: int) -> LevelNow | None:
    """Return the factor of each side as it is known at `now_ms`; nothing after that goes into it.

    None where fewer than 48 hours of the week have both candles and reports, or where the model's dollars are
    not those that are reported: what stands is not what is liquidated.
    """
    venues = tuple(bars for each in task.venues if len((bars := _known(each, now_ms)).candles))
    if preset.unit is not Unit.EXPECTED or not venues or venues[0].venue != task.venues[0].venue:
        return None
    hours = fold_hours(venues[0].candles, step_ms=venues[0].step_ms)
    end = min(now_ms // HOUR_MS, hours.first + len(hours))
    reported = np.full((len(hours), 2), np.nan)
    row = task.reported.hour - hours.first
    kept = (row >= 0) & (task.reported.hour < end)
    reported[row[kept]] = task.reported.usd[kept]
    reported[~hours.whole] = np.nan
    count = end - hours.first
    known = int((~np.isnan(reported[:count][-WEEK_H:, 0])).sum()) if count > 0 else 0
    if known < LEAST_H:
        return None
    made = predict_all(preset, venues, hours, usd_scale=task.usd_scale).walk + task.background_usd
    long, short = level_factors(made[:count], reported[:count])[-1].tolist()
    return LevelNow(factor=(long, short), hours=known, as_of_ms=end * HOUR_MS)


def _known(bars: VenueBars, now_ms: int) -> VenueBars:
    """Return the candles that count and had closed by a time."""
    ts = bars.candles.ts
    first, end = np.searchsorted(ts, [now_ms - READ_DAYS * DAY_MS, now_ms - bars.step_ms + 1])
    return replace(bars, candles=bars.candles[slice(int(first), int(end))])
