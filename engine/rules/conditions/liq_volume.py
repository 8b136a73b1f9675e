"""Be true while many dollars are liquidated within a time."""

from dataclasses import dataclass, field

from engine.model import Side
from engine.rules.atom import Branches
from engine.rules.condition import (
    LIQUIDATIONS,
    Condition,
    Market,
    Phrase,
    feature,
    past,
    quantity,
    share,
    window,
)
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now, say_short
from engine.rules.quantity import Unit
from engine.rules.ways import whose


@dataclass(frozen=True, slots=True, kw_only=True)
class LiqVolume(Condition):
    """Liquidations of a side (or both) in the window sum up to more than `usd`."""

    kind = "liq_volume"
    means = "liquidations add up to many dollars within a time"
    feeds = frozenset({LIQUIDATIONS})
    phrases = (
        Phrase("{coin} liquidations above|over {usd} in|within {window_ms}"),
        Phrase("{coin} long liquidations above|over {usd} in|within {window_ms}", {"side": Side.LONG}),
        Phrase("{coin} short liquidations above|over {usd} in|within {window_ms}", {"side": Side.SHORT}),
        Phrase("{coin} longs liquidated above|over {usd} in|within {window_ms}", {"side": Side.LONG}),
        Phrase("{coin} shorts liquidated above|over {usd} in|within {window_ms}", {"side": Side.SHORT}),
    )
    example = "btc long liquidations above 10M in 15m"
    hysteresis = 0.5
    hysteresis_why = "half: a wave has to fade before the next one is told of"

    usd: float = quantity(
        Unit.USD, 1e3, 1e11, "dollars", default=10e6, why="in BTC a stir, well short of a cascade"
    )
    window_ms: int = window(900_000, "one wave")
    side: Side | None = field(default=None)

    def says(self, coin: str) -> str:
        """Return it in words."""
        return (
            f"more than {self.told('usd')} of {whose(self.side)}positions in {coin} are liquidated "
            f"within {self.told('window_ms')}"
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        usd = say_short(next(iter(now.values.values()), self.usd))
        what = f"{whose(self.side)}positions in {now.coin}"
        return f"{usd} of {what} were liquidated within {self.told('window_ms')}"

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the sum of the side."""
        metric = {
            None: Metric.LIQUIDATED_USD,
            Side.LONG: Metric.LIQUIDATED_LONG_USD,
            Side.SHORT: Metric.LIQUIDATED_SHORT_USD,
        }[self.side]
        seen = feature(market, metric, self.window_ms)
        return (past(seen, Direction.ABOVE, self.usd, self.usd * share(self, market)),)
