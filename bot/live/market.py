"""Hold the market as it stands now, for everything that shows it or watches it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from adapters.health import HealthSnapshot, snapshots_of
from adapters.venue import Feed, Source, SourceKind, VenueHealth
from bot.lang import _
from bot.live.book import EVER, Book
from bot.live.columns import ColumnDesk
from bot.live.intake import Intake
from bot.live.level import Levels
from bot.live.making import PRESET
from bot.live.span import Slices, Span, Spanned, spanned, standing_at_end
from bot.live.stretches import Stretches
from bot.live.subset import Subset, part_of
from bot.live.view import Change, ChangeKind, Level, SymbolView
from bot.live.window import ModelFeed, Window, columns_grid, window_grid
from config.settings import Settings
from engine.errors import UserError
from engine.grid import Grid
from engine.model import (
    STEP_MS,
    Candles,
    Tick,
    ZoneEvent,
)
from engine.snapshot import BIN_BP, HeatmapSnapshot
from engine.standing import Standing
from storage.market import MarketStore

BINS = 600
MAX_COLS = 1200
GRIDS_AT_ONCE = 2
"""How many grids are made at the same time: each may take 100 MB for a moment."""


class LiveMarket(Intake):
    """Show what the books hold: views, grids, levels, candles of any stretch, of all venues or some."""

    def __init__(
        self,
        source: Source,
        store: MarketStore,
        settings: Settings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(source, store, settings, monotonic=monotonic)
        self._desk = ColumnDesk(store)
        self._stretches = Stretches(self._desk, self._histories, settings)
        self._grids = asyncio.Semaphore(GRIDS_AT_ONCE)

    async def stop(self) -> None:
        """Save the engine's state and end all subscriptions."""
        await super().stop()
        await self._desk.close()

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol's heatmap is made from, the one that lends the price first."""
        book = self._book(symbol)
        return self._source.venues_of(symbol) if book is None else book.place.venues

    def shares(self, symbol: str) -> dict[str, float]:
        """Return each venue's part of a symbol's heatmap, by volume; raise UserError without data."""
        return self._known(symbol).shares

    def awaited(self, symbol: str) -> tuple[str, ...]:
        """Return the venues that a symbol is read from and that its heatmap has nothing of yet."""
        parts = self.shares(symbol)
        return tuple(venue for venue in self._source.venues_of(symbol) if not parts.get(venue))

    def ticks(self, symbol: str) -> dict[str, Tick]:
        """Return the newest price of a symbol on each venue that has given one."""
        return dict(self._ticks.get(symbol, {}))

    @property
    def feeds(self) -> frozenset[Feed]:
        """Return which kinds of fact there are; a command says of others that they are not available."""
        return self._source.feeds

    @property
    def source_kind(self) -> SourceKind:
        """Return whether this is live or a replay."""
        return self._source.kind

    @property
    def columns_found(self) -> dict[str, int]:
        """Return how often columns of the past were in memory, in the store, or had to be made."""
        return dict(self._desk.found)

    def label(self) -> str:
        """Return the line shown on everything; empty when live."""
        return self._source.label()

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing."""
        return self._source.health()

    def snapshots(self) -> list[HealthSnapshot]:
        """Return each venue's health in full, as far as it is measured."""
        return snapshots_of(self._source)

    def view(self, symbol: str) -> SymbolView:
        """Return one symbol as it stands now; raise UserError where nothing is known of it."""
        book = self._book(symbol)
        view = book.view() if book else None
        if view is None:
            raise UserError(_("There is no data for {symbol} yet.").format(symbol=symbol), example="/symbols")
        level = self._levels.of(symbol)
        return (
            view
            if level is None
            else replace(view, zones=self._levels.zones(symbol, view.zones), level=level)
        )

    async def view_among(self, symbol: str, venues: tuple[str, ...] = ()) -> SymbolView:
        """Return one symbol as it stands on some of its venues, on all of them where none is named.

        Raise UserError where nothing is known of it there.
        """
        return (await self._seen(symbol, venues))[0]

    async def _among(self, symbol: str, venues: tuple[str, ...]) -> Subset:
        """Return some venues of a symbol, as new as all of them together."""
        whole = self._known(symbol)
        if strange := [venue for venue in venues if venue not in whole.place.venues]:
            read = ", ".join(whole.place.venues)
            told = _("{symbol} is not read from {strange}, but from {read}.").format(
                symbol=symbol, strange=", ".join(strange), read=read
            )
            raise UserError(told, example="/symbols")
        found = self._subsets.of(whole, tuple(v for v in whole.place.venues if v in venues))
        await found.refresh(self._source, self._ticks.get(symbol, {}))
        found.correct(self._levels.of(symbol))
        return found

    async def _seen(self, symbol: str, venues: tuple[str, ...]) -> tuple[SymbolView, Book, Levels]:
        """Return a symbol's view on some venues, or all of them, its book, and what corrects its dollars."""
        if not venues or set(venues) == set(self.venues_of(symbol)):
            return self.view(symbol), self._known(symbol), self._levels
        found = await self._among(symbol, venues)
        view = found.view(self._levels.of(symbol))
        return view, found.book or self._known(symbol), found.levels

    def set_level(self, symbol: str, level: Level | None) -> None:
        """Correct a symbol's dollars from now on by what was reported, or no longer."""
        if self._levels.put(symbol, level):
            self._changes.say(Change(symbol, ChangeKind.REBUILT, self._source.now_ms()))

    def standing(self, symbol: str) -> Standing:
        """Return what stands at the newest close of a symbol; raise UserError without data."""
        standing = self._known(symbol).standing()
        if standing is None:
            raise UserError(_("There is no data for {symbol} yet.").format(symbol=symbol), example="/symbols")
        return self._levels.standing(symbol, standing)

    async def zones_history(self, symbol: str, t0: int, t1: int) -> list[ZoneEvent]:
        """Return what happened to a symbol's zones with `t0 <= ts < t1`, oldest first."""
        view = self.view(symbol)
        return await self._store.zone_events(view.venue, symbol, t0, t1)

    async def grid(  # noqa: PLR0913 - a request is flat: what, when, which prices, how fine, of whom
        self,
        symbol: str,
        window_ms: int,
        *,
        low: float | None = None,
        high: float | None = None,
        bins: int = BINS,
        max_cols: int | None = None,
        venues: tuple[str, ...] = (),
    ) -> Grid:
        """Return the heatmap of a window that ends with the newest closed candle, of some venues or all.

        Without `max_cols`, as pictures want it, the candle that forms comes after it. Without `low` or `high`
        the range is that of the prices with room around them, and of zones near the price.
        Raise UserError without data, GridError for a range that is empty.
        """
        view, book, levels = await self._seen(symbol, venues)
        window = Window(window_ms=window_ms, low=low, high=high, bins=bins, max_cols=max_cols or MAX_COLS)
        older = await self._stretches.older(book, view, window)
        async with self._grids:
            forming = max_cols is None
            return await asyncio.to_thread(
                lambda: levels.grid(window_grid(book, view, window, older, forming=forming))
            )

    async def span_grid(
        self, symbol: str, span: Span, *, feed: ModelFeed | None = None, venues: tuple[str, ...] = ()
    ) -> Spanned:
        """Return the heatmap of any stretch of time, of some venues or all, as another model sees it or not.

        Raise UserError without data, GridError for a stretch or a range of prices that is empty.
        """
        view, book, levels = await self._seen(symbol, venues)
        span = span.until(view.candle_ts + STEP_MS)
        level = levels.of(symbol) if feed is None else None
        factors = (1.0, 1.0) if level is None else (level.long, level.short)
        if feed is not None and venues:
            factors = (part_of(self._known(symbol), venues, feed.preset),) * 2
        candles = await self._stretches.candles_between(book, span.t0, span.t1)
        if feed is None and span.t1 == view.candle_ts + STEP_MS:
            columns, standing = await self._stretches.newest(book, span), book.standing_by_venue()
        else:
            found, parts = await self._stretches.summed(book, self._stretches.ask(book, feed, span))
            columns, unit = found.columns, (feed.preset if feed else PRESET).unit
            standing = standing_at_end(parts, unit, found.share)
        slices = Slices(columns=columns, candles=candles, standing=standing)
        async with self._grids:
            return await asyncio.to_thread(spanned, view, slices, span, factors)

    async def candles_between(self, symbol: str, t0: int, t1: int) -> Candles:
        """Return the closed candles with `t0 <= ts < t1`, up to now; raise UserError without data."""
        book = self._known(symbol)
        return await self._stretches.candles_between(book, t0, min(t1, self.view(symbol).candle_ts + STEP_MS))

    async def snapshot(
        self,
        symbol: str,
        *,
        bin_bp: float = BIN_BP,
        min_usd: float = 0.0,
        venues: tuple[str, ...] = (),
    ) -> HeatmapSnapshot:
        """Return what stands at the newest close as levels, on some venues or all; UserError without data."""
        view, book, levels = await self._seen(symbol, venues)
        columns = (await asyncio.to_thread(book.slices, view.candle_ts, view.candle_ts + STEP_MS))[0]
        columns = levels.columns(symbol, columns)
        return HeatmapSnapshot.of(
            columns, PRESET, symbol=symbol, venues=view.venues, bin_bp=bin_bp, min_usd=min_usd
        )

    async def history(self, symbol: str, span_ms: int) -> Candles:
        """Return the closed candles of the span that ends with the newest one, as far as there are any."""
        book = self._known(symbol)
        end = self.view(symbol).candle_ts + STEP_MS
        venue = book.place.venue
        return await self._histories.of(symbol, venue)(end - span_ms, end)

    async def model_grid(  # noqa: PLR0913 - as above
        self,
        symbol: str,
        window_ms: int,
        feed: ModelFeed,
        *,
        low: float | None = None,
        high: float | None = None,
        max_cols: int = MAX_COLS,
        venues: tuple[str, ...] = (),
    ) -> Grid:
        """Return the grid of a window as another model sees it; its columns are kept, but for odd weights."""
        view, book, _ = await self._seen(symbol, venues)
        part = np.float32(part_of(self._known(symbol), venues, feed.preset) if venues else 1.0)
        window = Window(window_ms=window_ms, low=low, high=high, bins=BINS, max_cols=max_cols)
        end = view.candle_ts + STEP_MS
        span = Span(t0=window.begin(end), t1=end, step_ms=window.step_ms, bins=BINS)
        ask = self._stretches.ask(book, feed, span)
        columns = await self._stretches.columns(book, ask)
        candles = await self._histories.of(symbol, book.place.venue)(ask.t0, end)
        async with self._grids:
            grid = await asyncio.to_thread(
                columns_grid, view, columns, candles, window, column_ms=window.column_ms
            )
            return grid if part == 1.0 else replace(grid, long=grid.long * part, short=grid.short * part)

    async def candles(self, symbol: str, t0: int, t1: int = EVER) -> Candles:
        """Return the closed candles of the last 31 days with `t0 <= ts < t1`."""
        book = self._book(symbol)
        if book is None:
            return Candles.empty()
        return (await asyncio.to_thread(book.slices, t0, t1))[1]

    def is_price(self, tick: Tick) -> bool:
        """Say whether a price is the newest one of its symbol, the one that views show."""
        book = self._book(tick.symbol)
        return book is not None and book.closed is not None and book.tick is tick
