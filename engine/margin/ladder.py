"""Answer for many entries and leverages at once: what a heatmap of a leverage ladder is made of."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.margin.model import Rules
from engine.margin.solve import NOTHING
from engine.margin.tiers import TierTable, TierUnit
from engine.model import Floats

ROUNDING = 1e-12


class Rungs(NamedTuple):
    """One number per rung of a leverage ladder, for longs and for shorts; NaN where none is liquidated."""

    long: Floats
    short: Floats


def ladder(
    rules: Rules,
    table: TierTable,
    entries: npt.ArrayLike,
    leverages: npt.ArrayLike,
    *,
    quantity: npt.ArrayLike | None = None,
) -> Rungs:
    """Return isolated liquidation prices, shape (entries, leverages).

    `quantity` in coins, per entry or one for all, decides the tier; without it positions are taken to stay
    in the first tier, where it does not matter. Raise LeverageError for a rung that no tier of that size
    allows.
    """
    entry = np.atleast_1d(np.asarray(entries, float))[:, None]
    if quantity is None:  # in the first tier a price is the same share of any entry
        unit = ladder(rules, table, [1.0], leverages, quantity=table.nominal_quantity(1.0))
        return Rungs(entry * unit.long, entry * unit.short)
    leverage = np.atleast_1d(np.asarray(leverages, float))[None, :]
    size = np.asarray(quantity, float).reshape(-1, 1)
    _check(table, entry, leverage, size)
    shape = np.broadcast_shapes(entry.shape, leverage.shape)
    entry, leverage, size = (np.broadcast_to(a, shape)[..., None] for a in (entry, leverage, size))
    return Rungs(*(_prices(rules, table, entry, leverage, size, side) for side in (1, -1)))


def distances(
    rules: Rules, table: TierTable, leverages: npt.ArrayLike, *, value: float | None = None
) -> Rungs:
    """Return how far from entry each leverage is liquidated, as a fraction of the entry, above 0.

    `value` is the position's worth at its entry; without it the first tier is taken (nominal distances). A
    table whose tiers go by coins has no price to turn a value into coins with: there `value` is in coins.
    """
    quantity = None if value is None else [value]
    rungs = ladder(rules, table, [1.0], leverages, quantity=quantity)
    return Rungs(1.0 - rungs.long[0], rungs.short[0] - 1.0)


def allowed(table: TierTable, leverages: npt.ArrayLike) -> Floats:
    """Return the leverages that some tier allows, in the order given."""
    rungs = np.atleast_1d(np.asarray(leverages, float))
    return rungs[(rungs >= 1) & (rungs <= table.max_leverage)]


def _check(table: TierTable, entry: Floats, leverage: Floats, quantity: Floats) -> None:
    """Refuse the highest rung where the largest position may not have it."""
    size = quantity * entry if table.unit is TierUnit.VALUE else quantity
    for rung in (float(leverage.max()), float(leverage.min())):
        table.check(rung, float(size.max()))


def _prices(
    rules: Rules, table: TierTable, entry: Floats, leverage: Floats, quantity: Floats, side: int
) -> Floats:
    """Return the price of every tier and keep that of the tier which holds the position there."""
    rate = np.array([tier.rate for tier in table.tiers])
    amount = np.array([tier.amount for tier in table.tiers]) * rules.sliced
    floor = np.array([tier.floor for tier in table.tiers])
    cap = np.array([*(tier.cap for tier in table.tiers[:-1]), np.inf])
    coins = table.unit is TierUnit.COINS
    if coins:
        rate, amount = rate - amount / quantity, np.zeros_like(amount)
    margin = quantity * entry / leverage
    price = (margin + amount - side * quantity * entry) / (quantity * (rate + rules.liquidation_fee - side))
    size = np.broadcast_to(quantity, price.shape) if coins else quantity * price
    near = 0.0 if coins else ROUNDING * np.abs(size)  # at an edge of slices both tiers give the same price
    holds = (size >= floor - near) & (size <= cap + near) & (price > NOTHING * entry)
    found = np.take_along_axis(price, holds.argmax(-1)[..., None], -1)[..., 0]
    return np.where(holds.any(-1), found, np.nan)
