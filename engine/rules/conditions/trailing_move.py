"""Be true while price stands some way off its high or low."""

from dataclasses import dataclass, field

from engine.lang import N_, _
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
    means = N_("price pulls back from its high, or bounces from its low")
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
        N_("how far"),
        default=0.05,
        why=N_("5 % off the day's high is more than a usual day's range"),
    )
    window_ms: int = window(86_400_000, N_("the day's extreme"), low_ms=300_000, high_ms=604_800_000)
    direction: Move = field(default=Move.DOWN)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            Move.UP: _("{coin} stands {by} above its low of the last {window}"),
            Move.DOWN: _("{coin} stands {by} below its high of the last {window}"),
            Move.EITHER: _(
                "{coin} stands {by} below its high of the last {window}, "
                "or stands {by} above its low of the last {window}"
            ),
        }
        return said[self.direction].format(coin=coin, by=self.told("by"), window=self.told("window_ms"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        if Metric.RISE in now.ways:
            metric, said = Metric.RISE, _("{coin} stands {by} above its low of the last {window}")
        else:
            metric, said = Metric.FALL, _("{coin} stands {by} below its high of the last {window}")
        return said.format(coin=now.coin, by=now.percent(metric, self.by), window=self.told("window_ms"))

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the rise or the fall within the window."""
        back = self.by * share(self, market)
        up = past(feature(market, Metric.RISE, self.window_ms), Direction.ABOVE, self.by, back)
        down = past(feature(market, Metric.FALL, self.window_ms), Direction.ABOVE, self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
