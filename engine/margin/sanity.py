"""Doubt a tier table that was read anew, before it takes the place of one that is known to be good.

A table already grows evenly by being one (`TierTable` refuses what does not). What is left is what a change
of format would look like: percent for fractions, contracts for coins, amounts of another table.
"""

import math

from engine.margin.tiers import TierTable, TierUnit, make_tiers

HIGHEST_LEVERAGE = 1_000.0
LOWEST_RATE = 0.0001
APART = 10.0
"""How many times a first tier's rate may be another than before: venues change theirs by less at a time."""
SIZES_APART = 1_000.0
"""The same of the largest size: caps are raised tenfold at times, but contracts for coins are more."""
_AMOUNTS_ALIKE = 0.02


def doubt(table: TierTable, before: TierTable | None = None) -> str:
    """Return why a table must not be used, in place of `before` where there is one; empty where it may."""
    for tier in table.tiers:
        if tier.max_leverage > HIGHEST_LEVERAGE:
            return f"a leverage of {tier.max_leverage:g} is not offered anywhere"
        if tier.rate < LOWEST_RATE:
            return f"a maintenance rate of {tier.rate:g} is too low to be one"
        if tier.max_leverage > 1 and tier.rate >= 1 / tier.max_leverage:
            return f"at {tier.max_leverage:g}x a position would be liquidated at once (rate {tier.rate:g})"
    return _amounts(table) or ("" if before is None else _change(table, before))


def _amounts(table: TierTable) -> str:
    """Return where an amount does not follow from the rates, as those of every venue do that says them."""
    rows = [(tier.cap, tier.rate, tier.max_leverage) for tier in table.tiers]
    for tier, due in zip(table.tiers, make_tiers(rows), strict=True):
        needed = max(tier.floor * tier.rate, 1.0)
        if abs(tier.amount - due.amount) > _AMOUNTS_ALIKE * needed:
            return f"the amount above {tier.floor:g} is {tier.amount:g}, and {due.amount:g} by its rates"
    return ""


def _change(table: TierTable, before: TierTable) -> str:
    if table.unit is not before.unit:
        return f"it goes by {table.unit}, and the one before by {before.unit}"
    new, old = table.tiers[0].rate, before.tiers[0].rate
    if not 1 / APART < new / old < APART:
        return f"its first rate is {new:g}, and was {old:g}"
    if math.isfinite(table.largest) and math.isfinite(before.largest):
        times = table.largest / before.largest
        if not 1 / SIZES_APART < times < SIZES_APART:
            what = "coins" if table.unit is TierUnit.COINS else "dollars"
            return f"it ends at {table.largest:g} {what}, and the one before at {before.largest:g}"
    return ""
