"""What is old goes from every table that is kept by time, and nothing else does."""

import numpy as np
import pyarrow as pa
import pytest

from bot.exporting import EXPORTED
from bot.retention import check_tables
from config.settings import load
from engine.errors import ConfigError
from engine.model import DAY_MS
from storage.market_merge import Append
from storage.market_tables import TABLES
from storage.venues import VenueStore

NOW_MS = 1_000 * DAY_MS
DAYS = (0, 1, 2, 3, 4, 9, 300)
"""How old a table's rows are."""
RETAINED = sorted(name for name, table in TABLES.items() if table.time is not None and table.owner is None)
KEPT_FOR_EVER = {"alert_history": "a user's: removed with the user"}
"""Tables that are not kept by time, and why. A new table is retained, or stands here."""
MADE = {pa.string(): "x", pa.int64(): 5, pa.binary(): b"b", pa.bool_(): True}


def aged(table):
    """Return rows of every age: in the other parts of their key they differ, so that each is kept."""
    columns = {
        name: [f"x{number}" if kind == pa.string() else MADE.get(kind, 1.5) for number in range(len(DAYS))]
        for name, kind in table.columns.items()
    }
    columns[table.time] = [NOW_MS - age * DAY_MS for age in DAYS]
    return Append(table=table, rows=table.arrow(columns))


def test_every_table_is_retained_or_it_is_said_why_not():
    assert set(TABLES) == {*RETAINED, *KEPT_FOR_EVER}
    assert set(RETAINED) == set(EXPORTED)
    for name in RETAINED:
        assert TABLES[name].time in TABLES[name].columns, name
        check_tables({name: 1})
    for name in KEPT_FOR_EVER:
        with pytest.raises(ConfigError, match="is no table of market history"):
            check_tables({name: 1})


async def test_every_table_in_the_file_is_one_of_them(market):
    assert set(await market.tables()) == {*TABLES, "schema_version"}


def test_what_is_removed_without_a_setting_is_named_by_the_settings(tmp_path):
    shipped = load({}, environ={}, directory=tmp_path).storage.keep_days
    assert set(shipped) <= set(RETAINED)


async def ages(market, name):
    """Return how many days old the rows of a table are, the newest first."""
    table = TABLES[name]
    sql = f"SELECT {table.time} FROM {name} ORDER BY 1 DESC"  # noqa: S608  # constants
    rows = await market.read(lambda cursor: cursor.execute(sql).fetchall())
    return [(NOW_MS - int(ts)) // DAY_MS for (ts,) in rows]


@pytest.fixture
async def full(market):
    await market.write_whole([aged(TABLES[name]) for name in RETAINED])
    return market


@pytest.mark.parametrize("name", RETAINED)
async def test_what_is_older_goes_and_the_rest_stays(full, name):
    assert await ages(full, name) == list(DAYS)
    removed = await VenueStore(full).retain({name: 3}, NOW_MS)
    assert removed == {name: 3}
    assert await ages(full, name) == [0, 1, 2, 3]  # what is exactly as old as it may be stays
    for other in RETAINED:
        if other != name:
            assert await ages(full, other) == list(DAYS), other
    assert await VenueStore(full).retain({name: 3}, NOW_MS) == {name: 0}


async def test_all_of_them_at_once_each_for_its_own_time(full):
    keep = {name: int(days) for name, days in zip(RETAINED, np.arange(len(RETAINED)) % 5, strict=True)}
    removed = await VenueStore(full).retain(keep, NOW_MS)
    for name, days in keep.items():
        left = [age for age in DAYS if age <= days]
        assert await ages(full, name) == left, name
        assert removed[name] == len(DAYS) - len(left), name
