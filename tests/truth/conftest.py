"""Give truth tests a small market with planted liquidations, as files, and the command line."""

import argparse
import json

import numpy as np
import pytest

from bot.__main__ import main, parser
from config.settings import load
from engine.model import HOUR_MS, STEP_MS, Candles
from engine.presets import FLOW
from engine.scoring.hours import fold_hours
from engine.scoring.predict import VenueBars, predict_all
from engine.task import Task

START_MS = 1_760_054_400_000  # 2025-10-10 00:00 UTC
DAYS = 40


@pytest.fixture(scope="session")
def candles() -> Candles:
    rng = np.random.default_rng(11)
    count = DAYS * 288
    day = np.repeat(rng.lognormal(0, 0.6, DAYS), 288)
    close = 100_000 * np.exp(np.cumsum(rng.normal(0, 0.0015, count) * day))
    open_ = np.concatenate([[100_000.0], close[:-1]])
    wick = np.exp(np.abs(rng.normal(0, 0.0007, (2, count))))
    volume = rng.exponential(10.0, count) * day
    nothing = np.full(count, np.nan)
    return Candles(
        ts=START_MS + np.arange(count) * STEP_MS,
        open=open_,
        high=np.maximum(open_, close) * wick[0],
        low=np.minimum(open_, close) / wick[1],
        close=close,
        volume=volume,
        quote_volume=volume * close,
        taker_buy_volume=nothing,
        open_interest=nothing,
    )


@pytest.fixture(scope="session")
def planted(candles):
    """USD per hour and side that `flow` would predict, with noise: the answer that must be found."""
    bars = VenueBars(venue="x", step_ms=STEP_MS, candles=candles)
    hours = fold_hours(candles, step_ms=STEP_MS)
    task = Task(symbol="BTCUSDT", venues=(bars,), reported=None)
    walk = predict_all(FLOW, (bars,), hours, usd_scale=task.usd_scale).walk + task.background_usd
    return hours.hour, walk * np.random.default_rng(12).gamma(4.0, 0.25, walk.shape)


@pytest.fixture(scope="session")
def files(tmp_path_factory, candles, planted):
    """The same market as files: candles.csv and liquidations.csv."""
    folder = tmp_path_factory.mktemp("files")
    names = ("ts", "open", "high", "low", "close", "volume", "quote_volume")
    rows = zip(*(getattr(candles, name).tolist() for name in names), strict=True)
    lines = [",".join(names), *(",".join(map(repr, row)) for row in rows)]
    (folder / "candles.csv").write_text("\n".join(lines) + "\n")
    hour, usd = planted
    lines = [f"{h * HOUR_MS},{a!r},{b!r}" for h, (a, b) in zip(hour.tolist(), usd.tolist(), strict=True)]
    (folder / "liquidations.csv").write_text("ts,long_usd,short_usd\n" + "\n".join(lines) + "\n")
    return folder


@pytest.fixture
def settings(tmp_path):
    return load({"source.kind": "replay", "storage.data_dir": tmp_path / "data"})


@pytest.fixture
def run(tmp_path, capsys):
    """Run a command line on a data directory of the test's own; return code, output, errors."""

    def command(*words):
        code = main([*map(str, words), "--source", "replay", "--data-dir", str(tmp_path / "data")])
        out = capsys.readouterr()
        return code, out.out, out.err

    return command


@pytest.fixture
def imported(run, files):
    assert run("import", "binance", "btc", files / "candles.csv")[0] == 0
    assert run("import", "all", "BTC/USDT", files / "liquidations.csv")[0] == 0
    return run


@pytest.fixture(scope="session")
def report(tmp_path_factory, files):
    """The report on the planted market, as the command line prints it."""
    from bot.truth.shelf import Report

    folder = tmp_path_factory.mktemp("made")
    flags = ["--source", "replay", "--data-dir", str(folder / "data")]
    for venue, name in (("binance", "candles.csv"), ("all", "liquidations.csv")):
        assert main(["import", venue, "btc", str(files / name), *flags]) == 0
    stored = folder / "report.json"

    def keep(given: argparse.Namespace) -> None:
        import asyncio

        from bot.truth.cli import wish_of
        from bot.truth.gather import gather
        from bot.truth.place import opened
        from engine.accuracy import measure

        async def work():
            settings = load({"source.kind": "replay", "storage.data_dir": folder / "data"})
            async with opened(settings) as store:
                return await gather(store, wish_of(given), settings)

        stored.write_text(json.dumps(measure(asyncio.run(work())).report.to_dict()))

    keep(parser().parse_args(["accuracy", "btc"]))
    return Report.from_dict(json.loads(stored.read_text()))
