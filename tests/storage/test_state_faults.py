"""Test what the state store does when the file is locked, damaged, or the disk is full."""

import os
import re
import signal
import sqlite3

import pytest
from sqlalchemy import func, select

from engine.errors import StorageError, StoreCorrupt, StoreFull, StoreLocked
from storage.errors import state_fault
from storage.state import StateStore
from storage.tables import Note, User

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""

WRITE = """
import asyncio, sys
from storage.state import StateStore
from storage.tables import User

async def main():
    store = await StateStore.open(sys.argv[1])
    for number in range(int(sys.argv[2]), 1_000_000):
        def add(session, number=number):
            session.add(User(user_id=f"a:{number}", created_wall_ms=number, seen_wall_ms=0))
        await store.run(add)
        print(number, flush=True)

asyncio.run(main())
"""

LIMITED = """
import asyncio, resource, signal, sys
from engine.errors import StoreFull
from storage.notes import set_note
from storage.state import StateStore

async def main():
    store = await StateStore.open(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    done = 0
    try:
        for number in range(1000):
            await store.run(lambda session: set_note(session, f"n{number}", {"x": "y" * 50_000}))
            done += 1
    except StoreFull as error:
        print("full:", error, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.run(lambda session: set_note(session, "after", {}))
    await store.close()
    print(done)

asyncio.run(main())
"""


def note(name: str, size: int):
    return lambda session: session.add(Note(name=name, value={"x": "y" * size}))


def count(session) -> int:
    return session.scalar(select(func.count()).select_from(Note))


async def test_a_lock_of_another_process_names_it(state, state_url, spawn):
    await state.close()
    holder = spawn(HOLD, state.path)
    assert holder.stdout.readline() == "held\n"
    store = await StateStore.open(state_url, busy_timeout_s=0.2)
    with pytest.raises(StoreLocked, match=rf"in use by process {holder.pid} \(python"):
        await store.run(note("n", 1))
    assert await store.read(count) == 0  # readers go on
    assert str(holder.pid) in store.health().fault
    holder.communicate("", timeout=10)
    await store.run(note("n", 1))
    assert store.health().fault == ""
    await store.close()


async def test_a_lock_that_ends_soon_is_waited_for(state, state_url, spawn):
    holder = spawn(HOLD.replace("sys.stdin.read()", "import time; time.sleep(0.5)"), state.path)
    assert holder.stdout.readline() == "held\n"
    await state.run(note("n", 1))
    assert await state.read(count) == 1


async def test_a_new_file_locked_while_it_is_made(tmp_path, state_url, spawn):
    (tmp_path / "data").mkdir()
    holder = spawn(HOLD, tmp_path / "data" / "state.db")
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StoreLocked, match=str(holder.pid)):
        await StateStore.open(state_url, busy_timeout_s=0.2)


@pytest.mark.parametrize("damage", ["junk", "cut", "page"])
async def test_a_damaged_file_is_refused_and_untouched(state, state_url, damage):
    for number in range(20):
        await state.run(note(f"n{number}", 3_000))
    await state.close()
    data = bytearray(state.path.read_bytes())
    if damage == "junk":
        data = bytearray(b"this is no database " * 500)
    elif damage == "cut":
        data = data[: len(data) // 3]
    else:
        data[4096 * 3 : -4096] = os.urandom(len(data) - 4096 * 4)
    state.path.write_bytes(data)
    with pytest.raises(StoreCorrupt, match="Nothing was changed"):
        await StateStore.open(state_url)
    assert state.path.read_bytes() == data


async def test_damage_found_later_is_named(state, state_url):
    await state.run(note("n", 400_000))
    await state.checkpoint()
    fresh = await StateStore.open(state_url)  # nothing of the file is in its memory yet
    with state.path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(state.path.stat().st_size - 4096))
    with pytest.raises(StoreCorrupt):
        await fresh.read(lambda session: session.scalars(select(Note)).all())
    await fresh.close()


async def test_kill_9_loses_nothing_that_was_acknowledged(state_url, spawn):
    first = 0
    for _ in range(3):
        writer = spawn(WRITE, state_url, first)
        acknowledged = [int(writer.stdout.readline()) for _ in range(150)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split()]
        writer.wait(timeout=10)
        store = await StateStore.open(state_url)
        kept = set(await store.read(lambda s: s.scalars(select(User.created_wall_ms)).all()))
        await store.close()
        assert set(acknowledged) <= kept
        assert len(kept) <= acknowledged[-1] + 2  # at most the one in flight was not acknowledged
        first = max(kept) + 1


async def fill(store: StateStore) -> int:
    """Write until the disk is full, and return how much was acknowledged."""
    for number in range(100):
        try:
            await store.run(note(f"n{number}", 50_000))
        except StoreFull:
            return number
    raise AssertionError("the disk was never full")


async def test_a_full_disk_keeps_what_was_acknowledged(small_disk):
    place = small_disk("1m")
    store = await StateStore.open(f"sqlite:///{place}/state.db")
    done = await fill(store)
    assert done > 3
    assert await store.read(count) == done
    assert "refused a write" in store.health().fault
    small_disk("8m")
    await store.run(note("after", 50_000))
    assert await store.read(count) == done + 1
    assert store.health().fault == ""
    await store.close()


async def test_a_file_that_may_not_grow_keeps_what_was_acknowledged(state_url, spawn):
    output, errors = spawn(LIMITED, state_url).communicate(timeout=60)
    assert "full: The disk refused a write" in output, errors
    done = int(re.findall(r"^\d+$", output, re.MULTILINE)[0])
    store = await StateStore.open(state_url)
    assert done > 3
    assert await store.read(count) == done + 1
    await store.close()


def test_other_errors_of_the_file_are_storage_errors(tmp_path):
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(tmp_path)
    assert isinstance(state_fault(caught.value, tmp_path), StorageError)
    assert state_fault(ValueError("x"), tmp_path) is None
    assert state_fault(sqlite3.IntegrityError("x"), tmp_path) is None


HOT_JOURNAL = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size=1")
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE alembic_version (version_num TEXT)")
db.execute("BEGIN IMMEDIATE")
for number in range(400):
    db.execute("INSERT INTO alembic_version VALUES (?)", ("x" * 500,))
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_a_journal_left_by_a_kill_is_rolled_back(tmp_path, spawn):
    path = tmp_path / "state.db"
    spawn(HOT_JOURNAL, path).wait(30)
    assert path.with_name("state.db-journal").exists()
    store = await StateStore.open(f"sqlite:///{path}")
    assert await store.read(count) == 0
    await store.close()
