"""Score what was predicted when a candle closed against what was liquidated in the next one.

A *moment* is one candle's close: zones and the surface stood then, by distance from the close, and the next
candle tells how far price went and who was liquidated. Dollars count where price came through after it: longs
below the close, shorts above it. *Coverage* is the share of that range which lay in zones, *share* the part
of the dollars that fell there, *lift* the one over the other: 1 is what zones put anywhere would have.
Intervals come from drawing whole hours again, for candles of an hour are not independent of each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.model import Floats, Ints, Side
from engine.scoring.measures import HOURS_A_DAY, Days, spearman
from engine.scoring.zone_lift import Walks, ZoneScore, placebo_marks, score_zones
from engine.standing import Standing
from engine.zones import ZoneParams

ZONES, DISTANCE_ONLY, RANGE = "zones", "distance only", "price range"
MIRRORED = "mirrored"
LEAST_HOURS = 6
"""In how many hours something must have been liquidated before an interval means anything."""
SIDES = (Side.LONG, Side.SHORT)
Marks = npt.NDArray[np.bool_]  # (sides, distance bins)
Band = tuple[Side, float, float]
"""A zone: whose positions, its lowest and its highest price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """What one model said when a candle closed.

    `marks` (2, bins) says which distances lay in zones, `depth` (2, bins + 1) how many dollars stood up to
    each edge of the distance bins, longs first.
    """

    marks: Marks
    depth: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One close, and what came: `hour` since 1970; `reach` (2,) is how far price went, in log price.

    `usd` (2, bins) are the dollars liquidated by distance, `elsewhere_usd` those of prices that had been
    passed before the close, `count` how many liquidations there were. `stood` holds each model by name.
    """

    hour: int
    reach: Floats
    usd: Floats
    elsewhere_usd: float
    count: int
    stood: Mapping[str, Stood]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all moments say together.

    `scores` are of zones, of the baseline's zones and of placebos, in this order; none where nothing was
    liquidated in front of the price. `ranks` says how the dollars that each kind of prediction expected rank
    with those reported, hour by hour and side by side, NaN where that cannot be said.
    """

    moments: int
    hours: int
    hours_with_any: int
    liquidations: int
    usd: float
    elsewhere_usd: float
    scores: tuple[ZoneScore, ...]
    ranks: Mapping[str, float]

    @property
    def has_intervals(self) -> bool:
        """Say whether there is enough for intervals to mean anything."""
        return self.hours_with_any >= LEAST_HOURS


def marks_of(bands: Sequence[Band], price: float, params: ZoneParams) -> Marks:
    """Return which distance bins from a price lie in zones."""
    marks = np.zeros((2, params.bins), np.bool_)
    for side, low, high in bands:
        ends = np.abs(np.log(np.array([low, high]) / price)) / params.bin_log
        near, far = np.sort(np.rint(ends)).astype(np.int64)
        marks[SIDES.index(side), near:far] = True
    return marks


def depth_of(standing: Standing, price: float, params: ZoneParams) -> Floats:
    """Return the dollars that a move from a price up to each edge of the distance bins would sweep."""
    away = np.exp(np.arange(params.bins + 1) * params.bin_log)
    return np.stack([standing.swept_at(price, price / away), standing.swept_at(price, price * away)])


def reach_of(price: float, low: float, high: float) -> Floats:
    """Return how far price went from a close, down and up, in log price; 0 where it did not go there."""
    return np.maximum([np.log(price / low), np.log(high / price)], 0.0)


def placed(
    price: float, reach: Floats, found: Sequence[tuple[Side, float, float]], params: ZoneParams
) -> tuple[Floats, float]:
    """Return the dollars of liquidations (side, price, USD) by distance (2, bins), and of those elsewhere.

    Elsewhere is where the range of a side did not go: prices on the other side of the close. A price beyond
    the range, by which candles and liquidations may differ a little, counts at its end.
    """
    usd, elsewhere = np.zeros((2, params.bins)), 0.0
    for side, at, dollars in found:
        row = SIDES.index(side)
        distance = float(np.log(price / at) if side is Side.LONG else np.log(at / price))
        if distance < 0.0 or reach[row] <= 0.0:
            elsewhere += dollars
            continue
        last = max(0, int(np.ceil(reach[row] / params.bin_log)) - 1)
        place = min(int(distance / params.bin_log), last, params.bins - 1)
        usd[row, place] += dollars
    return usd, elsewhere


def judge(moments: Sequence[Moment], params: ZoneParams, *, seed: int, model: str) -> Verdict:
    """Return what moments say of a model beside placebos, and a baseline where `DISTANCE_ONLY` stood too."""
    hours = np.array([each.hour for each in moments], np.int64)
    usd = np.array([each.usd for each in moments]).reshape(-1, 2, params.bins)
    reach = np.array([each.reach for each in moments]).reshape(-1, 2)
    paid = usd.sum(axis=(1, 2))
    walked = Walks(starts=np.arange(len(moments)), range_=_ranges(reach, params), usd=usd)
    return Verdict(
        moments=len(moments),
        hours=len(np.unique(hours)),
        hours_with_any=len(np.unique(hours[paid > 0.0])),
        liquidations=sum(each.count for each in moments),
        usd=float(paid.sum()),
        elsewhere_usd=float(sum(each.elsewhere_usd for each in moments)),
        scores=_scores(moments, walked, hours, params, seed, model) if paid.sum() > 0.0 else (),
        ranks=_ranks(moments, walked, hours, params) if paid.sum() > 0.0 else {},
    )


def _ranges(reach: Floats, params: ZoneParams) -> Floats:
    """Return how much of each distance bin price went through, (moments, 2, bins)."""
    edges = np.arange(params.bins + 1) * params.bin_log
    ranges: Floats = np.diff(np.minimum(edges, reach[:, :, None]), axis=2)
    return ranges


def _scores(
    moments: Sequence[Moment], walked: Walks, hours: Ints, params: ZoneParams, seed: int, model: str
) -> tuple[ZoneScore, ...]:
    marks = np.stack([each.stood[model].marks for each in moments])
    everywhere = np.ones(len(moments), np.bool_)
    kinds = {ZONES: marks}
    if all(DISTANCE_ONLY in each.stood for each in moments):
        kinds[DISTANCE_ONLY] = np.stack([each.stood[DISTANCE_ONLY].marks for each in moments])
    kinds[MIRRORED] = marks[:, ::-1]
    kinds |= placebo_marks(marks, everywhere, params, seed=seed)
    by_hour = Days(hours * HOURS_A_DAY, seed=seed)  # an hour is what is drawn again, not a day
    return tuple(score_zones(kind, 0, each, walked, by_hour) for kind, each in kinds.items())


def _ranks(moments: Sequence[Moment], walked: Walks, hours: Ints, params: ZoneParams) -> dict[str, float]:
    """Return how well the expected dollars of each model rank with the reported ones, and the mere range."""
    _, row = np.unique(hours, return_inverse=True)
    reported = _by_hour(walked.usd.sum(axis=2), row)
    expected = {RANGE: walked.range_.sum(axis=2)}
    names = set.intersection(*(set(each.stood) for each in moments))
    for name in sorted(names):
        density = np.diff(np.stack([each.stood[name].depth for each in moments]), axis=2) / params.bin_log
        expected[name] = (density * walked.range_).sum(axis=2)
    return {name: spearman(_by_hour(each, row), reported) for name, each in expected.items()}


def _by_hour(values: Floats, row: Ints) -> Floats:
    """Return sums by hour and side as one list."""
    sides = [np.bincount(row, values[:, side]) for side in range(2)]
    return np.concatenate(sides).astype(np.float64)
