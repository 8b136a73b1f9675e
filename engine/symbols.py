"""Name a market the same way everywhere: the coin and what it is quoted in, `PEPEUSDT`.

Venues trade some coins in bundles (1000PEPE, kPEPE, SHIB1000). A bundle is a matter of the venue's units: the
symbol is the coin's, and prices are of one coin, quantities in coins.
"""

import re
from collections.abc import Sequence

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")
THOUSANDS = frozenset({"PEPE", "SHIB", "BONK", "FLOKI", "LUNC", "DOGS", "NEIRO"})
"""Coins whose bundle of 1000 is written with a k: anything else that begins with K is a name of its own."""
NAMESAKES = frozenset({"1000000BOB"})
"""Bundles of a coin whose name another coin has too: they keep their number, on every venue."""
_BUNDLE = re.compile(r"^(1000000|10000|1000|1M)(?=[A-Z])")
_TAIL = re.compile(r"(?<=[A-Z])(1000000|10000|1000)$")
_COINS = {"1M": 1_000_000.0}


def unbundled(base: str) -> tuple[str, float]:
    """Return a coin and how many of it a name bundles: 1000PEPE and SHIB1000 are 1000 of them.

    Only capital letters beside the number make a bundle: 1INCH is a coin. A small k before capitals (kPEPE)
    is Hyperliquid's alone, and its adapter's business.
    """
    found = _BUNDLE.match(base) or _TAIL.search(base)
    if found is None:
        return base, 1.0
    number = found.group(1)
    return base.replace(number, "", 1), _COINS.get(number) or float(number)


def without_k(base: str) -> str:
    """Return the coin of a bundle that is written with a k, in capitals (KPEPE); else the name itself."""
    return base[1:] if base.startswith("K") and base[1:] in THOUSANDS else base


def canonical(name: str) -> str:
    """Return the canonical symbol of a market's name in capitals: PEPEUSDT of 1000PEPEUSDT and KPEPEUSDT."""
    base, quote = _parted(name)
    coin, bundle = unbundled(base)
    return without_k(_kept(coin, bundle)) + quote


def bundle_of(name: str) -> float:
    """Return how many coins a unit of a market holds, by its name in capitals: 1000 of KPEPEUSDT."""
    base = _parted(name)[0]
    return unbundled(base)[1] if without_k(base) == base else 1_000.0


def told_apart(found: Sequence[tuple[str, float]]) -> list[str]:
    """Return the symbol of each of all markets of one venue, given as (canonical symbol, coins of a bundle).

    Where a venue trades a coin and a bundle under one symbol they are different coins (BOB and 1000000BOB):
    the bundle's symbol begins with its number. So does that of a bundle that is known to be another coin.
    """
    coins = {symbol for symbol, bundle in found if bundle == 1.0}
    return [f"{bundle:.0f}{s}" if bundle != 1.0 and s in coins else _apart(s, bundle) for s, bundle in found]


def _apart(symbol: str, bundle: float) -> str:
    coin, quote = _parted(symbol)
    return _kept(coin, bundle) + quote


def _kept(coin: str, bundle: float) -> str:
    """Return a coin, with the number of its bundle where another coin has its name."""
    numbered = f"{bundle:.0f}{coin}"
    return numbered if numbered in NAMESAKES else coin


def _parted(name: str) -> tuple[str, str]:
    """Return what a market's name says of the coin and of what it is quoted in."""
    quote = next((each for each in QUOTES if name.endswith(each) and name != each), "")
    return name.removesuffix(quote), quote
