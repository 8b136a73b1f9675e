"""Turn AND and OR of conditions into an OR of ANDs: the branches that a rule is evaluated as.

A branch is a tuple of leaves; what a leaf is does not matter here, only that equal ones are equal. The order
is kept: branches and leaves stand where the user's words put them.
"""

from collections.abc import Hashable, Sequence
from typing import Final, TypeVar

from engine.errors import UserError

L = TypeVar("L", bound=Hashable)

MAX_BRANCHES: Final = 16
"""How many ways to become true one rule may have."""
MAX_LEAVES: Final = 64
"""How many leaves one rule may have, all branches together."""
EXAMPLE: Final = "btc above 120k and funding above 0.03% or btc below 100k"


def conjunction(*parts: Sequence[tuple[L, ...]]) -> tuple[tuple[L, ...], ...]:
    """Return the branches that are true where every part has a true branch; UserError for too many.

    No part at all is one branch without leaves.
    """
    found: tuple[tuple[L, ...], ...] = ((),)
    for part in parts:
        found = _within_limits(_least([left + right for left in found for right in part]))
    return found


def disjunction(*parts: Sequence[tuple[L, ...]]) -> tuple[tuple[L, ...], ...]:
    """Return the branches that are true where any part has a true branch; UserError for too many."""
    return _within_limits(_least([branch for part in parts for branch in part]))


def _least(branches: Sequence[tuple[L, ...]]) -> tuple[tuple[L, ...], ...]:
    """Return branches without leaves that say the same twice, and without those that another one covers.

    "A, or A and B" is A.
    """
    plain = list(dict.fromkeys(tuple(dict.fromkeys(branch)) for branch in branches))
    sets = [frozenset(branch) for branch in plain]
    return tuple(
        branch
        for number, branch in enumerate(plain)
        if not any(
            other < sets[number] or (other == sets[number] and place < number)
            for place, other in enumerate(sets)
        )
    )


def _within_limits(branches: tuple[tuple[L, ...], ...]) -> tuple[tuple[L, ...], ...]:
    """Return the branches given; UserError where one rule may not have as many."""
    if len(branches) > MAX_BRANCHES:
        raise UserError(
            f"This alert has {len(branches)} different ways to become true; one alert can have "
            f"{MAX_BRANCHES}. Make two alerts of it.",
            example=EXAMPLE,
        )
    leaves = sum(map(len, branches))
    if leaves > MAX_LEAVES:
        raise UserError(
            f"This alert comes to {leaves} comparisons over all its ways to become true; one alert can have "
            f"{MAX_LEAVES}. Make two alerts of it.",
            example=EXAMPLE,
        )
    return branches
