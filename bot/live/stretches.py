"""Find the heatmap columns and candles of a stretch of time: in memory, in the store, or made again.

Those of several venues are added up by the shares that each has at the time.
"""

import asyncio
from dataclasses import replace

from bot.live.book import CANDLE_DAYS, Book
from bot.live.columns import Ask, ColumnDesk
from bot.live.reading import Histories
from bot.live.scale import scale_of
from bot.live.span import Span
from bot.live.view import SymbolView
from bot.live.window import ModelFeed, Window, older_until
from config.settings import Settings
from engine.aggregate import Part, Sum, add_up, mean_volumes
from engine.columns import Columns
from engine.model import DAY_MS, STEP_MS, Candles
from engine.presets import Fuel

NORM_MS = 32 * DAY_MS
"""How far back candles are needed to know a venue's mean volume."""
MADE_AT_ONCE = 2
"""How many are made at the same time: they wait for each other, not for those who draw what is in memory."""


class Stretches:
    """Answer for any stretch of any book; for the event loop, with what is heavy in threads."""

    def __init__(self, desk: ColumnDesk, histories: Histories, settings: Settings) -> None:
        self._desk = desk
        self._histories = histories
        self._settings = settings
        self._makes = asyncio.Semaphore(MADE_AT_ONCE)

    async def older(self, book: Book, view: SymbolView, window: Window) -> Columns | None:
        """Return the columns of a window that are no longer in memory, None where all of them are."""
        begin, until = window.begin(view.candle_ts + STEP_MS), older_until(book, window)
        end = view.candle_ts + STEP_MS
        if book.columns_from is None or book.columns_from <= end - window.window_ms or begin >= until:
            return None
        span = Span(t0=begin, t1=until, step_ms=window.step_ms, bins=window.bins)
        return await self.columns(book, self.ask(book, None, span))

    async def columns(self, book: Book, ask: Ask) -> Columns:
        """Return columns, those of several venues added up by their shares at each."""
        return (await self.summed(book, ask))[0].columns

    async def summed(self, book: Book, ask: Ask) -> tuple[Sum, list[Part]]:
        """Return the sum of all venues' columns, and the parts that it is made of."""
        place, parts = book.place, []
        async with self._makes:
            for venue in place.venues:
                history = self._histories.of(place.symbol, venue)
                found = await self._desk.find(replace(ask, venue=venue), history)
                bars = await history(ask.t0 - NORM_MS, ask.t1) if place.others else Candles.empty()
                mean = await asyncio.to_thread(mean_volumes, ask.preset, bars, found, ask.step_ms)
                parts.append(Part(venue=venue, columns=found, mean_quote_volume=mean))
            known = [part for part in parts if len(part.columns)] or parts[:1]
            return await asyncio.to_thread(add_up, known, ask.preset.unit), known

    async def newest(self, book: Book, span: Span) -> Columns:
        """Return the columns of a stretch that ends now: those in memory, and older ones before them."""
        border = -(-(book.columns_from or 0) // span.step_ms) * span.step_ms
        if book.columns_from is None or book.columns_from <= span.t0:
            return (await asyncio.to_thread(book.slices, span.t0, span.t1))[0]
        older = await self.columns(book, self.ask(book, None, replace(span, t1=min(border, span.t1))))
        newer = (await asyncio.to_thread(book.slices, border, span.t1))[0]
        return older.concat(newer) if len(older) else newer

    def ask(self, book: Book, feed: ModelFeed | None, span: Span) -> Ask:
        """Return which columns a stretch is made from, by a model or the one that is followed."""
        preset, place = feed.preset if feed else book.place.preset, book.place
        coins = preset.fuel is Fuel.OPEN_INTEREST
        return Ask(
            venue=place.name,
            symbol=place.symbol,
            preset=preset,
            usd_scale=1.0 if coins else scale_of(place.symbol, self._settings.calibration),
            t0=span.t0,
            t1=span.t1,
            step_ms=span.step_ms,
            stored=feed is None or preset == self._settings.presets.get(preset.name),
        )

    async def candles_between(self, book: Book, t0: int, t1: int) -> Candles:
        """Return the closed candles of a book with `t0 <= ts < t1`, from memory or the store."""
        if t0 >= (book.last_ts or 0) + STEP_MS - CANDLE_DAYS * DAY_MS:
            return (await asyncio.to_thread(book.slices, t0, t1))[1]
        return await self._histories.of(book.place.symbol, book.place.venue)(t0, t1)
