import gzip
import hashlib
import re

import pytest

from adapters.build_replay import KLINES, OPEN_INTEREST, main, mean_quote_volume
from adapters.recording import load_recording
from adapters.replay import shipped_recordings

ROWS = "1759276800000,100.0,101.5,99.5,101.0,7.25\n1759277100000,101.0,102.0,100.5,100.75,3.5\n"


def samples_folder(tmp_path, rows=ROWS):
    for name, text in (
        (KLINES.format(symbol="BTCUSDT"), f"timestamp,open,high,low,close,volume\n{rows}"),
        (KLINES.format(symbol="ETHUSDT"), f"timestamp,open,high,low,close,volume\n{rows}"),
        (OPEN_INTEREST.format(base="BTC"), "t,oi,oi_usd\n1759277100000,55.5,1\n1759277400000,56,1\n"),
        (OPEN_INTEREST.format(base="ETH"), "t,oi,oi_usd\n"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))
    return tmp_path


def test_rows_and_open_interest_are_joined_by_the_open(tmp_path, capsys):
    source, target = samples_folder(tmp_path / "in"), tmp_path / "out"
    assert main([str(source), str(target)]) == 0
    candles = load_recording(target / "BTCUSDT.parquet", "BTCUSDT").candles
    bar = candles.row(1, venue="binance", symbol="BTCUSDT")
    assert (bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        1759277100000,
        101.0,
        102.0,
        100.5,
        100.75,
        3.5,
    )
    assert bar.open_interest == 55.5
    assert candles.row(0, venue="binance", symbol="BTCUSDT").open_interest is None
    assert "2 candles, 0 missing, 1 with open interest" in capsys.readouterr().out


def test_the_same_input_gives_the_same_bytes(tmp_path):
    source = samples_folder(tmp_path / "in")
    for name in ("one", "two"):
        assert main([str(source), str(tmp_path / name)]) == 0
    assert (tmp_path / "one/BTCUSDT.parquet").read_bytes() == (tmp_path / "two/BTCUSDT.parquet").read_bytes()


@pytest.mark.parametrize("arguments", [[], ["a", "b", "c"]])
def test_wrong_arguments_are_told(arguments, capsys):
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_missing_and_impossible_samples_are_told(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    bad = samples_folder(tmp_path / "bad", "1759276800000,100,99,99.5,101,7\n")
    assert main([str(bad), str(tmp_path / "out")]) == 1
    assert "column high" in capsys.readouterr().err


def test_the_shipped_files_are_the_ones_of_the_provenance_page():
    page = (shipped_recordings() / "PROVENANCE.md").read_text()
    said = dict(re.findall(r"`(\w+\.parquet)` sha256 `(\w+)`", page))
    found = {
        p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in shipped_recordings().glob("*.parquet")
    }
    assert said == found


def test_the_shipped_files_are_made_from_the_samples(tmp_path, samples):
    assert main([str(samples), str(tmp_path)]) == 0
    for symbol in ("BTCUSDT", "ETHUSDT"):
        built = load_recording(tmp_path / f"{symbol}.parquet", symbol).candles
        shipped = load_recording(shipped_recordings() / f"{symbol}.parquet", symbol).candles
        assert mean_quote_volume(built) == mean_quote_volume(shipped)
        assert list(built.ts) == list(shipped.ts)
