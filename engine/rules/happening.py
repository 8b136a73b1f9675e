"""Find the atoms that an event matches: one liquidation, a swept zone, a zone that was built.

Single liquidations are asked for by size; those that one is too small for are not looked at.
"""

import heapq
from bisect import bisect_right, insort
from collections.abc import Iterator

from engine.features.liquidated import Repeats
from engine.model import Liquidation
from engine.rules.atom import PULSE_MS, EventAtom, OneLiquidation, Seen


class Happenings:
    """The event atoms of one market. An event is true for `PULSE_MS` after it was known."""

    def __init__(self) -> None:
        self._by_usd: list[tuple[float, int, OneLiquidation]] = []
        self._zones: dict[EventAtom, None] = {}
        self._known: dict[EventAtom, int] = {}
        self._ends: list[tuple[int, int, EventAtom]] = []
        self._until: dict[EventAtom, int] = {}
        self._repeats = Repeats()
        self._serial = 0

    def __len__(self) -> int:
        return len(self._known)

    def add(self, atom: EventAtom) -> None:
        """Look at an atom from now on."""
        if atom in self._known:
            return
        self._serial += 1
        self._known[atom] = self._serial
        if isinstance(atom, OneLiquidation):
            insort(self._by_usd, (atom.usd, self._serial, atom), key=lambda entry: entry[:2])
        else:
            self._zones[atom] = None

    def drop(self, atom: EventAtom) -> None:
        """Look at an atom no longer."""
        serial = self._known.pop(atom, None)
        self._until.pop(atom, None)
        if serial is None:
            return
        if isinstance(atom, OneLiquidation):
            self._by_usd.remove((atom.usd, serial, atom))
        else:
            del self._zones[atom]

    def clear(self) -> None:
        """Let nothing be true any more, as after a jump of the clock."""
        self._until.clear()
        self._ends.clear()
        self._repeats = Repeats()

    def matching(self, seen: Seen) -> list[EventAtom]:
        """Return the atoms that an event matches; none for a liquidation that came before."""
        event = seen.event
        if isinstance(event, Liquidation):
            if self._repeats.known(event):
                return []
            end = bisect_right(self._by_usd, event.notional_usd, key=lambda entry: entry[0])
            return [atom for _, _, atom in self._by_usd[:end] if atom.matches(seen)]
        return [atom for atom in self._zones if atom.matches(seen)]

    def pulse(self, atom: EventAtom, now_ms: int) -> bool:
        """Let an atom be true from now on; say whether it was already."""
        was = atom in self._until
        self._until[atom] = now_ms + PULSE_MS
        self._serial += 1
        heapq.heappush(self._ends, (now_ms + PULSE_MS, self._serial, atom))
        return was

    def over(self, now_ms: int) -> Iterator[EventAtom]:
        """Yield atoms that are true no longer, each once."""
        while self._ends and self._ends[0][0] <= now_ms:
            until_ms, _, atom = heapq.heappop(self._ends)
            if self._until.get(atom) == until_ms:
                del self._until[atom]
                yield atom
