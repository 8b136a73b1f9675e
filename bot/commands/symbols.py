"""Find the market that somebody means: aliases, separators, contract suffixes, the nearest on a typo."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import fuzz

from bot.commands.amounts import quoted
from bot.commands.spec import NearMiss
from bot.commands.words import joined
from bot.lang import _
from engine.errors import UserError
from engine.symbols import canonical

QUOTES = ("USDT", "USD")
"""Quote currencies that mean the USDT perpetual when typed; USDC contracts are other markets."""
_VENUE = re.compile(r"^(BINANCE|BYBIT|OKX|HYPERLIQUID|DERIBIT|BITGET|BITMEX)[:.]")
_SUFFIX = re.compile(r"([-_/.:]?(PERPETUAL|PERP|SWAP|FUTURES?)|\.P)$")
_ALIKE = 60.0
"""Below this likeness (0 to 100) a name is not offered."""
LOOKS_LIKE = re.compile(r"(?=.{0,32}[^\W\d_]|₿)[$#]?[\w₿/:.\-]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Markets:
    """The symbols and venues that are read, and what people call a coin (`bitcoin` for BTC), in any case."""

    known: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def coin(self, name: str) -> str:
        """Return the coin that a name in capitals stands for; the name itself where it is no alias."""
        return self.aliases.get(name.lower(), name).upper()


def resolve(text: str, markets: Markets) -> str:
    """Return the canonical symbol that `text` names. Raise NearMiss or UserError where none does."""
    plain = _plain(text)
    exact = {symbol.upper(): symbol for symbol in markets.known}
    for candidate in _candidates(plain, markets):
        if candidate in exact:
            return exact[candidate]
    near = nearest(plain, markets)
    if near:
        meant = joined([base(symbol).lower() for symbol in near], last="or")
        raise NearMiss(
            _("I do not know the market {text}. Did you mean {meant}?").format(
                text=quoted(text), meant=meant
            ),
            lines=tuple(base(symbol).lower() for symbol in near),
        )
    raise UserError(
        _("There is no market {text} here. {available}").format(
            text=quoted(text), available=available(markets.known)
        )
    )


def available(known: Sequence[str]) -> str:
    """Return a sentence that names a few markets that are served."""
    if not known:
        return _("No market is being read yet.")
    names = [base(symbol) for symbol in known]
    if len(names) <= 6:
        return _("I read {names}.").format(names=joined(names))
    return _("I read {count} markets, such as {names}; /symbols lists them.").format(
        count=len(names), names=joined(names[:4])
    )


def base(symbol: str) -> str:
    """Return the coin of a canonical symbol: "BTC" of "BTCUSDT"."""
    return symbol.removesuffix("USDT") or symbol


def nearest(text: str, markets: Markets, limit: int = 3) -> list[str]:
    """Return the served symbols whose names are most like `text`, best first; empty where none is."""
    by_name = {base(symbol).upper(): symbol for symbol in markets.known}
    by_name |= {n.upper(): by_name[c] for n, c in markets.aliases.items() if c in by_name and len(n) > 3}
    bare = _plain(text)
    for quote in (*QUOTES, "USDC"):
        bare = bare.removesuffix(quote) or bare
    scored = sorted(((_likeness(bare, name), name) for name in by_name), key=lambda pair: -pair[0])
    found = dict.fromkeys(by_name[name] for score, name in scored if score >= _ALIKE)
    return list(found)[:limit]


def _likeness(one: str, other: str) -> float:
    """Return how alike two names are, 0 to 100; swapped neighbours count as one slip."""
    swapped = one != other and one[:1] == other[:1] and sorted(one) == sorted(other)
    return 90.0 if swapped else fuzz.ratio(one, other)


def _plain(text: str) -> str:
    """Return a name in capitals without sigils, venue and contract suffix."""
    plain = text.strip().upper().replace("₿", "BTC").lstrip("$#")
    plain = _VENUE.sub("", plain)
    plain = re.sub(r":(USDT|USDC|USD)$", "", plain)  # BTC/USDT:USDT
    plain = _SUFFIX.sub("", plain)
    return re.sub(r"[-_/.:\s]", "", plain)


def _candidates(plain: str, markets: Markets) -> list[str]:
    """Return the canonical symbols that a plain name may stand for, likeliest first.

    A bundle is found by its coin, for that is what the symbol is of: 1000PEPE and KPEPE are PEPEUSDT.
    """
    coins = [plain]
    coins += [plain.removesuffix(quote) for quote in QUOTES if plain.endswith(quote) and plain != quote]
    coins = [markets.coin(coin) for coin in coins]
    named = [f"{coin}USDT" for coin in coins]
    return [plain, *named, *(canonical(name) for name in named)]
