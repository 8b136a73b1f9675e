"""Test that brought files are read as they are meant, and refused with file, row and column."""

import gzip

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.importer import Content, read_file, read_files
from engine.errors import DataError

HEAD = "ts,open,high,low,close,volume\n"
T0 = 1_760_054_400_000  # 2025-10-10 00:00 UTC
GOOD = f"{T0},1,2,0.5,1.5,3\n"


@pytest.fixture
def csv(tmp_path):
    """Write a CSV file."""

    def write(text, name="bars.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_candles_come_in_order_whatever_way_time_is_written(csv):
    text = HEAD + f"2025-10-10T02:10:00+02:00,2,3,1,2,4\n{GOOD}2025-10-10 00:05,1,2,1,2,0\n"
    found = read_file(csv(text))
    assert (found.content, found.step_ms, found.ignored) == (Content.CANDLES, 300_000, ())
    assert (found.ts - T0).tolist() == [0, 300_000, 600_000]
    assert found.columns["open"].tolist() == [1.0, 1.0, 2.0]
    assert len(found) == 3


def test_optional_columns_may_be_blank_and_others_are_named(csv):
    text = "TS, Open,high,low,close,volume,quote_volume,trades\n" + f"{T0},1,2,1,2,3,,9\n"
    found = read_file(csv(text))
    assert np.isnan(found.columns["quote_volume"]).all()
    assert found.ignored == ("trades",)


def test_the_other_forms(csv):
    held = read_file(csv(f"ts,open_interest\n{T0},5\n"))
    assert (held.content, held.step_ms) == (Content.OPEN_INTEREST, None)
    sums = read_file(csv(f"ts,long_usd,short_usd\n{T0},5,0\n{T0 + 1_800_000},0,1\n"))
    assert (sums.content, sums.step_ms) == (Content.LIQUIDATIONS, 1_800_000)
    alike = f"{T0 + 7},LONG,100,2\n" * 2 + f"{T0 + 1},short,90,1\n"
    events = read_file(csv("ts,side,price,quantity\n" + alike))
    assert events.content is Content.EVENTS
    assert events.columns["side"].tolist() == [1.0, 0.0, 0.0]


def test_blank_lines_at_the_end_do_no_harm(csv):
    assert len(read_file(csv(HEAD + GOOD + "\n\n"))) == 1


def test_compressed_files_are_read(tmp_path):
    path = tmp_path / "bars.csv.gz"
    path.write_bytes(gzip.compress((HEAD + GOOD).encode()))
    assert len(read_file(path)) == 1


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_parquet_times_of_every_unit(tmp_path, unit, zone):
    times = pa.array([T0], pa.timestamp("ms", zone)).cast(pa.timestamp(unit, zone))
    path = tmp_path / "sums.parquet"
    pq.write_table(pa.table({"ts": times, "long_usd": [1], "short_usd": [2.5]}), path)
    assert read_file(path).ts.tolist() == [T0]


BAD = {
    "a word for a number": (GOOD + f"{T0 + 300_000},1,abc,1,2,3\n", "row 2 (line 3), column high", "'abc'"),
    "a number that is missing": (f"{T0},1,2,1,,3\n", "row 1 (line 2), column close", "nothing"),
    "not a number": (f"{T0},1,2,1,nan,3\n", "row 1 (line 2), column close", "nan"),
    "without end": (f"{T0},1,inf,1,2,3\n", "row 1 (line 2), column high", "inf"),
    "a price of nothing": (f"{T0},0,2,1,2,3\n", "column open", "not above 0"),
    "a volume below 0": (f"{T0},1,2,1,2,-3\n", "column volume", "below 0"),
    "low above high": (f"{T0},1,2,3,2,3\n", "column low", "high"),
    "seconds": ("1760054400,1,2,1,2,3\n", "row 1 (line 2), column ts", "seconds"),
    "microseconds": ("1760054400000000,1,2,1,2,3\n", "column ts", "microseconds"),
    "no time": ("yesterday,1,2,1,2,3\n", "column ts", "ISO 8601"),
    "twice": (GOOD * 2, "row 2 (line 3), column ts", "first in row 1"),
    "too few": (GOOD + f"{T0 + 300_000},1,2\n", "row 2 (line 3), column low", "3 values"),
    "too many": (GOOD + f"{T0 + 300_000},1,2,1,2,3,4\n", "row 2 (line 3)", "7 values"),
    "off its mark": (GOOD + f"{T0 + 300_000},1,2,1,2,3\n{T0 + 661_000},1,2,1,2,3\n", "row 3", "mark"),
    "too far apart": (GOOD + f"{T0 + 86_400_000},1,2,1,2,3\n", "row 2 (line 3), column ts", "1440 minutes"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named_by_file_row_and_column(csv, case):
    text, place, why = BAD[case]
    path = csv(HEAD + text)
    with pytest.raises(DataError) as refused:
        read_file(path)
    for part in (str(path), place, why):
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be read"),
        (HEAD, "no rows"),
        ("ts,open,high\n1,2,3\n", "no column low, close, volume"),
        ("open,high,low,close,volume\n1,2,1,2,3\n", "no column ts"),
        ("ts,ts,long_usd,short_usd\n1,1,2,3\n", "column ts twice"),
        (f"ts,side,price,quantity\n{T0},SELL,1,2\n", "a sell closes a long"),
    ],
)
def test_files_that_are_something_else(csv, text, why):
    with pytest.raises(DataError, match=why):
        read_file(csv(text))


def test_files_that_are_not_there_or_not_parquet(tmp_path, csv):
    with pytest.raises(DataError, match="no such file"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read_file(csv("junk", "junk.parquet"))


def test_a_null_in_parquet_is_named_without_a_line(tmp_path):
    path = tmp_path / "held.parquet"
    pq.write_table(pa.table({"ts": [T0, T0 + 300_000], "open_interest": [1.0, None]}), path)
    with pytest.raises(DataError, match=r"row 2, column open_interest: nothing"):
        read_file(path)


def test_one_wrong_file_refuses_all(csv):
    good, bad = csv(HEAD + GOOD, "a.csv"), csv(HEAD + "x,1,2,1,2,3\n", "b.csv")
    assert len(read_files([good])) == 1
    with pytest.raises(DataError, match=r"b\.csv"):
        read_files([good, bad])
