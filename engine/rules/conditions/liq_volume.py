"""Be true while many dollars are liquidated within a time."""

from dataclasses import dataclass, field

from engine.lang import N_, _
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LiqVolume(Condition):
    """Liquidations of a side (or both) in the window sum up to more than `usd`."""

    kind = "liq_volume"
    means = N_("liquidations add up to many dollars within a time")
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
    hysteresis_why = N_("half: a wave has to fade before the next one is told of")

    usd: float = quantity(
        Unit.USD, 1e3, 1e11, "dollars", default=10e6, why=N_("in BTC a stir, well short of a cascade")
    )
    window_ms: int = window(900_000, N_("one wave"))
    side: Side | None = field(default=None)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            None: _("more than {usd} of positions in {coin} are liquidated within {window}"),
            Side.LONG: _("more than {usd} of long positions in {coin} are liquidated within {window}"),
            Side.SHORT: _("more than {usd} of short positions in {coin} are liquidated within {window}"),
        }
        return said[self.side].format(usd=self.told("usd"), coin=coin, window=self.told("window_ms"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        said = {
            None: _("{usd} of positions in {coin} were liquidated within {window}"),
            Side.LONG: _("{usd} of long positions in {coin} were liquidated within {window}"),
            Side.SHORT: _("{usd} of short positions in {coin} were liquidated within {window}"),
        }
        usd = say_short(next(iter(now.values.values()), self.usd))
        return said[self.side].format(usd=usd, coin=now.coin, window=self.told("window_ms"))

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the sum of the side."""
        metric = {
            None: Metric.LIQUIDATED_USD,
            Side.LONG: Metric.LIQUIDATED_LONG_USD,
            Side.SHORT: Metric.LIQUIDATED_SHORT_USD,
        }[self.side]
        seen = feature(market, metric, self.window_ms)
        return (past(seen, Direction.ABOVE, self.usd, self.usd * share(self, market)),)
