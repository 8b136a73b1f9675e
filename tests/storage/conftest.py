"""Give storage tests real stores in a temporary folder, bars to put in them, and other processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.model import STEP_MS, Candles
from storage.market import MarketStore
from storage.state import StateStore

ROOT = Path(__file__).parents[2]


@pytest.fixture
def state_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/state.db"


@pytest.fixture
async def state(state_url):
    store = await StateStore.open(state_url)
    yield store
    await store.close()


@pytest.fixture
def market_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "market.duckdb"


@pytest.fixture
async def market(market_path):
    store = await MarketStore.open(market_path)
    yield store
    await store.close()


@pytest.fixture
def bars() -> Callable[..., Candles]:
    """Make bars `first`, `first + 1`, ...; every other one has open interest, none has a taker volume."""

    def make(count: int, first: int = 0, price: float = 100.0) -> Candles:
        numbers = np.arange(first, first + count)
        close = price + numbers * 0.5
        return Candles(
            ts=numbers * STEP_MS,
            open=close - 0.25,
            high=close + 1.0,
            low=close - 1.0,
            close=close,
            volume=numbers + 1.0,
            quote_volume=close * 10,
            taker_buy_volume=np.full(count, np.nan),
            open_interest=np.where(numbers % 2 == 0, numbers * 3.0, np.nan),
        )

    return make


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python scripts as other processes; they are killed when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a file system of a given size; called again, it is given another size."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(size: str) -> Path:
        options = f"remount,size={size}" if place.is_mount() else f"size={size}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        if done.returncode:
            pytest.skip("needs the right to mount a small file system (root)")
        return place

    yield mount
    if place.is_mount():
        subprocess.run(["umount", "-l", str(place)], check=True, timeout=20)
