"""Hold Hyperliquid's rules (perpetuals).

The maintenance rate of a tier is half the initial margin at the tier's highest leverage. Published:
`liq = px - s*A / (size * (1 - l*s))`, `l` the rate of the tier at the liquidation price, `A` the isolated
margin or cross account value less the maintenance margin. With the maintenance margin counted in that same
tier this is where account value meets maintenance margin exactly. No fee is counted; the mark price
triggers; there is one position a market, no hedge mode.
"""

from collections.abc import Sequence

from engine.margin.model import Rules
from engine.margin.tiers import Tier, make_tiers

HYPERLIQUID = Rules(
    venue="hyperliquid",
    title="Hyperliquid",
    source="https://hyperliquid.gitbook.io/hyperliquid-docs/trading/liquidations",
    hedge=False,
)


def tiers_of(rows: Sequence[tuple[float, float]]) -> tuple[Tier, ...]:
    """Return tiers from rows of (cap, highest leverage): all that Hyperliquid's `meta` gives."""
    return make_tiers([(cap, 1 / (2 * leverage), leverage) for cap, leverage in rows])
