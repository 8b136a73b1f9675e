"""Sockets that misbehave in every way there is: nothing is lost in silence, and nothing comes twice."""

import asyncio
import random

import pytest

from adapters.parsed import Dropped
from adapters.rest.limits import Limit
from adapters.rest.verdicts import by_status
from adapters.rest.waiting import Backoff
from adapters.stream import connection as sockets
from adapters.stream.queue import EventQueue, Outage, Refused
from adapters.venue import Feed, VenueState
from engine.model import Candle, Liquidation, OpenInterest, Tick

NOW = 1_760_000_000_000
BACKOFF_S = 1.1
"""Longer than the first pause after a connection that failed."""


def tick(ts=NOW, **more):
    return {"k": "tick", "ts": ts, **more}


def liq(ts=NOW, **more):
    return {"k": "liq", "ts": ts, **more}


@pytest.fixture(autouse=True)
def no_jitter(monkeypatch):
    """Every pause is as long as it may be: that they are shorter by chance is shown elsewhere."""
    monkeypatch.setattr(random, "uniform", lambda low, high: high)


@pytest.fixture
def until(kit):
    return kit.until


async def test_events_come_out_in_order_and_health_knows(venue, make, until):
    reader = make("a", "b")
    await reader.up()
    await venue.push("a", tick(), {"k": "candle", "ts": NOW - 300_000}, {"k": "oi", "ts": NOW}, liq())
    await until(lambda: len(reader.events) == 4)
    assert [type(event) for event in reader.events] == [Tick, Candle, OpenInterest, Liquidation]
    health = reader.stream.health.snapshot()
    assert health.state is VenueState.UP
    assert health.last_event_ms == NOW
    assert health.messages == 2  # the acknowledgement and the frame
    assert health.ages_s[Feed.LIQUIDATIONS] == 0
    assert reader.stream.topics == ("a", "b")


async def test_topics_are_asked_for_in_the_venues_portions_and_pace(venue, make, kit, clock, until):
    dialect = kit.Basics(messages=Limit(name="m", budget=2, window_s=1.0), ack_s=100.0)
    reader = make(*"abcdefghijkl", dialect=dialect)
    await until(lambda: venue.peers and len(venue.peers[0].heard) == 2)
    await kit.settle()
    assert len(venue.peers[0].heard) == 2
    await clock.advance(1.01)
    await reader.up()
    assert [len(each["topics"]) for each in venue.peers[0].heard] == [4, 4, 4]


async def test_operations_have_their_own_budget_and_hearts_beat_meanwhile(venue, make, kit, clock, until):
    dialect = kit.Basics(operations=Limit(name="o", budget=1, window_s=60.0), silent_s=500.0)
    make(*"abcde", dialect=dialect)
    await until(lambda: venue.peers and len(venue.peers[0].topics) == 4)
    await clock.advance(45)
    await until(lambda: len(venue.peers[0].heard) == 3)
    assert [each["op"] for each in venue.peers[0].heard] == ["subscribe", "ping", "ping"]
    await clock.advance(16)
    await until(lambda: len(venue.peers[0].topics) == 5)


@pytest.mark.parametrize("way", ["abort", "notice"])
async def test_who_waits_to_ask_notices_that_the_connection_ends(venue, make, kit, clock, until, way):
    dialect = kit.Basics(operations=Limit(name="o", budget=1, window_s=3600.0))
    reader = make("a", dialect=dialect)
    await reader.up()
    reader.want("b")
    await until(lambda: len(clock.waits) >= 2)
    if way == "abort":
        venue.peers[0].socket._req.transport.abort()
    else:
        await venue.peers[0].send({"closing": 1})
    await until(
        lambda: len(reader.stream.health.snapshot().last_error) > 0 or reader.stream._lines[0]._failures
    )
    dialect.batch = 4
    await clock.advance(BACKOFF_S)
    await until(lambda: venue.opened == 2 and venue.peers[1].topics == {"a", "b"})
    await clock.advance(6)
    assert len(reader.of(Outage)) == (way == "abort")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("flagged", [True, False])
async def test_a_topic_that_is_refused_is_told_and_the_rest_goes_on(
    venue, make, kit, clock, until, named, whole, flagged
):
    venue.refused = {"c": "no such topic"}
    venue.name_topics, venue.fail_whole = named, whole
    reader = make(*"abcdef", dialect=kit.Basics(batches_fail=flagged and whole, ack_s=10.0))
    if named and whole and not flagged:  # nothing more is said: only time tells that the rest failed too
        await until(lambda: venue.peers and venue.peers[0].heard)
        await clock.advance(10.001)
    await reader.up()
    assert venue.open[0].topics == set("abdef")
    assert [(r.topic, r.reason) for r in reader.of(Refused)] == [("c", "no such topic")]
    assert reader.stream.health.snapshot().refused == {"c": "no such topic"}
    assert set(reader.stream.topics) == set("abdef")


async def test_a_venue_that_will_not_be_asked_now_is_asked_later(venue, make, kit, clock, until):
    venue.refused = {"b": "too frequent"}
    reader = make(*"abc", dialect=kit.Basics(passing=frozenset({"60014"})))
    await until(lambda: "will not be asked now (60014 too frequent)" in reader.stream.health.last_error)
    venue.refused = {}
    await clock.advance(BACKOFF_S)
    await reader.up()
    assert reader.of(Refused) == []
    assert set(reader.stream.topics) == set("abc")


@pytest.mark.parametrize("named", [True, False])
async def test_several_requests_may_be_under_way(venue, make, kit, until, named):
    dialect = kit.Basics(ahead=3)
    dialect.batch = 2
    venue.refused, venue.name_topics = {"c": "gone", "g": "gone"}, named
    reader = make(*"abcdefgh", dialect=dialect)
    await reader.up()
    assert venue.open[0].topics == set("abdefh")
    assert {r.topic for r in reader.of(Refused)} == {"c", "g"}


async def test_requests_without_ids_are_told_by_what_they_are_about(venue, make, kit, until):
    dialect = kit.Basics(ahead=4)
    dialect.batch = 1
    dialect.ids = False
    venue.refused = {"c": "gone"}
    reader = make(*"abcdef", dialect=dialect)
    await reader.up()
    assert venue.open[0].topics == set("abdef")


async def test_refusals_are_said_on_the_way_too(venue, make, kit, clock, until):
    venue.refused, venue.half_ack = {"a": "gone"}, True
    reader = make(*"abc")
    await until(lambda: venue.peers and venue.peers[0].heard)
    await clock.advance(10.001)
    await reader.up()
    assert set(reader.stream.topics) == {"b", "c"}


async def test_a_venue_that_does_not_answer_is_left_and_tried_again(venue, make, clock, until):
    venue.deaf = True
    reader = make("a")
    await until(lambda: venue.opened == 1 and venue.peers[0].heard)
    await clock.advance(10.001)
    await until(lambda: "did not answer a subscription" in reader.stream.health.last_error)
    venue.deaf = False
    await clock.advance(BACKOFF_S)
    await reader.up()


async def test_a_venue_that_never_acknowledges_may_say_so(venue, make, kit):
    venue.deaf = True
    reader = make("a", dialect=kit.Basics(acks=False))
    await reader.up()


async def test_hearts_beat_and_a_pong_is_a_sign_of_life(venue, make, clock, until):
    reader = make("a")
    await reader.up()
    for _ in range(10):
        await clock.advance(20)
    assert venue.opened == 1
    assert sum(each["op"] == "ping" for each in venue.peers[0].heard) >= 9
    venue.silent_pings = True
    await clock.advance(60)
    await until(lambda: venue.opened == 2)
    assert "everything fell silent" in reader.stream.health.last_error


async def test_a_feed_that_stalls_alone_is_noticed_by_its_own_rhythm(venue, make, clock, until):
    reader = make()
    reader.want("price", silent_s=30.0)
    reader.want("force", feed=Feed.LIQUIDATIONS)
    reader.want("oi", feed=Feed.OPEN_INTEREST, silent_s=200.0)
    await reader.up()
    for number in range(6):
        await venue.push("price", tick(NOW + number))
        await until(lambda n=number: len(reader.events) > n)
        last_ms = clock.wall_ms()
        await clock.advance(20)
    assert venue.opened == 1
    for number in range(4):  # something else keeps coming
        await venue.push("force", liq(NOW + number))
        await clock.advance(10)
    await until(lambda: venue.opened == 2)
    assert "prices fell silent for 3" in reader.stream.health.last_error
    await until(lambda: reader.of(Outage))
    (outage,) = reader.of(Outage)
    assert outage.since_ms == last_ms  # what else was heard since does not hide it


async def test_a_feed_that_was_never_heard_counts_from_its_acknowledgement(venue, make, clock, until):
    reader = make()
    reader.want("oi", feed=Feed.OPEN_INTEREST, silent_s=15.0)
    await reader.up()
    await clock.advance(15.001)
    await until(lambda: "open interest fell silent" in reader.stream.health.last_error)
    reader.stream.unsubscribe(["oi"])
    await clock.advance(BACKOFF_S)
    await until(lambda: reader.stream.connections == 0)
    assert venue.opened == 1


async def talk(venue, clock, seconds, *, oi=lambda opened: False):
    """Let prices come every 25 seconds; `oi` says whether open interest comes too."""
    for number in range(seconds // 25):
        topics = [("price", tick(NOW + number))]
        if oi(venue.opened):
            topics.append(("oi", {"k": "oi", "ts": NOW + number}))
        for topic, said in topics:
            await venue.push(topic, said)
        await clock.advance(25)


@pytest.mark.parametrize("at_first", [False, True], ids=["never heard", "heard once a connection"])
async def test_what_talks_is_not_cut_again_and_again_for_what_does_not(venue, make, clock, until, at_first):
    told = set()

    def oi(opened):
        fresh = opened not in told
        told.add(opened)
        return at_first and fresh

    reader = make()
    reader.want("price", silent_s=300.0)
    reader.want("oi", feed=Feed.OPEN_INTEREST, silent_s=30.0)
    await reader.up()
    await talk(venue, clock, 3_600, oi=oi)
    assert "open interest fell silent" in reader.stream.health.last_error
    assert 3 <= venue.opened <= 8  # after .5, 1, 2, 4, 8, 16 and 32 minutes, and pauses
    prices = sum(isinstance(event, Tick) for event in reader.events)
    assert prices >= 130  # of 144


async def test_a_feed_that_talks_again_is_missed_as_soon_as_ever(venue, make, clock, until):
    reader = make()
    reader.want("price", silent_s=300.0)
    reader.want("oi", feed=Feed.OPEN_INTEREST, silent_s=30.0)
    await reader.up()
    await talk(venue, clock, 600)
    opened = venue.opened
    await talk(venue, clock, 600, oi=lambda _: True)
    assert venue.opened <= opened + 1
    opened = venue.opened
    await talk(venue, clock, 50)
    assert venue.opened == opened + 1


@pytest.mark.parametrize("way", ["tear", "abort", "close"])
async def test_a_line_that_drops_is_opened_again_and_the_gap_is_told(venue, make, clock, until, way):
    reader = make("a")
    await reader.up()
    await venue.push("a", tick())
    await until(lambda: reader.events)
    await clock.advance(7)
    peer = venue.peers[0]
    if way == "close":
        await peer.socket.close(code=1001, message=b"bye")
    else:
        peer.tear() if way == "tear" else peer.socket._req.transport.abort()
    await until(lambda: reader.stream.health.snapshot().lines_up == 0)
    if way == "close":
        assert reader.stream.health.last_error == "the stream was closed (1001 bye)"
    await clock.advance(BACKOFF_S)
    await reader.up()
    (outage,) = reader.of(Outage)
    assert outage.topics == ("a",)
    assert 7000 <= outage.until_ms - outage.since_ms <= 9000
    assert reader.stream.health.snapshot().reconnects == 1
    await venue.push("a", tick(), tick(NOW + 1))
    await until(lambda: len(reader.events) == 2)


async def test_garbage_is_counted_and_harms_nothing(venue, make, until):
    reader = make("a")
    await reader.up()
    await venue.peers[0].send("Connection established.")
    await venue.peers[0].socket.send_bytes(b"\xff\x00")
    await venue.push("a", tick())
    await until(lambda: reader.events)
    assert reader.stream.health.snapshot().dropped == {str(Dropped.NOT_JSON): 2}
    assert venue.opened == 1


async def test_an_answer_that_nobody_asked_for_is_kept_for_whoever_looks(venue, make, until):
    reader = make("a")
    await reader.up()
    await venue.peers[0].send({"err": "99", "text": "too many messages"})
    await until(lambda: reader.stream.health.snapshot().messages == 2)
    reader.want("b")
    await until(lambda: "b" in venue.peers[0].topics)
    assert venue.opened == 1


async def test_waiting_grows_up_to_a_minute_and_never_ends(venue, make, kit, clock, until):
    venue.handshakes.extend([kit.peer.Plan(status=503)] * 9)
    reader = make("a")
    for number in range(9):
        await until(lambda n=number: len(venue.handshakes) == 8 - n and len(clock.slept) == n + 1)
        await clock.advance(clock.slept[-1])
    await reader.up()
    assert clock.slept[:9] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert "HTTP 503" in reader.stream.health.last_error


async def test_connections_are_never_opened_more_often_than_the_venue_allows(venue, make, kit, clock, until):
    venue.handshakes.extend([kit.peer.Plan(status=503)] * 3)
    dialect = kit.Basics(connects=Limit(name="c", budget=2, window_s=300.0))
    reader = make("a", dialect=dialect, backoff=Backoff(first_s=0.0))
    await until(lambda: len(venue.handshakes) == 1)
    await clock.advance(299)
    assert len(venue.handshakes) == 1
    await clock.advance(2)
    await reader.up()


@pytest.mark.parametrize("status", [429, 418])
async def test_a_handshake_that_asks_to_wait_is_obeyed(venue, make, kit, clock, until, status):
    venue.handshakes.append(kit.peer.Plan(status=status, headers={"Retry-After": "90"}))
    reader = make("a")
    await until(lambda: not venue.handshakes and clock.waits)
    await clock.advance(89)
    assert venue.opened == 0
    await clock.advance(3)
    await reader.up()


async def test_a_venue_that_wants_no_connection_is_left_alone_by_all_of_them(venue, make, kit, clock, until):
    dialect = kit.Basics()
    dialect.most = 1
    venue.handshakes.append(kit.peer.Plan(status=429, headers={"Retry-After": "90"}))
    reader = make("a", dialect=dialect)
    await until(lambda: not venue.handshakes and clock.waits)
    reader.want("b")
    await clock.advance(80)
    assert venue.opened == 0
    await clock.advance(11)
    await reader.up(2)


async def test_a_geo_block_ends_every_connection_for_good(venue, make, kit, clock, until):
    venue.handshakes.append(kit.peer.Plan(status=451))
    dialect = kit.Basics()
    dialect.most = 1
    reader = make("a", dialect=dialect)
    await until(lambda: reader.of(Refused))
    reader.want("b")
    await until(lambda: len(reader.of(Refused)) == 2)
    await clock.advance(10_000)
    assert venue.opened == 0
    brief = reader.stream.health.brief()
    assert brief.state is VenueState.DOWN
    assert brief.detail == "basics does not serve this country (HTTP 451)"
    assert reader.stream.connections == 0
    assert not reader.tasks[0].done()


async def test_connections_that_stand_end_with_the_venues_final_answer_once_they_fall(
    venue, make, kit, clock, until
):
    dialect = kit.Basics()
    dialect.most = 1
    reader = make("a", "b", dialect=dialect)
    await reader.up(2)
    venue.handshakes.append(kit.peer.Plan(status=451))
    for peer in venue.open:
        peer.socket._req.transport.abort()
    await until(lambda: reader.stream.health.snapshot().lines_up == 0)
    await clock.advance(10)
    await until(lambda: len(reader.of(Refused)) == 2)
    assert venue.opened == 2


async def test_an_address_that_is_gone_ends_what_it_carried_alone(venue, make, kit, until):
    venue.handshakes.append(kit.peer.Plan(status=404))
    reader = make("a")
    await until(lambda: reader.of(Refused))
    reader.want("b", path="/other")
    await reader.up()
    assert reader.stream.topics == ("b",)


async def test_a_handshake_that_makes_no_sense_is_tried_again(venue, make, kit, clock, until):
    venue.handshakes.extend([kit.peer.Plan(status=200), kit.peer.Plan(drop=True)])
    reader = make("a")
    await until(lambda: len(venue.handshakes) == 1)
    await clock.advance(BACKOFF_S)
    await until(lambda: not venue.handshakes)
    await clock.advance(2 * BACKOFF_S)
    await reader.up()


async def test_a_handshake_that_takes_too_long_is_given_up(venue, make, kit, clock, until):
    venue.handshakes.append(kit.peer.Plan(stall_s=5.0))
    reader = make("a", dialect=kit.Basics(connect_s=0.03))
    await until(lambda: "did not open a stream within" in reader.stream.health.last_error)
    await clock.advance(BACKOFF_S)
    await reader.up()


# Overlap


async def _replaced(venue, reader, clock, until):
    """Wait until a second connection has every topic beside the first."""
    await until(lambda: venue.opened == 2 and venue.peers[1].topics == set(reader.stream.topics))
    await until(lambda: clock.waits)


async def _notice(venue, reader, clock, until):
    """Let the venue say that it will close, and the pause pass that a young connection makes."""
    await venue.peers[0].send({"closing": 1})
    await until(lambda: reader.stream.health.snapshot().messages == 2)
    await clock.advance(BACKOFF_S)


@pytest.mark.parametrize("why", ["life", "notice"])
async def test_the_new_socket_stands_before_the_old_one_goes(venue, make, kit, clock, until, why):
    reader = make("a", dialect=kit.Basics(life_s=82_800.0, heartbeat_s=40_000.0, silent_s=90_000.0))
    await reader.up()
    await venue.push("a", tick(), liq(), liq())
    await until(lambda: len(reader.events) == 3)
    if why == "life":
        await clock.advance(82_801)
    else:
        await venue.peers[0].send({"closing": 1})
        await until(lambda: reader.stream.health.snapshot().messages >= 3)
        await clock.advance(BACKOFF_S)
    await _replaced(venue, reader, clock, until)
    assert len(venue.open) == 2
    said = [tick(NOW + 5), liq(NOW + 5), liq(NOW + 5), {"k": "candle", "ts": NOW - 300_000}]
    assert await venue.push("a", *said) == 2  # both sockets say it
    await until(lambda: reader.stream.health.snapshot().messages >= 5)
    await until(lambda: len(reader.events) == 7)
    await clock.advance(5.1)
    await until(lambda: len(venue.open) == 1)
    await venue.push("a", tick(NOW + 6))
    await until(lambda: len(reader.events) == 8)
    assert [event.nth for event in reader.events if isinstance(event, Liquidation)] == [0, 1, 0, 1]
    assert reader.of(Outage) == []
    assert reader.stream.once.repeated == 4
    health = reader.stream.health.snapshot()
    assert (health.state, health.reconnects) == (VenueState.UP, 0)


async def test_the_old_socket_stays_while_a_new_one_cannot_be_had(venue, make, kit, clock, until):
    reader = make("a")
    await reader.up()
    venue.handshakes.extend([kit.peer.Plan(status=503)] * 2)
    await _notice(venue, reader, clock, until)
    await until(lambda: len(venue.handshakes) == 1)
    await venue.push("a", tick())
    await until(lambda: reader.events)
    assert reader.stream.health.state is VenueState.UP
    await clock.advance(2.1)
    await clock.advance(4.1)
    await _replaced(venue, reader, clock, until)
    assert reader.of(Outage) == []


async def test_an_old_socket_that_ends_before_the_new_one_stands_leaves_a_gap(venue, make, kit, clock, until):
    reader = make("a")
    await reader.up()
    venue.handshakes.append(kit.peer.Plan(status=503))
    await _notice(venue, reader, clock, until)
    await until(lambda: not venue.handshakes)
    venue.peers[0].socket._req.transport.abort()
    await clock.advance(3)
    await until(lambda: reader.of(Outage))


async def test_a_venue_that_always_wants_to_close_is_not_stormed(venue, make, clock, until):
    reader = make("a")
    await reader.up()
    await venue.peers[0].send({"closing": 1})
    await until(lambda: clock.slept)
    await clock.advance(1.01)
    await _replaced(venue, reader, clock, until)
    await clock.advance(5.1)
    opened = venue.opened
    for _ in range(3):
        await venue.open[-1].send({"closing": 1})
        await asyncio.sleep(0.005)
    assert venue.opened <= opened + 1


# Topics that come and go, several connections


async def test_topics_come_and_go_without_a_new_connection(venue, make, until):
    reader = make("a", "b")
    await reader.up()
    reader.want("c", "a")
    await until(lambda: venue.peers[0].topics == {"a", "b", "c"})
    reader.stream.unsubscribe(["a", "nothing"])
    await until(lambda: venue.peers[0].topics == {"b", "c"})
    assert venue.opened == 1
    reader.stream.unsubscribe(["b", "c"])
    await until(lambda: not venue.open)
    assert reader.stream.connections == 0
    assert reader.stream.health.state is VenueState.CONNECTING
    reader.want("d")
    await until(lambda: venue.open and venue.open[0].topics == {"d"})


async def test_topics_are_spread_by_the_venues_plan(venue, make, kit, until):
    dialect = kit.Basics(connections=3)
    dialect.most = 2
    reader = make(*"abc", dialect=dialect)
    reader.want("x", path="/other")
    await reader.up(3)
    reader.want("d", "e", "f")
    await until(lambda: sorted(len(peer.topics) for peer in venue.open) == [1, 2, 2])
    told = "would need more connections than the venue allows"
    await until(lambda: [r.reason for r in reader.of(Refused)] == [told, told])
    await until(lambda: reader.of(Refused)[0].topic == "e")


async def test_a_change_that_fails_on_the_way_is_made_by_the_next_connection(venue, make, clock, until):
    reader = make("a")
    await reader.up()
    venue.deaf = True
    reader.want("b")
    await until(lambda: len(venue.peers[0].heard) == 2)
    await clock.advance(10.001)
    venue.deaf = False
    await clock.advance(BACKOFF_S)
    await until(lambda: venue.open and venue.open[-1].topics == {"a", "b"})
    assert reader.of(Outage)


async def test_the_end_of_a_connection_ends_waiting_for_an_answer(venue, make, clock, until):
    reader = make("a")
    await reader.up()
    venue.deaf = True
    reader.want("b")
    await until(lambda: len(venue.peers[0].heard) == 2)
    venue.peers[0].socket._req.transport.abort()
    venue.deaf = False
    await until(lambda: reader.stream.health.snapshot().lines_up == 0)
    await clock.advance(BACKOFF_S)
    await reader.up()


# Ends


@pytest.mark.parametrize("state", ["up", "mute", "waiting"])
async def test_stopping_is_quick_and_leaves_nothing_behind(venue, make, kit, until, state):
    venue.deaf = state == "mute"
    if state == "waiting":
        venue.handshakes.append(kit.peer.Plan(status=503))
    before = asyncio.all_tasks()
    reader = make("a")
    await until(lambda: reader.stream.health.last_error if state == "waiting" else venue.peers)
    if state == "up":
        await reader.up()
    began_s = asyncio.get_running_loop().time()
    await reader.stream.stop()
    await asyncio.gather(*reader.tasks)
    assert asyncio.get_running_loop().time() - began_s < 2
    await until(lambda: not venue.open)
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    assert not {task for task in left if "adapters" in repr(task.get_coro())}


async def test_cancelling_closes_the_sockets(venue, make, until):
    reader = make("a")
    await reader.up()
    reader.tasks[0].cancel()
    await asyncio.gather(reader.tasks[0], return_exceptions=True)
    await until(lambda: not venue.open)


async def test_a_bug_of_ours_reaches_whoever_supervises(venue, make, kit, clock, until):
    dialect = kit.Basics()
    dialect.most = 1
    reader = make("a", "b", dialect=dialect)
    await reader.up(2)
    reader.dialect.bug = True
    await venue.push("a", tick())
    await until(reader.tasks[0].done)
    with pytest.raises(ExceptionGroup) as caught:
        reader.tasks[0].result()
    assert [str(error) for error in caught.value.exceptions] == ["a bug of ours"]
    await until(lambda: not venue.open)
    reader.dialect.bug = False
    reader.tasks[0] = asyncio.create_task(reader.stream.run())  # as a supervisor does
    await clock.advance(BACKOFF_S)
    await reader.up(2)
    await until(lambda: {topic for each in reader.of(Outage) for topic in each.topics} == {"a", "b"})


async def test_what_is_judged_good_by_mistake_is_still_not_a_stream(venue, make, kit, clock, until):
    dialect = kit.Basics()
    dialect.judged = lambda answered: by_status(type(answered)(status=200))
    venue.handshakes.append(kit.peer.Plan(status=403))
    reader = make("a", dialect=dialect)
    await until(lambda: reader.stream.health.last_error == "did not open a stream")
    await clock.advance(BACKOFF_S)
    await reader.up()


async def test_a_reader_that_is_slow_excuses_the_venue_and_loses_no_liquidation(venue, make, clock, until):
    reader = make("a", queue=EventQueue(1))
    reader.tasks[1].cancel()
    await reader.up()
    await venue.push("a", *(liq(NOW + number) for number in range(4)))
    await until(lambda: reader.stream.queue.waits)
    await clock.advance(200)  # nobody reads: it is not the venue that is silent
    assert venue.opened == 1
    reader.tasks[1] = asyncio.create_task(reader._read())
    await until(lambda: len(reader.events) == 4)
    await clock.advance(19)
    assert venue.opened == 1


async def test_a_connection_that_is_closed_while_it_waits_for_room_hands_on_what_it_holds(venue, make, until):
    reader = make("a", queue=EventQueue(1))
    reader.tasks[1].cancel()
    await reader.up()
    await venue.push("a", tick(NOW), *(liq(NOW + number) for number in range(4)))
    await until(lambda: reader.stream.queue.waits)
    await reader.stream.stop()
    await reader._read()
    assert [event.ts for event in reader.events] == [NOW + number for number in range(4)]


async def test_a_backlog_is_marked(venue, make, until):
    reader = make("a")
    await reader.up()
    await venue.peers[0].send({"backlog": True, "events": [liq()]})
    await venue.push("a", liq(), liq(NOW + 1))
    await until(lambda: len(reader.items) == 2)
    assert [(item.backlog, item.event.ts) for item in reader.items] == [(True, NOW), (False, NOW + 1)]


async def test_a_venue_that_takes_nothing_is_left(venue, make, clock, until, monkeypatch):
    monkeypatch.setattr(sockets, "SEND_S", 0.02)
    reader = make("a")
    await reader.up()
    line = reader.stream._lines[0]

    async def full(text):
        await asyncio.sleep(10)

    line._current._socket.send_str = full
    await clock.advance(20.1)
    await until(lambda: "took nothing" in reader.stream.health.last_error)


async def test_a_dialect_without_a_request_for_a_topic_is_told_so(make, kit, until):
    dialect = kit.Basics()
    dialect.requests = lambda op, topics, numbers: []
    reader = make("a", dialect=dialect)
    await until(lambda: [r.reason for r in reader.of(Refused)] == ["was not asked for"])


async def test_nothing_is_sent_before_it_is_connected(make, kit):
    reader = make(dialect=kit.Basics())
    connection = sockets.Connection(
        reader.stream._wiring, "ws://127.0.0.1:1", asyncio.Event(), sockets.Rhythms(reader.stream._wiring)
    )
    with pytest.raises(sockets.Lost, match="was not connected"):
        await connection.sync({"a": reader.channel("a")})
    await connection.close()


async def test_nobody_there_is_said(venue, make, until):
    await venue.stop()
    reader = make("a")
    await until(lambda: "cannot be reached" in reader.stream.health.last_error)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_befalls_the_sockets_every_liquidation_comes_once(venue, make, clock, until, seed):
    dice = random.Random(seed)
    reader = make("a")
    await reader.up()
    said = []
    for number in range(25):
        event = liq(NOW + number, id=str(number) if dice.random() < 0.5 else "")
        told = await venue.push("a", event)
        if told:
            said.append(event)
            await until(lambda: len(reader.events) == len(said))
        befalls = dice.choice(["nothing", "repeat", "notice", "abort", "tear", "garbage"])
        open_now = venue.open
        if befalls == "repeat":
            await venue.push("a", *said[-3:])
        elif befalls == "garbage" and open_now:
            await open_now[-1].send("}{")
        elif befalls == "notice" and open_now:
            await open_now[-1].send({"closing": 1})
        elif befalls in ("abort", "tear") and open_now:
            open_now[-1].tear() if befalls == "tear" else open_now[-1].socket._req.transport.abort()
        await clock.advance(dice.uniform(0, 8))
    await clock.advance(120)
    await until(lambda: venue.open and venue.open[-1].topics == {"a"})
    await venue.push("a", *said)  # a backlog of everything
    await venue.push("a", liq(NOW + 99))
    await until(lambda: reader.events[-1].ts == NOW + 99)
    assert [event.ts for event in reader.events] == [event["ts"] for event in said] + [NOW + 99]
    assert len(said) > 5
