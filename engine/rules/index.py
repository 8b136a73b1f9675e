"""Keep the thresholds of each feature in order, so that a move finds those it crosses by binary search.

A feature has a list for each direction and kind: thresholds without hysteresis stand in one list, those with
it in two, by where they become true and by where they re-arm. Edits are done on whole lists and cost what
copying one does; a tick costs a search in four lists and what it crosses.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.model import Floats, Ints
from engine.rules.crossing import FALSE, TRUE, Order, Places
from engine.rules.feature import Feature
from engine.rules.plan import Batch, Key
from engine.rules.pool import Pool

ABOVE: Final = 0
BELOW: Final = 1


class Sorted:
    """Leaves in the order of their keys."""

    __slots__ = ("keys", "leaves")

    def __init__(self) -> None:
        self.keys: Floats = np.empty(0)
        self.leaves: Places = np.empty(0, np.int32)

    def merge(self, keys: Floats, leaves: Ints) -> None:
        """Add leaves with their keys, in any order."""
        order = np.argsort(keys, kind="stable")
        keys, added = keys[order], leaves[order].astype(np.int32)
        if len(self.keys):
            places = np.searchsorted(self.keys, keys)
            keys, added = np.insert(self.keys, places, keys), np.insert(self.leaves, places, added)
        self.keys, self.leaves = keys, added

    def keep(self, kept: npt.NDArray[np.bool_]) -> None:
        """Drop all but some."""
        self.keys, self.leaves = self.keys[kept], self.leaves[kept]

    @property
    def nbytes(self) -> int:
        """Return the memory of both arrays, in bytes."""
        return self.keys.nbytes + self.leaves.nbytes


class Side:
    """One direction of one feature; keys of BELOW are negated, so that true is always "greater than"."""

    __slots__ = ("falling", "narrow", "rearming", "rising", "wide")

    def __init__(self) -> None:
        self.narrow, self.wide, self.rearming = Sorted(), Sorted(), Sorted()
        self._order()

    def merge(self, keys: Floats, rearms: Floats, leaves: Ints) -> None:
        """Add leaves with their keys and where they re-arm."""
        wide = rearms != keys
        self.narrow.merge(keys[~wide], leaves[~wide])
        if wide.any():
            self.wide.merge(keys[wide], leaves[wide])
            self.rearming.merge(rearms[wide], leaves[wide])
        self._order()

    def drop(self, gone: npt.NDArray[np.bool_]) -> None:
        """Drop leaves that `gone`, by leaf number, is true of."""
        for part in self.lists():
            part.keep(~gone[part.leaves])
        self._order()

    def lists(self) -> tuple[Sorted, Sorted, Sorted]:
        """Return all lists."""
        return self.narrow, self.wide, self.rearming

    def _order(self) -> None:
        """Collect the lists as a walk takes them."""
        narrow, wide, rearming = self.narrow, self.wide, self.rearming
        self.rising = Order(narrow.keys, narrow.leaves, wide.keys, wide.leaves)
        self.falling = Order(narrow.keys, narrow.leaves, rearming.keys, rearming.leaves)


class Line:
    """One feature: both directions and its last value, NaN before it had any."""

    __slots__ = ("last", "sides")

    def __init__(self, last: float) -> None:
        self.last = last
        self.sides = Side(), Side()

    def __len__(self) -> int:
        return sum(len(side.narrow.leaves) + len(side.wide.leaves) for side in self.sides)


class Index:
    """The thresholds of all features. `leaf` has a leaf's `state` (FALSE, TRUE), `home` and `owner`."""

    def __init__(self) -> None:
        self.leaf = Pool(state=np.uint8, home=np.int32, owner=np.int32)
        self._lines: dict[Key, Line] = {}
        self._by_number: list[tuple[Key, Line]] = []
        self._numbers: dict[Key, int] = {}
        self.most = 0
        """How many leaves the fullest line has or had."""

    def line(self, key: Key) -> Line:
        """Return what is kept of a feature, or of a switch, which is off until it is switched."""
        found = self._lines.get(key)
        if found is None:
            found = Line(self.begins(key))
            self._lines[key] = found
            self._numbers[key] = len(self._by_number)
            self._by_number.append((key, found))
        return found

    def find(self, key: Key) -> Line | None:
        """Return what is kept of a feature or switch, None where it was never named."""
        return self._lines.get(key)

    @staticmethod
    def begins(key: Key) -> float:
        """Return the value that a feature (not known) or a switch (off) begins with."""
        return math.nan if isinstance(key, Feature) else 0.0

    def at_home(self, home: int) -> tuple[Key, Line]:
        """Return the feature or switch that a leaf with this `home` looks at."""
        return self._by_number[home // 2]

    def lines(self) -> Iterator[tuple[Key, Line]]:
        """Return every feature and switch that was ever named, with what is kept of it."""
        return iter(self._by_number)

    def insert(self, leaves: Ints, batch: Batch, *, held: npt.NDArray[np.bool_] | None = None) -> None:
        """Put leaves (n,) at a batch's thresholds; each is TRUE where the last value is beyond its own.

        `held` (n,) says which were true elsewhere and stay so until the value is where they re-arm. A leaf is
        FALSE where nothing is known yet.
        """
        for each in batch.keys:
            self.line(each)
        number = np.array([self._numbers[each] for each in batch.keys], np.int64)[batch.key]
        homes = number * 2 + np.where(batch.above, ABOVE, BELOW)
        sign = np.where(batch.above, 1.0, -1.0)
        at, rearm = sign * batch.value, sign * batch.rearm
        x = sign * np.array([line.last for _, line in self._by_number])[number]
        true = x > at if held is None else (x > at) | (held & (x > rearm))
        self.leaf["state"][leaves] = np.where(true, TRUE, FALSE)
        self.leaf["home"][leaves] = homes
        order = np.argsort(homes, kind="stable")
        starts = np.flatnonzero(np.diff(homes[order], prepend=-1))
        for part in np.split(order, starts[1:]) if len(order) else []:
            line, side = self._home(int(homes[part[0]]))
            side.merge(at[part], rearm[part], leaves[part])
            self.most = max(self.most, len(line))

    def remove(self, leaves: Ints) -> None:
        """Take leaves off their thresholds."""
        gone = np.zeros(self.leaf.end, bool)
        gone[leaves] = True
        for home in np.unique(self.leaf["home"][leaves]).tolist():
            self._home(home)[1].drop(gone)

    def settle(self, line: Line, value: float) -> Places:
        """Give a feature a value without a crossing: set the state of each of its leaves anew.

        Return those that are true. Hysteresis has nothing to hold on to: within it a leaf is false.
        """
        line.last = value
        state, beyond = self.leaf["state"], []
        for side, x in zip(line.sides, (value, -value), strict=True):
            for part in (side.narrow, side.wide):
                end = int(np.searchsorted(part.keys, x))
                state[part.leaves] = FALSE
                beyond.append(part.leaves[:end])
        true = np.concatenate(beyond)
        state[true] = TRUE
        return true

    def held(self, line: Line) -> Iterator[tuple[int, float]]:
        """Return leaves that are true by hysteresis alone, with their threshold."""
        for side, sign in zip(line.sides, (1.0, -1.0), strict=True):
            if math.isnan(line.last):
                return
            start = int(np.searchsorted(side.wide.keys, sign * line.last))
            leaves = side.wide.leaves[start:]
            true = np.flatnonzero(self.leaf["state"][leaves] == TRUE)
            keys = side.wide.keys[start:][true]
            for leaf, key in zip(leaves[true].tolist(), keys.tolist(), strict=True):
                yield leaf, sign * key

    def hold(self, leaf: int, key: Key, threshold: float) -> bool:
        """Make a leaf true that was so by hysteresis alone; say whether it still stands at that threshold."""
        line, side = self._home(int(self.leaf["home"][leaf]))
        sign = 1.0 if side is line.sides[ABOVE] else -1.0
        same = side.wide.keys[side.wide.leaves == leaf] == sign * threshold
        if self._lines.get(key) is not line or not same.any():
            return False
        rearm = side.rearming.keys[side.rearming.leaves == leaf]
        if not (sign * line.last > rearm).any():
            return False
        self.leaf["state"][leaf] = TRUE
        return True

    @property
    def nbytes(self) -> int:
        """Return the memory of lists and leaves, in bytes."""
        lists = (part for _, line in self._by_number for side in line.sides for part in side.lists())
        return self.leaf.nbytes + sum(part.nbytes for part in lists)

    def _home(self, home: int) -> tuple[Line, Side]:
        line = self._by_number[home // 2][1]
        return line, line.sides[home % 2]
