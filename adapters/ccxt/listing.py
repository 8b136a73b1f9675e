"""Turn ccxt's markets into instruments: linear swaps in USDT and USDC, whatever one contract holds."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from adapters.ccxt import fields
from adapters.ccxt.known import Meaning
from adapters.instruments import Instrument, Instruments, Status
from adapters.parsed import Dropped
from engine.symbols import told_apart, unbundled, without_k

QUOTES = ("USDT", "USDC")
_THOUSANDS = re.compile(r"^k(?=[A-Z]{2})")
_NAME = re.compile(r"^[A-Z0-9]{1,30}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a venue lists and can be read; what cannot is counted under its reason."""

    instruments: Instruments
    dropped: Counter[Dropped] = field(default_factory=Counter)


def read_listing(markets: object, venue: str, meant: Meaning) -> Listing:
    """Return the instruments among ccxt's markets, a dictionary by symbol; spot and options are left out."""
    rows = list(markets.values()) if isinstance(markets, Mapping) else []
    found: list[Instrument] = []
    dropped: Counter[Dropped] = Counter()
    for row in rows:
        read = read_market(row, venue, meant)
        if isinstance(read, Dropped):
            dropped[read] += 1
        elif read is not None:
            found.append(read)
    symbols = told_apart([(each.symbol, each.priced) for each in found])
    named = (replace(each, symbol=symbol) for each, symbol in zip(found, symbols, strict=True))
    return Listing(instruments=Instruments(named), dropped=dropped)


def read_market(row: object, venue: str, meant: Meaning) -> Instrument | Dropped | None:
    """Return one market, why it cannot be read, or None where it is no perpetual at all.

    A contract of several coins is only read where it is known in what its volume is counted.
    """
    if fields.field(row, "swap") is not True:
        return None
    native, base, quote, settle = (fields.field(row, name) for name in ("symbol", "base", "quote", "settle"))
    if fields.field(row, "linear") is not True or quote not in QUOTES or settle not in (quote, None):
        return Dropped.NOT_LINEAR
    size = fields.positive(fields.field(row, "contractSize"))
    if isinstance(size, Dropped):
        return size
    coin, bundle = _coin(base)
    if not isinstance(native, str) or not _NAME.match(coin):
        return Dropped.MALFORMED
    if size != 1.0 and meant.volume is None:
        return Dropped.UNKNOWN
    return Instrument(
        venue=venue,
        native=native,
        symbol=f"{coin}{quote}",
        base=coin,
        quote=str(quote),
        coins=size * bundle,
        priced=bundle,
        tick=_precision(row, "price"),
        step=_precision(row, "amount"),
        status=Status.PAUSED if fields.field(row, "active") is False else Status.TRADING,
    )


def _coin(base: object) -> tuple[str, float]:
    """Return a coin and how many of it a name bundles: kPEPE and 1000PEPE are 1000 of them."""
    if not isinstance(base, str):
        return "", 1.0
    if _THOUSANDS.match(base) or without_k(base) != base:
        return base[1:], 1000.0
    return unbundled(base)


def _precision(row: object, name: str) -> float:
    """Return a step of prices or quantities, 0 where it is not said."""
    found = fields.number(fields.field(fields.field(row, "precision"), name))
    return found if found is not None and 0.0 < found < 1e9 else 0.0
