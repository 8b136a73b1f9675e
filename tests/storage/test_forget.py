"""Test that a user can take everything along, and be forgotten, whatever tables there are."""

import json

import pytest
from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Integer, MetaData, String, Table

from engine.errors import StorageError
from storage.forget import (
    MARKET_OWNERS,
    STATE_OWNERS,
    _plain,
    export,
    finish_forgetting,
    forget,
    unclassified,
)
from storage.market_tables import TABLES, AlertRecord
from storage.notes import get_note
from storage.state import StateStore
from storage.tables import Base

ME, OTHER = "secret:person", "discord:42"
OWNED_STATE = [name for name, owner in STATE_OWNERS.items() if owner]
OWNED_MARKET = [name for name, owner in MARKET_OWNERS.items() if owner]


def value(column: Column, user: str, number: int) -> object:
    """Return a value for a column: the user's own key in text, their number in numbers."""
    if column.name == "user_id":
        return user
    kinds = {Boolean: False, JSON: {"of": user}, BigInteger: number, Integer: number, Float: 1.5}
    for kind, given in kinds.items():
        if isinstance(column.type, kind):
            return given
    return f"{number}"[: column.type.length]


def plant_user(user: str, number: int):
    """Put a row of the user into every table that has an owner, found by its metadata."""

    def plant(session) -> None:
        for table in Base.metadata.sorted_tables:
            if STATE_OWNERS[table.name]:
                row = {column.name: value(column, user, number) for column in table.columns}
                session.execute(table.insert().values(row))

    return plant


def history(user: str) -> AlertRecord:
    numbers = dict.fromkeys(("rule_id", "market_ms", "wall_ms", "epoch"), 1)
    texts = dict.fromkeys(("symbol", "kind", "severity", "subject", "action", "reason"), "x")
    return AlertRecord(user_id=user, alert_id=f"{user}/1", price=float("nan"), **numbers, **texts)


@pytest.fixture
async def planted(state, market):
    await state.run(plant_user(ME, 1))
    await state.run(plant_user(OTHER, 2))
    await market.add_alert_history([history(ME), history(OTHER)])
    await market.flush()


async def rows(state, market, user: str) -> dict[str, int]:
    return {name: len(found) for name, found in (await export(state, market, user)).items()}


def test_every_state_table_is_classified():
    assert unclassified(Base.metadata.tables, STATE_OWNERS) == []
    for name, table in Base.metadata.tables.items():
        owner = STATE_OWNERS[name]
        assert ("user_id" in table.columns) == (owner is not None), name
        assert owner is None or owner in table.columns


async def test_every_market_table_is_classified(market):
    names = await market.tables()
    assert unclassified(names, MARKET_OWNERS) == []
    assert set(TABLES) | {"schema_version"} == set(names)
    for name in names:
        columns = await market._read(
            lambda c, n=name: [row[0] for row in c.execute(f"DESCRIBE {n}").fetchall()]
        )
        assert ("user_id" in columns) == (MARKET_OWNERS[name] is not None), name


def test_no_name_stands_for_two_tables():
    assert not set(STATE_OWNERS) & set(MARKET_OWNERS)


def test_a_new_state_table_would_be_missed_by_nobody():
    metadata = MetaData()
    for table in Base.metadata.tables.values():
        table.to_metadata(metadata)
    Table("diaries", metadata, Column("user_id", String(128)))
    assert unclassified(metadata.tables, STATE_OWNERS) == ["diaries"]


async def test_a_new_state_table_stops_forgetting_and_export(state, market, planted):
    await state.run(
        lambda s: s.connection().exec_driver_sql("CREATE TABLE diaries (user_id TEXT, page TEXT)")
    )
    with pytest.raises(StorageError, match="diaries"):
        await forget(state, market, ME)
    with pytest.raises(StorageError, match="diaries"):
        await export(state, market, ME)


async def test_a_new_market_table_stops_forgetting_and_export(state, market, planted):
    await market.call(lambda c: c.execute("CREATE TABLE diaries (user_id VARCHAR)"))
    before = await state.read(lambda s: s.execute(Base.metadata.tables["rules"].select()).all())
    with pytest.raises(StorageError, match="diaries"):
        await forget(state, market, ME)
    with pytest.raises(StorageError, match="diaries"):
        await export(state, market, ME)
    after = await state.read(lambda s: s.execute(Base.metadata.tables["rules"].select()).all())
    assert before == after


async def test_export_is_everything_of_one_user_and_nothing_of_another(state, market, planted):
    found = await export(state, market, ME)
    assert sorted(found) == sorted(OWNED_STATE + OWNED_MARKET)
    assert {name: len(rows) for name, rows in found.items()} == dict.fromkeys(found, 1)
    assert all(row["user_id"] == ME for rows in found.values() for row in rows)
    text = json.dumps(found, allow_nan=False)
    assert OTHER not in text
    assert found["rules"][0]["params"] == {"of": ME}
    assert found["alert_history"][0]["price"] is None


async def test_export_of_a_stranger_is_empty(state, market, planted):
    assert set((await rows(state, market, "telegram:7")).values()) == {0}


async def test_forgetting_takes_every_row_and_leaves_the_others(state, market, planted):
    counts = await forget(state, market, ME)
    assert counts == dict.fromkeys(OWNED_STATE + OWNED_MARKET, 1)
    assert set((await rows(state, market, ME)).values()) == {0}
    assert set((await rows(state, market, OTHER)).values()) == {1}
    assert await state.read(lambda session: get_note(session, "forgetting")) is None
    assert set((await forget(state, market, ME)).values()) == {0}


async def test_nothing_of_the_forgotten_is_left_in_the_state_files(state, market, planted):
    def present() -> bool:
        files = state.path.parent.glob("state.db*")
        return any(ME.encode() in path.read_bytes() for path in files)

    assert present()
    await forget(state, market, ME)
    assert not present()


async def test_forgetting_that_fails_half_way_changes_nothing(state, market, planted, monkeypatch):
    monkeypatch.setattr("storage.forget.set_note", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        await forget(state, market, ME)
    assert set((await rows(state, market, ME)).values()) == {1}


async def test_a_crash_between_the_stores_is_made_good_at_the_next_start(
    state, state_url, market, planted, monkeypatch
):
    async def crash(_user):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(market, "forget", crash)
        with pytest.raises(KeyboardInterrupt):
            await forget(state, market, ME)
    await state.close()
    again = await StateStore.open(state_url)
    assert len(await market.alert_history(ME)) == 1
    assert await finish_forgetting(again, market) == [ME]
    assert await market.alert_history(ME) == []
    assert await finish_forgetting(again, market) == []
    assert set((await rows(again, market, OTHER)).values()) == {1}
    await again.close()


def test_values_that_json_has_no_word_for_are_written_another_way():
    assert _plain(b"\x00\xff") == "AP8="
    assert _plain(float("inf")) is None
    assert _plain(1.5) == 1.5
