"""Say what to measure and by which hours it is judged: those in which everything it takes is known."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.calibration import BTC_USD_SCALE
from engine.errors import DataError
from engine.model import HOUR_MS, STEP_MS, Floats, Ints
from engine.presets import FLOW, Fuel, Preset, Unit
from engine.scoring.folds import FOLDS
from engine.scoring.holding import Known, holding, hours_held, hours_to_judge
from engine.scoring.hours import Hours, fold_hours
from engine.scoring.predict import VenueBars
from engine.zones import ZoneParams

BACKGROUND_USD = 25_000.0
"""What is liquidated in any hour and side of BTC, whatever price does."""
LEAST_DAYS = 14
"""Days of known hours below which eight folds with a day purged around them mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Hold reported liquidations of known hours: their numbers (n,) and USD (n, 2), longs first."""

    hour: Ints
    usd: Floats
    venues: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Say what to measure. The first venue is the one whose price counts; times are of hours judged."""

    symbol: str
    venues: tuple[VenueBars, ...]
    reported: Reported
    presets: tuple[Preset, ...] = (FLOW,)
    usd_scale: float = BTC_USD_SCALE
    from_ms: int | None = None
    to_ms: int | None = None
    seed: int = 1
    shuffles: int = 3
    zones: ZoneParams = field(default_factory=ZoneParams)

    @property
    def background_usd(self) -> float:
        """Return the background of the symbol, in proportion to its scale."""
        return BACKGROUND_USD * self.usd_scale / BTC_USD_SCALE

    @property
    def followers(self) -> tuple[Preset, ...]:
        """Return the presets whose mass is open interest."""
        return tuple(preset for preset in self.presets if preset.fuel is Fuel.OPEN_INTEREST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Hold the hours that are judged: their rows among all hours, and what was reported in them."""

    hours: Hours
    rows: Ints
    usd: Floats  # (rows, 2)

    @property
    def hour(self) -> Ints:
        """Return the numbers of the judged hours."""
        return self.hours.hour[self.rows]

    def everywhere(self) -> Floats:
        """Return what was reported for all hours, NaN where it is not known or not judged."""
        usd = np.full((len(self.hours), 2), np.nan)
        usd[self.rows] = self.usd
        return usd


def judged_hours(task: Task) -> Judged:
    """Return the hours to judge by: reported, with all candles, warmed up, in the stretch asked for.

    With a model that follows open interest they are those in which it is known, warmed up as well unless an
    earlier beginning was asked for: all models of a task are judged by the same hours. Raise DataError where
    there is no open interest to follow, and where hours are too few to say anything.
    """
    first = task.venues[0]
    hours = fold_hours(first.candles, step_ms=first.step_ms)
    begin = hours.first + round(24 * max(preset.warm_days for preset in task.presets))
    begin = begin if task.from_ms is None else max(begin, -(-task.from_ms // HOUR_MS))
    end = hours.first + len(hours) if task.to_ms is None else task.to_ms // HOUR_MS
    row = task.reported.hour - hours.first
    kept = (task.reported.hour >= begin) & (task.reported.hour < end) & (row < len(hours))
    kept[kept] = (hours.whole & _followed(task, hours))[row[kept]]
    judged = Judged(hours=hours, rows=row[kept], usd=task.reported.usd[kept])
    if len(judged.rows) < LEAST_DAYS * 24:
        both = "both candles" if not task.followers else "candles, open interest"
        raise DataError(
            f"{task.symbol}: {len(judged.rows)} hours have {both} and reported liquidations after "
            f"{max(p.warm_days for p in task.presets):g} days of warming up; {LEAST_DAYS * 24} are needed"
        )
    if not (judged.usd.sum(axis=0) > 0.0).all():
        raise DataError(
            f"{task.symbol}: no liquidation of one side was reported; there is nothing to explain"
        )
    return judged


def _followed(task: Task, hours: Hours) -> Known:
    """Return in which hours every model of a task can be judged; DataError where it never can."""
    if not task.followers:
        return np.ones(len(hours), np.bool_)
    if not holding(task.venues):
        follows = "follows" if len(task.followers) == 1 else "follow"
        raise DataError(
            f"{task.symbol}: {_listed(task.followers)} {follows} open interest, and none is known on "
            f"{', '.join(bars.venue for bars in task.venues)}. Bring some: liqwatch import VENUE "
            f"{task.symbol} FILE (columns ts, open_interest)."
        )
    warm_days = max(preset.warm_days for preset in task.followers) if task.from_ms is None else 0.0
    return hours_to_judge(hours_held(task.venues, hours), warm_days=warm_days)


def notes_of(task: Task, judged: Judged, *, with_zones: bool) -> list[str]:
    """Return what a reader must know beside the figures."""
    notes = [f"{FOLDS} contiguous folds, 24 hours purged around each."]
    minutes = task.venues[0].step_ms // 60_000
    if task.venues[0].step_ms > STEP_MS:
        notes.append(f"Candles of {minutes} minutes: models want 5, and explain less with these.")
    missing = int(judged.hour[-1] - judged.hour[0]) + 1 - len(judged.rows)
    if missing:
        lack = "candles, open interest or reports" if task.followers else "candles or reports"
        notes.append(f"{missing} hours in between lack {lack} and were left out.")
    if not with_zones:
        notes.append("Too little history to judge zones.")
    return [*notes, *_notes_on_standing(task), *_notes_on_open_interest(task, judged)]


def _notes_on_standing(task: Task) -> list[str]:
    """Return what the dollars of models mean that do not expect liquidations."""
    names = _listed([preset for preset in task.presets if preset.unit is Unit.STANDING])
    if not names:
        return []
    note = (
        f"Dollars of {names} are of positions that stood where price went, not of liquidations expected. "
        "Predicted over reported says how many stood for each that was reported; it is no error of level."
    )
    return [note]


def _notes_on_open_interest(task: Task, judged: Judged) -> list[str]:
    """Return what is amiss with the open interest that models follow."""
    if not task.followers:
        return []
    names, held = _listed(task.followers), hours_held(task.venues, judged.hours)
    warm_days = max(preset.warm_days for preset in task.followers)
    early = int((~hours_to_judge(held, warm_days=warm_days))[judged.rows].sum())
    notes = []
    if early:
        notes.append(f"{names}: {early} hours have less than {warm_days:g} days of open interest before.")
    without = [bars.venue for bars in task.venues if bars.venue not in holding(task.venues)]
    if without:
        notes.append(f"{names}: without what stands on {', '.join(without)}: no open interest known.")
    return notes


def _listed(presets: Sequence[Preset]) -> str:
    return " and ".join(preset.name for preset in presets)
