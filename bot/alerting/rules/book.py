"""Know what of the evaluator's memory is in the store, so that only what has changed is written."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from engine.rules.atom import EventAtom
from engine.rules.plan import Key
from engine.rules.remembered import Remembered, key_text
from engine.rules.sighting import Memory
from storage.rule_memory import HELD, SPENT, WAIT, Difference, Kept, MemoryRow, ValueRow

_Leaf = tuple[int, int]
"""A rule and the number of its leaf, or of its branch."""


class MemoryBook:
    """What was written last, without the values: which leaves are held, by key, and which branches wait."""

    def __init__(self) -> None:
        self._held: dict[str, dict[_Leaf, float]] = {}
        self._waits: dict[_Leaf, tuple[int, int]] = {}
        self._known: set[Key] = set()
        self._stale_keys: list[str] = []
        self._stale_rows: list[tuple[int, str, int]] = []

    def load(self, kept: Kept, watched: Iterable[Key]) -> Remembered:
        """Return what is in the store as the evaluator takes it; what nobody looks at now goes next time."""
        keys = {key_text(key): key for key in watched}
        held: defaultdict[str, dict[_Leaf, float]] = defaultdict(dict)
        waits: dict[_Leaf, tuple[int, int]] = {}
        spent = []
        for row in kept.rows:
            if row.what == WAIT:
                waits[row.rule_id, row.place] = (row.since_ms, row.leaf)
            elif row.what == SPENT:
                spent.append(row.rule_id)
            elif row.key in keys:
                held[row.key][row.rule_id, row.place] = row.value
            else:
                self._stale_rows.append(row.name)
        self._held, self._waits = dict(held), waits
        self._known = {keys[row.key] for row in kept.values if row.key in keys}
        self._stale_keys = [row.key for row in kept.values if row.key not in keys]
        return Remembered(
            values=tuple((keys[row.key], row.value) for row in kept.values if row.key in keys),
            held=tuple(
                (rule, leaf, keys[key], threshold)
                for key, leaves in held.items()
                for (rule, leaf), threshold in leaves.items()
            ),
            waits=tuple((rule, since, branch, leaf) for (rule, branch), (since, leaf) in waits.items()),
            spent=tuple(spent),
        )

    def lacks(self, keys: Iterable[Key]) -> bool:
        """Say whether the store knows nothing of any of some keys."""
        return any(key not in self._known for key in keys)

    def difference(self, memory: Memory) -> Difference:
        """Return what has to be written for the store to know a memory."""
        texts = {key: key_text(key) for key in memory.keys if not isinstance(key, EventAtom)}
        values = [
            ValueRow(
                key=text,
                symbol=(symbol := str(getattr(key, "symbol", ""))),
                value=memory.values[key],
                at_ms=memory.marks.get(symbol, -1),
            )
            for key, text in texts.items()
            if not math.isnan(memory.values.get(key, math.nan))
        ]
        gone = [text for key, text in texts.items() if key not in memory.values]
        held, waits = _held(memory), _waits(memory)
        rows: list[MemoryRow] = []
        gone_rows = list(self._stale_rows)
        for text in texts.values():
            before, now = self._held.get(text, {}), held.get(text, {})
            rows += [
                MemoryRow(rule_id=rule, what=HELD, place=leaf, key=text, value=threshold)
                for (rule, leaf), threshold in now.items()
                if before.get((rule, leaf)) != threshold
            ]
            gone_rows += [(rule, HELD, leaf) for rule, leaf in before.keys() - now.keys()]
        rows += [
            MemoryRow(rule_id=rule, what=WAIT, place=branch, since_ms=since, leaf=leaf)
            for (rule, branch), (since, leaf) in waits.items()
            if self._waits.get((rule, branch)) != (since, leaf)
        ]
        gone_rows += [(rule, WAIT, branch) for rule, branch in self._waits.keys() - waits.keys()]
        return Difference(values=values, gone_keys=[*gone, *self._stale_keys], rows=rows, gone_rows=gone_rows)

    def written(self, memory: Memory) -> None:
        """Note that the store knows a memory."""
        held = _held(memory)
        for key in memory.keys:
            self._held[key_text(key)] = dict(held.get(key_text(key), {}))
        self._waits = _waits(memory)
        self._known |= set(memory.keys)
        self._stale_keys.clear()
        self._stale_rows.clear()

    def clear(self) -> None:
        """Note that the store knows nothing, as at the begin of an epoch."""
        self.__init__()  # type: ignore[misc]


def marks_of(kept: Kept) -> dict[str, int]:
    """Return up to which time each market was seen, as far as the store knows."""
    found: dict[str, int] = {}
    for row in kept.values:
        found[row.symbol] = max(row.at_ms, found.get(row.symbol, -1))
    return found


def _held(memory: Memory) -> Mapping[str, dict[_Leaf, float]]:
    found: defaultdict[str, dict[_Leaf, float]] = defaultdict(dict)
    for rule, leaf, key, threshold in memory.held:
        found[key_text(key)][rule, leaf] = threshold
    return found


def _waits(memory: Memory) -> dict[_Leaf, tuple[int, int]]:
    return {(rule, branch): (since, leaf) for rule, since, branch, leaf in memory.waits}
