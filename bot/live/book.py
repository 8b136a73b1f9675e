"""Keep all that is known about one symbol on one venue: candles, heatmap, columns, zones, price."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.live.ring import CandleRing
from bot.live.stats import DayStats, day_stats
from bot.live.venues import Venues, blocks_of
from bot.live.view import SymbolView
from engine.aggregate import TOGETHER
from engine.columns import ColumnHistory, Columns, decode_columns, encode_columns
from engine.errors import DataError
from engine.model import (
    CANDLE_FIELDS,
    DAY_MS,
    STEP_MS,
    Candles,
    Gap,
    PositionEvents,
    Tick,
    ZoneEvent,
    ZoneSet,
)
from engine.presets import Preset
from engine.standing import Standing
from engine.sweeping import after_trading, touched
from engine.zones import ZoneBook, ZoneEvents, ZoneParams
from storage.market_tables import Shelfmark

COLUMN_DAYS = 30
CANDLE_DAYS = COLUMN_DAYS + 1
"""The longest window, and the day before it that a change of price is measured from."""
BLOCK = 1440
"""Candles fed in one go: what bounds the memory of a cold start, and how long a picture waits for it."""
WAITING_EVENTS = 50_000
WAITING_MOVES = 2_000
"""Blocks of candles whose moves wait for a store that does not take them."""
EVER = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which market a book is about, how it is modelled, and how many days of columns it holds in memory.

    With `others` it is the sum of several venues; `venue` comes first wherever one price must be chosen.
    """

    venue: str
    symbol: str
    preset: Preset
    usd_scale: float
    zones: ZoneParams
    column_days: int = COLUMN_DAYS
    others: tuple[str, ...] = ()

    @property
    def venues(self) -> tuple[str, ...]:
        """Return all its venues."""
        return (self.venue, *self.others)

    def among(self, venues: Sequence[str]) -> "Place":
        """Return the same with some of its venues alone."""
        return replace(self, venue=venues[0], others=tuple(venues[1:]))

    @property
    def name(self) -> str:
        """Return the venue's name, or that of the sum of several."""
        return TOGETHER if self.others else self.venue

    @property
    def mark(self) -> Shelfmark:
        """Return where its columns stand in the store."""
        return self.mark_of(self.name)

    def mark_of(self, venue: str) -> Shelfmark:
        """Return where what one venue adds stands in the store."""
        return Shelfmark(venue=venue, symbol=self.symbol, preset=self.preset.name, usd_scale=self.usd_scale)

    @property
    def key(self) -> tuple[str, str]:
        """Return (venue, symbol)."""
        return self.venue, self.symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What stood when the newest candle closed; replaced as a whole, so that a reader needs no lock."""

    ts: int
    price: float
    zones: ZoneSet | None
    day: DayStats
    warm: bool
    history_days: float
    gaps: tuple[Gap, ...]
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """How far price has gone since a candle closed, and what is left of the zones that stood then."""

    candle_ts: int
    low: float
    high: float
    zones: ZoneSet | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaved:
    """What the store has not been given yet."""

    candles: Candles
    since_ts: int
    column_ts: list[int]
    blobs: list[bytes]
    given: tuple[tuple[str, Candles], ...]
    moved: tuple[tuple[str, PositionEvents], ...]
    happened: tuple[ZoneEvents, ...]
    gaps: list[Gap]

    @property
    def events(self) -> list[ZoneEvent]:
        """Return what happened to zones, oldest first."""
        return [event for part in self.happened for event in part.all()]

    @property
    def last_ts(self) -> int | None:
        """Return the open of the newest unsaved candle."""
        return int(self.candles.ts[-1]) if len(self.candles) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a store remembers of a book: engine states at `ts`, and the bars and columns up to there."""

    ts: int
    heatmap: bytes
    zones: bytes
    candles: Candles
    blobs: list[bytes]


class Book:
    """Feed one market's candles to its heatmap and zones, and answer what stands.

    `feed`, `unsaved`, `dump` and `slices` take a lock and are meant for a thread; `view` and `price` are for
    the event loop and never wait.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.closed: Closed | None = None
        self.saved_ts = 0
        """The newest candle that the store has been given."""
        self.state_ts = 0
        """The newest candle whose engine state the store has been given."""
        self._lock = threading.Lock()
        self._venues = Venues(place.venues, place.preset, place.usd_scale)
        self._zones = ZoneBook(place.name, place.symbol, place.zones)
        self._candles = CandleRing(CANDLE_DAYS * DAY_MS // STEP_MS)
        self._columns = ColumnHistory(place.column_days * DAY_MS // STEP_MS, width=place.preset.width)
        self._events: list[ZoneEvents] = []
        self._moved: list[tuple[str, PositionEvents]] = []
        self._given: list[tuple[str, Candles]] = []
        self._told_gaps: dict[int, Gap] = {}
        self._unsaved_gaps: dict[int, Gap] = {}
        self._tick: Tick | None = None
        self._traded: Traded | None = None

    @classmethod
    def restored(cls, place: Place, saved: Saved) -> "Book":
        """Return the book that was saved; raise DataError where the parts do not belong together."""
        book = cls(place)
        book._venues = Venues.load(saved.heatmap, place.venues, place.preset, place.usd_scale)
        book._zones = ZoneBook.load(saved.zones, place.zones)
        for at in range(0, len(saved.blobs), BLOCK):
            book._columns.append(decode_columns(saved.blobs[at : at + BLOCK], width=place.preset.width))
        book._candles.append(saved.candles)
        zones = book._zones.current
        times = (book._venues.last_ts, book._columns.last_ts, book._candles.last_ts, zones and zones.ts)
        if set(times) != {saved.ts}:
            raise DataError(f"{place.symbol}: the saved parts are of different times: {times}")
        book.saved_ts = book.state_ts = saved.ts
        book._close()
        return book

    @property
    def last_ts(self) -> int | None:
        """Return the open of the newest closed candle."""
        return self.closed.ts if self.closed else None

    def last_ts_of(self, venue: str) -> int | None:
        """Return the open of the newest candle that a venue has given."""
        return self._venues.last_ts_of(venue)

    def gaps_of(self, venue: str) -> tuple[tuple[int, int], ...]:
        """Return the stretches in which a venue's candles are missing: first and last missing open."""
        return self._venues.gaps_of(venue)

    @property
    def shares(self) -> dict[str, float]:
        """Return each venue's part of what stands, summing to 1."""
        return self._venues.shares

    def check(self, venue: str, candles: Candles) -> None:
        """Raise CandleError for candles of a venue that `feed` would refuse."""
        self._venues.check({venue: candles})

    def feed(self, candles: Candles | Mapping[str, Candles], *, zones_from: int = 0) -> ZoneEvents:
        """Take closed candles that follow; raise CandleError, with nothing changed, for an impossible one.

        Those of several venues come by venue. One that comes when the others of its time have been summed up
        counts from the next one on. Zones are followed from `zones_from` on: they need the last weeks only,
        and cost the most. Return what happened to them.
        """
        given = candles if isinstance(candles, Mapping) else {self.place.venue: candles}
        happened = ZoneEvents(self.place.name, self.place.symbol)
        if len(given) != 1:  # one venue's are checked as they are taken
            self._venues.check(given)
        for block in blocks_of(given, BLOCK):
            with self._lock:
                taken = self._venues.advance(block)
                self._moved = [*self._moved, *taken.moved][-WAITING_MOVES:]
                if self.place.others:  # a sum's bars are of several venues: each one's own are kept
                    self._given = [*self._given, *block.items()][-WAITING_MOVES:]
                columns, bars = taken.after(self._candles.last_ts)
                if not len(columns):
                    continue
                self._columns.append(columns)
                self._candles.append(bars)
                first = int(np.searchsorted(bars.ts, zones_from))
                if first < len(bars):
                    rows = slice(first, len(bars))
                    events = self._zones.feed(columns[rows], bars[rows])
                    self._wait(events)
                    happened += events
                self._close()
        return happened

    def with_shares(self, events: list[ZoneEvent]) -> list[ZoneEvent]:
        """Return what happened to zones with each venue's part of them, as far as they still stand."""
        if not self.place.others or not events or self.closed is None or self.closed.zones is None:
            return events
        share = {zone.zone_id: zone.venue_share for zone in self.closed.zones.zones}
        unknown = ((self.place.name, 1.0),)
        return [
            replace(e, zone=replace(e.zone, venue_share=share.get(e.zone.zone_id, unknown))) for e in events
        ]

    def _wait(self, events: ZoneEvents) -> None:
        """Let events wait for the store; where it takes none, the oldest are given up."""
        if len(events):
            self._events.append(events)
        while len(self._events) > 1 and sum(map(len, self._events)) > WAITING_EVENTS:
            del self._events[0]

    def _close(self) -> None:
        """Take stock after the newest candle."""
        ts = self._candles.last_ts
        if ts is None:
            return
        day = self._candles.slice(ts + STEP_MS - DAY_MS, EVER)
        self._note_gaps()
        self.closed = Closed(
            ts=ts,
            price=float(day.close[-1]),
            zones=self._venues.with_shares(self._zones.current),
            day=day_stats(day),
            warm=self._venues.warm,
            history_days=self._venues.history_days,
            gaps=tuple(self._told_gaps[first] for first in sorted(self._told_gaps)),
            standing=Standing.of(self._columns.slice(ts, ts + 1)),
        )

    def _note_gaps(self) -> None:
        """Learn the heatmap's gaps, and forget what no picture can show any more."""
        oldest = (self._candles.last_ts or 0) - COLUMN_DAYS * DAY_MS
        self._told_gaps = {first: gap for first, gap in self._told_gaps.items() if gap.last_ts >= oldest}
        for first, last in self._venues.gaps:
            self._learn(Gap(venue=self.place.name, symbol=self.place.symbol, first_ts=first, last_ts=last))

    def _learn(self, gap: Gap) -> bool:
        if self._told_gaps.get(gap.first_ts) == gap:
            return False
        self._told_gaps[gap.first_ts] = gap
        self._unsaved_gaps[gap.first_ts] = gap
        return True

    @property
    def columns_from(self) -> int | None:
        """Return the candle of the oldest column in memory, None where there is none."""
        return self._columns.first_ts

    def gap(self, gap: Gap) -> bool:
        """Note bars that are missing at the source; return whether that is news."""
        with self._lock:
            news = self._learn(gap)
            if news:
                self._close()
            return news

    @property
    def tick(self) -> Tick | None:
        """Return the newest price."""
        return self._tick

    def price(self, tick: Tick) -> None:
        """Take the newest price; what it sweeps is gone at once, not only when the candle closes."""
        self._tick = tick
        closed, traded = self.closed, self._traded
        if closed is None or tick.ts < closed.ts + STEP_MS:
            return
        low = high = closed.price
        if traded is not None and traded.candle_ts == closed.ts:
            low, high = traded.low, traded.high
            if low <= tick.price <= high:
                return
        low, high = min(low, tick.price), max(high, tick.price)
        zones = closed.zones
        if zones is not None and touched(zones, low, high):
            zones = after_trading(zones, closed.standing, low, high)
        self._traded = Traded(candle_ts=closed.ts, low=low, high=high, zones=zones)

    @property
    def traded(self) -> Traded | None:
        """Return how far price has gone since the newest candle closed, None while no price is known."""
        closed, traded = self.closed, self._traded
        return traded if closed is not None and traded is not None and traded.candle_ts == closed.ts else None

    def standing(self) -> Standing | None:
        """Return what stands now, None before the first candle."""
        closed, traded = self.closed, self.traded
        if closed is None or traded is None:
            return closed.standing if closed else None
        return closed.standing.after(traded.low, traded.high)

    def standing_by_venue(self) -> dict[str, Standing]:
        """Return what each venue adds to what stood when the newest candle closed; empty before it."""
        if self.closed is None:
            return {}
        return self._venues.standing or {self.place.venue: self.closed.standing}

    def forming(self) -> tuple[Columns, Candles] | None:
        """Return the column and the bar of the candle that forms, None while no price of it is known."""
        closed, traded, tick, standing = self.closed, self.traded, self._tick, self.standing()
        if closed is None or traded is None or tick is None or standing is None:
            return None
        ts = np.array([closed.ts + STEP_MS])
        columns = Columns(
            ts=ts,
            close=np.array([tick.price]),
            close_bin=np.array([standing.close_bin], np.int64),
            long=standing.long[None].astype(np.float32),
            short=standing.short[None].astype(np.float32),
        )
        prices = {"open": closed.price, "high": traded.high, "low": traded.low, "close": tick.price}
        known = {name: np.array([price]) for name, price in prices.items()}
        rest = dict.fromkeys(CANDLE_FIELDS[5:], np.full(1, np.nan))
        return columns, Candles(ts=ts, **known, **rest)

    def forget_price(self) -> None:
        """Go back to the last close: time has jumped."""
        self._tick = self._traded = None

    def view(self) -> SymbolView | None:
        """Return what is known now, None before the first candle."""
        closed, tick = self.closed, self._tick
        if closed is None:
            return None
        newer = tick is not None and tick.ts >= closed.ts
        traded = self.traded
        price = tick.price if tick is not None and newer else closed.price
        day = closed.day
        return SymbolView(
            symbol=self.place.symbol,
            venue=self.place.name,
            venues=self.place.venues,
            price=price,
            price_ts=tick.ts if tick is not None and newer else closed.ts + STEP_MS,
            interpolated=tick.interpolated if tick is not None and newer else False,
            candle_ts=closed.ts,
            zones=closed.zones if traded is None else traded.zones,
            warm=closed.warm,
            history_days=closed.history_days,
            change_24h=day.change(price),
            high_24h=None if day.high is None else max(day.high, price),
            low_24h=None if day.low is None else min(day.low, price),
            volume_24h_usd=day.volume_usd,
            open_interest=day.open_interest,
            oi_change_24h=day.oi_change,
            gaps=closed.gaps,
        )

    def slices(self, t0: int, t1: int) -> tuple[Columns, Candles]:
        """Return copies of the columns and candles with `t0 <= ts < t1`."""
        with self._lock:
            return self._columns.slice(t0, t1), self._candles.slice(t0, t1)

    def unsaved(self) -> Unsaved:
        """Return what the store has not been given, encoded; `mark_saved` says that it took it."""
        with self._lock:
            candles = self._candles.slice(self.saved_ts + 1, EVER)
            moved, given = tuple(self._moved), tuple(self._given)
            happened, gaps = tuple(self._events), list(self._unsaved_gaps.values())
        column_ts: list[int] = []
        blobs: list[bytes] = []
        for at in range(0, len(candles), BLOCK):
            times = candles.ts[at : at + BLOCK]
            columns = self._columns.slice(int(times[0]), int(times[-1]) + 1)
            column_ts += columns.ts.tolist()
            blobs += encode_columns(columns)
        return Unsaved(
            candles=candles,
            since_ts=self._venues.first_ts,
            given=given,
            column_ts=column_ts,
            blobs=blobs,
            moved=moved,
            happened=happened,
            gaps=gaps,
        )

    def mark_saved(self, unsaved: Unsaved) -> None:
        """Note that the store took what `unsaved` returned."""
        with self._lock:
            self.saved_ts = unsaved.last_ts or self.saved_ts
            taken = {id(part) for part in (*unsaved.happened, *unsaved.moved, *unsaved.given)}
            self._given = [part for part in self._given if id(part) not in taken]
            self._events = [part for part in self._events if id(part) not in taken]
            self._moved = [part for part in self._moved if id(part) not in taken]
            for gap in unsaved.gaps:
                self._unsaved_gaps.pop(gap.first_ts, None)

    def dump(self) -> tuple[int, bytes, bytes] | None:
        """Return (newest candle, heatmap, zones) as bytes, None while there is nothing to keep."""
        with self._lock:
            ts, zones = self._venues.last_ts, self._zones.current
            if ts is None or zones is None or zones.ts != ts:
                return None
            return ts, self._venues.dump(), self._zones.dump()
