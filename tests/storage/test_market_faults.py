"""Test what the market store does when the file is locked, damaged, newer, or the disk is full."""

import asyncio
import os
import re
import signal
import threading
import time
from contextlib import closing

import duckdb
import pytest

from engine.errors import SchemaTooNew, StorageError, StoreCorrupt, StoreFull, StoreLocked
from storage import market_db
from storage.errors import market_fault
from storage.market import Limits, MarketStore
from storage.market_db import MarketDatabase
from storage.market_schema import MIGRATIONS, load_migrations
from storage.market_tables import Shelfmark
from storage.state import StateStore
from storage.state_schema import differences

BTC = ("BTCUSDT", "binance")
PLACE = ("binance", "BTCUSDT", "flow")
MARK = Shelfmark(venue="binance", symbol="BTCUSDT", preset="flow")
QUICK = Limits(lock_wait_s=0.3)
NOW = len(load_migrations(MIGRATIONS))

HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read(1) if len(sys.argv) < 3 else __import__("time").sleep(float(sys.argv[2]))
connection.close()
"""

WRITE = """
import asyncio, os, sys
from storage.market import MarketStore
from storage.market_tables import Shelfmark

MARK = Shelfmark(venue="binance", symbol="BTCUSDT", preset="flow")

async def main():
    store = await MarketStore.open(sys.argv[1])
    for number in range(int(sys.argv[2]), 1_000_000):
        await store.add_columns(MARK, [number], [os.urandom(2000)])
        await store.flush()
        print(number, flush=True)

asyncio.run(main())
"""

LIMITED = """
import asyncio, os, resource, signal, sys
from engine.errors import StoreFull
from storage.market import MarketStore
from storage.market_tables import Shelfmark

MARK = Shelfmark(venue="binance", symbol="BTCUSDT", preset="flow")

async def main():
    store = await MarketStore.open(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
    done = 0
    try:
        for number in range(100):
            await store.add_columns(MARK, [number], [os.urandom(100_000)])
            await store.flush()
            done += 1
    except StoreFull as error:
        print("full:", error, store.health().waiting_rows, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.flush()
    print(done, flush=True)
    await store.close()

asyncio.run(main())
"""


async def test_a_lock_of_another_process_names_it(market, market_path, spawn, bars):
    await market.add_candles(*BTC, bars(3))
    await market.close()
    holder = spawn(HOLD, market_path)
    assert holder.stdout.readline() == "held\n"
    before, started = market_path.read_bytes(), time.monotonic()
    with pytest.raises(StoreLocked, match=rf"in use by process {holder.pid} \(python"):
        await MarketStore.open(market_path, QUICK)
    assert 0.2 < time.monotonic() - started < 5
    assert market_path.read_bytes() == before


async def test_a_lock_that_ends_soon_is_waited_for(market, market_path, spawn):
    await market.close()
    holder = spawn(HOLD, market_path, 0.5)
    assert holder.stdout.readline() == "held\n"
    store = await MarketStore.open(market_path, Limits(lock_wait_s=20))
    await store.close()


async def filled(market, bars) -> bytes:
    await market.add_candles(*BTC, bars(5_000))
    await market.add_columns(MARK, range(100), [os.urandom(3_000) for _ in range(100)])
    await market.close()
    return market.path.read_bytes()


@pytest.mark.parametrize("damage", ["junk", "short junk", "header", "cut", "all but header"])
async def test_a_damaged_file_is_refused_and_untouched(market, bars, damage):
    data = bytearray(await filled(market, bars))
    if damage == "junk":
        data = bytearray(b"this is no database " * 5_000)
    elif damage == "short junk":
        data = bytearray(b"x")
    elif damage == "header":
        data[4096 : 3 * 4096] = os.urandom(2 * 4096)
    elif damage == "cut":
        data = data[: 3 * 4096 + 1000]
    else:
        data[3 * 4096 :] = os.urandom(len(data) - 3 * 4096)
    market.path.write_bytes(data)
    with pytest.raises(StoreCorrupt, match="Nothing was changed"):
        await MarketStore.open(market.path)
    assert market.path.read_bytes() == data


async def test_damage_found_later_is_named(market, bars):
    data = bytearray(await filled(market, bars))
    with closing(duckdb.connect(str(market.path))) as connection:
        row = connection.execute(
            "SELECT block_id FROM pragma_storage_info('candles') "
            "WHERE column_name = 'close' AND block_id >= 0"
        ).fetchone()
    start = 3 * 4096 + row[0] * 262_144
    data[start : start + 262_144] = os.urandom(262_144)
    market.path.write_bytes(data)
    store = await MarketStore.open(market.path)
    with pytest.raises(StoreCorrupt):
        await store.candles(*BTC)
    await store.close()


async def test_a_log_without_its_file_is_not_swept_away(market_path):
    market_path.parent.mkdir()
    log = market_path.with_name("market.duckdb.wal")
    log.write_bytes(b"something")
    with pytest.raises(StoreCorrupt, match=r"log market\.duckdb\.wal is there"):
        await MarketStore.open(market_path)
    assert log.read_bytes() == b"something"


async def test_an_empty_file_and_leftovers_of_a_killed_start_are_no_obstacle(market_path):
    market_path.parent.mkdir()
    market_path.write_bytes(b"")
    left = market_path.with_name("market.duckdb.123.new")
    left.write_bytes(b"half")
    store = await MarketStore.open(market_path)
    assert "candles" in await store.tables()
    assert not left.exists()
    await store.close()


async def test_somebody_elses_file_is_left_alone(market_path):
    market_path.parent.mkdir()
    with closing(duckdb.connect(str(market_path))) as connection:
        connection.execute("CREATE TABLE photos (name VARCHAR)")
    before = market_path.read_bytes()
    with pytest.raises(StoreCorrupt, match="not a Liqwatch store"):
        await MarketStore.open(market_path)
    assert market_path.read_bytes() == before


async def test_a_newer_schema_is_left_alone(market, bars):
    await filled(market, bars)
    with closing(duckdb.connect(str(market.path))) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99, 'later')")
    before = market.path.read_bytes()
    with pytest.raises(SchemaTooNew, match=r"schema 99.*Update Liqwatch"):
        await MarketStore.open(market.path)
    assert market.path.read_bytes() == before


NEWER = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("INSERT INTO schema_version VALUES (99, 'later')")
os.kill(os.getpid(), 9)
"""


async def test_a_newer_schema_that_is_still_in_the_log_is_left_alone(market, spawn):
    await market.close()
    spawn(NEWER, market.path).wait(10)
    log = market.path.with_name("market.duckdb.wal")
    before = market.path.read_bytes(), log.read_bytes()
    with pytest.raises(SchemaTooNew, match="schema 99"):
        await MarketStore.open(market.path)
    assert (market.path.read_bytes(), log.read_bytes()) == before


async def test_a_file_of_a_newer_duckdb_is_left_alone(market, bars):
    data = bytearray(await filled(market, bars))
    data[12:20] = (9_999).to_bytes(8, "little")  # the version in the file's main header
    market.path.write_bytes(data)
    with pytest.raises((SchemaTooNew, StoreCorrupt)):
        await MarketStore.open(market.path)
    assert market.path.read_bytes() == data


@pytest.fixture
def later(tmp_path, monkeypatch):
    """A Liqwatch of the future, whose migrations have one more step."""

    def become(second: str) -> None:
        folder = tmp_path / "later"
        folder.mkdir()
        for path in market_db.MIGRATIONS.glob("*.sql"):
            (folder / path.name).write_text(path.read_text())
        (folder / f"{NOW + 1:04d}_next.sql").write_text(second)
        monkeypatch.setattr(market_db, "MIGRATIONS", folder)

    return become


async def test_a_later_version_keeps_what_is_there(market, bars, later):
    await filled(market, bars)
    later("ALTER TABLE candles ADD COLUMN trades BIGINT;")
    for _ in range(2):
        store = await MarketStore.open(market.path)
        assert len(await store.candles(*BTC)) == 5_000
        await store.close()
    with closing(duckdb.connect(str(market.path))) as connection:
        steps = [(step.version, step.name) for step in load_migrations(MIGRATIONS)]
        assert connection.execute("SELECT * FROM schema_version").fetchall() == [*steps, (NOW + 1, "next")]


async def test_a_migration_that_fails_leaves_the_schema_as_it_was(market, bars, later):
    await filled(market, bars)
    later("ALTER TABLE candles ADD COLUMN trades BIGINT; DROP TABLE nowhere;")
    with pytest.raises(StorageError, match="nowhere"):
        await MarketStore.open(market.path)
    with closing(duckdb.connect(str(market.path))) as connection:
        assert connection.execute("SELECT max(version) FROM schema_version").fetchone() == (NOW,)
        assert "trades" not in str(connection.execute("DESCRIBE candles").fetchall())


async def test_migrations_must_be_numbered_without_holes(market_path, later):
    later("SELECT 1;")
    (market_db.MIGRATIONS / f"{NOW + 3:04d}_hole.sql").write_text("SELECT 1;")
    with pytest.raises(ValueError, match="not numbered"):
        await MarketStore.open(market_path)


async def test_a_directory_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be opened"):
        await MarketStore.open(tmp_path / "file" / "market.duckdb")


async def test_kill_9_loses_nothing_that_was_acknowledged(market_path, spawn):
    first = 0
    for _ in range(3):
        writer = spawn(WRITE, market_path, first)
        acknowledged = [int(writer.stdout.readline()) for _ in range(100)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split()]
        writer.wait(timeout=10)
        store = await MarketStore.open(market_path)
        kept = [ts for ts, _ in await store.columns(MARK)]
        await store.close()
        assert len(kept) == len(set(kept))
        assert set(acknowledged) <= set(kept)
        assert kept[-1] <= acknowledged[-1] + 1
        first = kept[-1] + 1


BEGIN = """
import asyncio, sys
from storage.market import MarketStore
from storage.state import StateStore

async def main():
    print("go", flush=True)
    await MarketStore.open(sys.argv[1] + "/market.duckdb")
    await StateStore.open("sqlite:///" + sys.argv[1] + "/state.db")

asyncio.run(main())
"""


async def test_kill_9_while_the_files_are_made_is_no_obstacle(tmp_path, spawn):
    for number in range(8):
        folder = tmp_path / str(number)
        started = spawn(BEGIN, folder)
        assert started.stdout.readline() == "go\n"
        time.sleep(number * 0.012)
        started.kill()
        started.wait(10)
        market = await MarketStore.open(folder / "market.duckdb")
        state = await StateStore.open(f"sqlite:///{folder}/state.db")
        assert "candles" in await market.tables()
        assert await state.run(lambda session: differences(session.connection())) == []
        await market.close()
        await state.close()


async def fill(store: MarketStore, size: int = 100_000) -> int:
    """Write until the disk is full, and return how many rows were acknowledged."""
    for number in range(500):
        await store.add_columns(MARK, [number], [os.urandom(size)])
        try:
            await store.flush()
        except StoreFull:
            return number
    raise AssertionError("the disk was never full")


async def test_a_full_disk_keeps_what_was_acknowledged_and_writes_the_rest_later(small_disk, bars):
    place = small_disk("4m")
    store = await MarketStore.open(place / "market.duckdb")
    done = await fill(store)
    assert done > 10
    assert len(await store.columns(MARK)) == done
    assert "refused a write" in store.health().fault
    await store.add_candles(*BTC, bars(10))  # accepted: it waits in memory
    assert store.health().waiting_rows == 16
    small_disk("40m")
    await store.flush()
    assert len(await store.columns(MARK)) == done + 1
    assert len(await store.candles(*BTC)) == 10
    assert store.health().fault == ""
    assert store.health().retries > 0
    await store.close()


async def test_room_found_again_is_used_without_being_asked(small_disk):
    place = small_disk("4m")
    store = await MarketStore.open(place / "market.duckdb")
    done = await fill(store)
    small_disk("40m")
    for _ in range(100):
        if not store.health().fault:
            break
        await asyncio.sleep(0.1)
    assert len(await store.columns(MARK)) == done + 1
    await store.close()


async def test_a_checkpoint_that_fails_for_want_of_room_is_survived(small_disk):
    """DuckDB invalidates the whole instance then; the store opens the file anew."""
    place = small_disk("4m")
    store = await MarketStore.open(place / "market.duckdb")
    await store.call(lambda cursor: cursor.execute("SET GLOBAL checkpoint_threshold = '1MB'"))
    done = await fill(store)
    assert done > 10
    assert len(await store.columns(MARK)) >= done  # reads go on meanwhile
    small_disk("40m")
    await store.flush()
    assert [ts for ts, _ in await store.columns(MARK)] == list(range(done + 1))
    await store.close()
    again = await MarketStore.open(place / "market.duckdb")
    assert [ts for ts, _ in await again.columns(MARK)] == list(range(done + 1))
    await again.close()


async def test_closing_on_a_full_disk_ends_and_keeps_what_was_acknowledged(small_disk):
    place = small_disk("4m")
    store = await MarketStore.open(place / "market.duckdb")
    done = await fill(store)
    await asyncio.wait_for(store.close(), 20)
    small_disk("40m")
    again = await MarketStore.open(place / "market.duckdb")
    assert [ts for ts, _ in await again.columns(MARK)] == list(range(done))
    await again.close()


async def test_what_waits_is_bounded_and_refused_at_once_while_the_disk_is_full(small_disk):
    place = small_disk("4m")
    store = await MarketStore.open(place / "market.duckdb", Limits(waiting_bytes=500_000))
    await fill(store)
    started = time.monotonic()
    more = [store.add_columns(MARK, [number], [os.urandom(100_000)]) for number in range(10)]
    outcomes = await asyncio.gather(*more, return_exceptions=True)
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert len(refused) in (6, 7)
    assert all(isinstance(outcome, StoreFull) for outcome in refused)
    assert time.monotonic() - started < 2
    assert store.health().waiting_bytes <= 600_000
    await store.close()


async def test_a_file_that_may_not_grow_keeps_what_was_acknowledged(market_path, spawn):
    output, errors = spawn(LIMITED, market_path).communicate(timeout=60)
    assert "full: The disk refused a write" in output, errors
    done = int(re.findall(r"^\d+$", output, re.MULTILINE)[0])
    assert done > 5
    store = await MarketStore.open(market_path)
    assert [ts for ts, _ in await store.columns(MARK)] == list(range(done + 1))
    await store.close()


async def test_a_file_that_cannot_be_opened_again_is_tried_again(market, market_path, bars):
    """After a fatal error the file is opened anew; while that fails, reads say so and rows wait."""
    await market.add_candles(*BTC, bars(1))
    await market.flush()
    aside = market_path.with_name("aside")

    def fail(_cursor):
        market_path.rename(aside)
        market_path.mkdir()
        raise duckdb.FatalException("made up")

    with pytest.raises(StorageError):
        await market.call(fail)
    with pytest.raises(StorageError, match="closed"):
        await market.candles(*BTC)
    await market.add_candles(*BTC, bars(2))
    with pytest.raises(StorageError, match="cannot be"):
        await market.flush()
    assert market.health().waiting_rows == 3
    market_path.rmdir()
    aside.rename(market_path)
    await market.flush()
    assert len(await market.candles(*BTC)) == 2


def test_a_file_system_without_hard_links_will_do(market_path, monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    database = MarketDatabase.open(market_path)
    with database.cursor() as cursor:
        assert cursor.execute("SELECT max(version) FROM schema_version").fetchone() == (NOW,)
    database.close()
    assert list(market_path.parent.iterdir()) == [market_path]


def test_the_slower_of_two_that_make_the_file_uses_the_fasters(market_path, monkeypatch):
    def slower(path, made):
        made.rename(path)
        made.write_bytes(b"")
        raise FileExistsError

    monkeypatch.setattr("pathlib.Path.hardlink_to", slower)
    MarketDatabase.open(market_path).close()
    assert list(market_path.parent.iterdir()) == [market_path]


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (duckdb.IOException("Trying to read a database file with version number 99, but"), SchemaTooNew),
        (duckdb.FatalException("Could not write file x: No space left on device"), StoreFull),
        (duckdb.SerializationException("Failed to deserialize: x"), StoreCorrupt),
        (duckdb.IOException("Permission denied"), StorageError),
        (duckdb.OutOfMemoryException("x"), StorageError),
    ],
)
def test_errors_of_duckdb_say_what_they_mean(market_path, error, means):
    assert type(market_fault(error, market_path)) is means


def test_wrong_statements_are_no_fault_of_the_store(market_path):
    assert market_fault(duckdb.ConstraintException("corrupt"), market_path) is None
    assert market_fault(ValueError("corrupt"), market_path) is None


def test_the_file_is_not_closed_under_a_reader(market_path):
    """An instance that is still lent out would come back from the next connect, broken as it is."""
    database = MarketDatabase.open(market_path)
    lent, found = threading.Event(), []

    def read():
        with database.cursor() as cursor:
            lent.set()
            time.sleep(0.3)
            found.append(cursor.execute("SELECT max(version) FROM schema_version").fetchone())

    reader = threading.Thread(target=read)
    reader.start()
    lent.wait(5)
    database.close()
    assert found == [(NOW,)]
    reader.join()
