"""When a watch becomes true, when it may again, and what it stays silent about."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import (
    DAY_MS,
    RuleId,
    Severity,
    Side,
    UserId,
    Watch,
    Zone,
    ZoneChange,
    ZoneEvent,
    ZoneId,
    ZoneSet,
)
from engine.rules.zone_proximity import (
    DEFAULT_WITHIN,
    KIND,
    ArmState,
    Evaluation,
    evaluate,
    follow,
    still_true,
)

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
WATCH = Watch(rule_id=RuleId(7), owner=UserId("local:owner"), symbol="BTCUSDT", within=DEFAULT_WITHIN)


def zone(name: str = "s1", *, low: float = 100.0, high: float = 101.0, usd: float = 5e7) -> Zone:
    return Zone(
        zone_id=ZoneId(name),
        venue="binance",
        symbol="BTCUSDT",
        side=Side.LONG if name.startswith("l") else Side.SHORT,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=usd,
        share=0.5,
        percentile=99.0,
        born_ts=0,
        updated_ts=0,
    )


def stand(*zones: Zone, auto: float = 1e7) -> ZoneSet:
    return ZoneSet(
        venue="binance",
        symbol="BTCUSDT",
        ts=0,
        price=90.0,
        zones=zones,
        samples_h=504,
        threshold_ready=True,
        auto_min_usd=auto,
    )


def look(
    prices: list[float], zones: ZoneSet | None = None, watch: Watch = WATCH
) -> list[tuple[float, Severity]]:
    """Return the fires of a walk of prices, as (price, severity); the first price is a look before."""
    zones = zones or stand(zone())
    armed, previous, fires = ArmState(), prices[0], []
    for ts, price in enumerate(prices):
        looked = evaluate(watch, zones, previous, price, ts, armed)
        armed, previous = looked.state, price
        fires += [(f.price, f.severity) for f in looked.fires]
    return fires


def at(distance: float) -> float:
    """Return the price at a distance below a zone that begins at 100."""
    return 100.0 / (1.0 + distance)


def test_each_step_fires_once_on_the_way_in() -> None:
    path = [at(d) for d in (0.06, 0.049, 0.04, 0.029, 0.02, 0.009, 0.0)]
    assert look(path) == [(path[1], INFO), (path[3], WARNING), (path[5], CRITICAL)]


def test_a_leap_over_several_steps_fires_the_worst_alone() -> None:
    path = [at(0.06), at(0.005), at(0.02), at(0.04)]
    assert look(path) == [(path[1], CRITICAL)]


def test_hysteresis_keeps_a_wobble_silent_and_a_departure_arms_again() -> None:
    wobble = [at(d) for d in (0.012, 0.0099, 0.0101, 0.0099, 0.0124, 0.0099)]
    assert [s for _, s in look(wobble)] == [WARNING, CRITICAL]
    leaves = [at(d) for d in (0.012, 0.0099, 0.0126, 0.0099)]
    assert [s for _, s in look(leaves)] == [WARNING, CRITICAL, CRITICAL]


@settings(max_examples=200)
@given(st.lists(st.floats(0.0, 0.08), min_size=1, max_size=40))
def test_one_fire_for_each_crossing_of_the_band(distances: list[float]) -> None:
    only = replace(WATCH, within=((CRITICAL, 0.01),))
    expected, fired = 0, False
    for d in distances:
        measured = zone().distance(at(d))
        if fired and measured > 0.01 + only.hysteresis:
            fired = False
        elif not fired and measured <= 0.01:
            expected, fired = expected + 1, True
    assert len(look([at(d) for d in distances], watch=only)) == expected


def test_the_first_look_fires_only_the_worst_and_nearest_of_what_is_true() -> None:
    zones = stand(
        zone("s1"), zone("s2", low=99.9), zone("s3", low=103, high=104), zone("l1", low=90, high=91)
    )
    first = evaluate(WATCH, zones, None, 99.5, 1, ArmState())
    assert [(f.severity, f.zone and f.zone.zone_id) for f in first.fires] == [(CRITICAL, "s2")]
    second = evaluate(WATCH, zones, 99.5, 99.5, 2, first.state)
    assert (second.fires, second.added, second.removed) == ((), (), ())
    assert second.state is first.state


def test_a_zone_born_within_a_step_is_told_of() -> None:
    before = evaluate(WATCH, stand(), 99.5, 99.5, 1, ArmState())
    after = evaluate(WATCH, stand(zone()), 99.5, 99.5, 2, before.state)
    assert [f.severity for f in after.fires] == [CRITICAL]


def test_dollars_decide_who_is_told_of() -> None:
    near = at(0.005)
    assert look([near], stand(zone(usd=9e6))) == []
    assert look([near], stand(zone(usd=1e7))) == [(near, CRITICAL)]
    assert look([near], stand(zone(usd=9e6)), replace(WATCH, min_notional_usd=1e6)) == [(near, CRITICAL)]
    assert look([near], stand(zone(), auto=math.nan)) == []


def test_losing_dollars_neither_arms_nor_fires_again() -> None:
    first = evaluate(WATCH, stand(zone()), 99.5, 99.5, 1, ArmState())
    thin = evaluate(WATCH, stand(zone(usd=1e6)), 99.5, 99.5, 2, first.state)
    thick = evaluate(WATCH, stand(zone()), 99.5, 99.5, 3, thin.state)
    assert (thin.fires, thick.fires) == ((), ())


def test_side_is_respected() -> None:
    zones = stand(zone("s1"), zone("l1", low=98, high=99))
    only = replace(WATCH, side=Side.LONG)
    fires = evaluate(only, zones, 99.5, 99.5, 1, ArmState()).fires
    assert [f.zone and f.zone.zone_id for f in fires] == ["l1"]


@pytest.mark.parametrize(("name", "beyond"), [("s1", 101.5), ("l1", 99.5)])
def test_a_zone_that_price_has_gone_through_is_left_alone(name: str, beyond: float) -> None:
    zones = stand(zone(name))
    assert evaluate(WATCH, zones, beyond, beyond, 1, ArmState()).fires == ()
    inside = evaluate(WATCH, zones, 100.5, 100.5, 1, ArmState())
    far = 150.0 if name == "s1" else 50.0
    assert evaluate(WATCH, zones, 100.5, far, 2, inside.state).state is inside.state


def fired_at(price: float, *zones: Zone) -> Evaluation:
    return evaluate(WATCH, stand(*zones), price, price, 1, ArmState())


def event(change: ZoneChange, what: Zone, other: str | None = None) -> ZoneEvent:
    return ZoneEvent(ts=2, change=change, zone=what, other=None if other is None else ZoneId(other))


def test_what_has_fired_is_handed_on_when_zones_merge_or_split() -> None:
    first = fired_at(99.5, zone("s1"))
    for merged in (event(ZoneChange.MERGED, zone("s1"), "s9"), event(ZoneChange.SPLIT, zone("s9"), "s1")):
        after = follow(first.state, [merged])
        assert {key for key in after.added if key[0] == "s9"} == {(ZoneId("s9"), s) for s in Severity}
        assert evaluate(WATCH, stand(zone("s9")), 99.5, 99.5, 3, after.state).fires == ()
    unfired = follow(ArmState(), [event(ZoneChange.MERGED, zone("s1"), "s9")])
    assert len(evaluate(WATCH, stand(zone("s9")), 99.5, 99.5, 3, unfired.state).fires) == 1


def test_what_price_has_eaten_into_is_told_of_again() -> None:
    first = fired_at(99.5, zone("s1"))
    after = follow(first.state, [event(ZoneChange.EATEN, zone("s1"))])
    assert {severity for _, severity in after.removed} == set(Severity)
    assert [f.severity for f in evaluate(WATCH, stand(zone("s1")), 99.5, 99.5, 3, after.state).fires] == [
        CRITICAL
    ]


def test_other_events_change_nothing() -> None:
    first = fired_at(99.5, zone("s1"))
    events = [event(c, zone("s1")) for c in (ZoneChange.BORN, ZoneChange.GROWN, ZoneChange.GONE)]
    assert follow(first.state, events).state is first.state


def test_steps_of_zones_that_are_no_more_are_forgotten_after_a_day() -> None:
    first = fired_at(99.5, zone("s1"))
    soon = evaluate(WATCH, stand(), 99.5, 99.5, DAY_MS, first.state)
    late = evaluate(WATCH, stand(), 99.5, 99.5, DAY_MS + 2, first.state)
    assert soon.state is first.state
    assert not late.state.fired
    assert set(late.removed) == set(first.state.fired)


def test_fire_says_what_and_how_near_and_is_the_same_when_found_again() -> None:
    (one,) = fired_at(99.5, zone()).fires
    (same,) = fired_at(99.5, zone()).fires
    (epoch,) = evaluate(WATCH, stand(zone()), 99.5, 99.5, 1, ArmState(epoch=1)).fires
    assert one == same
    assert one.fire_id != epoch.fire_id
    facts = dict(one.facts)
    assert (one.kind, one.rule_id, one.symbol, one.ts) == (KIND, 7, "BTCUSDT", 1)
    assert facts["distance"] == pytest.approx(0.5 / 99.5)
    assert (facts["within"], facts["min_usd"]) == (0.01, 1e7)


def test_still_true_asks_for_the_zone_and_the_step() -> None:
    (fire,) = fired_at(99.5, zone()).fires
    assert still_true(WATCH, stand(zone()), fire, at(0.0099))
    assert not still_true(WATCH, stand(zone()), fire, at(0.011))
    assert not still_true(WATCH, stand(), fire, 99.5)
    assert not still_true(WATCH, stand(zone()), replace(fire, zone=None), 99.5)
    assert not still_true(replace(WATCH, within=((INFO, 0.05),)), stand(zone()), fire, 99.5)
