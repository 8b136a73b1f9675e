"""A live market on five days of the shipped recording, small enough to be rebuilt many times."""

import asyncio
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from adapters.replay import Replay, shipped_recordings
from bot.live.market import LiveMarket
from config.settings import load
from engine.model import STEP_MS, Candle
from storage.market import MarketStore

FIRST_MS = 1_759_276_800_000  # 2025-10-01, the first recorded candle
CANDLES = 1464  # five days: nothing enters the heatmap before the third
SYMBOLS = ("BTCUSDT", "ETHUSDT")
START = 1200


def at(step: float) -> int:
    return FIRST_MS + int(step * STEP_MS)


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Return recordings of five days, cut from those that ship."""
    target = tmp_path_factory.mktemp("recordings")
    for symbol in SYMBOLS:
        table = pq.read_table(shipped_recordings() / f"{symbol}.parquet")
        pq.write_table(table.slice(0, CANDLES), target / f"{symbol}.parquet")
    return target


def small_settings(directory: Path):
    return load({"zones.min_hours": 12, "zones.days": 2}, environ={}, directory=directory)


@pytest.fixture
def settings(tmp_path):
    return small_settings(tmp_path)


@pytest.fixture(scope="session")
def grown(tmp_path_factory, folder) -> Path:
    """Return a store that a cold start at START has filled: most tests begin from a copy of it."""
    target = tmp_path_factory.mktemp("grown")

    async def grow() -> None:
        source = Replay(folder, symbols=SYMBOLS, start_ms=at(START), speed=None)
        store = await MarketStore.open(target / "market.duckdb")
        await LiveMarket(source, store, small_settings(target)).start()
        await store.close()

    asyncio.run(grow())
    return target


class WallTime:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall():
    return WallTime()


class Run:
    """One life of the process: a replay at full speed, a market, a store."""

    def __init__(self, market: LiveMarket, source: Replay, store: MarketStore) -> None:
        self.market = market
        self.source = source
        self.store = store
        self.events = source.events()

    async def play(self, candles: int) -> None:
        """Apply events until so many steps of all symbols have closed."""
        left = candles * len(self.source.symbols)
        while left:
            event = await anext(self.events)
            await self.market.apply(event)
            left -= isinstance(event, Candle)

    async def step(self):
        """Apply and return the next event."""
        event = await anext(self.events)
        await self.market.apply(event)
        return event

    async def end(self, *, killed: bool = False) -> None:
        """Stop as told to, or leave things as a kill would."""
        await self.events.aclose()
        if not killed:
            await self.market.stop()
        await self.store.close()


@pytest.fixture
async def begin(folder, grown, settings, wall, tmp_path):
    """Return a function that begins a run on the test's store."""
    runs: list[Run] = []

    async def make(start: float, *, directory=None, place="store", chosen=None) -> Run:
        if start == START and place == "store" and not (tmp_path / place).exists():
            shutil.copytree(grown, tmp_path / place)
        source = Replay(directory or folder, symbols=SYMBOLS, start_ms=at(start), speed=None)
        store = await MarketStore.open(tmp_path / place / "market.duckdb")
        run = Run(LiveMarket(source, store, chosen or settings, monotonic=wall), source, store)
        runs.append(run)
        await run.market.start()
        return run

    yield make
    for run in runs:
        await run.store.close()
