"""Say what came out of a frame or an answer: events, what the venue said of a request, and what was dropped.

Parsing never raises for what a venue sends, and never invents: what cannot be understood is counted under a
reason.
"""

from collections.abc import Iterable, Mapping
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


Found = VenueEvent | Dropped
"""What is made of one row: an event, or why there is none."""


class Tally(dict[Dropped, int]):
    """Count reasons; one that was not met counts 0. Made faster than a Counter: one is made a frame."""

    def __missing__(self, _: Dropped) -> int:
        return 0

    def total(self) -> int:
        """Return how many were counted."""
        return sum(self.values())


NOTHING: Mapping[Dropped, int] = Tally()
"""What was dropped of almost every frame: shared, and so a Mapping, which nobody adds to."""


def more(dropped: Mapping[Dropped, int], reason: Dropped) -> Mapping[Dropped, int]:
    """Return what was dropped, and one more."""
    return Tally({**dropped, reason: dropped[reason] + 1})


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
    dropped: Mapping[Dropped, int] = field(default_factory=lambda: NOTHING)
    alive: bool = False
    closing: bool = False
    backlog: bool = False


def lost(reason: Dropped, count: int = 1) -> Parsed:
    """Return that nothing came out, and why."""
    return Parsed(dropped=Tally({reason: count}))


def collected(found: Iterable[Found], *, alive_if_empty: bool = False) -> Parsed:
    """Part events from reasons, in their order; where there are neither, it may be a sign of life."""
    events: list[VenueEvent] = []
    dropped = NOTHING
    for each in found:
        if isinstance(each, Dropped):
            dropped = more(dropped, each)
        else:
            events.append(each)
    return Parsed(events=tuple(events), dropped=dropped, alive=alive_if_empty and not events and not dropped)
