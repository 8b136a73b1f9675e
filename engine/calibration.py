"""Turn a surface into dollars: how many USD a unit of a symbol's mass stands for.

The scale was measured on BTC: 3.4e6 USD times the distance (34,000 USD at 1 %) for a five-minute
candle at mean volume. Other symbols are scaled by their quote volume; a feed of real liquidations may
later correct any of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import DataError

BTC_USD_SCALE = 3.4e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Say what is known: the yardstick symbol's scale, and mean quote volumes of five-minute candles.

    `quote_volume_usd` maps symbols to their mean quote volume; the yardstick must be among them for any
    other symbol to be scaled.
    """

    symbol: str = "BTCUSDT"
    usd_scale: float = BTC_USD_SCALE
    quote_volume_usd: Mapping[str, float] = field(default_factory=dict)


def usd_scale(symbol: str, mean_quote_volume: float, *, reference: Reference) -> float:
    """Return the dollars a unit of a symbol's surface stands for.

    `mean_quote_volume` is the symbol's own, of five-minute candles in USD; where it is not known yet
    (NaN or 0) the reference's is taken. Raise DataError where neither says anything.
    """
    if symbol == reference.symbol:
        return reference.usd_scale
    own = _known(mean_quote_volume) or _known(reference.quote_volume_usd.get(symbol, math.nan))
    yardstick = _known(reference.quote_volume_usd.get(reference.symbol, math.nan))
    if not own or not yardstick:
        missing = symbol if not own else reference.symbol
        raise DataError(
            f"{symbol} has no dollar scale: no quote volume of {missing} is known; "
            f"feed three days of its candles or add it to the calibration's reference table"
        )
    return reference.usd_scale * own / yardstick


def _known(quote_volume_usd: float) -> float:
    """Return a volume that can be scaled by, 0 for one that cannot."""
    return quote_volume_usd if 0.0 < quote_volume_usd < math.inf else 0.0
