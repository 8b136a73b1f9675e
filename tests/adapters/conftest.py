"""Wall time and recordings that tests move and write by hand."""

import asyncio
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.recording import VENUE_KEY
from engine.model import STEP_MS

START_MS = 1_760_000_100_000 // STEP_MS * STEP_MS


class WallTime:
    """A monotonic clock that only moves when somebody waits for it or sets it."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.waited: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        if timeout_s is None:
            await event.wait()
        elif not event.is_set():
            self.waited.append(timeout_s)
            self.now_s += timeout_s
        await asyncio.sleep(0)


def bars(
    count: int, *, first_ms: int = START_MS, base: float = 100.0, seed: int = 1
) -> dict[str, np.ndarray]:
    """Return columns of possible candles, one each five minutes."""
    dice = np.random.default_rng(seed)
    close = base * np.exp(np.cumsum(dice.normal(0, 0.002, count)))
    opens = np.concatenate([[base], close[:-1]])
    return {
        "ts": first_ms + np.arange(count, dtype=np.int64) * STEP_MS,
        "open": opens,
        "high": np.maximum(opens, close) * 1.001,
        "low": np.minimum(opens, close) * 0.999,
        "close": close,
        "volume": dice.uniform(1, 10, count),
        "open_interest": np.full(count, 5000.0),
    }


def write(path: Path, columns: dict[str, np.ndarray]) -> Path:
    arrays = {name: pa.array(values) for name, values in columns.items()}
    schema = pa.schema([(n, a.type) for n, a in arrays.items()], metadata={VENUE_KEY: b"binance"})
    pq.write_table(pa.Table.from_arrays(list(arrays.values()), schema=schema), path)
    return path


@pytest.fixture
def wall() -> WallTime:
    return WallTime()


@pytest.fixture
def make_bars():
    return bars


@pytest.fixture
def write_bars():
    return write


@pytest.fixture
def recordings(tmp_path) -> Path:
    """A folder with two symbols of 40 candles; the second lacks its last."""
    write(tmp_path / "AAAUSDT.parquet", bars(40))
    write(tmp_path / "BBBUSDT.parquet", bars(39, base=7.0, seed=2))
    return tmp_path
