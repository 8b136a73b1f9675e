"""Name what a venue trades the same way everywhere, and turn its units into coins.

A canonical symbol is the coin and what it is quoted in: `BTCUSDT`. Where a venue trades bundles (1000PEPE,
kPEPE) or contracts (0.01 BTC), prices are divided and quantities multiplied by what a unit holds: a price is
of one coin everywhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from engine.symbols import told_apart


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
    `delist_ms` is when it ends, `funding_h` how many hours apart funding is paid; None where that is not
    known.
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
    funding_h: float | None = None

    def price(self, native: float) -> float:
        """Return the price of one coin."""
        return native / self.priced

    def quantity(self, native: float) -> float:
        """Return the coins in a quantity."""
        return native * self.coins


class Instruments:
    """Look instruments of one venue up by the venue's name or the canonical one.

    Of several with one symbol the canonical name finds one that is traded, else the first. A bundle beside a
    coin of the same name is another coin, and keeps its number in its symbol: 1000000BOBUSDT.
    """

    def __init__(self, known: Iterable[Instrument] = ()) -> None:
        listed = tuple(known)
        symbols = told_apart([(each.symbol, each.priced) for each in listed])
        found = (replace(each, symbol=symbol) for each, symbol in zip(listed, symbols, strict=True))
        self._by_native: Mapping[str, Instrument] = {each.native: each for each in found}
        by_rank = sorted(self._by_native.values(), key=lambda each: each.status is not Status.TRADING)
        self._by_symbol = {each.symbol: each for each in reversed(by_rank)}

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
