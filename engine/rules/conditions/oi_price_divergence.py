"""Be true while price and open interest move apart."""

from dataclasses import dataclass, field

from engine.lang import N_, _
from engine.rules.atom import Branches
from engine.rules.condition import (
    OPEN_INTEREST,
    PRICES,
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
class OiPriceDivergence(Condition):
    """Over one window price moves one way by `price_by`, open interest the other by `oi_by`."""

    kind = "oi_price_divergence"
    means = N_("price and open interest move in opposite directions")
    feeds = frozenset({OPEN_INTEREST, PRICES})
    phrases = (
        Phrase("{coin} price up while oi down in|within {window_ms}", {"price": Move.UP}),
        Phrase("{coin} price down while oi up in|within {window_ms}", {"price": Move.DOWN}),
        Phrase("{coin} price up {price_by} while oi down {oi_by} in|within {window_ms}", {"price": Move.UP}),
        Phrase(
            "{coin} price down {price_by} while oi up {oi_by} in|within {window_ms}", {"price": Move.DOWN}
        ),
        Phrase("{coin} oi price? divergence in|within {window_ms}", {"price": Move.EITHER}),
        Phrase("{coin} oi price? divergence", {"price": Move.EITHER}),
    )
    example = "btc price up 1% while oi down 2% in 4h"

    price_by: float = quantity(
        Unit.PERCENT,
        0.0005,
        0.9,
        N_("how far price moves"),
        default=0.01,
        why=N_("more than an hour's usual noise"),
    )
    oi_by: float = quantity(
        Unit.PERCENT,
        0.0005,
        0.9,
        N_("how far open interest moves"),
        default=0.02,
        why=N_("more than it sways by itself"),
    )
    window_ms: int = window(14_400_000, N_("a move with time to be followed, or not"), low_ms=300_000)
    price: Move = field(default=Move.EITHER)

    def says(self, coin: str) -> str:
        """Return it in words."""
        said = {
            Move.UP: _("{coin} rises {price_by} while open interest falls {oi_by} within {window}"),
            Move.DOWN: _("{coin} falls {price_by} while open interest rises {oi_by} within {window}"),
            Move.EITHER: _(
                "{coin} rises {price_by} while open interest falls {oi_by}, "
                "or falls {price_by} while open interest rises {oi_by}, within {window}"
            ),
        }
        return said[self.price].format(
            coin=coin,
            price_by=self.told("price_by"),
            oi_by=self.told("oi_by"),
            window=self.told("window_ms"),
        )

    def became(self, now: Now) -> str:
        """Return what has become true."""
        if now.rose(Metric.PRICE_CHANGE):
            said = _("{coin} rose {price_by} while open interest fell {oi_by} within {window}")
        else:
            said = _("{coin} fell {price_by} while open interest rose {oi_by} within {window}")
        return said.format(
            coin=now.coin,
            price_by=now.percent(Metric.PRICE_CHANGE, self.price_by),
            oi_by=now.percent(Metric.OPEN_INTEREST_CHANGE, self.oi_by),
            window=self.told("window_ms"),
        )

    def compile(self, market: Market) -> Branches:
        """Return a branch of two thresholds for each way asked for."""
        back = share(self, market)
        price = feature(market, Metric.PRICE_CHANGE, self.window_ms)
        held = feature(market, Metric.OPEN_INTEREST_CHANGE, self.window_ms)
        up = past(price, Direction.ABOVE, self.price_by, self.price_by * back) + past(
            held, Direction.BELOW, -self.oi_by, self.oi_by * back
        )
        down = past(price, Direction.BELOW, -self.price_by, self.price_by * back) + past(
            held, Direction.ABOVE, self.oi_by, self.oi_by * back
        )
        return {Move.UP: (up,), Move.DOWN: (down,), Move.EITHER: (up, down)}[self.price]
