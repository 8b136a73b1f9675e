"""Be true while funding is past zero, the way it turned."""

from dataclasses import dataclass, field

from engine.lang import N_, _, speech
from engine.rules.atom import Branches
from engine.rules.condition import FUNDING, Condition, Market, Phrase, feature, past, share
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.ways import Move

USUAL = 0.0001
"""What is paid for eight hours where longs and shorts balance, as a fraction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingFlip(Condition):
    """Funding turns from negative to positive (`up`), from positive to negative (`down`), or either."""

    kind = "funding_flip"
    means = N_("the funding rate changes its sign")
    feeds = frozenset({FUNDING})
    phrases = (
        Phrase("{coin} funding flips|turns|goes positive", {"direction": Move.UP}),
        Phrase("{coin} funding flips|turns|goes negative", {"direction": Move.DOWN}),
        Phrase("{coin} funding flips|flip", {"direction": Move.EITHER}),
    )
    example = "btc funding flips negative"
    hysteresis_why = (
        f"a fifth of {USUAL:.2%} on the other side: a rate that hovers at zero does not flip all day"
    )

    direction: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            Move.UP: _("funding of {coin} turns positive"),
            Move.DOWN: _("funding of {coin} turns negative"),
            Move.EITHER: _("funding of {coin} turns positive or negative"),
        }
        return said[self.direction].format(coin=coin)

    def became(self, now: Now) -> str:
        """Return what has become true."""
        rate = now.value(Metric.FUNDING_RATE, 0.0)
        if now.rose(Metric.FUNDING_RATE):
            plain, with_rate = (
                _("Funding of {coin} turned positive"),
                _("Funding of {coin} turned positive: {rate} for eight hours"),
            )
        else:
            plain, with_rate = (
                _("Funding of {coin} turned negative"),
                _("Funding of {coin} turned negative: {rate} for eight hours"),
            )
        shown = speech().percent(f"{rate * 100:.3g}", gap=" ")
        return (with_rate if rate else plain).format(coin=now.coin, rate=shown)

    def compile(self, market: Market) -> Branches:
        """Return a threshold at zero for each way asked for."""
        rate = feature(market, Metric.FUNDING_RATE)
        back = USUAL * share(self, market)
        up = past(rate, Direction.ABOVE, 0.0, back)
        down = past(rate, Direction.BELOW, 0.0, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
