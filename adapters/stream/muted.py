"""Notice topics that fell silent while their connection talks on, and say what is to be done about them.

A topic is asked for anew first; if that does not help, its connection is renewed, once; then it is asked for
ever more seldom until it is heard again. Times are seconds of the clock, `*_ms` are UTC, ours.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from adapters.rest.limits import Budget, Limit
from adapters.stream.dialect import KINDS, Channel
from adapters.stream.rhythm import BOUNDS, Bout, Rhythm
from adapters.stream.silence import Patience
from adapters.stream.wiring import Wiring
from adapters.venue import Feed
from engine.model import VenueEvent

TALK_S = 10.0
"""A connection without any event for so long does not talk: silence of its topics counts anew after that."""
LOOK_S = 5.0
"""How often topics are looked at."""
CURED_S = 10.0
"""A topic that is heard so soon after something was done about it had been mute."""
ANEW = Limit(name="asked anew", budget=20, window_s=3600.0)
"""How many topics are asked for anew on a connection; of more, the connection is renewed."""
REST_S, REST_MOST_S = 900.0, 21_600.0
"""How long a topic that nothing helped is left alone: twice as long each time."""
RENEW_S, RENEW_MOST_S = 600.0, 21_600.0
"""How long a line's connection is not renewed again: twice as long each time, until it stood for the most."""
APART_S = 60.0
"""How far apart two connections of a venue are renewed: no venue allows many more than are needed."""


class Back(NamedTuple):
    """A topic that was mute and is heard again, and since when it was not (ms UTC, ours)."""

    topic: str
    since_ms: int


class Rhythms:
    """Know how the topics of a line speak, and when its connection may be renewed; outlives connections."""

    def __init__(self, wiring: Wiring) -> None:
        self.known: dict[str, Rhythm] = {}
        self.patience = Patience()
        self._wiring = wiring
        self._renewed_s = -math.inf
        self._pause_s = RENEW_S

    def of(self, channel: Channel) -> Rhythm | None:
        """Return how a topic speaks, None where nothing can be told of it alone."""
        if not channel.symbol or channel.feed not in BOUNDS:
            return None
        rhythm = self.known.get(channel.topic)
        if rhythm is None:
            rhythm = self.known[channel.topic] = Rhythm(channel, self._wiring.clock.monotonic())
        return rhythm

    def forget(self, topic: str) -> None:
        """Forget a topic that is not wanted any more."""
        if self.known.pop(topic, None) is not None:
            self._wiring.health.unmute(topic)

    def clear(self) -> None:
        """Forget every topic."""
        for topic in list(self.known):
            self.forget(topic)

    def renew(self, now_s: float) -> bool:
        """Say whether the connection may be renewed now; if so, it is taken to be."""
        if now_s < self._wiring.renewed_s + APART_S or now_s < self._renewed_s + self._pause_s:
            return False
        long_ago = now_s - self._renewed_s >= RENEW_MOST_S
        self._pause_s = RENEW_S if long_ago else min(2 * self._pause_s, RENEW_MOST_S)
        self._renewed_s = self._wiring.renewed_s = now_s
        return True


class Muted:
    """Watch the topics of one connection; `topics` are its own, as they stand.

    `anew` holds the topics that are to be asked for anew, `renew` says that the connection should be renewed,
    `back` which topics are heard again; whoever acts on them clears them.
    """

    def __init__(self, wiring: Wiring, topics: Mapping[str, Channel], rhythms: Rhythms) -> None:
        self.anew: set[str] = set()
        self.back: list[Back] = []
        self.renew = False
        self._clock = wiring.clock
        self._health = wiring.health
        self._topics = topics
        self._rhythms = rhythms
        self._by: dict[tuple[type[VenueEvent], str], Rhythm] = {}
        self._asked = Budget(ANEW)
        self._forgetful = False
        self._talked_s = -math.inf
        self._since_s = self._looked_s = wiring.clock.monotonic()

    @property
    def due_s(self) -> float:
        """Return when topics have to be looked at next."""
        return self._looked_s + LOOK_S if self._by else math.inf

    def expect(self, channel: Channel) -> None:
        """Count a topic's silence from now on."""
        rhythm = self._rhythms.of(channel)
        if rhythm is None:
            return
        rhythm.from_s = self._clock.monotonic()
        if rhythm.bout is not None:
            rhythm.bout.tried_s = rhythm.from_s
        for feed in {channel.feed, *channel.also}:
            self._by.setdefault((KINDS[feed], channel.symbol), rhythm)

    def forget(self, channel: Channel) -> None:
        """Expect a topic no longer."""
        self._by = {key: each for key, each in self._by.items() if each.channel.topic != channel.topic}

    def excuse(self) -> None:
        """Count every silence from now on: it was we who did not read."""
        self._since_s = self._clock.monotonic()

    def heard(self, events: Iterable[VenueEvent], now_s: float) -> None:
        """Take in what a frame held."""
        if now_s - self._talked_s > TALK_S:
            self._since_s = now_s
        self._talked_s = now_s
        by = self._by
        for event in events:
            rhythm = by.get((type(event), event.symbol))
            if rhythm is not None:
                if now_s - rhythm.heard_s > rhythm.mark_s:
                    self._ended(rhythm, now_s)
                rhythm.heard_s = now_s

    def look(self, now_s: float) -> None:
        """Look for topics that have been silent for too long."""
        self._looked_s = now_s
        if now_s - self._talked_s > TALK_S:
            return
        if self._forgetful and self._rhythms.renew(now_s):
            self._forgetful, self.renew = False, True
        for topic in self._topics:
            rhythm = self._rhythms.known.get(topic)
            if rhythm is not None:
                rhythm.turn(now_s)
                if self._is_silent(rhythm, now_s):
                    self._see_to(rhythm, now_s)

    def _is_silent(self, rhythm: Rhythm, now_s: float) -> bool:
        if now_s - rhythm.heard_s < BOUNDS[rhythm.channel.feed].floor_s:
            return False
        patience_s = rhythm.patience_s()
        if patience_s is None or (rhythm.bout is not None and now_s < rhythm.bout.next_s):
            return False
        return now_s - self._counted_from_s(rhythm) >= patience_s

    def _counted_from_s(self, rhythm: Rhythm) -> float:
        return max(rhythm.heard_s, rhythm.from_s, self._since_s)

    def _see_to(self, rhythm: Rhythm, now_s: float) -> None:
        """Do the next thing about a topic that is silent."""
        topic = rhythm.channel.topic
        if rhythm.bout is None:
            since_ms = self._clock.wall_ms() - round((now_s - rhythm.heard_s) * 1000)
            rhythm.bout, rhythm.mark_s = Bout(since_ms=since_ms), 0.0
            self._health.mute(topic, since_ms)
        bout = rhythm.bout
        may_ask = self._asked.delay_s(1, now_s) <= 0
        if bout.tried == 1 or not may_ask:
            if not (self.renew or self._rhythms.renew(now_s)):
                return
            self.renew, bout.tried, bout.next_s = True, max(bout.tried, 2), now_s + REST_S
            return
        self._asked.done(self._asked.take(1, now_s), now_s)
        self.anew.add(topic)
        bout.tried += 1
        bout.tried_s = now_s
        if bout.tried > 2:
            bout.next_s = now_s + min(REST_S * 2.0 ** (bout.tried - 2), REST_MOST_S)

    def _ended(self, rhythm: Rhythm, now_s: float) -> None:
        """Learn a gap that is worth it; if it was a silence, see whether it was we who ended it."""
        bout, topic = rhythm.bout, rhythm.channel.topic
        if bout is None:
            rhythm.gap(now_s - self._counted_from_s(rhythm), now_s)
            return
        cured = bout.tried > 0 and now_s - bout.tried_s <= max(CURED_S, rhythm.usual_s or 0.0)
        rhythm.bout = None
        rhythm.bear(0.0 if cured else now_s - rhythm.heard_s)
        self._health.unmute(topic)
        if cured:
            self.back.append(Back(topic, bout.since_ms))
            liquidations = any(each.feed is Feed.LIQUIDATIONS for each in self._topics.values())
            self._forgetful = self._forgetful or (bout.tried == 1 and liquidations)
