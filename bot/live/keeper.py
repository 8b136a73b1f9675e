"""Keep a book in the market store, and bring it back: what makes a restart warm."""

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from adapters.venue import Source
from bot.live.book import CANDLE_DAYS, Book, Place, Saved
from engine.aggregate import together
from engine.errors import DataError, SourceError, StorageError
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Candles, ZoneEvent
from storage.market import MarketStore

log = structlog.get_logger(__name__)

STATE_EVERY_MS = HOUR_MS
"""Market time between two saves of the engine's state."""
STATE_EVERY_S = 5.0
"""Wall time between them at least, so that a fast replay is not busy saving."""
ZONE_DAYS = 25
"""How far back zones are followed from: the 21 days they are judged by, the two that need none, and room."""
OTHERS_S = 15.0
"""How long slower venues are waited for after one has given its candles."""
ROWS_AT_ONCE = 250
"""Rows are turned into Arrow while everything else waits: no more of them in one go than others can bear."""


class Keeper:
    """Write books to the store and read them back.

    A store that refuses is not fatal: `fault` says so, the rows wait in the book and are given again with the
    next candle.
    """

    def __init__(self, store: MarketStore, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._state_at: dict[tuple[str, str], float] = {}
        self.fault = ""

    async def keep(self, book: Book, *, force: bool = False) -> None:
        """Give the store what is new, and the engine's state when it is time to (or with `force`)."""
        try:
            await self._append(book)
            if force or self._due(book):
                await self._save_state(book)
        except StorageError as error:
            if not self.fault:
                log.exception("market.not_saved", symbol=book.place.symbol)
            self.fault = str(error)
        else:
            self.fault = ""

    async def truncate(self, after_ms: int) -> None:
        """Remove bars that had not closed at a moment; rows that stay are replaced when it comes again."""
        try:
            await self._store.truncate_after(after_ms)
        except StorageError as error:
            log.exception("market.not_truncated")
            self.fault = str(error)

    async def _append(self, book: Book) -> None:
        place = book.place
        new = await asyncio.to_thread(book.unsaved)
        if not place.others:
            await self._store.add_candles(place.symbol, place.venue, new.candles)
        for venue, candles in new.given:
            await self._store.add_candles(place.symbol, venue, candles)
        for at in range(0, len(new.blobs), ROWS_AT_ONCE):
            part = slice(at, at + ROWS_AT_ONCE)
            await self._store.add_columns(
                place.mark, new.column_ts[part], new.blobs[part], since_ts=new.since_ts
            )
        for venue, moved in new.moved:
            await self._store.add_position_events(place.mark_of(venue), moved)
        events = await asyncio.to_thread(lambda: new.events)
        for at in range(0, len(events), ROWS_AT_ONCE):
            await self._store.add_zone_events(events[at : at + ROWS_AT_ONCE])
        await self._store.add_gaps(new.gaps)
        book.mark_saved(new)

    def _due(self, book: Book) -> bool:
        last_ts = book.last_ts or 0
        waited_s = self._monotonic() - self._state_at.get(book.place.key, float("-inf"))
        return last_ts - book.state_ts >= STATE_EVERY_MS and waited_s >= STATE_EVERY_S

    async def _save_state(self, book: Book) -> None:
        """Save the engine's state, never before the rows that it continues are on disk."""
        state = await asyncio.to_thread(book.dump)
        if state is None:
            return
        ts, heatmap, zones = state
        place = book.place
        await self._store.flush()
        await self._store.save_engine_state(place.name, place.symbol, place.preset.name, ts, heatmap, zones)
        book.state_ts = ts
        self._state_at[place.key] = self._monotonic()

    async def load(self, place: Place, source: Source, *, until_ms: int) -> Book | None:
        """Return the book as saved at or before a moment, None where nothing usable was saved.

        It must continue what the source serves: another recording under the same name starts anew.
        """
        try:
            saved = await self._read(place, until_ms - STEP_MS)
            if saved is None or not await self._continues(place, source, saved.ts):
                return None
            return await asyncio.to_thread(Book.restored, place, saved)
        except DataError as error:
            log.warning("market.saved_state_refused", symbol=place.symbol, why=str(error))
        except StorageError as error:
            log.warning("market.saved_state_unreadable", symbol=place.symbol, why=str(error))
            self.fault = str(error)
        return None

    async def _read(self, place: Place, not_after: int) -> Saved | None:
        symbol, preset = place.symbol, place.preset.name
        state = await self._store.load_engine_state(place.name, symbol, preset, not_after=not_after)
        if state is None:
            return None
        ts, heatmap, zones = state
        end = ts + STEP_MS
        since = end - CANDLE_DAYS * DAY_MS
        kept = [await self._store.candles(symbol, venue, since, end) for venue in place.venues]
        candles = await asyncio.to_thread(together, kept)
        columns = await self._store.columns(place.mark, end - place.column_days * DAY_MS, end)
        return Saved(ts=ts, heatmap=heatmap, zones=zones, candles=candles, blobs=[b for _, b in columns])

    async def _continues(self, place: Place, source: Source, ts: int) -> bool:
        """Say whether the source has the same candle as the store at the time of what was saved."""
        symbol, venue, until_ms = place.symbol, place.venue, ts + STEP_MS
        try:
            at = await source.history(symbol, since_ms=ts, until_ms=until_ms, venue=venue)
        except SourceError:
            return True  # it cannot be asked now; what was saved is the best there is
        known = await self._store.candles(symbol, venue, ts, until_ms)
        if place.others and not len(known):
            return True  # another venue's candle stood for it
        return not len(at) or (len(known) > 0 and float(at.close[-1]) == float(known.close[-1]))


async def cold(place: Place, source: Source, *, until_ms: int) -> Book:
    """Return a new book made from all the history that the source has, of those venues that can be asked.

    Raise SourceError where none can.
    """
    history = await histories(place, source, dict.fromkeys(place.venues, 0), until_ms=until_ms)
    book = Book(place.among(tuple(history)))
    await asyncio.to_thread(book.feed, history, zones_from=until_ms - ZONE_DAYS * DAY_MS)
    return book


async def catch_up(book: Book, source: Source, *, until_ms: int) -> list[ZoneEvent]:
    """Feed the closed candles that a book lacks; return what happened to zones.

    A venue that cannot be asked waits for the next candle, which shows the gap. Raise SourceError where none
    can be.
    """
    since = {venue: book.last_ts_of(venue) for venue in book.place.venues}
    first = {venue: 0 if ts is None else ts + STEP_MS for venue, ts in since.items()}
    missing = await histories(book.place, source, first, until_ms=until_ms)
    events = await asyncio.to_thread(lambda: book.feed(missing).all())
    return book.with_shares(events)


async def could_fill(book: Book, source: Source) -> bool:
    """Say whether a source has candles by now in the gaps that a book was made with; raise SourceError."""
    for venue in book.place.venues:
        for first, last in book.gaps_of(venue):
            found = await source.history(
                book.place.symbol, since_ms=first, until_ms=last + STEP_MS, venue=venue
            )
            if len(found):
                return True
    return False


async def histories(
    place: Place, source: Source, since_ms: Mapping[str, int], *, until_ms: int
) -> dict[str, Candles]:
    """Return the closed candles of each venue from a time on, all asked at once; raise where none answers.

    Once one has answered, the others have a while: a book without a slow venue is better than none.
    """
    asked = {
        asyncio.ensure_future(
            source.history(place.symbol, since_ms=since_ms[venue], until_ms=until_ms, venue=venue)
        ): venue
        for venue in place.venues
    }
    found: dict[str, Candles] = {}
    left = set(asked)
    try:
        while left:
            done, left = await asyncio.wait(
                left, timeout=OTHERS_S if found else None, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                log.warning("market.no_history_yet", symbol=place.symbol, venues=[asked[t] for t in left])
                break
            for task in done:
                found |= _answered(task, place.symbol, asked[task])
    finally:
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    if not found:
        raise SourceError(f"No venue could be asked for candles of {place.symbol}.")
    return {venue: found[venue] for venue in place.venues if venue in found}


def _answered(task: asyncio.Future[Candles], symbol: str, venue: str) -> dict[str, Candles]:
    """Return a venue's candles by its name; nothing where it could not be asked."""
    try:
        return {venue: task.result()}
    except SourceError as error:
        log.warning("market.no_history", symbol=symbol, venue=venue, why=str(error))
        return {}
