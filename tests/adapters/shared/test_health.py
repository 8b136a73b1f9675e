"""A venue's health says what is so, in plain values."""

from collections.abc import Mapping
from dataclasses import fields

import pytest

from adapters.health import KEPT_REFUSED, Health, LimitUse, snapshots_of
from adapters.venue import Feed, VenueHealth, VenueState


@pytest.fixture
def health(clock):
    return Health("v", clock.monotonic)


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ((), VenueState.CONNECTING),
        ((VenueState.UP, VenueState.UP), VenueState.UP),
        ((VenueState.UP, VenueState.CONNECTING), VenueState.CONNECTING),
        ((VenueState.UP, VenueState.DOWN), VenueState.STALE),
        ((VenueState.CONNECTING, VenueState.DOWN), VenueState.DOWN),
        ((VenueState.DOWN,), VenueState.DOWN),
    ],
)
def test_a_venue_is_as_well_as_its_connections(health, lines, state):
    for number, each in enumerate(lines):
        health.line(number, each)
    assert health.state is state
    assert health.snapshot().lines == len(lines)
    for number in range(len(lines)):
        health.line(number, None)
    assert health.state is VenueState.CONNECTING


def test_ages_are_counted_for_each_feed(health, clock):
    health.expect(Feed.PRICES)
    health.expect(Feed.LIQUIDATIONS)
    health.event(Feed.PRICES, 77)
    health.event(Feed.PRICES, 55)
    clock.now_s += 12
    snapshot = health.snapshot()
    assert snapshot.ages_s == {Feed.PRICES: 12, Feed.LIQUIDATIONS: None}
    assert snapshot.last_event_ms == 77
    clock.now_s += 1
    assert snapshot.ages_s[Feed.PRICES] == 12


def test_the_rate_is_of_the_last_minute(health, clock):
    for _ in range(10):
        health.frame()
    clock.now_s += 5
    assert health.messages_per_s == pytest.approx(2)
    for _ in range(200):
        clock.now_s += 1
        health.frame()
        health.frame()
    assert health.messages_per_s == pytest.approx(2, rel=0.05)
    clock.now_s += 100
    assert health.messages_per_s == 0


def test_what_went_wrong_is_said(health):
    assert health.brief().detail == ""
    health.refuse("topic", "no such topic")
    assert health.brief().detail == "v refuses 1 of the topics asked for"
    health.line(1, VenueState.DOWN)
    health.error("cannot be reached (X)" + "x" * 1000)
    assert health.brief().detail.startswith("v: cannot be reached (X)")
    assert len(health.last_error) == 300
    health.end("does not serve this country")
    assert health.brief().detail == "v does not serve this country"
    assert not health.brief().ok


def test_refusals_are_bounded_and_taken_back(health):
    for number in range(KEPT_REFUSED + 5):
        health.refuse(str(number), "no")
    snapshot = health.snapshot()
    assert len(snapshot.refused) == KEPT_REFUSED
    assert snapshot.refusals == KEPT_REFUSED + 5
    health.accept("0")
    assert "0" not in health.snapshot().refused


def test_a_snapshot_is_plain_values(health):
    health.meter = lambda: {"weight": LimitUse(used=12, budget=2400)}
    health.skew_ms = -3.5
    health.tally.gaps_filled += 2
    health.tally.reconnects += 1
    snapshot = health.snapshot()
    assert (snapshot.limits["weight"].used, snapshot.limits["weight"].budget) == (12, 2400)
    assert (snapshot.skew_ms, snapshot.gaps_filled, snapshot.reconnects) == (-3.5, 2, 1)
    plain = (str, int, float, Mapping, type(None))
    assert all(isinstance(getattr(snapshot, each.name), plain) for each in fields(snapshot))


def test_what_anybody_reads_holds_no_words_of_the_venue(health):
    health.error("https://user:pw@proxy/ws?key=1 was closed")
    health.line(0, VenueState.DOWN)
    assert health.snapshot().note == "v does not answer; it is tried again until it does"
    health.line(1, VenueState.UP)
    assert health.snapshot().note == "v is connected, but not everything asked for comes"
    health.line(0, VenueState.UP)
    assert (health.snapshot().note, health.snapshot().ok) == ("", True)
    health.refuse("trades:XYZ", "no such thing")
    assert health.snapshot().note == "v refuses 1 of the topics asked for"
    health.end("does not serve this country (HTTP 451)")
    assert health.snapshot().note == "v does not serve this country (HTTP 451)"


def test_silence_is_the_age_of_the_newest_event_of_any_feed(health, clock):
    health.expect(Feed.CANDLES)
    assert health.snapshot().silent_s is None
    health.event(Feed.CANDLES, 1)
    clock.now_s += 30
    health.event(Feed.PRICES, 2)
    clock.now_s += 7
    assert health.snapshot().silent_s == 7


def test_a_source_that_is_not_measured_says_what_it_knows():
    brief = VenueHealth(
        venue="binance",
        state=VenueState.PAUSED,
        last_event_ms=5,
        messages=9,
        feeds=frozenset({Feed.PRICES, Feed.CANDLES}),
        detail="recorded candles",
    )

    class Recording:
        def health(self):
            return [brief]

    (shown,) = snapshots_of(Recording())
    assert (shown.venue, shown.ok, shown.note, shown.messages) == ("binance", True, "recorded candles", 9)
    assert (dict(shown.ages_s), shown.silent_s) == ({Feed.CANDLES: None, Feed.PRICES: None}, None)
