"""What is kept of the market, as a Parquet file."""

import asyncio
import json

import pyarrow.parquet as pq
import pytest

from adapters.coverage import coverage
from bot import __main__ as command_line
from bot import exporting
from engine.errors import DataError, UserError
from engine.model import Liquidation, PriceKind, Side
from storage.market import MarketStore
from storage.venues import VenueStore


def liquidation(number, **changes):
    values = {
        "venue": "binance",
        "symbol": "BTCUSDT",
        "side": Side.LONG,
        "price": 6e4,
        "price_kind": PriceKind.FILL,
        "quantity": 1.0,
        "notional_usd": 6e4,
        "ts": number * 1000,
        "received_ms": number * 1000,
    }
    return Liquidation(**(values | changes))


@pytest.fixture
async def store(tmp_path):
    store = await MarketStore.open(tmp_path / "replay" / "market.duckdb")
    await VenueStore(store).add_liquidations(
        [liquidation(1), liquidation(2, venue="okx"), liquidation(3, symbol="ETHUSDT"), liquidation(4)]
    )
    await store.flush()
    yield store
    await store.close()


def wanted(*words):
    return exporting.wanted_of(command_line.parser().parse_args(["export", *words]))


async def test_rows_are_written_as_they_are_asked_for(store, tmp_path):
    file = tmp_path / "out.parquet"
    assert (await exporting.write(store, wanted("liquidations", str(file)), file)).rows == 4
    table = pq.read_table(file)
    assert table.column("ts").to_pylist() == [1000, 2000, 3000, 4000]
    assert table.column("exchange").to_pylist() == ["binance", "okx", "binance", "binance"]
    words = (
        "liquidations",
        str(file),
        "--symbol",
        "btc",
        "--venue",
        "binance",
        "--to",
        "1970-01-01T00:00:04",
    )
    assert (await exporting.write(store, wanted(*words), file)).rows == 1
    assert pq.read_table(file).column("ts").to_pylist() == [1000]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.parquet", "replay"]


async def test_a_file_of_liquidations_says_how_much_of_them_is_seen(store, tmp_path):
    file = tmp_path / "out.parquet"
    written = await exporting.write(store, wanted("liquidations", str(file)), file)
    said = json.loads(pq.read_metadata(file).metadata[exporting.COVERED.encode()])
    assert said == written.coverage == {v: coverage(v).sentence for v in ("binance", "okx")}
    await exporting.write(store, wanted("candles", str(file)), file)
    assert exporting.COVERED.encode() not in pq.read_metadata(file).metadata


def test_the_command_says_of_which_venues_not_everything_is_seen(tmp_path, capsys):
    async def recorded():
        store = await MarketStore.open(tmp_path / "data" / "live" / "market.duckdb")
        await VenueStore(store).add_liquidations(
            [liquidation(1, venue="hyperliquid"), liquidation(2, venue="bybit")]
        )
        await store.close()

    (tmp_path / "data" / "live").mkdir(parents=True)
    asyncio.run(recorded())
    file = tmp_path / "out.parquet"
    words = ["export", "liquidations", str(file), "--data-dir", str(tmp_path / "data"), "--source", "live"]
    assert command_line.main(words) == 0
    count, *limits = capsys.readouterr().out.splitlines()
    assert count == f"2 rows of liquidations in {file}"
    assert limits == [coverage("hyperliquid").sentence]


async def test_what_cannot_be_is_refused_with_words(store, tmp_path):
    with pytest.raises(UserError, match="There is no table 'alert_history'; there are: "):
        wanted("alert_history", "x.parquet")
    with pytest.raises(UserError, match="is not a time"):
        wanted("candles", "x.parquet", "--from", "soon")
    with pytest.raises(UserError, match="exchange_health is not kept by symbol"):
        await exporting.write(store, wanted("exchange_health", "x", "--symbol", "btc"), tmp_path / "x")
    with pytest.raises(DataError, match="cannot be written"):
        await exporting.write(store, wanted("candles", "x"), tmp_path / "nowhere" / "x.parquet")


def test_the_command_says_how_many(tmp_path, capsys):
    file = tmp_path / "out.parquet"
    words = ["export", "candles", str(file), "--data-dir", str(tmp_path / "data"), "--source", "replay"]
    assert command_line.main(words) == 0
    assert capsys.readouterr().out == f"0 rows of candles in {file}\n"
    assert pq.read_table(file).num_rows == 0
