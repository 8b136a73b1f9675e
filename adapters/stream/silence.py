"""Notice that a connection fell silent: all of it, or the whole of one feed. Waits are seconds.

What one topic alone does is `muted`'s to know.
"""

from collections.abc import Collection, Iterator, Mapping

from adapters.rest.waiting import Clock
from adapters.stream.dialect import FEEDS, KINDS, Channel, Manners
from adapters.venue import Feed
from engine.model import VenueEvent

HELD_S = 1.0
"""Waiting this long for room in the queue excuses a venue from being silent meanwhile."""
PATIENT_S = 21_600.0
"""The longest that is waited for a feed that is silent alone, unless its own time is longer."""


class Patience:
    """Know for how long feeds may be silent where others talk; it outlives connections.

    One whose silence ended a connection on which others talked is waited for twice as long on the next, so
    that these are not cut again and again for it; until it was heard for as long as that.
    """

    def __init__(self) -> None:
        self._times: dict[Feed, float] = {}

    @property
    def stretched(self) -> bool:
        """Say whether anything is waited for longer than usual."""
        return bool(self._times)

    def stretches(self, feed: Feed) -> bool:
        """Say whether a feed is waited for longer than usual."""
        return feed in self._times

    def of(self, feed: Feed, silent_s: float) -> float:
        """Return how long a feed may be silent that may usually be so for `silent_s`."""
        return min(silent_s * self._times.get(feed, 1.0), max(silent_s, PATIENT_S))

    def bear(self, feed: Feed) -> None:
        """Wait for twice as long from now on."""
        self._times[feed] = 2.0 * self._times.get(feed, 1.0)

    def end(self, feed: Feed) -> None:
        """Wait for as long as usual from now on."""
        self._times.pop(feed, None)


class Silence:
    """Know when a connection was heard last; `topics` are its own, as they stand.

    `heard_ms` is until when it was heard (ms UTC, ours): when anything came last, or the feed that stalled.
    """

    def __init__(
        self, manners: Manners, clock: Clock, topics: Mapping[str, Channel], patience: Patience
    ) -> None:
        self._manners = manners
        self._clock = clock
        self._topics = topics
        self._patience = patience
        self._kinds: dict[type[VenueEvent], float] = {}
        self._since: dict[type[VenueEvent], float] = {}
        self._held = False
        self.said = False
        """Whether anything that was asked for ever came."""
        self.stalled = False
        """Whether anything was found silent."""
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._frame_s = self._excused_s = self._clock.monotonic()
        self.heard_ms = self._clock.wall_ms()

    def frame(self, now_ms: int, *, given_up: bool) -> float:
        """Note that a frame came, and return when; once given up, what still comes hides no gap."""
        self._frame_s = self._clock.monotonic()
        if not given_up:
            self.heard_ms = now_ms
        return self._frame_s

    def hold(self, events: Collection[VenueEvent]) -> None:
        """Note what a frame held: until `free`, it is we who do not read."""
        for event in events:
            self._kinds[type(event)] = self._frame_s
        if self._patience.stretched:
            self._regain({type(event) for event in events})
        self._held = self.said = True

    def free(self) -> bool:
        """Read on; say whether it was a long wait, after which what came meanwhile is not known yet."""
        self._held, now_s = False, self._clock.monotonic()
        long = now_s - self._frame_s > HELD_S
        if long:
            self._excused_s = now_s
        return long

    def expect(self, feed: Feed) -> bool:
        """Expect a feed from now on; say whether that is new."""
        new, now_s = KINDS[feed] not in self._kinds, self._clock.monotonic()
        self._since.setdefault(KINDS[feed], now_s)
        if new:
            self._kinds[KINDS[feed]] = now_s
        return new

    def forget(self, feed: Feed) -> None:
        """Expect a feed no longer, unless a topic still gives it."""
        if all(each.feed is not feed for each in self._topics.values()):
            self._kinds.pop(KINDS[feed], None)
            self._since.pop(KINDS[feed], None)

    def found(self, now_s: float) -> str:
        """Return what has been silent for too long, in words, and keep since when.

        "" stands for nothing, also while it is we who do not read.
        """
        if self._held:
            return ""
        for feed, silent_s, heard_s in self._silences():
            if now_s >= heard_s + silent_s:
                name = "everything" if feed is None else str(feed)
                silent_ms = self._clock.wall_ms() - round((now_s - heard_s) * 1000)
                self.heard_ms = min(self.heard_ms, silent_ms)
                self.stalled = True
                if feed is not None and self._others_talked(feed):
                    self._patience.bear(feed)
                return f"{name.replace('_', ' ')} fell silent for {now_s - heard_s:.0f} s"
        return ""

    def due_s(self) -> float:
        """Return when it has to be looked at next."""
        if self._held:
            return self._clock.monotonic() + HELD_S
        return min(heard_s + silent_s for _, silent_s, heard_s in self._silences())

    def _regain(self, kinds: Collection[type[VenueEvent]]) -> None:
        """Be as patient as ever with feeds that are heard for long enough."""
        for kind in kinds:
            feed, since_s = FEEDS[kind], self._since.get(kind)
            if self._patience.stretches(feed) and since_s is not None:
                usual_s = self._usual_s(feed)
                if usual_s is not None and self._frame_s - since_s >= self._patience.of(feed, usual_s):
                    self._patience.end(feed)

    def _others_talked(self, silent: Feed) -> bool:
        """Say whether any other feed was heard since it was asked for."""
        since = self._since.items()
        return any(FEEDS[kind] is not silent and self._kinds[kind] > since_s for kind, since_s in since)

    def _usual_s(self, feed: Feed) -> float | None:
        """Return for how long a feed may usually be silent, None where that proves nothing."""
        known = [c.silent_s for c in self._topics.values() if c.feed is feed and c.silent_s is not None]
        return min(known) if known else None

    def _silences(self) -> Iterator[tuple[Feed | None, float, float]]:
        """Return what may be silent (None: all of it), for how many seconds, and when it was heard last."""
        yield None, self._manners.silent_s, max(self._frame_s, self._excused_s)
        for kind, heard_s in self._kinds.items():
            usual_s = self._usual_s(feed := FEEDS[kind])
            if usual_s is not None:
                yield feed, self._patience.of(feed, usual_s), max(heard_s, self._excused_s)
