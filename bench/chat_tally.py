"""Count what a crowd asked and what it was answered: plain numbers that go from process to process."""

import time
from dataclasses import asdict, dataclass, field
from typing import Self

ACK_S = 3.0
"""How long a platform waits for the first sign that a command or a press has arrived."""


@dataclass(slots=True)
class Tally:
    """What came of a load: waits in seconds, and how many were never answered, or acknowledged too late."""

    asked: int = 0
    reply_s: list[float] = field(default_factory=list)
    ack_s: list[float] = field(default_factory=list)
    pictures: int = 0
    unanswered: int = 0
    missed_acks: int = 0
    errors: int = 0

    def plain(self) -> dict[str, object]:
        """Return the tally as it goes over a wire."""
        return asdict(self)

    def add(self, other: Self) -> None:
        """Take another tally's figures in."""
        self.asked += other.asked
        self.reply_s += other.reply_s
        self.ack_s += other.ack_s
        self.pictures += other.pictures
        self.unanswered += other.unanswered
        self.missed_acks += other.missed_acks
        self.errors += other.errors


class Wait:
    """One request on its way: when it was asked, acknowledged and answered."""

    def __init__(self) -> None:
        self.asked_s = time.perf_counter()
        self.ack_s: float | None = None
        self.reply_s: float | None = None
        self.picture = False

    def acknowledged(self) -> None:
        """Note the first sign of it."""
        if self.ack_s is None:
            self.ack_s = time.perf_counter() - self.asked_s

    def answered(self, *, picture: bool = False) -> None:
        """Note its answer."""
        if self.reply_s is None:
            self.reply_s = time.perf_counter() - self.asked_s
            self.picture = picture

    def count(self, tally: Tally, *, acks: bool) -> None:
        """Put what came of it into a tally; `acks` says whether the platform wants a sign in time."""
        tally.asked += 1
        if acks:
            late = self.ack_s is None or self.ack_s > ACK_S
            tally.missed_acks += late
            tally.ack_s += [] if self.ack_s is None else [self.ack_s]
        if self.reply_s is None:
            tally.unanswered += 1
        else:
            tally.reply_s.append(self.reply_s)
            tally.pictures += self.picture
