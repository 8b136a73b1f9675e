"""Choose which prices a picture shows."""

from bot.live.view import SymbolView
from engine.model import Candles

ROOM = 0.028
"""Room above the highest and below the lowest price, as a fraction of price."""
NEARBY = 0.035
"""Zones whose nearer edge is within this fraction of price are shown whole."""
MARGIN = 0.003
"""Room beyond such a zone."""


def price_range(view: SymbolView, candles: Candles) -> tuple[float, float]:
    """Return (low, high): the candles' extremes and the price with room around, and the zones nearby."""
    lows, highs = [view.price], [view.price]
    if len(candles):
        lows.append(float(candles.low.min()))
        highs.append(float(candles.high.max()))
    room = ROOM * view.price
    low, high = max(min(lows) - room, min(lows) / 2), max(highs) + room
    for zone in view.zones.zones if view.zones else ():
        if zone.distance(view.price) <= NEARBY:
            low, high = min(low, zone.low * (1 - MARGIN)), max(high, zone.high * (1 + MARGIN))
    return low, high
