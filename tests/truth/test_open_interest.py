"""Test how models that follow open interest are measured from what is imported, and from what is recorded."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest

from bot.truth.gather import Wish, gather
from bot.truth.place import opened
from engine.model import HOUR_MS, STEP_MS
from engine.presets import LEVERAGE
from engine.scoring.hours import fold_hours
from engine.scoring.predict import VenueBars, predict_all
from engine.scoring.report import Report
from storage.market import MarketStore

KNOWN_DAYS = 30


@pytest.fixture(scope="session")
def coins(candles):
    """Open interest of the last thirty days, which moves with what the day is like."""
    rng = np.random.default_rng(21)
    count = len(candles)
    day = np.repeat(rng.lognormal(0, 0.8, -(-count // 288)), 288)[:count]
    found = 90_000.0 * np.exp(np.cumsum(rng.normal(0, 0.001, count) * day))
    found[: count - KNOWN_DAYS * 288] = np.nan
    return found


@pytest.fixture(scope="session")
def coin_files(tmp_path_factory, candles, coins):
    """The same as files, with liquidations of a tenth of what `leverage` says is swept."""
    folder = tmp_path_factory.mktemp("coins")
    known = np.isfinite(coins)
    lines = [f"{t},{v!r}" for t, v in zip(candles.ts[known].tolist(), coins[known].tolist(), strict=True)]
    (folder / "open_interest.csv").write_text("ts,open_interest\n" + "\n".join(lines) + "\n")
    bars = VenueBars(venue="binance", step_ms=STEP_MS, candles=replace(candles, open_interest=coins))
    hours = fold_hours(candles, step_ms=STEP_MS)
    usd = predict_all(LEVERAGE, (bars,), hours, usd_scale=1.0).walk / 10.0 + 25_000.0
    usd *= np.random.default_rng(22).gamma(4.0, 0.25, usd.shape)
    lines = [
        f"{h * HOUR_MS},{a!r},{b!r}" for h, (a, b) in zip(hours.hour.tolist(), usd.tolist(), strict=True)
    ]
    (folder / "liquidations.csv").write_text("ts,long_usd,short_usd\n" + "\n".join(lines) + "\n")
    return folder


def test_imported_open_interest_is_followed(run, files, coin_files):
    assert run("import", "binance", "btc", files / "candles.csv")[0] == 0
    assert run("import", "all", "btc", coin_files / "liquidations.csv")[0] == 0
    for command in ("accuracy", "calibrate"):
        code, _, complaint = run(command, "btc", "--model", "flow", "--model", "leverage")
        assert code == 1
        assert "leverage follows open interest, and none is known on binance" in complaint
        assert "liqwatch import VENUE BTCUSDT FILE (columns ts, open_interest)" in complaint
    assert run("accuracy", "btc")[0] == 0, "flow needs none"

    assert run("import", "binance", "btc", coin_files / "open_interest.csv")[0] == 0
    models = ("--model", "flow", "--model", "leverage", "--model", "simple")
    code, printed, _ = run("accuracy", "btc", "--json", *models)
    assert code == 0
    report = Report.from_dict(json.loads(printed))
    assert report.hours == (KNOWN_DAYS - 14) * 24
    assert report.skill("leverage").explained > report.skill("flow").explained
    assert report.skill("leverage").usd_ratio == pytest.approx((10.0, 10.0), rel=0.3)

    code, printed, _ = run("accuracy", "btc", *models)
    assert code == 0
    for part in ("leverage, frozen", "simple, days shuffled 3", " standing", "no error of level"):
        assert part in printed
    assert "Level of leverage" not in printed


def test_recorded_open_interest_is_followed_too(run, settings, tmp_path, candles, coins, coin_files):
    assert run("import", "all", "btc", coin_files / "liquidations.csv")[0] == 0

    async def record():
        store = await MarketStore.open(tmp_path / "data" / "replay" / "market.duckdb")
        await store.add_candles("BTCUSDT", "binance", replace(candles, open_interest=coins))
        await store.flush()
        await store.close()
        async with opened(settings) as truth:
            return await gather(truth, Wish(symbol="BTCUSDT", models=("leverage",)), settings)

    task = asyncio.run(record())
    assert np.array_equal(task.venues[0].candles.open_interest, coins, equal_nan=True)
    code, printed, _ = run("accuracy", "btc", "--model", "leverage", "--json")
    assert code == 0
    assert Report.from_dict(json.loads(printed)).models == ("leverage",)
