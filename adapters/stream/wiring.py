"""Join the connections of a venue: what they share, how they are paced, and how one is lost."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.health import Health
from adapters.parsed import Parsed
from adapters.rest.limits import Budget, Limit, Spent
from adapters.rest.verdicts import Verdict
from adapters.rest.waiting import Backoff, Clock
from adapters.stream.dialect import Dialect
from adapters.stream.queue import Outage, Refused
from engine.errors import SourceError


class Lost(SourceError):
    """Say that a connection could not be opened, or is no more; `verdict` says whether to try again."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


@dataclass(slots=True)
class End:
    """What becomes of one connection: `near` is set once it has ended or should be replaced (`leaving`).

    `reason` says why it ended.
    """

    ended: bool = False
    leaving: bool = False
    reason: str = ""
    near: asyncio.Event = field(default_factory=asyncio.Event)

    def blame(self, reason: str) -> None:
        """Say why it ended, unless that is known."""
        self.reason = self.reason or reason


class Pacer:
    """Make whoever sends wait until limits allow it: first come, first served."""

    def __init__(self, limit: Limit | None, clock: Clock) -> None:
        self._budget = Budget(limit) if limit else None
        self._clock = clock
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    async def take(self, weight: int = 1, *, stop: asyncio.Event | None = None) -> None:
        """Return once a weight may be sent, or nothing is to be sent any more because `stop` is set.

        More than the whole budget counts as the whole budget.
        """
        if self._budget is None:
            return
        stop = stop or asyncio.Event()
        weight = min(weight, self._budget.limit.budget)
        async with self._turn:
            while (delay_s := self._budget.delay_s(weight, self._clock.monotonic())) > 0:
                if stop.is_set():
                    return
                await self._clock.wait(stop, delay_s)
            now_s = self._clock.monotonic()
            self._budget.done(self._budget.take(weight, now_s), now_s)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Hold a weight of 1 while something is under way: however slow the way, the venue counts no more."""
        spent = await self._held()
        try:
            yield
        finally:
            if self._budget is not None and spent is not None:
                self._budget.done(spent, self._clock.monotonic())
                self._freed.set()

    async def _held(self) -> Spent | None:
        if self._budget is None:
            return None
        async with self._turn:
            while (delay_s := self._budget.delay_s(1, self._clock.monotonic())) > 0:
                self._freed.clear()
                await self._clock.wait(self._freed, delay_s if math.isfinite(delay_s) else None)
            return self._budget.take(1, self._clock.monotonic())


Sink = Callable[[Parsed], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Wiring:
    """What all connections of a venue share.

    `final` is the answer after which none is opened any more; before `shut_until_s` none may be. `renewed_s`
    is when one was renewed last because a topic was silent.
    """

    dialect: Dialect
    clock: Clock
    health: Health
    connects: Pacer
    take: Sink
    tell: Callable[[Outage | Refused], Awaitable[None]]
    backoff: Backoff
    final: Verdict | None = None
    shut_until_s: float = 0.0
    renewed_s: float = -math.inf
