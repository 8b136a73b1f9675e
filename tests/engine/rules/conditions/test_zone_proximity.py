"""When zone proximity is true, and when it is not."""

import math

from engine.model import Side, Zone, ZoneId, ZoneSet


def zone(*, side=Side.SHORT, low=101.0, high=102.0, usd=5e7, updated=0):
    return Zone(
        zone_id=ZoneId("z"),
        venue="",
        symbol="BTCUSDT",
        side=side,
        low=low,
        high=high,
        peak=low,
        notional_usd=usd,
        share=0.1,
        percentile=99.0,
        born_ts=0,
        updated_ts=updated,
    )


def near(made, price, *zones, was=False, auto=1e7):
    ((atom,),) = made.branches
    stand = ZoneSet(
        venue="",
        symbol="BTCUSDT",
        ts=0,
        price=price,
        zones=zones,
        samples_h=504,
        threshold_ready=True,
        auto_min_usd=auto,
    )
    return atom.holds(stand, price, was=was)


def test_distance_side_and_dollars_count(rule):
    either, longs = rule("btc within 1% of zone"), rule("btc within 1% of long zone")
    assert near(either, 100.0, zone())
    assert not near(either, 99.9, zone())
    assert not near(longs, 100.0, zone())
    assert near(longs, 100.0, zone(side=Side.LONG, low=98.0, high=99.5))
    assert not near(rule("btc within 1% of short zone"), 100.0, zone(side=Side.LONG, low=98.0, high=99.5))
    assert not near(either, 100.0, zone(), auto=6e7)
    assert not near(either, 100.0, zone(), auto=math.nan)
    assert not near(rule("btc within 1% of zone above 51m"), 100.0, zone())
    assert near(rule("btc within 1% of zone above 50m"), 100.0, zone(), auto=math.nan)
    assert "within 1 % of a long liquidation zone" in longs.sentence


def test_it_stays_true_for_a_quarter_more(rule):
    either = rule("btc within 1% of zone")
    assert near(either, 99.77, zone(), was=True)
    assert not near(either, 99.75, zone(), was=True)


def test_what_price_has_gone_through_is_not_near(rule):
    either = rule("btc within 1% of zone")
    assert not near(either, 102.5, zone())
    assert near(either, 101.5, zone())
    assert not near(either, 97.5, zone(side=Side.LONG, low=98.0, high=99.5))


def test_what_cannot_be(refused):
    assert "within 10 % is out of range" in refused("zone_proximity", within=0.1)
