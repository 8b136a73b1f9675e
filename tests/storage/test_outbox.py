"""The outbox on a real SQLite file: queueing, edits, receipts, what voids and expires."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from engine.model import Severity
from storage import claims, inbox, outbox, settle
from storage.claims import Ask, Lease
from storage.outbox import Outgoing, State
from storage.settle import Outcome
from storage.state_db import StateDatabase
from storage.tables import Alert, Delivery, DeliveryEvent
from storage.users import ensure_user

LEASE = Lease(owner="w", wall_ms=10_000, lease_ms=1_000)
ASK = Ask(channel="far", urgent=9, ordinary=9)


@pytest.fixture
def db(tmp_path):
    database = StateDatabase.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield database
    database.close()


def queue(session, alert_id, user_id="u:1", wall=1_000, severity=Severity.WARNING, **changes):
    ensure_user(session, user_id, 1)
    if session.get(Alert, alert_id) is None:
        session.add(
            Alert(
                alert_id=alert_id,
                fire_id=f"f{alert_id}",
                user_id=user_id,
                rule_id=1,
                kind="zone_proximity",
                symbol="BTCUSDT",
                severity=severity.value,
                subject="z",
                audience="inapp|",
                market_ms=5,
                wall_ms=wall,
                price=1.0,
                action="send",
                reason="new",
                facts={},
                epoch=0,
            )
        )
        session.flush()
    values = {"destination": "d", "channel": "far", "message": {"title": "one", "text": "t"}} | changes
    values |= {"market_ms": 5, "epoch": values.get("epoch", 0)}
    return outbox.enqueue(
        session, Outgoing(alert_id=alert_id, user_id=user_id, severity=severity, **values), wall
    )


def rows(session):
    return list(session.scalars(select(Delivery).order_by(Delivery.delivery_id)))


def take(session, wall=10_000, owner="w", **ask):
    return claims.claim(
        session,
        [Ask(**{"channel": "far", "urgent": 9, "ordinary": 9} | ask)],
        Lease(owner=owner, wall_ms=wall, lease_ms=1_000),
    )


def arrive(session, row, wall=10_100):
    return settle.settle(
        session, [Outcome(claimed=row, state=State.ACCEPTED, remote_id=f"r{row.delivery_id}")], wall
    )


def body(title):
    return {"title": title, "text": "t"}


def test_an_alert_is_queued_once_for_a_place(db):
    assert db.write(lambda s: queue(s, "a")) == 1
    assert db.write(lambda s: queue(s, "a")) is None
    assert db.write(lambda s: queue(s, "a", destination="e")) == 2


def test_an_unsent_message_is_rewritten_where_it_waits(db):
    def work(session):
        queue(session, "a")
        assert outbox.revise(session, "a", body("two"), 2_000, epoch=0) == 1
        return [(r.revision, r.state, r.message["title"]) for r in rows(session)]

    assert db.write(work) == [(0, "QUEUED", "two")]


def test_at_most_one_edit_waits_whatever_comes_in_between(db):
    def work(session):
        queue(session, "a")
        (row,) = take(session)
        for n in range(5):
            outbox.revise(session, "a", body(f"sending{n}"), 10_050 + n, epoch=0)
        assert take(session, wall=20_000) == []  # the first is still under way
        arrive(session, row)
        (edit,) = take(session, wall=20_000)
        assert (edit.revision, edit.remote_id, edit.message["title"]) == (1, "r1", "sending4")
        outbox.revise(session, "a", body("later"), 20_001, epoch=0)
        outbox.revise(session, "a", body("latest"), 20_002, epoch=0)
        arrive(session, edit)
        (last,) = take(session, wall=30_000)
        assert (last.revision, last.message["title"]) == (2, "latest")
        return [r.revision for r in rows(session)]

    assert db.write(work) == [0, 1, 2]


def test_an_edit_lets_a_burst_gather(db):
    def work(session):
        queue(session, "a", wall=10_000)
        (row,) = take(session)
        arrive(session, row)
        outbox.revise(session, "a", body("x2"), 10_200, epoch=0)
        assert take(session, wall=11_000) == []
        return len(take(session, wall=12_001))

    assert db.write(work) == 1


@pytest.mark.parametrize("end", [State.FAILED, State.DEAD])
def test_edits_of_a_message_that_never_arrived_are_void(db, end):
    def work(session):
        queue(session, "a")
        (row,) = take(session)
        outbox.revise(session, "a", body("x2"), 10_001, epoch=0)
        settle.settle(session, [Outcome(claimed=row, state=end, reason="no")], 10_100)
        assert outbox.revise(session, "a", body("x3"), 10_200, epoch=0) == 0
        return [r.state for r in rows(session)]

    assert db.write(work) == [end.value, "VOID"]


def test_a_receipt_is_the_owners_alone(db):
    def work(session):
        number = queue(session, "a")
        (row,) = take(session)
        arrive(session, row)
        ensure_user(session, "u:2", 1)
        assert not outbox.receipt(session, "u:2", number, State.DELIVERED, 11_000)
        assert outbox.receipt(session, "u:1", number, State.DELIVERED, 11_000)
        assert not outbox.receipt(session, "u:1", number, State.DELIVERED, 11_001)
        assert outbox.receipt(session, "u:1", number, State.ACKED, 11_002)
        assert not outbox.receipt(session, "u:1", number, State.DELIVERED, 11_003)
        events = session.scalars(select(DeliveryEvent).order_by(DeliveryEvent.event_id))
        return [(e.from_state, e.to_state) for e in events]

    assert db.write(work) == [
        ("", "QUEUED"),
        ("QUEUED", "SENDING"),
        ("SENDING", "ACCEPTED"),
        ("ACCEPTED", "DELIVERED"),
        ("DELIVERED", "ACKED"),
    ]


def test_what_is_void_takes_no_receipt(db):
    def work(session):
        number = queue(session, "a")
        assert outbox.void_open(session, before_epoch=1, wall_ms=2_000, reason="moved") == 1
        return outbox.receipt(session, "u:1", number, State.DELIVERED, 3_000)

    assert db.write(work) is False


def test_voiding_takes_many_and_leaves_what_is_under_way(db):
    def work(session):
        for n in range(1_200):
            queue(session, f"a{n}", destination=f"d{n}")
        taken = take(session)
        return len(taken), outbox.void_open(session, before_epoch=1, wall_ms=2_000, reason="moved")

    assert db.write(work) == (9, 1_191)


def test_the_lease_of_an_old_epoch_ends_void(db):
    def work(session):
        queue(session, "a")
        take(session)
        settle.reap(session, 99_000, epoch=1)
        return [(r.state, r.reason) for r in rows(session)]

    assert db.write(work) == [("VOID", "the replay was moved back")]


def test_only_alerts_that_arrived_nowhere_go_to_the_digest(db):
    def work(session):
        queue(session, "a", destination="d1", expires_wall_ms=5_000)
        queue(session, "a", destination="d2", expires_wall_ms=20_000)
        queue(session, "b", destination="d3", expires_wall_ms=5_000)
        queue(session, "c", destination="d4", severity=Severity.CRITICAL)
        assert settle.expire(session, 6_000) == ["b"]
        assert settle.expire(session, 30_000) == ["a"]
        return [r.state for r in rows(session)]

    assert db.write(work) == ["EXPIRED", "EXPIRED", "EXPIRED", "QUEUED"]


def test_the_inbox_shows_each_message_once_newest_first_and_only_ones_own(db):
    def work(session):
        queue(session, "a", destination="u:1", channel="inapp")
        queue(session, "b", destination="u:1", channel="inapp")
        queue(session, "x", user_id="u:2", destination="u:2", channel="inapp")
        first = take(session, channel="inapp")
        for row in first:
            arrive(session, row)
        outbox.revise(session, "a", body("a ×2"), 12_000, epoch=0)
        mine = inbox.entries(session, "u:1", "inapp", limit=10)
        older = inbox.entries(session, "u:1", "inapp", limit=10, before=mine[0].delivery_id)
        assert inbox.entry(session, "u:1", "inapp", 3) is None
        counts = inbox.unread(session, "u:1", "inapp"), inbox.unread(session, "u:2", "inapp")
        outbox.receipt(session, "u:1", 1, State.DELIVERED, 12_500)
        return (
            [(e.alert_id, e.message["title"], e.revision) for e in mine],
            [e.alert_id for e in older],
            counts,
            inbox.unread(session, "u:1", "inapp"),
        )

    assert db.write(work) == ([("b", "one", 0), ("a", "a ×2", 1)], ["a"], (2, 1), 1)


def test_the_inbox_leaves_out_what_was_lost(db):
    def work(session):
        queue(session, "a", destination="u:1", channel="inapp")
        outbox.void_open(session, before_epoch=1, wall_ms=1, reason="moved")
        return inbox.entries(session, "u:1", "inapp", limit=10), inbox.unread(session, "u:1", "inapp")

    assert db.write(work) == ([], 0)


@settings(max_examples=40)
@given(moves=st.lists(st.sampled_from(["revise", "claim", "accept", "retry", "unknown"]), max_size=25))
def test_whatever_happens_one_edit_waits_at_most_and_the_last_text_wins(tmp_path_factory, moves):
    database = StateDatabase.open(f"sqlite:///{tmp_path_factory.mktemp('db') / 'state.db'}")

    def work(session):
        queue(session, "a", wall=0)
        wall, text, sent, under_way = 10_000, "one", None, None
        for n, move in enumerate(moves):
            wall += 5_000
            if move == "revise":
                text = f"t{n}"
                outbox.revise(session, "a", body(text), wall, epoch=0)
            elif move == "claim" and under_way is None:
                under_way = next(iter(take(session, wall=wall)), None)
            elif under_way is not None:
                state = {"accept": State.ACCEPTED, "retry": State.RETRY}.get(move, State.UNKNOWN)
                settle.settle(session, [Outcome(claimed=under_way, state=state, remote_id="r")], wall)
                sent = under_way.message["title"] if state is State.ACCEPTED else sent
                under_way = None
            waiting = [r for r in rows(session) if r.state in outbox.WAITING and r.revision > 0]
            assert len(waiting) <= 1
        for _ in range(9):
            wall += 60_000
            settle.reap(session, wall, epoch=0)
            for row in take(session, wall=wall):
                sent = row.message["title"]
                arrive(session, row, wall)
        assert sent == text

    try:
        database.write(work)
    finally:
        database.close()
