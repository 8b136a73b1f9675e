"""Models that follow open interest go through the whole protocol, where it is known and nowhere else."""

import json
from dataclasses import replace

import numpy as np
import pytest

from adapters.recording import load_recording
from adapters.replay import shipped_recordings
from engine.accuracy import measure
from engine.errors import DataError
from engine.model import DAY_MS, HOUR_MS, STEP_MS
from engine.presets import FLOW, LEVERAGE, SIMPLE
from engine.scoring import placebos
from engine.scoring.holding import hours_held, hours_to_judge
from engine.scoring.hours import fold_hours
from engine.scoring.predict import VenueBars, predict_all
from engine.scoring.report import Kind, Report, Role
from engine.task import BACKGROUND_USD, Reported, Task, judged_hours

FROM_MS = 1_763_078_400_000  # 2025-11-14, 17 days before the recording's open interest begins
KNOWN_MS = 1_764_547_200_000  # 2025-12-01


@pytest.fixture(scope="module")
def bars():
    """The shipped recording's last weeks: real open interest from the first of December on."""
    candles = load_recording(shipped_recordings() / "BTCUSDT.parquet", "BTCUSDT").candles
    first = int(np.searchsorted(candles.ts, FROM_MS))
    return VenueBars(venue="binance", candles=candles[slice(first, len(candles))], step_ms=STEP_MS)


@pytest.fixture(scope="module")
def task(bars):
    """Liquidations of a fifth of what `leverage` says is swept, with noise of the size that markets have."""
    hours = fold_hours(bars.candles, step_ms=STEP_MS)
    swept = predict_all(LEVERAGE, (bars,), hours, usd_scale=1.0).walk / 5.0
    usd = (swept + BACKGROUND_USD) * np.random.default_rng(7).gamma(4.0, 0.25, swept.shape)
    reported = Reported(hour=hours.hour, usd=usd, venues=("all",))
    return Task(symbol="BTCUSDT", venues=(bars,), reported=reported, presets=(FLOW, LEVERAGE, SIMPLE))


@pytest.fixture(scope="module")
def report(task):
    return measure(task).report


def without(bars, kept):
    """The same candles with open interest where `kept` says so."""
    c = bars.candles
    return replace(bars, candles=replace(c, open_interest=np.where(kept, c.open_interest, np.nan)))


def test_who_made_the_liquidations_explains_them_and_shuffled_days_do_not(report):
    walk = {s.name: s for s in report.skills if s.kind is Kind.WALK}
    assert max(walk.values(), key=lambda s: s.explained).name == "leverage"
    assert walk["leverage"].explained > 0.95
    assert walk["leverage"].over_distance.above_zero
    for placebo in report.placebos("leverage"):
        assert placebo.explained < walk["leverage"].explained - 0.05
        assert placebo.over_distance.value < walk["leverage"].over_distance.value - 0.05
    # A ladder of its own adds to distance whatever day it is fed with, and the rule takes no account of that.
    assert not report.adds("leverage")
    for model in ("flow", "leverage", "simple"):
        assert 0.5 < report.skill(model, Kind.FROZEN).explained <= 1.0
        assert [s.role for s in report.placebos(model)] == [Role.PLACEBO] * 3


def test_dollars_that_stand_are_said_to_and_have_no_level(report):
    assert report.standing == ("leverage", "simple")
    assert [name for name, _ in report.levels] == ["flow"]
    assert report.skill("leverage").usd_ratio == pytest.approx((5.0, 5.0), rel=0.15)
    assert any("leverage and simple are of positions that stood" in note for note in report.notes)
    plain = json.loads(json.dumps(report.to_dict()))
    assert Report.from_dict(plain).standing == report.standing
    del plain["standing"]
    assert Report.from_dict(plain).standing == ()


def test_hours_are_judged_once_open_interest_is_warm(task, report):
    assert report.from_ms == KNOWN_MS + 14 * DAY_MS
    assert judged_hours(replace(task, presets=(FLOW,))).hour[0] * HOUR_MS == FROM_MS + 7 * DAY_MS
    assert not any("days of open interest" in note for note in report.notes)


def test_an_earlier_beginning_is_what_was_asked_for_and_is_noted(task):
    early = replace(task, from_ms=KNOWN_MS + 7 * DAY_MS)
    found = measure(replace(early, presets=(SIMPLE,), shuffles=1)).report
    assert found.from_ms == early.from_ms
    assert "simple: 168 hours have less than 14 days of open interest before." in found.notes
    before = replace(task, from_ms=KNOWN_MS - 3 * DAY_MS)
    assert judged_hours(before).hour[0] * HOUR_MS == KNOWN_MS + HOUR_MS


def test_hours_without_open_interest_are_left_out_for_every_model(task, bars):
    ts = bars.candles.ts
    gap = KNOWN_MS + 20 * DAY_MS
    silent = without(bars, (ts < gap) | (ts >= gap + 5 * HOUR_MS))
    full, some = judged_hours(task), judged_hours(replace(task, venues=(silent,)))
    assert sorted(set(full.hour.tolist()) - set(some.hour.tolist())) == [gap // HOUR_MS + n for n in range(5)]
    found = measure(replace(task, venues=(silent,), presets=(LEVERAGE,), shuffles=1)).report
    assert any(note.startswith("5 hours in between lack candles, open interest") for note in found.notes)
    alone = judged_hours(replace(task, venues=(silent,), presets=(FLOW,)))
    assert gap // HOUR_MS in alone.hour


def test_readings_by_the_hour_are_enough(task, bars):
    hourly = without(bars, bars.candles.ts % HOUR_MS == 0)
    found, every = judged_hours(replace(task, venues=(hourly,))).hour, judged_hours(task).hour
    assert np.array_equal(found, every[1:]), "the recording's first hour lacks the reading at its open"


def test_without_open_interest_nothing_is_judged_and_how_to_bring_it_is_said(task, bars):
    none = replace(task, venues=(without(bars, np.zeros(len(bars.candles), bool)),))
    with pytest.raises(
        DataError, match=r"leverage and simple follow open interest, and none is known on bin"
    ):
        measure(none)
    with pytest.raises(DataError, match=r"simple follows .* liqwatch import VENUE BTCUSDT FILE"):
        judged_hours(replace(none, presets=(SIMPLE,)))
    assert len(judged_hours(replace(none, presets=(FLOW,))).rows)
    short = without(bars, bars.candles.ts < KNOWN_MS + 20 * DAY_MS)
    with pytest.raises(DataError, match="144 hours have candles, open interest and reported liquidations"):
        judged_hours(replace(task, venues=(short,)))


def test_what_stands_on_two_venues_is_added_and_not_averaged(bars):
    hours = fold_hours(bars.candles, step_ms=STEP_MS)
    one = predict_all(LEVERAGE, (bars,), hours, usd_scale=1.0, columns=True)
    two = predict_all(LEVERAGE, (bars, replace(bars, venue="b")), hours, usd_scale=1.0, columns=True)
    assert two.walk == pytest.approx(2.0 * one.walk)
    assert two.frozen == pytest.approx(2.0 * one.frozen)
    assert two.columns.long[-1] == pytest.approx(2.0 * one.columns.long[-1], rel=1e-5)


def test_a_venue_without_open_interest_stands_for_nothing_and_is_named(task, bars):
    bare = replace(without(bars, np.zeros(len(bars.candles), bool)), venue="okx")
    both = replace(task, venues=(bare, bars), presets=(LEVERAGE,), shuffles=1)
    assert np.array_equal(judged_hours(both).hour, judged_hours(task).hour)
    found, alone = measure(both).report, measure(replace(both, venues=(bars,))).report
    assert found.skill("leverage").explained == pytest.approx(alone.skill("leverage").explained, abs=1e-6)
    assert "leverage: without what stands on okx: no open interest known." in found.notes


def test_a_silent_venue_takes_its_hours_out(bars):
    hours = fold_hours(bars.candles, step_ms=STEP_MS)
    late = without(bars, bars.candles.ts >= KNOWN_MS + DAY_MS)
    held = hours_held((bars, late), hours)
    assert hours.hour[np.argmax(held)] * HOUR_MS == KNOWN_MS + DAY_MS
    warm = hours_to_judge(held, warm_days=2.0)
    assert hours.hour[np.argmax(warm)] * HOUR_MS == KNOWN_MS + 3 * DAY_MS
    assert not hours_to_judge(np.zeros(5, bool), warm_days=0.0).any()


def test_the_placebo_moves_open_interest_alone_and_only_where_it_is_known(bars):
    mixed = placebos.days_shuffled(LEVERAGE, bars, seed=1).candles
    held = bars.candles
    for name in ("ts", "open", "high", "low", "close", "volume", "quote_volume"):
        assert np.array_equal(getattr(mixed, name), getattr(held, name), equal_nan=True)
    known = np.isfinite(held.open_interest)
    assert np.array_equal(np.isfinite(mixed.open_interest), known)
    assert mixed.open_interest[known][-1] == pytest.approx(held.open_interest[known][-1], rel=1e-6)

    moved = [np.abs(np.diff(np.log(c.open_interest[known]))).sum() for c in (mixed, held)]
    assert moved[0] == pytest.approx(moved[1], rel=1e-3)
    assert not np.allclose(mixed.open_interest[known], held.open_interest[known], rtol=1e-3)
    again = placebos.days_shuffled(LEVERAGE, bars, seed=1).candles
    assert np.array_equal(again.open_interest, mixed.open_interest, equal_nan=True)
    of_volume = placebos.days_shuffled(FLOW, bars, seed=1).candles
    assert not np.array_equal(of_volume.volume, held.volume)
