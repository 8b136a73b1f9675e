"""Know what ccxt's dictionaries leave unsaid: in what a number is counted, and whose side a side is.

Every entry was read out of ccxt's own code for that venue, or the venue's own description. Where there is
none, and it matters, nothing is read: a contract of one coin needs none, since both units are the same there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from adapters.ccxt.fields import field
from engine.model import PriceKind, Side


class Unit(StrEnum):
    """In what a quantity is counted."""

    COINS = "coins"
    CONTRACTS = "contracts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a venue's figures mean: None where that is not known.

    `volume` and `interest` are the units of candles and open interest; that counts `interest_sides` sides.
    `positions` says that a liquidation's side is that of the position, not of the order that closed it.
    `forced` is what its price is; None where ccxt leaves out so much of a liquidation that none can be read.
    `lost_side` is the venue's own field of the side, where ccxt does not carry it over. `watched_bars` is
    False where the bars of its stream are wrong, so that they are asked for.
    """

    volume: Unit | None = None
    interest: Unit | None = None
    interest_sides: int = 1
    positions: bool = False
    forced: PriceKind | None = PriceKind.FILL
    lost_side: str = ""
    watched_bars: bool = True

    def closed(self, row: object) -> Side | None:
        """Return whose position a liquidation of ccxt's closed, None where that is not told."""
        told = field(field(row, "info"), self.lost_side) if self.lost_side else field(row, "side")
        side = told.lower() if isinstance(told, str) else ""
        if side not in ("buy", "sell"):
            return None
        return Side.LONG if (side == "buy") is self.positions else Side.SHORT


_KUCOIN = Meaning(watched_bars=False)  # it says itself that the volume of its stream is wrong
_OKX = Meaning(volume=Unit.COINS, interest=Unit.CONTRACTS, forced=PriceKind.BANKRUPTCY)

MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        "bitmex": Meaning(volume=Unit.CONTRACTS, forced=None),  # liquidations come without size and time
        "blofin": Meaning(volume=Unit.COINS),
        "bybit": Meaning(
            volume=Unit.COINS,
            interest=Unit.COINS,
            interest_sides=2,
            positions=True,
            lost_side="S",
            forced=PriceKind.BANKRUPTCY,
        ),
        "gate": Meaning(volume=Unit.CONTRACTS, interest=Unit.CONTRACTS),
        "kucoin": _KUCOIN,
        "kucoineu": _KUCOIN,
        "kucoinfutures": _KUCOIN,
        "okx": _OKX,
        "okxus": _OKX,
    }
)
"""What is known of venues, by ccxt's name of them."""

PLAIN = Meaning()


def meaning(name: str) -> Meaning:
    """Return what the figures of a venue mean, by ccxt's name of it."""
    return MEANINGS.get(name, PLAIN)
