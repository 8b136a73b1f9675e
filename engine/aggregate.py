"""Add the venues of one symbol up: each by its share of volume, each as far from price as it stands.

Expected dollars are scaled for all venues together, so each venue's surface counts by its share of the quote
volume of the days before; standing dollars are each venue's own, and simply add. A position is closed by the
price of its own venue: surfaces are laid over each other by distance from price, so that what separates two
venues' prices is no distance. A venue without a candle at some time is left out there, and the others stand
for it with their shares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.columns import Columns
from engine.errors import DataError
from engine.model import CANDLE_FIELDS, Candles, Floats, Ints, Zone, ZoneSet
from engine.norm import means
from engine.presets import Preset, Unit
from engine.standing import Standing

TOGETHER = "all"
"""The venue name of what is the sum of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One venue's columns, and the mean quote volume of the days before each, NaN while not known."""

    venue: str
    columns: Columns
    mean_quote_volume: Floats  # (n,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The columns of all venues together, and each venue's share of every one: (venues, n), summing to 1."""

    columns: Columns
    venues: tuple[str, ...]
    share: Floats


def mean_volumes(preset: Preset, candles: Candles, columns: Columns, step_ms: int) -> Floats:
    """Return the mean quote volume of the days before each column's last candle, NaN while not known, (n,).

    `candles` reach back as far as the preset's norm does.
    """
    if not len(candles) or not len(columns):
        return np.full(len(columns), np.nan)
    typical = (candles.high + candles.low + candles.close) / 3.0
    quote = np.where(np.isnan(candles.quote_volume), candles.volume * typical, candles.quote_volume)
    mean = means(preset, np.ascontiguousarray(candles.ts), quote)
    last = np.searchsorted(candles.ts, columns.ts + step_ms) - 1
    known: Floats = np.where(last >= 0, mean[np.maximum(last, 0)], np.nan)
    return known


def times_of(parts: Sequence[Part]) -> Ints:
    """Return the times at which any venue has a column."""
    found: Ints = np.unique(np.concatenate([part.columns.ts for part in parts]))
    return found


def shares(mean_quote_volume: Floats, there: Floats) -> Floats:
    """Return each venue's share, shape (venues, n), from mean volumes and where each has a column (1 or 0).

    While no venue's volume is known, those that are there share alike.
    """
    weight = np.where(np.isnan(mean_quote_volume), 0.0, mean_quote_volume) * there
    unknown = weight.sum(axis=0) <= 0.0
    weight[:, unknown] = there[:, unknown]
    share: Floats = weight / weight.sum(axis=0)
    return share


def add_up(parts: Sequence[Part], unit: Unit) -> Sum:
    """Return the sum of venues; price is that of the first one that has a column.

    One venue alone is returned as it is. Raise DataError for none, or for columns of different widths.
    """
    if not parts:
        raise DataError("there is no venue to add up")
    venues = tuple(part.venue for part in parts)
    if len(parts) == 1:
        return Sum(columns=parts[0].columns, venues=venues, share=np.ones((1, len(parts[0].columns))))
    width = parts[0].columns.width
    if any(part.columns.width != width for part in parts):
        raise DataError("columns of different widths cannot be added up")
    ts = times_of(parts)
    rows = [np.searchsorted(ts, part.columns.ts) for part in parts]
    there, means = np.zeros((len(parts), len(ts))), np.full((len(parts), len(ts)), np.nan)
    for i, part in enumerate(parts):
        there[i, rows[i]] = 1.0
        means[i, rows[i]] = part.mean_quote_volume
    share = shares(means, there)
    weight = share if unit is Unit.EXPECTED else there
    heat = np.zeros((2, len(ts), width), np.float32)
    close, close_bin = np.empty(len(ts)), np.empty(len(ts), np.int64)
    for i in reversed(range(len(parts))):  # the first venue's price is written last
        columns, each = parts[i].columns, weight[i, rows[i], None].astype(np.float32)
        heat[0, rows[i]] += columns.long * each
        heat[1, rows[i]] += columns.short * each
        close[rows[i]], close_bin[rows[i]] = columns.close, columns.close_bin
    columns = Columns(ts=ts, close=close, close_bin=close_bin, long=heat[0], short=heat[1])
    return Sum(columns=columns, venues=venues, share=share)


def first_of(candles: Sequence[Candles], ts: Ints) -> Candles:
    """Return one candle for each time: that of the first venue which has one. Every time must be in one."""
    floats = {name: np.empty(len(ts)) for name in CANDLE_FIELDS if name != "ts"}
    for each in reversed(candles):
        known = np.isin(each.ts, ts)
        rows = np.searchsorted(ts, each.ts[known])
        for name, values in floats.items():
            values[rows] = getattr(each, name)[known]
    return Candles(ts=ts.copy(), **floats)


def together(candles: Sequence[Candles]) -> Candles:
    """Return one candle for each time that any venue has: that of the first venue which has one."""
    return first_of(candles, np.unique(np.concatenate([each.ts for each in candles])))


def standing_of(parts: Sequence[Part], unit: Unit, share: Floats, close_bin: int) -> dict[str, Standing]:
    """Return what each venue adds to the newest sum, as far from the price as it stands there.

    `share` is that of the newest column, (venues,); `close_bin` the sum's. A venue without one adds nothing.
    """
    newest = max(int(part.columns.ts[-1]) for part in parts)
    found = {}
    for part, by in zip(parts, share.tolist(), strict=True):
        own = Standing.of(part.columns)
        factor = (by if unit is Unit.EXPECTED else 1.0) if own.ts == newest else 0.0
        found[part.venue] = replace(
            own, ts=newest, close_bin=close_bin, long=own.long * factor, short=own.short * factor
        )
    return found


def with_shares(zones: ZoneSet, standing: Mapping[str, Standing]) -> ZoneSet:
    """Return zones with the part of their dollars that each venue has, as `standing_of` says."""

    def parts(zone: Zone) -> tuple[tuple[str, float], ...]:
        usd = {
            venue: max(0.0, each.between(zone.side, zone.low, zone.high)) for venue, each in standing.items()
        }
        whole = sum(usd.values())
        return tuple((venue, part / whole if whole > 0.0 else 0.0) for venue, part in usd.items())

    return replace(zones, zones=tuple(replace(zone, venue_share=parts(zone)) for zone in zones.zones))
