"""Scores of planted liquidations: in zones they lift, spread evenly they do not, and none say nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import Side
from engine.standing import Standing
from engine.validation import (
    DISTANCE_ONLY,
    MIRRORED,
    RANGE,
    ZONES,
    Moment,
    Stood,
    depth_of,
    judge,
    marks_of,
    placed,
    reach_of,
)
from engine.zones import ZoneParams

PARAMS = ZoneParams()
PRICE = 100.0
WIDTH = 6


def world(count=600, *, inside=None, usd=1000.0, seed=3, hours=48):
    """Return moments with a zone a side at a random place, and what was liquidated in it, or anywhere."""
    rng = np.random.default_rng(seed)
    moments = []
    for nth in range(count):
        reach = rng.uniform(0.01, 0.06, 2)
        found, bands = [], []
        for side, reached in zip((Side.LONG, Side.SHORT), reach, strict=True):
            sign = -1 if side is Side.LONG else 1
            near = int(rng.integers(0, PARAMS.bins - WIDTH))
            ends = np.array([near, near + WIDTH]) * PARAMS.bin_log
            low, high = sorted(PRICE * np.exp(sign * ends))
            bands.append((side, float(low), float(high)))
            within = inside and ends[1] <= reached
            begin, end = ends if within else (0.0, reached)
            if inside is not None and (within or not inside):
                at = PRICE * math.exp(sign * rng.uniform(begin + 1e-9, end - 1e-9))
                found.append((side, at, usd))
        dollars, elsewhere = placed(PRICE, reach, found, PARAMS)
        stood = Stood(
            marks=marks_of(bands, PRICE, PARAMS),
            depth=np.tile(np.linspace(0.0, 1e6, PARAMS.bins + 1), (2, 1)),
        )
        moments.append(
            Moment(
                hour=nth * hours // count,
                reach=reach,
                usd=dollars,
                elsewhere_usd=elsewhere,
                count=len(found),
                stood={"flow": stood, DISTANCE_ONLY: stood},
            )
        )
    return moments


def scores(moments):
    verdict = judge(moments, PARAMS, seed=1, model="flow")
    return verdict, {each.kind: each for each in verdict.scores}


def test_liquidations_planted_in_zones_lift_and_placebos_do_not():
    verdict, found = scores(world(inside=True))
    assert found[ZONES].dollars == pytest.approx(1.0)
    assert found[ZONES].lift.low > 5.0
    assert found["random"].lift.value == pytest.approx(1.0, abs=0.5)
    assert found["another hour"].lift.value == pytest.approx(1.0, abs=0.5)
    assert found[MIRRORED].lift.value == pytest.approx(1.0, abs=0.5)
    assert found["shifted 1.00%"].lift.value < 0.3  # a zone and a half away from where all of it is
    assert verdict.has_intervals
    assert verdict.usd == pytest.approx(1000.0 * verdict.liquidations)


def test_liquidations_spread_evenly_over_the_range_do_not_lift():
    verdict, found = scores(world(count=3000, inside=False))
    for kind in (ZONES, "random", "another hour", MIRRORED, "shifted 0.25%"):
        # A range that is short holds as many dollars as a long one: near distances hold a little more.
        assert found[kind].lift_at_distance.value == pytest.approx(1.0, abs=0.15), kind
        assert found[kind].lift.value == pytest.approx(1.0, abs=0.25), kind
    assert 0.0 < found[ZONES].coverage < 0.2
    assert verdict.moments == 3000


def test_nothing_liquidated_says_nothing():
    verdict, found = scores(world(inside=None))
    assert (verdict.scores, dict(verdict.ranks), found) == ((), {}, {})
    assert (verdict.usd, verdict.liquidations, verdict.hours_with_any) == (0.0, 0, 0)
    assert not verdict.has_intervals
    assert verdict.hours == 48


def test_no_moment_at_all_says_nothing():
    verdict = judge([], PARAMS, seed=1, model="flow")
    assert (verdict.moments, verdict.hours, verdict.scores) == (0, 0, ())


def test_one_moment_gives_a_figure_without_an_interval_that_means_anything():
    verdict, found = scores(world(count=1, inside=False))
    assert not verdict.has_intervals
    assert math.isfinite(found[ZONES].coverage)


def test_the_same_seed_gives_the_same_verdict():
    assert scores(world(inside=True))[0] == scores(world(inside=True))[0]


def test_the_dollars_that_were_expected_rank_with_those_that_came():
    moments = []
    for nth in range(60):
        reach = np.array([0.01, 0.01])
        size = float(nth + 1)
        depth = np.tile(np.linspace(0.0, size, PARAMS.bins + 1), (2, 1))
        even = np.tile(np.linspace(0.0, 5.0, PARAMS.bins + 1), (2, 1))
        usd, _ = placed(PRICE, reach, [(s, PRICE * f, size * 10) for s, f in _both()], PARAMS)
        marks = np.zeros((2, PARAMS.bins), np.bool_)
        stood = {"flow": Stood(marks=marks, depth=depth), DISTANCE_ONLY: Stood(marks=marks, depth=even)}
        moments.append(Moment(hour=nth, reach=reach, usd=usd, elsewhere_usd=0.0, count=2, stood=stood))
    verdict = judge(moments, PARAMS, seed=1, model="flow")
    assert verdict.ranks["flow"] == pytest.approx(1.0)
    assert math.isnan(verdict.ranks[RANGE])  # all ranges were alike
    assert math.isnan(verdict.ranks[DISTANCE_ONLY])
    zones = next(each for each in verdict.scores if each.kind == ZONES)
    assert zones.dollars == 0.0
    assert math.isnan(zones.lift.value)  # nothing was covered: there is no lift


def _both():
    return ((Side.LONG, 0.995), (Side.SHORT, 1.005))


def test_where_a_liquidation_counts():
    reach = reach_of(PRICE, 98.0, 100.0)
    assert reach == pytest.approx([math.log(100 / 98), 0.0])
    found = [
        (Side.LONG, 99.0, 1.0),
        (Side.LONG, 97.0, 2.0),  # beyond what the candle says: at its end
        (Side.LONG, 100.5, 4.0),  # a long above the close: price came back through it
        (Side.SHORT, 100.5, 8.0),  # price never went up
    ]
    usd, elsewhere = placed(PRICE, reach, found, PARAMS)
    assert elsewhere == 12.0
    assert usd[1].sum() == 0.0
    assert usd[0, int(math.log(100 / 99) / PARAMS.bin_log)] == 1.0
    assert usd[0, int(math.log(100 / 98) / PARAMS.bin_log)] == 2.0


@given(
    price=st.floats(1e-6, 1e6),
    low=st.floats(0.9, 1.1),
    more=st.floats(0.0, 0.2),
    sides=st.lists(st.tuples(st.sampled_from(list(Side)), st.floats(0.5, 2.0), st.floats(0.0, 1e9))),
)
def test_every_dollar_is_somewhere(price, low, more, sides):
    reach = reach_of(price, price * low, price * (low + more))
    found = [(side, price * at, usd) for side, at, usd in sides]
    usd, elsewhere = placed(price, reach, found, PARAMS)
    assert usd.sum() + elsewhere == pytest.approx(sum(each[2] for each in found))
    assert (usd >= 0.0).all()
    for row in range(2):
        beyond = np.arange(PARAMS.bins) * PARAMS.bin_log >= reach[row]
        assert usd[row, beyond].sum() == 0.0


def test_marks_and_depth_are_by_distance():
    bin_log = PARAMS.bin_log
    low, high = PRICE * math.exp(-5 * bin_log), PRICE * math.exp(-2 * bin_log)
    marks = marks_of([(Side.LONG, low, high)], PRICE, PARAMS)
    assert np.flatnonzero(marks[0]).tolist() == [2, 3, 4]
    assert not marks[1].any()
    close_bin = math.floor(math.log(PRICE) / 2e-4)
    standing = Standing(ts=0, close_bin=close_bin, long=np.full(400, 2.0), short=np.full(400, 1.0))
    depth = depth_of(standing, PRICE, PARAMS)
    assert depth.shape == (2, PARAMS.bins + 1)
    assert depth[:, 0] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert np.diff(depth[0]) == pytest.approx(np.full(PARAMS.bins, 5.0))  # 2.5 bins of 2 dollars
    assert np.diff(depth[1]) == pytest.approx(np.full(PARAMS.bins, 2.5))
