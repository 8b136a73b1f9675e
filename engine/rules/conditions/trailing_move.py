"""Be true while price stands some way off its high or low."""

from dataclasses import dataclass, field

from engine.rules.atom import Branches
from engine.rules.condition import PRICES, Condition, Market, Phrase, feature, past, quantity, share, window
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailingMove(Condition):
    """Price stands `by` below the highest, or above the lowest, price of the window."""

    kind = "trailing_move"
    means = "price pulls back from its high, or bounces from its low"
    feeds = frozenset({PRICES})
    phrases = (
        Phrase("{coin} price? pulls back {by} in|within|of {window_ms}", {"direction": Move.DOWN}),
        Phrase("{coin} price? bounces {by} in|within|of {window_ms}", {"direction": Move.UP}),
        Phrase("{coin} {by} below|off the? {window_ms} high", {"direction": Move.DOWN}),
        Phrase("{coin} {by} above|off the? {window_ms} low", {"direction": Move.UP}),
        Phrase("{coin} price? falls|drops {by} from its? {window_ms} high", {"direction": Move.DOWN}),
        Phrase("{coin} price? rises|climbs {by} from its? {window_ms} low", {"direction": Move.UP}),
        Phrase("{coin} price? pulls back {by}", {"direction": Move.DOWN}),
        Phrase("{coin} price? falls|drops {by} from its? high", {"direction": Move.DOWN}),
        Phrase("{coin} price? rises|climbs {by} from its? low", {"direction": Move.UP}),
        Phrase("{coin} price? bounces {by}", {"direction": Move.UP}),
    )
    example = "btc pulls back 5% within 24h"

    by: float = quantity(
        Unit.PERCENT,
        0.001,
        0.9,
        "how far",
        default=0.05,
        why="5 % off the day's high is more than a usual day's range",
    )
    window_ms: int = window(86_400_000, "the day's extreme", low_ms=300_000, high_ms=604_800_000)
    direction: Move = field(default=Move.DOWN)

    def says(self, coin: str) -> str:
        """Return it in words."""
        down = f"stands {self.told('by')} below its high of the last {self.told('window_ms')}"
        up = f"stands {self.told('by')} above its low of the last {self.told('window_ms')}"
        return f"{coin} " + {Move.UP: up, Move.DOWN: down, Move.EITHER: f"{down}, or {up}"}[self.direction]

    def became(self, now: Now) -> str:
        """Return what has become true."""
        up = Metric.RISE in now.ways
        metric, where = (Metric.RISE, "above its low") if up else (Metric.FALL, "below its high")
        return (
            f"{now.coin} stands {now.percent(metric, self.by)} {where} of the last {self.told('window_ms')}"
        )

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the rise or the fall within the window."""
        back = self.by * share(self, market)
        up = past(feature(market, Metric.RISE, self.window_ms), Direction.ABOVE, self.by, back)
        down = past(feature(market, Metric.FALL, self.window_ms), Direction.ABOVE, self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
