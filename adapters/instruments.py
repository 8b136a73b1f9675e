"""Name what a venue trades the same way everywhere, and turn its units into coins.

A canonical symbol is the coin and what it is quoted in: `BTCUSDT`. Where a venue trades bundles (1000PEPE,
kPEPE) or contracts (0.01 BTC), prices are divided and quantities multiplied by what a unit holds.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

_BUNDLE = re.compile(r"^(1000000|10000|1000|1M)(?=[A-Z])")
_TAIL = re.compile(r"(?<=[A-Z])(1000000|10000|1000)$")
_COINS = {"1M": 1_000_000.0}


class Status(StrEnum):
    """Whether a contract can be traded."""

    TRADING = "trading"
    PAUSED = "paused"
    PENDING = "pending"
    DELISTED = "delisted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One linear perpetual of one venue.

    `native` is the venue's own name, `symbol` the canonical one. A unit of the venue's quantity holds `coins`
    coins; a price of the venue is for `priced` coins. `tick` and `step` are in the venue's own units.
    `delist_ms` is when it ends, None where that is not known.
    """

    venue: str
    native: str
    symbol: str
    base: str
    quote: str
    coins: float = 1.0
    priced: float = 1.0
    tick: float = 0.0
    step: float = 0.0
    status: Status = Status.TRADING
    delist_ms: int | None = None

    def price(self, native: float) -> float:
        """Return the price of one coin."""
        return native / self.priced

    def quantity(self, native: float) -> float:
        """Return the coins in a quantity."""
        return native * self.coins


def unbundled(base: str) -> tuple[str, float]:
    """Return a coin and how many of it the venue's name bundles: 1000PEPE and SHIB1000 are 1000 of them.

    Only capital letters after the number make a bundle: 1INCH is a coin. Venue-specific names (kPEPE) are the
    adapter's business.
    """
    found = _BUNDLE.match(base) or _TAIL.search(base)
    if found is None:
        return base, 1.0
    number = found.group(1)
    return base.replace(number, "", 1), _COINS.get(number) or float(number)


class Instruments:
    """Look instruments of one venue up by the venue's name or the canonical one."""

    def __init__(self, known: Iterable[Instrument] = ()) -> None:
        self._by_native: Mapping[str, Instrument] = {each.native: each for each in known}
        self._by_symbol = {each.symbol: each for each in reversed(list(self._by_native.values()))}

    def __len__(self) -> int:
        return len(self._by_native)

    def native(self, name: str) -> Instrument | None:
        """Return the instrument that the venue calls so, None for one that is not known."""
        return self._by_native.get(name)

    def symbol(self, symbol: str) -> Instrument | None:
        """Return the instrument of a canonical symbol, None for one that is not traded there."""
        return self._by_symbol.get(symbol)

    @property
    def all(self) -> tuple[Instrument, ...]:
        """Return every instrument, in the order that the venue gave them."""
        return tuple(self._by_native.values())
