import numpy as np
import pytest

from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from engine.errors import SourceError


def changed(column, row, value):
    def change(columns):
        columns[column] = columns[column].copy()
        columns[column][row] = value

    return change


def without(column):
    return lambda columns: columns.pop(column)


def swapped(columns):
    columns["ts"] = columns["ts"][[0, 2, 1, *range(3, 10)]]


def retyped(column, kind):
    def change(columns):
        columns[column] = columns[column].astype(kind)

    return change


def emptied(columns):
    for name in columns:
        columns[name] = columns[name][:0]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without("close"), "column close is missing"),
        (without("ts"), "column ts is missing"),
        (retyped("ts", float), "column ts is double"),
        (retyped("low", str), "column low is string"),
        (swapped, "row 2, column ts: is not later"),
        (changed("ts", 9, 1_760_000_100_001 + 10 * 300_000), "row 9, column ts: is not on a 5-minute step"),
        (changed("low", 4, 1e6), "row 4, column low: is above open or close"),
        (changed("high", 5, 1.0), "row 5, column high: is below open or close"),
        (changed("open", 3, -1.0), "row 3, column open: is not a positive number"),
        (changed("close", 6, np.nan), "row 6, column close: is not a positive number"),
        (changed("volume", 6, np.inf), "row 6, column volume: is not a positive number"),
        (changed("open_interest", 7, -4.0), "row 7, column open_interest: is negative"),
        (emptied, "has no rows"),
    ],
)
def test_a_bad_file_is_refused_by_file_row_and_column(tmp_path, make_bars, write_bars, spoil, said):
    columns = make_bars(10)
    spoil(columns)
    path = write_bars(tmp_path / "AAAUSDT.parquet", columns)
    with pytest.raises(SourceError) as caught:
        load_recording(path, "AAAUSDT")
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_missing_file_and_a_strange_one_are_refused(tmp_path):
    with pytest.raises(SourceError, match="no such recording"):
        load_recording(tmp_path / "AAAUSDT.parquet", "AAAUSDT")
    (tmp_path / "AAAUSDT.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        load_recording(tmp_path / "AAAUSDT.parquet", "AAAUSDT")


def test_what_a_recording_does_not_know_is_nan(tmp_path, make_bars, write_bars):
    columns = make_bars(10)
    del columns["open_interest"]
    recording = load_recording(write_bars(tmp_path / "A.parquet", columns), "A")
    assert np.isnan(recording.candles.open_interest).all()
    assert np.isnan(recording.candles.quote_volume).all()
    assert not recording.has_open_interest


@pytest.mark.parametrize(
    ("symbol", "count", "low"), [("BTCUSDT", 26_347, 80_576.0), ("ETHUSDT", 26_348, 2620.0)]
)
def test_the_shipped_recordings_are_whole(symbol, count, low):
    recording = load_recording(shipped_recordings() / f"{symbol}.parquet", symbol)
    candles = recording.candles
    assert recording.venue == "binance"
    assert len(candles) == count
    assert np.all(np.diff(candles.ts) == 300_000)
    assert candles.low.min() < low * 1.02
    december = candles.ts >= 1_764_547_500_000
    assert np.isfinite(candles.open_interest[december]).all()
    assert np.isnan(candles.open_interest[~december]).all()
    assert sum(p.stat().st_size for p in shipped_recordings().glob("*.parquet")) < 3_000_000
