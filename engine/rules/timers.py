"""Wait until a branch has been true for as long as it must, and note which rules have run out."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SPARE: Final = 1024
"""Waits that were broken and are still in the heap, beyond as many as there are."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One branch that is true and has to stay so: since when, until when, and the leaf that made it true."""

    at: int  # the branch's number among those of all rules
    row: int
    since_ms: int
    due_ms: int
    branch: int
    leaf: int


class Timers:
    """Waits by branch, and ends by rule (its row), handed out in order of time."""

    def __init__(self) -> None:
        self.for_ms: dict[int, int] = {}
        self.expires_ms: dict[int, int] = {}
        self._waits: dict[int, Wait] = {}
        self._due: list[tuple[int, int, Wait]] = []
        self._ends: list[tuple[int, int]] = []
        self._ended: set[int] = set()
        self._serial = 0

    def expire(self, row: int, at_ms: int) -> None:
        """Let a rule run out at a time."""
        self.expires_ms[row] = at_ms
        heapq.heappush(self._ends, (at_ms, row))

    def start(self, first: int, row: int, since_ms: int, branch: int, leaf: int) -> None:
        """Begin a wait; `first` is the number of the rule's branch 0."""
        wait = Wait(first + branch, row, since_ms, since_ms + self.for_ms[row], branch, leaf)
        self._waits[wait.at] = wait
        self._serial += 1
        heapq.heappush(self._due, (wait.due_ms, self._serial, wait))
        if len(self._due) > 2 * len(self._waits) + SPARE:
            self._due = [entry for entry in self._due if self._waits.get(entry[2].at) is entry[2]]
            heapq.heapify(self._due)

    def stop(self, at: int) -> Wait | None:
        """End the wait of a branch; return it if there was one."""
        return self._waits.pop(at, None)

    def forget(self, row: int, branches: range) -> None:
        """Drop all that is known of a rule with these branches."""
        for at in branches if row in self.for_ms else ():
            self._waits.pop(at, None)
        self.for_ms.pop(row, None)
        self.expires_ms.pop(row, None)
        self._ended.discard(row)

    def clear(self) -> None:
        """Drop all waits, and let rules that had run out run out again."""
        self._waits.clear()
        self._due.clear()
        self._ended.clear()
        self._ends = [(at_ms, row) for row, at_ms in self.expires_ms.items()]
        heapq.heapify(self._ends)

    def due(self, now_ms: int) -> Iterator[Wait]:
        """Return waits that are over, the earliest first; each once."""
        while self._due and self._due[0][0] <= now_ms:
            wait = heapq.heappop(self._due)[2]
            if self._waits.get(wait.at) is wait:
                del self._waits[wait.at]
                yield wait

    def ended(self, now_ms: int) -> Iterator[int]:
        """Return rows of rules that have run out, the earliest first; each once."""
        while self._ends and self._ends[0][0] <= now_ms:
            at_ms, row = heapq.heappop(self._ends)
            if self.expires_ms.get(row) == at_ms and row not in self._ended:
                self._ended.add(row)
                yield row

    def waits(self) -> list[Wait]:
        """Return all waits."""
        return list(self._waits.values())

    def over(self, row: int, at_ms: int) -> bool:
        """Say whether a rule has run out at a time."""
        end = self.expires_ms.get(row)
        return end is not None and at_ms >= end
