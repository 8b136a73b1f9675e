"""Test the state store on a real file: transactions, concurrency, time-outs, and what open leaves behind."""

import asyncio
import threading
import time

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from engine.errors import StorageError
from storage.state import StateStore
from storage.state_db import StateDatabase
from storage.tables import Rule, Settings, User


def person(name: str) -> User:
    return User(user_id=name, created_wall_ms=1, seen_wall_ms=1)


def count(session) -> int:
    return session.scalar(select(func.count()).select_from(User))


async def test_open_creates_a_private_directory_and_file(state):
    assert state.path.stat().st_mode & 0o777 == 0o600
    assert state.path.parent.stat().st_mode & 0o777 == 0o700


async def test_what_run_returned_is_there_after_opening_again(state, state_url):
    await state.run(lambda session: session.add(person("local:owner")))
    await state.close()
    again = await StateStore.open(state_url)
    assert await again.read(lambda session: session.get(User, "local:owner").created_wall_ms) == 1
    await again.close()


async def test_pragmas_are_as_promised(state):
    def pragmas(session):
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [session.scalar(text(f"PRAGMA {name}")) for name in names]

    assert await state.run(pragmas) == ["wal", 2, 1, 1]


async def test_a_transaction_that_raises_changes_nothing(state):
    def half(session):
        session.add(person("a:1"))
        session.flush()
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        await state.run(half)
    assert await state.read(count) == 0


async def test_constraints_are_the_callers_own_error(state):
    def orphan(session):
        session.add(Settings(user_id="nobody:0", values={}))

    with pytest.raises(IntegrityError):
        await state.run(orphan)
    assert state.health().failed == 0


async def test_wrong_sql_is_the_callers_own_error(state):
    with pytest.raises(OperationalError, match="no such table"):
        await state.read(lambda session: session.execute(text("SELECT * FROM nowhere")))


async def test_read_cannot_write(state):
    with pytest.raises(StorageError, match="readonly"):
        await state.read(lambda session: session.add(person("a:1")))
    assert await state.read(count) == 0


async def test_objects_stay_readable_after_the_transaction(state):
    def make(session):
        session.add(person("a:1"))
        session.flush()
        return session.get(User, "a:1")

    assert (await state.run(make)).user_id == "a:1"


async def test_writes_are_one_at_a_time_and_none_is_lost(state):
    await state.run(lambda session: session.add(person("a:1")))

    def increment(session):
        session.get(User, "a:1").seen_wall_ms += 1

    await asyncio.gather(*(state.run(increment) for _ in range(200)))
    assert await state.read(lambda session: session.get(User, "a:1").seen_wall_ms) == 201
    assert state.health().written == 201


async def test_two_that_write_to_one_file_take_turns(state, state_url):
    await state.run(lambda session: session.add(person("a:1")))
    other = await StateStore.open(state_url)

    def increment(session):
        session.get(User, "a:1").seen_wall_ms += 1

    await asyncio.gather(*(store.run(increment) for _ in range(100) for store in (state, other)))
    assert await other.read(lambda session: session.get(User, "a:1").seen_wall_ms) == 201
    await other.close()


async def test_readers_see_whole_transactions_while_the_writer_works(state):
    stop = asyncio.Event()
    seen: list[int] = []

    def pair(number):
        def add(session):
            session.add(person(f"a:{number}"))
            session.flush()
            session.add(person(f"b:{number}"))

        return add

    async def read():
        while not stop.is_set():
            seen.append(await state.read(count))

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for number in range(60):
        await state.run(pair(number))
    stop.set()
    await asyncio.gather(*readers)
    assert all(value % 2 == 0 for value in seen)
    assert len(set(seen)) > 2


async def test_a_reader_does_not_wait_for_a_long_transaction(state):
    entered, leave = threading.Event(), threading.Event()

    def long(session):
        session.add(person("a:1"))
        session.flush()
        entered.set()
        leave.wait(10)

    writing = asyncio.create_task(state.run(long))
    await asyncio.to_thread(entered.wait, 10)
    assert await state.read(count) == 0
    leave.set()
    await writing
    assert await state.read(count) == 1


async def test_work_that_takes_too_long_is_stopped_and_undone(state_url):
    store = await StateStore.open(state_url, timeout_s=0.2)
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")

    def work(session):
        session.add(person("a:1"))
        session.flush()
        session.execute(endless)

    with pytest.raises(StorageError, match="in time"):
        await store.run(work)
    assert await store.read(count) == 0
    with pytest.raises(StorageError, match="in time"):
        await store.read(lambda session: session.execute(endless))
    assert await store.run(count) == 0  # the writer is free again
    assert store.health().failed == 2
    await store.close()


async def test_slow_python_is_undone_too(state_url):
    store = await StateStore.open(state_url, timeout_s=0.1)

    def work(session):
        session.add(person("a:1"))
        time.sleep(0.4)

    with pytest.raises(StorageError, match="in time"):
        await store.run(work)
    await asyncio.sleep(0.5)
    assert await store.read(count) == 0
    await store.close()


async def test_a_cancelled_caller_leaves_nothing_half_done(state):
    entered, leave = threading.Event(), threading.Event()

    def work(session):
        session.add(person("a:1"))
        entered.set()
        leave.wait(10)

    task = asyncio.create_task(state.run(work))
    await asyncio.to_thread(entered.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    leave.set()
    assert await state.run(count) == 0


async def test_close_finishes_what_was_accepted_and_may_be_repeated(state, state_url):
    tasks = [asyncio.create_task(state.run(lambda s, n=n: s.add(person(f"a:{n}")))) for n in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(*tasks[:1])
    await state.close()
    await asyncio.gather(*tasks)
    await state.close()
    with pytest.raises(StorageError, match="closed"):
        await state.run(count)
    again = await StateStore.open(state_url)
    assert await again.read(count) == 20
    await again.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "in a file"),
        ("sqlite:///:memory:", "in a file"),
        ("mysql://localhost/x", "mysql"),
        ("no url", "not readable"),
    ],
)
async def test_urls_that_cannot_be_used_are_refused(url, says):
    with pytest.raises(StorageError, match=says):
        await StateStore.open(url)


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be opened"):
        await StateStore.open(f"sqlite:///{tmp_path}/file/state.db")


def test_the_database_works_without_a_loop(state_url):
    database = StateDatabase.open(state_url)
    database.write(lambda session: session.add(person("a:1")))
    assert database.read(count) == 1
    database.close()


async def test_rule_numbers_are_never_used_twice(state):
    def rule(session):
        common = {"kind": "k", "symbol": "S", "cooldown_s": 1, "to_channel": "inapp"}
        row = Rule(user_id="a:1", params={}, created_ms=1, created_wall_ms=1, **common)
        session.add(row)
        session.flush()
        return row.rule_id

    await state.run(lambda session: session.add(person("a:1")))
    first = await state.run(rule)
    await state.run(lambda session: session.delete(session.get(Rule, first)))
    assert await state.run(rule) > first
