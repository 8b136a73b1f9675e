"""Be true while open interest has moved by a share within a time."""

from dataclasses import dataclass, field

from engine.rules.atom import Branches
from engine.rules.condition import (
    OPEN_INTEREST,
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
from engine.rules.now import Now
from engine.rules.quantity import Unit
from engine.rules.ways import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class OiChange(Condition):
    """Open interest in coins differs by `by` or more from that a window ago."""

    kind = "oi_change"
    means = "open interest rises or falls by a percentage within a time"
    feeds = frozenset({OPEN_INTEREST})
    phrases = (
        Phrase("{coin} oi falls|drops|loses {by} in|within {window_ms}", {"direction": Move.DOWN}),
        Phrase("{coin} oi rises|gains|climbs|grows {by} in|within {window_ms}", {"direction": Move.UP}),
        Phrase("{coin} oi moves|changes by? {by} in|within {window_ms}", {"direction": Move.EITHER}),
        Phrase("{coin} oi falls|drops|loses {by}", {"direction": Move.DOWN}),
        Phrase("{coin} oi rises|gains|climbs|grows {by}", {"direction": Move.UP}),
        Phrase("{coin} oi moves|changes by? {by}", {"direction": Move.EITHER}),
    )
    example = "btc oi drops 2% in 1h"

    by: float = quantity(
        Unit.PERCENT,
        0.001,
        0.9,
        "how far",
        default=0.02,
        why="seven times in BTC's recorded December",
    )
    window_ms: int = window(3_600_000, "reported each 5 minutes: an hour is 12 of them", low_ms=300_000)
    direction: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        verb = {Move.UP: "rises", Move.DOWN: "falls", Move.EITHER: "moves"}[self.direction]
        return f"open interest in {coin} {verb} {self.told('by')} within {self.told('window_ms')}"

    def became(self, now: Now) -> str:
        """Return what has become true."""
        way = "rose" if now.rose(Metric.OPEN_INTEREST_CHANGE) else "fell"
        by = now.percent(Metric.OPEN_INTEREST_CHANGE, self.by)
        return f"Open interest in {now.coin} {way} {by} within {self.told('window_ms')}"

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the change for each direction asked for."""
        change = feature(market, Metric.OPEN_INTEREST_CHANGE, self.window_ms)
        back = self.by * share(self, market)
        up = past(change, Direction.ABOVE, self.by, back)
        down = past(change, Direction.BELOW, -self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
