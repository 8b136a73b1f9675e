"""Say what came out of a frame or an answer: events, what the venue said of a request, and what was dropped.

Parsing never raises for what a venue sends, and never invents: what cannot be understood is counted under a
reason.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from engine.model import VenueEvent


class Dropped(StrEnum):
    """Why something that came in was not turned into an event."""

    NOT_JSON = "not_json"
    UNKNOWN = "unknown_message"  # well formed, but of a kind that nobody asked for
    MALFORMED = "malformed"  # a field is missing or of another type
    IMPOSSIBLE = "impossible"  # a price of zero, a quantity below it, a time before 2009
    NO_INSTRUMENT = "no_instrument"  # of a symbol that is not known
    NOT_LINEAR = "not_linear"  # coin-margined or otherwise not what we read
    CONTRADICTORY = "contradictory"  # two fields that cannot both be true
    INTERNAL = "internal"  # of the venue itself, such as a vault that is deleveraged


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a venue said to a request on a stream: the id it answers, its code and words, what it is about."""

    ok: bool
    request_id: str = ""
    code: str = ""
    text: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What one frame or answer held.

    `alive` says that it was a sign of life only (a pong, a greeting). `closing` says that the venue is about
    to close the connection, so that another one should be opened first. `backlog` says that the events may be
    old and have come before: they fill history, and alert nobody.
    """

    events: tuple[VenueEvent, ...] = ()
    answers: tuple[Answer, ...] = ()
    dropped: Counter[Dropped] = field(default_factory=Counter)
    alive: bool = False
    closing: bool = False
    backlog: bool = False


def lost(reason: Dropped, count: int = 1) -> Parsed:
    """Return that nothing came out, and why."""
    return Parsed(dropped=Counter({reason: count}))
