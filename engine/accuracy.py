"""Measure how well models say where liquidations sit: the whole protocol, deterministic under a seed.

Unit is the hour and side. Predictions are conditional on where price went: they say where liquidations sit,
not where price goes. Every prediction goes through a curve fitted on other days; baselines and placebos go
the same way.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.calibrate import WEEK_H, level_factors
from engine.model import DAY_MS, HOUR_MS, Floats, Ints
from engine.presets import FLOW, Preset, Unit
from engine.scoring import placebos
from engine.scoring.board import Board, pair
from engine.scoring.features import price_only
from engine.scoring.measures import Days
from engine.scoring.predict import Predicted, VenueBars, predict_all
from engine.scoring.report import Kind, Level, Report, Role
from engine.scoring.zone_lift import HORIZONS_H, ZoneScore, mark_zones, placebo_marks, score_zones, walks
from engine.task import Judged, Task, judged_hours, notes_of

LADDER, RANDOM = "fixed 1/L", "random distances"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold the report, and the first model's predictions for every hour there are candles for."""

    report: Report
    hour: Ints
    walk: Floats  # (hours, 2) USD with background
    frozen: Floats


def no_news(_: str) -> None:
    """Take no note of progress."""


def measure(task: Task, note: Callable[[str], None] = no_news) -> Outcome:
    """Return how each model of the task does; DataError where there is too little to judge by.

    `note` is told what is being done.
    """
    judged = judged_hours(task)
    note("price only")
    price = [table[judged.rows] for table in price_only(judged.hours)]
    board = Board(judged.hour, judged.usd, price, seed=task.seed)
    run = _Run(task, judged, board, note)
    run.baselines()
    found = [run.model(preset) for preset in task.presets]
    zones = run.zones(found[0])
    walks_ = [made.walk + task.background_usd for made in found]
    levels = tuple(
        (preset.name, _level(judged, made))
        for preset, made in zip(task.presets, walks_, strict=True)
        if preset.unit is Unit.EXPECTED
    )
    return Outcome(
        report=_report(task, judged, board, zones, levels),
        hour=judged.hours.hour,
        walk=walks_[0],
        frozen=found[0].frozen + task.background_usd,
    )


class _Run:
    """Make the predictions of one measurement and put them on the board."""

    def __init__(self, task: Task, judged: Judged, board: Board, note: Callable[[str], None]) -> None:
        self._task, self._judged, self._board, self._note = task, judged, board, note

    def baselines(self) -> None:
        """Judge distance alone, fixed distances from the leverages on offer, and random ones."""
        task = self._task
        self._note("distance only")
        even = self._predict(FLOW, tuple(placebos.uniform(bars) for bars in task.venues))
        self._board.set_distance(self._usd(even.walk))
        self._baseline(LADDER, placebos.ladder(FLOW))
        for nth in range(1, task.shuffles + 1):
            self._baseline(f"{RANDOM} {nth}", placebos.random_distances(FLOW, seed=task.seed + nth))

    def _baseline(self, name: str, preset: Preset) -> None:
        self._note(name)
        found = self._predict(preset, self._task.venues)
        self._board.judge(name, Role.BASELINE, self._usd(found.walk))

    def model(self, preset: Preset) -> Predicted:
        """Judge a model, walk-forward and frozen, and its placebos; return what it predicted."""
        task, name = self._task, preset.name
        self._note(name)
        found = self._predict(preset, task.venues, columns=preset is task.presets[0])
        self._board.judge(name, Role.MODEL, self._usd(found.walk), model=name)
        self._board.judge(name, Role.MODEL, self._usd(found.frozen), model=name, kind=Kind.FROZEN)
        for nth in range(1, task.shuffles + 1):
            label = f"{name}, days shuffled {nth}"
            self._note(label)
            seed = task.seed + nth
            mixed = tuple(placebos.days_shuffled(preset, bars, seed=seed) for bars in task.venues)
            placebo = self._predict(preset, mixed)
            self._board.judge(label, Role.PLACEBO, self._usd(placebo.walk), model=name)
        return found

    def _predict(self, preset: Preset, venues: tuple[VenueBars, ...], *, columns: bool = False) -> Predicted:
        """Return predictions of all hours; the scale is for expected dollars, what stands is in dollars."""
        scale = self._task.usd_scale if preset.unit is Unit.EXPECTED else 1.0
        return predict_all(preset, venues, self._judged.hours, usd_scale=scale, columns=columns)

    def _usd(self, predicted: Floats) -> Floats:
        """Return a prediction of the judged hours, with the background."""
        usd: Floats = predicted[self._judged.rows] + self._task.background_usd
        return usd

    def zones(self, found: Predicted) -> tuple[ZoneScore, ...]:
        """Judge zones and placebo zones from every judged hour at whose open zones were known."""
        task, judged = self._task, self._judged
        self._note("zones")
        begin_ms = int(judged.hour[0]) * HOUR_MS - (task.zones.days + 1) * DAY_MS
        recent = slice(int(np.searchsorted(found.columns.ts, begin_ms)), None)
        marks, known = mark_zones(found.columns[recent], judged.hours, task.zones)
        starts = judged.rows[known[judged.rows]]
        if not len(starts):
            return ()
        days = Days(judged.hours.hour[starts], seed=task.seed)
        kinds = {"zones": marks, **placebo_marks(marks, known, task.zones, seed=task.seed)}
        scores: list[ZoneScore] = []
        for horizon_h in HORIZONS_H:
            walked = walks(judged.hours, judged.everywhere(), starts, horizon_h=horizon_h, params=task.zones)
            scores += [score_zones(kind, horizon_h, each, walked, days) for kind, each in kinds.items()]
        return tuple(scores)


def _level(judged: Judged, walk: Floats) -> Level:
    """Return what the weekly factor does to a model's dollars."""
    reported = judged.everywhere()
    factors = level_factors(walk, reported)
    usd, raw = judged.usd, walk[judged.rows]
    levelled = raw * factors[judged.rows]
    week = (judged.hour - judged.hour[0]) // WEEK_H
    return Level(
        factor=pair(*factors[-1]),
        raw_ratio=pair(*_ratio(raw, usd)),
        levelled_ratio=pair(*_ratio(levelled, usd)),
        raw_drift=pair(*_drift(raw, usd, week)),
        levelled_drift=pair(*_drift(levelled, usd, week)),
    )


def _ratio(predicted: Floats, reported: Floats) -> Floats:
    ratio: Floats = predicted.sum(axis=0) / reported.sum(axis=0)
    return ratio


def _drift(predicted: Floats, reported: Floats, week: Ints) -> Floats:
    """Return how far the weeks' ratios stray from each other: the deviation of their logarithms."""
    logs = []
    for side in range(2):
        mine, theirs = (np.bincount(week, values[:, side]) for values in (predicted, reported))
        some = (mine > 0.0) & (theirs > 0.0)
        logs.append(float(np.std(np.log(mine[some] / theirs[some]))) if some.any() else np.nan)
    return np.array(logs)


def _report(
    task: Task,
    judged: Judged,
    board: Board,
    zones: tuple[ZoneScore, ...],
    levels: tuple[tuple[str, Level], ...],
) -> Report:
    return Report(
        symbol=task.symbol,
        models=tuple(preset.name for preset in task.presets),
        venues=tuple(bars.venue for bars in task.venues),
        reported_by=task.reported.venues,
        from_ms=int(judged.hour[0]) * HOUR_MS,
        to_ms=(int(judged.hour[-1]) + 1) * HOUR_MS,
        hours=len(judged.rows),
        days=len(np.unique(judged.hour // 24)),
        step_ms=task.venues[0].step_ms,
        seed=task.seed,
        usd_scale=task.usd_scale,
        background_usd=task.background_usd,
        reported_usd=pair(*judged.usd.sum(axis=0)),
        skills=tuple(board.skills),
        zones=zones,
        levels=levels,
        notes=tuple(notes_of(task, judged, with_zones=bool(zones))),
        standing=tuple(preset.name for preset in task.presets if preset.unit is Unit.STANDING),
    )
