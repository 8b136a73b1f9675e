"""Ask a preset what each hour would liquidate: bar by bar, and from the surface at the hour's open.

The two are never mixed. *Walk-forward* mass is swept bar by bar, each bar by what stood at its open.
*Frozen* takes the surface as it stood at the hour's open and sweeps it by the hour's extreme at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.columns import Columns, Surface
from engine.heatmap import Heatmap
from engine.model import DAY_MS, HOUR_MS, Candles, Floats
from engine.presets import BIN_LOG, Preset, Unit
from engine.scoring.hours import Hours, fold_hours

BLOCK = 1440
SHARE_DAYS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBars:
    """Hold one venue's candles of `step_ms`, checked and in order."""

    venue: str
    step_ms: int
    candles: Candles


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """Hold USD per hour and side, longs first, without background; and the columns at each hour's open.

    `columns` has one row for each hour whose last candle before is there; its `ts` is the hour's start.
    """

    walk: Floats  # (hours, 2)
    frozen: Floats  # (hours, 2)
    columns: Columns


def predict(preset: Preset, bars: VenueBars, hours: Hours, *, usd_scale: float) -> Predicted:
    """Return what a preset expects in each of `hours` on one venue."""
    heatmap = Heatmap(replace(preset, step_ms=bars.step_ms), usd_scale=usd_scale)
    walk = np.zeros((len(hours), 2))
    opens: list[Columns] = []
    for at in range(0, len(bars.candles), BLOCK):
        fed = heatmap.advance(bars.candles[slice(at, at + BLOCK)])
        row = fed.events.ts // HOUR_MS - hours.first
        inside = (row >= 0) & (row < len(hours))
        np.add.at(walk, row[inside], fed.events.swept[inside])
        closes_hour = (fed.columns.ts + bars.step_ms) % HOUR_MS == 0
        opens.append(_rows(fed.columns, np.flatnonzero(closes_hour), bars.step_ms))
    columns = _joined(opens, preset.width)
    return Predicted(walk=walk, frozen=_frozen(columns, hours), columns=columns)


def _rows(columns: Columns, rows: np.typing.NDArray[np.int64], step_ms: int) -> Columns:
    """Return some rows, stamped with the time they are known at."""
    return Columns(
        ts=columns.ts[rows] + step_ms,
        close=columns.close[rows],
        close_bin=columns.close_bin[rows],
        long=columns.long[rows],
        short=columns.short[rows],
    )


def _joined(parts: Sequence[Columns], width: int) -> Columns:
    kept = [part for part in parts if len(part)] or [Columns.empty(width)]
    return Columns(
        **{
            name: np.concatenate([getattr(part, name) for part in kept])
            for name in ("ts", "close", "close_bin", "long", "short")
        }
    )


def _frozen(columns: Columns, hours: Hours) -> Floats:
    """Return what each hour's extremes sweep of the surface at its open."""
    frozen = np.zeros((len(hours), 2))
    row = columns.ts // HOUR_MS - hours.first
    known = np.flatnonzero((row >= 0) & (row < len(hours)))
    for side, extreme, surface in ((0, hours.low, columns.long), (1, hours.high, columns.short)):
        reached = np.floor(extreme[row[known]] / BIN_LOG).astype(np.int64) - columns.close_bin[known]
        bins = np.clip((-reached if side == 0 else reached) + 1, 0, columns.width)
        swept = [
            float(surface[at, :count].sum(dtype=np.float64)) for at, count in zip(known, bins, strict=True)
        ]
        frozen[row[known], side] = swept
    return frozen


def shares(venues: Sequence[VenueBars], hours: Hours) -> Floats:
    """Return each venue's share of the quote volume of the 30 days before each hour, (venues, hours)."""
    volumes = np.stack([_volume_before(bars, hours) for bars in venues])
    total = volumes.sum(axis=0)
    even = np.full(volumes.shape, 1.0 / len(venues))
    share: Floats = np.divide(volumes, total, out=even, where=total > 0.0)
    return share


def _volume_before(bars: VenueBars, hours: Hours) -> Floats:
    """Return the mean quote volume of an hour of the days before each hour."""
    c = bars.candles
    quote = np.where(np.isnan(c.quote_volume), c.volume * (c.high + c.low + c.close) / 3.0, c.quote_volume)
    total = np.concatenate([[0.0], np.cumsum(quote)])
    end = np.searchsorted(c.ts, hours.hour * HOUR_MS)
    begin = np.searchsorted(c.ts, hours.hour * HOUR_MS - SHARE_DAYS * DAY_MS)
    volume: Floats = total[end] - total[begin]
    return volume


def predict_all(
    preset: Preset, venues: Sequence[VenueBars], hours: Hours, *, usd_scale: float, columns: bool = False
) -> Predicted:
    """Return what a preset expects over venues together.

    Expected dollars are those of all venues, of which each has its share of the volume; what stands on a
    venue stands there whatever others have, and is added as it is. `columns` asks for the surfaces too, on
    the first venue's price; else none are returned.
    """
    stands = preset.unit is Unit.STANDING
    weight = np.ones((len(venues), len(hours))) if stands else shares(venues, hours)
    walk, frozen = np.zeros((len(hours), 2)), np.zeros((len(hours), 2))
    together = Columns.empty(preset.width)
    for nth, bars in enumerate(venues):
        own = hours if nth == 0 else _on(hours, fold_hours(bars.candles, step_ms=bars.step_ms))
        found = predict(preset, bars, own, usd_scale=usd_scale)
        walk += found.walk * weight[nth][:, None]
        frozen += found.frozen * weight[nth][:, None]
        if columns:
            row = np.clip(found.columns.ts // HOUR_MS - hours.first, 0, len(hours) - 1)
            together = _added(together, found.columns, weight[nth][row])
    return Predicted(walk=walk, frozen=frozen, columns=together)


def _on(hours: Hours, own: Hours) -> Hours:
    """Return a venue's hours on the same hours as the first venue's; where it has none, the first's."""
    at = hours.hour - own.first
    inside = (at >= 0) & (at < len(own))
    rows = np.clip(at, 0, len(own) - 1)
    fields = {
        name: np.where(inside, getattr(own, name)[rows], getattr(hours, name))
        for name in ("open", "high", "low", "close", "path", "fall", "rise", "variance")
    }
    return Hours(hour=hours.hour, whole=inside & own.whole[rows], **fields)


def _added(first: Columns, more: Columns, weight: Floats) -> Columns:
    """Return surfaces with another venue's added, on the first one's closes."""
    scaled = Columns(
        ts=more.ts,
        close=more.close,
        close_bin=more.close_bin,
        long=(more.long * weight[:, None]).astype(np.float32),
        short=(more.short * weight[:, None]).astype(np.float32),
    )
    if not len(first):
        return scaled
    _, mine, theirs = np.intersect1d(first.ts, more.ts, return_indices=True)
    long, short = first.long.copy(), first.short.copy()
    for a, b in zip(mine, theirs, strict=True):
        shift = int(first.close_bin[a] - more.close_bin[b])
        _pour(scaled.long[b], shift, long[a])
        _pour(scaled.short[b], -shift, short[a])
    return Columns(ts=first.ts, close=first.close, close_bin=first.close_bin, long=long, short=short)


def _pour(row: Surface, shift: int, out: Surface) -> None:
    """Add a row that starts `shift` bins nearer to another price; what lies beyond that price is lost."""
    width = len(out)
    begin, end = max(0, shift), min(width, width + shift)
    if begin < end:
        out[begin:end] += row[begin - shift : end - shift]
