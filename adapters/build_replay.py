"""Build the recordings that ship with Liqwatch: `python -m adapters.build_replay SAMPLES [TARGET]`.

The same input gives the same bytes: fixed columns, order, compression and row groups, no time stamps inside.
"""

import csv
import gzip
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.recording import VENUE_KEY, load_recording
from adapters.replay import DEFAULT_SYMBOLS, shipped_recordings
from engine.errors import SourceError
from engine.model import STEP_MS, Candles

KLINES = "market/klines_5m_2025Q4/{symbol}_5m.csv.gz"
OPEN_INTEREST = "market/btc_2025-11_2026-03/{base}_oi_5m.csv.gz"
VENUE = b"binance"
"""Everything below is Binance USD-M public market data."""


def main(arguments: Sequence[str]) -> int:
    """Build every shipped recording and print what it holds."""
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write("usage: python -m adapters.build_replay SAMPLES [TARGET]\n")
        return 2
    samples = Path(arguments[0])
    target = Path(arguments[1]) if len(arguments) == 2 else shipped_recordings()
    target.mkdir(parents=True, exist_ok=True)
    for symbol in DEFAULT_SYMBOLS:
        path = target / f"{symbol}.parquet"
        try:
            build(samples, symbol, path)
        except SourceError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        sys.stdout.write(f"{summary(path, symbol)}\n")
    return 0


def build(samples: Path, symbol: str, target: Path) -> None:
    """Write one recording; raise SourceError if the samples are not what they should be."""
    bars = _read(samples / KLINES.format(symbol=symbol))
    interest = _read(samples / OPEN_INTEREST.format(base=symbol.removesuffix("USDT")))
    ts = np.array([int(row["timestamp"]) for row in bars], np.int64)
    known = {int(row["t"]): float(row["oi"]) for row in interest}
    columns: dict[str, pa.Array] = {"ts": pa.array(ts, pa.int64())}
    for name in ("open", "high", "low", "close", "volume"):
        columns[name] = pa.array([float(row[name]) for row in bars], pa.float64())
    columns["open_interest"] = pa.array([known.get(int(t)) for t in ts], pa.float64())
    schema = pa.schema([(n, c.type) for n, c in columns.items()], metadata={VENUE_KEY: VENUE})
    table = pa.Table.from_arrays(list(columns.values()), schema=schema)
    pq.write_table(table, target, compression="zstd", compression_level=19, row_group_size=1 << 20)
    load_recording(target, symbol)


def mean_quote_volume(candles: Candles) -> float:
    """Return the mean quote volume of a candle, USD, where each is volume * (high + low + close) / 3."""
    return float(np.mean(candles.volume * (candles.high + candles.low + candles.close) / 3))


def missing(candles: Candles) -> int:
    """Return how many bars are missing between the first and the last."""
    return int((candles.ts[-1] - candles.ts[0]) // STEP_MS + 1 - len(candles))


def summary(path: Path, symbol: str) -> str:
    """Return one line about a recording: what PROVENANCE.md says of it."""
    candles = load_recording(path, symbol).candles
    known = int(np.isfinite(candles.open_interest).sum())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return (
        f"{path.name}: {len(candles)} candles, {missing(candles)} missing, {known} with open interest,"
        f" mean quote volume {mean_quote_volume(candles) / 1e6:.2f}e6 USD,"
        f" {path.stat().st_size} bytes, sha256 {digest}"
    )


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with gzip.open(path, "rt", newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror or error}).") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
