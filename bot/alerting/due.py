"""Remember when something that waits is due."""

import heapq
from collections import deque
from collections.abc import Iterable


class DueTimes:
    """Market times at which held alerts and digests are due, the earliest first."""

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._posted: deque[int] = deque()

    def load(self, times: Iterable[int]) -> None:
        """Start anew with the times that are on disk."""
        self._posted.clear()
        self._heap = sorted(times)

    def add(self, at_ms: int) -> None:
        """Add a time."""
        heapq.heappush(self._heap, at_ms)

    def post(self, times: Iterable[int]) -> None:
        """Add times from any thread; they count from the next `collect` on."""
        self._posted.extend(times)

    def collect(self) -> None:
        """Take up the times that other threads have posted."""
        while self._posted:
            self.add(self._posted.popleft())

    def take(self, until_ms: int) -> int | None:
        """Return the earliest time and forget it, or None where nothing is due by `until_ms`."""
        if not self.due(until_ms):
            return None
        first = heapq.heappop(self._heap)
        while self._heap and self._heap[0] == first:
            heapq.heappop(self._heap)
        return first

    def due(self, until_ms: int) -> bool:
        """Say whether anything is due by a time."""
        return bool(self._heap) and self._heap[0] <= until_ms

    @property
    def first_ms(self) -> int | None:
        """Return the earliest time, or None."""
        return self._heap[0] if self._heap else None
