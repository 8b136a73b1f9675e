"""Be true while price is beyond a level."""

from dataclasses import dataclass, field

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import PRICES, Condition, Market, Phrase, feature, past, quantity, share
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLevel(Condition):
    """Price is above or below a level; with `either` each crossing makes one of two branches true."""

    kind = "price_level"
    means = N_("price goes above or below a level, or crosses it")
    feeds = frozenset({PRICES})
    phrases = (
        Phrase("{coin} price? goes|rises|is|gets? above|over {value}", {"direction": Level.ABOVE}),
        Phrase("price? {coin} above|over {value}", {"direction": Level.ABOVE}),
        Phrase("{coin} price? goes|falls|is|gets? below|under {value}", {"direction": Level.BELOW}),
        Phrase("price? {coin} below|under {value}", {"direction": Level.BELOW}),
        Phrase("{coin} price? crosses {value}", {"direction": Level.EITHER}),
        Phrase("price {coin} crosses {value}", {"direction": Level.EITHER}),
    )
    example = "price btc below 60000"
    hysteresis = 0.0025
    hysteresis_why = N_("0.25 % of the level: the usual tremble of minutes does not repeat it")

    value: float = quantity(Unit.PRICE, 1e-9, 1e9, N_("the level, in USD a coin"))
    direction: Level = field(default=Level.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            Level.ABOVE: _("{coin} is above {value}"),
            Level.BELOW: _("{coin} is below {value}"),
            Level.EITHER: _("{coin} crosses {value}"),
        }
        return said[self.direction].format(coin=coin, value=self.told("value"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        rose = now.rose(Metric.PRICE)
        said = _("{coin} rose above {value}") if rose else _("{coin} fell below {value}")
        return said.format(coin=now.coin, value=self.told("value"))

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the price for each side asked for."""
        price = feature(market, Metric.PRICE)
        back = self.value * share(self, market)
        above = past(price, Direction.ABOVE, self.value, back)
        below = past(price, Direction.BELOW, self.value, back)
        match self.direction:
            case Level.ABOVE:
                return (above,)
            case Level.BELOW:
                return (below,)
        return (above, below)
