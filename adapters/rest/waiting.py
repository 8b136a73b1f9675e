"""Know the time and wait for it: the machine's clock, or a test's."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Be the machine's clock, or a test's."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""

    def wall_ms(self) -> int:
        """Return the time of day, ms UTC."""

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Return when the event is set or the time is over, None for never."""


class SystemClock:
    """Be the machine's clock."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Return the time of day, ms UTC."""
        return time.time_ns() // 1_000_000

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Return when the event is set or the time is over, None for never."""
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return


async def pause(clock: Clock, seconds: float) -> None:
    """Let seconds of a clock pass."""
    await clock.wait(asyncio.Event(), seconds)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Wait longer after each failure, by exponential steps with full jitter: anything from 0 to the step."""

    first_s: float = 1.0
    longest_s: float = 60.0

    def delay_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row, 0 after none."""
        if failures <= 0:
            return 0.0
        step_s = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 60))
        return random.uniform(0, step_s)  # noqa: S311 - jitter, not a secret
