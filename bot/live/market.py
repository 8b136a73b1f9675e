"""Hold the market as it stands now, for everything that shows it or watches it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from adapters.venue import Feed, Source, SourceKind, VenueHealth
from bot.live.book import COLUMN_DAYS, EVER, Book, Place
from bot.live.changes import Changes, Subscription
from bot.live.columns import Ask, ColumnDesk, History, columns_days
from bot.live.keeper import ZONE_DAYS, Keeper, catch_up, cold
from bot.live.level import Levels
from bot.live.scale import scale_of
from bot.live.venues import Waiting
from bot.live.view import Change, ChangeKind, Level, SymbolView
from bot.live.window import ModelFeed, Window, columns_grid, older_until, window_grid
from config.settings import Settings
from engine.aggregate import Part, add_up, mean_volumes
from engine.columns import Columns
from engine.errors import CandleError, SourceError, UserError
from engine.grid import Grid
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
from engine.presets import PRESETS, Fuel
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
NORM_MS = 32 * DAY_MS
"""How far back candles are needed to know a venue's mean volume."""
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
        self._books: dict[tuple[str, str], Book] = {}
        self._waiting: dict[str, Waiting] = {}
        self._changes = Changes()
        self._levels = Levels()
        self._grids = asyncio.Semaphore(GRIDS_AT_ONCE)
        self.refused_candles = 0

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the canonical symbols that are served."""
        return self._source.symbols

    @property
    def venues(self) -> tuple[str, ...]:
        """Return the venues that are read."""
        return self._source.venues

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

    async def grid(
        self,
        symbol: str,
        window_ms: int,
        *,
        low: float | None = None,
        high: float | None = None,
        bins: int = BINS,
        max_cols: int | None = None,
    ) -> Grid:
        """Return the heatmap of a window that ends with the newest closed candle.

        Without `max_cols`, as pictures want it, the candle that forms comes after it. Without `low` or `high`
        the range is that of the prices with room around them, and of zones near the price.
        Raise UserError without data, GridError for a range that is empty.
        """
        view, book = self.view(symbol), self._known(symbol)
        window = Window(window_ms=window_ms, low=low, high=high, bins=bins, max_cols=max_cols or MAX_COLS)
        async with self._grids:
            older = await self._older(book, view, window)
            forming = max_cols is None
            return await asyncio.to_thread(
                lambda: self._levels.grid(window_grid(book, view, window, older, forming=forming))
            )

    async def _older(self, book: Book, view: SymbolView, window: Window) -> Columns | None:
        """Return the columns of a window that are no longer in memory, None where all of them are."""
        begin, until = window.begin(view.candle_ts + STEP_MS), older_until(book, window)
        end = view.candle_ts + STEP_MS
        if book.columns_from is None or book.columns_from <= end - window.window_ms or begin >= until:
            return None
        place = book.place
        ask = Ask(
            venue=place.name,
            symbol=place.symbol,
            preset=place.preset,
            usd_scale=place.usd_scale,
            t0=begin,
            t1=until,
            step_ms=window.step_ms,
        )
        return await self._columns(book, ask)

    async def _columns(self, book: Book, ask: Ask) -> Columns:
        """Return columns, those of several venues added up by their shares at each."""
        place, parts = book.place, []
        for venue in place.venues:
            history = self._history_of(place.symbol, venue)
            found = await self._desk.find(replace(ask, venue=venue), history)
            bars = await history(ask.t0 - NORM_MS, ask.t1) if place.others else Candles.empty()
            mean = await asyncio.to_thread(mean_volumes, ask.preset, bars, found, ask.step_ms)
            parts.append(Part(venue=venue, columns=found, mean_quote_volume=mean))
        known = [part for part in parts if len(part.columns)] or parts[:1]
        return (await asyncio.to_thread(add_up, known, ask.preset.unit)).columns

    def _history_of(self, symbol: str, venue: str) -> History:
        """Return how candles of a market between two times are had."""
        return lambda since_ms, until_ms: self._source.history(
            symbol, since_ms=since_ms, until_ms=until_ms, venue=venue
        )

    async def snapshot(self, symbol: str, *, bin_bp: float = BIN_BP, min_usd: float = 0.0) -> HeatmapSnapshot:
        """Return what stands at the newest close as levels; raise UserError without data."""
        book = self._known(symbol)
        view = self.view(symbol)
        columns = (await asyncio.to_thread(book.slices, view.candle_ts, view.candle_ts + STEP_MS))[0]
        columns = self._levels.columns(symbol, columns)
        return HeatmapSnapshot.of(
            columns, PRESET, symbol=symbol, venues=view.venues, bin_bp=bin_bp, min_usd=min_usd
        )

    async def history(self, symbol: str, span_ms: int) -> Candles:
        """Return the closed candles of the span that ends with the newest one, as far as there are any."""
        book = self._known(symbol)
        end = self.view(symbol).candle_ts + STEP_MS
        venue = book.place.venue
        return await self._source.history(symbol, since_ms=end - span_ms, until_ms=end, venue=venue)

    async def model_grid(
        self,
        symbol: str,
        window_ms: int,
        feed: ModelFeed,
        *,
        low: float | None = None,
        high: float | None = None,
        max_cols: int = MAX_COLS,
    ) -> Grid:
        """Return the grid of a window as another model sees it; its columns are kept, but for odd weights."""
        view, book = self.view(symbol), self._known(symbol)
        window = Window(window_ms=window_ms, low=low, high=high, bins=BINS, max_cols=max_cols)
        coins = feed.preset.fuel is Fuel.OPEN_INTEREST
        end = view.candle_ts + STEP_MS
        ask = Ask(
            venue=book.place.name,
            symbol=symbol,
            preset=feed.preset,
            usd_scale=1.0 if coins else scale_of(symbol, self._settings.calibration),
            t0=window.begin(end),
            t1=end,
            step_ms=window.step_ms,
            stored=feed.preset == self._settings.presets.get(feed.preset.name),
        )
        async with self._grids:
            columns = await self._columns(book, ask)
            candles = await self._history_of(symbol, book.place.venue)(ask.t0, end)
            return await asyncio.to_thread(
                columns_grid, view, columns, candles, window, column_ms=window.column_ms
            )

    async def candles(self, symbol: str, t0: int, t1: int = EVER) -> Candles:
        """Return the closed candles of the last 31 days with `t0 <= ts < t1`."""
        book = self._book(symbol)
        if book is None:
            return Candles.empty()
        return (await asyncio.to_thread(book.slices, t0, t1))[1]

    async def start(self) -> None:
        """Bring every book to the source's present: from the store where it fits, else from history."""
        now_ms = self._source.now_ms()
        if self._source.kind is SourceKind.REPLAY:
            await self._store.truncate_after(now_ms)
        await self._build(now_ms)

    async def stop(self) -> None:
        """Save the engine's state and end all subscriptions."""
        for book in self._books.values():
            await self._keeper.keep(book, force=True)
        await self._desk.close()
        self._changes.close()

    async def apply(self, event: MarketEvent) -> list[ZoneEvent]:
        """Take one event of the source in; returns when views and grids show it, with what zones became."""
        match event:
            case Tick():
                return await self._tick(event)
            case Candle():
                if event.closed:
                    return await self._candle(event)
            case Gap():
                self._gap(event)
            case SourceSought():
                await self._sought(event)
            case SourceEnded():
                await self._ended(event)
        return []

    def _book(self, symbol: str) -> Book | None:
        return next((b for (_, known), b in self._books.items() if known == symbol), None)

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
                len(self.symbols), width=PRESET.width, megabytes=COLUMNS_MB, most=COLUMN_DAYS
            ),
        )

    async def _build(self, until_ms: int) -> None:
        """Make all books anew, side by side; what stood is shown until they are ready."""
        places = [self._place(symbol) for symbol in self.symbols]
        books = await asyncio.gather(*(self._ready(place, until_ms) for place in places))
        self._books = {book.place.key: book for book in books}
        for book in books:
            self._wait_anew(book)
        for symbol in self.symbols:
            self._changes.say(Change(symbol, ChangeKind.REBUILT, until_ms))

    async def _ready(self, place: Place, until_ms: int) -> Book:
        began = time.perf_counter()
        book = await self._keeper.load(place, self._source, until_ms=until_ms)
        warm = book is not None and until_ms - (book.last_ts or 0) <= ZONE_DAYS * DAY_MS
        if book is None or not warm:
            book = await cold(place, self._source, until_ms=until_ms)
        else:
            await catch_up(book, self._source, until_ms=until_ms)
        await self._keeper.keep(book, force=not warm)
        log.info(
            "market.ready",
            symbol=place.symbol,
            venue=place.venue,
            restart="warm" if warm else "cold",
            took_s=round(time.perf_counter() - began, 2),
        )
        return book

    async def _tick(self, tick: Tick) -> list[ZoneEvent]:
        """Take a price in; where candles have waited long enough for other venues', they are fed."""
        book = self._book_of(tick.venue, tick.symbol)
        if book is None:
            return []
        if tick.venue == book.place.venue:
            book.price(tick)
            self._changes.say(Change(tick.symbol, ChangeKind.TICK, tick.ts))
        return await self._feed(book, tick.ts)

    async def _candle(self, candle: Candle) -> list[ZoneEvent]:
        """Take one closed candle, and before it what is missing; return what happened to zones."""
        book = self._book_of(candle.venue, candle.symbol)
        if book is None:
            return []
        last_ts = self._waiting[candle.symbol].newest(candle.venue)
        if last_ts is not None and candle.ts <= last_ts:
            await self._heal(book)
            return []
        waiting, one = self._waiting[candle.symbol], Candles.of([candle])
        if last_ts is not None and candle.ts > last_ts + STEP_MS:
            waiting.add(candle.venue, await self._missing(candle, last_ts))
        try:
            book.check(candle.venue, one)
        except CandleError as error:
            self.refused_candles += 1
            log.warning("market.candle_refused", symbol=candle.symbol, why=str(error))
        else:
            waiting.add(candle.venue, one)
        return await self._feed(book, candle.ts + STEP_MS)

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
        await self._keeper.keep(book)
        self._changes.say(Change(book.place.symbol, ChangeKind.CANDLE, book.last_ts or now_ms))
        return self._levels.events(book.place.symbol, book.with_shares(happened))

    async def _heal(self, book: Book) -> None:
        """Rebuild when a book knows a replay's future: a jump back was not carried through."""
        now_ms = self._source.now_ms()
        if self._source.kind is SourceKind.REPLAY and (book.last_ts or 0) + STEP_MS > now_ms:
            await self._build(now_ms)

    async def _missing(self, candle: Candle, last_ts: int) -> Candles:
        """Fetch bars that are missing before a candle; where the source cannot help, a gap stays."""
        try:
            return await self._source.history(
                candle.symbol, since_ms=last_ts + STEP_MS, until_ms=candle.ts, venue=candle.venue
            )
        except SourceError as error:
            log.warning("market.gap_not_filled", symbol=candle.symbol, why=str(error))
            return Candles.empty()

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
