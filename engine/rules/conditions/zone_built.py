"""Fire where a zone comes up, or grows, near price."""

from dataclasses import dataclass, field

from engine.model import Side, ZoneChange, ZoneEvent
from engine.rules.atom import Branches, ZoneBuilt
from engine.rules.condition import CANDLES, Condition, Market, Phrase, quantity, told, zone_size
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import whose


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneBuiltUp(Condition):
    """A zone is born, or grows by `growth` since last told, within `within` of price."""

    kind = "zone_built"
    means = "a liquidation zone comes up or grows near price"
    feeds = frozenset({CANDLES})
    phrases = (
        Phrase("{coin} zone built|builds|grows within {within}"),
        Phrase("{coin} long zone built|builds|grows within {within}", {"side": Side.LONG}),
        Phrase("{coin} short zone built|builds|grows within {within}", {"side": Side.SHORT}),
        Phrase("{coin} zone built|builds|grows by? {growth} within {within}"),
        Phrase("{coin} long zone built|builds|grows by? {growth} within {within}", {"side": Side.LONG}),
        Phrase("{coin} short zone built|builds|grows by? {growth} within {within}", {"side": Side.SHORT}),
    )
    example = "btc zone grows 50% within 3%"
    hysteresis = 0.0
    hysteresis_why = "each is an event of its own; the cooldown keeps it quiet"
    one_venue = False

    growth: float = quantity(
        Unit.PERCENT, 0.25, 10.0, "growth since it was last told", default=0.5, why="half as much again"
    )
    within: float = quantity(
        Unit.PERCENT, 0.001, 0.06, "distance to its nearer edge", default=0.03, why="a day's usual range"
    )
    side: Side | None = field(default=None)
    min_usd: float | None = zone_size()

    def says(self, coin: str) -> str:
        """Return it in words."""
        size = "large for it" if self.min_usd is None else f"of {self.told('min_usd')} or more"
        return (
            f"a {whose(self.side)}liquidation zone {size} comes up within {self.told('within')} of {coin}'s "
            f"price, or grows by {self.told('growth')} there"
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        event = now.event
        if not isinstance(event, ZoneEvent):
            return told(self.says(now.coin))
        grew = f" grew by {event.fraction * 100:.0f} %" if event.change is ZoneChange.GROWN else " came up"
        zone = now.zone_words()
        if not now.price > 0:
            return f"{zone[0].upper()}{zone[1:]}{grew} near {now.coin}'s price"
        where = "below" if now.price > event.zone.high else "above"
        away = f"{event.zone.distance(now.price) * 100:.2g} %"
        return f"{zone[0].upper()}{zone[1:]}{grew} {away} {where} {now.coin}'s price"

    def compile(self, market: Market) -> Branches:
        """Return what matches such zones."""
        built = ZoneBuilt(
            symbol=market.symbol, side=self.side, growth=self.growth, within=self.within, min_usd=self.min_usd
        )
        return ((built,),)
