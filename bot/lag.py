"""Measure how late the event loop is: the one number that says whether something blocks it."""

import asyncio
from collections import deque

import numpy as np

EVERY_S = 0.02
KEPT = 3_000
"""One minute of samples."""


class LoopLag:
    """Keep the last minute of wake-up delays of the running loop."""

    def __init__(self) -> None:
        self._late_s: deque[float] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Sample for ever: sleep a little, and note how much later than asked the loop woke up."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self._late_s.append(max(0.0, loop.time() - due))

    def reset(self) -> None:
        """Forget what was measured so far."""
        self._late_s.clear()

    def p99_ms(self) -> float:
        """Return the 99th percentile of the delays of the last minute, in milliseconds; 0 before any."""
        return self._quantile(0.99)

    def max_ms(self) -> float:
        """Return the largest delay of the last minute, in milliseconds; 0 before any."""
        return self._quantile(1.0)

    def _quantile(self, q: float) -> float:
        return float(np.quantile(np.array(self._late_s), q) * 1e3) if self._late_s else 0.0
