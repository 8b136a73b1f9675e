"""Venues add up: by share of volume, by distance from their own price, each with its part of a zone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aggregate import Part, add_up, first_of, shares, standing_of, with_shares
from engine.errors import DataError
from engine.heatmap import Heatmap
from engine.model import Side, Zone, ZoneId, ZoneSet
from engine.presets import BIN_LOG, Unit


@pytest.fixture(scope="session")
def part(market, small):
    """A function that makes one venue's part: other prices by a factor, other volumes, missing candles."""

    def make(venue, *, seed=1, basis=1.0, volume=1.0, missing=(), count=80):
        candles = market(count, seed=seed)
        prices = {name: getattr(candles, name) * basis for name in ("open", "high", "low", "close")}
        quote = np.where(np.isnan(candles.quote_volume), candles.volume * candles.close, candles.quote_volume)
        candles = replace(candles, **prices, quote_volume=quote * volume)
        kept = np.setdiff1d(np.arange(count), list(missing))
        candles = type(candles)(**{n: getattr(candles, n)[kept] for n in candles.__dataclass_fields__})
        fed = Heatmap(small, usd_scale=1e6).advance(candles)
        return Part(venue=venue, columns=fed.columns, mean_quote_volume=fed.mean_quote_volume), candles

    return make


def test_one_venue_is_what_it_is(part):
    alone, _ = part("a")
    total = add_up([alone], Unit.EXPECTED)
    assert total.columns is alone.columns
    assert total.share.tolist() == [[1.0] * 80]
    with pytest.raises(DataError, match="no venue"):
        add_up([], Unit.EXPECTED)


@given(volume=st.floats(0.05, 20.0), basis=st.sampled_from([0.998, 1.0, 1.0007]))
def test_expected_dollars_are_weighed_by_volume(part, volume, basis):
    one, _ = part("a")
    other, _ = part("b", basis=basis, volume=volume)
    total = add_up([one, other], Unit.EXPECTED)
    known = ~np.isnan(one.mean_quote_volume)
    assert total.share.sum(axis=0) == pytest.approx(np.ones(80))
    assert total.share[1, known] == pytest.approx(volume / (1 + volume))
    assert np.array_equal(total.columns.close, one.columns.close)
    # The same market at another price and volume is the same map: distance counts, the basis does not.
    np.testing.assert_allclose(
        total.columns.long.sum(axis=1), one.columns.long.sum(axis=1), rtol=0.03, atol=1e-3
    )
    if basis == 1.0:
        np.testing.assert_allclose(total.columns.long, one.columns.long, rtol=1e-5)


def test_standing_dollars_simply_add(part):
    one, _ = part("a")
    other, _ = part("b", volume=3.0)
    total = add_up([one, other], Unit.STANDING)
    np.testing.assert_allclose(total.columns.short, one.columns.short + other.columns.short, rtol=1e-6)


def test_a_venue_that_is_missing_is_stood_for_by_the_others(part):
    one, candles = part("a", missing=range(50, 60))
    other, spare = part("b", basis=1.001, volume=2.0)
    total = add_up([one, other], Unit.EXPECTED)
    assert np.array_equal(total.columns.ts, other.columns.ts)
    assert (total.share[1, 50:60] == 1.0).all()
    assert (total.share[0, 50:60] == 0.0).all()
    assert np.array_equal(total.columns.long[50:60], other.columns.long[50:60])
    assert np.array_equal(total.columns.close[50:60], other.columns.close[50:60])
    assert total.columns.close[49] == one.columns.close[49]
    bars = first_of([candles, spare], total.columns.ts)
    assert np.array_equal(bars.close, total.columns.close)
    assert np.array_equal(bars.ts, total.columns.ts)


def test_while_no_volume_is_known_those_that_are_there_share_alike():
    unknown = np.full((3, 2), np.nan)
    there = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert shares(unknown, there).tolist() == [[1 / 3, 0.5], [1 / 3, 0.0], [1 / 3, 0.5]]
    unknown[1] = 5.0
    assert shares(unknown, there).T.tolist() == [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]]


def test_other_widths_are_refused(part):
    one, _ = part("a")
    narrow = replace(one, columns=replace(one.columns, long=one.columns.long[:, 1:]))
    with pytest.raises(DataError, match="different widths"):
        add_up([one, narrow], Unit.EXPECTED)


def test_a_zone_says_what_each_venue_has_of_it(part):
    one, _ = part("a")
    other, _ = part("b", seed=4, basis=1.002, volume=0.25)
    total = add_up([one, other], Unit.EXPECTED)
    standing = standing_of([one, other], Unit.EXPECTED, total.share[:, -1], int(total.columns.close_bin[-1]))
    price = float(total.columns.close[-1])
    zone = Zone(
        zone_id=ZoneId("z"),
        venue="all",
        symbol="S",
        side=Side.SHORT,
        low=price * 1.003,
        high=price * 1.02,
        peak=price * 1.01,
        notional_usd=1.0,
        share=0.5,
        percentile=90.0,
        born_ts=0,
        updated_ts=0,
    )
    zones = ZoneSet(
        venue="all",
        symbol="S",
        ts=int(total.columns.ts[-1]),
        price=price,
        zones=(zone,),
        samples_h=50,
        threshold_ready=True,
        auto_min_usd=1.0,
    )
    (shown,) = with_shares(zones, standing).zones
    assert [venue for venue, _ in shown.venue_share] == ["a", "b"]
    assert sum(share for _, share in shown.venue_share) == pytest.approx(1.0)
    width = round(np.log(1.02 / 1.003) / BIN_LOG)
    first = round(np.log(1.003) / BIN_LOG)
    near = [
        p.columns.short[-1, first : first + width].sum() * s
        for p, s in zip((one, other), total.share[:, -1], strict=True)
    ]
    assert shown.venue_share[0][1] == pytest.approx(near[0] / sum(near), abs=0.05)
    nothing = {venue: replace(each, short=each.short * 0) for venue, each in standing.items()}
    assert with_shares(zones, nothing).zones[0].venue_share == (("a", 0.0), ("b", 0.0))
