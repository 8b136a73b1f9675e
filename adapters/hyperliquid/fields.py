"""Read single fields of what Hyperliquid sends, and say why one cannot be read.

Numbers come as strings, times as whole milliseconds. Nothing here guesses: a field is what it should be, or
`Unreadable` says under which reason the row that holds it is dropped.
"""

import math
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from adapters.decoding import strictly_decoded
from adapters.instruments import Instrument, Instruments
from adapters.parsed import Answer, Dropped, Parsed, Tally
from engine.errors import DataError
from engine.model import DAY_MS, VenueEvent

VENUE = "hyperliquid"
EARLIEST_MS = 1_230_768_000_000
"""2009: no contract is older."""
_NUMBER = frozenset("0123456789+-.eE")

Row = Mapping[str, object]


class Unreadable(DataError):
    """Say why a row is dropped."""

    def __init__(self, reason: Dropped) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(slots=True)
class Batch:
    """Gather what one frame or answer held while it is read."""

    received_ms: int
    events: list[VenueEvent] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    dropped: Tally = field(default_factory=Tally)
    alive: bool = False
    backlog: bool = False

    def parsed(self) -> Parsed:
        """Return what was gathered."""
        return Parsed(
            events=tuple(self.events),
            answers=tuple(self.answers),
            dropped=self.dropped,
            alive=self.alive,
            backlog=self.backlog,
        )


def decoded(text: str) -> object:
    """Return a JSON text as Python values; raise Unreadable for anything else, NaN and Infinity included."""
    try:
        return strictly_decoded(text)
    except (ValueError, RecursionError):
        raise Unreadable(Dropped.NOT_JSON) from None


def number(value: object) -> float:
    """Return a finite number, given as a string or as a number."""
    if isinstance(value, str):
        if not _NUMBER.issuperset(value):
            raise Unreadable(Dropped.MALFORMED)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(Dropped.MALFORMED)
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise Unreadable(Dropped.MALFORMED) from None
    if not math.isfinite(found):
        raise Unreadable(Dropped.IMPOSSIBLE)
    return found


def positive(value: object) -> float:
    """Return a number above 0."""
    found = number(value)
    if found <= 0:
        raise Unreadable(Dropped.IMPOSSIBLE)
    return found


def not_negative(value: object) -> float:
    """Return a number that is 0 or above."""
    found = number(value)
    if found < 0:
        raise Unreadable(Dropped.IMPOSSIBLE)
    return found


def moment(value: object, received_ms: int) -> int:
    """Return a time, ms UTC, after 2009 and not more than a day after we got it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unreadable(Dropped.MALFORMED)
    if not EARLIEST_MS <= value <= received_ms + DAY_MS:
        raise Unreadable(Dropped.IMPOSSIBLE)
    return value


def text(value: object) -> str:
    """Return a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise Unreadable(Dropped.MALFORMED)
    return value


def row(value: object) -> Row:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise Unreadable(Dropped.MALFORMED)
    return value


def rows(value: object) -> Sequence[object]:
    """Return a JSON array."""
    if not isinstance(value, list):
        raise Unreadable(Dropped.MALFORMED)
    return value


def instrument(instruments: Instruments, coin: object) -> Instrument:
    """Return what a coin's name stands for; names are case-sensitive.

    Spot pairs (`@107`, `PURR/USDC`) and markets of other dexs (`xyz:TSLA`) are not read.
    """
    name = text(coin)
    found = instruments.native(name)
    if found is None:
        raise Unreadable(Dropped.NOT_LINEAR if elsewhere(name) else Dropped.NO_INSTRUMENT)
    return found


def elsewhere(name: str) -> bool:
    """Say whether a name is of a spot pair or of another dex."""
    return name[0] == "@" or ":" in name or "/" in name


def bought(side: object) -> bool:
    """Say whether a trade's or fill's side is "B" (bought) rather than "A" (sold)."""
    if side not in ("A", "B"):
        raise Unreadable(Dropped.MALFORMED)
    return side == "B"


def plain(value: object, limit: int = 300) -> str:
    """Return what a venue said as a text that can be shown and logged."""
    said = value if isinstance(value, str) else repr(value)
    return said[:limit].encode("utf-8", "replace").decode("utf-8")


def each_row(values: Sequence[object], dropped: MutableMapping[Dropped, int]) -> Iterator[Row]:
    """Yield the objects of an array; what is none is counted."""
    for value in values:
        if isinstance(value, dict):
            yield value
        else:
            dropped[Dropped.MALFORMED] += 1
