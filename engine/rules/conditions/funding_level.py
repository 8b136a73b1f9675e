"""Be true while funding is beyond a rate."""

from dataclasses import dataclass, field

from engine.lang import N_, _, speech
from engine.rules.atom import Branches
from engine.rules.condition import FUNDING, Condition, Market, Phrase, feature, past, quantity, share
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingLevel(Condition):
    """What longs pay shorts, for eight hours, is above or below `value`."""

    kind = "funding_level"
    means = N_("the funding rate goes above or below a value")
    feeds = frozenset({FUNDING})
    phrases = (
        Phrase("{coin} funding is? above|over {value}", {"direction": Level.ABOVE}),
        Phrase("{coin} funding is? below|under {value}", {"direction": Level.BELOW}),
    )
    example = "btc funding above 0.05%"

    value: float = quantity(
        Unit.PERCENT,
        -0.05,
        0.05,
        N_("rate of eight hours"),
        default=0.0005,
        why=N_("five times the usual 0.01 %"),
    )
    direction: Level = field(default=Level.ABOVE)

    def __post_init__(self) -> None:
        Condition.__post_init__(self)
        if self.direction is Level.EITHER:
            raise ValueError(
                _("funding is asked for above or below a rate. Try: {example}").format(example=self.example)
            )

    def says(self, coin: str) -> str:
        """Return it in words."""
        if self.direction is Level.ABOVE:
            said = _("funding of {coin} is above {value} for eight hours")
        else:
            said = _("funding of {coin} is below {value} for eight hours")
        return said.format(coin=coin, value=self.told("value"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        rate = now.value(Metric.FUNDING_RATE, self.value)
        if now.rose(Metric.FUNDING_RATE):
            said = _("Funding of {coin} is up to {rate} for eight hours")
        else:
            said = _("Funding of {coin} is down to {rate} for eight hours")
        return said.format(coin=now.coin, rate=speech().percent(f"{rate * 100:.3g}", gap=" "))

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the rate."""
        rate = feature(market, Metric.FUNDING_RATE)
        back = abs(self.value) * share(self, market)
        return (past(rate, Direction(self.direction.value), self.value, back),)
