"""What was told of a zone stays told when the same zone is found anew under another name."""

from dataclasses import replace

import pytest

from engine.handing import handed_on
from engine.model import Side, Zone, ZoneChange, ZoneId, ZoneSet


def zone(name, low, high, side=Side.LONG):
    return Zone(
        zone_id=ZoneId(name),
        venue="all",
        symbol="BTCUSDT",
        side=side,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=1e6,
        share=0.1,
        percentile=0.9,
        born_ts=0,
        updated_ts=0,
    )


def zones(*found, ts=300_000):
    return ZoneSet(
        venue="all",
        symbol="BTCUSDT",
        ts=ts,
        price=100.0,
        zones=found,
        samples_h=100,
        threshold_ready=True,
        auto_min_usd=1.0,
    )


@pytest.mark.parametrize(
    ("new", "same"),
    [
        (zone("b", 90, 92), True),
        (zone("b", 91, 93), True),  # half of each
        (zone("b", 91.1, 93.1), False),
        (zone("b", 90.2, 90.6), True),  # a part of it
        (zone("b", 80, 100), True),  # it is a part of that
        (zone("b", 92.1, 93), False),
        (zone("b", 90, 92, Side.SHORT), False),
        (zone("b", 91, 91), True),
        (zone("a", 90, 92), False),  # it has its name still
    ],
)
def test_a_zone_goes_on_as_one_that_shares_its_place(new, same):
    old = zone("a", 90, 92)
    told = handed_on(zones(old), zones(new, ts=600_000))
    assert [(e.ts, e.change, e.zone, e.other) for e in told] == (
        [(600_000, ZoneChange.MERGED, old, new.zone_id)] if same else []
    )


def test_one_zone_goes_on_as_several_and_nothing_as_nothing():
    old = zone("a", 90, 94)
    told = handed_on(zones(old), zones(zone("b", 90, 91), zone("c", 93, 94), zone("d", 95, 96)))
    assert [event.other for event in told] == ["b", "c"]
    assert handed_on(None, zones(old)) == handed_on(zones(old), None) == []
    assert handed_on(zones(old), zones(replace(old, low=91))) == []
