"""Variants of flow run through the product's kernel, know no future, and are judged as accuracy judges."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

from bench import beat_flow, touch
from bench.flow.judge import Stretch, nested_gain
from bench.flow.learned import levelled
from bench.flow.runs import Runner, before, trailing
from bench.flow.settle import fixed_ridge
from bench.flow.study import Study, read_study, samples
from bench.flow.touches import _followed
from bench.flow.trial import Trial
from bench.flow.variants import variants
from bench.market import market
from engine.errors import UserError
from engine.heatmap import Heatmap
from engine.model import HOUR_MS, STEP_MS
from engine.presets import FLOW
from engine.scoring.folds import curve_of
from engine.scoring.hours import fold_hours
from engine.touch import FITS

DAYS = 130
CUT_H, WARM_H = 124 * 24, 60 * 24
"""What changes begins after the stretch that mixtures are measured by; rolled means wrap before WARM_H."""


def ends_of_families():
    """The first and last variant of each family: all of them take a minute."""
    every = variants()
    last = {variant.family: variant for variant in every}
    first = {variant.family: variant for variant in reversed(every)}
    return [*first.values(), *(variant for variant in last.values() if variant not in first.values())]


@pytest.fixture(scope="module")
def study():
    """A made market with reports of what flow sweeps in it, noisy, from 2025-11-23 on."""
    candles = market(DAYS * 288)
    hours = fold_hours(candles, step_ms=STEP_MS)
    swept = Runner.of(_study(candles, hours, np.zeros((len(hours), 2)))).swept() * 3.4e6
    noise = np.random.default_rng(4).gamma(2.0, 0.5, swept.shape)
    reported = (swept + 25_000.0) * noise
    reported[: 53 * 24] = np.nan
    return _study(candles, hours, reported)


@pytest.fixture(scope="module")
def later(study):
    """The same market until a day, and all but its prices the other way round after it."""
    cut, c = CUT_H * 12, study.candles

    def turned(values, at=cut):
        return np.concatenate([values[..., :at], values[..., at:][..., ::-1]], axis=-1)

    changed = {name: turned(getattr(c, name)) for name in ("volume", "quote_volume")}
    coins = turned(c.open_interest, cut + 1)  # a candle's close is the next one's open
    return replace(
        study,
        candles=replace(c, **changed, open_interest=coins),
        perpetual=turned(study.perpetual),
        funding=turned(study.funding),
        venue_volume=turned(study.venue_volume),
    )


def _study(candles, hours, reported):
    count = len(candles)
    spot = np.convolve(candles.quote_volume, np.ones(12))[:count]
    return Study(
        candles=candles,
        perpetual=candles.volume,
        funding=np.random.default_rng(1).normal(0, 1e-4, count),
        venue_volume=np.stack([spot * 3.0, spot, spot * 0.5]),
        hours=hours,
        reported=reported,
    )


def test_flow_through_the_runner_is_the_products_own(study):
    events = Heatmap(FLOW).advance(study.candles).events
    own = np.zeros((len(study.hours), 2))
    np.add.at(own, events.ts // HOUR_MS - study.hours.first, events.swept)
    assert Runner.of(study).swept() == pytest.approx(own)


def test_a_side_with_its_own_mass_leaves_the_other_alone(study):
    runner = Runner.of(study)
    mass = runner.mass()
    usual, tilted = runner.swept(mass=mass), runner.swept(mass=mass, shorts=2.0 * mass)
    assert tilted[:, 0].tolist() == usual[:, 0].tolist()
    assert tilted[:, 1] == pytest.approx(2.0 * usual[:, 1])


def test_a_clock_that_runs_evenly_changes_nothing_and_a_fast_one_fades_more(study):
    runner = Runner.of(study)
    even = np.ones(len(runner.ts))
    assert runner.swept(clock_ms=runner.warped(even)) == pytest.approx(runner.swept())
    assert runner.swept(clock_ms=runner.warped(5.0 * even)).sum() < 0.7 * runner.swept().sum()


def test_weights_that_are_the_same_for_all_candles_change_nothing(study):
    runner = Runner.of(study)
    even = np.ones((len(FLOW.levels), len(runner.ts)))
    assert runner.by_level(even) == pytest.approx(runner.swept())


@pytest.mark.parametrize("variant", ends_of_families(), ids=lambda v: f"{v.family}: {v.name}")
def test_no_variant_knows_the_future(study, later, variant):
    ours, theirs = (variant.predict(Runner.of(each))[WARM_H:CUT_H] for each in (study, later))
    assert np.isfinite(ours).all()
    assert ours.sum() > 0.0
    assert theirs == pytest.approx(ours, rel=1e-9, abs=1e-12)


def test_trailing_means_and_those_before():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert trailing(values, 2).tolist() == [1.0, 1.5, 2.5, 3.5]
    assert before(values, 2 * STEP_MS / 86_400_000).tolist() == [1.0, 1.0, 1.5, 2.5]


def test_a_level_knows_hours_before_only_and_finds_what_is_wrong():
    predicted = np.full((1500, 2), 1e6)
    reported = np.full((1500, 2), np.nan)
    reported[600:] = 2e6
    found = levelled(predicted, reported, 336, apart=True)
    changed = reported.copy()
    changed[1000:] *= 9.0
    assert levelled(predicted, changed, 336, apart=True)[:1001].tolist() == found[:1001].tolist()
    assert found[500] == pytest.approx([1e6, 1e6], rel=1e-9)
    assert found[-1] == pytest.approx([2e6, 2e6], rel=0.1)
    assert levelled(predicted, reported, 336, apart=False) == pytest.approx(found)


def test_choosing_on_other_days_cannot_choose_by_luck(study):
    stretch = Stretch(study, "2025-11-23", "2026-01-15")
    base = np.ones(len(stretch.rows))
    noise = np.random.default_rng(2).normal(1.0, 0.3, (40, len(base)))
    lucky = stretch.gain(base, noise[np.argmin(noise.sum(axis=1))])
    assert nested_gain(stretch, base, noise).value < lucky.value
    better = np.stack([noise[0], base - 0.2])
    assert nested_gain(stretch, base, better).value == pytest.approx(0.2 * len(base) / stretch.null.sum())


def test_the_true_model_beats_another_where_reports_were_made_by_it(study):
    runner = Runner.of(study)
    stretch = Stretch(study, "2025-11-24", "2026-01-31")
    true, other = (
        curve_of(stretch.of(runner.swept(mass=mass) * 3.4e6))
        for mass in (runner.mass(), runner.mass(np.ones(len(study.candles))))
    )
    gain = stretch.gain(stretch.loss(other), stretch.loss(true))
    assert gain.low > 0.0
    surer = stretch.gain(stretch.loss(other), stretch.loss(true), sure=0.999)
    assert surer.low < gain.low < gain.high < surer.high


def test_zones_are_touched_when_price_reaches_their_nearer_edge_and_share_dollars(study):
    c = study.candles
    hours = fold_hours(c[slice(0, 12 * 200)], step_ms=STEP_MS)
    row = 170
    fall = hours.open[row] - hours.low[row]
    assert fall > 0.0
    usd = np.full((len(hours), 2), 100.0)
    #                 row, short, near, far, dollars, percentile
    table = np.array(
        [
            [row, 0.0, 0.5 * fall, fall, 1e6, 90.0],
            [row, 0.0, 0.9999 * fall, 2.0 * fall, 1e6, 90.0],
            [row, 0.0, 1.0001 * fall, 2.0 * fall, 1e6, 90.0],
        ]
    )
    found = _followed(table, hours, usd)
    assert found.touched[:, 0].tolist() == [True, True, False]
    assert found.usd[0, 0] == pytest.approx(50.0)
    assert (np.diff(found.usd, axis=1) >= -1e-9).all()
    assert (np.diff(found.touched.astype(int), axis=1) >= 0).all()


@pytest.mark.parametrize("name", ["beat_flow", "touch"])
def test_without_the_data_a_bench_says_what_it_wants(name, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("LIQWATCH_SAMPLES", raising=False)
    outcome = importlib.import_module(f"bench.{name}").run(quick=True)
    assert list(outcome["figures"].values()) == [0.0]
    assert "LIQWATCH_SAMPLES" in capsys.readouterr().err
    with pytest.raises(UserError, match="does not ship"):
        samples()
    monkeypatch.setenv("LIQWATCH_SAMPLES", str(tmp_path))
    with pytest.raises(UserError, match="there is no market"):
        samples()


def test_intervals_of_several_are_wider_so_that_all_hold():
    assert beat_flow.together_sure(1) == pytest.approx(0.95)
    assert beat_flow.together_sure(14) == pytest.approx(1.0 - 0.05 / 14)


def test_on_real_liquidations_flow_does_as_published_and_the_ridge_is_found(samples, record_property):
    trial = Trial(read_study(samples))
    for stretch, hours, explained in ((trial.chosen, 1296, 0.8676), (trial.held, 1007, 0.8593)):
        assert len(stretch.rows) == hours
        found = stretch.explained(trial.losses(stretch, trial.flow))
        assert found == pytest.approx(explained, abs=5e-4)
        record_property(stretch.begin, found)
    assert fixed_ridge(trial) == 1e-6


def test_what_ships_is_what_is_fitted(samples):
    """The figures of engine.touch come out of the data again, and hold where they were not fitted."""
    found = touch.gathered(samples)
    for nth, (fit, shipped) in enumerate(zip(touch.fit_chances(found.fitted), FITS, strict=True)):
        million_usd, power = touch.fit_dollars(found.fitted, nth)
        assert (fit.spread, fit.bend, fit.day) == pytest.approx(
            (shipped.spread, shipped.bend, shipped.day), abs=0.005
        )
        assert million_usd == pytest.approx(shipped.million_usd, rel=0.01)
        assert power == pytest.approx(shipped.dollars, abs=0.005)
    for zones in (found.btc, found.eth):
        said = touch.chances(zones.near, zones.day, zones.week)
        assert said.mean(axis=0) == pytest.approx(zones.touched.mean(axis=0), rel=0.12)
