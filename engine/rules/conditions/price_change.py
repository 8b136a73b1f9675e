"""Be true while price has moved by a share within a time."""

from dataclasses import dataclass, field

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import PRICES, Condition, Market, Phrase, feature, past, quantity, share, window
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange(Condition):
    """Price now differs by `by` or more from that a window ago."""

    kind = "price_change"
    means = N_("price rises or falls by a percentage within a time")
    feeds = frozenset({PRICES})
    phrases = (
        Phrase("{coin} price? falls|drops|loses {by} in|within {window_ms}", {"direction": Move.DOWN}),
        Phrase("{coin} price? rises|gains|climbs {by} in|within {window_ms}", {"direction": Move.UP}),
        Phrase("{coin} price? moves|changes by? {by} in|within {window_ms}", {"direction": Move.EITHER}),
        Phrase("{coin} price? falls|drops|loses {by}", {"direction": Move.DOWN}),
        Phrase("{coin} price? rises|gains|climbs {by}", {"direction": Move.UP}),
        Phrase("{coin} price? moves|changes by? {by}", {"direction": Move.EITHER}),
    )
    example = "btc falls 3% in 15m"

    by: float = quantity(
        Unit.PERCENT,
        0.0005,
        0.9,
        N_("how far"),
        default=0.03,
        why=N_("3 % in 15 minutes is rare: none in BTC's recorded December"),
    )
    window_ms: int = window(900_000, N_("long enough to tell a move from a spike"), high_ms=604_800_000)
    direction: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            Move.UP: _("{coin} rises {by} within {window}"),
            Move.DOWN: _("{coin} falls {by} within {window}"),
            Move.EITHER: _("{coin} moves {by} within {window}"),
        }
        return said[self.direction].format(coin=coin, by=self.told("by"), window=self.told("window_ms"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        rose = now.rose(Metric.PRICE_CHANGE)
        said = _("{coin} rose {by} within {window}") if rose else _("{coin} fell {by} within {window}")
        by = now.percent(Metric.PRICE_CHANGE, self.by)
        return said.format(coin=now.coin, by=by, window=self.told("window_ms"))

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the change for each direction asked for."""
        change = feature(market, Metric.PRICE_CHANGE, self.window_ms)
        back = self.by * share(self, market)
        up = past(change, Direction.ABOVE, self.by, back)
        down = past(change, Direction.BELOW, -self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
