"""Find the heatmap columns of a stretch of time: in memory, else in the store, else by making them.

Whoever asks for the same at the same time waits for the same work. What had to be made is given to the store,
with the model's state at its end, so that the next one who asks a little later goes on from there.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import pairwise

import numpy as np
import structlog

from engine.columns import Columns, coarsen, decode_columns, encode_columns, rounded
from engine.errors import DataError, StorageError
from engine.heatmap import Heatmap
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Candles, Floats, Ints, PositionEvents
from engine.presets import PRESETS, Preset
from storage.market import MarketStore
from storage.market_tables import Shelfmark

log = structlog.get_logger(__name__)

STEPS_MS = (4 * HOUR_MS, HOUR_MS, 15 * 60_000, STEP_MS)
"""Lengths of columns that are kept, the longest first."""
BLOCK = 1440
"""Candles fed in one go: what bounds the memory that making columns takes."""
ROWS_AT_ONCE = 250
CLOSE_S = 2.0
"""How long what is being made may still take at the end."""
CACHE_BYTES = 64 << 20
PAST_MS = 45 * DAY_MS
"""How far back candles matter to a column: the mean volume's 30 days, and what stood at their end."""

History = Callable[[int, int], Awaitable[Candles]]
"""Return the closed candles with `since_ms <= ts < until_ms`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Which columns are wanted: of a model of a market, `t0 <= ts < t1`, `step_ms` each; USD by `usd_scale`.

    `t0` lies on a step; a column counts once it has any candle. What is not to be `stored`, such as weights
    that somebody tries out, is remembered for a while only.
    """

    venue: str
    symbol: str
    preset: Preset
    usd_scale: float
    t0: int
    t1: int
    step_ms: int = STEP_MS
    stored: bool = True

    @property
    def whole_until(self) -> int:
        """Return where the last column that is over ends."""
        return self.t1 // self.step_ms * self.step_ms

    @property
    def mark(self) -> Shelfmark:
        """Return where they stand in the store."""
        return Shelfmark(
            venue=self.venue,
            symbol=self.symbol,
            preset=name_of(self.preset),
            step_ms=self.step_ms,
            usd_scale=self.usd_scale,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Say which columns there should be, at which closes, and from when on candles must have been known.

    A column is only as good as the candles it was made from: others that were brought later make it anew.
    """

    ts: Ints  # (n,)
    close: Floats  # (n,) of the last candle in each
    since_ts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Columns that were made, what their candles moved, and the model's state after the last of them."""

    columns: Columns
    events: PositionEvents | None
    state: tuple[int, bytes] | None
    since_ts: int


def name_of(preset: Preset) -> str:
    """Return the name that a preset's columns are kept under: other parts, another name."""
    if PRESETS.get(preset.name) == preset:
        return preset.name
    return f"{preset.name}~{blake2b(repr(preset).encode(), digest_size=6).hexdigest()}"


def step_for(column_ms: int) -> int:
    """Return the longest columns that are kept and that fit a picture's columns."""
    return next((step for step in STEPS_MS if column_ms % step == 0), STEP_MS)


class ColumnDesk:
    """Hand out columns; call `close` in the end, which waits for what is being written."""

    def __init__(self, store: MarketStore, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._store = store
        self._cache: OrderedDict[Ask, Columns] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._working: dict[Ask, asyncio.Task[Columns]] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self.found: Counter[str] = Counter()
        """How often columns were found in memory, found in the store, or made."""

    @property
    def made(self) -> int:
        """Return how often columns had to be made."""
        return self.found["made"]

    async def find(self, ask: Ask, history: History) -> Columns:
        """Return columns; without any where there are no candles. Raise what `history` raises."""
        if ask in self._cache:
            self._cache.move_to_end(ask)
            self.found["memory"] += 1
            return self._cache[ask]
        task = self._working.get(ask)
        if task is None:
            task = asyncio.create_task(self._work(ask, history))
            self._working[ask] = task
            task.add_done_callback(lambda _: self._working.pop(ask, None))
        else:
            self.found["memory"] += 1
        return await asyncio.shield(task)

    async def prepare(self, ask: Ask, history: History) -> int:
        """Make the whole columns that the store lacks and give them to it; return how many.

        Raise StorageError where it refuses.
        """
        wanted = await self._wanted(replace(ask, t1=ask.whole_until), history)
        kept = await self._kept(ask, wanted)
        if len(kept) == len(wanted.ts):
            return 0
        made = await self._make(replace(ask, t1=ask.whole_until), int(wanted.ts[len(kept)]), wanted, history)
        await self._keep(ask, made)
        return len(made.columns)

    async def _work(self, ask: Ask, history: History) -> Columns:
        wanted = await self._wanted(ask, history)
        if not len(wanted.ts):
            return Columns.empty(ask.preset.width)
        kept = Columns.empty(ask.preset.width)
        if ask.stored:
            try:
                kept = await self._kept(ask, wanted)
            except StorageError as error:
                log.warning("columns.not_read", symbol=ask.symbol, why=str(error))
        self.found["store" if len(kept) == len(wanted.ts) else "made"] += 1
        if len(kept) < len(wanted.ts):
            begin = int(kept.ts[-1]) + ask.step_ms if len(kept) else ask.t0
            made = await self._make(ask, begin, wanted, history)
            if ask.stored:
                self._write_behind(ask, made)
            kept = kept.concat(made.columns) if len(kept) else made.columns
        self._remember(ask, kept)
        return kept

    async def _wanted(self, ask: Ask, history: History) -> Wanted:
        """Return which columns there should be, and what they must have been made from."""
        bars = await history(ask.t0 - PAST_MS, ask.t1)
        first_ts = int(bars.ts[0]) if len(bars) else 0
        within = bars[slice(int(np.searchsorted(bars.ts, ask.t0)), len(bars))]
        number = within.ts // ask.step_ms
        last = np.flatnonzero(np.diff(number, append=-1))
        return Wanted(ts=number[last] * ask.step_ms, close=within.close[last], since_ts=first_ts + DAY_MS)

    async def _kept(self, ask: Ask, wanted: Wanted) -> Columns:
        """Return those columns that are in the store, up to the first that is not, or is of other candles.

        Raise StorageError where it cannot be read.
        """
        rows = await self._store.columns(ask.mark, ask.t0, ask.t1, since_ts=wanted.since_ts)
        upto = _agreeing([ts for ts, _ in rows], wanted.ts)
        try:
            found = await asyncio.to_thread(
                decode_columns, [blob for _, blob in rows[:upto]], width=ask.preset.width
            )
        except DataError as error:
            log.warning("columns.not_read", symbol=ask.symbol, why=str(error))
            return Columns.empty(ask.preset.width)
        other = np.flatnonzero(found.close != wanted.close[:upto])
        return found[: int(other[0])] if len(other) else found

    async def _make(self, ask: Ask, begin: int, wanted: Wanted, history: History) -> Made:
        """Return the columns from `begin` on."""
        heatmap = await self._state(ask, begin) if ask.stored else None
        if heatmap is not None and heatmap.last_ts is not None:
            candles = await history(heatmap.last_ts, ask.t1)
            older = heatmap.first_ts is not None and heatmap.first_ts > wanted.since_ts
            same = len(candles) and candles.ts[0] == heatmap.last_ts
            if not older and same and float(candles.close[0]) == float(heatmap.column().close[0]):
                return await asyncio.to_thread(_feed, heatmap, candles[slice(1, len(candles))], begin, ask)
        heatmap = Heatmap(ask.preset, usd_scale=ask.usd_scale)
        return await asyncio.to_thread(_feed, heatmap, await history(0, ask.t1), begin, ask)

    async def _state(self, ask: Ask, before: int) -> Heatmap | None:
        """Return the model as it was kept before a time, None where it was not."""
        mark = ask.mark
        try:
            found = await self._store.load_engine_state(
                mark.venue, mark.symbol, mark.preset, not_after=before - STEP_MS
            )
            if found is None:
                return None
            heatmap = await asyncio.to_thread(Heatmap.load, ask.preset, found[1])
        except (StorageError, DataError) as error:
            log.warning("columns.state_not_used", symbol=ask.symbol, why=str(error))
            return None
        return heatmap if heatmap.usd_scale == ask.usd_scale else None

    def _remember(self, ask: Ask, columns: Columns) -> None:
        self._cache[ask] = columns
        held = sum(each.long.nbytes + each.short.nbytes for each in self._cache.values())
        while held > self._cache_bytes and self._cache:
            _, oldest = self._cache.popitem(last=False)
            held -= oldest.long.nbytes + oldest.short.nbytes

    def _write_behind(self, ask: Ask, made: Made) -> None:
        task = asyncio.create_task(self._written(ask, made))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _written(self, ask: Ask, made: Made) -> None:
        """Give the store what was made; where it refuses, it will be made again."""
        try:
            await self._keep(ask, made)
        except StorageError as error:
            log.warning("columns.not_kept", symbol=ask.symbol, why=str(error))

    async def _keep(self, ask: Ask, made: Made) -> None:
        """Give the store what was made, whole columns only; raise StorageError where it refuses."""
        mark = ask.mark
        whole = made.columns[: int(np.searchsorted(made.columns.ts, ask.whole_until))]
        for at in range(0, len(whole), ROWS_AT_ONCE):
            part = whole[at : at + ROWS_AT_ONCE]
            blobs = await asyncio.to_thread(encode_columns, part)
            await self._store.add_columns(mark, part.ts, blobs, since_ts=made.since_ts)
        if made.events is not None and len(made.events):
            await self._store.add_position_events(mark, made.events)
        if made.state is not None and mark.preset != "flow":
            ts, state = made.state
            await self._store.save_engine_state(mark.venue, mark.symbol, mark.preset, ts, state, b"")

    async def close(self) -> None:
        """Wait for what is being written, and a moment for what is being made: it can be made again."""
        working = set(self._working.values())
        if working:
            _, late = await asyncio.wait(working, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*self._writing, return_exceptions=True)


def _agreeing(there: list[int], wanted: Ints) -> int:
    """Return how many columns there are without one missing, from the first that is wanted on."""
    both = min(len(there), len(wanted))
    differs = np.flatnonzero(np.array(there[:both], np.int64) != wanted[:both])
    return int(differs[0]) if len(differs) else both


def _feed(heatmap: Heatmap, candles: Candles, begin: int, ask: Ask) -> Made:
    """Feed candles; return columns and moves from `begin` on, and the state after the last whole column."""
    parts = [Columns.empty(heatmap.preset.width)]
    moves: list[PositionEvents] = []
    state: tuple[int, bytes] | None = None
    border, whole = (int(i) for i in np.searchsorted(candles.ts, [begin, ask.whole_until]))
    for first, last in pairwise(sorted({border, whole, len(candles), *range(0, len(candles), BLOCK)})):
        fed = heatmap.advance(candles[slice(first, last)])
        if first >= border:
            parts.append(fed.columns if ask.step_ms == STEP_MS else coarsen(fed.columns, ask.step_ms))
            moves.append(fed.events)
        if last == whole:
            state = int(candles.ts[last - 1]), heatmap.dump()
    columns = _concatenated(parts)
    # The end of a block may lie within a column.
    columns = columns if ask.step_ms == STEP_MS else coarsen(columns, ask.step_ms)
    since_ts = heatmap.first_ts or 0
    return Made(columns=rounded(columns), events=_joined(moves), state=state, since_ts=since_ts)


def _concatenated(parts: list[Columns]) -> Columns:
    return Columns(
        ts=np.concatenate([part.ts for part in parts]),
        close=np.concatenate([part.close for part in parts]),
        close_bin=np.concatenate([part.close_bin for part in parts]),
        long=np.concatenate([part.long for part in parts]),
        short=np.concatenate([part.short for part in parts]),
    )


def _joined(moves: list[PositionEvents]) -> PositionEvents | None:
    if not moves:
        return None
    names = ("entered", "swept", "taken", "decayed", "closed")
    arrays = {name: np.concatenate([getattr(each, name) for each in moves]) for name in names}
    return replace(moves[0], ts=np.concatenate([each.ts for each in moves]), **arrays)


def columns_days(series: int, *, width: int, megabytes: int, most: int) -> int:
    """Return how many days of columns each of so many series may hold in memory; one at least."""
    per_day = (DAY_MS // STEP_MS) * 2 * width * 2
    return max(1, min(most, (megabytes << 20) // max(1, series * per_day)))
