"""Be true while longs outnumber shorts, or the reverse."""

from dataclasses import dataclass, field

from engine.lang import N_, _, speech
from engine.rules.atom import Branches
from engine.rules.condition import LONG_SHORT, Condition, Market, Phrase, feature, past, quantity, share
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class LongShort(Condition):
    """Accounts that are long over those that are short is above or below `value`."""

    kind = "long_short_ratio"
    means = N_("the ratio of longs to shorts goes above or below a value")
    feeds = frozenset({LONG_SHORT})
    phrases = (
        Phrase("{coin} long short ratio? above|over {value}", {"direction": Level.ABOVE}),
        Phrase("{coin} long short ratio? below|under {value}", {"direction": Level.BELOW}),
    )
    example = "btc long short ratio above 2.5"
    hysteresis = 0.1
    hysteresis_why = N_("a tenth: the ratio moves slowly")

    value: float = quantity(
        Unit.RATIO,
        0.01,
        100.0,
        N_("longs over shorts"),
        default=2.5,
        why=N_("five of seven accounts are long"),
    )
    direction: Level = field(default=Level.ABOVE)

    def __post_init__(self) -> None:
        Condition.__post_init__(self)
        if self.direction is Level.EITHER:
            raise ValueError(
                _("the ratio is asked for above or below a value. Try: {example}").format(
                    example=self.example
                )
            )

    def says(self, coin: str) -> str:
        """Return it in words."""
        if self.direction is Level.ABOVE:
            said = _("there are more than {value} long accounts in {coin} for each short one")
        else:
            said = _("there are fewer than {value} long accounts in {coin} for each short one")
        return said.format(value=self.told("value"), coin=coin)

    def became(self, now: Now) -> str:
        """Return what has become true."""
        ratio = now.value(Metric.LONG_SHORT_RATIO, self.value)
        return _("There are {ratio} long accounts in {coin} for each short one").format(
            ratio=speech().figure(f"{ratio:.3g}"), coin=now.coin
        )

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the ratio."""
        ratio = feature(market, Metric.LONG_SHORT_RATIO)
        return (past(ratio, Direction(self.direction.value), self.value, self.value * share(self, market)),)
