"""Answer `/liquidations/heatmap-timeseries`: the surface over time, as JSON and in the binary form."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.commands.models import FOLLOWED, Modelled, pick
from bot.live.span import Span, Spanned, VenuePart
from bot.live.view import SymbolView
from bot.web.api import BINARY
from bot.web.encode import Frame
from bot.web.ports import Market
from bot.web.rest.answers import ExchangePart, ExchangeProfile, HeatmapAnswer
from bot.web.rest.asks import HeatmapAsk
from bot.web.rest.fields import INTERVALS
from bot.web.rest.kept import Cache, Kept
from bot.web.rest.problems import about, bad_field
from bot.web.rest.reading import Between, Reading, fits
from bot.web.thrift import pack_within
from engine.grid import Grid
from engine.model import DAY_MS, STEP_MS
from engine.presets import Preset

MOST_COLUMNS = 2000
MOST_CELLS = 1_000_000
WEIGHTED = "leverage"
"""The model that weights are of where none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request that was read; equal ones have the same answer while `stamp` is the same."""

    symbol: str
    interval: str
    venues: tuple[str, ...]
    model: str
    weights: str
    span: Span
    side: str
    binary: bool
    stamp: tuple[object, ...]


class Heatmaps:
    """Answer heatmaps, each made once for all who ask for it."""

    def __init__(self, market: Market, presets: Mapping[str, Preset], cache: Cache) -> None:
        self._market = market
        self._presets = presets
        self._cache = cache
        self._reading = Reading(market)

    async def timeseries(self, ask: HeatmapAsk) -> Kept:
        """Answer the heatmap of a stretch of time."""
        wanted = self._wanted(ask)
        return await self._cache.get(wanted, lambda: self._make(wanted, ask))

    def _wanted(self, ask: HeatmapAsk) -> Wanted:
        symbol = self._reading.symbol(ask.symbol)
        view = self._market.view(symbol)
        between = self._reading.between(ask, view.candle_ts + STEP_MS, DAY_MS)
        step_ms = INTERVALS[ask.interval]
        fits(between, step_ms, MOST_COLUMNS, ask)
        columns = -(-(between.t1 - between.t0) // step_ms)
        if columns * ask.bins > MOST_CELLS:
            most = MOST_CELLS // columns
            raise bad_field("bins", str(ask.bins), f"at most {most} for {columns:,} columns")
        model = ask.model or (WEIGHTED if ask.leverage_weights else FOLLOWED)
        if model not in self._presets:
            raise bad_field("model", ask.model, f"one of {', '.join(self._presets)}")
        span = Span(t0=between.t0, t1=between.t1, step_ms=step_ms, bins=ask.bins, low=ask.low, high=ask.high)
        return Wanted(
            symbol=symbol,
            interval=ask.interval,
            venues=self._reading.exchanges(ask.exchanges, symbol),
            model=model,
            weights=ask.leverage_weights or "",
            span=span,
            side=ask.side,
            binary=ask.format == "binary",
            stamp=self._stamp(view, between),
        )

    def _stamp(self, view: SymbolView, between: Between) -> tuple[object, ...]:
        """Return what an answer changes with: what its dollars are corrected by, and the newest candle."""
        known = (view.level, self._market.venues_of(view.symbol), view.gaps)
        return (*known, view.candle_ts, view.zones and len(view.zones.zones)) if between.open else known

    async def _make(self, wanted: Wanted, ask: HeatmapAsk) -> Kept:
        chosen = await self._chosen(wanted, ask)
        found = await self._market.span_grid(
            wanted.symbol, wanted.span, feed=chosen.feed if chosen else None, venues=wanted.venues
        )
        label = chosen.label if chosen else FOLLOWED
        unit = (chosen.feed.preset if chosen else self._presets[FOLLOWED]).unit.value
        about_it = {"source": self._market.source_kind, "model": label, "unit": unit}
        form: Callable[[Wanted, Spanned, dict[str, str]], Kept] = _binary if wanted.binary else _json
        return await asyncio.to_thread(form, wanted, found, about_it)

    async def _chosen(self, wanted: Wanted, ask: HeatmapAsk) -> Modelled | None:
        """Return the model that is asked for, None for the one that is followed anyway; raise Refused."""
        of_weights = bool(wanted.weights)
        field, sent = ("leverage_weights", ask.leverage_weights) if of_weights else ("model", ask.model)
        levels = self._presets[wanted.model].weights
        allowed = f"{len(levels)} weights split by a slash, above 0 in all" if of_weights else "another model"
        with about(field, sent, lambda: allowed):
            span_ms = wanted.span.t1 - wanted.span.t0
            names = (wanted.model, wanted.weights)
            return await pick(self._presets, self._market, wanted.symbol, names, span_ms)


def _sided(grid: Grid, side: str) -> tuple[npt.NDArray[np.float32] | None, npt.NDArray[np.float32] | None]:
    return (grid.long if side != "short" else None), (grid.short if side != "long" else None)


def _whole(dollars: npt.NDArray[np.float32] | None) -> npt.NDArray[np.int64] | None:
    return None if dollars is None else np.rint(dollars).astype(np.int64)


def _json(wanted: Wanted, found: Spanned, about_it: dict[str, str]) -> Kept:
    grid = found.grid
    long, short = _sided(grid, wanted.side)
    return Kept.json(
        HeatmapAnswer(
            **about_it,
            symbol=wanted.symbol,
            interval=wanted.interval,
            step_ms=grid.step_ms,
            start=int(grid.ts[0]),
            end=int(grid.ts[-1]) + grid.step_ms,
            exchanges=[_profile(part) for part in found.parts],
            edges=np.round(grid.edges, 8),
            ts=np.ascontiguousarray(grid.ts),
            open=grid.open,
            high=grid.high,
            low=grid.low,
            close=grid.close,
            long_usd=_whole(long),
            short_usd=_whole(short),
        )
    )


def _binary(wanted: Wanted, found: Spanned, about_it: dict[str, str]) -> Kept:
    grid, (long, short) = found.grid, _sided(found.grid, wanted.side)
    empty = np.zeros_like(grid.long)
    shown = Grid(
        symbol=grid.symbol,
        step_ms=grid.step_ms,
        ts=grid.ts,
        edges=grid.edges,
        long=empty if long is None else long,
        short=empty if short is None else short,
        open=grid.open,
        high=grid.high,
        low=grid.low,
        close=grid.close,
    )
    header = {
        "type": "snapshot",
        "interval": wanted.interval,
        "side": wanted.side,
        **about_it,
        "exchanges": [_part(part).model_dump() for part in found.parts],
    }
    return Kept.of(pack_within(Frame.of(shown), header), BINARY, pack=False)


def _part(part: VenuePart) -> ExchangePart:
    return ExchangePart(
        exchange=part.venue,
        share=round(part.share, 6),
        long_usd=round(part.long_usd),
        short_usd=round(part.short_usd),
    )


def _profile(part: VenuePart) -> ExchangeProfile:
    long, short = (np.rint(each).astype(np.int64) for each in (part.long, part.short))
    return ExchangeProfile(**_part(part).model_dump(), long_profile_usd=long, short_profile_usd=short)
