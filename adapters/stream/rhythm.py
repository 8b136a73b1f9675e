"""Learn how a topic usually speaks, in a few numbers, and how long it may be silent. Times are seconds."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from adapters.stream.dialect import Channel
from adapters.venue import Feed

FACTOR = 5.0
"""A topic may be silent for so many times its usual gap."""
LONGEST = 3
"""Its usual gap is the third-longest of late: two that were longer by accident are forgiven."""
MEMORY_S = 3600.0
"""Gaps are remembered for one to two times this long."""
LEARNT_S = 300.0
SPOKEN = 30
"""How long, and in how many different seconds, a topic must have been heard before its rhythm is known."""
LENIENT = 16.0
"""The patience with a topic that was silent grows up to so many times."""


class Bounds(NamedTuple):
    """A topic is never called silent before `floor_s`, nor judged by a rhythm that allows `ceiling_s`."""

    floor_s: float
    ceiling_s: float


BOUNDS: Mapping[Feed, Bounds] = {
    Feed.PRICES: Bounds(20.0, 600.0),
    Feed.CANDLES: Bounds(45.0, 900.0),
    Feed.OPEN_INTEREST: Bounds(20.0, 900.0),
    Feed.FUNDING: Bounds(20.0, 900.0),
}
"""Liquidations are left out: they have no rhythm."""


@dataclass(slots=True, kw_only=True)
class Bout:
    """One silence of a topic: since when (ms UTC, ours), what was tried, and when to look at it again."""

    since_ms: int
    tried: int = 0
    tried_s: float = 0.0
    next_s: float = 0.0


class Rhythm:
    """Know one topic's usual gap between messages; it outlives connections.

    `heard_s` is when it was heard last, `from_s` from when on its silence counts: it may have been asked for
    since. A gap above `mark_s` is to be told by `gap`, shorter ones teach nothing.
    """

    __slots__ = (
        "_before", "_began_s", "_lenient", "_longest", "_second", "_spoken", "_turned_s",
        "bout", "channel", "from_s", "heard_s", "mark_s",
    )  # fmt: skip

    def __init__(self, channel: Channel, now_s: float) -> None:
        self.channel = channel
        self.bout: Bout | None = None
        self.heard_s = self.from_s = self._began_s = self._turned_s = now_s
        self.mark_s = 0.0
        self._second = now_s
        self._spoken = 0
        self._lenient = 1.0
        self._longest: list[float] = []
        self._before: list[float] = []

    @property
    def usual_s(self) -> float | None:
        """Return the usual gap, None while it is not known."""
        longest = sorted(self._before + self._longest)[-LONGEST:]
        known = self._spoken >= SPOKEN and self.heard_s - self._began_s >= LEARNT_S
        return longest[0] if known and len(longest) == LONGEST else None

    def gap(self, gap_s: float, now_s: float) -> None:
        """Learn a gap that ended."""
        if self._spoken < SPOKEN and now_s - self._second >= 1.0:
            self._spoken, self._second = self._spoken + 1, now_s
        insort(self._longest, gap_s)
        del self._longest[:-LONGEST]
        if self._spoken >= SPOKEN and len(self._longest) == LONGEST:
            self.mark_s = self._longest[0]

    def turn(self, now_s: float) -> None:
        """Forget what is too old; to be called now and then. What is silent now is not forgotten."""
        if now_s - self._turned_s >= MEMORY_S and self.heard_s > self._turned_s:
            self._before, self._longest, self._turned_s = self._longest, [], now_s
            self._lenient = max(1.0, self._lenient / 2)
            self.mark_s = 0.0

    def bear(self, gap_s: float) -> None:
        """Be more patient for a while; it was silent for so long by itself, 0 where it may have been mute."""
        self._lenient = min(LENIENT, 2 * self._lenient)
        if gap_s > 0:
            self._longest = [gap_s] * LONGEST

    def patience_s(self) -> float | None:
        """Return how long it may be silent, None where its silence proves nothing.

        One that comes whatever the market does is never given longer than its venue promises.
        """
        bounds = BOUNDS.get(self.channel.feed)
        if bounds is None:
            return None
        usual_s, promised_s = self.usual_s, None
        if self.channel.steady and self.channel.silent_s is not None:
            promised_s = max(self.channel.silent_s, bounds.floor_s)
        if usual_s is None or FACTOR * self._lenient * usual_s > bounds.ceiling_s:
            return promised_s
        own_s = max(FACTOR * self._lenient * usual_s, bounds.floor_s)
        return own_s if promised_s is None else min(own_s, promised_s)
