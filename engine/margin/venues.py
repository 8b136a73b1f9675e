"""Find a venue's rules by its name."""

from engine.errors import MarginError
from engine.margin.binance import BINANCE
from engine.margin.bybit import BYBIT
from engine.margin.hyperliquid import HYPERLIQUID
from engine.margin.model import Rules
from engine.margin.okx import OKX

RULES = {rules.venue: rules for rules in (BINANCE, BYBIT, OKX, HYPERLIQUID)}
"""Every venue whose margin rules are known, by name."""


def rules_of(venue: str) -> Rules:
    """Return the rules of a venue. Raise MarginError where none are known."""
    try:
        return RULES[venue]
    except KeyError:
        raise MarginError(f"the margin rules of {venue} are not known") from None
