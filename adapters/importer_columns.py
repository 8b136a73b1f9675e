"""Read the columns of a CSV or Parquet file one by one, and say exactly which value cannot be read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.errors import DataError
from engine.model import Floats, Ints

EARLIEST_MS, LATEST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 and 2100
SIDES = {"long": 0.0, "short": 1.0}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PARQUET = (".parquet", ".pq")
_ANY_CASE = str.maketrans("", "", "\ufeff")


class Source:
    """Hold one file's columns, by names in small letters."""

    def __init__(self, path: Path, table: pa.Table, *, lines: bool) -> None:
        self.path = path
        names = [name.translate(_ANY_CASE).strip().lower() for name in table.column_names]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise DataError(f"{path}: the header has the column {min(twice)} twice")
        self.names = tuple(names)
        self.rows = len(table)
        self._table = table
        self._lines = lines

    def error(self, row: int, name: str, why: str) -> DataError:
        """Return the error about a value: file, row, line, column, the value itself and what is wrong."""
        line = f" (line {row + 2})" if self._lines else ""
        value = self._column(name)[row].as_py()
        return DataError(f"{self.path}: row {row + 1}{line}, column {name}: {_shown(value)} {why}")

    def _column(self, name: str) -> pa.ChunkedArray:
        return self._table.column(self.names.index(name))

    def times(self, name: str) -> Ints:
        """Return times in ms."""
        column = self._column(name)
        if pa.types.is_timestamp(column.type):
            column = pc.cast(column, pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
        times = np.empty(self.rows, np.int64)
        for row, value in enumerate(column.to_pylist()):
            found = _time_ms(value)
            if found is None:
                raise self.error(row, name, "is not a time: ms since 1970 or ISO 8601 is wanted")
            if not EARLIEST_MS <= found < LATEST_MS:
                raise self.error(row, name, "is not a time between 2009 and 2100 in ms" + _hint(found))
            times[row] = found
        return times

    def numbers(self, name: str, *, blanks: bool = False) -> Floats:
        """Return finite numbers; where `blanks` are allowed, NaN stands for them."""
        column = self._column(name)
        numbers = np.empty(self.rows)
        for row, value in enumerate(column.to_pylist()):
            found = _number(value)
            if found is None or (np.isnan(found) and not blanks) or np.isinf(found):
                raise self.error(row, name, "is not a number")
            numbers[row] = found
        return numbers

    def sides(self, name: str) -> Floats:
        """Return 0 for longs and 1 for shorts."""
        sides = np.empty(self.rows)
        for row, value in enumerate(self._column(name).to_pylist()):
            found = SIDES.get(str(value).strip().lower())
            if found is None:
                raise self.error(
                    row, name, "is not long or short, whose position it was (a sell closes a long)"
                )
            sides[row] = found
        return sides


def read_source(path: Path) -> Source:
    """Return a file's columns; DataError where it cannot be read at all."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    try:
        if path.suffix.lower() in _PARQUET:
            return Source(path, pq.ParquetFile(path).read(use_threads=False), lines=False)
        return _csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error


def _csv(path: Path) -> Source:
    """Return a CSV file with every value as it is written."""
    odd: list[pa_csv.InvalidRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    parse = pa_csv.ParseOptions(invalid_row_handler=note, ignore_empty_lines=False)
    names = pa_csv.open_csv(path, parse_options=parse).schema.names
    odd.clear()
    table = pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(use_threads=False),
        parse_options=parse,
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    if odd:
        raise _ragged(path, odd[0], names)
    return _without_blanks(path, table)


def _without_blanks(path: Path, table: pa.Table) -> Source:
    """Return the rows that hold anything; lines are only counted where none is blank in between."""
    filled = np.zeros(len(table), np.bool_)
    for column in table.columns:
        filled |= pc.not_equal(column, "").to_numpy()
    kept = int(filled.sum())
    return Source(path, table.filter(pa.array(filled)), lines=bool(filled[:kept].all()))


def _ragged(path: Path, row: pa_csv.InvalidRow, names: list[str]) -> DataError:
    """Return the error about a row with too few or too many values."""
    at = f"row {row.number - 1} (line {row.number})" if row.number else f"the row {_shown(row.text)}"
    few = row.actual_columns < row.expected_columns
    where = f"column {names[row.actual_columns]} has no value" if few else "the last column has a neighbour"
    return DataError(
        f"{path}: {at}, {where}: {row.actual_columns} values, where the header has {row.expected_columns}"
    )


def _shown(value: object) -> str:
    return "nothing" if value is None or value == "" else repr(value)[:60]


def _hint(found: int) -> str:
    if EARLIEST_MS <= found * 1000 < LATEST_MS:
        return " (are these seconds?)"
    if EARLIEST_MS <= found // 1000 < LATEST_MS:
        return " (are these microseconds?)"
    return ""


def _time_ms(value: object) -> int | None:
    """Return a time in ms: a whole number, or ISO 8601; None where it is neither."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if float(value).is_integer() else None
    text = str(value).strip()
    try:
        return int(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(milliseconds=1)


def _number(value: Any) -> float | None:  # noqa: ANN401 - whatever a file holds, tried as a number
    if value is None or (isinstance(value, str) and not value.strip()):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
