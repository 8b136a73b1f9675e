"""The files that Binance publishes, from the zip to rows of the store, as somebody types it."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

T0 = 1_764_547_200_000  # 2025-12-01
MINUTE = 60_000
KLINES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
    f"{T0},90394.0,91010,90300,91000.1,100.5,{T0 + 299_999},9100000.5,8000,50.25,4550000,0\n"
    f"{T0 + 300_000},91000.1,91100,90900,91050,120.5,{T0 + 599_999},10968000.5,9000,70.25,6390000,0\n"
)
METRICS = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
    "2025-12-01 00:05:00,BTCUSDT,88000.125,8000000000.5,1.5,1.2,1.9,0.8\n"
    "2025-12-01 00:10:00,BTCUSDT,88100.5,8010000000.5,,1.25,0,0.8\n"
)
TRADES = (
    f"1,90000.5,0.5,1,2,{T0 + 10},true\n"
    f"2,90010.5,1.5,3,3,{T0 + 59_000},false\n"
    f"3,90001.0,2.0,4,4,{T0 + 60_001},true\n"
)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def packed(tmp_path):
    """Write a zip as Binance names it, with the one file in it."""

    def write(name, text):
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
            out.writestr(f"{name}.csv", text)
        return path

    return write


@pytest.fixture
def three(packed):
    return (
        packed("BTCUSDT-5m-2025-12-01", KLINES),
        packed("BTCUSDT-metrics-2025-12-01", METRICS),
        packed("BTCUSDT-aggTrades-2025-12-01", TRADES),
    )


@pytest.fixture
def rows(tmp_path):
    """Read rows of the store."""

    def read(sql):
        with duckdb.connect(str(tmp_path / "data" / "replay" / "market.duckdb"), read_only=True) as base:
            return base.execute(sql).fetchall()

    return read


TABLES = {"imported_candles": "step_ms", "imported_open_interest": "''", "long_short_ratios": "kind"}
EVERY = " UNION ALL ".join(
    f"SELECT '{name}', venue, symbol, ts, {kind}::VARCHAR FROM {name}"  # noqa: S608  # constants
    for name, kind in TABLES.items()
)


def test_every_kind_comes_from_the_zip_into_its_table_under_its_venue(run, three, rows):
    code, printed, complaint = run("import", "binance", "BTC", *three)
    assert (code, complaint) == (0, "")
    assert "2 rows, open interest and long/short ratios" in printed
    assert rows(
        "SELECT step_ms, ts, open, high, low, close, volume, quote_volume, taker_buy_volume "
        "FROM imported_candles ORDER BY step_ms, ts"
    ) == [
        (MINUTE, T0, 90000.5, 90010.5, 90000.5, 90010.5, 2.0, 90000.5 * 0.5 + 90010.5 * 1.5, 1.5),
        (MINUTE, T0 + MINUTE, 90001.0, 90001.0, 90001.0, 90001.0, 2.0, 180002.0, 0.0),
        (5 * MINUTE, T0, 90394.0, 91010.0, 90300.0, 91000.1, 100.5, 9100000.5, 50.25),
        (5 * MINUTE, T0 + 5 * MINUTE, 91000.1, 91100.0, 90900.0, 91050.0, 120.5, 10968000.5, 70.25),
    ]
    assert rows("SELECT ts, open_interest FROM imported_open_interest ORDER BY ts") == [
        (T0 + 5 * MINUTE, 88000.125),
        (T0 + 10 * MINUTE, 88100.5),
    ]
    assert rows("SELECT kind, step_ms, ts, ratio FROM long_short_ratios ORDER BY ALL") == [
        ("accounts", 5 * MINUTE, T0 + 5 * MINUTE, 1.9),  # the second is 0: nothing was counted
        ("top_accounts", 5 * MINUTE, T0 + 5 * MINUTE, 1.5),  # the second is blank
        ("top_positions", 5 * MINUTE, T0 + 5 * MINUTE, 1.2),
        ("top_positions", 5 * MINUTE, T0 + 10 * MINUTE, 1.25),
    ]
    assert {row[1:3] for row in rows(EVERY)} == {("binance", "BTCUSDT")}


def test_what_is_told_twice_adds_nothing_and_more_goes_on_from_there(run, three, packed, rows):
    assert run("import", "binance", "BTC", *three[:2])[0] == 0
    before = rows(EVERY)
    assert len(before) == 2 + 2 + 4
    assert run("import", "binance", "BTC", *three[:2])[0] == 0
    assert sorted(rows(EVERY)) == sorted(before)
    shifted = KLINES.replace(str(T0 + 300_000), str(T0 + 600_000)).replace(f"{T0},", f"{T0 + 300_000},")
    later = packed("BTCUSDT-5m-2025-12-02", shifted)
    assert run("import", "binance", "BTC", *three, later)[0] == 0
    after = rows(EVERY)
    assert (
        len(after) == len(set(after)) == len(before) + 2 + 1
    )  # two minutes of trades, a candle of a new time
    assert set(before) < set(after)


def test_a_ratio_that_was_read_live_is_the_same_row(run, three, rows):
    assert run("import", "binance", "BTC", three[1])[0] == 0
    assert run("import", "bybit", "BTC", three[1])[0] == 0
    counts = rows("SELECT venue, count(*) FROM long_short_ratios GROUP BY venue ORDER BY venue")
    assert counts == [("binance", 4), ("bybit", 4)]  # kept apart by venue, once each


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def flip(path):
    raw = bytearray(path.read_bytes())
    at = 30 + len(path.stem) + 4 + 20  # inside of the packed text
    raw[at] ^= 0xFF
    path.write_bytes(raw)


def belie(path):
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{'0' * 64}  {path.name}\n")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (cut, "It is not whole: download it again"),
        (flip, "cannot be read"),
        (belie, "its SHA-256 is not the one"),
    ],
)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_file_that_was_harmed_stops_the_import_and_nothing_is_kept(run, three, rows, harm, told, which):
    harm(three[which])
    code, printed, complaint = run("import", "binance", "BTC", *three)
    assert (code, printed) == (1, "")
    assert complaint.startswith(f"{three[which]}: ")
    assert told in complaint
    assert rows(EVERY) == []


def test_a_checksum_that_fits_is_fine(run, three):
    path = three[0]
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{right}  {path.name}\n")
    assert run("import", "binance", "BTC", path)[0] == 0


@pytest.mark.parametrize(
    ("name", "text", "other"),
    [
        ("ETHUSDT-5m-2025-12-01", KLINES, "ETHUSDT"),
        ("ETHUSDT-aggTrades-2025-12", TRADES, "ETHUSDT"),
        ("BTCUSDC-5m-2025-12-01", KLINES, "BTCUSDC"),
        ("BTCUSDT_260327-5m-2025-12-01", KLINES, "BTCUSDT_260327"),
        ("BTCUSDT-metrics-2025-12-01", METRICS.replace("00:10:00,BTCUSDT", "00:10:00,ETHUSDT"), "ETHUSDT"),
        ("renamed", METRICS.replace("BTCUSDT", "ETHUSDT"), "ETHUSDT"),
    ],
)
def test_a_file_of_another_symbol_is_refused(run, packed, three, rows, name, text, other):
    code, _, complaint = run("import", "binance", "BTC", three[0], packed(name, text))
    assert code == 1
    assert f"{name}.zip: is of {other}, not of BTCUSDT. Import it for its own symbol" in complaint
    assert f"liqwatch import binance {other} {name}.zip" in complaint
    assert rows(EVERY) == []


def test_bundles_become_coins(run, packed, rows):
    files = (
        packed("1000PEPEUSDT-5m-2025-12-01", KLINES),
        packed("1000PEPEUSDT-metrics-2025-12-01", METRICS.replace("BTCUSDT", "1000PEPEUSDT")),
    )
    assert run("import", "binance", "pepe", *files)[0] == 0
    (first, _) = rows("SELECT symbol, close, volume, quote_volume FROM imported_candles ORDER BY ts")
    assert first == ("PEPEUSDT", pytest.approx(91.0001), 100_500.0, 9100000.5)
    assert rows("SELECT max(open_interest) FROM imported_open_interest") == [(88_100_500.0,)]
    assert rows("SELECT DISTINCT symbol FROM long_short_ratios") == [("PEPEUSDT",)]


def test_a_bundle_that_shares_a_coins_name_stays_the_coin_that_it_is_live(run, packed, rows):
    """1000000BOB and BOB are two coins: the live reading keeps them apart, and so does an import."""
    bundle = packed("1000000BOBUSDT-5m-2025-12-01", KLINES)
    code, printed, _ = run("import", "binance", "1000000BOBUSDT", bundle)
    assert code == 0
    assert "imported for 1000000BOBUSDT on binance" in printed
    assert run("import", "binance", "bob", packed("BOBUSDT-5m-2025-12-01", KLINES))[0] == 0
    found = rows("SELECT symbol, max(high) FROM imported_candles GROUP BY symbol ORDER BY symbol")
    assert found == [("1000000BOBUSDT", pytest.approx(0.0911)), ("BOBUSDT", 91_100.0)]
    code, _, complaint = run("import", "binance", "bob", bundle)
    assert (code, "is of 1000000BOBUSDT, not of BOBUSDT" in complaint) == (1, True)


def test_a_file_that_names_no_symbol_is_of_the_bundle_that_is_typed(run, packed, rows):
    renamed = packed("bars", KLINES)
    for typed in ("1000PEPEUSDT", "pepe"):
        assert run("import", "binance", typed, renamed)[0] == 0
    assert rows("SELECT DISTINCT symbol FROM imported_candles") == [("PEPEUSDT",)]
    assert run("import", "bybit", "1000pepe", renamed)[0] == 0
    assert rows("SELECT max(high) FROM imported_candles WHERE venue = 'bybit'") == [(pytest.approx(91.1),)]


def test_candles_of_the_mark_price_are_no_trades(run, packed):
    """They come under the same names, from another folder, without volume."""
    text = KLINES.replace("100.5", "0").replace("120.5", "0")
    code, _, complaint = run("import", "binance", "BTC", packed("BTCUSDT-5m-2025-12-01", text))
    assert code == 1
    assert "nothing is traded in it, so it is of mark or index prices" in complaint


def test_a_zip_of_something_else_is_told_so(run, packed):
    code, _, complaint = run("import", "binance", "BTC", packed("BTCUSDT-bookDepth-2025-12-01", "a,b\n1,2\n"))
    assert code == 1
    assert "of zips only klines, aggTrades, metrics, liquidationSnapshot of Binance are read" in complaint


PEAK = """
import sys
from pathlib import Path
from bot.__main__ import main
code = main(sys.argv[1:])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print("peak_kb", peak.split()[1], "code", code)
"""
LINES = 2_000_000


def peak_mb(tmp_path, path):
    """Import a file in a process of its own; return the most memory that it held."""
    words = ("import", "binance", "BTC", path, "--source", "replay", "--data-dir", tmp_path / "data")
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    last = done.stdout.split()
    assert last[-1] == "0", done.stderr
    return int(last[-3]) / 1000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_millions_of_trades_take_no_more_memory_than_three(tmp_path, three, rows):
    number = np.arange(LINES)
    table = pa.table(
        {
            "agg_trade_id": number,
            "price": 90_000.0 + number % 1_000,
            "quantity": 0.25 * (1 + number % 4),
            "first_trade_id": number,
            "last_trade_id": number,
            "transact_time": T0 + number * 40,
            "is_buyer_maker": number % 2 == 0,
        }
    )
    path = tmp_path / "BTCUSDT-aggTrades-2025-12.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out,
        out.open(f"{path.stem}.csv", "w") as text,
    ):
        pa_csv.write_csv(table, text)
    with zipfile.ZipFile(path) as made:
        text_mb = made.infolist()[0].file_size / 1e6
    few_mb, many_mb = peak_mb(tmp_path, three[2]), peak_mb(tmp_path, path)
    assert many_mb - few_mb < 0.8 * text_mb  # whoever holds the text itself takes more than that
    minute = rows("SELECT ts, open, high, low, close, volume FROM imported_candles ORDER BY ts")
    assert len(minute) == LINES * 40 // MINUTE + 1
    each = MINUTE // 40  # trades in a minute, which goes once and a half through all prices
    assert minute[1] == (T0 + MINUTE, 90_500.0, 90_999.0, 90_000.0, 90_999.0, each * 0.625)
    assert sum(row[5] for row in minute) == LINES * 0.625
