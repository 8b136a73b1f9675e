"""Say what a rule is to the evaluator, and what the evaluator says back: single values and whole columns."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from engine.model import Floats, Ints
from engine.rules.feature import Direction, Threshold

Key = Hashable
"""What has a value: a `Feature`, or any other leaf, which is a switch."""
SWITCH_AT: Final = 0.5
"""A switch is on (1) or off (0), and true above this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Be one rule: an OR of branches, each an AND of leaves (see `normal_form` for how they are made).

    A leaf is a Threshold or anything else that can be a key of a dict: that one is switched by
    `Evaluator.switch`. A rule fires when a branch becomes true and has been so for `for_ms` without a break,
    with `once` only the first time, and never at `expires_ms` or later.
    """

    branches: tuple[tuple[Key, ...], ...]
    for_ms: int = 0
    once: bool = False
    expires_ms: int | None = None

    def __post_init__(self) -> None:
        if not self.branches or not all(self.branches):
            raise ValueError("a rule wants a branch, and each branch a leaf")
        if self.for_ms < 0:
            raise ValueError(f"for_ms is a length of time, not {self.for_ms}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Say that a rule fired: by which branch, and which leaf of it came last, both counted from 0.

    `ts` is when it became true, or had been for as long as it must. `late` marks what was crossed while
    nobody looked.
    """

    rule: int
    branch: int
    leaf: int
    ts: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class Fired:
    """Hold hits as columns (n,): a price may make thousands of rules fire at once."""

    rule: Ints
    branch: npt.NDArray[np.int32]
    leaf: npt.NDArray[np.int32]
    ts: Ints
    late: bool = False

    def __len__(self) -> int:
        return len(self.rule)

    def __iter__(self) -> Iterator[Hit]:
        for rule, branch, leaf, ts in zip(
            self.rule.tolist(), self.branch.tolist(), self.leaf.tolist(), self.ts.tolist(), strict=True
        ):
            yield Hit(rule=rule, branch=branch, leaf=leaf, ts=ts, late=self.late)

    @classmethod
    def of(cls, hits: list[Hit]) -> Self:
        """Return single hits as columns; all or none of them are late."""
        return cls(
            np.array([h.rule for h in hits], np.int64),
            np.array([h.branch for h in hits], np.int32),
            np.array([h.leaf for h in hits], np.int32),
            np.array([h.ts for h in hits], np.int64),
            any(h.late for h in hits),
        )

    def also(self, hits: list[Hit]) -> "Fired":
        """Return these hits followed by others, which are as late as these."""
        if not hits:
            return self
        more = Fired.of(hits)
        if not len(self):
            return more
        return Fired(
            np.concatenate([self.rule, more.rule]),
            np.concatenate([self.branch, more.branch]),
            np.concatenate([self.leaf, more.leaf]),
            np.concatenate([self.ts, more.ts]),
            self.late,
        )


NOTHING: Final = Fired.of([])


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Hold n rules with their branches and leaves as columns, for adding many at once.

    Leaves stand branch by branch, branches rule by rule. `key` numbers into `keys`; `above` says the
    direction; `value` and `rearm` as in Threshold. `for_ms`, `once` and `expires_ms` are by rule id, and
    leave out rules that have none.
    """

    rule: Ints  # (n,)
    branches: Ints  # (n,) how many each rule has
    leaves: Ints  # (branches.sum(),) how many each branch has
    keys: tuple[Key, ...]
    key: Ints  # (leaves.sum(),)
    above: npt.NDArray[np.bool_]
    value: Floats
    rearm: Floats
    for_ms: Mapping[int, int] = field(default_factory=dict)
    once: frozenset[int] = frozenset()
    expires_ms: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that no value can be compared with, or hysteresis the wrong way."""
        if not (np.isfinite(self.value).all() and np.isfinite(self.rearm).all()):
            raise ValueError("a threshold and where it re-arms are finite numbers")
        if np.where(self.above, self.rearm > self.value, self.rearm < self.value).any():
            raise ValueError("a threshold re-arms before it, not beyond it")
        if len(np.unique(self.rule)) != len(self.rule) or (self.rule < 0).any():
            raise ValueError("rules have different numbers, none below 0")

    @classmethod
    def of(cls, plans: Mapping[int, Plan]) -> Self:
        """Return rules given one by one."""
        leaves = [leaf for plan in plans.values() for branch in plan.branches for leaf in branch]
        keys: dict[Key, int] = {}
        rows = [_row(leaf) for leaf in leaves]
        number = [keys.setdefault(row[0], len(keys)) for row in rows]
        return cls(
            rule=np.array(list(plans), np.int64),
            branches=np.array([len(p.branches) for p in plans.values()], np.int64),
            leaves=np.array([len(b) for p in plans.values() for b in p.branches], np.int64),
            keys=tuple(keys),
            key=np.array(number, np.int64),
            above=np.array([row[1] for row in rows], bool),
            value=np.array([row[2] for row in rows], np.float64),
            rearm=np.array([row[3] for row in rows], np.float64),
            for_ms={n: p.for_ms for n, p in plans.items() if p.for_ms},
            once=frozenset(n for n, p in plans.items() if p.once),
            expires_ms={n: p.expires_ms for n, p in plans.items() if p.expires_ms is not None},
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rules of all parts; where thresholds lie close, placing them at once is the quicker."""
        keys: dict[Key, int] = {}
        places = [np.array([keys.setdefault(k, len(keys)) for k in p.keys], np.int64)[p.key] for p in parts]
        none = cls.of({})
        columns = {
            name: np.concatenate([getattr(part, name) for part in (none, *parts)])
            for name in ("rule", "branches", "leaves", "above", "value", "rearm")
        }
        return cls(
            **columns,
            keys=tuple(keys),
            key=np.concatenate([none.key, *places]),
            for_ms={rule: ms for part in parts for rule, ms in part.for_ms.items()},
            once=frozenset(rule for part in parts for rule in part.once),
            expires_ms={rule: ms for part in parts for rule, ms in part.expires_ms.items()},
        )


def _row(leaf: Key) -> tuple[Key, bool, float, float]:
    """Return a leaf's key, whether it is true above, its value, and where it re-arms."""
    if isinstance(leaf, Threshold):
        return leaf.feature, leaf.direction is Direction.ABOVE, leaf.value, leaf.rearm
    return leaf, True, SWITCH_AT, SWITCH_AT
