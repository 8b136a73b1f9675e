"""Made traders on the recorded market: the figures are those of the store, and what is lost is found out."""

import pickle
from dataclasses import replace

import pytest

from bench import consolidate
from bench import consolidate_count as count
from bench.alerts import DECEMBER
from bench.consolidate_run import Lived, Ring, Told, live_through
from bench.consolidate_traders import SYMBOLS, traders
from engine.alerts.stage import Action
from engine.model import DAY_MS, Fire, RuleId, Severity, UserId
from storage.tables import Alert


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """The first traders on the first of December, on which price fell hard."""
    span = (DECEMBER[0], DECEMBER[0] + DAY_MS)
    markets = consolidate.read_markets(span)
    return live_through(markets, traders(4), span, tmp_path_factory.mktemp("crowd"))


@pytest.fixture(scope="module")
def told(lived):
    return lived.found


def test_a_crowd_is_told_less_than_fires_and_no_critical_waits(lived, told):
    tallies = Lived(found=[count.tally(one) for one in told], walks=lived.walks, busy_s=lived.busy_s)
    assert pickle.loads(pickle.dumps(tallies)) == tallies  # noqa: S301 - as it comes from another process
    found = consolidate.outcome([tallies], took_s=1.0)
    figures = found["figures"]
    assert list(figures)[:5] == list(consolidate.GOALS)
    assert 0 < figures["rings"] < figures["fires"]
    assert figures["reduction_pct"] == pytest.approx(100 * (1 - figures["rings"] / figures["fires"]))
    assert figures["worst_trader_pct"] <= figures["median_trader_pct"]
    assert figures["criticals"] > 0
    assert figures["critical_delay_s"] == 0
    assert figures["lost"] == 0
    assert figures["rings"] == sum(figures[f"rings_{what}"] for what in ("critical", "warning", "digest"))
    assert figures["decisions_per_s"] > 0
    assert lived.walks >= figures["fires"]
    assert all(len(one.alerts) == len(one.fires) for one in told)


def test_a_fire_without_its_row_and_a_critical_that_nobody_was_told_of_are_lost(told):
    one = max(told, key=lambda each: len(each.fires))
    critical = next(f for f in one.fires if f.severity is Severity.CRITICAL and f.rule_id not in one.lenient)
    less = {fire_id: alert for fire_id, alert in one.alerts.items() if fire_id != critical.fire_id}
    assert count.lost(replace(one, alerts=less)) >= 1
    assert count.lost(replace(one, first_ms={})) >= sum(
        alert.action in (Action.SEND.value, Action.FOLD.value) for alert in one.alerts.values()
    )
    late = {alert_id: ms + 5_000 for alert_id, ms in one.first_ms.items()}
    assert max(count.critical_delays_ms(replace(one, first_ms=late))) >= 5_000


def test_the_same_traders_are_made_again_and_a_crowd_grows_at_its_end():
    some, more = traders(5), traders(40)
    assert some == more[:5]
    assert {rule.symbol for one in more for rule in one.rules} == set(SYMBOLS)
    assert {one.style for one in more} == {"plain", "own", "several"}
    assert traders(5, seed=1) != some


def _told(times_s, rings_s):
    """A trader with fires at some times, and rings that belong to none of them."""
    fires = [
        Fire(
            fire_id=f"f{n}",
            rule_id=RuleId(1),
            owner=UserId("made:0"),
            symbol="BTCUSDT",
            kind="zone_proximity",
            severity=Severity.WARNING,
            ts=at_s * 1000,
            price=1.0,
        )
        for n, at_s in enumerate(times_s)
    ]
    alerts = {fire.fire_id: Alert(alert_id=f"a{fire.fire_id}") for fire in fires}
    rings = [Ring(alert_id=alert_id, at_ms=at_s * 1000, digest=False) for alert_id, at_s in rings_s]
    return Told(
        trader=traders(1)[0], fires=fires, alerts=alerts, rings=rings, first_ms={}, lenient=frozenset()
    )


def test_a_storm_is_ten_fires_in_ten_minutes_with_what_rings_for_it():
    steady = _told(range(0, 20 * 67, 67), [])
    assert count.storms(steady) == []
    sudden = range(5_000, 5_012)
    storm = _told([0, *sudden, 9_000], [("a", 0), ("b", 5_003), ("c", 5_031), ("d", 5_032), ("af4", 8_000)])
    assert count.storms(storm) == [count.Storm(fires=12, rings=3)]
    two = _told([*range(10), *range(5_000, 5_010)], [])
    assert [s.fires for s in count.storms(two)] == [10, 10]
