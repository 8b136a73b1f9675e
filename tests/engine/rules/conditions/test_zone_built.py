"""When zone built is true, and when it is not."""

from engine.model import Side, Zone, ZoneChange, ZoneEvent, ZoneId
from engine.rules.atom import Seen


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


def built(made, *, change=ZoneChange.BORN, fraction=0.0, auto=1e7, price=100.0, **shape):
    ((atom,),) = made.branches
    event = ZoneEvent(ts=300_000, change=change, zone=zone(**shape), fraction=fraction)
    return atom.matches(Seen(event=event, known_ms=600_000, price=price, auto_min_usd=auto))


def test_birth_growth_side_distance_and_dollars_count(rule):
    either, longs = rule("btc zone grows 50% within 3%"), rule("btc long zone grows 50% within 3%")
    assert built(either)
    assert not built(either, change=ZoneChange.SPLIT)
    assert built(either, change=ZoneChange.GROWN, fraction=0.5)
    assert not built(either, change=ZoneChange.GROWN, fraction=0.49)
    assert not built(longs)
    assert built(longs, side=Side.LONG, low=98.0, high=99.0)
    assert not built(either, price=98.0)
    assert built(rule("btc zone builds within 4%"), price=98.0)
    assert not built(either, auto=6e7)
    assert "comes up within 3 % of BTC's price, or grows by 50 % there" in either.sentence


def test_what_cannot_be(refused):
    assert "within" in refused("zone_built", within=0.5)
    assert "growth" in refused("zone_built", growth=0.01)


def test_dollars_of_ones_own_stand_for_auto(rule):
    assert built(rule("zone_built btc min_usd=50m"), auto=float("nan"))
    assert not built(rule("zone_built btc min_usd=51m"), auto=1.0)
