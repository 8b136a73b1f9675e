"""Be true while price is near a zone that matters."""

from dataclasses import dataclass, field

from engine.lang import N_, _, speech
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
from engine.rules.now import Now, say_away, say_least, say_short
from engine.rules.quantity import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneProximity(Condition):
    """A zone of `min_usd` or more (None is auto) stands within `within` of price.

    `/watch` is this alone, with a step for each severity, and is looked at zone by zone by
    `engine.rules.zone_proximity`. Here it is joined to other conditions, and any one zone will do.
    """

    kind = "zone_proximity"
    means = N_("price comes near a liquidation zone")
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
    hysteresis_why = N_("a quarter of the distance, so 0.25 points at 1 %: the same as `/watch`")
    one_venue = False

    within: float = quantity(
        Unit.PERCENT,
        0.001,
        0.06,
        N_("distance to its nearer edge"),
        default=0.01,
        why=N_("money at risk within the hour"),
    )
    side: Side | None = field(default=None)
    min_usd: float | None = zone_size()

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            None: _("{coin} is within {within} of a liquidation zone {size}"),
            Side.LONG: _("{coin} is within {within} of a long liquidation zone {size}"),
            Side.SHORT: _("{coin} is within {within} of a short liquidation zone {size}"),
        }
        size = _("that is large for it") if self.min_usd is None else say_least(self.told("min_usd"))
        return said[self.side].format(coin=coin, within=self.told("within"), size=size)

    def became(self, now: Now) -> str:
        """Return what has become true."""
        zone, price = now.zone, now.price
        if zone is None or not price > 0:
            return told(self.says(now.coin))
        usd, distance = say_short(zone.notional_usd), zone.distance(price)
        away = speech().percent(f"{distance * 100:.2g}", gap=" ")
        return say_away(now.coin, zone, price, usd=usd, away=away if distance else "")

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
