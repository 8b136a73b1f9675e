"""Be the commands `backup` and `restore`: both stores of a data directory into a folder, and back.

Where a process serves the directory, that one takes the backup: DuckDB's file is its alone.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bot.console.control import ControlClient
from bot.lock import DirectoryLock
from bot.truth.place import directory_of
from config.settings import Settings
from engine.errors import DataError, LiqwatchError, StorageError, UserError
from storage.backup import MARKET, STATE, Backup, copy_market, copy_state, describe, inspect
from storage.market import Limits, MarketStore

PATIENT_S: Final = 3_600.0
"""How long a copy may take; a store of some gigabytes takes a minute."""
_MADE: Final = "liqwatch-"


async def take(home: Path, market: MarketStore, into: Path) -> Path:
    """Copy the stores of a data directory, which may be in use, into a new folder of `into`; return it.

    Raises StorageError where they cannot be copied; nothing is left in `into` then.
    """
    now_ms = time.time_ns() // 1_000_000
    moment = datetime.fromtimestamp(now_ms // 1000, UTC)
    name = f"{_MADE}{home.name}-{moment:%Y%m%dT%H%M%S}{now_ms % 1000:03d}Z"
    part, made = into / f".{name}.part", into / name
    try:
        await asyncio.to_thread(_fresh, part)
        await asyncio.to_thread(copy_state, home / STATE, part / STATE)
        await market.flush()
        await market.read(lambda cursor: copy_market(cursor, part / MARKET), timeout_s=PATIENT_S)
        await asyncio.to_thread(describe, part, taken_ms=now_ms, source=home.name)
        await asyncio.to_thread(part.rename, made)
    except OSError as error:
        raise StorageError(f"{into} cannot take the backup: {error.strerror or error}.") from error
    finally:
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
    return made


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)


def backup(given: argparse.Namespace, settings: Settings) -> int:
    """Take a backup, through the running process if there is one, and remove what is not to be kept."""
    if given.keep is not None and given.keep < 1:
        raise UserError("--keep is 1 or more.", example="liqwatch backup backups --keep 7")
    if settings.storage.state_url is not None:
        raise UserError("What users own is in a database of your own (LIQWATCH_STATE_URL): back it up there.")
    home, into = directory_of(settings), given.folder.expanduser().resolve()
    made = asyncio.run(_taken(home, into))
    gone = spare(into, home.name, given.keep) if given.keep is not None else []
    size_mb = sum(store.size_bytes for store in inspect(made).stores) / 1e6
    sys.stdout.write(f"{made}: {size_mb:,.1f} MB, whole\n" + "".join(f"removed {path}\n" for path in gone))
    return 0


async def _taken(home: Path, into: Path) -> Path:
    """Ask the process that serves the directory, or copy what nobody serves."""
    if not (home / STATE).exists():
        raise DataError(f"There is nothing to back up in {home}: Liqwatch has not run there.")
    client = await ControlClient.join(home)
    if client is not None:
        try:
            answer: dict[str, Any] = await client.ask(timeout_s=PATIENT_S, backup=str(into))
        finally:
            await client.close()
        if "error" in answer:
            raise StorageError(str(answer["error"]))
        return Path(answer["backup"])
    async with AsyncExitStack() as held:
        lock = DirectoryLock(home)
        lock.acquire()
        held.callback(lock.release)
        store = await MarketStore.open(home / MARKET, Limits(memory_mb=512))
        held.push_async_callback(store.close)
        return await take(home, store, into)


def spare(into: Path, source: str, keep: int) -> Sequence[Path]:
    """Remove the oldest backups of a source but for the newest `keep`; return those that are gone."""
    there = sorted(path for path in into.glob(f"{_MADE}{source}-*Z") if path.is_dir())
    gone = there[:-keep]
    for path in gone:
        shutil.rmtree(path)
    return gone


def restore(given: argparse.Namespace, settings: Settings) -> int:
    """Put a backup in the place of what is there, which is set aside; the process must have been stopped."""
    if settings.storage.state_url is not None:
        raise UserError("What users own is in a database of your own (LIQWATCH_STATE_URL): restore it there.")
    folder = given.folder.expanduser().resolve()
    found = inspect(folder)
    home = settings.storage.directory(found.source)
    lock = DirectoryLock(home)
    lock.acquire()
    try:
        aside = put_back(folder, home)
    except OSError as error:
        raise StorageError(f"{home} cannot take the backup: {error.strerror or error}.") from error
    finally:
        lock.release()
    sys.stdout.write(f"{home} is as it was on {_moment(found)}\n")
    if aside is not None:
        sys.stdout.write(f"what was there is in {aside}; remove it once all is well\n")
    return 0


def put_back(folder: Path, home: Path) -> Path | None:
    """Put both stores of a backup into a directory nobody serves; return where the old ones are, if any.

    The copies are whole and beside their places before anything is moved.
    """
    names = (STATE, MARKET)
    for name in names:
        part = home / f"{name}.restored"
        part.unlink(missing_ok=True)
        shutil.copyfile(folder / name, part)
        part.chmod(0o600)
    old = [home / f"{name}{tail}" for name in names for tail in ("", "-wal", "-shm", ".wal")]
    old = [path for path in old if path.exists()]
    aside = home / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}Z" if old else None
    if aside is not None:
        aside.mkdir(mode=0o700)
        for path in old:
            path.rename(aside / path.name)
    for name in names:
        (home / f"{name}.restored").rename(home / name)
    return aside


def _moment(found: Backup) -> str:
    return f"{datetime.fromtimestamp(found.taken_ms / 1000, UTC):%d %b %Y %H:%M:%S} UTC"


async def answer(home: Path, market: MarketStore, into: str) -> dict[str, str]:
    """Answer a terminal that asks for a backup: where it is, or why there is none."""
    try:
        return {"backup": str(await take(home, market, Path(into)))}
    except LiqwatchError as error:
        return {"error": str(error)}
