"""Hold what a condition looked at when it became true, for the sentence that tells of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.lang import _, speech
from engine.model import Liquidation, Side, Zone, ZoneEvent
from engine.rules.feature import Direction, Metric
from engine.rules.quantity import say_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The numbers of one condition by metric, which way each is past its threshold, and what happened.

    `coin` is the market as people call it, `price` that of now (NaN where none is known).
    """

    coin: str
    price: float = math.nan
    values: Mapping[Metric, float] = field(default_factory=dict)
    ways: Mapping[Metric, Direction] = field(default_factory=dict)
    zone: Zone | None = None
    event: Liquidation | ZoneEvent | None = None

    def rose(self, metric: Metric) -> bool:
        """Say whether a number is above its threshold, not below it."""
        return self.ways.get(metric) is not Direction.BELOW

    def value(self, metric: Metric, least: float) -> float:
        """Return a number, or what it has passed at least where it is not known."""
        found = self.values.get(metric, math.nan)
        return least if math.isnan(found) else found

    def percent(self, metric: Metric, least: float) -> str:
        """Return the size of a number as a percentage: 3.4 %, 0.64 %, 12.5 %."""
        size = abs(self.value(metric, least)) * 100
        return speech().percent(f"{size:.2g}" if size < 9.95 else f"{size:.3g}", gap=" ")


def say_least(usd: str) -> str:
    """Return how large a zone has to be, behind the word for it: of $10M or more."""
    return _("of {usd} or more").format(usd=usd)


def say_away(coin: str, zone: Zone, price: float, *, usd: str, away: str) -> str:
    """Return where price is from a zone: BTC is 0.8 % above a $42M long zone; `away` is empty inside it."""
    long = zone.side is Side.LONG
    if not away:
        said = _("{coin} is inside a {usd} long zone") if long else _("{coin} is inside a {usd} short zone")
    elif price > zone.high:
        above_long = _("{coin} is {away} above a {usd} long zone")
        said = above_long if long else _("{coin} is {away} above a {usd} short zone")
    else:
        below_long = _("{coin} is {away} below a {usd} long zone")
        said = below_long if long else _("{coin} is {away} below a {usd} short zone")
    return said.format(coin=coin, away=away, usd=usd)


def say_short(usd: float) -> str:
    """Return dollars in two figures, or in whole thousands and millions: $1.2M, $42M, $123M."""
    if usd <= 0:
        return say_usd(usd)
    power = math.floor(math.log10(usd))
    scale = 10.0 ** (power - 1 if power % 3 == 0 else power - power % 3)
    return say_usd(round(usd / scale) * scale)
