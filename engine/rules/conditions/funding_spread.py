"""Be true while venues disagree on funding."""

from dataclasses import dataclass

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import FUNDING, Condition, Market, Phrase, past, quantity, share
from engine.rules.feature import Direction, Feature, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingSpread(Condition):
    """The greatest less the least eight-hour rate of the venues is above `value`."""

    kind = "funding_spread"
    means = N_("funding differs much between venues")
    feeds = frozenset({FUNDING})
    phrases = (Phrase("{coin} funding spread above|over {value}"),)
    example = "btc funding spread above 0.03%"
    one_venue = False

    value: float = quantity(
        Unit.PERCENT,
        0.00001,
        0.1,
        N_("difference of eight-hour rates"),
        default=0.0003,
        why=N_("about what trading both legs costs in and out"),
    )

    def says(self, coin: str) -> str:
        """Return it in words."""
        return _("funding of {coin} differs by more than {value} between venues, for eight hours").format(
            coin=coin, value=self.told("value")
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        much = now.percent(Metric.FUNDING_SPREAD, self.value)
        return _("Funding of {coin} differs by {much} between venues, for eight hours").format(
            coin=now.coin, much=much
        )

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the difference; there is none of one venue."""
        spread = Feature(symbol=market.symbol, metric=Metric.FUNDING_SPREAD)
        return (past(spread, Direction.ABOVE, self.value, self.value * share(self, market)),)
