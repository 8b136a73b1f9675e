"""Define positions, venues' rules and what is found out about a liquidation."""

from dataclasses import dataclass
from enum import StrEnum

from engine.errors import MarginError
from engine.margin.tiers import Tier
from engine.model import Side


class Mode(StrEnum):
    """What backs a position."""

    ISOLATED = "isolated"  # the margin set aside for it alone
    CROSS = "cross"  # the whole wallet balance


def sign(side: Side) -> int:
    """Return 1 for a long, -1 for a short."""
    return 1 if side is Side.LONG else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One position: in one-way mode all there is of a symbol, in hedge mode its long or its short side."""

    side: Side
    quantity: float
    entry: float

    def __post_init__(self) -> None:
        if not 0 < self.quantity < float("inf") or not 0 < self.entry < float("inf"):
            raise MarginError("a position has a quantity and an entry price above 0")

    def pnl(self, price: float) -> float:
        """Return the unrealised profit at a price."""
        return sign(self.side) * self.quantity * (price - self.entry)

    def value(self, price: float) -> float:
        """Return what the position is worth at a price."""
        return self.quantity * price


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Say how a venue counts margin, where venues differ.

    `liquidation_fee` is the rate that maintenance includes at the mark price; `added_margin_fee` the rate
    that margin added to an isolated position is adjusted by; `closing_fee` the rate that cross maintenance
    includes at the bankruptcy price; `sliced` whether a tier's rate is charged on the slice above its floor
    (with a maintenance amount) or on the whole position; `hedge` whether a long and a short may stand at
    once; `steps_down` whether large positions are first cut to a lower tier.
    """

    venue: str
    title: str
    source: str
    liquidation_fee: float = 0.0
    added_margin_fee: float = 0.0
    closing_fee: float = 0.0
    sliced: bool = True
    hedge: bool = True
    steps_down: bool = False

    def added(self, side: Side, margin: float) -> float:
        """Return what margin added to an isolated position counts for."""
        return margin / (1 - sign(side) * self.added_margin_fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """Say where one position is liquidated and what that rests on.

    `price` is None where no price above 0 does it. `tier` holds the position at that price (at its entry
    where there is none), `entry_tier` as it is opened. `margin` backs it, `maintenance` is what it needs at
    the liquidation price.
    """

    leg: Leg
    mode: Mode
    leverage: float
    price: float | None
    tier: Tier
    entry_tier: Tier
    margin: float
    maintenance: float

    @property
    def distance(self) -> float | None:
        """Return the move from entry to the liquidation price, as a signed fraction of the entry."""
        return None if self.price is None else self.price / self.leg.entry - 1

    @property
    def bankruptcy(self) -> float:
        """Return the price at which the margin is gone; below 0 where it never is."""
        return self.leg.entry - sign(self.leg.side) * self.margin / self.leg.quantity
