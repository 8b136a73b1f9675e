"""Hold the market as it stands now, for everything that shows it or watches it."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import structlog

from adapters.health import HealthSnapshot, snapshots_of
from adapters.venue import Feed, Source, SourceKind, VenueHealth
from bot.live.book import COLUMN_DAYS, EVER, Book, Place
from bot.live.changes import Changes, Subscription
from bot.live.columns import ColumnDesk, columns_days
from bot.live.keeper import ZONE_DAYS, Keeper, catch_up, cold, could_fill
from bot.live.keeping import KeepSoon
from bot.live.level import Levels
from bot.live.reading import Histories
from bot.live.scale import scale_of
from bot.live.span import Slices, Span, Spanned, spanned, standing_at_end
from bot.live.stretches import Stretches
from bot.live.subset import Subset, Subsets, part_of
from bot.live.upkeep import Upkeep
from bot.live.venues import Waiting
from bot.live.view import Change, ChangeKind, Level, SymbolView
from bot.live.window import ModelFeed, Window, columns_grid, window_grid
from config.settings import Settings
from engine.errors import CandleError, SourceError, UserError
from engine.grid import Grid
from engine.handing import handed_on
from engine.model import (
    DAY_MS,
    STEP_MS,
    Candle,
    Candles,
    Gap,
    MarketEvent,
    SourceEnded,
    SourceSought,
    Tick,
    ZoneEvent,
)
from engine.presets import PRESETS
from engine.snapshot import BIN_BP, HeatmapSnapshot
from engine.standing import Standing
from engine.zones import ZoneParams
from storage.market import MarketStore

log = structlog.get_logger(__name__)

PRESET = PRESETS["flow"]
BINS = 600
MAX_COLS = 1200
COLUMNS_MB = 256
"""Memory for the heatmap columns of all markets; what is older is in the store, or made again."""
FIRST_S = 60.0
"""How long the start waits for the history of live venues."""
SILENT_S = 15.0
"""How long a venue may give no price before another one's stands for the symbol."""
GRIDS_AT_ONCE = 2
"""How many grids are made at the same time: each may take 100 MB for a moment."""


class LiveMarket:
    """Turn a source's events into views, grids and zones, and keep them in the store.

    Call `start` once, then `apply` with every event in order; everything else may be called at any time from
    the event loop. Heavy work runs in threads.
    """

    def __init__(
        self,
        source: Source,
        store: MarketStore,
        settings: Settings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._store = store
        self._settings = settings
        self._keeper = Keeper(store, monotonic=monotonic)
        self._desk = ColumnDesk(store)
        self._monotonic = monotonic
        self._books: dict[str, Book] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._prices: defaultdict[str, dict[str, float]] = defaultdict(dict)
        """When each venue last gave a price of a symbol, monotonic seconds."""
        self._holes: set[str] = set()
        self._handed: defaultdict[str, list[ZoneEvent]] = defaultdict(list)
        """What zones of books that were replaced go on as, until somebody is told."""
        self._arrived: dict[str, list[Candle]] = {}
        self._histories = Histories(source, store, monotonic)
        self._stretches = Stretches(self._desk, self._histories, settings)
        self._keeping = KeepSoon(self._keep)
        self.upkeep = Upkeep(self, monotonic=monotonic)
        self._waiting: dict[str, Waiting] = {}
        self._changes = Changes()
        self._levels = Levels()
        self._subsets = Subsets()
        self._ticks: dict[str, dict[str, Tick]] = {}
        self._grids = asyncio.Semaphore(GRIDS_AT_ONCE)
        self.refused_candles = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that are served: of those that are followed, the known ones."""
        return tuple(symbol for symbol in self._source.symbols if self.has(symbol))

    @property
    def followed(self) -> tuple[str, ...]:
        """Return the canonical symbols that are read, known by now or not."""
        return self._source.symbols

    @property
    def listed(self) -> tuple[str, ...]:
        """Return the symbols that could be served, those that are among them."""
        return self._source.listed

    def has(self, symbol: str) -> bool:
        """Say whether anything is known of a symbol."""
        book = self._book(symbol)
        return book is not None and book.closed is not None

    def follow(self, symbol: str) -> None:
        """Serve a symbol from now on; it is known once its history has come."""
        self._source.follow(symbol)
        self.upkeep.look()

    async def leave(self, symbol: str) -> None:
        """Serve a symbol no longer, and keep what is known of it in the store."""
        self._source.unfollow(symbol)
        async with self._turns[symbol]:
            book = self._books.pop(symbol, None)
            if book is not None:
                await self._keeper.keep(book, force=True)
            for known in (self._waiting, self._prices, self._ticks):
                known.pop(symbol, None)

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues that are read."""
        return self._source.venues

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
    def fault(self) -> str:
        """Return why the store does not take the market's history, empty while it does."""
        return self._keeper.fault

    @property
    def columns_found(self) -> dict[str, int]:
        """Return how often columns of the past were in memory, in the store, or had to be made."""
        return dict(self._desk.found)

    @property
    def dropped_changes(self) -> int:
        """Return how many notifications slow subscribers have missed."""
        return self._changes.dropped

    def now_ms(self) -> int:
        """Return the market clock."""
        return self._source.now_ms()

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
            raise UserError(f"There is no data for {symbol} yet.", example="/symbols")
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
            told = f"{symbol} is not read from {', '.join(strange)}, but from {read}."
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

    def subscribe(self) -> Subscription:
        """Return a new subscription that sees every change from now on; it never holds anything up."""
        return self._changes.subscribe()

    def standing(self, symbol: str) -> Standing:
        """Return what stands at the newest close of a symbol; raise UserError without data."""
        standing = self._known(symbol).standing()
        if standing is None:
            raise UserError(f"There is no data for {symbol} yet.", example="/symbols")
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

    async def start(self) -> None:
        """Bring every book to the source's present: from the store where it fits, else from history.

        Of live venues, what takes longer than a while comes in the background: `upkeep` is to be run.
        """
        if self._source.kind is SourceKind.LIVE:
            await self.upkeep.first(FIRST_S)
            return
        now_ms = self._source.now_ms()
        await self._store.truncate_after(now_ms)
        await self._build(now_ms)

    async def stop(self) -> None:
        """Save the engine's state and end all subscriptions."""
        await self.upkeep.stop()
        await self.kept()
        for book in self._books.values():
            await self._keeper.keep(book, force=True)
        self._subsets.close()
        await self._desk.close()
        self._changes.close()

    async def kept(self) -> None:
        """Wait until the store was given what has come so far."""
        await self._keeping.all()

    async def apply(self, event: MarketEvent) -> list[ZoneEvent]:
        """Take one event of the source in; returns when views and grids show it, with what zones became."""
        match event:
            case Tick():
                return [*await self._tick(event), *self._handed.pop(event.symbol, ())]
            case Candle():
                if event.closed:
                    return [*await self._candle(event), *self._handed.pop(event.symbol, ())]
            case Gap():
                self._gap(event)
            case SourceSought():
                await self._sought(event)
            case SourceEnded():
                await self._ended(event)
        return []

    def _book(self, symbol: str) -> Book | None:
        return self._books.get(symbol)

    def _known(self, symbol: str) -> Book:
        """Return the book of a symbol; raise UserError where there is none."""
        book = self._book(symbol)
        if book is None:
            raise UserError(f"There is no data for {symbol} yet.", example="/symbols")
        return book

    def _book_of(self, venue: str, symbol: str) -> Book | None:
        """Return the book that a venue's symbol goes into."""
        book = self._book(symbol)
        return book if book is not None and venue in book.place.venues else None

    def _place(self, symbol: str) -> Place:
        zones = self._settings.zones
        params = ZoneParams(
            bin_log=zones.bin_bp * 1e-4,
            within=zones.within,
            quantile=zones.quantile,
            days=zones.days,
            min_hours=zones.min_hours,
            overlap=zones.overlap,
        )
        scale = scale_of(symbol, self._settings.calibration)
        venue, *others = self._source.venues_of(symbol)
        return Place(
            venue=venue,
            others=tuple(others),
            symbol=symbol,
            preset=PRESET,
            usd_scale=scale,
            zones=params,
            column_days=columns_days(
                len(self.followed), width=PRESET.width, megabytes=COLUMNS_MB, most=COLUMN_DAYS
            ),
        )

    async def _build(self, until_ms: int) -> None:
        """Make all books anew, side by side; what stood is shown until they are ready."""
        places = [self._place(symbol) for symbol in self.followed]
        books = await asyncio.gather(*(self._ready(place, until_ms) for place in places))
        self._books = {book.place.symbol: book for book in books}
        for book in books:
            self._wait_anew(book)
        for symbol in self.followed:
            self._changes.say(Change(symbol, ChangeKind.REBUILT, until_ms))

    def lacking(self) -> list[str]:
        """Return the symbols whose book is lacking, or lacks a venue or candles, those without any first."""
        symbols = self._source.symbols
        bare = [symbol for symbol in symbols if symbol not in self._books]
        return [*bare, *(symbol for symbol in symbols if symbol in self._books and self._is_short(symbol))]

    def _is_short(self, symbol: str) -> bool:
        has = self._books[symbol].place.venues
        return symbol in self._holes or any(venue not in has for venue in self._source.venues_of(symbol))

    async def bring(self, symbol: str) -> None:
        """Make the book of a live symbol anew, of every venue that can be asked; raise SourceError.

        Candles that come meanwhile are taken in by the book that stands, and by the new one at the end:
        nobody waits for a venue.
        """
        if not self._source.venues_of(symbol):
            return
        again, done = symbol in self._holes, False
        self._holes.discard(symbol)
        self._arrived[symbol] = []
        try:
            book = await self._ready(self._place(symbol), self._source.now_ms(), anew=again)
            async with self._turns[symbol]:  # no candle is taken meanwhile
                if symbol in self._source.symbols:
                    await self._replace(book, self._arrived[symbol])
            done = True
        finally:
            del self._arrived[symbol]
            if again and not done:
                self._holes.add(symbol)
        self._changes.say(Change(symbol, ChangeKind.REBUILT, self._source.now_ms()))

    async def _replace(self, book: Book, arrived: Sequence[Candle]) -> None:
        """Let a book stand for its symbol, with the candles that came while it was made."""
        symbol = book.place.symbol
        before = self._books.get(symbol)
        if before is not None and before.tick is not None:
            book.price(before.tick)
        if before is not None and before.closed is not None and book.closed is not None:
            self._handed[symbol] += handed_on(before.closed.zones, book.closed.zones)
        self._books[symbol] = book
        self._wait_anew(book)
        for candle in arrived:
            last_ts = self._waiting[symbol].newest(candle.venue)
            if candle.venue not in book.place.venues or (last_ts is not None and candle.ts <= last_ts):
                continue
            if last_ts is not None and candle.ts > last_ts + STEP_MS:
                self._holes.add(symbol)
            self._add(book, candle)
        await self._feed(book, self._source.now_ms())

    async def _ready(self, place: Place, until_ms: int, *, anew: bool = False) -> Book:
        began = time.perf_counter()
        book = None if anew else await self._keeper.load(place, self._source, until_ms=until_ms)
        if book is not None and await self._could_have_more(book):
            book = None
        warm = book is not None and until_ms - (book.last_ts or 0) <= ZONE_DAYS * DAY_MS
        if book is None or not warm:
            book = await cold(place, self._source, until_ms=until_ms)
        else:
            await catch_up(book, self._source, until_ms=until_ms)
        await self._keeper.keep(book, force=not warm)
        log.info(
            "market.ready",
            symbol=place.symbol,
            venues=list(book.place.venues),
            restart="warm" if warm else "cold",
            took_s=round(time.perf_counter() - began, 2),
        )
        return book

    async def _could_have_more(self, book: Book) -> bool:
        """Say whether a venue has candles by now that a book was made without."""
        try:
            return await could_fill(book, self._source)
        except SourceError as error:
            self._holes.add(book.place.symbol)
            log.warning("market.gap_not_filled", symbol=book.place.symbol, why=str(error))
            return False

    async def _tick(self, tick: Tick) -> list[ZoneEvent]:
        """Take a price in; where candles have waited long enough for other venues', they are fed."""
        book = self._book_of(tick.venue, tick.symbol)
        if book is None:
            return []
        self._ticks.setdefault(tick.symbol, {})[tick.venue] = tick
        self._subsets.price(tick)
        if self._lends(book, tick):
            book.price(tick)
            self._changes.say(Change(tick.symbol, ChangeKind.TICK, tick.ts))
        async with self._turns[tick.symbol]:
            now = self._books.get(tick.symbol)  # it may have been replaced, or left
            return [] if now is None else await self._feed(now, tick.ts)

    def _lends(self, book: Book, tick: Tick) -> bool:
        """Say whether a venue's price stands for the symbol: no venue before it has given one for a while."""
        now_s, given_s = self._monotonic(), self._prices[tick.symbol]
        given_s[tick.venue] = now_s
        before = book.place.venues[: book.place.venues.index(tick.venue)]
        return all(now_s - given_s.get(venue, -math.inf) >= SILENT_S for venue in before)

    def is_price(self, tick: Tick) -> bool:
        """Say whether a price is the newest one of its symbol, the one that views show."""
        book = self._book(tick.symbol)
        return book is not None and book.closed is not None and book.tick is tick

    async def _candle(self, candle: Candle) -> list[ZoneEvent]:
        """Take one closed candle, and before it what is missing; return what happened to zones."""
        async with self._turns[candle.symbol]:
            return await self._taken(candle)

    async def _taken(self, candle: Candle) -> list[ZoneEvent]:
        if (arrived := self._arrived.get(candle.symbol)) is not None:
            arrived.append(candle)
        book = self._book_of(candle.venue, candle.symbol)
        if book is None or self._is_ahead(candle):
            return []
        last_ts = self._waiting[candle.symbol].newest(candle.venue)
        if last_ts is not None and candle.ts <= last_ts:
            await self._heal(book)
            return []
        if last_ts is not None and candle.ts > last_ts + STEP_MS:
            self._waiting[candle.symbol].add(candle.venue, await self._missing(candle, last_ts))
        self._add(book, candle)
        return await self._feed(book, candle.ts + STEP_MS)

    def _is_ahead(self, candle: Candle) -> bool:
        """Say whether a live candle is of a day to come: no clock is so wrong, and nothing could follow."""
        live = self._source.kind is SourceKind.LIVE
        if not live or candle.ts < self._source.now_ms() + DAY_MS:
            return False
        self.refused_candles += 1
        return True

    def _add(self, book: Book, candle: Candle) -> None:
        """Let a candle wait for those of other venues, unless it is impossible."""
        one = Candles.of([candle])
        try:
            book.check(candle.venue, one)
        except CandleError as error:
            self.refused_candles += 1
            log.warning("market.candle_refused", symbol=candle.symbol, why=str(error))
        else:
            self._waiting[candle.symbol].add(candle.venue, one)

    async def _feed(self, book: Book, now_ms: int) -> list[ZoneEvent]:
        """Feed what no other venue is waited for; return what happened to zones."""
        due = self._waiting[book.place.symbol].due(now_ms)
        if not due:
            return []
        try:
            happened = await asyncio.to_thread(lambda: book.feed(due).all())
        except CandleError as error:
            self.refused_candles += 1
            log.warning("market.candle_refused", symbol=book.place.symbol, why=str(error))
            self._wait_anew(book)
            return []
        if self._source.kind is SourceKind.LIVE:
            self._keeping.soon(book.place.symbol)
        else:
            await self._keeper.keep(book)
        self._changes.say(Change(book.place.symbol, ChangeKind.CANDLE, book.last_ts or now_ms))
        return self._levels.events(book.place.symbol, book.with_shares(happened))

    async def _keep(self, symbol: str) -> None:
        book = self._books.get(symbol)
        if book is not None:
            await self._keeper.keep(book)

    async def _heal(self, book: Book) -> None:
        """Rebuild when a book knows a replay's future: a jump back was not carried through."""
        now_ms = self._source.now_ms()
        if self._source.kind is SourceKind.REPLAY and (book.last_ts or 0) + STEP_MS > now_ms:
            await self._build(now_ms)

    async def _missing(self, candle: Candle, last_ts: int) -> Candles:
        """Fetch bars that are missing before a candle; where the source cannot help soon, a gap stays.

        Of live venues, the whole book is made anew once the bars can be had.
        """
        missed = await self._histories.at_once(candle.symbol, candle.venue, last_ts + STEP_MS, candle.ts)
        if missed is None:
            self._holes.add(candle.symbol)
            return Candles.empty()
        return missed

    def _wait_anew(self, book: Book) -> None:
        """Hold no candles of a book, and wait for those after what it has."""
        newest = {venue: book.last_ts_of(venue) for venue in book.place.venues}
        self._waiting[book.place.symbol] = Waiting(newest)

    def _gap(self, gap: Gap) -> None:
        book = self._book_of(gap.venue, gap.symbol)
        # Of several venues, the others stand for one that has a gap.
        if book is not None and not book.place.others and book.gap(gap):
            self._changes.say(Change(gap.symbol, ChangeKind.GAP, gap.first_ts))

    async def _sought(self, event: SourceSought) -> None:
        """Rebuild what stood before a jump: forwards by feeding what was skipped, else from history."""
        oldest = min((b.last_ts or 0 for b in self._books.values()), default=0)
        if event.backwards:
            await self._keeper.truncate(event.ts)
        if event.backwards or event.ts - oldest > ZONE_DAYS * DAY_MS:
            await self._build(event.ts)
            return
        await asyncio.gather(*(self._skip_to(book, event.ts) for book in self._books.values()))

    async def _skip_to(self, book: Book, until_ms: int) -> None:
        book.forget_price()
        await catch_up(book, self._source, until_ms=until_ms)
        self._wait_anew(book)
        await self._keeper.keep(book)
        self._changes.say(Change(book.place.symbol, ChangeKind.REBUILT, until_ms))

    async def _ended(self, event: SourceEnded) -> None:
        for book in self._books.values():
            await self._keeper.keep(book, force=True)
        for symbol in self.symbols:
            self._changes.say(Change(symbol, ChangeKind.ENDED, event.ts))
