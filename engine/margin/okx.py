"""Hold OKX's rules (linear swaps).

A position is liquidated when `margin balance / (maintenance margin + liquidation fee)` falls to 100 %:
long `(E - M/q) / (1 - (R + f))`, short `(E + M/q) / (1 + R + f)`, with `f` the taker rate. Tiers go by
quantity, not by value, so that the tier at entry is the tier at liquidation.

OKX publishes no maintenance amount and its tier's rate is taken to apply to the whole position; no document
says so in as many words. `OKX_SLICED` is the other reading. The mark price triggers; large positions are
first cut to a lower tier.
"""

from dataclasses import replace

from engine.margin.model import Rules

TAKER_FEE = 0.0005

OKX = Rules(
    venue="okx",
    title="OKX",
    source="https://www.okx.com/help/how-to-calculate-the-price-what-are-the-conditions-for-strong-flat",
    liquidation_fee=TAKER_FEE,
    sliced=False,
    steps_down=True,
)
OKX_SLICED = replace(OKX, sliced=True)
"""The same, were each slice of a position charged at its own tier's rate."""
