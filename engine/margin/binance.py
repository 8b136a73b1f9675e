"""Hold Binance's rules (USD-margined futures).

Published: `LP = (WB - TMM + UPNL + cum - s*q*EP) / (q*MMR - s*q)`, with the tier that holds `q * LP`, WB the
isolated margin (TMM and UPNL 0) or the cross wallet balance; in hedge mode the sums run over both legs.
Fees are not in it. The mark price triggers.
"""

from engine.margin.model import Rules

BINANCE = Rules(
    venue="binance",
    title="Binance",
    source="https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93",
)
