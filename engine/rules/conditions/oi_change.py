"""Be true while open interest has moved by a share within a time."""

from dataclasses import dataclass, field

from engine.lang import N_, _
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
    means = N_("open interest rises or falls by a percentage within a time")
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
        N_("how far"),
        default=0.02,
        why=N_("seven times in BTC's recorded December"),
    )
    window_ms: int = window(3_600_000, N_("reported each 5 minutes: an hour is 12 of them"), low_ms=300_000)
    direction: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            Move.UP: _("open interest in {coin} rises {by} within {window}"),
            Move.DOWN: _("open interest in {coin} falls {by} within {window}"),
            Move.EITHER: _("open interest in {coin} moves {by} within {window}"),
        }
        return said[self.direction].format(coin=coin, by=self.told("by"), window=self.told("window_ms"))

    def became(self, now: Now) -> str:
        """Return what has become true."""
        if now.rose(Metric.OPEN_INTEREST_CHANGE):
            said = _("Open interest in {coin} rose {by} within {window}")
        else:
            said = _("Open interest in {coin} fell {by} within {window}")
        by = now.percent(Metric.OPEN_INTEREST_CHANGE, self.by)
        return said.format(coin=now.coin, by=by, window=self.told("window_ms"))

    def compile(self, market: Market) -> Branches:
        """Return a threshold on the change for each direction asked for."""
        change = feature(market, Metric.OPEN_INTEREST_CHANGE, self.window_ms)
        back = self.by * share(self, market)
        up = past(change, Direction.ABOVE, self.by, back)
        down = past(change, Direction.BELOW, -self.by, back)
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.direction]
