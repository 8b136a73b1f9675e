"""Understand how people write a symbol: `btc`, `$BTC`, `BTC-PERP`, `eth/usdt`, `bitcoin`, and near misses."""

import re
from collections.abc import Mapping, Sequence

from rapidfuzz import fuzz, process

from engine.errors import UserError

QUOTES = ("USDT", "USDC", "USD")
NOISE = re.compile(r"(PERPETUAL|PERP|SWAP)$")
NEAR = 60
SEARCHED = 25


class Symbols:
    """Know the symbols that are served, and by which names people call them."""

    def __init__(self, served: Sequence[str], aliases: Mapping[str, str]) -> None:
        self.served = tuple(served)
        self._names: dict[str, str] = {}
        for symbol in served:
            for name in (symbol, base_of(symbol)):
                self._names.setdefault(name, symbol)
        for alias, base in aliases.items():
            known = self._names.get(base.upper())
            if known is not None:
                self._names.setdefault(_plain(alias), known)

    def find(self, text: str) -> str | None:
        """Return the symbol that a text means for certain, or None."""
        name = _plain(text)
        for candidate in (name, NOISE.sub("", name), base_of(NOISE.sub("", name))):
            if candidate in self._names:
                return self._names[candidate]
        return None

    def nearest(self, text: str) -> str | None:
        """Return the symbol that a typo most likely means, or None if nothing is near."""
        name = base_of(NOISE.sub("", _plain(text)))
        near = process.extractOne(name, list(self._names), scorer=fuzz.ratio, score_cutoff=NEAR)
        return self._names[near[0]] if near else None

    def resolve(self, text: str) -> str:
        """Return the symbol that a text means; raise UserError that names the nearest one."""
        symbol = self.find(text)
        if symbol is not None:
            return symbol
        nearest = self.nearest(text)
        known = ", ".join(base_of(s) for s in self.served[:SEARCHED])
        hint = f"Did you mean {base_of(nearest)}?" if nearest else f"There is {known}."
        example = base_of(nearest or self.served[0]).lower() if self.served else ""
        raise UserError(f'I do not know the symbol "{text.strip()[:24]}". {hint}', example=example)

    def search(self, text: str) -> list[str]:
        """Return symbols whose names begin with, contain or resemble a text, best first; all for no text."""
        name = _plain(text)
        if not name:
            return list(self.served[:SEARCHED])
        ranked: dict[str, float] = {}
        for known, symbol in self._names.items():
            ranked[symbol] = max(ranked.get(symbol, 0.0), _likeness(name, known))
        best = sorted((s for s, score in ranked.items() if score >= NEAR), key=lambda s: -ranked[s])
        return best[:SEARCHED]


def base_of(symbol: str) -> str:
    """Return the base coin of a canonical symbol: BTC of BTCUSDT."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote)
    return symbol


def _plain(text: str) -> str:
    """Return letters and digits in capitals: what is left of `$eth/usdt` is ETHUSDT."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _likeness(name: str, known: str) -> float:
    if known.startswith(name):
        return 200.0 - len(known)
    return 150.0 - len(known) if name in known else fuzz.ratio(name, known)
