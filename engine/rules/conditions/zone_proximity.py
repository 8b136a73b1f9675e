"""Be true while price is near a zone that matters."""

from dataclasses import dataclass, field

from engine.model import Side
from engine.rules.atom import Branches, ZoneNear
from engine.rules.condition import (
    CANDLES,
    PRICES,
    Condition,
    Market,
    Phrase,
    quantity,
    share,
    told,
    zone_size,
)
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import whose


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneProximity(Condition):
    """A zone of `min_usd` or more (None is auto) stands within `within` of price.

    `/watch` is this alone, with a step for each severity, and is looked at zone by zone by
    `engine.rules.zone_proximity`. Here it is joined to other conditions, and any one zone will do.
    """

    kind = "zone_proximity"
    means = "price comes near a liquidation zone"
    feeds = frozenset({CANDLES, PRICES})
    phrases = (
        Phrase("{coin} near|within {within} of? zone"),
        Phrase("{coin} near|within {within} of? long zone", {"side": Side.LONG}),
        Phrase("{coin} near|within {within} of? short zone", {"side": Side.SHORT}),
        Phrase("{coin} near|within {within} of? zone of|above|over {min_usd}"),
        Phrase("{coin} near|within {within} of? long zone of|above|over {min_usd}", {"side": Side.LONG}),
        Phrase("{coin} near|within {within} of? short zone of|above|over {min_usd}", {"side": Side.SHORT}),
        Phrase("{coin} near zone"),
        Phrase("{coin} near long zone", {"side": Side.LONG}),
        Phrase("{coin} near short zone", {"side": Side.SHORT}),
    )
    example = "btc within 1% of long zone"
    hysteresis = 0.25
    hysteresis_why = "a quarter of the distance, so 0.25 points at 1 %: the same as `/watch`"
    one_venue = False

    within: float = quantity(
        Unit.PERCENT,
        0.001,
        0.06,
        "distance to its nearer edge",
        default=0.01,
        why="money at risk within the hour",
    )
    side: Side | None = field(default=None)
    min_usd: float | None = zone_size()

    def says(self, coin: str) -> str:
        """Return it in words."""
        size = "that is large for it" if self.min_usd is None else f"of {self.told('min_usd')} or more"
        return f"{coin} is within {self.told('within')} of a {whose(self.side)}liquidation zone {size}"

    def became(self, now: Now) -> str:
        """Return what has become true."""
        zone, price = now.zone, now.price
        if zone is None or not price > 0:
            return told(self.says(now.coin))
        if zone.distance(price) == 0.0:
            return f"{now.coin} is inside {now.zone_words()}"
        where = "above" if price > zone.high else "below"
        return f"{now.coin} is {zone.distance(price) * 100:.2g} % {where} {now.zone_words()}"

    def compile(self, market: Market) -> Branches:
        """Return what holds while such a zone is near."""
        near = ZoneNear(
            symbol=market.symbol,
            side=self.side,
            within=self.within,
            give_back=self.within * share(self, market),
            min_usd=self.min_usd,
        )
        return ((near,),)
