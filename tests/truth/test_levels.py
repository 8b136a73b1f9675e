"""The dollars of the live market follow what is reported, hour by hour, and never what is yet to come."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from adapters.recording import load_recording
from adapters.replay import Replay, shipped_recordings
from bot.live.market import LiveMarket
from bot.truth.levels import STALE_MS, LevelKeeper
from config.settings import load
from engine.level import level_now
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Side
from engine.presets import FLOW, Unit
from engine.scoring.hours import fold_hours
from engine.scoring.predict import VenueBars, predict_all
from engine.task import Reported, Task
from storage.market import MarketStore
from storage.market_merge import Append
from storage.market_tables import IMPORTED_LIQUIDATIONS
from storage.truth import TruthStore

SYMBOL = "BTCUSDT"
DAYS = 18
FACTOR = (2.0, 0.5)
WALL_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The first days of the shipped recording, in a folder of their own."""
    folder = tmp_path_factory.mktemp("recording")
    table = pq.read_table(shipped_recordings() / f"{SYMBOL}.parquet")
    pq.write_table(table.slice(0, DAYS * 288), folder / f"{SYMBOL}.parquet")
    return folder


@pytest.fixture(scope="module")
def bars(recorded):
    candles = load_recording(recorded / f"{SYMBOL}.parquet", SYMBOL).candles
    return VenueBars(venue="binance", step_ms=STEP_MS, candles=candles)


@pytest.fixture(scope="module")
def reported(bars):
    """Liquidations of exactly twice what is expected of longs, half of it of shorts."""
    hours = fold_hours(bars.candles, step_ms=STEP_MS)
    task = Task(symbol=SYMBOL, venues=(bars,), reported=None)
    walk = predict_all(FLOW, (bars,), hours, usd_scale=task.usd_scale).walk + task.background_usd
    return Reported(hour=hours.hour, usd=walk * np.array(FACTOR), venues=("all",))


@pytest.fixture
def task(bars, reported):
    return Task(symbol=SYMBOL, venues=(bars,), reported=reported)


@pytest.fixture(scope="module")
def now_ms(bars):
    return int(bars.candles.ts[-1]) + STEP_MS - DAY_MS


def test_a_planted_level_is_found_and_nothing_later_is_looked_at(task, bars, reported, now_ms):
    found = level_now(task, FLOW, now_ms=now_ms)
    assert found.factor == pytest.approx(FACTOR, rel=1e-6)
    assert (found.hours, found.as_of_ms) == (168, now_ms)
    later = reported.hour * HOUR_MS >= now_ms
    assert later.sum() == 24
    usd = np.where(later[:, None], 1e12, reported.usd)
    prices = {name: getattr(bars.candles, name).copy() for name in ("open", "high", "low", "close")}
    for values in prices.values():
        values[bars.candles.ts >= now_ms] *= 3.0
    changed = replace(
        task,
        reported=replace(reported, usd=usd),
        venues=(replace(bars, candles=replace(bars.candles, **prices)),),
    )
    assert level_now(changed, FLOW, now_ms=now_ms) == found


def test_an_hour_that_is_not_over_does_not_count(task, now_ms):
    found = level_now(task, FLOW, now_ms=now_ms + 25 * 60_000)
    assert found.as_of_ms == now_ms
    assert found.factor == pytest.approx(FACTOR, rel=1e-6)


def test_a_factor_follows_the_last_week_alone(task, reported, now_ms):
    before = reported.hour * HOUR_MS < now_ms - 7 * DAY_MS
    louder = np.where(before[:, None], reported.usd * 50, reported.usd)
    changed = replace(task, reported=replace(reported, usd=louder))
    assert level_now(changed, FLOW, now_ms=now_ms).factor == pytest.approx(FACTOR, rel=1e-6)


def test_too_little_gives_no_factor(task, reported, now_ms):
    few = slice(0, int(np.searchsorted(reported.hour, now_ms // HOUR_MS - 168 + 47)))
    short = replace(reported, hour=reported.hour[few], usd=reported.usd[few])
    assert level_now(replace(task, reported=short), FLOW, now_ms=now_ms) is None
    standing = replace(FLOW, unit=Unit.STANDING)
    assert level_now(task, standing, now_ms=now_ms) is None
    assert level_now(task, FLOW, now_ms=int(task.venues[0].candles.ts[0])) is None


@pytest.fixture
async def live(recorded, tmp_path, now_ms):
    """A live market on a real store, as the process has it."""
    settings = load({"source.kind": "replay", "storage.data_dir": tmp_path}, environ={}, directory=tmp_path)
    store = await MarketStore.open(tmp_path / "market.duckdb")
    source = Replay(recorded, symbols=(SYMBOL,), start_ms=now_ms, speed=None)
    market = LiveMarket(source, store, settings)
    await market.start()
    yield market, store, settings
    await market.stop()
    await store.close()


async def bring(store, reported, venue="all"):
    """Import liquidations of hours, as `liqwatch import` does."""
    count = len(reported.hour)
    rows = {
        "venue": [venue] * count,
        "symbol": [SYMBOL] * count,
        "step_ms": [HOUR_MS] * count,
        "ts": (reported.hour * HOUR_MS).tolist(),
        "long_usd": reported.usd[:, 0].tolist(),
        "short_usd": reported.usd[:, 1].tolist(),
    }
    rows = IMPORTED_LIQUIDATIONS.arrow(rows)
    await TruthStore(store).add_whole([Append(table=IMPORTED_LIQUIDATIONS, rows=rows)])


async def test_the_market_is_corrected_without_a_restart_and_after_one(live, reported):
    market, store, settings = live
    keeper = LevelKeeper(TruthStore(store), market, settings, wall_ms=lambda: WALL_MS)
    plain = market.view(SYMBOL)
    standing, grid = market.standing(SYMBOL), await market.grid(SYMBOL, DAY_MS)
    await keeper.load()
    await keeper.refresh()
    assert market.view(SYMBOL).level is None, "nothing is reported yet"

    seen = market.subscribe()
    await bring(store, reported)
    await keeper.refresh()
    view = market.view(SYMBOL)
    long, short = view.level.long, view.level.short
    assert (long, short) == pytest.approx(FACTOR, rel=0.02)
    assert (await anext(aiter(seen))).kind.value == "rebuilt"
    for before, after in zip(plain.zones.zones, view.zones.zones, strict=True):
        factor = long if before.side is Side.LONG else short
        assert after.notional_usd == pytest.approx(before.notional_usd * factor)
        assert (after.zone_id, after.low, after.high) == (before.zone_id, before.low, before.high)
    assert plain.zones.zones
    assert view.zones.auto_min_usd == pytest.approx(plain.zones.auto_min_usd * (long + short) / 2)
    assert market.view(SYMBOL).zones is view.zones, "made once"
    np.testing.assert_allclose(market.standing(SYMBOL).long, standing.long * long)
    np.testing.assert_allclose(market.standing(SYMBOL).short, standing.short * short)
    corrected = await market.grid(SYMBOL, DAY_MS)
    np.testing.assert_allclose(corrected.long, grid.long * long, rtol=1e-5)
    np.testing.assert_allclose(corrected.short, grid.short * short, rtol=1e-5)

    market.set_level(SYMBOL, None)
    assert market.view(SYMBOL).level is None
    await LevelKeeper(TruthStore(store), market, settings).load()
    assert market.view(SYMBOL).level == view.level, "what was found is stored"
    made_ms, _ = await TruthStore(store).calibration(SYMBOL, "flow")
    assert made_ms == WALL_MS


async def test_a_stored_factor_that_is_too_old_or_damaged_is_left_alone(live, now_ms):
    market, store, settings = live
    truth = TruthStore(store)
    for made_ms, body in enumerate(
        (
            {"factor": [3.0, 3.0], "as_of_ms": now_ms - STALE_MS - 1},
            {"factor": [3.0, 3.0], "as_of_ms": now_ms + 1},
            {"factor": "?", "as_of_ms": now_ms},
            {"as_of_ms": now_ms},
        )
    ):
        await truth.add_calibration(SYMBOL, "flow", made_ms, body)
        await LevelKeeper(truth, market, settings).load()
        assert market.view(SYMBOL).level is None
    await truth.add_calibration(SYMBOL, "flow", 99, {"factor": [3.0, 1.5], "as_of_ms": now_ms - DAY_MS})
    await LevelKeeper(truth, market, settings).load()
    assert market.view(SYMBOL).level.long == 3.0


async def test_what_a_few_addresses_took_part_in_corrects_nothing(live, reported):
    market, store, settings = live
    await bring(store, reported, venue="hyperliquid")
    keeper = LevelKeeper(TruthStore(store), market, settings)
    await keeper.refresh()
    assert market.view(SYMBOL).level is None
    await bring(store, reported, venue="bybit")
    await keeper.refresh()
    assert market.view(SYMBOL).level is not None


async def test_a_factor_goes_when_reports_stop(live, reported, now_ms):
    market, store, settings = live
    market_before = market.view(SYMBOL)
    old = reported.hour * HOUR_MS < now_ms - 6 * DAY_MS
    await bring(store, replace(reported, hour=reported.hour[old], usd=reported.usd[old]))
    keeper = LevelKeeper(TruthStore(store), market, settings)
    await keeper.load()
    await keeper.refresh()
    assert market.view(SYMBOL).level is None
    assert market.view(SYMBOL).zones is market_before.zones
