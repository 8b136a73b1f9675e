"""Gather what a measurement needs from the store: candles of each venue, and what was reported."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adapters.coverage import CoverageKind, coverage
from bot.live.scale import scale_of
from config.settings import Settings
from engine.errors import DataError, UserError
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Floats, Ints
from engine.presets import PRESETS, Preset
from engine.scoring.predict import VenueBars
from engine.task import LEAST_DAYS, Reported, Task
from storage.truth import Liquidations, Series, TruthStore

EXAMPLE = "liqwatch accuracy BTCUSDT --model flow"
TOGETHER = ("all", "aggregate", "aggregated")
"""Venue names of reports that sum over venues already: where there is one, it counts alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Say what somebody asked to have measured; empty tuples leave the choice to us.

    `example` is a line of the same command that works.
    """

    symbol: str
    models: tuple[str, ...] = ("flow",)
    example: str = EXAMPLE
    from_ms: int | None = None
    to_ms: int | None = None
    venues: tuple[str, ...] = ()
    reported_by: tuple[str, ...] = ()
    seed: int = 1


def presets_of(
    names: Sequence[str], known: Mapping[str, Preset] = PRESETS, *, example: str = EXAMPLE
) -> tuple[Preset, ...]:
    """Return presets by name; UserError names those there are, with the example of who asks."""
    for name in names:
        if name not in known:
            raise UserError(
                f"There is no model {name!r}; there are: {', '.join(known)}.",
                example=example,
            )
    return tuple(known[name] for name in dict.fromkeys(names))


async def gather(store: TruthStore, wish: Wish, settings: Settings) -> Task:
    """Return the task of a wish; DataError says what is missing and how to bring it."""
    presets = presets_of(wish.models, settings.presets, example=wish.example)
    venues, found = await _venues(store, wish), await store.liquidations(wish.symbol)
    return Task(
        symbol=wish.symbol,
        venues=venues,
        reported=await asyncio.to_thread(_reported, found, wish),
        presets=presets,
        usd_scale=scale_of(wish.symbol, settings.calibration),
        from_ms=wish.from_ms,
        to_ms=wish.to_ms,
        seed=wish.seed,
    )


async def _venues(store: TruthStore, wish: Wish) -> tuple[VenueBars, ...]:
    """Return candles by venue, the one with the largest volume first."""
    chosen = _choose(await store.series(wish.symbol), wish.venues)
    if not chosen:
        named = f" of {', '.join(wish.venues)}" if wish.venues else ""
        raise DataError(
            f"There are no {LEAST_DAYS} days of candles of {wish.symbol}{named}. Bring some: "
            f"liqwatch import VENUE {wish.symbol} FILE (columns ts, open, high, low, close, volume)."
        )
    found = [
        VenueBars(
            venue=each.venue,
            step_ms=each.step_ms,
            candles=await store.candles(wish.symbol, each.venue, step_ms=each.step_ms),
        )
        for each in chosen
    ]
    return tuple(sorted(found, key=lambda bars: (-_turnover(bars), bars.venue)))


def _choose(series: Sequence[Series], wanted: Sequence[str]) -> list[Series]:
    """Return one series a venue: five minutes where there are enough, else the longest."""
    chosen: dict[str, Series] = {}
    for each in series:  # the longest first
        enough = each.count * each.step_ms >= LEAST_DAYS * DAY_MS
        if not enough or (wanted and each.venue not in wanted):
            continue
        if each.venue not in chosen or each.step_ms == STEP_MS:
            chosen[each.venue] = each
    return list(chosen.values())


def _turnover(bars: VenueBars) -> float:
    c = bars.candles
    quote = np.where(np.isnan(c.quote_volume), c.volume * c.close, c.quote_volume)
    return float(np.nansum(quote))


def _reported(found: Sequence[Liquidations], wish: Wish) -> Reported:
    """Return the hours in which every venue's liquidations are known, summed over venues."""
    by_venue: dict[str, dict[int, Floats]] = {}
    for source in found:
        known = by_venue.setdefault(source.venue, {})
        hours, usd = hourly(source)
        for hour, row in zip(hours.tolist(), usd, strict=True):
            known.setdefault(hour, row)  # sums come before single ones
    names = _names(tuple(by_venue), wish.reported_by)
    lacking = [name for name in wish.reported_by if name not in by_venue]
    if lacking or not names:
        raise DataError(_none_reported(wish.symbol, lacking, sorted(by_venue)))
    shared = sorted(set.intersection(*(set(by_venue[name]) for name in names)))
    usd = np.array([sum(by_venue[name][hour] for name in names) for hour in shared]).reshape(-1, 2)
    return Reported(hour=np.array(shared, np.int64), usd=usd, venues=names)


def _none_reported(symbol: str, lacking: Sequence[str], there: Sequence[str]) -> str:
    """Say whose liquidations are not known, whose are, and how to bring more."""
    named = " or ".join(lacking)
    none = f"No liquidations of {symbol} reported by {named}"
    if not named:
        none = f"No reported liquidations of {symbol}"
    others = f"; there are those of {', '.join(there)}: name them or leave --reported-by out" if there else ""
    return (
        f"{none} are known{others}. Bring some: liqwatch import {lacking[0] if lacking else 'VENUE'} "
        f"{symbol} FILE (columns ts, long_usd, short_usd, or ts, side, price, quantity)."
    )


def _names(there: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """Return which venues' reports count: not those of a few addresses, where there are others."""
    if wanted:
        return tuple(name for name in wanted if name in there)
    whole = tuple(name for name in there if name in TOGETHER)
    steady = sorted(name for name in there if coverage(name).kind is not CoverageKind.PARTIAL)
    return whole[:1] or tuple(steady or sorted(there))


def hourly(source: Liquidations) -> tuple[Ints, Floats]:
    """Return the numbers of the hours that rows cover wholly, and their sums."""
    number = source.ts // HOUR_MS
    hours, place, rows = np.unique(number, return_inverse=True, return_counts=True)
    usd = np.stack([np.bincount(place, source.usd[:, side], len(hours)) for side in range(2)], axis=1)
    whole = rows == HOUR_MS // source.step_ms
    return hours[whole].astype(np.int64), usd[whole].astype(np.float64)
