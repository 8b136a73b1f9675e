"""Hold Bybit's rules (linear contracts, unified account), as of its help centre of 27 May 2026.

Published for isolated margin, `X` extra margin, `f` taker fee, `D` maintenance deduction:
long `(E*q - E*q/L - X/(1 - f) - D) / (q - q*R)`, short `(E*q + E*q/L + X/(1 + f) + D) / (q + q*R)`.
Maintenance is counted at the mark price. The fee to close, at the bankruptcy price, is in both the initial
and the maintenance margin, so it cancels there; in cross margin the wallet has to cover it.

The legs of a hedge are charged in full. Bybit says that it charges hedged positions less, without saying
how, so the true price can only be further away.
"""

from engine.margin.model import Leg, Rules, sign

TAKER_FEE = 0.00055

BYBIT = Rules(
    venue="bybit",
    title="Bybit",
    source="https://www.bybit.com/en/help-center/article/"
    "Liquidation-Price-Calculation-under-Isolated-Mode-Unified-Trading-Account",
    added_margin_fee=TAKER_FEE,
    closing_fee=TAKER_FEE,
)


def fee_to_close(leg: Leg, leverage: float, rate: float = TAKER_FEE) -> float:
    """Return the fee that Bybit sets aside for closing: on the value at the bankruptcy price."""
    return leg.value(leg.entry) * (1 - sign(leg.side) / leverage) * rate
