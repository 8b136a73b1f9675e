"""Keep a live market complete: bring the books of symbols that lack one, or that lack a venue by now."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from engine.errors import LiqwatchError

log = structlog.get_logger(__name__)

AT_ONCE = 4
"""How many books are made at a time: each asks its venues for history, and takes a core for a moment."""
LOOK_S = 5.0
"""How often it is looked for what is lacking."""
RETRY_S = 20.0
RETRY_MOST_S = 600.0
"""How long a symbol waits that could not be brought: twice as long each time, up to so long."""


class Bringing(Protocol):
    """Be a market whose books can be brought."""

    def lacking(self) -> Sequence[str]:
        """Return the symbols whose book is lacking, or lacks a venue, those without any first."""

    async def bring(self, symbol: str) -> None:
        """Make the book of a symbol anew; raise LiqwatchError where that cannot be done now."""


@dataclass(slots=True)
class _Wait:
    """How long a symbol waits before it is tried again."""

    until_s: float
    delay_s: float


class Upkeep:
    """Bring what is lacking, several at a time; `monotonic` returns seconds.

    `look` says that there may be something to do now. A symbol that could not be brought holds up no other.
    """

    def __init__(self, market: Bringing, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._market = market
        self._monotonic = monotonic
        self._waits: dict[str, _Wait] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._news = asyncio.Event()

    def look(self) -> None:
        """Look now for what is lacking."""
        self._news.set()

    async def run(self) -> None:
        """Bring what is lacking, until cancelled."""
        try:
            while True:
                self._begin()
                self._news.clear()
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self._news.wait()
                except TimeoutError:
                    continue
        finally:
            await self.stop()

    async def first(self, within_s: float) -> None:
        """Bring what is lacking at the start; return once each has been tried, or time is up."""
        until_s = self._monotonic() + within_s
        while self._begin() or self._working:
            left_s = until_s - self._monotonic()
            if left_s <= 0:
                log.info("market.goes_on_in_the_background", symbols=len(self._working))
                return
            await asyncio.wait(
                set(self._working.values()), timeout=left_s, return_when=asyncio.FIRST_COMPLETED
            )

    async def stop(self) -> None:
        """Stop what is being brought."""
        tasks = tuple(self._working.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self) -> int:
        """Begin with as many as may be brought at a time; return how many were begun."""
        now_s = self._monotonic()
        begun = 0
        for symbol in self._market.lacking():
            if len(self._working) >= AT_ONCE:
                break
            wait = self._waits.get(symbol)
            if symbol in self._working or (wait is not None and wait.until_s > now_s):
                continue
            self._working[symbol] = asyncio.create_task(self._bring(symbol))
            begun += 1
        return begun

    async def _bring(self, symbol: str) -> None:
        try:
            await self._market.bring(symbol)
        except LiqwatchError as error:
            self._put_off(symbol)
            log.warning("market.not_brought", symbol=symbol, why=str(error))
        except Exception:
            self._put_off(symbol)
            log.exception("market.bringing_failed", symbol=symbol)
        else:
            if symbol in self._market.lacking():  # some of its venues could not be asked
                self._put_off(symbol)
            else:
                self._waits.pop(symbol, None)
        finally:
            self._working.pop(symbol, None)
            self._news.set()

    def _put_off(self, symbol: str) -> None:
        before = self._waits.get(symbol)
        delay_s = RETRY_S if before is None else min(2 * before.delay_s, RETRY_MOST_S)
        self._waits[symbol] = _Wait(until_s=self._monotonic() + delay_s, delay_s=delay_s)
