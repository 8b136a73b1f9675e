"""Gather what became of zones: whether price came to them in some hours, and what was liquidated there.

At every hour's open the zones of `flow` stand as a running product would show them. A zone is touched within
a horizon when price reaches its nearer edge. Reported dollars of an hour are spread evenly over the range
that is traversed for the first time since, and what lies in the zone is the zone's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.model import HOUR_MS, Floats, Ints, Side
from engine.presets import FLOW
from engine.scoring.hours import Hours, fold_hours
from engine.scoring.predict import VenueBars, predict_all
from engine.touch import HORIZONS_H, spread_of_hours
from engine.zones import ZoneBook, ZoneParams

FEWEST_SAMPLES_H = 21 * 24
"""Zones are judged by 21 days of samples, or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touches:
    """Hold n zones at hours' opens. Distances are log price; arrays over horizons are (n, horizons)."""

    hour: Ints
    short: npt.NDArray[np.bool_]
    near: Floats
    far: Floats
    notional_usd: Floats
    percentile: Floats
    day: Floats  # typical move of an hour over the day before, log price
    week: Floats
    touched: npt.NDArray[np.bool_]
    usd: Floats  # reported in the zone, NaN where reports are not known throughout

    def __len__(self) -> int:
        return len(self.hour)

    def where(self, kept: npt.NDArray[np.bool_]) -> "Touches":
        """Return some of them."""
        return Touches(**{name: getattr(self, name)[kept] for name in self.__dataclass_fields__})


def gather(bars: VenueBars, reported: Floats | None, *, usd_scale: float) -> Touches:
    """Return every zone of every hour, where price is not in it already; `reported` is (hours, 2)."""
    hours = fold_hours(bars.candles, step_ms=bars.step_ms)
    columns = predict_all(FLOW, [bars], hours, usd_scale=usd_scale, columns=True).columns
    book, rows = ZoneBook("", "", ZoneParams()), []
    for at in range(len(columns)):
        found, _ = book.update(columns[at : at + 1])
        row = int(columns.ts[at] // HOUR_MS) - hours.first
        if found.samples_h < FEWEST_SAMPLES_H or not 0 <= row < len(hours) - max(HORIZONS_H):
            continue
        for zone in found.zones:
            short = zone.side is Side.SHORT
            edges = np.sort(np.abs(np.log(np.array([zone.low, zone.high]) / found.price)))
            if zone.low <= found.price <= zone.high:
                continue
            rows.append((row, short, edges[0], edges[1], zone.notional_usd, zone.percentile))
    return _followed(np.array(rows), hours, reported)


def _followed(table: Floats, hours: Hours, reported: Floats | None) -> Touches:
    row, short = table[:, 0].astype(np.int64), table[:, 1] > 0
    widths = hours.high - hours.low
    day, week = (spread_of_hours(widths, span)[row] for span in (24, 168))
    known = np.full((len(hours), 2), np.nan) if reported is None else reported
    touched = np.zeros((len(row), len(HORIZONS_H)), np.bool_)
    usd = np.zeros(touched.shape)
    for side, seen in enumerate((hours, hours.mirrored())):
        mine = np.flatnonzero(short == bool(side))
        walked = _walk(seen, known[:, side], row[mine], table[mine, 2:4])
        touched[mine], usd[mine] = walked
    return Touches(
        hour=hours.hour[row],
        short=short,
        near=table[:, 2],
        far=table[:, 3],
        notional_usd=table[:, 4],
        percentile=table[:, 5],
        day=day,
        week=week,
        touched=touched,
        usd=usd,
    )


def _walk(seen: Hours, usd: Floats, row: Ints, edges: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Return by each horizon whether longs' zones were reached, and the dollars that fell in them."""
    reached, fell = np.zeros(len(row)), np.zeros(len(row))
    touched, dollars = [], []
    for later in range(max(HORIZONS_H)):
        at = row + later
        depth = np.maximum(seen.open[row] - seen.low[at], reached)
        inside = np.minimum(depth, edges[:, 1]) - np.maximum(reached, edges[:, 0])
        fresh = depth - reached
        part = np.divide(np.maximum(inside, 0.0), fresh, out=np.zeros(len(row)), where=fresh > 0.0)
        fell = fell + np.where(part > 0.0, part * usd[at], np.where(np.isnan(usd[at]), np.nan, 0.0))
        reached = depth
        if later + 1 in HORIZONS_H:
            touched.append(reached >= edges[:, 0])
            dollars.append(fell.copy())
    return np.stack(touched, axis=1), np.stack(dollars, axis=1)
