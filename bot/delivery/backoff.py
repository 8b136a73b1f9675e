"""Decide how long a failed delivery waits before it is tried again."""

import random
from dataclasses import dataclass

from engine.model import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Full jitter: a random wait between nothing and a ceiling that doubles with each attempt.

    `budget` is how many attempts a severity gets before its delivery is dead.
    """

    base_s: float = 1.0
    cap_s: float = 300.0
    ordinary_budget: int = 10
    critical_budget: int = 20

    def ceiling_s(self, attempt: int) -> float:
        """Return the longest wait after the given attempt (1 the first)."""
        return min(self.cap_s, self.base_s * 2.0 ** min(max(attempt, 1) - 1, 40))

    def wait_s(self, attempt: int, rng: random.Random, *, retry_after_s: float | None = None) -> float:
        """Return how long to wait; where the far end named a time, never less than that."""
        if retry_after_s is not None:
            spread = min(1.0, 0.1 * max(retry_after_s, 0.0))
            return max(retry_after_s, 0.0) + rng.uniform(0.0, spread)
        return rng.uniform(0.0, self.ceiling_s(attempt))

    def spent(self, attempt: int, severity: Severity) -> bool:
        """Say whether an attempt was the last one."""
        budget = self.critical_budget if severity is Severity.CRITICAL else self.ordinary_budget
        return attempt >= budget
