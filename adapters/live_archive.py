"""Say where everything that venues say is kept, and bring it there without holding anybody up.

What waits to be kept is bounded. An archive that refuses is asked again with the same events: it must take
an event that comes twice as one. Times are ms UTC, waits are seconds.
"""

import asyncio
from collections import deque
from collections.abc import Hashable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from engine.errors import LiqwatchError
from engine.model import Candles, Funding, Liquidation, LongShortRatio, OpenInterest

log = structlog.get_logger(__name__)

Kept = Liquidation | OpenInterest | Funding | LongShortRatio
"""What is kept besides candles."""

BATCH = 500
"""How many events the archive is given at a time."""
LIQUIDATIONS = 100_000
"""How many liquidations may wait; beyond that the oldest is lost, and counted."""
STATES = 10_000
"""How many events of other kinds may wait."""
SAMPLE_MS = 60_000
"""Open interest is kept once in so long, of each symbol of a venue: some say it ten times a second."""
WRITE_S = 30.0
"""How long the archive may take over a batch."""


class Archive(Protocol):
    """Be where everything that venues say is kept. Whatever is refused is told as a LiqwatchError."""

    async def candles(self, symbol: str, venue: str, since_ms: int, until_ms: int) -> Candles:
        """Return the candles that are kept with `since_ms <= ts < until_ms`, oldest first."""

    async def add_candles(self, symbol: str, venue: str, candles: Candles) -> None:
        """Keep closed candles; `candles` returns them from then on."""

    async def add_events(self, events: Sequence[Kept]) -> None:
        """Keep what else venues say; an event given again is the same event."""


class Recorder:
    """Give an archive what venues say, in batches.

    `lost` counts liquidations that found no room. Funding is given when it changes, open interest in samples.
    """

    def __init__(self, archive: Archive, *, pause_s: float = 1.0, retry_s: float = 5.0) -> None:
        self.lost = 0
        self._archive = archive
        self._pause_s = pause_s
        self._retry_s = retry_s
        self._liquidations: deque[Kept] = deque()
        self._states: deque[Kept] = deque(maxlen=STATES)
        self._told: dict[Hashable, Hashable] = {}
        self._waiting = asyncio.Event()

    def add(self, event: Kept) -> None:
        """Let an event be kept soon, unless it says nothing new."""
        if isinstance(event, Liquidation):
            if len(self._liquidations) >= LIQUIDATIONS:
                self._liquidations.popleft()
                self.lost += 1
            self._liquidations.append(event)
        elif self._is_new(event):
            self._states.append(event)
        else:
            return
        self._waiting.set()

    def _is_new(self, event: OpenInterest | Funding | LongShortRatio) -> bool:
        key: tuple[Hashable, ...] = (type(event).__name__, event.venue, event.symbol)
        said: Hashable = event
        if isinstance(event, OpenInterest):
            said = event.ts // SAMPLE_MS
        elif isinstance(event, Funding):
            key, said = (*key, event.settled), (event.rate, event.funding_ts, event.interval_h)
        else:
            key = (*key, event.kind, event.step_ms)
        if self._told.get(key) == said:
            return False
        self._told[key] = said
        return True

    async def run(self) -> None:
        """Write what waits, for ever; while the archive refuses, it waits on."""
        while True:
            await self._waiting.wait()
            await asyncio.sleep(self._pause_s)
            try:
                await self._write()
            except (LiqwatchError, TimeoutError) as error:
                log.warning("live.not_kept", waiting=self.waiting, lost=self.lost, why=str(error))
                await asyncio.sleep(self._retry_s)

    @property
    def waiting(self) -> int:
        """Return how many events wait to be kept."""
        return len(self._liquidations) + len(self._states)

    async def flush(self, within_s: float) -> None:
        """Write what waits if that can be done within seconds; say in the log what could not."""
        with suppress(LiqwatchError, TimeoutError):
            async with asyncio.timeout(within_s):
                await self._write()
        if self.waiting:
            log.warning("live.not_kept_at_the_end", waiting=self.waiting)

    async def _write(self) -> None:
        """Write everything that waits; raise what the archive raises, with the rest waiting on."""
        for waiting in (self._liquidations, self._states):
            while waiting:
                batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
                kept = False
                try:
                    async with asyncio.timeout(WRITE_S):
                        await self._archive.add_events(batch)
                    kept = True
                finally:
                    if not kept:  # what came meanwhile is newer
                        waiting.extendleft(reversed(batch))
        self._waiting.clear()
