"""Say what the desk of rules gives away: what fired, and what has to outlive the process."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.model import Liquidation, Zone, ZoneEvent
from engine.rules.expression import Repeat, Spec
from engine.rules.plan import Hit, Key, Plan
from engine.rules.remembered import Held, Waiting

Late = tuple[int, int]
"""From when to when nobody looked, ms UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One fire before its rule is read: the hit, the price, what every leaf looked at was, what happened.

    `values` are those of all leaves of the rule, branch by branch. `price` is NaN where none is known.
    """

    hit: Hit
    symbol: str
    price: float
    values: tuple[float, ...]
    zone: Zone | None = None
    event: Liquidation | ZoneEvent | None = None
    late: Late | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Be what has changed since it was last written: of `keys`, values and leaves held; all waits; marks.

    A key without a value is not known any more. `marks` say up to which time each market was seen.
    """

    keys: tuple[Key, ...]
    values: Mapping[Key, float]
    held: tuple[Held, ...]
    waits: tuple[Waiting, ...]
    marks: Mapping[str, int]


def plan_of(spec: Spec, symbol: str) -> Plan:
    """Return a rule as the evaluator takes it."""
    return Plan(
        branches=spec.branches(symbol),
        for_ms=spec.for_ms,
        once=spec.repeat is Repeat.ONCE,
        expires_ms=spec.expires_ms,
    )
