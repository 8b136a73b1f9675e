"""Read a recorded symbol from Parquet, and refuse a file that is not what it should be."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import SourceError
from engine.model import CANDLE_FIELDS, STEP_MS, Candles

REQUIRED = ("ts", "open", "high", "low", "close", "volume")
VENUE_KEY = b"liqwatch.venue"
UNNAMED_VENUE = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The bars of one symbol on one venue, in order, with no impossible one among them."""

    venue: str
    symbol: str
    candles: Candles

    @property
    def first_ms(self) -> int:
        """Return the open of the first bar."""
        return int(self.candles.ts[0])

    @property
    def end_ms(self) -> int:
        """Return the close of the last bar."""
        return int(self.candles.ts[-1]) + STEP_MS

    @property
    def has_open_interest(self) -> bool:
        """Say whether any bar knows its open interest."""
        return bool(np.isfinite(self.candles.open_interest).any())


def load_recording(path: Path, symbol: str) -> Recording:
    """Read one file; raise SourceError that names file, row and column of what is wrong."""
    table = _table(path)
    columns = {name: _column(table, name, path) for name in CANDLE_FIELDS if name != "ts"}
    candles = Candles(ts=_times(table, path), **columns)
    if not len(candles):
        raise SourceError(f"{path}: has no rows. Install Liqwatch again, or name another directory.")
    _check(candles, path)
    venue = (table.schema.metadata or {}).get(VENUE_KEY, UNNAMED_VENUE.encode()).decode()
    return Recording(venue=venue, symbol=symbol, candles=candles)


def _table(path: Path) -> pa.Table:
    try:
        return pq.ParquetFile(path).read(use_threads=False)  # half the memory of read_table
    except FileNotFoundError:
        raise SourceError(
            f"{path}: there is no such recording. It ships with Liqwatch: install it again."
        ) from None
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path}: cannot be read as Parquet ({_first_line(error)}).") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _times(table: pa.Table, path: Path) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if "ts" not in table.column_names:
        raise SourceError(f"{path}: column ts is missing.")
    column = table["ts"]
    if column.type != pa.int64() or column.null_count:
        raise SourceError(
            f"{path}: column ts is {column.type} with {column.null_count} nulls; it must be int64 ms."
        )
    times: np.ndarray[tuple[int], np.dtype[np.int64]] = column.to_numpy()
    return times


def _column(table: pa.Table, name: str, path: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a column as float64; an optional one that is not there is all NaN."""
    if name not in table.column_names:
        if name in REQUIRED:
            raise SourceError(f"{path}: column {name} is missing.")
        return np.full(table.num_rows, np.nan)
    column = table[name]
    if not pa.types.is_floating(column.type):
        raise SourceError(f"{path}: column {name} is {column.type}; it must be a floating-point number.")
    values: np.ndarray[tuple[int], np.dtype[np.float64]] = column.cast(pa.float64()).to_numpy()
    return values


def _check(candles: Candles, path: Path) -> None:
    """Refuse bars that are out of order, off the step or impossible, by their row."""
    step = np.diff(candles.ts)
    _refuse(path, "ts", np.concatenate([[False], step <= 0]), "is not later than the row before")
    _refuse(path, "ts", candles.ts % STEP_MS != 0, "is not on a 5-minute step")
    for name in REQUIRED[1:]:
        values = getattr(candles, name)
        lowest = values < 0 if name == "volume" else values <= 0
        _refuse(path, name, ~np.isfinite(values) | lowest, "is not a positive number")
    _refuse(path, "low", candles.low > np.minimum(candles.open, candles.close), "is above open or close")
    _refuse(path, "high", candles.high < np.maximum(candles.open, candles.close), "is below open or close")
    for name in CANDLE_FIELDS[len(REQUIRED) :]:
        values = getattr(candles, name)
        _refuse(path, name, np.isinf(values) | (values < 0), "is negative or infinite")


def _refuse(path: Path, column: str, wrong: np.ndarray[tuple[int], np.dtype[np.bool_]], why: str) -> None:
    if wrong.any():
        raise SourceError(f"{path}: row {int(np.argmax(wrong))}, column {column}: {why}.")
