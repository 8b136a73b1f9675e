"""Take the events of a source into the books of its symbols, in order, and keep them in the store."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog

from adapters.venue import Source, SourceKind
from bot.lang import _
from bot.live.book import Book
from bot.live.changes import Changes, Subscription
from bot.live.keeper import ZONE_DAYS, Keeper, catch_up
from bot.live.keeping import KeepSoon
from bot.live.level import Levels
from bot.live.making import Maker
from bot.live.reading import Histories
from bot.live.subset import Subsets
from bot.live.upkeep import Upkeep
from bot.live.venues import Waiting
from bot.live.view import Change, ChangeKind
from config.settings import Settings
from engine.errors import CandleError, UserError
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
from storage.market import MarketStore

log = structlog.get_logger(__name__)

FIRST_S = 60.0
"""How long the start waits for the history of live venues."""
SILENT_S = 15.0
"""How long a venue may give no price before another one's stands for the symbol."""


class Intake:
    """Keep a book a symbol, as new as the source's events.

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
        self._keeper = Keeper(store, monotonic=monotonic)
        self._maker = Maker(source, self._keeper, settings)
        self._monotonic = monotonic
        self._books: dict[str, Book] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._prices: defaultdict[str, dict[str, float]] = defaultdict(dict)
        """When each venue last gave a price of a symbol, monotonic seconds."""
        self._handed: defaultdict[str, list[ZoneEvent]] = defaultdict(list)
        """What zones of books that were replaced go on as, until somebody is told."""
        self._arrived: dict[str, list[Candle]] = {}
        self._histories = Histories(source, store, monotonic)
        self._keeping = KeepSoon(self._keep)
        self.upkeep = Upkeep(self, monotonic=monotonic)
        self._waiting: dict[str, Waiting] = {}
        self._changes = Changes()
        self._levels = Levels()
        self._subsets = Subsets()
        self._ticks: dict[str, dict[str, Tick]] = {}
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

    def subscribe(self) -> Subscription:
        """Return a new subscription that sees every change from now on; it never holds anything up."""
        return self._changes.subscribe()

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
            raise UserError(_("There is no data for {symbol} yet.").format(symbol=symbol), example="/symbols")
        return book

    def _book_of(self, venue: str, symbol: str) -> Book | None:
        """Return the book that a venue's symbol goes into."""
        book = self._book(symbol)
        return book if book is not None and venue in book.place.venues else None

    async def _build(self, until_ms: int) -> None:
        """Make all books anew, side by side; what stood is shown until they are ready."""
        places = [self._maker.place(symbol) for symbol in self.followed]
        books = await asyncio.gather(*(self._maker.make(place, until_ms) for place in places))
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
        return symbol in self._maker.holes or any(
            venue not in has for venue in self._source.venues_of(symbol)
        )

    async def bring(self, symbol: str) -> None:
        """Make the book of a live symbol anew, of every venue that can be asked; raise SourceError.

        Candles that come meanwhile are taken in by the book that stands, and by the new one at the end:
        nobody waits for a venue.
        """
        if not self._source.venues_of(symbol):
            return
        again, done = symbol in self._maker.holes, False
        self._maker.holes.discard(symbol)
        self._arrived[symbol] = []
        try:
            book = await self._maker.make(self._maker.place(symbol), self._source.now_ms(), anew=again)
            async with self._turns[symbol]:  # no candle is taken meanwhile
                if symbol in self._source.symbols:
                    await self._replace(book, self._arrived[symbol])
            done = True
        finally:
            del self._arrived[symbol]
            if again and not done:
                self._maker.holes.add(symbol)
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
                self._maker.holes.add(symbol)
            self._add(book, candle)
        await self._feed(book, self._source.now_ms())

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
            self._maker.holes.add(candle.symbol)
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
