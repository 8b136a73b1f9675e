"""Be true while price is unusually restless, or quiet."""

from dataclasses import dataclass, field

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import CANDLES, Condition, Market, Phrase, feature, past, quantity, share, window
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityLevel(Condition):
    """The standard deviation of the log returns of candles in the window, as a year's, is beyond a value."""

    kind = "volatility_level"
    means = N_("volatility goes above or below a yearly percentage")
    feeds = frozenset({CANDLES})
    phrases = (
        Phrase("{coin} volatility above|over {value} in|within|over {window_ms}", {"direction": Level.ABOVE}),
        Phrase(
            "{coin} volatility below|under {value} in|within|over {window_ms}", {"direction": Level.BELOW}
        ),
        Phrase("{coin} volatility above|over {value}", {"direction": Level.ABOVE}),
        Phrase("{coin} volatility below|under {value}", {"direction": Level.BELOW}),
    )
    example = "btc volatility above 80% in 4h"
    hysteresis = 0.1
    hysteresis_why = N_("a tenth: volatility moves slowly and in both directions")

    value: float = quantity(
        Unit.PERCENT,
        0.01,
        20.0,
        N_("volatility of a year"),
        default=0.8,
        why=N_("reached in a twentieth of BTC's recorded December"),
    )
    window_ms: int = window(
        14_400_000, N_("48 candles: fewer are noise"), low_ms=3_600_000, high_ms=604_800_000
    )
    direction: Level = field(default=Level.ABOVE)

    def __post_init__(self) -> None:
        Condition.__post_init__(self)
        if self.direction is Level.EITHER:
            raise ValueError(
                _("volatility is asked for above or below a value. Try: {example}").format(
                    example=self.example
                )
            )

    def says(self, coin: str) -> str:
        """Return it in words."""
        if self.direction is Level.ABOVE:
            said = _("the volatility of {coin} over {window} is above {value} a year")
        else:
            said = _("the volatility of {coin} over {window} is below {value} a year")
        return said.format(coin=coin, window=self.told("window_ms"), value=self.told("value"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        if now.rose(Metric.VOLATILITY):
            said = _("Volatility of {coin} over {window} is up to {value} a year")
        else:
            said = _("Volatility of {coin} over {window} is down to {value} a year")
        value = now.percent(Metric.VOLATILITY, self.value)
        return said.format(coin=now.coin, window=self.told("window_ms"), value=value)

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the volatility."""
        seen = feature(market, Metric.VOLATILITY, self.window_ms)
        return (past(seen, Direction(self.direction.value), self.value, self.value * share(self, market)),)
