"""Answer for some of a symbol's venues: by a book of theirs alone, made when somebody asks and kept a while.

Its zones are found on the sum of those venues, by the rules of every other book. Its dollars are their share
of all venues' dollars, so that the parts that are told add up to the whole that is told.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from adapters.titles import title
from adapters.venue import Source
from bot.lang import _
from bot.live.book import Book, Place
from bot.live.keeper import ZONE_DAYS, catch_up
from bot.live.level import Levels
from bot.live.view import Level, SymbolView
from engine.errors import DataError, SourceError, UserError
from engine.model import DAY_MS, STEP_MS, Candles, Tick
from engine.presets import Preset, Unit
from engine.zones import ZoneEvents

log = structlog.get_logger(__name__)

KEPT = 8
"""How many books of some venues are kept; who was asked for longest ago goes first."""
COLUMN_DAYS = 3
"""How many days of columns each of them holds in memory; older ones are found as every book's are."""
WAIT_S = 15.0
"""How long is waited for a book; one that takes longer is ready for whoever asks next."""


class Unkept(Book):
    """Be a book that no store is given: what would wait for one is let go."""

    def feed(self, candles: Candles | Mapping[str, Candles], *, zones_from: int = 0) -> ZoneEvents:
        """Take closed candles like every book."""
        happened = super().feed(candles, zones_from=zones_from)
        with self._lock:
            self._events, self._moved, self._given = [], [], []
            self._unsaved_gaps.clear()
        return happened


class Subset:
    """Hold the book of some venues beside the book of all, `whole`, and what corrects its dollars."""

    def __init__(self, whole: Book, venues: tuple[str, ...]) -> None:
        first, *others = venues
        self.whole = whole
        self.book: Book | None = None
        self.levels = Levels()
        self._place = replace(
            whole.place,
            venue=first,
            others=tuple(others),
            column_days=min(COLUMN_DAYS, whole.place.column_days),
        )
        self._task: asyncio.Task[None] | None = None

    @property
    def place(self) -> Place:
        """Return which market its book is about."""
        return self._place

    @property
    def factor(self) -> float:
        """Return what its sum is multiplied by: the part that these venues have in the whole."""
        return part_of(self.whole, self._place.venues, self._place.preset)

    def correct(self, level: Level | None) -> None:
        """Count the dollars of these venues, corrected like those of all."""
        long, short = (level.long, level.short) if level is not None else (1.0, 1.0)
        by = self.factor
        hours, as_of_ms = (level.hours, level.as_of_ms) if level is not None else (0, 0)
        self.levels.put(
            self._place.symbol, Level(long=long * by, short=short * by, hours=hours, as_of_ms=as_of_ms)
        )

    def view(self, level: Level | None) -> SymbolView:
        """Return what is known now; raise UserError before the first candle."""
        view = self.book.view() if self.book is not None else None
        if view is None:
            names = ", ".join(title(venue) for venue in self._place.venues)
            told = _("There is no data for {symbol} from {names} yet.").format(
                symbol=self._place.symbol, names=names
            )
            raise UserError(told, example="/status")
        return replace(view, zones=self.levels.zones(view.symbol, view.zones), level=level)

    async def refresh(self, source: Source, ticks: Mapping[str, Tick]) -> None:
        """Bring the book to where that of all venues is; whoever asks meanwhile waits for the same work.

        Where that cannot be done now, what was known stays; raise UserError where nothing was.
        """
        until_ms = (self.whole.last_ts or 0) + STEP_MS
        if self.book is not None and (self.book.last_ts or 0) + STEP_MS >= until_ms:
            return
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(source, ticks, until_ms))
        await asyncio.wait({self._task}, timeout=WAIT_S)
        if self.book is None:
            self._refuse()

    async def _work(self, source: Source, ticks: Mapping[str, Tick], until_ms: int) -> None:
        place = self._place
        try:
            if self.book is None:
                book = await _made(place, source, until_ms)
                if (tick := ticks.get(place.venue)) is not None:
                    book.price(tick)
                self.book = book
            else:
                await catch_up(self.book, source, until_ms=until_ms)
        except (SourceError, DataError) as error:
            log.warning("subset.not_ready", symbol=place.symbol, venues=place.venues, why=str(error))

    def _refuse(self) -> None:
        names = ", ".join(title(venue) for venue in self._place.venues)
        if self._task is not None and not self._task.done():
            told = _("What stands on {names} alone is being worked out: ask again in a few seconds.").format(
                names=names
            )
        else:
            told = _("The candles of {names} cannot be had now; ask again in a minute.").format(names=names)
        raise UserError(told, example="/status")

    def close(self) -> None:
        """Stop what is being made."""
        if self._task is not None:
            self._task.cancel()


class Subsets:
    """Keep the subsets that were asked for last."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, tuple[str, ...]], Subset] = OrderedDict()

    def of(self, whole: Book, venues: tuple[str, ...]) -> Subset:
        """Return the subset of a book's venues; a new one where that book was made anew."""
        key = (whole.place.symbol, venues)
        held = self._held.pop(key, None)
        if held is None or held.whole is not whole:
            if held is not None:
                held.close()
            held = Subset(whole, venues)
        self._held[key] = held
        while len(self._held) > KEPT:
            self._held.popitem(last=False)[1].close()
        return held

    def price(self, tick: Tick) -> None:
        """Take a venue's newest price, where it stands for some venues."""
        for (symbol, venues), held in self._held.items():
            if symbol == tick.symbol and venues[0] == tick.venue and held.book is not None:
                held.book.price(tick)

    def close(self) -> None:
        """Stop what is being made, and forget everything."""
        for held in self._held.values():
            held.close()
        self._held.clear()


def part_of(whole: Book, venues: Iterable[str], preset: Preset) -> float:
    """Return what the sum of some venues counts for: their share where all share what a model expects.

    What stands is each venue's own, and counts as it is.
    """
    if preset.unit is not Unit.EXPECTED:
        return 1.0
    shares = whole.shares
    return sum(shares[venue] for venue in venues)


async def _made(place: Place, source: Source, until_ms: int) -> Book:
    """Return a new book made from all the history that the source has."""
    book = Unkept(place)
    found = await asyncio.gather(
        *(source.history(place.symbol, until_ms=until_ms, venue=venue) for venue in place.venues)
    )
    history = dict(zip(place.venues, found, strict=True))
    await asyncio.to_thread(book.feed, history, zones_from=until_ms - ZONE_DAYS * DAY_MS)
    return book
