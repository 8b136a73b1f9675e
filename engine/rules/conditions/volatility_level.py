"""Be true while price is unusually restless, or quiet."""

from dataclasses import dataclass, field

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
    means = "volatility goes above or below a yearly percentage"
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
    hysteresis_why = "a tenth: volatility moves slowly and in both directions"

    value: float = quantity(
        Unit.PERCENT,
        0.01,
        20.0,
        "volatility of a year",
        default=0.8,
        why="reached in a twentieth of BTC's recorded December",
    )
    window_ms: int = window(14_400_000, "48 candles: fewer are noise", low_ms=3_600_000, high_ms=604_800_000)
    direction: Level = field(default=Level.ABOVE)

    def __post_init__(self) -> None:
        Condition.__post_init__(self)
        if self.direction is Level.EITHER:
            raise ValueError(f"volatility is asked for above or below a value. Try: {self.example}")

    def says(self, coin: str) -> str:
        """Return it in words."""
        return (
            f"the volatility of {coin} over {self.told('window_ms')} is {self.direction} "
            f"{self.told('value')} a year"
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        much = now.percent(Metric.VOLATILITY, self.value)
        way = "up" if now.rose(Metric.VOLATILITY) else "down"
        return f"Volatility of {now.coin} over {self.told('window_ms')} is {way} to {much} a year"

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the volatility."""
        seen = feature(market, Metric.VOLATILITY, self.window_ms)
        return (past(seen, Direction(self.direction.value), self.value, self.value * share(self, market)),)
