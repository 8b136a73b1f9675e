"""A file of any earlier schema is opened as it is, brought up to date, and everything in it still reads."""

from contextlib import closing
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from engine.model import Funding, Gap, Liquidation, PriceKind, Side
from storage.market import MarketStore
from storage.market_schema import MIGRATIONS
from storage.market_tables import LIQUIDATIONS, TABLES, Shelfmark
from storage.truth import TruthStore
from storage.venues import VenueStore

FILES = sorted(MIGRATIONS.glob("*.sql"))
FIRST_WITH_LIQUIDATIONS, FIRST_WITH_EXCHANGES = 4, 5
BAR = (
    "INSERT INTO candles VALUES "
    "('binance', 'BTCUSDT', 300000, 600000, 100.0, 103.0, 99.0, 102.0, 5.0, 505.0, NULL)"
)
ZONE = (
    "INSERT INTO zone_events VALUES "
    "('binance', 'BTCUSDT', 600000, 'born', 'z1', '', 'long', 90.0, 91.0, 90.5, 1e6, 0.5, 99.0, 300000, "
    "600000, NULL, '[]')"
)
ALERT = (
    "INSERT INTO alert_history VALUES "
    "('u1', 'a1', 1, 600000, 700000, 'BTCUSDT', 'zone', 'info', 'z1', 100.0, 'sent', 'first_time', 0)"
)
ONE = Liquidation(
    venue="binance", symbol="BTCUSDT", side=Side.LONG, price=60_000.0, price_kind=PriceKind.FILL,
    quantity=0.5, notional_usd=30_000.0, ts=1_000, received_ms=1_200, venue_id="", nth=0,
)  # fmt: skip
VALUES = {pa.string(): "'x'", pa.int64(): "600000", pa.binary(): "'b'::BLOB", pa.bool_(): "true"}


@pytest.fixture
def made(market_path):
    """Make a file as it was once: by the SQL of the first migrations and their rows, nothing else."""

    def make(version, *statements):
        market_path.parent.mkdir(parents=True, exist_ok=True)
        with closing(duckdb.connect(str(market_path))) as connection:
            connection.execute("CREATE TABLE schema_version (version INTEGER NOT NULL, name VARCHAR)")
            for number, path in enumerate(FILES[:version], start=1):
                connection.execute(path.read_text(encoding="utf-8"))
                connection.execute("INSERT INTO schema_version VALUES (?, ?)", [number, path.stem[5:]])
            for statement in statements:
                connection.execute(statement)
        return market_path

    return make


async def opened(path):
    return await MarketStore.open(path)


async def test_liquidations_of_the_first_schema_that_kept_any_are_binances(made):
    row = "INSERT INTO liquidations VALUES ('BTCUSDT', {}, 'long', 60000, 'fill', 0.5, 30000, 1200, '', 0)"
    path = made(FIRST_WITH_LIQUIDATIONS, row.format(1_000), row.format(2_000))
    with closing(duckdb.connect(str(path), read_only=True)) as before:
        columns = [name for name, *_ in before.execute("DESCRIBE liquidations").fetchall()]
    assert "exchange" not in columns
    store = await opened(path)
    venues = VenueStore(store)
    assert await venues.liquidations() == [ONE, replace(ONE, ts=2_000)]
    assert await venues.liquidations(venues=["binance"]) == await venues.liquidations()
    assert await venues.liquidations(venues=["bybit"]) == []
    await venues.add_liquidations([ONE, replace(ONE, venue="bybit")])  # the first of them is known
    await store.flush()
    assert [each.venue for each in await venues.liquidations(t1=1_500)] == ["binance", "bybit"]
    assert await venues.recorded_since() == {"binance": 1_000, "bybit": 1_000}
    await store.close()
    again = await opened(path)
    assert len(await VenueStore(again).liquidations()) == 3
    await again.close()


async def test_everything_of_the_first_schema_reads_and_goes_on(made, bars):
    path = made(
        1,
        BAR,
        "INSERT INTO open_interest VALUES ('binance', 'BTCUSDT', 600000, 7.0)",
        "INSERT INTO liquidation_snapshots VALUES ('binance', 'BTCUSDT', 'flow', 600000, 'old'::BLOB)",
        ZONE,
        ALERT,
        "INSERT INTO engine_state VALUES ('binance', 'BTCUSDT', 'flow', 600000, 'h'::BLOB, 'z'::BLOB)",
        "INSERT INTO gaps VALUES ('binance', 'BTCUSDT', 900000, 1200000)",
    )
    store = await opened(path)
    kept = await store.candles("BTCUSDT", "binance")
    assert (kept.ts.tolist(), kept.close.tolist(), kept.open_interest.tolist()) == ([600_000], [102.0], [7.0])
    assert np.isnan(kept.taker_buy_volume).all()
    (event,) = await store.zone_events("binance", "BTCUSDT")
    assert (event.zone.low, event.zone.high, event.zone.notional_usd) == (90.0, 91.0, 1e6)
    (alert,) = await store.alert_history("u1")
    assert (alert.alert_id, alert.reason) == ("a1", "first_time")
    assert await store.load_engine_state("binance", "BTCUSDT", "flow") == (600_000, b"h", b"z")
    gap = Gap(venue="binance", symbol="BTCUSDT", first_ts=900_000, last_ts=1_200_000)
    assert await store.gaps("binance", "BTCUSDT") == [gap]
    mark = Shelfmark(venue="binance", symbol="BTCUSDT", preset="flow")
    assert await store.columns(mark) == []  # of no known scale: it is made anew from the candles
    assert await VenueStore(store).liquidations() == []
    assert await TruthStore(store).liquidations("BTCUSDT") == []
    await store.add_columns(mark, [600_000], [b"new"])
    await store.add_candles("BTCUSDT", "binance", bars(4))
    await VenueStore(store).add_funding(
        [Funding(venue="okx", symbol="BTCUSDT", ts=1, rate=1e-4, funding_ts=2, interval_h=8.0)]
    )
    await VenueStore(store).add_liquidations([ONE])
    await store.flush()
    assert await store.columns(mark) == [(600_000, b"new")]
    assert len(await store.candles("BTCUSDT", "binance")) == 4
    assert await VenueStore(store).liquidations() == [ONE]
    await store.close()


@pytest.mark.parametrize("version", range(1, len(FILES) + 1))
async def test_a_row_of_every_table_of_every_schema_is_still_there(made, version):
    there = {}
    path = made(version)
    with closing(duckdb.connect(str(path))) as connection:
        for (name,) in connection.execute("SHOW TABLES").fetchall():
            if name == "schema_version":
                continue
            columns = [column for column, *_ in connection.execute(f"DESCRIBE {name}").fetchall()]
            kinds = [TABLES[name].columns[column] for column in columns]
            values = ", ".join(VALUES.get(kind, "1.5") for kind in kinds)
            connection.execute(f"INSERT INTO {name} VALUES ({values})")  # noqa: S608  # constants
            (row,) = connection.table(name).fetchall()
            there[name] = row, columns
    assert len(there) >= 7
    store = await opened(path)
    assert set(await store.tables()) == {*TABLES, "schema_version"}
    for name, table in TABLES.items():
        rows = await store.read(lambda cursor, name=name: cursor.table(name).to_arrow_table())
        assert set(rows.column_names) == set(table.columns), name
        if name not in there:
            assert len(rows) == 0, name
            continue
        before, columns = there[name]
        (after,) = rows.to_pylist()
        assert tuple(after[column] for column in columns) == before, name
        if table is LIQUIDATIONS and version < FIRST_WITH_EXCHANGES:
            assert after["exchange"] == "binance"
    await store.close()
