"""Market history is kept as long as the settings say, and names of tables are checked at start."""

import pytest

from bot import __main__ as command_line
from bot.retention import Retention, check_tables
from config.settings import load
from engine.errors import ConfigError
from engine.model import DAY_MS
from storage.market import MarketStore
from storage.venues import VenueStore


async def test_old_rows_go_and_others_stay(tmp_path):
    store = await MarketStore.open(tmp_path / "market.duckdb")
    venues = VenueStore(store)
    for day in range(10):
        await venues.add_health("okx", day * DAY_MS, "up", {})
    await store.flush()
    now_ms = 9 * DAY_MS
    assert await Retention(venues, {"exchange_health": 4}, lambda: now_ms).sweep() == {"exchange_health": 5}
    assert [ts // DAY_MS for ts, _, _ in await venues.health("okx")] == [5, 6, 7, 8, 9]
    assert await Retention(venues, {}, lambda: now_ms).sweep() == {}
    await store.close()


def test_what_ships_names_tables_that_are_there(tmp_path):
    settings = load({}, environ={}, directory=tmp_path)
    check_tables(settings.storage.keep_days)
    assert settings.storage.keep_days["exchange_health"] == 30
    assert "candles" not in settings.storage.keep_days


def test_a_wrong_name_is_told_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "liqwatch.yaml").write_text("storage:\n  keep_days:\n    alert_history: 3\n    cnadles: 9\n")
    with pytest.raises(ConfigError, match="'cnadles' is no table of market history; there are: "):
        check_tables({"cnadles": 9})
    assert command_line.main(["check"]) == 2
    told = capsys.readouterr().err
    assert "'alert_history' is no table" in told
    assert "'cnadles' is no table" in told
    (tmp_path / "liqwatch.yaml").write_text("storage:\n  keep_days:\n    candles: 0\n")
    assert command_line.main(["check"]) == 2
    assert "storage.keep_days" in capsys.readouterr().err
