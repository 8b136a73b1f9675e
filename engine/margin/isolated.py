"""Say where a position is liquidated that only its own margin backs.

In hedge mode each side has its own isolated margin, so each is asked about on its own.
"""

from engine.errors import MarginError
from engine.margin.model import Leg, Liquidation, Mode, Rules, sign
from engine.margin.solve import Book, tier_of
from engine.margin.tiers import TierTable


def isolated(
    rules: Rules, table: TierTable, leg: Leg, *, leverage: float, added_margin: float = 0.0
) -> Liquidation:
    """Return where a fresh position is liquidated, `value at entry / leverage` and `added_margin` behind it.

    Raise LeverageError with the highest leverage where no tier allows this one, MarginError where the
    position is too large or the margin does not even cover maintenance at the entry.
    """
    table.check(leverage, table.size(leg.quantity, leg.entry))
    margin = leg.value(leg.entry) / leverage + rules.added(leg.side, added_margin)
    return backed_by(rules, table, leg, margin=margin, leverage=leverage)


def backed_by(
    rules: Rules, table: TierTable, leg: Leg, *, margin: float, leverage: float = 1.0
) -> Liquidation:
    """Return where a position is liquidated that has this margin behind it, however it came about."""
    return located(Book(rules=rules, table=table, legs=(leg,), margin=margin), leverage, Mode.ISOLATED)


def located(book: Book, leverage: float, mode: Mode) -> Liquidation:
    """Return the liquidation of a book with one leg."""
    (leg,) = book.legs
    if not book.surplus(leg.entry) > 0:
        raise MarginError("the margin does not cover the maintenance margin at the entry price")
    price = book.below(leg.entry) if sign(leg.side) > 0 else book.above(leg.entry)
    entry_tier = tier_of(book.table, leg, leg.entry)
    return Liquidation(
        leg=leg,
        mode=mode,
        leverage=leverage,
        price=price,
        tier=entry_tier if price is None else tier_of(book.table, leg, price),
        entry_tier=entry_tier,
        margin=book.margin + book.other_pnl - book.other_maintenance,
        maintenance=0.0 if price is None else book.maintenance(price) - book.other_maintenance,
    )
