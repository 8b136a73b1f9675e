"""Say which rules become true as values come in: thresholds by an index, AND by counting, OR by branches.

A branch counts its true leaves. A rule fires when a branch becomes true, at most once an update: each way to
be true is news of its own, so that "above or below a level" fires at every crossing. What is true when a rule
is made, or when a feature's first value comes, is known and not news. Values that are not known (None, NaN)
change nothing. No clock is read: `ts` is ms UTC, and does not go back.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from engine.model import Ints
from engine.rules.crossing import ALL, EXPIRES, FALSE, ONCE, SINGLE, SPENT, TIMED, TRUE, Tables, cross
from engine.rules.index import Line
from engine.rules.ledger import MOST, Ledger, Truths
from engine.rules.plan import NOTHING, Batch, Fired, Hit, Key, Plan
from engine.rules.pool import NONE, spans
from engine.rules.remembered import Remembered
from engine.rules.timers import Wait


class Evaluator(Ledger):
    """All rules of everybody; for one thread."""

    def __init__(self) -> None:
        super().__init__()
        self._out = np.empty((4, 0), np.int32)
        self._prepare()

    def add(self, plans: Mapping[int, Plan] | Batch) -> None:
        """Add rules by their numbers, those with a number that is there already instead of the old one.

        Waits, and having fired once, begin anew. Raises ValueError, and adds none, for what a Batch refuses.
        """
        batch = plans if isinstance(plans, Batch) else Batch.of(plans)
        if not len(batch.rule):
            return
        if self._count:
            self.remove(batch.rule.tolist())
        rows, leaves = self._allot(batch)
        self.index.insert(leaves, batch)
        self._note_limits(batch)
        self._recount(rows)
        self._prepare()

    def remove(self, rules: Iterable[int]) -> None:
        """Remove rules; numbers that there are none of are passed over."""
        there = [(rule, self._rows.get(rule)) for rule in dict.fromkeys(rules) if rule in self]
        if not there:
            return
        rows = np.array([row for _, row in there], np.int64)
        self.index.remove(self._leaves_of(rows))
        for rule, row in there:
            self._rows.drop(rule)
            first, branches = int(self._rule["first_branch"][row]), int(self._rule["branches"][row])
            self._timers.forget(row, range(first, first + branches))
            self._branch.give(first, branches)
            self.index.leaf.give(int(self._rule["first_leaf"][row]), int(self._rule["leaves"][row]))
            self._rule.give(row, 1)
        self._count -= len(there)
        self._prepare()

    def move(self, plans: Mapping[int, Sequence[Key]], ts: int, *, late: bool = False) -> Fired:
        """Put rules' leaves elsewhere, because what they are about has moved (a zone, a position).

        `plans` has all leaves of each rule, branch by branch, as many as there were. Other than with `add`, a
        rule that becomes true by this fires, and a leaf that was true stays so within its hysteresis. Numbers
        that there are no rules of are passed over; ValueError for a wrong number of leaves.
        """
        known = {rule: tuple(leaves) for rule, leaves in plans.items() if rule in self}
        if not known:
            return NOTHING
        rows = np.array([self._rows.get(rule) for rule in known], np.int64)
        if [len(leaves) for leaves in known.values()] != self._rule["leaves"][rows].tolist():
            raise ValueError("a rule that moves keeps its leaves")
        batch = Batch.of({rule: Plan(branches=(leaves,)) for rule, leaves in known.items()})
        leaves = self._leaves_of(rows)
        was = self.index.leaf["state"][leaves] == TRUE
        full = self._full(rows)
        self.index.remove(leaves)
        self.index.insert(leaves, batch, held=was)
        self._recount(rows)
        self._prepare()
        risen = leaves[~was & (self.index.leaf["state"][leaves] == TRUE)]
        return self._moved(rows, full, set(risen.tolist()), ts, late=late)

    def update(self, feature: Key, value: float | None, ts: int, *, late: bool = False) -> Fired:
        """Take in a feature's value; return what fires.

        Give `late` with the first value of each feature after `load`: what was crossed meanwhile is marked.
        """
        if value is None or math.isnan(value):
            return NOTHING
        line = self.index.line(feature)
        was, line.last = line.last, value
        if math.isnan(was):
            self._first(line, value)
            return NOTHING
        if was == value or not len(line):
            return NOTHING
        side, other = line.sides
        if value < was:
            side, other, was, value = other, side, -was, -value
        found = cross(was, value, *side.rising, *other.falling, *self._tables)  # type: ignore[arg-type]
        told, special, lost = found
        if not told and not lost:
            return NOTHING
        return self._outcome(told, special, lost, ts, late=late)

    def switch(self, leaf: Key, ts: int, *, on: bool, late: bool = False) -> Fired:
        """Make a leaf that is not a Threshold true or false; return what fires. All begin false."""
        return self.update(leaf, 1.0 if on else 0.0, ts, late=late)

    def due(self, now_ms: int, *, late: bool = False) -> Fired:
        """Return rules that have now been true for as long as they must; to be called every second or so.

        After `load`, give each feature's first value before the first call.
        """
        hits: dict[int, Hit] = {}
        for wait in self._timers.due(now_ms):
            if wait.row not in hits and (hit := self._held(wait, late=late)):
                hits[wait.row] = hit
        return Fired.of(list(hits.values())) if hits else NOTHING

    def expired(self, now_ms: int) -> list[int]:
        """Return the numbers of rules that have run out since the last call: they fire no more."""
        return [int(self._rule["number"][row]) for row in self._timers.ended(now_ms)]

    def forget(self, keys: Iterable[Key]) -> None:
        """Forget the values of features and switches that no rule looks at any more."""
        for key in keys:
            line = self.index.find(key)
            if line is not None and not len(line):
                line.last = self.index.begins(key)

    def unknown(self, key: Key) -> None:
        """Let a switch be neither on nor off, before it is first switched: what it is then is not news."""
        self.index.line(key).last = math.nan

    def restart(self) -> None:
        """Forget every value, every wait and what was spent: all rules stand as if they were new."""
        for key, line in self.index.lines():
            line.last = self.index.begins(key)
        rows = self._rows.places()
        self.index.leaf["state"][self._leaves_of(rows)] = FALSE
        self._branch["trues"][self._branches_of(rows)] = 0
        self._rule["flags"][rows] &= np.uint8(ALL ^ SPENT)
        self._timers.clear()

    def load(self, remembered: Remembered) -> None:
        """Go on from what was dumped, after the rules were added and before any value came.

        Rules that the dump does not know of stand as they would have stood at its values.
        """
        for key, value in remembered.values:
            self.index.settle(self.index.line(key), value)
        for rule, leaf, key, threshold in remembered.held:
            row = self._rows.get(rule)
            if row != NONE and leaf < self._rule["leaves"][row]:
                self.index.hold(int(self._rule["first_leaf"][row]) + leaf, key, threshold)
        for rule in remembered.spent:
            if rule in self and self._rule["flags"][self._rows.get(rule)] & ONCE:
                self._rule["flags"][self._rows.get(rule)] |= SPENT
        self._recount(self._rows.places())
        for rule, since_ms, branch, leaf in remembered.waits:
            row = self._rows.get(rule)
            if row in self._timers.for_ms and branch < self._rule["branches"][row]:
                first = int(self._rule["first_branch"][row])
                if self._branch["trues"][first + branch] == self._branch["need"][first + branch]:
                    self._timers.start(first, row, since_ms, branch, leaf)

    def _allot(self, batch: Batch) -> tuple[Ints, Ints]:
        """Give a batch its rows, branches and leaves; return the numbers of rows and of leaves."""
        whose = np.repeat(np.arange(len(batch.rule)), batch.branches)
        leaves = np.bincount(whose, batch.leaves, len(batch.rule)).astype(np.int64)
        if int(batch.branches.max()) > MOST or int(leaves.max()) > MOST:
            raise ValueError(f"a rule has {MOST} branches and {MOST} leaves at most")
        rows, firsts, first_leaves = np.empty((3, len(batch.rule)), np.int64)
        order = self._neighbours(batch, leaves)
        rows[order] = self._rule.take(np.ones(len(order), np.int64))
        firsts[order] = self._branch.take(batch.branches[order])
        first_leaves[order] = self.index.leaf.take(leaves[order])
        branch, rule = self._branch, self._rule
        numbers = spans(firsts, batch.branches)
        branch["need"][numbers] = batch.leaves
        branch["rule"][numbers] = rows[whose]
        placed = spans(first_leaves, leaves)
        self.index.leaf["owner"][placed] = np.repeat(numbers, batch.leaves)
        rule["number"][rows] = batch.rule
        rule["first_branch"][rows] = firsts
        rule["branches"][rows] = batch.branches
        rule["first_leaf"][rows] = first_leaves
        rule["leaves"][rows] = leaves
        rule["flags"][rows] = np.where(leaves == 1, SINGLE, 0)
        self._rows.put(batch.rule, rows)
        self._count += len(rows)
        return rows, placed

    @staticmethod
    def _neighbours(batch: Batch, leaves: Ints) -> Ints:
        """Return rules in the order of their first thresholds: what is crossed together lies together."""
        first = np.cumsum(leaves) - leaves
        return np.lexsort((batch.value[first], batch.above[first], batch.key[first]))

    def _note_limits(self, batch: Batch) -> None:
        """Note for how long rules must hold, whether they fire once, and when they run out."""
        flags = self._rule["flags"]
        for rule, for_ms in batch.for_ms.items():
            self._timers.for_ms[self._rows.get(rule)] = for_ms
            flags[self._rows.get(rule)] |= TIMED
        for rule in batch.once:
            flags[self._rows.get(rule)] |= ONCE
        for rule, at_ms in batch.expires_ms.items():
            self._timers.expire(self._rows.get(rule), at_ms)
            flags[self._rows.get(rule)] |= EXPIRES

    def _first(self, line: Line, value: float) -> None:
        """Take in a feature's first value: what is true by it is known, not news."""
        true = self.index.settle(line, value)
        if len(true):
            self._recount(np.unique(self._branch["rule"][self.index.leaf["owner"][true]]).astype(np.int64))

    def _recount(self, rows: Ints) -> None:
        """Count the true leaves of rules' branches anew."""
        leaves = self._leaves_of(rows)
        true = leaves[self.index.leaf["state"][leaves] == TRUE]
        self._branch["trues"][self._branches_of(rows)] = 0
        np.add.at(self._branch["trues"], self.index.leaf["owner"][true], np.uint8(1))

    def _outcome(self, told: int, special: int, lost: int, ts: int, *, late: bool) -> Fired:
        """Return what a walk wrote as hits, after waits were begun and broken."""
        hits: list[Hit] = []
        for at in self._out[3, :lost].tolist():
            self._break(at, ts, hits, late=late)
        found = self._out[:3, :told].copy()
        if special:
            kept = [self._begin(row, branch, leaf, ts) for row, branch, leaf in found.T.tolist()]
            found = found[:, np.array(kept, bool)]
        if not found.shape[1]:
            return Fired.of(hits) if hits else NOTHING
        stamps = np.full(found.shape[1], ts, np.int64)
        fired = Fired(self._rule["number"][found[0]], found[1], found[2], stamps, late)
        return fired.also(hits)

    def _begin(self, row: int, branch: int, leaf: int, ts: int) -> bool:
        """Begin the wait of a rule that has become true; say whether it fires now, and note that it has."""
        flags = self._rule["flags"]
        if flags[row] & TIMED:
            self._timers.start(int(self._rule["first_branch"][row]), row, ts, branch, leaf)
            return False
        if self._timers.over(row, ts):
            return False
        if flags[row] & ONCE:
            flags[row] |= SPENT
        return True

    def _break(self, at: int, ts: int, hits: list[Hit], *, late: bool) -> None:
        """End the wait of a branch that is no longer true; it fired if it was over by then.

        While nobody looked (`late`) it may have been untrue in between.
        """
        wait = self._timers.stop(at)
        told = wait is not None and any(hit.rule == self._rule["number"][wait.row] for hit in hits)
        if wait is not None and wait.due_ms < ts and not late and not told and (hit := self._held(wait)):
            hits.append(hit)

    def _held(self, wait: Wait, *, late: bool = False) -> Hit | None:
        """Return the hit of a wait that is over, unless the rule had run out or was done with by then."""
        flags, row = self._rule["flags"], wait.row
        if flags[row] & SPENT or self._timers.over(row, wait.due_ms):
            return None
        if flags[row] & ONCE:
            flags[row] |= SPENT
        number = int(self._rule["number"][row])
        return Hit(rule=number, branch=wait.branch, leaf=wait.leaf, ts=wait.due_ms, late=late)

    def _moved(self, rows: Ints, full: Truths, risen: set[int], ts: int, *, late: bool) -> Fired:
        """Return what fires of rules whose leaves have moved, of whose branches some were `full`."""
        hits: list[Hit] = []
        branches, now = self._branches_of(rows), self._full(rows)
        for at in branches[full & ~now].tolist():
            self._break(at, ts, hits, late=late)
        told = set()
        for at in branches[now & ~full].tolist():
            row = int(self._branch["rule"][at])
            flags, first = self._rule["flags"][row], int(self._rule["first_branch"][row])
            if flags & SPENT or (row in told and not flags & TIMED):
                continue
            told.add(row)
            start = int(self._rule["first_leaf"][row]) + int(self._branch["need"][first:at].sum())
            leaf = next(place for place in range(MOST) if start + place in risen)
            if self._begin(row, at - first, leaf, ts):
                number = int(self._rule["number"][row])
                hits.append(Hit(rule=number, branch=at - first, leaf=leaf, ts=ts, late=late))
        return Fired.of(hits) if hits else NOTHING

    def _prepare(self) -> None:
        """Collect the arrays that a walk works on; to be called whenever one may be another array."""
        leaf, branch, rule = self.index.leaf, self._branch, self._rule
        if self._out.shape[1] < self.index.most:
            self._out = np.empty((4, self.index.most + self.index.most // 8), np.int32)
        self._tables = Tables(
            leaf["state"],
            leaf["owner"],
            branch["trues"],
            branch["need"],
            branch["rule"],
            rule["branches"],
            rule["flags"],
            rule["first_branch"],
            rule["first_leaf"],
            self._out,
        )
