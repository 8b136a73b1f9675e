"""Give rules their turn: hear what comes, decide what fired, let time pass, follow sweeps up."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from bot.alerting.decide import Decided
from bot.alerting.due import DueTimes
from bot.alerting.moment import Clock
from bot.alerting.rules import follow_up
from bot.alerting.rules.live import LiveRules
from engine.errors import StorageError
from engine.model import (
    Candle,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    Tick,
    ZoneEvent,
    ZoneSet,
)
from storage.state import StateStore

Said = Liquidation | OpenInterest | Funding | LongShortRatio
"""What venues say besides candles and prices."""


@dataclass(slots=True, kw_only=True)
class Turns:
    """What happens to rules, one thing at a time under `lock`.

    `take` notes what was decided, `failed` what the store refused and why; `wake` the sender.
    """

    rules: LiveRules
    state: StateStore
    lock: asyncio.Lock
    due: DueTimes
    take: Callable[[Iterable[Decided]], None]
    failed: Callable[[str, StorageError], None]
    wake: Callable[[], None]
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def price(self, tick: Tick, zones: ZoneSet | None) -> None:
        """Take in a price that stands for its market, with the zones around it, and decide what fires."""
        self.rules.price(tick, zones)
        if self.rules.waiting:
            await self.decide()

    async def event(self, event: Candle | Tick) -> None:
        """Take in a closed candle, or a price that does not stand for its market."""
        self.rules.hear(event, leads=False if isinstance(event, Tick) else None)
        if self.rules.waiting:
            await self.decide()

    async def zones(self, symbol: str, events: Sequence[ZoneEvent]) -> None:
        """Take in what became of zones."""
        self.rules.zones(symbol, events)
        if self.rules.waiting:
            await self.decide()

    def said(self, event: Said) -> None:
        """Take in what else venues say, the moment that they say it; what fires is decided in a task."""
        self.rules.hear(event)
        if self.rules.waiting:
            self._decide_soon()

    async def decide(self) -> bool:
        """Decide a batch of what has fired; where the store fails it waits, and is tried again."""
        async with self.lock:
            if not self.rules.waiting:
                return True
            try:
                outcome = await self.rules.decide()
            except StorageError as error:
                self.failed("alerting.rules_not_decided", error)
                return False
            for due_ms in outcome.follow_up_ms:
                self.due.add(due_ms)
            self.take(outcome.decided)
        if self.rules.waiting:
            self._decide_soon()
        return True

    async def sweep(self, now_ms: int) -> None:
        """Let time pass; what the store does not take now is tried again the next time."""
        async with self.lock:
            try:
                await self.rules.sweep(now_ms)
            except StorageError as error:
                self.failed("alerting.rules_not_swept", error)
        if self.rules.waiting:
            await self.decide()

    async def follow_up(self, clock: Clock) -> None:
        """Say of zones that were swept minutes ago what was liquidated since; raise StorageError."""
        past = self.rules.past
        if past is None:
            return
        for followed in await self.state.read(lambda s: follow_up.due(s, clock.now_ms)):
            usd = await past.liquidated_usd(followed.sweep)
            tell = partial(follow_up.tell, followed=followed, liquidated_usd=usd, clock=clock)
            if await self.state.run(tell):
                self.wake()

    async def close(self) -> None:
        """Decide what is left, and write what is only in memory."""
        if self._task is not None:
            await self._task
        await self._decide_rest()
        async with self.lock:
            try:
                await self.rules.write()
            except StorageError as error:
                self.failed("alerting.memory_not_written", error)

    def _decide_soon(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._decide_rest(), name="alerting:rules")

    async def _decide_rest(self) -> None:
        """Decide what has fired, batch by batch; the lock lets others have their turn in between."""
        while await self.decide() and self.rules.waiting:
            pass
