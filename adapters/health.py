"""Know how a venue is doing: written by what reads it, read by whoever shows it.

Ages and waits are seconds of a monotonic clock, `*_ms` are UTC.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from adapters.venue import Feed, VenueHealth, VenueState

RATE_S = 60
"""Over how many seconds messages are counted for a rate."""
KEPT_REFUSED = 100
"""How many refused topics are named; more are only counted."""
TEXT = 300
"""How much of an error is kept, characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """How much of a limit is used up now, of how much."""

    used: int
    budget: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSnapshot:
    """One venue's health at a moment, as plain values.

    `ages_s` holds the seconds since the last event of each feed, None before the first; `lines` is how many
    connections there should be and `lines_up` how many there are; `skew_ms` is the venue's clock less ours,
    None while unknown; `refused` says which topics the venue refuses, and why; `silent` which ones are silent
    while others talk, and since when (ms UTC, ours). `last_error` is for whoever runs this; `note` is a
    sentence that anybody may read, empty where there is nothing to say.
    """

    venue: str
    state: VenueState
    ages_s: Mapping[Feed, float | None]
    messages: int
    messages_per_s: float
    last_event_ms: int | None
    lines: int
    lines_up: int
    reconnects: int
    gaps_filled: int
    limits: Mapping[str, LimitUse]
    skew_ms: float | None
    dropped: Mapping[str, int]
    refused: Mapping[str, str]
    refusals: int
    last_error: str
    final: str
    note: str = ""
    silent: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Say whether data is flowing, or is held on purpose."""
        return self.state in (VenueState.UP, VenueState.PAUSED, VenueState.ENDED)

    @property
    def silent_s(self) -> float | None:
        """Return the seconds since anything was heard of any feed, None before the first event."""
        return min((age for age in self.ages_s.values() if age is not None), default=None)


class HasHealth(Protocol):
    """Be a source, or what stands before it, that says how its venues are."""

    def health(self) -> list[VenueHealth]:
        """Return how each venue is doing now."""


@runtime_checkable
class Measured(Protocol):
    """Be a source whose venues are measured, and not only named up or down."""

    def snapshots(self) -> list[HealthSnapshot]:
        """Return each venue's health in full."""


def snapshots_of(source: HasHealth) -> list[HealthSnapshot]:
    """Return each venue's health in full; of one that is not measured, what is said of it."""
    return source.snapshots() if isinstance(source, Measured) else [unmeasured(b) for b in source.health()]


def unmeasured(brief: VenueHealth) -> HealthSnapshot:
    """Return what is said of a venue as a snapshot: feeds without ages, no rates, no limits."""
    return HealthSnapshot(
        venue=brief.venue,
        state=brief.state,
        ages_s=dict.fromkeys(sorted(brief.feeds)),
        messages=brief.messages,
        messages_per_s=0.0,
        last_event_ms=brief.last_event_ms,
        lines=0,
        lines_up=0,
        reconnects=brief.reconnects,
        gaps_filled=0,
        limits={},
        skew_ms=None,
        dropped={},
        refused={},
        refusals=0,
        last_error="",
        final="",
        note=brief.detail,
    )


@dataclass(slots=True)
class _Tally:
    """What is counted from the start on."""

    messages: int = 0
    reconnects: int = 0
    gaps_filled: int = 0
    refusals: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class Health:
    """Gather what is known of one venue; `monotonic` returns seconds."""

    def __init__(self, venue: str, monotonic: Callable[[], float]) -> None:
        self.venue = venue
        self.tally = _Tally()
        self.skew_ms: float | None = None
        self.last_error = ""
        self.meter: Callable[[], Mapping[str, LimitUse]] = dict
        """Return how much of each limit is used now; whoever counts sets it."""
        self._final = ""
        self._monotonic = monotonic
        self._seen: dict[Feed, float | None] = {}
        self._last_event_ms: int | None = None
        self._seconds: deque[list[int]] = deque(maxlen=RATE_S + 1)
        self._lines: dict[int, VenueState] = {}
        self._speechless: set[int] = set()
        self._refused: dict[str, str] = {}
        self._silent: dict[str, int] = {}
        self._began_s = monotonic()

    def expect(self, feed: Feed) -> None:
        """Say that a feed was asked for: it is listed from now on, silent or not."""
        self._seen.setdefault(feed, None)

    def frame(self) -> None:
        """Count one message that came in."""
        self.tally.messages += 1
        second = int(self._monotonic())
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1] += 1
        else:
            self._seconds.append([second, 1])

    def event(self, feed: Feed, ts_ms: int) -> None:
        """Note an event of a feed and the venue's time of it."""
        self._seen[feed] = self._monotonic()
        self._last_event_ms = max(ts_ms, self._last_event_ms or 0)

    def line(self, number: int, state: VenueState | None) -> None:
        """Say how one connection is doing, None for one that is no longer wanted."""
        if state is None:
            self._lines.pop(number, None)
            self._speechless.discard(number)
        else:
            self._lines[number] = state

    def speechless(self, number: int) -> None:
        """Note that a connection was accepted, and that nothing ever came on it."""
        self._speechless.add(number)

    def speak(self, number: int) -> None:
        """Note that something came on a connection."""
        self._speechless.discard(number)

    def error(self, text: str) -> None:
        """Keep the last error, for the log and for whoever runs this."""
        self.last_error = text[:TEXT]

    def end(self, reason: str) -> None:
        """Say that the venue will not be asked again, and why: users read it."""
        self._final = reason[:TEXT]
        self.error(reason)

    def refuse(self, topic: str, reason: str) -> None:
        """Note that the venue refuses a topic."""
        self.tally.refusals += 1
        if topic in self._refused or len(self._refused) < KEPT_REFUSED:
            self._refused[topic] = reason[:TEXT]

    def accept(self, topic: str) -> None:
        """Forget that a topic was refused."""
        self._refused.pop(topic, None)

    def mute(self, topic: str, since_ms: int) -> None:
        """Note that a topic is silent while others talk, and since when."""
        self._silent[topic] = since_ms

    def unmute(self, topic: str) -> None:
        """Note that a topic is heard again, or not wanted any more."""
        self._silent.pop(topic, None)

    @property
    def state(self) -> VenueState:
        """Return how the venue is doing as a whole: as well as its connections are."""
        states = set(self._lines.values())
        if self._final:
            return VenueState.DOWN
        if not states:
            return VenueState.CONNECTING
        if len(states) == 1:
            return next(iter(states))
        if states == {VenueState.UP, VenueState.CONNECTING}:
            return VenueState.CONNECTING
        return VenueState.STALE if VenueState.UP in states else VenueState.DOWN

    @property
    def messages_per_s(self) -> float:
        """Return the messages a second over the last minute, or since the start if that is less."""
        now_s = self._monotonic()
        since_s = max(now_s - RATE_S, self._began_s)
        counted = sum(count for second, count in self._seconds if second >= int(since_s))
        return counted / max(now_s - since_s, 1.0)

    def snapshot(self) -> HealthSnapshot:
        """Return how the venue is now; what is returned does not change any more."""
        now_s = self._monotonic()
        up = sum(state is VenueState.UP for state in self._lines.values())
        return HealthSnapshot(
            venue=self.venue,
            state=self.state,
            ages_s={feed: None if at is None else now_s - at for feed, at in self._seen.items()},
            messages=self.tally.messages,
            messages_per_s=self.messages_per_s,
            last_event_ms=self._last_event_ms,
            lines=len(self._lines),
            lines_up=up,
            reconnects=self.tally.reconnects,
            gaps_filled=self.tally.gaps_filled,
            limits=dict(self.meter()),
            skew_ms=self.skew_ms,
            dropped=dict(self.tally.dropped),
            refused=dict(self._refused),
            refusals=self.tally.refusals,
            last_error=self.last_error,
            final=self._final,
            note=self._note(),
            silent=dict(self._silent),
        )

    def brief(self) -> VenueHealth:
        """Return the same in the words of the contract that all sources share."""
        return VenueHealth(
            venue=self.venue,
            state=self.state,
            last_event_ms=self._last_event_ms,
            messages=self.tally.messages,
            reconnects=self.tally.reconnects,
            feeds=frozenset(self._seen),
            detail=self._detail(),
        )

    def _note(self) -> str:
        """Return what anybody may read: nothing that a venue or a library said but its final answer."""
        state = self.state
        if self._final:
            return f"{self.venue} {self._final}"
        if self._speechless and state in (VenueState.DOWN, VenueState.STALE):
            return f"{self.venue} takes connections and then says nothing; it is tried again until it does"
        if state is VenueState.DOWN:
            return f"{self.venue} does not answer; it is tried again until it does"
        if state is VenueState.STALE:
            return f"{self.venue} is connected, but not everything asked for comes"
        return self._topic_words()

    def _topic_words(self) -> str:
        """Return what is to be said of single topics while the venue as a whole is well."""
        if self._silent:
            return f"{self.venue} is connected, but {len(self._silent)} of the topics asked for say nothing"
        return f"{self.venue} refuses {self._topics()}" if self._refused else ""

    def _topics(self) -> str:
        return f"{len(self._refused)} of the topics asked for"

    def _detail(self) -> str:
        if self._final:
            return f"{self.venue} {self._final}"
        if self.state in (VenueState.DOWN, VenueState.STALE) and self.last_error:
            return f"{self.venue}: {self.last_error}"
        return self._topic_words()
