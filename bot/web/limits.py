"""Bound what one client may ask for: how often, and how many at once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TokenBucket:
    """Allow `rate_per_s` on average and `burst` at once."""

    __slots__ = ("_at_s", "_burst", "_clock", "_level", "_rate_per_s")

    def __init__(
        self, rate_per_s: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._level = burst
        self._at_s = clock()

    def take(self) -> bool:
        """Take one token; say False where there is none left."""
        now_s = self._clock()
        self._level = min(self._burst, self._level + (now_s - self._at_s) * self._rate_per_s)
        self._at_s = now_s
        if self._level < 1:
            return False
        self._level -= 1
        return True

    @property
    def wait_s(self) -> float:
        """Return the seconds until the next token."""
        return max(0.0, (1 - self._level) / self._rate_per_s)


class Full(Exception):
    """Say that no place is left."""


class Places:
    """Hold a fixed number of places, as for open connections; `whose` says for whom."""

    def __init__(self, limit: int, whose: str = "") -> None:
        self.limit = limit
        self.whose = whose
        self.taken = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one place for the length of the block; raise Full where none is left."""
        self.take()
        try:
            yield
        finally:
            self.give_back()

    def take(self) -> None:
        """Take one place; raise Full where none is left."""
        if self.taken >= self.limit:
            raise Full
        self.taken += 1

    def give_back(self) -> None:
        """Give one place back."""
        self.taken -= 1
