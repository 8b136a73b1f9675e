"""Hold every rule's branches and leaves by number, and answer what is true: the part that changes nothing.

A leaf is numbered within its branch, a branch within its rule, both from 0.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.model import Ints
from engine.rules.crossing import SPENT, TRUE
from engine.rules.index import Index, Line
from engine.rules.plan import Key
from engine.rules.pool import NONE, Directory, Pool, spans
from engine.rules.remembered import Held, Remembered, Waiting
from engine.rules.timers import Timers

MOST: Final = 255
"""Branches, and leaves, that one rule can have here; `normal_form` allows users fewer."""

Truths = npt.NDArray[np.bool_]


class Ledger:
    """What is known of all rules; `Evaluator` is what changes it."""

    def __init__(self) -> None:
        self.index = Index()
        self._branch = Pool(trues=np.uint8, need=np.uint8, rule=np.int32)
        self._rule = Pool(
            number=np.int64,
            first_branch=np.int32,
            branches=np.uint8,
            first_leaf=np.int32,
            leaves=np.uint8,
            flags=np.uint8,
        )
        self._rows = Directory()
        self._timers = Timers()
        self._count = 0

    def __len__(self) -> int:
        """Return how many rules there are."""
        return self._count

    def __contains__(self, rule: int) -> bool:
        return rule >= 0 and self._rows.get(rule) != NONE

    @property
    def nbytes(self) -> int:
        """Return the memory of the index and of all that is kept of rules, waits left out, in bytes."""
        return self.index.nbytes + self._branch.nbytes + self._rule.nbytes + self._rows.nbytes

    def watched(self) -> set[Key]:
        """Return the features and switches that rules look at."""
        return {key for key, line in self.index.lines() if len(line)}

    def value(self, key: Key) -> float:
        """Return what a feature or switch last was; NaN where nobody knows."""
        line = self.index.find(key)
        return math.nan if line is None else line.last

    def leaves(self, rule: int) -> list[tuple[Key, float]]:
        """Return what each leaf of a rule looks at, branch by branch, with its last value."""
        row = self._rows.get(rule)
        if row == NONE:
            return []
        first = int(self._rule["first_leaf"][row])
        homes = self.index.leaf["home"][first : first + int(self._rule["leaves"][row])]
        return [(key, line.last) for key, line in map(self.index.at_home, homes.tolist())]

    def holds(self, rule: int, branch: int, counts: Callable[[Key], bool]) -> bool:
        """Say whether the leaves of a branch that count are true; False where there is no such branch."""
        row = self._rows.get(rule)
        if row == NONE or branch >= self._rule["branches"][row]:
            return False
        at = int(self._rule["first_branch"][row]) + branch
        first = int(self._rule["first_leaf"][row])
        own = range(first, first + int(self._rule["leaves"][row]))
        state, owner, home = (self.index.leaf[name] for name in ("state", "owner", "home"))
        judged = [
            leaf for leaf in own if owner[leaf] == at and counts(self.index.at_home(int(home[leaf]))[0])
        ]
        return all(state[leaf] == TRUE for leaf in judged)

    def dump(self) -> Remembered:
        """Return what has to outlive the process; the rules themselves are the caller's."""
        number, rows = self._rule["number"], self._rows.places()
        lines = list(self.index.lines())
        return Remembered(
            values=tuple((key, line.last) for key, line in lines if not math.isnan(line.last)),
            held=tuple(self.held(lines)),
            waits=tuple(self.waiting()),
            spent=tuple(number[rows[(self._rule["flags"][rows] & SPENT) > 0]].tolist()),
        )

    def held(self, lines: Iterable[tuple[Key, Line]]) -> Iterator[Held]:
        """Return the leaves of some lines that are true by hysteresis alone."""
        number, first = self._rule["number"], self._rule["first_leaf"]
        for key, line in lines:
            for leaf, threshold in self.index.held(line):
                row = int(self._branch["rule"][self.index.leaf["owner"][leaf]])
                yield int(number[row]), leaf - int(first[row]), key, threshold

    def waiting(self) -> list[Waiting]:
        """Return the branches that are on their way through `for`."""
        number = self._rule["number"]
        return [(int(number[w.row]), w.since_ms, w.branch, w.leaf) for w in self._timers.waits()]

    def _full(self, rows: Ints) -> Truths:
        """Return which branches of rules are true."""
        branches = self._branches_of(rows)
        found: Truths = self._branch["trues"][branches] == self._branch["need"][branches]
        return found

    def _branches_of(self, rows: Ints) -> Ints:
        firsts, sizes = self._rule["first_branch"][rows], self._rule["branches"][rows]
        return spans(firsts.astype(np.int64), sizes.astype(np.int64))

    def _leaves_of(self, rows: Ints) -> Ints:
        firsts, sizes = self._rule["first_leaf"][rows], self._rule["leaves"][rows]
        return spans(firsts.astype(np.int64), sizes.astype(np.int64))
