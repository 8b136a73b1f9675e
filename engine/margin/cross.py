"""Say where positions are liquidated that the whole wallet backs.

Positions on other markets are held still: their profit and maintenance margin come in as two numbers. The
chosen leverage does not move a cross liquidation price, but for the fee that Bybit sets aside for closing.
"""

from typing import NamedTuple

from engine.errors import MarginError
from engine.margin.bybit import fee_to_close
from engine.margin.isolated import located
from engine.margin.model import Leg, Liquidation, Mode, Rules
from engine.margin.solve import Book
from engine.margin.tiers import TierTable


class Bounds(NamedTuple):
    """The prices at which an account is liquidated; None where there is none on that side."""

    below: float | None
    above: float | None


class Wallet(NamedTuple):
    """What backs cross positions: the balance, and what positions on other markets bring and need."""

    balance: float
    other_pnl: float = 0.0
    other_maintenance: float = 0.0


def cross(rules: Rules, table: TierTable, leg: Leg, *, wallet: Wallet, leverage: float = 1.0) -> Liquidation:
    """Return where the one position on a market is liquidated with a wallet behind it.

    Raise LeverageError or MarginError as `isolated` does.
    """
    table.check(leverage, table.size(leg.quantity, leg.entry))
    return located(book_of(rules, table, (leg,), wallet, leverage), leverage, Mode.CROSS)


def hedged(
    rules: Rules,
    table: TierTable,
    legs: tuple[Leg, ...],
    wallet: Wallet,
    *,
    price: float,
    leverage: float = 1.0,
) -> Bounds:
    """Return where an account with a long and a short on one market is liquidated: one price for both.

    `price` is the mark price now. Raise MarginError where the venue has no hedge mode, or where the account
    is already below maintenance.
    """
    if not rules.hedge:
        raise MarginError(f"{rules.title} holds one position a market: it has no hedge mode")
    book = book_of(rules, table, legs, wallet, leverage)
    if not book.surplus(price) > 0:
        raise MarginError("the account is below its maintenance margin already")
    return Bounds(book.below(price), book.above(price))


def book_of(
    rules: Rules, table: TierTable, legs: tuple[Leg, ...], wallet: Wallet, leverage: float = 1.0
) -> Book:
    """Return everything that a wallet backs on one market."""
    closing = sum(fee_to_close(leg, leverage, rules.closing_fee) for leg in legs)
    return Book(
        rules=rules,
        table=table,
        legs=legs,
        margin=wallet.balance,
        other_pnl=wallet.other_pnl,
        other_maintenance=wallet.other_maintenance + closing,
    )
