"""Say how likely price is to come to a level within some hours, and what is liquidated in a zone if it does.

Two things decide how likely it is: how far the level is, and how much price has moved lately. What stands
there does not: a zone's dollars, rank, side and width said next to nothing more where they were not fitted.
So the chance is the same for a zone and for any price as far away: `2 / (1 + exp(z))`, where `z` is the
distance in what price typically moves within the time, stretched and bent as was fitted on BTC, 2025-07-22 to
2026-01-30. It was judged on BTC after that and on ETH (docs/accuracy.md; `python -m bench.touch` fits and
judges anew).

What is liquidated in a zone follows its dollars as shown, less than in proportion: a zone that is touched is
not always crossed, and more enters in the meantime. Fitted on BTC's reports, 2025-11-23 to 2026-01-30.
"""

import math
from dataclasses import dataclass

import numpy as np

from engine.calibration import BTC_USD_SCALE
from engine.errors import DataError
from engine.model import HOUR_MS, Candles, Floats, Zone

HORIZONS_H = (1, 4, 24)
DAY_H, WEEK_H = 24, 168
LEAST_H = 24
"""Hours of candles below which nothing is said."""
_MILLION_USD = 1e6
_FARTHEST = 700.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Hold what was fitted for one horizon.

    `z` is the distance over `spread` typical moves, to the power of `bend`; `day` is the weight of the last
    day in that move, the last week has the rest. In a touched zone that shows a million dollars `million_usd`
    are liquidated, in others by the power of `dollars`.
    """

    horizon_h: int
    spread: float
    bend: float
    day: float
    million_usd: float
    dollars: float


FITS = (
    Fit(horizon_h=1, spread=0.438, bend=0.8, day=0.7, million_usd=7.5e5, dollars=0.542),
    Fit(horizon_h=4, spread=0.453, bend=0.825, day=0.72, million_usd=1.075e6, dollars=0.686),
    Fit(horizon_h=24, spread=0.531, bend=0.9, day=0.22, million_usd=1.468e6, dollars=0.783),
)
"""One a horizon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """Hold what price typically moves in an hour, in log price: over the last day, and over the last week."""

    day: float
    week: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Say for one horizon how likely a zone is touched, 0 to 1, and what is liquidated in it then."""

    horizon_h: int
    chance: float
    usd_if_touched: float

    @property
    def expected_usd(self) -> float:
        """Return the dollars to expect, touched or not."""
        return self.chance * self.usd_if_touched


def spread_of_hours(widths: Floats, span: int) -> Floats:
    """Return the typical move of an hour over the `span` hours before each one, log price.

    `widths` are the hours' high over low, as logarithms. What a random walk covers in an hour tells its
    standard deviation (Parkinson, 1980). The first hour has none before it: NaN.
    """
    total = np.concatenate([[0.0], np.cumsum(widths * widths / (4.0 * math.log(2.0)))])[:-1]
    at = np.arange(len(widths))
    since = np.maximum(at - span, 0)
    seen = (at - since).astype(np.float64)
    mean = np.divide(total - total[since], seen, out=np.full(len(widths), np.nan), where=seen > 0.0)
    return np.asarray(np.sqrt(mean), np.float64)


def typical_moves(candles: Candles, *, now_ms: int) -> Moves:
    """Return the typical moves before `now_ms`, from candles in order that begin before it.

    Hours are counted back from `now_ms`. Raise DataError where fewer than 24 of the last week are there.
    """
    back = (now_ms - 1 - candles.ts) // HOUR_MS
    kept = (candles.ts < now_ms) & (back < WEEK_H) & (candles.ts >= now_ms - WEEK_H * HOUR_MS)
    hours = np.unique(back[kept])
    if len(hours) < LEAST_H:
        raise DataError(f"{len(hours)} hours of candles in the last week; {LEAST_H} are needed")
    high, low = np.full(WEEK_H, -np.inf), np.full(WEEK_H, np.inf)
    np.maximum.at(high, back[kept], np.log(candles.high[kept]))
    np.minimum.at(low, back[kept], np.log(candles.low[kept]))
    squares = (high[hours] - low[hours]) ** 2 / (4.0 * math.log(2.0))
    recent = squares[hours < DAY_H]
    week = math.sqrt(float(squares.mean()))
    return Moves(day=math.sqrt(float(recent.mean())) if len(recent) else week, week=week)


def chance(z: Floats) -> Floats:
    """Return the chance to come as far as `z`: 1 for no distance, falling to 0."""
    found: Floats = 2.0 / (1.0 + np.exp(np.minimum(z, _FARTHEST)))
    return found


def stretched(fit: Fit, distance: Floats, day: Floats, week: Floats) -> Floats:
    """Return how far levels are in what price typically moves within a horizon, `z`; 0 for no distance."""
    move = day**fit.day * week ** (1.0 - fit.day) * math.sqrt(fit.horizon_h) * fit.spread
    far: Floats = np.divide(distance, move, out=np.full(np.shape(distance), np.inf), where=move > 0.0)
    return np.asarray(np.where(distance > 0.0, far, 0.0) ** fit.bend, np.float64)


def chances(distance: Floats, day: Floats, week: Floats) -> Floats:
    """Return how likely levels are touched within each horizon, (n, horizons), never less in a longer one.

    `distance` (n,) is log price from now to the level, away from price; `day` and `week` (n,) are typical
    moves of an hour.
    """
    found = np.stack([chance(stretched(fit, distance, day, week)) for fit in FITS], axis=1)
    return np.asarray(np.maximum.accumulate(found, axis=1), np.float64)


def usd_if_touched(notional_usd: Floats, *, usd_scale: float = BTC_USD_SCALE) -> Floats:
    """Return the dollars liquidated in zones that are touched within each horizon, (n, horizons).

    `notional_usd` (n,) is what the zones show, at the symbol's `usd_scale`: dollars of other symbols are
    taken in proportion to it. Within a longer horizon it is never less.
    """
    size = BTC_USD_SCALE / usd_scale
    rows = [fit.million_usd * (notional_usd * size / _MILLION_USD) ** fit.dollars / size for fit in FITS]
    found: Floats = np.maximum.accumulate(np.stack(rows, axis=1), axis=1)
    return found


def outlook(
    zone: Zone, price: float, moves: Moves, *, usd_scale: float = BTC_USD_SCALE
) -> tuple[Outlook, ...]:
    """Return for each horizon how likely price is to come to a zone, and what is liquidated in it then.

    `usd_scale` is the symbol's. Inside the zone the chance is 1.
    """
    inside = zone.low <= price <= zone.high
    edge = zone.low if price < zone.low else zone.high
    distance = 0.0 if inside else abs(math.log(edge / price))
    found = chances(np.array([distance]), np.array([moves.day]), np.array([moves.week]))[0]
    dollars = usd_if_touched(np.array([zone.notional_usd]), usd_scale=usd_scale)[0]
    return tuple(
        Outlook(horizon_h=hours, chance=float(likely), usd_if_touched=float(usd))
        for hours, likely, usd in zip(HORIZONS_H, found, dollars, strict=True)
    )
