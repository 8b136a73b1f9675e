"""Columns made ahead by the command line: what is there is left alone, what is missing is made."""

from pathlib import Path

import pytest
from rich.console import Console

from adapters.replay import DEFAULT_START_MS, Replay
from bot import __main__ as command_line
from bot import precompute
from bot.live.columns import Ask, ColumnDesk
from bot.live.market import LiveMarket
from bot.live.span import Span
from config.settings import load
from engine.errors import DataError, StorageError, UserError
from engine.model import DAY_MS, HOUR_MS, STEP_MS
from engine.presets import FLOW
from storage.market import MarketStore


@pytest.fixture
def settings(tmp_path):
    return load({"storage.data_dir": str(tmp_path), "source.kind": "replay"}, environ={}, directory=tmp_path)


@pytest.fixture
async def store(tmp_path):
    store = await MarketStore.open(tmp_path / "replay" / "market.duckdb")
    yield store
    await store.close()


def planned(*words):
    settings = load({}, environ={}, directory=Path("/nowhere"))
    return precompute.plan_of(command_line.parser().parse_args(["precompute", *words]), settings)


QUIET = Console(quiet=True)


async def test_columns_of_a_replay_are_made_once(store, settings):
    plan = planned("btc", "eth", "--days", "3")
    first = await precompute.run(store, settings, plan, QUIET)
    again = await precompute.run(store, settings, plan, QUIET)
    assert [line.split(" in ")[0] for line in first] == [
        "BTCUSDT on binance, flow: 72 kept, 72 made",
        "ETHUSDT on binance, flow: 72 kept, 72 made",
    ]
    assert all(" 0 made " in line and line.endswith("(1h columns, 3 days)") for line in again)


async def test_a_run_that_was_stopped_goes_on(store, settings, monkeypatch):
    plan, real, left = planned("btc", "--days", "6"), ColumnDesk.prepare, [1]

    async def stop_later(self, ask, history):
        if not left[0]:
            raise StorageError("stopped")
        left[0] -= 1
        return await real(self, ask, history)

    monkeypatch.setattr(ColumnDesk, "prepare", stop_later)
    with pytest.raises(StorageError):
        await precompute.run(store, settings, plan, QUIET)
    monkeypatch.setattr(ColumnDesk, "prepare", real)
    (line,) = await precompute.run(store, settings, plan, QUIET)
    assert "144 kept, 96 made" in line


async def test_what_is_made_is_what_a_picture_is_made_from(store, settings):
    await precompute.run(store, settings, planned("btc", "--days", "4"), QUIET)
    (chunk, *_) = precompute._chunks(
        await precompute._market(store, settings, "BTCUSDT", None),
        planned("btc", "--days", "4"),
        FLOW,
        settings,
    )
    desk = ColumnDesk(store)

    async def history(since_ms, until_ms):
        market = await precompute._market(store, settings, "BTCUSDT", None)
        return await market.history()(since_ms, until_ms)

    ask = Ask(
        venue="binance",
        symbol="BTCUSDT",
        preset=FLOW,
        usd_scale=chunk.usd_scale,
        t0=chunk.t0,
        t1=chunk.t1,
        step_ms=HOUR_MS,
    )
    assert len(await desk.find(ask, history)) == 48
    assert desk.made == 0


@pytest.mark.parametrize(("interval", "step_ms"), [("15m", HOUR_MS // 4), ("4h", 4 * HOUR_MS)])
async def test_a_stretch_of_the_past_comes_from_what_was_made(store, settings, interval, step_ms):
    await precompute.run(store, settings, planned("btc", "--days", "4", "--interval", interval), QUIET)
    source = Replay(symbols=("BTCUSDT",), start_ms=DEFAULT_START_MS, speed=None)
    market = LiveMarket(source, store, settings)
    await market.start()
    end = market.view("BTCUSDT").candle_ts + STEP_MS
    span = Span(t0=end - 3 * DAY_MS, t1=end - DAY_MS, step_ms=step_ms, bins=100)
    found = await market.span_grid("BTCUSDT", span)
    assert found.grid.step_ms == step_ms
    assert found.grid.long.sum() > 0
    assert market.columns_found == {"store": 1}
    await market.stop()
    await source.aclose()


async def test_what_cannot_be_is_refused_with_words(store, settings):
    with pytest.raises(DataError, match="liqwatch import VENUE XYZUSDT"):
        await precompute.run(store, settings, planned("btc", "xyz"), QUIET)
    assert not len(
        await store.column_times(
            Ask(
                venue="binance", symbol="BTCUSDT", preset=FLOW, usd_scale=3.4e6, t0=0, t1=1, step_ms=HOUR_MS
            ).mark
        )
    )
    with pytest.raises(UserError, match="between 1 and 400"):
        planned("btc", "--days", "0")
    with pytest.raises(UserError, match="no model 'other'"):
        planned("btc", "--model", "other")


def test_models_of_ones_own_are_made_as_well(tmp_path, capsys, monkeypatch):
    (tmp_path / "models.toml").write_text('[models.swing]\nbase = "flow"\nwarm_days = 10\n', encoding="utf-8")
    monkeypatch.setenv("LIQWATCH_MODELS_FILE", str(tmp_path / "models.toml"))
    words = ["precompute", "btc", "--days", "2", "--model", "swing", "--data-dir", str(tmp_path)]
    assert command_line.main([*words, "--source", "replay"]) == 0
    assert "BTCUSDT on binance, swing: 48 kept, 48 made" in capsys.readouterr().out


def test_the_command_prints_a_line_a_symbol(tmp_path, capsys):
    words = ["precompute", "btc", "--days", "2", "--interval", "4h", "--data-dir", str(tmp_path)]
    assert command_line.main([*words, "--source", "replay"]) == 0
    assert capsys.readouterr().out.startswith("BTCUSDT on binance, flow: 12 kept, 12 made in ")
    assert command_line.main([*words[:1], "nothing", *words[2:], "--source", "replay"]) == 1
    assert "liqwatch import" in capsys.readouterr().err
