"""Be the command `precompute`: make heatmap columns ahead of time, so that long windows come from the store.

What is there already is left alone, so that a run that was stopped goes on where it was.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from adapters.replay import DEFAULT_START_MS, Replay
from bot.live.columns import Ask, ColumnDesk, History
from bot.live.scale import scale_of
from bot.truth.gather import presets_of
from bot.truth.place import directory_of, market_opened, symbol_named, venue_named
from config.settings import Settings
from engine.errors import DataError, SourceError, UserError
from engine.model import DAY_MS, STEP_MS, Candles
from engine.presets import Fuel, Preset
from storage.market import MarketStore
from storage.truth import Series, TruthStore

CHUNK_MS = 2 * DAY_MS
"""What is made and kept in one go: a run that is stopped loses no more than that."""
INTERVALS = {"5m": STEP_MS, "15m": 3 * STEP_MS, "1h": 12 * STEP_MS, "4h": 48 * STEP_MS}
EXAMPLE = "liqwatch precompute BTCUSDT ETHUSDT --interval 1h --days 30"
MODEL_EXAMPLE = "liqwatch precompute BTCUSDT --model leverage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be made; no venue stands for the one with the most candles."""

    symbols: tuple[str, ...]
    models: tuple[Preset, ...]
    step_ms: int
    days: int
    venue: str | None

    @property
    def interval(self) -> str:
        """Return how long a column is, as it is written."""
        return next(name for name, step_ms in INTERVALS.items() if step_ms == self.step_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One symbol's candles on one venue."""

    venue: str
    symbol: str
    candles: Candles

    def history(self) -> History:
        """Return how the candles between two times are had."""

        async def between(since_ms: int, until_ms: int) -> Candles:
            first, end = np.searchsorted(self.candles.ts, [since_ms, until_ms])
            return self.candles[slice(int(first), int(end))]

        return between


def plan_of(given: argparse.Namespace, settings: Settings) -> Plan:
    """Return what was asked for on the command line; raise UserError for what cannot be."""
    if not 1 <= given.days <= 400:
        raise UserError(f"--days {given.days} is not between 1 and 400.", example=EXAMPLE)
    return Plan(
        symbols=tuple(dict.fromkeys(symbol_named(name) for name in given.wanted)),
        models=presets_of(given.model or ("flow",), settings.presets, example=MODEL_EXAMPLE),
        step_ms=INTERVALS[given.interval],
        days=given.days,
        venue=venue_named(given.venue) if given.venue else None,
    )


def precompute(given: argparse.Namespace, settings: Settings) -> int:
    """Make what was asked for, with progress on standard error; print a line about each."""
    plan = plan_of(given, settings)

    async def work() -> None:
        async with market_opened(settings) as store:
            for line in await run(store, settings, plan, Console(stderr=True)):
                sys.stdout.write(f"{line}\n")

    asyncio.run(work())
    return 0


async def run(store: MarketStore, settings: Settings, plan: Plan, console: Console) -> list[str]:
    """Make the columns of a plan; return a line about each symbol and model.

    Raise DataError where a symbol has no candles, before anything is made, and StorageError.
    """
    markets = [await _market(store, settings, symbol, plan.venue) for symbol in plan.symbols]
    desk, lines = ColumnDesk(store), []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        for market in markets:
            for preset in plan.models:
                chunks = _chunks(market, plan, preset, settings)
                task = progress.add_task(f"{market.symbol} {preset.name}", total=len(chunks))
                lines.append(await _made(store, desk, market, chunks, (progress, task)))
    return [f"{line} ({plan.interval} columns, {plan.days} days)" for line in lines]


async def _made(
    store: MarketStore,
    desk: ColumnDesk,
    market: Market,
    chunks: Sequence[Ask],
    shown: tuple[Progress, TaskID],
) -> str:
    """Make the columns of one model of one market; return the line about it."""
    began, made, history = time.perf_counter(), 0, market.history()
    for ask in chunks:
        made += await desk.prepare(ask, history)
        await store.flush()
        shown[0].advance(shown[1])
    times = await store.column_times(chunks[0].mark, chunks[0].t0, chunks[-1].t1)
    took_s = time.perf_counter() - began
    name = chunks[0].preset.name
    return f"{market.symbol} on {market.venue}, {name}: {len(times):,} kept, {made:,} made in {took_s:.1f} s"


def _chunks(market: Market, plan: Plan, preset: Preset, settings: Settings) -> list[Ask]:
    """Return what is to be made, oldest first."""
    end = int(market.candles.ts[-1]) + STEP_MS
    begin = (end - plan.days * DAY_MS) // plan.step_ms * plan.step_ms
    begin = max(begin, int(market.candles.ts[0]) // plan.step_ms * plan.step_ms)
    coins = preset.fuel is Fuel.OPEN_INTEREST
    return [
        Ask(
            venue=market.venue,
            symbol=market.symbol,
            preset=preset,
            usd_scale=1.0 if coins else scale_of(market.symbol, settings.calibration),
            t0=t0,
            t1=min(t0 + CHUNK_MS, end),
            step_ms=plan.step_ms,
        )
        for t0 in range(begin, end, CHUNK_MS)
    ]


async def _market(store: MarketStore, settings: Settings, symbol: str, venue: str | None) -> Market:
    """Return a symbol's candles: those in the store, else those of the replay that ships."""
    truth = TruthStore(store)
    found = [each for each in await truth.series(symbol) if each.step_ms == STEP_MS]
    found = [each for each in found if venue in (None, each.venue)]
    if found:
        chosen = max(found, key=_weight)
        candles = await truth.candles(symbol, chosen.venue, step_ms=STEP_MS)
        return Market(venue=chosen.venue, symbol=symbol, candles=candles)
    if directory_of(settings) == settings.storage.directory("replay"):
        try:
            return await _recorded(settings, symbol, venue)
        except SourceError:
            pass
    raise DataError(
        f"There are no candles of {symbol}{f' of {venue}' if venue else ''}. Bring some: "
        f"liqwatch import VENUE {symbol} FILE (columns ts, open, high, low, close, volume)."
    )


def _weight(series: Series) -> tuple[bool, int]:
    return series.recorded > 0, series.count


async def _recorded(settings: Settings, symbol: str, venue: str | None) -> Market:
    """Return what a replay has before its start."""
    start_ms = settings.source.start_ms or DEFAULT_START_MS
    replay = await asyncio.to_thread(Replay, symbols=(symbol,), start_ms=start_ms)
    candles = await replay.history(symbol, until_ms=start_ms, venue=venue)
    return Market(venue=replay.venues[0], symbol=symbol, candles=candles)
