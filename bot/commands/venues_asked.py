"""Understand which venues somebody means: one or several split by commas, or all; and say whose is what."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from rapidfuzz import fuzz, process

from adapters import titles as titles_of
from bot.commands.amounts import quoted
from bot.commands.spec import Call, Kind, NearMiss, Parameter, Provider
from bot.commands.words import joined
from bot.lang import N_, _, ngettext
from bot.render import text
from engine.errors import UserError

ALL = "all"
_SHORT = {"hyperliquid": "hl"}
"""What a venue is called where there is little room, such as in a button's id."""
_ALIASES = {"hl": "hyperliquid", "hyper": "hyperliquid", "okex": "okx", "bnb": "binance"}
_NAMES = ("binance", "bybit", "okx", "hyperliquid", "hl", "okex")
_SPLIT = re.compile(r"[,;+/|\s]+")
_ALIKE = 60.0
_ONE = "|".join(_NAMES)
FORM = re.compile(rf"(?:{_ONE})(?:[,;+/|](?:{_ONE}))*,?", re.I)
"""What venues look like at a glance, where nobody says that they are meant."""

EXCHANGE = Parameter(
    name="exchange",
    kind=Kind.VENUES,
    description=N_("Venues to look at, one or several split by commas, or all"),
    default=ALL,
    words=(ALL,),
    examples=("okx", "binance,okx"),
    suggest=Provider.VENUES,
    aliases=("venue", "venues", "exchanges"),
)


def read(typed: str, known: Sequence[str]) -> tuple[str, ...] | str:
    """Return the venues that a text names, each once, or "all".

    Where nobody knows which there are, every name is taken. Raise NearMiss or UserError for one that is not
    read.
    """
    names = [name for name in _SPLIT.split(typed.strip().lower()) if name]
    names = [name if name in known else _ALIASES.get(name, name) for name in names]
    if ALL in names:
        return ALL
    if known:
        for name in names:
            if name not in known:
                raise _unknown(name, names, known)
    if not names:
        raise UserError(_("exchange is empty. {there_are}").format(there_are=_there_are(known)))
    return tuple(dict.fromkeys(names))


def _unknown(name: str, names: Sequence[str], known: Sequence[str]) -> UserError:
    """Refuse a venue, and offer the one that was probably meant."""
    near = process.extractOne(name, list(known), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    if near is None:
        return UserError(
            _("I read no venue {name}. {there_are}").format(name=quoted(name), there_are=_there_are(known))
        )
    mended = ",".join(near[0] if each == name else each for each in names)
    return NearMiss(
        _("I read no venue {name}. Did you mean {title}? {there_are}").format(
            name=quoted(name), title=title(near[0]), there_are=_there_are(known)
        ),
        lines=(mended,),
    )


def _there_are(known: Sequence[str]) -> str:
    return _("I read {titles}.").format(titles=titles(known)) if known else ""


class Trading(Protocol):
    """Know which venues a symbol is read from."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues of a symbol, the one that lends the price first."""


def asked(call: Call) -> tuple[str, ...]:
    """Return the venues that a call names, none where it means all."""
    value = call.values.get(EXCHANGE.name)
    return tuple(str(name) for name in value) if isinstance(value, tuple) else ()


def chosen(market: Trading, call: Call, symbol: str) -> tuple[str, ...]:
    """Return the venues of a symbol that a call names, none where it means all that there are.

    Raise UserError for one that does not trade the symbol now.
    """
    names = asked(call)
    if not names:
        return ()
    return among(market.venues_of(symbol), names, symbol, f"/{call.command.name} ")


def among(there: Sequence[str], names: Sequence[str], symbol: str, before: str) -> tuple[str, ...]:
    """Return the venues of `there` that are named, none where that is all of them.

    Raise UserError for one that is not there; `before` begins its example.
    """
    absent = [title(name) for name in names if name not in there]
    if absent:
        coin = text.base(symbol)
        where = joined([title(name) for name in there])
        told = (
            _("It is read from {where}.").format(where=where)
            if there
            else _("No venue that is read trades it now.")
        )
        lacks = ngettext(
            "{venues} does not trade {coin} now.", "{venues} do not trade {coin} now.", len(absent)
        )
        link = "&" if "?" in before else " "
        example = f"{before}{coin.lower()}" + (f"{link}exchange={there[0]}" if there else "")
        raise UserError(
            f"{lacks.format(venues=joined(absent), coin=coin)} {told}",
            example=example,
        )
    found = tuple(name for name in there if name in names)
    return () if found == tuple(there) else found


def title(venue: str) -> str:
    """Return what a venue is called in a sentence."""
    return titles_of.title(venue)


def listed(venues: Sequence[str]) -> str:
    """Return several venues in a table: "Binance, OKX"."""
    return ", ".join(title(venue) for venue in venues)


def titles(venues: Sequence[str], last: str = "and") -> str:
    """Return several venues in a sentence."""
    return joined([title(venue) for venue in venues], last)


def word(venues: Sequence[str]) -> str:
    """Return the word of a button that asks for these venues again; empty for all."""
    if not venues:
        return ""
    names = ",".join(_SHORT.get(venue, venue) for venue in venues)
    return names if FORM.fullmatch(names) else f"{EXCHANGE.name}={names}"


def share(part: float) -> str:
    """Return a part of the whole: "62%", "<1%"."""
    return text.share(part)


def shares(parts: Mapping[str, float]) -> str:
    """Return each venue's part in a line, the largest first: "Binance 62%, OKX 38%"."""
    ordered = sorted(parts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{title(venue)} {share(part)}" for venue, part in ordered)


def complete(typed: str, known: Sequence[str]) -> list[str]:
    """Return what the venues being typed could become: the last one finished, those before it kept."""
    before, comma, last = typed.lower().rpartition(",")
    had = before.split(",") if comma else []
    offered = [venue for venue in known if venue.startswith(last) and venue not in had]
    found = [f"{before}{comma}{venue}" for venue in offered]
    return found if comma else [*found, *([ALL] if ALL.startswith(last) else [])]
