"""What rests on stale data is held, never lost, and told once the data is back and it is still true."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.alerts import stale
from engine.alerts.memory import Memory
from engine.alerts.pipeline import STAGES, walk
from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Held, Policy, Preferences, Quiet, RuleView
from engine.model import DAY_MS, Fire, RuleId, Severity, UserId

MakeFire = Callable[..., Fire]
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
OWNER = UserId("local:owner")
RULE = RuleView(rule_id=RuleId(1))
STALE = Context(rule=RULE, stale=True)


def held(reason: Reason, now: int, *, still_true: bool, stale: bool = False) -> Context:
    return Context(
        rule=RULE,
        stale=stale,
        held=Held(reason=reason, since_ms=now - 60_000, until_ms=now, still_true=still_true),
    )


@pytest.mark.parametrize("severity", list(Severity))
def test_stale_data_tells_nobody_anything(make_fire: MakeFire, now: int, severity: Severity) -> None:
    outcome = walk(make_fire(severity), STALE, now)
    assert (outcome.action, outcome.reason) == (Action.HOLD, Reason.STALE_DATA)
    assert [step.stage for step in outcome.steps] == ["dedup", "stale"]
    assert outcome.until_ms == now + Policy().stale_recheck_s * 1000
    assert (outcome.cooling, outcome.episode, outcome.destinations) == (None, None, ())


def test_what_a_stale_price_says_of_another_wait_counts_for_nothing(make_fire: MakeFire, now: int) -> None:
    untrue = held(Reason.QUIET_HOLD, now, still_true=False, stale=True)
    outcome = walk(make_fire(WARNING), untrue, now)
    assert (outcome.action, outcome.reason, outcome.again) == (Action.HOLD, Reason.STALE_DATA, False)
    waiting = held(Reason.STALE_DATA, now, still_true=False, stale=True)
    assert walk(make_fire(WARNING), waiting, now).again


@pytest.mark.parametrize("severity", [WARNING, CRITICAL])
def test_once_data_is_back_it_is_told_if_it_is_still_true(
    make_fire: MakeFire, now: int, severity: Severity
) -> None:
    told = walk(make_fire(severity), held(Reason.STALE_DATA, now, still_true=True), now)
    assert told.action is Action.SEND
    over = walk(make_fire(severity), held(Reason.STALE_DATA, now, still_true=False), now)
    assert (over.action, over.reason) == (Action.SUPPRESS, Reason.NO_LONGER_TRUE)
    fresh = stale.decide(make_fire(severity), Context(rule=RULE), now)
    assert (fresh.action, fresh.reason) == (Action.SEND, Reason.DATA_FRESH)


fires_at = st.lists(
    st.tuples(st.integers(0, 4000), st.sampled_from(["s1", "s2", "l1"]), st.sampled_from(list(Severity))),
    min_size=1,
    max_size=15,
)
outages = st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 6000)), max_size=4)
quiets = st.sampled_from([None, Quiet(start_min=725, end_min=800), Quiet(start_min=0, end_min=760)])
relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Run:
    """A stream of fires through the pipeline while data comes and goes."""

    def __init__(self, dark: list[tuple[int, int]], begin: int, quiet: Quiet | None, **more: object) -> None:
        self.dark = [(begin + 1000 * at, begin + 1000 * (at + long)) for at, long in dark]
        self.memory = Memory(rules={RULE.rule_id: RULE}, **more)  # type: ignore[arg-type]
        self.memory.preferences[OWNER] = Preferences(quiet=quiet)

    def is_dark(self, ms: int) -> bool:
        return any(begin <= ms < end for begin, end in self.dark)

    def at(self, ms: int) -> None:
        self.memory.stale = {"BTCUSDT"} if self.is_dark(ms) else set()

    def until(self, ms: int, *, true: bool) -> None:
        while self.memory.waiting and (due := min(self.memory.waiting.values())) <= ms:
            self.at(due)
            self.memory.sweep(due, lambda _: true)

    def play(self, fires: list[Fire], *, true: bool = True) -> None:
        for fire in fires:
            self.until(fire.ts, true=true)
            self.at(fire.ts)
            self.memory.submit(fire, fire.ts)
        self.until(fires[-1].ts + 3 * DAY_MS, true=true)


def stream(given_fires: list[tuple[int, str, Severity]], make_fire: MakeFire) -> list[Fire]:
    """Return fires, each some seconds after the one before, none twice."""
    after_s, fires = 0, {}
    for wait_s, name, severity in given_fires:
        after_s += wait_s
        fire = make_fire(severity, name=name, after_s=after_s)
        fires[fire.fire_id] = fire
    return list(fires.values())


@relaxed
@given(fires_at, outages, quiets, st.booleans())
def test_nothing_rings_in_the_dark_and_nothing_is_lost(
    make_fire: MakeFire,
    now: int,
    given_fires: list[tuple[int, str, Severity]],
    dark: list[tuple[int, int]],
    quiet: Quiet | None,
    true: bool,
) -> None:
    fires = stream(given_fires, make_fire)
    run = Run(dark, now, quiet)
    run.play(fires, true=true)
    memory = run.memory
    assert [m for m in memory.messages if not m.digest and run.is_dark(m.at_ms)] == []
    assert not memory.waiting
    assert {r.fire.fire_id for r in memory.records.values()} == {f.fire_id for f in fires}
    for alert_id, record in memory.records.items():
        told = alert_id in {m.alert_id for m in memory.messages}
        if record.last.action is Action.SUPPRESS:
            assert not told
            assert record.last.reason is Reason.NO_LONGER_TRUE
        else:
            assert told or record.carrier is not None
        waits = [ms for ms, step in record.steps if step.reason is Reason.STALE_DATA]
        assert all(run.is_dark(ms) for ms in waits)


@relaxed
@given(fires_at, outages)
def test_without_the_stage_it_would_ring_in_the_dark(
    make_fire: MakeFire,
    now: int,
    given_fires: list[tuple[int, str, Severity]],
    dark: list[tuple[int, int]],
) -> None:
    first = make_fire(CRITICAL, name="s1", after_s=0)
    everywhere = [(0, 100), *dark]
    without = tuple(pair for pair in STAGES if pair[0] != "stale")
    run = Run(everywhere, now, None, stages=without)
    run.play([first, *(f for f in stream(given_fires, make_fire) if f.fire_id != first.fire_id)])
    assert any(run.is_dark(m.at_ms) for m in run.memory.messages)
