"""Be true while price makes a new high or low."""

from dataclasses import dataclass, field

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
    means = "price makes a new high or low of the last hours or days"
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
    hysteresis_why = "0.5 % of price: one rise that sets a new high each minute is told of once"

    by: float = quantity(
        Unit.PERCENT,
        0.0,
        0.2,
        "how far beyond",
        default=0.0,
        why="the first price beyond the old extreme counts",
    )
    window_ms: int = window(
        86_400_000, "the day's high is what most watch", low_ms=600_000, high_ms=604_800_000
    )
    direction: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        what = {Move.UP: "high", Move.DOWN: "low", Move.EITHER: "high or low"}[self.direction]
        beyond = f", by more than {self.told('by')}" if self.by else ""
        return f"{coin} makes a new {what} of the last {self.told('window_ms')}{beyond}"

    def became(self, now: Now) -> str:
        """Return what has become true."""
        up = Metric.RANGE_HIGH in now.ways
        metric, what = (Metric.RANGE_HIGH, "high") if up else (Metric.RANGE_LOW, "low")
        beyond = f", {now.percent(metric, self.by)} beyond the last" if self.by else ""
        return f"{now.coin} made a new {what} of the last {self.told('window_ms')}{beyond}"

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the distance past the extreme; it is new again once price fell back."""
        back = share(self, market)
        up = past(feature(market, Metric.RANGE_HIGH, self.window_ms), Direction.ABOVE, self.by, back)
        down = past(feature(market, Metric.RANGE_LOW, self.window_ms), Direction.ABOVE, self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
