"""A topic that is mute among others that talk is noticed by its own rhythm; an honest one is left alone."""

import math
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.health import Health
from adapters.stream import rhythm as rhythms
from adapters.stream.dialect import Channel
from adapters.stream.muted import APART_S, LOOK_S, RENEW_S, Muted, Rhythms
from adapters.stream.queue import Outage
from adapters.venue import Feed, VenueState
from engine.model import Candle, Liquidation, Tick

NOW = 1_760_000_000_000
DAY_S = 86_400.0
FLOOR_S, CEILING_S = rhythms.BOUNDS[Feed.PRICES]


class Clock:
    """Seconds that only tests move."""

    def __init__(self):
        self.now_s = 1_000.0

    def monotonic(self):
        return self.now_s

    def wall_ms(self):
        return NOW + round(self.now_s * 1_000)


class World:
    """One connection of a line, with a topic that is watched beside another one that always talks.

    What is asked for anew is granted at once; `asked` and `renewed` say when.
    """

    def __init__(self, feed=Feed.PRICES, *, wiring=None, **more):
        self.clock = wiring.clock if wiring else Clock()
        health = Health("x", self.clock.monotonic)
        self.wiring = wiring or SimpleNamespace(clock=self.clock, health=health, renewed_s=-math.inf)
        self.rhythms = Rhythms(self.wiring)
        self.channel = Channel(topic="a", feed=feed, url="", **({"symbol": "A"} | more))
        self.topics = {"a": self.channel}
        self.asked, self.renewed = [], []
        self.connect()

    def connect(self):
        self.muted = Muted(self.wiring, self.topics, self.rhythms)
        self.muted.expect(self.channel)

    def say(self, symbol):
        self.muted.heard([Tick(venue="x", symbol=symbol, ts=NOW, price=1.0)], self.clock.now_s)

    def second(self):
        """Let a second pass in which the other topic talks."""
        self.clock.now_s += 1.0
        self.say("B")
        if self.clock.now_s >= self.muted.due_s:
            self.muted.look(self.clock.now_s)
            if self.muted.renew:
                self.renewed.append(self.clock.now_s)
                self.connect()
            elif self.muted.anew:
                self.asked.append(self.clock.now_s)
                self.muted.anew.clear()
                self.muted.expect(self.channel)

    def talk(self, gaps_s):
        """Let the topic speak with these gaps between."""
        for gap_s in gaps_s:
            until_s = self.clock.now_s + gap_s
            while self.clock.now_s + 1.0 < until_s:
                self.second()
            self.clock.now_s = until_s
            self.say("A")

    def pass_s(self, seconds):
        until_s = self.clock.now_s + seconds
        while self.clock.now_s < until_s:
            self.second()

    @property
    def silent(self):
        return self.wiring.health.snapshot().silent


@settings(max_examples=40, deadline=None)
@given(least_s=st.floats(0.3, 150.0), shares=st.lists(st.floats(1.0, 4.9), min_size=40, max_size=120))
def test_one_whose_gaps_are_alike_is_never_called_silent(least_s, shares):
    world = World()
    world.talk(least_s * share for share in shares)
    assert (world.asked, world.renewed, world.silent) == ([], [], {})


@settings(max_examples=40, deadline=None)
@given(gap_s=st.floats(0.05, CEILING_S / 5 - 1), jitter=st.floats(0.0, 0.2))
def test_one_that_falls_mute_is_asked_for_anew_then_its_connection_is_renewed_once(gap_s, jitter):
    world = World()
    count = max(40, math.ceil(rhythms.LEARNT_S / gap_s) + 40)
    world.talk([gap_s * (1 + jitter * (number % 2)) for number in range(min(count, 7_000))])
    assert world.asked == []
    mute_s, limit_s = world.clock.now_s, max(FLOOR_S, 5 * gap_s * 1.2) + LOOK_S + 2
    world.pass_s(limit_s)
    assert len(world.asked) == 1
    assert world.asked[0] - mute_s >= min(FLOOR_S, 5 * gap_s)
    assert world.silent == {"a": pytest.approx(NOW + 1_000 * mute_s, abs=2)}
    assert world.renewed == []
    world.pass_s(limit_s)
    assert len(world.renewed) == 1
    world.pass_s(DAY_S / 4)
    assert len(world.asked) + len(world.renewed) <= 8
    assert len(world.renewed) == 1
    world.say("A")
    assert world.silent == {}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(1.0, 900.0)), min_size=30, max_size=80))
def test_connections_are_not_renewed_in_a_storm_whatever_their_topics_do(moves):
    first = World(steady=True, silent_s=30.0)
    lines = [first, *(World(wiring=first.wiring, steady=True, silent_s=30.0) for _ in range(3))]
    for number, seconds in moves:
        lines[number].say("A")
        until_s = first.clock.now_s + seconds
        while first.clock.now_s < until_s:
            for line in lines:
                line.second()
    every = sorted(at for line in lines for at in line.renewed)
    assert all(later - before >= APART_S for before, later in pairwise(every))
    for line in lines:
        each = line.renewed
        assert all(later - before >= RENEW_S for before, later in pairwise(each))
        assert len(line.asked) <= 20 * (1 + len(each) + (first.clock.now_s - 1_000) / 3_600)


def test_what_is_promised_is_missed_from_the_start():
    world = World(Feed.FUNDING, steady=True, silent_s=30.0)
    world.pass_s(40)
    assert len(world.asked) == 1
    quiet = World(Feed.CANDLES, silent_s=30.0)
    quiet.pass_s(DAY_S / 4)
    assert (quiet.asked, quiet.silent) == ([], {})


def test_liquidations_have_no_rhythm():
    world = World(Feed.LIQUIDATIONS)
    world.talk([2.0] * 400)
    world.pass_s(3_600)
    assert (world.asked, world.silent, world.rhythms.known) == ([], {}, {})


def test_a_connection_that_does_not_talk_excuses_its_topics():
    world = World()
    world.talk([1.0] * 400)
    for _ in range(50):
        world.clock.now_s += 11.0  # nothing at all comes
        world.muted.look(world.clock.now_s)
    world.say("B")
    world.muted.look(world.clock.now_s)
    assert world.muted.anew == set()
    world.pass_s(FLOOR_S - 2)
    assert world.asked == []
    world.pass_s(LOOK_S + 3)
    assert len(world.asked) == 1


def test_a_time_in_which_we_did_not_read_counts_for_nothing():
    world = World()
    world.talk([1.0] * 400)
    world.clock.now_s += FLOOR_S + 1
    world.muted.excuse()
    world.say("B")
    world.muted.look(world.clock.now_s)
    assert world.muted.anew == set()


def test_one_that_becomes_slow_by_itself_is_soon_left_alone():
    world = World()
    world.talk([1.0] * 400)
    world.talk([60.0] * 600)
    assert (len(world.asked), world.silent) == (1, {})
    assert len(world.renewed) <= 1


def test_memory_is_bounded_however_long_a_topic_talks():
    world = World()
    world.talk([0.5, 1.5, 40.0, 3.0] * 500)
    known = world.rhythms.known["a"]
    assert len(known._longest) + len(known._before) <= 2 * rhythms.LONGEST


# over sockets


@pytest.fixture
def quick(monkeypatch):
    """Let a rhythm be known soon."""
    monkeypatch.setattr(rhythms, "LEARNT_S", 20.0)
    monkeypatch.setattr(rhythms, "SPOKEN", 8)


@pytest.fixture
def until(kit):
    return kit.until


async def talk(venue, reader, until, topics, times, every_s=2.0):
    """Let topics speak some times; every frame is read before the next one."""
    for _ in range(times):
        for topic in topics:
            event = {"k": "tick", "s": topic.upper(), "ts": reader.clock.wall_ms()}
            if topic.startswith("c"):
                event |= {"k": "candle", "closed": False}
            heard = reader.stream.health.tally.messages
            told = await venue.push(topic, event)
            await until(lambda heard=heard, told=told: reader.stream.health.tally.messages >= heard + told)
        await reader.clock.advance(every_s)


def begin(make, *topics):
    reader = make()
    for topic in topics:
        feed = Feed.CANDLES if topic.startswith("c") else Feed.PRICES
        reader.want(topic, feed=feed, symbol=topic.upper())
    return reader


def asked(peer, topic):
    """Return how often a topic was asked for on a connection."""
    return sum(each["op"] == "subscribe" and topic in each["topics"] for each in peer.heard)


async def test_a_topic_that_the_venue_forgot_is_asked_for_anew(venue, make, quick, until):
    reader = begin(make, "a", "b", "c")
    await reader.up()
    await talk(venue, reader, until, "abc", 15)
    venue.peers[0].topics.discard("a")
    last_ms = reader.clock.wall_ms() - 2_000
    while asked(venue.peers[0], "a") < 2:
        await talk(venue, reader, until, "bc", 1)
    health = reader.stream.health.snapshot()
    assert health.silent == {"a": last_ms}
    assert health.note == "basics is connected, but 1 of the topics asked for say nothing"
    assert 20_000 <= reader.clock.wall_ms() - last_ms <= 30_000
    await until(lambda: "a" in venue.peers[0].topics)
    await talk(venue, reader, until, "abc", 1)
    (outage,) = reader.of(Outage)
    assert (outage.topics, outage.since_ms) == (("a",), last_ms)
    health = reader.stream.health.snapshot()
    assert (health.silent, health.note, health.reconnects) == ({}, "", 0)
    await talk(venue, reader, until, "abc", 20)
    assert (venue.opened, asked(venue.peers[0], "b"), asked(venue.peers[0], "a")) == (1, 1, 2)


async def test_what_asking_does_not_help_a_new_connection_does_without_a_gap(venue, make, quick, until):
    reader = begin(make, "a", "b")
    await reader.up()
    await talk(venue, reader, until, "ab", 15)
    venue.peers[0].dumb.add("a")
    while venue.opened < 2:
        await talk(venue, reader, until, "b", 1)
    assert asked(venue.peers[0], "a") == 2
    await until(lambda: venue.peers[1].topics == {"a", "b"})
    await talk(venue, reader, until, "ab", 5)
    await until(lambda: len(venue.open) == 1)
    assert [outage.topics for outage in reader.of(Outage)] == [("a",)]  # of no other: both sockets stood
    heard = [event.ts for event in reader.events if event.symbol == "B"]
    assert max(later - before for before, later in pairwise(heard)) <= 4_000
    health = reader.stream.health.snapshot()
    assert (health.state, health.reconnects, health.silent) == (VenueState.UP, 0, {})


async def test_a_topic_that_nothing_helps_is_shown_and_not_stormed_at(venue, make, quick, until):
    reader = begin(make, "a", "b")
    await reader.up()
    await talk(venue, reader, until, "ab", 15)
    venue.dumb.add("a")
    await talk(venue, reader, until, "b", 150, every_s=6.0)  # a quarter of an hour
    assert venue.opened == 2
    assert sum(asked(peer, "a") for peer in venue.peers) <= 4
    assert list(reader.stream.health.snapshot().silent) == ["a"]
    reader.stream.unsubscribe(["a"])
    assert reader.stream.health.snapshot().silent == {}


async def test_a_connection_that_forgot_a_topic_is_renewed_where_liquidations_came(venue, make, quick, until):
    reader = begin(make, "a", "b")
    reader.want("force", feed=Feed.LIQUIDATIONS)
    await reader.up()
    await talk(venue, reader, until, "ab", 15)
    venue.peers[0].topics -= {"a", "force"}  # nothing but the silence of `a` can show that
    while asked(venue.peers[0], "a") < 2:
        await talk(venue, reader, until, "b", 1)
    await until(lambda: "a" in venue.peers[0].topics)
    while venue.opened < 2:
        await talk(venue, reader, until, "ab", 1)
    await until(lambda: venue.peers[1].topics == {"a", "b", "force"})
    await venue.push("force", {"k": "liq", "ts": NOW})
    await until(lambda: any(isinstance(event, Liquidation) for event in reader.events))
    assert reader.stream.health.snapshot().reconnects == 0
    assert any(isinstance(event, Tick) for event in reader.events)
    assert not any(isinstance(event, Candle) for event in reader.events)
