"""Be true while price has moved by a share within a time."""

from dataclasses import dataclass, field

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
    means = "price rises or falls by a percentage within a time"
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
        "how far",
        default=0.03,
        why="3 % in 15 minutes is rare: none in BTC's recorded December",
    )
    window_ms: int = window(900_000, "long enough to tell a move from a spike", high_ms=604_800_000)
    direction: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        verb = {Move.UP: "rises", Move.DOWN: "falls", Move.EITHER: "moves"}[self.direction]
        return f"{coin} {verb} {self.told('by')} within {self.told('window_ms')}"

    def became(self, now: Now) -> str:
        """Return what has become true."""
        way = "rose" if now.rose(Metric.PRICE_CHANGE) else "fell"
        by = now.percent(Metric.PRICE_CHANGE, self.by)
        return f"{now.coin} {way} {by} within {self.told('window_ms')}"

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the change for each direction asked for."""
        change = feature(market, Metric.PRICE_CHANGE, self.window_ms)
        back = self.by * share(self, market)
        up = past(change, Direction.ABOVE, self.by, back)
        down = past(change, Direction.BELOW, -self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
