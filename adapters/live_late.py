"""Ask a venue for the candles that no stream has told: after an outage, and where a close was missed.

Times are ms UTC, waits are seconds.
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

import structlog

from adapters.live_venue import Pace, Venue
from adapters.rest.waiting import pause
from engine.errors import SourceError
from engine.model import STEP_MS, Candles

log = structlog.get_logger(__name__)

TRIES = 2
"""How often a candle is asked for after its close; the one after it shows a gap that is left."""
AT_ONCE = 4
"""How many symbols are asked about at a time."""
MOST = 12
"""How many candles are told late at most; more are fetched by whoever finds the gap."""


class History(Protocol):
    """Be how candles of the past are had."""

    def __call__(self, symbol: str, *, until_ms: int, since_ms: int, venue: str) -> Awaitable[Candles]:
        """Return closed candles with `since_ms <= ts` that are closed at `until_ms`."""


class Lateness:
    """Watch one venue's candles; `history` keeps what it fetches."""

    def __init__(self, venue: Venue, history: History, pace: Pace) -> None:
        self._venue = venue
        self._history = history
        self._pace = pace

    async def watch(self) -> None:
        """Ask for candles that are late, for ever."""
        await self._venue.ready.wait()
        while True:
            await self._lapse()
            for tried in range(TRIES):
                if tried:
                    await pause(self._venue.clock, self._pace.late_s)
                if not await self._mend():
                    break

    async def _lapse(self) -> None:
        """Wait until candles of the next close are late, or until streams are back."""
        into_s = self._venue.rest.now_ms() % STEP_MS / 1000
        wait_s = (self._pace.late_s - into_s) % (STEP_MS / 1000)
        await self._venue.clock.wait(self._venue.missed, max(wait_s, 1.0))
        self._venue.missed.clear()

    async def _mend(self) -> int:
        """Ask for what is late; return how many symbols still lack a candle."""
        closed_ms = self._venue.rest.now_ms() // STEP_MS * STEP_MS - STEP_MS
        lacking = [symbol for symbol in self._venue.known if self._lacks(symbol, closed_ms)]
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(symbol: str) -> bool:
            async with slots:
                return await self._fetched(symbol, closed_ms)

        return len(lacking) - sum(await asyncio.gather(*(one(symbol) for symbol in lacking)))

    def _lacks(self, symbol: str, closed_ms: int) -> bool:
        newest_ms = self._venue.past.newest_ms(symbol)
        return newest_ms is None or newest_ms < closed_ms

    async def _fetched(self, symbol: str, closed_ms: int) -> bool:
        """Hand on the candles of a symbol that are late; say whether the newest was among them."""
        newest_ms = self._venue.past.newest_ms(symbol)
        since_ms = closed_ms if newest_ms is None else max(newest_ms + STEP_MS, closed_ms - MOST * STEP_MS)
        try:
            late = await self._history(
                symbol, since_ms=since_ms, until_ms=closed_ms + STEP_MS, venue=self._venue.name
            )
        except SourceError as error:
            log.info("live.late_candle_not_had", venue=self._venue.name, symbol=symbol, why=str(error))
            return False
        for nth in range(len(late)):
            await self._venue.closed(late.row(nth, venue=self._venue.name, symbol=symbol))
        return not self._lacks(symbol, closed_ms)
