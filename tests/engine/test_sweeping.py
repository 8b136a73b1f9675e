"""What price has swept since the last close is gone: from zones, and from what stands."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.model import Side, Zone, ZoneId, ZoneSet
from engine.presets import BIN_LOG
from engine.standing import Standing
from engine.sweeping import after_trading, touched

PRICE = 100.0
CLOSE_BIN = math.floor(math.log(PRICE) / BIN_LOG)


@pytest.fixture
def standing():
    return Standing(ts=0, close_bin=CLOSE_BIN, long=np.full(600, 10.0), short=np.full(600, 20.0))


def zone(side, low, high, usd):
    return Zone(
        zone_id=ZoneId(f"{side.value}{low}"),
        venue="v",
        symbol="S",
        side=side,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=usd,
        share=0.5,
        percentile=95.0,
        born_ts=0,
        updated_ts=0,
    )


def zones(*found):
    return ZoneSet(
        venue="v",
        symbol="S",
        ts=0,
        price=PRICE,
        zones=found,
        samples_h=99,
        threshold_ready=True,
        auto_min_usd=1.0,
    )


def test_what_stands_ends_where_price_went(standing):
    left = standing.after(98.0, 101.0)
    assert left.between(Side.LONG, 98.02, 100.0) == 0.0
    assert left.between(Side.SHORT, 100.1, 100.98) == 0.0
    assert left.between(Side.LONG, 95.0, 97.9) == pytest.approx(standing.between(Side.LONG, 95.0, 97.9))
    assert left.between(Side.SHORT, 101.1, 104.0) == pytest.approx(standing.between(Side.SHORT, 101.1, 104.0))
    assert standing.after(PRICE, PRICE).long[1:].sum() == standing.long[1:].sum()
    low, high = standing.ends
    assert low == pytest.approx(PRICE * math.exp(-0.12), rel=1e-3)
    assert high == pytest.approx(PRICE * math.exp(0.12), rel=1e-3)


def test_zones_are_cut_and_end(standing):
    whole, cut, gone = (zone(Side.LONG, *edges, 1e6) for edges in ((94.0, 95.0), (97.0, 99.0), (98.5, 99.5)))
    short = zone(Side.SHORT, 101.0, 103.0, 2e6)
    found = zones(whole, cut, gone, short)
    assert touched(found, 98.0, 100.5)
    assert not touched(found, 99.6, 100.5)
    left = after_trading(found, standing, 98.0, 100.5).zones
    assert [each.zone_id for each in left] == [whole.zone_id, cut.zone_id, short.zone_id]
    assert left[0] is whole
    assert left[2] is short
    assert (left[1].low, left[1].high, left[1].peak) == (97.0, 98.0, 98.0)
    part = standing.between(Side.LONG, 97.0, 98.0) / standing.between(Side.LONG, 97.0, 99.0)
    assert left[1].notional_usd == pytest.approx(1e6 * part, rel=0.03)
    assert left[1].share == pytest.approx(0.5 * part, rel=0.03)
    (risen,) = [z for z in after_trading(found, standing, 99.6, 102.0).zones if z.side is Side.SHORT]
    assert (risen.low, risen.high) == (102.0, 103.0)
    for each in left:
        assert each.high <= 98.0 if each.side is Side.LONG else each.low >= 100.5


def test_a_zone_in_which_nothing_stands_is_none(standing):
    empty = replace(standing, long=np.zeros(600))
    assert after_trading(zones(zone(Side.LONG, 97.0, 99.0, 1e6)), empty, 98.0, 100.0).zones == ()
