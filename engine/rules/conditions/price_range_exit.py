"""Be true while price is outside of a range."""

from dataclasses import dataclass

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import PRICES, Condition, Market, Phrase, feature, past, quantity, share
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRangeExit(Condition):
    """Price is above `high` or below `low`; each way out is a branch."""

    kind = "price_range_exit"
    means = N_("price leaves a range between two levels, on either side")
    feeds = frozenset({PRICES})
    phrases = (
        Phrase("{coin} price? leaves|exits range? {low} to|- {high}"),
        Phrase("price? {coin} outside {low} to|- {high}"),
        Phrase("{coin} price? is|trades? outside of? {low} to|- {high}"),
    )
    example = "btc leaves 60000 to 65000"
    hysteresis = 0.1
    hysteresis_why = N_("a tenth of the range's width: price has to come back inside before an exit is new")

    low: float = quantity(Unit.PRICE, 1e-9, 1e9, N_("the lower end, in USD a coin"))
    high: float = quantity(Unit.PRICE, 1e-9, 1e9, N_("the upper end, in USD a coin"))

    def __post_init__(self) -> None:
        Condition.__post_init__(self)
        if self.low >= self.high:
            raise ValueError(
                _(
                    "the range ends at {high} but begins at {low}: the lower end comes first. Try: {example}"
                ).format(high=self.told("high"), low=self.told("low"), example=self.example)
            )

    def says(self, coin: str) -> str:
        """Return it in words."""
        return _("{coin} leaves the range of {low} to {high}").format(
            coin=coin, low=self.told("low"), high=self.told("high")
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        if now.rose(Metric.PRICE):
            said = _("{coin} left its range of {low} to {high}: it is above {high}")
        else:
            said = _("{coin} left its range of {low} to {high}: it is below {low}")
        return said.format(coin=now.coin, low=self.told("low"), high=self.told("high"))

    def compile(self, market: Market) -> Branches:
        """Return a threshold at each end; what has to be given back is a share of the width."""
        price = feature(market, Metric.PRICE)
        back = (self.high - self.low) * min(share(self, market), 1.0)
        return past(price, Direction.ABOVE, self.high, back), past(price, Direction.BELOW, self.low, back)
