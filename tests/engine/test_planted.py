"""Planted liquidations are found again: whoever made them explains them, and placebos do not."""

import json

import numpy as np
import pytest

from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from engine.accuracy import measure
from engine.calibrate import exposures, fit_shape, level_factors
from engine.errors import DataError
from engine.model import HOUR_MS, STEP_MS
from engine.presets import FLOW
from engine.scoring.hours import fold_hours
from engine.scoring.predict import VenueBars, predict_all
from engine.scoring.report import Report
from engine.task import LEAST_DAYS, Reported, Task

DAYS = 45


@pytest.fixture(scope="module")
def bars():
    candles = load_recording(shipped_recordings() / "BTCUSDT.parquet", "BTCUSDT").candles[
        slice(0, DAYS * 288)
    ]
    return VenueBars(venue="binance", candles=candles, step_ms=STEP_MS)


@pytest.fixture(scope="module")
def planted(bars):
    """Liquidations that `flow` itself would predict, with noise of the size that markets have."""
    hours = fold_hours(bars.candles, step_ms=STEP_MS)
    made = predict_all(FLOW, (bars,), hours, usd_scale=3.4e6, columns=False)
    noise = np.random.default_rng(7).gamma(4.0, 0.25, made.walk.shape)
    return Reported(hour=hours.hour, usd=(made.walk + 25_000.0) * noise, venues=("binance",))


@pytest.fixture(scope="module")
def outcome(bars, planted):
    told = []
    task = Task(symbol="BTCUSDT", venues=(bars,), reported=planted, shuffles=1)
    found = measure(task, told.append)
    assert "zones" in told
    return found


def test_the_model_that_made_them_explains_them_best(outcome):
    skills = {(s.name, s.kind.value): s for s in outcome.report.skills}
    best = max(skills.values(), key=lambda s: s.explained if s.explained == s.explained else -1)
    assert best.name == "flow"
    shuffled = next(s for (name, _), s in skills.items() if "shuffled" in name)
    assert shuffled.explained < best.explained
    assert min(best.spearman) > 0.9


def test_the_same_seed_gives_the_same_report_and_it_survives_json(outcome, bars, planted):
    again = measure(Task(symbol="BTCUSDT", venues=(bars,), reported=planted, shuffles=1))
    assert again.report == outcome.report
    plain = json.dumps(outcome.report.to_dict())
    assert json.dumps(Report.from_dict(json.loads(plain)).to_dict()) == plain
    assert outcome.report.works("flow")
    with pytest.raises(DataError, match="not an accuracy report"):
        Report.from_dict({"format": outcome.report.to_dict()["format"]})
    with pytest.raises(DataError, match="format 99"):
        Report.from_dict({"format": 99})


def test_planted_levels_come_out_as_one(outcome, planted):
    factors = level_factors(outcome.walk, planted.usd)
    late = factors[24 * 20 :]
    assert np.nanmedian(late) == pytest.approx(1.0, abs=0.2)


def test_the_shape_is_not_changed_where_the_default_is_right(bars, planted):
    hours = fold_hours(bars.candles, step_ms=STEP_MS)
    exposure = exposures(FLOW, (bars,), hours, usd_scale=3.4e6)
    late = slice(24 * 8, None)
    shape = fit_shape(FLOW, exposure[late], planted.usd[late], hours.hour[late], seed=1)
    assert (np.asarray(shape.weights) >= 0).all()


def test_too_little_to_judge_by_is_said(bars, planted):
    few = Reported(hour=planted.hour[:100], usd=planted.usd[:100], venues=("binance",))
    with pytest.raises(DataError, match=str(LEAST_DAYS * 24)):
        measure(Task(symbol="BTCUSDT", venues=(bars,), reported=few))
    none = Reported(hour=planted.hour, usd=planted.usd * np.array([1.0, 0.0]), venues=("binance",))
    with pytest.raises(DataError, match="nothing to explain"):
        measure(Task(symbol="BTCUSDT", venues=(bars,), reported=none))
    assert planted.hour[0] * HOUR_MS == bars.candles.ts[0]
