"""Daily files of Binance, as they are downloaded."""

import zipfile

import numpy as np
import pytest

from adapters import binance_daily
from adapters.binance_daily import read_daily
from adapters.importer import Content, read_file
from engine.errors import DataError

T0 = 1_764_547_200_000  # 2025-12-01
KLINES = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)
ROWS = (
    f"{T0 + 300_000},91000.1,91100,90900,91050,120.5,{T0 + 599_999},10968000.5,9000,70.25,6390000,0\n"
    f"{T0},90394.0,91010,90300,91000.1,100.5,{T0 + 299_999},9100000.5,8000,50.25,4550000,0\n"
)
METRICS = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio\n"
    "2025-12-01 00:05:00,BTCUSDT,88000.123,8000000000.5,1.5,1.2,1.9,0.8\n"
    "2025-12-01 00:10:00,BTCUSDT,88100.5,8010000000.5,1.5,1.2,1.9,0.8\n"
)
TRADES = (
    f"1,90000.5,0.5,1,2,{T0 + 10},true\n"
    f"2,90010.5,1.5,3,3,{T0 + 59_000},false\n"
    f"3,90001.0,2.0,4,4,{T0 + 60_001},true\n"
)
FORCED = (
    "time,side,order_type,time_in_force,original_quantity,price,average_price,order_status,"
    "last_fill_quantity,accumulated_fill_quantity\n"
    f"{T0 + 5},SELL,LIMIT,IOC,0.014,89000,89100.5,FILLED,0.014,0.014\n"
    f"{T0 + 9},BUY,LIMIT,IOC,1,92000,91900.5,FILLED,0.5,1\n"
    f"{T0 + 9},BUY,LIMIT,IOC,1,92000,0,NEW,0,0\n"
)


@pytest.fixture
def file(tmp_path):
    def write(text, name="day.csv", *, packed=False):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        if not packed:
            return path
        archive = tmp_path / f"{path.stem}.zip"
        with zipfile.ZipFile(archive, "w") as out:
            out.write(path, path.name)
        return archive

    return write


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", [KLINES, ""])
def test_klines_become_candles_with_what_takers_bought(file, packed, header):
    found = read_file(file(header + ROWS, packed=packed))
    assert (found.content, found.step_ms) == (Content.CANDLES, 300_000)
    assert (found.ts - T0).tolist() == [0, 300_000]
    assert found.columns["close"].tolist() == [91000.1, 91050.0]
    assert found.columns["quote_volume"].tolist() == [9100000.5, 10968000.5]
    assert found.columns["taker_buy_volume"].tolist() == [50.25, 70.25]


def test_times_in_microseconds_are_known(file):
    found = read_file(
        file(KLINES + ROWS.replace(str(T0), f"{T0}000").replace(str(T0 + 300_000), f"{T0 + 300_000}000"))
    )
    assert (found.ts - T0).tolist() == [0, 300_000]


def test_metrics_become_open_interest(file):
    found = read_file(file(METRICS, "BTCUSDT-metrics-2025-12-01.csv", packed=True))
    assert (found.content, found.step_ms) == (Content.OPEN_INTEREST, None)
    assert (found.ts - T0).tolist() == [300_000, 600_000]
    assert found.columns["open_interest"].tolist() == [88000.123, 88100.5]


@pytest.mark.parametrize(
    "header", ["", "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"]
)
def test_trades_become_candles_of_a_minute(file, header):
    found = read_file(file(header + TRADES))
    assert (found.content, found.step_ms) == (Content.CANDLES, 60_000)
    assert (found.ts - T0).tolist() == [0, 60_000]
    columns = found.columns
    assert [columns[n][0] for n in ("open", "high", "low", "close")] == [90000.5, 90010.5, 90000.5, 90010.5]
    assert columns["volume"].tolist() == [2.0, 2.0]
    assert columns["taker_buy_volume"].tolist() == [1.5, 0.0]
    np.testing.assert_allclose(columns["quote_volume"], [90000.5 * 0.5 + 90010.5 * 1.5, 180002.0])


@pytest.mark.parametrize("piece_bytes", [256, 1 << 20])
def test_minutes_are_the_same_however_the_file_is_cut_and_ordered(file, monkeypatch, piece_bytes):
    monkeypatch.setattr(binance_daily, "PIECE_BYTES", piece_bytes)
    dice = np.random.default_rng(4)
    count = 300
    ts = T0 + dice.permutation(count) * 1_000 // 3 * 2  # out of order, and twice at some moments
    price, quantity, sold = (
        dice.integers(100, 200, count),
        dice.integers(1, 9, count),
        dice.random(count) < 0.5,
    )
    rows = zip(ts.tolist(), price.tolist(), quantity.tolist(), sold.tolist(), strict=True)
    text = "".join(f"{n},{p},{q},{n},{n},{t},{str(m).lower()}\n" for n, (t, p, q, m) in enumerate(rows))
    found = read_file(file(text))
    minutes = ts // 60_000 * 60_000
    assert found.ts.tolist() == sorted(set(minutes.tolist()))
    for at, minute in enumerate(found.ts.tolist()):
        inside = np.flatnonzero(minutes == minute)
        inside = inside[np.argsort(ts[inside], kind="stable")]
        there = {name: values[at] for name, values in found.columns.items()}
        assert (there["open"], there["close"]) == (price[inside[0]], price[inside[-1]])
        assert (there["high"], there["low"]) == (price[inside].max(), price[inside].min())
        assert there["volume"] == quantity[inside].sum()
        assert there["quote_volume"] == (quantity * price)[inside].sum()
        assert there["taker_buy_volume"] == quantity[inside][~sold[inside]].sum()


def test_snapshots_become_liquidations_of_whose_position_it_was(file):
    found = read_file(file(FORCED))
    assert found.content is Content.EVENTS
    assert found.columns["side"].tolist() == [0.0, 1.0]
    assert found.columns["price"].tolist() == [89100.5, 91900.5]
    assert found.columns["quantity"].tolist() == [0.014, 1.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (KLINES, "has no rows"),
        (KLINES + ROWS.replace("90394.0", "-1"), "column open: -1 is impossible"),
        (KLINES + ROWS.replace("90394.0", "much"), "cannot be read"),
        (KLINES + ROWS + ROWS, "a time is there twice"),
        (KLINES + ROWS.replace(str(T0), str(T0 + 7)), "minutes are wanted"),
        (FORCED.replace("SELL", "HOLD"), "the side 'hold' is neither sell nor buy"),
        (METRICS.replace("88000.123", "-3"), "column open_interest: -3 is impossible"),
    ],
)
def test_what_is_wrong_is_said_with_its_file(file, text, told):
    path = file(text, "wrong.csv")
    with pytest.raises(DataError, match=f"{path}: .*{told}"):
        read_file(path)


def test_other_files_are_left_to_others(file, tmp_path):
    assert read_daily(file("ts,open,high,low,close,volume\n")) is None
    assert read_daily(tmp_path / "bars.parquet") is None
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_file(broken)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as out:
        out.writestr("a.csv", KLINES + ROWS)
        out.writestr("b.csv", KLINES + ROWS)
    with pytest.raises(DataError, match="holds 2 CSV files"):
        read_file(tmp_path / "two.zip")
