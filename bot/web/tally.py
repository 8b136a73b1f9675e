"""Count what the stream does, for `/metrics` and `/ws/stats`."""

from collections import Counter
from dataclasses import dataclass, field

REASONS = ("off", "full", "address")
"""Why a client may not be let in: the stream is off, has no place, or none for one more of its address."""


@dataclass(slots=True)
class Tally:
    """Count what all clients of a stream were sent and said, and what the slow ones missed.

    `closed` are clients cut off for being slow, `refused` those that were not let in, by the reason;
    `spread_s` is how long it took to write what was published to all whom it concerned.
    """

    sent: int = 0
    bytes: int = 0
    dropped: int = 0
    slow: int = 0
    closed: int = 0
    opened: int = 0
    heard: int = 0
    snapshots: int = 0
    published: int = 0
    spread_s: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
