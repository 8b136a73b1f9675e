"""When zone swept is true, and when it is not."""

import pytest

from engine.model import STEP_MS, Liquidation, PriceKind, Side, Zone, ZoneChange, ZoneEvent, ZoneId
from engine.rules.atom import Seen
from engine.rules.conditions.zone_swept import FollowUp


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


def swept(made, *, change=ZoneChange.EATEN, fraction=0.6, auto=1e7, **shape):
    ((atom,),) = made.branches
    event = ZoneEvent(ts=300_000, change=change, zone=zone(**shape), fraction=fraction)
    return atom.matches(Seen(event=event, known_ms=600_000, price=100.0, auto_min_usd=auto))


def test_side_part_and_dollars_count(rule):
    either, longs = rule("btc zone swept"), rule("btc long zone swept")
    assert swept(either)
    assert not swept(either, fraction=0.49)
    assert not swept(either, change=ZoneChange.GONE)
    assert not swept(longs)
    assert swept(longs, side=Side.LONG)
    assert not swept(rule("btc short zone swept"), side=Side.LONG)
    assert not swept(either, auto=6e7)
    assert not swept(either, auto=float("nan"))
    assert swept(rule("btc zone of 50m swept"), auto=float("nan"))
    assert not swept(rule("btc zone of 51m swept"))
    assert "half" not in either.sentence
    assert "50 % or more of a long liquidation zone" in longs.sentence


def test_dollars_are_those_before_the_sweep(rule):
    whole = rule("btc zone of 100m swept")
    assert swept(whole, usd=5e7, updated=300_000, fraction=0.5)
    assert not swept(whole, usd=5e7, updated=0, fraction=0.5)


def liquidation(ts, usd, side=Side.SHORT, symbol="BTCUSDT"):
    return Liquidation(
        venue="okx",
        symbol=symbol,
        side=side,
        price=100.0,
        price_kind=PriceKind.FILL,
        quantity=1.0,
        notional_usd=usd,
        ts=ts,
        received_ms=ts,
    )


@pytest.mark.parametrize(("updated", "predicted"), [(0, 3e7), (300_000, 7.5e7)])
def test_what_follows_compares_predicted_with_liquidated_dollars(updated, predicted):
    event = ZoneEvent(ts=300_000, change=ZoneChange.EATEN, zone=zone(updated=updated), fraction=0.6)
    after = FollowUp.of(event, known_ms=300_000 + STEP_MS)
    assert after.predicted_usd == pytest.approx(predicted)
    assert after.due_ms == 600_000 + 180_000
    reports = [
        liquidation(299_999, 1.0),
        liquidation(300_000, 2e6),
        liquidation(500_000, 9e9, Side.LONG),
        liquidation(500_000, 9e9, symbol="ETHUSDT"),
        liquidation(779_999, 4e6),
        liquidation(780_000, 8e6),
    ]
    assert after.liquidated_usd(reports) == 6e6
    assert "$6M were reported liquidated" in after.says(6e6)
    assert "not available" in after.says(None)


def test_what_cannot_be(refused):
    assert "fraction" in refused("zone_swept", fraction=0.0)
