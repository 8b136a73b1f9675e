"""Dollars per distance, and what is remembered of them."""

import math

import numpy as np
import pytest

from engine.columns import Columns
from engine.model import Side
from engine.presets import BIN_LOG
from engine.zone_density import SIGNS, Surface, densities, runs, smoothed, surfaces
from engine.zone_reference import Reference


def test_densities_sum_to_the_surface_pro_rata() -> None:
    usd = np.random.default_rng(7).gamma(0.5, 1e4, (2, 1, 340)).astype(np.float32)
    log_close = math.log(100_000.0)
    at = np.array([math.floor(log_close / BIN_LOG)])
    close = np.array([100_000.0])
    columns = Columns(ts=np.array([0]), close=close, close_bin=at, long=usd[0], short=usd[1])
    pair = surfaces(columns, 0)
    raw = densities(pair, log_close, 5e-4, 120)
    assert raw.shape == (2, 121)
    for i, side in enumerate(Side):
        ends = sorted((log_close, log_close + SIGNS[side] * 121 * 5e-4))
        whole = pair[i].between(np.array(ends[:1]), np.array(ends[1:]))[0]
        assert raw[i].sum() == pytest.approx(float(whole))
        assert (raw[i] >= 0).all()


def test_smoothing_takes_the_neighbours_there_are() -> None:
    out = smoothed(np.array([[3.0, 6.0, 0.0, 9.0]] * 2))
    assert out.tolist() == [[4.5, 3.0, 5.0]] * 2


def test_runs_are_where_flags_are_set() -> None:
    start, stop = runs(np.array([True, False, True, True]))
    assert (start.tolist(), stop.tolist()) == ([0, 2], [1, 4])


def test_surface_outside_its_bins_holds_nothing() -> None:
    surface = Surface.of(10, np.array([1.0, 2.0], np.float32))
    assert surface.below(np.array([0.0, 11 * BIN_LOG, 1.0])).tolist() == pytest.approx([0.0, 1.0, 3.0])
    assert surface.between(np.array([1.0]), np.array([0.0])).tolist() == [0.0]


def test_reference_without_a_column_notes_nothing() -> None:
    reference = Reference(2, days=1, quantile=0.8, auto_quantile=0.95)
    reference.note(np.array([1.0]))
    assert reference.hours == 0
    assert reference.state()[0] == {"pending_ts": None}
