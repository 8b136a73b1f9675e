"""Be true while price makes a new high or low."""

from dataclasses import dataclass, field

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import PRICES, Condition, Market, Phrase, feature, past, quantity, share, window
from engine.rules.feature import Direction, Metric
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHighLow(Condition):
    """Price is above the high, or below the low, of the window before now by more than `by`."""

    kind = "new_high_low"
    means = N_("price makes a new high or low of the last hours or days")
    feeds = frozenset({PRICES})
    phrases = (
        Phrase("{coin} makes|at? a? new? {window_ms} high", {"direction": Move.UP}),
        Phrase("{coin} makes|at? a? new? {window_ms} low", {"direction": Move.DOWN}),
        Phrase("{coin} makes|at? a? new? {window_ms} extreme", {"direction": Move.EITHER}),
        Phrase("{coin} new high of? in? {window_ms}", {"direction": Move.UP}),
        Phrase("{coin} new low of? in? {window_ms}", {"direction": Move.DOWN}),
    )
    example = "btc makes a new 24h high"
    hysteresis = 0.005
    hysteresis_why = N_("0.5 % of price: one rise that sets a new high each minute is told of once")

    by: float = quantity(
        Unit.PERCENT,
        0.0,
        0.2,
        N_("how far beyond"),
        default=0.0,
        why=N_("the first price beyond the old extreme counts"),
    )
    window_ms: int = window(
        86_400_000, N_("the day's high is what most watch"), low_ms=600_000, high_ms=604_800_000
    )
    direction: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        if self.by:
            said = {
                Move.UP: _("{coin} makes a new high of the last {window}, by more than {by}"),
                Move.DOWN: _("{coin} makes a new low of the last {window}, by more than {by}"),
                Move.EITHER: _("{coin} makes a new high or low of the last {window}, by more than {by}"),
            }
        else:
            said = {
                Move.UP: _("{coin} makes a new high of the last {window}"),
                Move.DOWN: _("{coin} makes a new low of the last {window}"),
                Move.EITHER: _("{coin} makes a new high or low of the last {window}"),
            }
        return said[self.direction].format(coin=coin, window=self.told("window_ms"), by=self.told("by"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        up = Metric.RANGE_HIGH in now.ways
        by = now.percent(Metric.RANGE_HIGH if up else Metric.RANGE_LOW, self.by)
        if self.by:
            high = _("{coin} made a new high of the last {window}, {by} beyond the last")
            low = _("{coin} made a new low of the last {window}, {by} beyond the last")
        else:
            high = _("{coin} made a new high of the last {window}")
            low = _("{coin} made a new low of the last {window}")
        return (high if up else low).format(coin=now.coin, window=self.told("window_ms"), by=by)

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the distance past the extreme; it is new again once price fell back."""
        back = share(self, market)
        up = past(feature(market, Metric.RANGE_HIGH, self.window_ms), Direction.ABOVE, self.by, back)
        down = past(feature(market, Metric.RANGE_LOW, self.window_ms), Direction.ABOVE, self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
