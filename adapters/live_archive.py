"""Say where everything that venues say is kept, and bring it there without holding anybody up.

What waits to be kept is bounded. An archive that refuses is asked again with the same events: it must take
an event that comes twice as one. Times are ms UTC, waits are seconds.
"""

import asyncio
import math
import time
from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from adapters.live_order import InOrder
from adapters.series import Series
from engine.errors import LiqwatchError
from engine.model import Candles, Funding, Ints, Liquidation, LongShortRatio, OpenInterest

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is kept of a series between two times.

    `times` are those of its rows: the begin of each step of which anything is known, or, for rows at times of
    their own, those times. `absent` are the first and last time of each stretch that the venue is known not
    to have. `first_ms` is when the oldest row of all is of, None where there is none.
    """

    times: Ints
    absent: Sequence[tuple[int, int]] = ()
    first_ms: int | None = None


class Archive(Protocol):
    """Be where everything that venues say is kept. Whatever is refused is told as a LiqwatchError."""

    async def candles(self, symbol: str, venue: str, since_ms: int, until_ms: int) -> Candles:
        """Return the candles that are kept with `since_ms <= ts < until_ms`, oldest first."""

    async def add_candles(self, symbol: str, venue: str, candles: Candles) -> None:
        """Keep closed candles; `candles` returns them from then on."""

    async def absences(self, symbol: str, venue: str) -> Sequence[tuple[int, int]]:
        """Return the first and last open of each stretch of candles that the venue is known not to have."""

    async def add_absences(self, symbol: str, venue: str, absent: Sequence[tuple[int, int]]) -> None:
        """Remember more such stretches."""

    async def add_events(self, events: Sequence[Kept]) -> None:
        """Keep what else venues say; an event given again is the same event."""

    async def held(self, symbol: str, venue: str, series: Series, since_ms: int, until_ms: int) -> Held:
        """Return what is kept of a series with `since_ms <= ts < until_ms`; of funding, what was settled."""

    async def fill(
        self,
        symbol: str,
        venue: str,
        series: Series,
        rows: Sequence[Kept],
        absent: Sequence[tuple[int, int]],
    ) -> None:
        """Keep rows of a series and what is absent between them; `held` has both from then on."""


class Recorder:
    """Give an archive what venues say, in batches.

    `lost` counts liquidations that found no room. Those of one venue are given by its time, if none came more
    than `hold_s` after a later one. Funding is given when it changes, open interest in samples.
    """

    def __init__(
        self, archive: Archive, *, pause_s: float = 1.0, retry_s: float = 5.0, hold_s: float = 0.5
    ) -> None:
        self.lost = 0
        self._archive = archive
        self._pause_s = pause_s
        self._retry_s = retry_s
        self._hold_s = hold_s
        self._held: dict[str, InOrder] = defaultdict(lambda: InOrder(hold_s))
        self._liquidations: deque[Kept] = deque()
        self._states: deque[Kept] = deque(maxlen=STATES)
        self._told: dict[Hashable, Hashable] = {}
        self._waiting = asyncio.Event()

    def add(self, event: Kept) -> None:
        """Let an event be kept soon, unless it says nothing new."""
        if isinstance(event, Liquidation):
            if len(self._liquidations) + self.held >= LIQUIDATIONS:
                self._make_room()
            self._held[event.venue].add(event, time.monotonic())
        elif self._is_new(event):
            self._states.append(event)
        else:
            return
        self._waiting.set()

    def _make_room(self) -> None:
        """Let go of the liquidation that has waited for longest."""
        if self._liquidations:
            self._liquidations.popleft()
        else:
            min(self._held.values(), key=lambda held: held.until_s).pop()
        self.lost += 1

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
            await asyncio.sleep(self._pause_s if self._ready else max(self._pause_s, self._hold_s))
            try:
                await self._write(time.monotonic())
            except (LiqwatchError, TimeoutError) as error:
                log.warning("live.not_kept", waiting=self.waiting, lost=self.lost, why=str(error))
                await asyncio.sleep(self._retry_s)

    @property
    def waiting(self) -> int:
        """Return how many events wait to be kept, those among them that are held."""
        return self._ready + self.held

    @property
    def held(self) -> int:
        """Return how many liquidations are held back, to be put in order."""
        return sum(map(len, self._held.values()))

    @property
    def _ready(self) -> int:
        return len(self._liquidations) + len(self._states)

    async def flush(self, within_s: float) -> None:
        """Write what waits if that can be done within seconds; say in the log what could not."""
        with suppress(LiqwatchError, TimeoutError):
            async with asyncio.timeout(within_s):
                await self._write(math.inf)
        if self.waiting:
            log.warning("live.not_kept_at_the_end", waiting=self.waiting)

    async def _write(self, now_s: float) -> None:
        """Write what waits and need not be held; raise what the archive raises, with the rest waiting on."""
        for held in self._held.values():
            self._liquidations += held.due(now_s)
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
                        room = len(batch) if waiting.maxlen is None else waiting.maxlen - len(waiting)
                        waiting.extendleft(reversed(batch[max(0, len(batch) - room) :]))
        if not self.held:
            self._waiting.clear()
