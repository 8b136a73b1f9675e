"""Walk what lies between a feature's last value and its next: compiled, at most a few microseconds a tick.

Keys of a list are ascending. Those of BELOW thresholds are negated, so that everything is ABOVE here: a leaf
is true where the value is greater than its key. Of a rise from `was` to `now`, leaves with a key in
[was, now) become true; of a fall, leaves with a re-arming key in [now, was) become false.

`.py_func` of each function is the same in plain Python.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from engine.model import Floats

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int32]

FALSE: Final = 0
TRUE: Final = 1
RISEN: Final = 2
"""A leaf that becomes true in the walk under way."""

ONCE: Final = 1
TIMED: Final = 2
EXPIRES: Final = 4
SPENT: Final = 8
EDGE: Final = 16
"""A rule of which a branch may have become true in the walk under way."""
SINGLE: Final = 32
"""A rule of one leaf."""
SPECIAL: Final = ONCE | TIMED | EXPIRES
"""Rules that ask for more than to be told of."""
ALL: Final = 255


class Order(NamedTuple):
    """Hold one direction of a feature, by where its leaves become true or by where they become false."""

    keys: Floats  # without hysteresis
    leaves: Places
    wide_keys: Floats  # with hysteresis
    wide_leaves: Places


class Tables(NamedTuple):
    """Hold what is known of all leaves, branches and rules; written in place."""

    state: Bytes  # by leaf: FALSE, TRUE, RISEN
    owner: Places  # by leaf: its branch
    trues: Bytes  # by branch: how many of its leaves are true
    need: Bytes  # by branch: how many it has
    rule: Places  # by branch: its rule's row
    branches: Bytes  # by row: how many it has
    flags: Bytes  # by row
    first_branch: Places  # by row; branches and leaves of a rule have numbers in a row
    first_leaf: Places
    out: Places  # (4, room) row, branch, leaf of what became true; timed branches that no longer are


@njit(cache=True, nogil=True)
def lower(keys: Floats, x: float) -> int:
    """Return the first place whose key is not less than x."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def rise(leaves: Places, of: Tables, filled: int, special: int) -> tuple[int, int]:
    """Let leaves become true that are not; mark rules of which a branch is true by that.

    Rules of one leaf are told of at once: nothing that follows can change it. For the rest see `tell`.
    """
    for i in range(len(leaves)):
        leaf = leaves[i]
        if of.state[leaf] != FALSE:
            continue
        branch = of.owner[leaf]
        row = of.rule[branch]
        of.trues[branch] += 1
        if of.flags[row] & SINGLE:
            of.state[leaf] = TRUE
            if not of.flags[row] & SPENT:
                of.out[0, filled], of.out[1, filled], of.out[2, filled] = row, 0, 0
                filled += 1
                special += int(of.flags[row] & SPECIAL > 0)
            continue
        of.state[leaf] = RISEN
        if of.trues[branch] == of.need[branch]:
            of.flags[row] |= EDGE
    return filled, special


@njit(cache=True, nogil=True)
def fall(leaves: Places, of: Tables, filled: int) -> int:
    """Let leaves become false that are not; append branches of timed rules that were true to `out[3]`."""
    for i in range(len(leaves)):
        leaf = leaves[i]
        if of.state[leaf] == FALSE:
            continue
        of.state[leaf] = FALSE
        branch = of.owner[leaf]
        if of.trues[branch] == of.need[branch] and of.flags[of.rule[branch]] & TIMED:
            of.out[3, filled] = branch
            filled += 1
        of.trues[branch] -= 1
    return filled


@njit(cache=True, nogil=True)
def tell(leaves: Places, of: Tables, filled: int, special: int) -> tuple[int, int]:
    """Write the lowest branch of each rule that has become true, with the first leaf of it that rose.

    Of timed rules all such branches are written: each of them waits by itself.
    """
    for i in range(len(leaves)):
        if of.state[leaves[i]] != RISEN:
            continue
        row = of.rule[of.owner[leaves[i]]]
        if not of.flags[row] & EDGE:
            continue
        of.flags[row] &= ALL - EDGE
        if of.flags[row] & SPENT:
            continue
        first, start = of.first_branch[row], of.first_leaf[row]
        for place in range(of.branches[row]):
            size = of.need[first + place]
            if of.trues[first + place] == size:
                risen = 0
                while risen < size and of.state[start + risen] != RISEN:
                    risen += 1
                if risen < size:
                    of.out[0, filled], of.out[1, filled], of.out[2, filled] = row, place, risen
                    filled += 1
                    special += int(of.flags[row] & SPECIAL > 0)
                    if not of.flags[row] & TIMED:
                        break
            start += size
    return filled, special


@njit(cache=True, nogil=True)
def settle(leaves: Places, of: Tables) -> None:
    """End a walk: what has risen is true."""
    for i in range(len(leaves)):
        if of.state[leaves[i]] == RISEN:
            of.state[leaves[i]] = TRUE


@njit(cache=True, nogil=True)
def walk(was: float, now: float, rising: Order, falling: Order, of: Tables) -> tuple[int, int, int]:
    """Take a rise from `was` to `now` through one direction's order, and the fall it is to the other's.

    What rises and falls at once is judged when both are done. Writes `of`. Return how much of `out[:3]` is
    filled, how much of that is of SPECIAL rules, and how much of `out[3]` is filled: branches of timed rules
    that were true, or would have been but for the fall.
    """
    up = rising.leaves[lower(rising.keys, was) : lower(rising.keys, now)]
    wide_up = rising.wide_leaves[lower(rising.wide_keys, was) : lower(rising.wide_keys, now)]
    down = falling.leaves[lower(falling.keys, -now) : lower(falling.keys, -was)]
    wide_down = falling.wide_leaves[lower(falling.wide_keys, -now) : lower(falling.wide_keys, -was)]
    told, special = rise(up, of, 0, 0)
    told, special = rise(wide_up, of, told, special)
    lost = fall(wide_down, of, fall(down, of, 0))
    told, special = tell(up, of, told, special)
    told, special = tell(wide_up, of, told, special)
    settle(up, of)
    settle(wide_up, of)
    return told, special, lost


@njit(cache=True, nogil=True)
def cross(  # noqa: PLR0913  (handing a named tuple to compiled code takes 1.5 us, its members 0.1 us each)
    was: float,
    now: float,
    up: Floats,
    up_leaves: Places,
    wide_up: Floats,
    wide_up_leaves: Places,
    down: Floats,
    down_leaves: Places,
    wide_down: Floats,
    wide_down_leaves: Places,
    state: Bytes,
    owner: Places,
    trues: Bytes,
    need: Bytes,
    rule: Places,
    branches: Bytes,
    flags: Bytes,
    first_branch: Places,
    first_leaf: Places,
    out: Places,
) -> tuple[int, int, int]:
    """Do what `walk` does, of the members of `rising`, `falling` and `of` in their order."""
    return walk(
        was,
        now,
        Order(up, up_leaves, wide_up, wide_up_leaves),
        Order(down, down_leaves, wide_down, wide_down_leaves),
        Tables(state, owner, trues, need, rule, branches, flags, first_branch, first_leaf, out),
    )


def compile_walk() -> None:
    """Compile, so that the first price need not wait for it; later starts read it from the disk."""
    keys, places, small = np.zeros(0), np.zeros(0, np.int32), np.zeros(0, np.uint8)
    order = Order(keys, places, keys, places)
    out = np.zeros((4, 0), np.int32)
    of = Tables(small, places, small, small, places, small, small, places, places, out)
    cross(0.0, 1.0, *order, *order, *of)  # type: ignore[arg-type]
