"""Hold a venue's maintenance tiers for one market, as it published them on a date.

A position's maintenance margin is `value * rate - amount` in its tier. Venues that publish an amount (or
let it be derived, as all do: `amount_n = amount_n-1 + floor_n * (rate_n - rate_n-1)`) charge each slice of a
position at its own tier's rate, so that the margin never jumps.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from engine.errors import LeverageError, MarginError


class TierUnit(StrEnum):
    """What a position is measured in to find its tier."""

    VALUE = "value"  # quantity times mark price, in quote currency
    COINS = "coins"  # base coins, whatever the price


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One tier: sizes from `floor` to `cap`, in the table's unit.

    `rate` is the maintenance margin rate (.004 is 0.4 %), `amount` the maintenance amount in quote currency
    (in coins where tiers are), `max_leverage` the highest leverage of a position of that size.
    """

    floor: float
    cap: float
    rate: float
    max_leverage: float
    amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTable:
    """The tiers of one market on one venue, smallest sizes first, with where and when they were read."""

    venue: str
    symbol: str
    as_of: str
    source: str
    tiers: tuple[Tier, ...]
    unit: TierUnit = TierUnit.VALUE

    def __post_init__(self) -> None:
        problem = _problem(self.tiers)
        if problem:
            raise MarginError(f"the tiers of {self.symbol} on {self.venue} are not usable: {problem}")

    @property
    def max_leverage(self) -> float:
        """Return the highest leverage of any size."""
        return self.tiers[0].max_leverage

    @property
    def largest(self) -> float:
        """Return the largest size, in the table's unit."""
        return self.tiers[-1].cap

    def size(self, quantity: float, price: float) -> float:
        """Return a position's size in the table's unit."""
        return quantity * price if self.unit is TierUnit.VALUE else quantity

    def tier_at(self, size: float) -> Tier:
        """Return the tier that holds a size; the last one for sizes beyond it. A cap belongs to its tier."""
        return next((tier for tier in self.tiers if size <= tier.cap), self.tiers[-1])

    def check(self, leverage: float, size: float = 0.0) -> Tier:
        """Return the tier of a position as it is opened.

        Raise LeverageError with the highest leverage there is for that size, MarginError for a size that no
        tier allows.
        """
        if size > self.largest:
            raise MarginError(f"{self.symbol} positions end at {self.largest:,.0f}, this one is {size:,.0f}")
        tier = self.tier_at(size)
        if not 1 <= leverage <= tier.max_leverage:
            raise LeverageError(leverage, highest=tier.max_leverage, any_size=self.max_leverage)
        return tier

    def nominal_quantity(self, price: float) -> float:
        """Return a quantity that stays in the first tier up to any liquidation price.

        There the liquidation price does not depend on the quantity, so it stands in for an unknown one.
        """
        cap = self.tiers[0].cap
        size = cap / 8 if math.isfinite(cap) else 1.0
        return size / price if self.unit is TierUnit.VALUE else size


def make_tiers(rows: Sequence[tuple[float, float, float]]) -> tuple[Tier, ...]:
    """Return tiers from rows of (cap, rate, highest leverage), with the amounts that keep margins steady."""
    found: list[Tier] = []
    floor = rate = amount = 0.0
    for cap, next_rate, leverage in rows:
        amount += floor * (next_rate - rate)
        rate = next_rate
        found.append(Tier(floor=floor, cap=cap, rate=rate, max_leverage=leverage, amount=amount))
        floor = cap
    return tuple(found)


def _problem(tiers: tuple[Tier, ...]) -> str:
    """Return what is wrong with tiers; empty where nothing is."""
    if not tiers or tiers[0].floor != 0:
        return "the first does not begin at 0" if tiers else "there are none"
    for tier in tiers:
        if not tier.floor < tier.cap:
            return f"a cap of {tier.cap:g} is not above its floor"
        if not 0 < tier.rate < 1 or not 1 <= tier.max_leverage < math.inf or not math.isfinite(tier.amount):
            return f"the one up to {tier.cap:g} has an impossible rate, leverage or amount"
    for lower, upper in pairwise(tiers):
        if lower.cap != upper.floor:
            return f"there is a gap above {lower.cap:g}"
        if lower.rate > upper.rate or lower.max_leverage < upper.max_leverage:
            return f"a larger size is easier above {lower.cap:g}"
    return ""
