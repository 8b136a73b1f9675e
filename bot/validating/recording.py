"""Record one venue while a run lasts: note what was predicted at each close, then score the candle after it.

A prediction is made from the candles before it alone, and is on disk while the next one begins. A candle
during which the venue was not heard all the time is marked as not whole, and not scored in the end.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import structlog

from adapters.live import LiveSource
from adapters.venue import VenueState
from bot.live.archive import StoreArchive
from bot.validating.journal import Journal, Line
from bot.validating.models import Models
from bot.validating.scoring import Prices, scored
from engine.errors import CandleError
from engine.model import STEP_MS, Candle, Candles, Liquidation, MarketEvent, Tick
from storage.market import MarketStore
from storage.venues import VenueStore

log = structlog.get_logger(__name__)

GRACE_S = 10.0
"""How long after a candle's close liquidations of it may still come in and be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A prediction whose candle is still to come, and how the venue was heard when it was made."""

    line: Line
    heard: tuple[VenueState, int]


class Recording:
    """Follow the symbols of a run on its venue; `source` is open, and `store` is what it is kept in.

    `ready` is set once the models know the past.
    """

    def __init__(
        self,
        source: LiveSource,
        store: MarketStore,
        journal: Journal,
        models: Mapping[str, Models],
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        self._source, self._store, self._journal = source, store, journal
        self._archive, self._said = StoreArchive(store), VenueStore(store)
        self.ready = asyncio.Event()
        self._models = models
        self._grace_s = grace_s
        self._prices = {symbol: Prices() for symbol in models}
        self._pending: dict[str, _Pending] = {}
        self._writing = asyncio.Lock()

    @property
    def _venue(self) -> str:
        return self._journal.wish.venue

    async def run(self) -> None:
        """Record until the run's end; raise SourceError, StorageError or DataError."""
        try:
            async with asyncio.TaskGroup() as group:
                for symbol in self._models:
                    await self._caught_up(symbol, self._source.now_ms())
                self.ready.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout((self._journal.until_ms - self._source.now_ms()) / 1000):
                        await self._read(group)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _read(self, group: asyncio.TaskGroup) -> None:
        async with aclosing(self._source.events()) as events:
            async for event in events:
                await self._take(event, group)

    async def _take(self, event: MarketEvent, group: asyncio.TaskGroup) -> None:
        if isinstance(event, Tick) and event.symbol in self._prices:
            self._prices[event.symbol].add(event)
        elif isinstance(event, Candle) and event.symbol in self._models:
            await self._closed(event, group)

    async def _caught_up(self, symbol: str, until_ms: int) -> None:
        """Feed the candles that a symbol's models lack."""
        models = self._models[symbol]
        since_ms = 0 if models.last_ts is None else models.last_ts + STEP_MS
        past = await self._source.history(symbol, since_ms=since_ms, until_ms=until_ms, venue=self._venue)
        await asyncio.to_thread(models.feed, past)

    async def _closed(self, candle: Candle, group: asyncio.TaskGroup) -> None:
        """Let a candle be scored against the prediction before it; note the one that follows from it."""
        symbol, models = candle.symbol, self._models[candle.symbol]
        if models.last_ts is not None and candle.ts <= models.last_ts:
            return
        bars = Candles.of([candle])
        await self._archive.add_candles(symbol, self._venue, bars)
        before = self._pending.pop(symbol, None)
        if before is not None and before.line["ts"] == candle.ts:
            whole = before.heard == self._heard() and before.heard[0] is VenueState.UP
            group.create_task(self._scored(candle, before.line, whole=whole))
        if models.last_ts is not None and candle.ts > models.last_ts + STEP_MS:
            await self._caught_up(symbol, candle.ts)
        try:
            await asyncio.to_thread(models.feed, bars)
        except CandleError as error:
            log.warning("validate.candle_refused", symbol=symbol, ts=candle.ts, why=str(error))
            return
        await self._note(symbol, await asyncio.to_thread(models.predicted))

    async def _note(self, symbol: str, line: Line | None) -> None:
        if line is not None:
            await self._write(line)
            self._pending[symbol] = _Pending(line=line, heard=self._heard())

    async def _scored(self, candle: Candle, predicted: Line, *, whole: bool) -> None:
        """Wait for what is still on its way, then score a candle."""
        await asyncio.sleep(self._grace_s)
        found = await self._liquidated(candle)
        await self._write(scored(candle, predicted, found, self._prices[candle.symbol], whole=whole))

    async def _liquidated(self, candle: Candle) -> Sequence[Liquidation]:
        await self._store.flush()
        end_ms = candle.ts + STEP_MS
        venues = (self._venue,)
        return await self._said.liquidations(symbol=candle.symbol, venues=venues, t0=candle.ts, t1=end_ms)

    async def _write(self, line: Line) -> None:
        async with self._writing:
            await asyncio.to_thread(self._journal.write, line)

    def _heard(self) -> tuple[VenueState, int]:
        """Return how the venue is doing, and how often it had to be connected to again."""
        health = next(each for each in self._source.health() if each.venue == self._venue)
        return health.state, health.reconnects
