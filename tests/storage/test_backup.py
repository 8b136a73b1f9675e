"""A backup is whole while both stores are in use, is refused where it is not, and comes back as it was."""

import argparse
import asyncio
import json
import shutil

import pytest

from bot import backup
from bot.backup import put_back, spare, take
from bot.lock import DirectoryLock
from config.settings import load
from engine.errors import AlreadyRunning, DataError, LiqwatchError, StorageError, UserError
from storage.backup import MANIFEST, MARKET, STATE, inspect
from storage.market import MarketStore
from storage.rules import NewRule, add_rule, list_rules
from storage.state import StateStore

OWNER = "discord:1"


def rule(session, symbol):
    return add_rule(session, OWNER, NewRule(symbol=symbol, params={}), now_ms=1, wall_ms=1, limit=10_000)


async def symbols_of(folder):
    store = await StateStore.open(f"sqlite:///{folder / STATE}")
    try:
        return [each.symbol for each in await store.read(lambda s: list_rules(s, OWNER))]
    finally:
        await store.close()


async def times_of(folder):
    store = await MarketStore.open(folder / MARKET)
    try:
        return (await store.candles("BTCUSDT", "binance")).ts.tolist()
    finally:
        await store.close()


@pytest.fixture
def home(state, market):
    return state.path.parent


@pytest.fixture
async def made(home, state, market, bars, tmp_path):
    await state.run(lambda s: rule(s, "BTCUSDT"))
    await market.add_candles("BTCUSDT", "binance", bars(50))
    return await take(home, market, tmp_path / "backups")


async def test_what_was_accepted_is_in_the_backup_and_what_came_after_is_not(home, made, state, market, bars):
    await state.run(lambda s: rule(s, "ETHUSDT"))
    await market.add_candles("BTCUSDT", "binance", bars(10, first=50))
    assert await symbols_of(made) == ["BTCUSDT"]
    assert await times_of(made) == bars(50).ts.tolist()
    assert [path.stat().st_mode & 0o077 for path in (made / STATE, made / MARKET)] == [0, 0]
    assert not list(made.parent.glob(".*"))


async def test_every_backup_under_writes_is_one_moment_of_each_store(home, state, market, bars, tmp_path):
    stop = asyncio.Event()

    async def write():
        number = 0
        while not stop.is_set():
            await state.run(lambda s, at=number: [rule(s, f"A{at}USDT"), rule(s, f"B{at}USDT")])
            await market.add_candles("BTCUSDT", "binance", bars(2, first=2 * number))
            await asyncio.sleep(0)
            number += 1

    writing = asyncio.create_task(write())
    try:
        taken = [await take(home, market, tmp_path / str(n)) for n in range(3)]
    finally:
        stop.set()
        await writing
    for folder in taken:
        inspect(folder)
        names = await symbols_of(folder)
        assert names[::2] == [f"A{n}USDT" for n in range(len(names) // 2)]
        assert len(names) % 2 == 0
        times = await times_of(folder)
        assert times == bars(len(times)).ts.tolist()
        assert len(times) % 2 == 0


async def test_a_backup_comes_back_as_it_was_and_what_was_there_is_set_aside(home, made, state, market, bars):
    await state.run(lambda s: rule(s, "ETHUSDT"))
    await market.add_candles("BTCUSDT", "binance", bars(10, first=50))
    await state.close()
    await market.close()
    aside = put_back(made, home)
    assert await symbols_of(home) == ["BTCUSDT"]
    assert await times_of(home) == bars(50).ts.tolist()
    assert await symbols_of(aside) == ["BTCUSDT", "ETHUSDT"]
    assert len(await times_of(aside)) == 60


async def test_a_backup_goes_onto_a_new_machine(made, tmp_path):
    there = tmp_path / "new" / "live"
    there.mkdir(parents=True)
    assert put_back(made, there) is None
    assert await symbols_of(there) == ["BTCUSDT"]


def _shorten(folder):
    path = folder / MARKET
    path.write_bytes(path.read_bytes()[:-1])


def _flip(folder):
    content = bytearray((folder / STATE).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / STATE).write_bytes(content)


def _other(folder):
    listed = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(listed | {"version": 2}))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / MANIFEST).unlink(), "is no backup"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "cannot be read"),
        (lambda folder: (folder / MARKET).unlink(), "market.duckdb is missing"),
        (_shorten, "its content has changed"),
        (_flip, "its content has changed"),
        (_other, "another form"),
    ],
)
async def test_what_is_not_whole_is_refused(made, spoil, told):
    spoil(made)
    with pytest.raises(DataError, match=told):
        inspect(made)


async def test_a_place_that_cannot_be_written_is_told_and_leaves_nothing(home, market, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot take the backup"):
        await take(home, market, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "in the way"


async def test_a_full_disk_is_told_and_leaves_nothing(home, market, bars, small_disk):
    await market.add_candles("BTCUSDT", "binance", bars(20_000))
    await market.flush()
    disk = small_disk("256k")
    with pytest.raises(LiqwatchError):
        await take(home, market, disk)
    assert not list(disk.iterdir())
    assert len(await market.candles("BTCUSDT", "binance")) == 20_000


async def test_only_the_newest_of_one_source_are_kept(tmp_path):
    names = [f"liqwatch-live-2026010{day}T000000Z" for day in range(1, 6)]
    for name in [*names, "liqwatch-replay-20250101T000000Z", "liqwatch-live-notes"]:
        (tmp_path / name).mkdir()
    assert [path.name for path in spare(tmp_path, "live", 2)] == names[:3]
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["liqwatch-live-20260104T000000Z", "liqwatch-live-20260105T000000Z",
                    "liqwatch-live-notes", "liqwatch-replay-20250101T000000Z"]  # fmt: skip


def settings_of(directory):
    return load({"storage.data_dir": str(directory), "source.kind": "live"}, environ={}, directory=directory)


async def test_the_commands_work_on_a_directory_that_nobody_serves(made, tmp_path, capsys):
    settings = settings_of(tmp_path / "there")
    home = settings.storage.directory("live")
    given = argparse.Namespace(folder=made, keep=None)
    shutil.copytree(made, renamed := tmp_path / "as-live")
    listed = json.loads((renamed / MANIFEST).read_text())
    (renamed / MANIFEST).write_text(json.dumps(listed | {"source": "live"}))
    assert await asyncio.to_thread(backup.restore, argparse.Namespace(folder=renamed), settings) == 0
    assert await symbols_of(home) == ["BTCUSDT"]
    given = argparse.Namespace(folder=tmp_path / "again", keep=1)
    for _ in range(2):
        assert await asyncio.to_thread(backup.backup, given, settings) == 0
    assert "whole" in capsys.readouterr().out
    (only,) = (tmp_path / "again").iterdir()
    assert await symbols_of(only) == ["BTCUSDT"]


async def test_commands_refuse_what_cannot_be(made, tmp_path):
    settings = settings_of(tmp_path / "there")
    with pytest.raises(UserError, match="--keep"):
        backup.backup(argparse.Namespace(folder=tmp_path, keep=0), settings)
    with pytest.raises(DataError, match="has not run there"):
        await asyncio.to_thread(backup.backup, argparse.Namespace(folder=tmp_path, keep=None), settings)
    listed = json.loads((made / MANIFEST).read_text())
    (made / MANIFEST).write_text(json.dumps(listed | {"source": "live"}))
    lock = DirectoryLock(settings.storage.directory("live"))
    lock.acquire()
    try:
        with pytest.raises(AlreadyRunning):
            await asyncio.to_thread(backup.restore, argparse.Namespace(folder=made), settings)
    finally:
        lock.release()
