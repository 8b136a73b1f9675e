"""Ask whether reported dollars fell where zones stood: lift and coverage, beside placebo zones.

A zone stands in distance bins from the price at an hour's open. As price goes on, each hour's reported
dollars are spread evenly over the range that is traversed for the first time since then; what lies in a
zone counts for it. *Coverage* is the share of that range which zones covered, *lift* the share of the
dollars over the share of the range. Far distances are only reached in hours with many dollars, so zones
that stand far lift by that alone: placebos show how much, and the lift *at equal distance* leaves it out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.columns import Columns
from engine.model import HOUR_MS, Floats, Ints, Side, ZoneSet
from engine.scoring.hours import Hours
from engine.scoring.measures import Days, Interval
from engine.zones import ZoneBook, ZoneParams

Marks = npt.NDArray[np.bool_]  # (hours, sides, distance bins)
HORIZONS_H = (1, 4, 24)
SHIFTS = (0.0025, 0.005, 0.01)
"""How far the shifted zones stand from where they should, in log price; ends wrap around."""
APART_H = 24
SIDES = (Side.LONG, Side.SHORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneScore:
    """Hold how one kind of zones fared at one horizon; `kind` is zones or a placebo's name."""

    kind: str
    horizon_h: int
    coverage: float
    dollars: float
    lift: Interval
    lift_at_distance: Interval


def mark_zones(columns: Columns, hours: Hours, params: ZoneParams) -> tuple[Marks, npt.NDArray[np.bool_]]:
    """Return which distance bins hold a zone at each hour's open, and for which hours that is known.

    Columns are those at the hours' opens; zones are judged by those before, as a running product would.
    """
    marks = np.zeros((len(hours), 2, params.bins), np.bool_)
    known = np.zeros(len(hours), np.bool_)
    book = ZoneBook("", "", params)
    for row in range(len(columns)):
        judged, _ = book.update(columns[row : row + 1])
        at = int(columns.ts[row] // HOUR_MS) - hours.first
        if 0 <= at < len(hours) and judged.threshold_ready:
            marks[at] = _marks_of(judged, params)
            known[at] = True
    return marks, known


def _marks_of(judged: ZoneSet, params: ZoneParams) -> Marks:
    marks = np.zeros((2, params.bins), np.bool_)
    for zone in judged.zones:
        ends = np.abs(np.log(np.array([zone.low, zone.high]) / judged.price)) / params.bin_log
        near, far = np.sort(np.rint(ends)).astype(np.int64)
        marks[SIDES.index(zone.side), near:far] = True
    return marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Walks:
    """Hold what price traversed first within a horizon of each start hour, in distance bins.

    `range_` and `usd` are (starts, sides, bins): log price traversed, and reported dollars spread over it.
    """

    starts: Ints
    range_: Floats
    usd: Floats


def walks(hours: Hours, reported: Floats, starts: Ints, *, horizon_h: int, params: ZoneParams) -> Walks:
    """Return what each start hour's horizon traversed; `reported` is (hours, sides), NaN where unknown."""
    shape = (len(starts), 2, params.bins)
    range_, usd = np.zeros(shape), np.zeros(shape)
    for side, seen in enumerate((hours, hours.mirrored())):
        reached = np.zeros(len(starts))
        for later in range(horizon_h):
            at = starts + later
            inside = at < len(hours)
            at = np.minimum(at, len(hours) - 1)
            depth = np.where(inside, seen.open[starts] - seen.low[at], reached)
            amount = reported[at, side]
            fresh = np.where(np.isnan(amount), 0.0, np.maximum(depth - reached, 0.0))
            parts = _spread_over(reached, fresh, params)
            range_[:, side] += parts
            per_log = np.divide(np.nan_to_num(amount), fresh, out=np.zeros(len(starts)), where=fresh > 0.0)
            usd[:, side] += parts * per_log[:, None]
            reached = np.maximum(reached, depth)
    return Walks(starts=starts, range_=range_, usd=usd)


def _spread_over(begin: Floats, length: Floats, params: ZoneParams) -> Floats:
    """Return how much of each distance bin lies between `begin` and `begin + length`."""
    edges = np.arange(params.bins + 1) * params.bin_log
    below = np.clip(edges[None, :], begin[:, None], (begin + length)[:, None])
    return np.diff(below, axis=1)


def placebo_marks(
    marks: Marks, known: npt.NDArray[np.bool_], params: ZoneParams, *, seed: int
) -> dict[str, Marks]:
    """Return zones put elsewhere: shifted, at random distances, and as they stood at another hour."""
    rng = np.random.default_rng(seed)
    made = {}
    for shift in SHIFTS:
        made[f"shifted {shift:.2%}"] = np.roll(marks, round(shift / params.bin_log), axis=2)
    turn = rng.integers(1, params.bins, marks.shape[:2])
    place = (np.arange(params.bins) + turn[:, :, None]) % params.bins
    made["random"] = np.take_along_axis(marks, place, axis=2)
    other = marks.copy()
    rows = np.flatnonzero(known)
    other[rows] = marks[_others(rows, rng)]
    made["another hour"] = other
    return made


def _others(rows: Ints, rng: np.random.Generator) -> Ints:
    """Return a row a day or more away for each row, as far as there is one."""
    count = len(rows)
    room = count - 2 * APART_H
    if room < 1:
        return rows[rng.permutation(count)]
    return np.asarray(rows[(np.arange(count) + APART_H + rng.integers(0, room + 1, count)) % count])


def score_zones(kind: str, horizon_h: int, marks: Marks, walked: Walks, days: Days) -> ZoneScore:
    """Return how zones fared, against the range they covered and against their distances."""
    standing = marks[walked.starts]
    usd, range_ = walked.usd, walked.range_
    inside = np.where(standing, usd, 0.0).sum(axis=(1, 2))
    covered = np.where(standing, range_, 0.0).sum(axis=(1, 2))
    everything, whole = usd.sum(axis=(1, 2)), range_.sum(axis=(1, 2))
    travelled = range_.sum(axis=0)
    usual = np.divide(usd.sum(axis=0), travelled, out=np.zeros(travelled.shape), where=travelled > 0.0)
    expected = np.where(standing, range_ * usual, 0.0).sum(axis=(1, 2))
    return ZoneScore(
        kind=kind,
        horizon_h=horizon_h,
        coverage=_share(covered, whole),
        dollars=_share(inside, everything),
        lift=days.lift(inside, everything, covered, whole),
        lift_at_distance=days.ratio(inside, expected),
    )


def _share(part: Floats, whole: Floats) -> float:
    total = float(whole.sum())
    return float(part.sum()) / total if total > 0.0 else float("nan")
