"""Find the price at which margin balance meets maintenance margin, exactly.

Both are linear in price within a tier, so the surplus `balance - maintenance` is linear between the prices
at which a leg changes tier. The search walks those stretches from a price that is safe, downwards and
upwards, and solves the one whose far end is not: no iteration, no tolerance, and the tier that holds the
position at the liquidation price comes out by itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from engine.margin.model import Leg, Rules, sign
from engine.margin.tiers import Tier, TierTable, TierUnit

NOTHING = 1e-12
"""Below this share of a safe price, a liquidation price is rounding and there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Everything that one margin backs on one market.

    `margin` is the isolated margin or the wallet balance; `other_pnl` and `other_maintenance` belong to
    positions on other markets (cross only), which are held still.
    """

    rules: Rules
    table: TierTable
    legs: tuple[Leg, ...]
    margin: float
    other_pnl: float = 0.0
    other_maintenance: float = 0.0

    def balance(self, price: float) -> float:
        """Return the margin balance at a price: what is there, with every profit and loss."""
        return self.margin + self.other_pnl + sum(leg.pnl(price) for leg in self.legs)

    def maintenance(self, price: float) -> float:
        """Return the maintenance margin at a price, with the fees that the venue counts in it."""
        own = sum(maintenance_of(self.rules, self.table, leg.quantity, price) for leg in self.legs)
        return self.other_maintenance + own

    def surplus(self, price: float) -> float:
        """Return how much balance there is beyond maintenance at a price."""
        return self.balance(price) - self.maintenance(price)

    def below(self, start: float) -> float | None:
        """Return the nearest liquidation price below a safe one; None where there is none above 0."""
        for low, high in reversed(self._stretches(start, down=True)):
            line = self._line((low + high) / 2)
            if line.at(low) <= 0:
                root = line.root()
                return min(max(root, low), high) if root > NOTHING * start else None
        return None

    def above(self, start: float) -> float | None:
        """Return the nearest liquidation price above a safe one; None where there is none."""
        for low, high in self._stretches(start, down=False):
            line = self._line(2 * low if math.isinf(high) else (low + high) / 2)
            unsafe = line.slope < 0 if math.isinf(high) else line.at(high) <= 0
            if unsafe:
                return min(max(line.root(), low), high)
        return None

    def _stretches(self, start: float, *, down: bool) -> list[tuple[float, float]]:
        """Return the stretches of price between changes of tier, below or above a price, lowest first."""
        inside = {p for leg in self.legs for p in changes(self.table, leg.quantity)}
        first, last = (0.0, start) if down else (start, math.inf)
        edges = [first, *sorted(p for p in inside if first < p < last), last]
        return list(pairwise(edges))

    def _line(self, price: float) -> "_Line":
        """Return the surplus as a line, in the tiers that hold the legs at a price."""
        slope, level = 0.0, self.margin + self.other_pnl - self.other_maintenance
        for leg in self.legs:
            rate, amount = charge(self.rules, self.table, leg.quantity, price)
            slope += leg.quantity * (sign(leg.side) - rate)
            level += amount - sign(leg.side) * leg.quantity * leg.entry
        return _Line(slope, level)


class _Line(NamedTuple):
    """A line over price."""

    slope: float
    level: float

    def at(self, price: float) -> float:
        return self.slope * price + self.level

    def root(self) -> float:
        return -self.level / self.slope


def charge(rules: Rules, table: TierTable, quantity: float, price: float) -> tuple[float, float]:
    """Return the rate on value and the amount off it that make the maintenance margin, fees included."""
    tier = table.tier_at(table.size(quantity, price))
    rate, amount = tier.rate, tier.amount if rules.sliced else 0.0
    if table.unit is TierUnit.COINS:  # an amount in coins is worth more as the price rises: it is a rate
        rate, amount = rate - amount / quantity, 0.0
    return rate + rules.liquidation_fee, amount


def maintenance_of(rules: Rules, table: TierTable, quantity: float, price: float) -> float:
    """Return the maintenance margin of one position at a price."""
    rate, amount = charge(rules, table, quantity, price)
    return quantity * price * rate - amount


def changes(table: TierTable, quantity: float) -> Sequence[float]:
    """Return the prices at which a position changes tier."""
    if table.unit is TierUnit.COINS:
        return ()
    return [tier.floor / quantity for tier in table.tiers[1:]]


def tier_of(table: TierTable, leg: Leg, price: float) -> Tier:
    """Return the tier that holds a position at a price."""
    return table.tier_at(table.size(leg.quantity, price))
