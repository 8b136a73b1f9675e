"""Claims under leases: two workers, fencing, order, fairness, and what a dead worker leaves."""

import threading
import time

import pytest
from sqlalchemy import select

from engine.model import Severity
from storage import claims, settle
from storage.claims import Ask, Lease
from storage.outbox import Outgoing, State, enqueue
from storage.settle import Outcome
from storage.state_db import StateDatabase
from storage.tables import Alert, Delivery
from storage.users import ensure_user


@pytest.fixture
def db(tmp_path):
    database = StateDatabase.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield database
    database.close()


def fill(session, entries):
    """Queue (alert id, user, destination, severity) in order."""
    for alert_id, user_id, destination, severity in entries:
        ensure_user(session, user_id, 1)
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
                wall_ms=1,
                price=1.0,
                action="send",
                reason="new",
                facts={},
                epoch=0,
            )
        )
        session.flush()
        out = Outgoing(
            alert_id=alert_id,
            user_id=user_id,
            channel="far",
            destination=destination,
            severity=severity,
            message={"title": "t", "text": "t"},
            market_ms=5,
            epoch=0,
        )
        enqueue(session, out, 1_000)


def take(session, owner="w", wall=10_000, urgent=99, ordinary=99, **more):
    ask = Ask(channel="far", urgent=urgent, ordinary=ordinary, **more)
    return claims.claim(session, [ask], Lease(owner=owner, wall_ms=wall, lease_ms=1_000))


def one(session):
    return session.scalars(select(Delivery)).one()


def test_a_worker_that_lost_its_lease_changes_nothing(db):
    db.write(lambda s: fill(s, [("a", "u:1", "d", Severity.WARNING)]))
    (slow,) = db.write(lambda s: take(s, "slow"))
    assert db.write(lambda s: settle.reap(s, 10_999, epoch=0)) == 0
    assert db.write(lambda s: settle.reap(s, 11_000, epoch=0)) == 1
    (fast,) = db.write(lambda s: take(s, "fast", wall=11_001))
    assert fast.may_repeat
    late = Outcome(claimed=slow, state=State.FAILED, reason="late")
    assert db.write(lambda s: settle.settle(s, [late], 11_002)) == [False]
    done = Outcome(claimed=fast, state=State.ACCEPTED, remote_id="r")
    assert db.write(lambda s: settle.settle(s, [done], 11_003)) == [True]
    assert db.write(lambda s: settle.settle(s, [late], 11_004)) == [False]
    assert db.read(one).state == "ACCEPTED"


def test_the_same_worker_is_fenced_by_the_attempt_too(db):
    db.write(lambda s: fill(s, [("a", "u:1", "d", Severity.WARNING)]))
    (first,) = db.write(take)
    db.write(lambda s: settle.reap(s, 11_000, epoch=0))
    (second,) = db.write(lambda s: take(s, wall=11_001))
    assert first.owner == second.owner
    late = Outcome(claimed=first, state=State.ACCEPTED)
    assert db.write(lambda s: settle.settle(s, [late], 11_002)) == [False]


def test_two_workers_never_take_the_same_row(tmp_path):
    url = f"sqlite:///{tmp_path / 'state.db'}"
    stores = [StateDatabase.open(url), StateDatabase.open(url)]
    stores[0].write(lambda s: fill(s, [(f"a{n}", f"u:{n % 7}", f"d{n}", Severity.INFO) for n in range(200)]))
    taken = [[], []]

    def work(which):
        while rows := stores[which].write(lambda s: take(s, f"w{which}", ordinary=3)):
            taken[which] += [row.delivery_id for row in rows]

    threads = [threading.Thread(target=work, args=(n,)) for n in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(taken[0] + taken[1]) == list(range(1, 201))


def test_the_worst_first_then_users_in_turn(db):
    entries = [(f"m{n}", "u:many", f"d{n}", Severity.INFO) for n in range(5)]
    entries += [("w", "u:many", "d8", Severity.WARNING), ("l", "u:lone", "d9", Severity.INFO)]
    entries += [("c", "u:many", "d10", Severity.CRITICAL)]
    db.write(lambda s: fill(s, entries))
    assert [r.alert_id for r in db.write(take)] == ["c", "w", "l", "m0", "m1", "m2", "m3", "m4"]


def test_who_was_served_lately_comes_later(db):
    entries = [("m0", "u:many", "d0", Severity.INFO), ("l", "u:lone", "d1", Severity.INFO)]
    db.write(lambda s: fill(s, entries))
    (row,) = db.write(lambda s: take(s, ordinary=1, served={"u:many": 3}))
    assert row.alert_id == "l"


def test_however_much_one_user_queued_first_the_others_have_their_turn(db):
    entries = [(f"m{n}", "u:many", f"d{n}", Severity.INFO) for n in range(2 * claims.WINDOW)]
    entries += [(f"l{n}", f"u:lone{n}", f"e{n}", Severity.INFO) for n in range(3)]
    db.write(lambda s: fill(s, entries))
    rows = db.write(lambda s: take(s, ordinary=4))
    assert {row.user_id for row in rows} == {"u:many", "u:lone0", "u:lone1", "u:lone2"}
    (row,) = db.write(lambda s: take(s, ordinary=1, served={"u:many": 1, "u:other": 1}))
    assert row.user_id == "u:many"  # nobody else waits


def test_reserved_slots_are_for_criticals_alone(db):
    entries = [("i", "u:1", "d0", Severity.INFO), ("c", "u:1", "d1", Severity.CRITICAL)]
    db.write(lambda s: fill(s, entries))
    assert [r.alert_id for r in db.write(lambda s: take(s, urgent=2, ordinary=0))] == ["c"]
    assert db.write(lambda s: take(s, urgent=1, ordinary=0)) == []
    assert [r.alert_id for r in db.write(lambda s: take(s, urgent=1, ordinary=1))] == ["i"]


def test_one_at_a_time_for_a_place_and_none_where_it_is_shut(db):
    entries = [("a", "u:1", "d", Severity.INFO), ("b", "u:1", "d", Severity.INFO)]
    db.write(lambda s: fill(s, [*entries, ("c", "u:1", "e", Severity.INFO)]))
    shut = db.write(lambda s: take(s, shut=frozenset({"d"})))
    assert [r.alert_id for r in shut] == ["c"]
    assert [r.alert_id for r in db.write(take)] == ["a"]
    assert db.write(lambda s: take(s, busy=frozenset({"d"}))) == []


def test_a_fresh_process_takes_over_what_the_dead_one_was_sending(db):
    db.write(lambda s: fill(s, [("a", "u:1", "d", Severity.INFO)]))
    db.write(lambda s: take(s, "dead"))
    assert db.write(lambda s: settle.reap(s, 10_001, epoch=0, all_leases=True)) == 1
    assert db.read(one).state == "UNKNOWN"


def test_the_next_due_time_is_that_of_what_is_not_due_yet(db):
    def work(session):
        fill(session, [("a", "u:1", "d", Severity.INFO), ("b", "u:1", "e", Severity.INFO)])
        first = settle.next_due_ms(session, 5_000)
        row = take(session)[0]
        retry = Outcome(claimed=row, state=State.RETRY, next_wall_ms=17_000)
        settle.settle(session, [retry], 10_001)
        return first, settle.next_due_ms(session, 10_002)

    assert db.write(work) == (None, 17_000)


def test_a_claim_stays_quick_with_thousands_waiting(db):
    def many(session):
        fill(session, [(f"a{n}", f"u:{n}", f"d{n}", Severity.INFO) for n in range(3_000)])

    db.write(many)
    began = time.perf_counter()
    for _ in range(10):
        db.write(lambda s: take(s, ordinary=16))
    assert (time.perf_counter() - began) / 10 < 2.0  # looking at all of them each time takes far longer
