"""What the pipeline owes its users, on random streams of fires; and that these tests can fail."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.alerts import consolidate
from engine.alerts.memory import Memory, Record
from engine.alerts.pipeline import STAGES
from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Preferences, Quiet, QuietMode, RuleView, Stage, direction_of
from engine.model import DAY_MS, AlertId, Fire, RuleId, Severity, UserId, ZoneId
from engine.rules.zone_proximity import ArmState

MakeFire = Callable[..., Fire]
Stages = tuple[tuple[str, Stage], ...]
CRITICAL = Severity.CRITICAL
OWNER = UserId("local:owner")
STEP_MS = 5000


@dataclass(frozen=True)
class Spec:
    """One fire of a stream: seconds after the one before, and what it is."""

    wait_s: int
    rule: int
    name: str
    severity: Severity


@dataclass(frozen=True)
class Wish:
    """One user's settings, whether what was held stays true, and the cooldown of the rules."""

    preferences: Preferences = field(default_factory=Preferences)
    still_true: bool = True
    cooldown_s: int = 3600


waits = st.one_of(st.integers(0, 40), st.integers(0, 1200), st.integers(0, 7200))
streams = st.lists(
    st.builds(
        Spec,
        wait_s=waits,
        rule=st.integers(1, 2),
        name=st.sampled_from(["s1", "s2", "l1"]),
        severity=st.sampled_from(list(Severity)),
    ),
    min_size=1,
    max_size=25,
)
quiets = st.one_of(
    st.none(),
    st.builds(
        Quiet,
        start_min=st.sampled_from([0, 720, 730, 800]),
        end_min=st.sampled_from([721, 760, 1300]),
        mode=st.sampled_from(list(QuietMode)),
    ),
)
wishes = st.builds(
    Wish,
    preferences=st.builds(
        Preferences,
        quiet=quiets,
        daily_limit=st.sampled_from([1, 2, 3, 50]),
        digest_min=st.sampled_from([(480, 1200), (725,), ()]),
        snoozed_until_ms=st.none(),
    ),
    still_true=st.booleans(),
    cooldown_s=st.sampled_from([0, 900, 3600]),
)
relaxed = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def fires_of(stream: list[Spec], make_fire: MakeFire) -> list[Fire]:
    """Return the fires of a stream; no two of a rule, zone and severity at the same moment."""
    after_s, fires = 0, {}
    for spec in stream:
        after_s += spec.wait_s
        fire = make_fire(spec.severity, name=spec.name, rule=spec.rule, after_s=after_s)
        fires[fire.fire_id] = fire
    return list(fires.values())


def simulate(fires: list[Fire], wish: Wish, *, stages: Stages = STAGES) -> Memory:
    """Run fires through the pipeline as time goes by, and on until nothing waits."""
    memory = Memory(stages=stages, preferences={OWNER: wish.preferences})
    for rule in (1, 2):
        memory.rules[RuleId(rule)] = RuleView(rule_id=RuleId(rule), cooldown_s=wish.cooldown_s)
    for fire in sorted(fires, key=lambda f: f.ts):
        advance(memory, fire.ts, wish)
        # An alert stands open for ten minutes: its steps are armed again after that.
        arms = memory.arms.get(fire.rule_id, ArmState()).fired
        lately = {key: ms for key, ms in arms.items() if fire.ts - ms < 600_000}
        assert fire.zone is not None
        lately[(ZoneId(fire.zone.zone_id), fire.severity)] = fire.ts
        memory.arms[fire.rule_id] = ArmState(fired=lately)
        memory.submit(fire, fire.ts)
    memory.arms.clear()
    advance(memory, max(f.ts for f in fires) + 2 * DAY_MS, wish)
    return memory


def advance(memory: Memory, until_ms: int, wish: Wish) -> None:
    """Sweep at every moment that something is due, on a grid of five seconds."""
    while memory.waiting:
        due = -(-min(memory.waiting.values()) // STEP_MS) * STEP_MS
        if due > until_ms:
            return
        memory.sweep(due, lambda _: wish.still_true)


def told_ms(memory: Memory, record: Record) -> float:
    """Return when the owner is told of a fire, infinity for never."""
    times = {m.alert_id: m.at_ms for m in memory.messages}
    carrier = record.carrier
    while carrier is not None and carrier not in times:
        carrier = memory.records[carrier].carrier
    if record.last.action is Action.SUPPRESS:
        return float("inf")
    decided = record.steps[-1][0]
    return max(decided, times[carrier or record.last.alert_id])


def rings(memory: Memory) -> list[tuple[int, AlertId]]:
    """Return when which critical alert rang."""
    return [(m.at_ms, m.alert_id) for m in memory.messages if m.severity is CRITICAL and not m.digest]


def check_carriers(memory: Memory, fires: list[Fire]) -> None:
    """Assert that every fire has exactly one carrier, or a recorded reason for having none."""
    assert {r.fire.fire_id for r in memory.records.values()} == {f.fire_id for f in fires}
    assert not memory.waiting
    messages = [m.alert_id for m in memory.messages]
    assert len(messages) == len(set(messages))
    for alert_id, record in memory.records.items():
        assert record.steps
        assert isinstance(record.last.reason, Reason)
        if record.last.action is Action.SUPPRESS:
            assert record.carrier is None
            assert alert_id not in messages
            continue
        own, carried = alert_id in messages, record.carrier is not None
        assert own is not carried
        chain = [alert_id]
        while (carrier := memory.records[chain[-1]].carrier) is not None:
            assert carrier not in chain
            chain.append(carrier)
        assert chain[-1] in messages


def check_criticals(memory: Memory) -> None:
    """Assert that a critical is never held, and is folded only into what has just rung or is its repeat."""
    rung: dict[tuple[str, str], list[int]] = {}
    came: dict[tuple[str, str], int] = {}
    for record in sorted(memory.records.values(), key=lambda r: r.fire.ts):
        fire = record.fire
        if fire.severity is not CRITICAL:
            continue
        assert {step.action for _, step in record.steps} <= {Action.SEND, Action.FOLD}
        assert record.steps[-1][0] == fire.ts
        move = (fire.symbol, direction_of(fire))
        before = rung.setdefault(move, [])
        if record.last.reason is Reason.RIDES_ALONG:
            assert before
            assert fire.ts - before[-1] < 1_800_000
            assert fire.ts - came[move] < 900_000
        elif record.last.action is Action.FOLD:
            assert record.last.reason in {
                Reason.COOLDOWN_FOLD,
                Reason.FLAPS,
                Reason.TWIN,
                Reason.LIMIT_MERGE,
            }
        else:
            assert record.last.reason is Reason.LEADS
            before.append(fire.ts)
        came[move] = fire.ts


@relaxed
@given(streams, wishes)
def test_every_fire_has_one_carrier_or_a_reason(make_fire: MakeFire, stream: list[Spec], wish: Wish) -> None:
    fires = fires_of(stream, make_fire)
    check_carriers(simulate(fires, wish), fires)


@relaxed
@given(streams, wishes)
def test_the_first_critical_of_an_episode_waits_for_nothing(
    make_fire: MakeFire, stream: list[Spec], wish: Wish
) -> None:
    check_criticals(simulate(fires_of(stream, make_fire), wish))


@relaxed
@given(streams, wishes)
def test_lesser_input_never_changes_when_criticals_ring(
    make_fire: MakeFire, stream: list[Spec], wish: Wish
) -> None:
    fires = fires_of(stream, make_fire)
    alone = [f for f in fires if f.severity is CRITICAL]
    if alone:
        assert rings(simulate(fires, wish)) == rings(simulate(alone, wish))


@relaxed
@given(streams, quiets, st.sampled_from([1, 50]), st.sampled_from([0, 900, 3600]), st.data())
def test_raising_a_severity_never_delays(
    make_fire: MakeFire,
    stream: list[Spec],
    quiet: Quiet | None,
    limit: int,
    cooldown_s: int,
    data: st.DataObject,
) -> None:
    wish = Wish(Preferences(quiet=quiet, daily_limit=limit), cooldown_s=cooldown_s)
    at = data.draw(st.integers(0, len(stream) - 1))
    if stream[at].severity is CRITICAL:
        return
    higher = data.draw(st.sampled_from([s for s in Severity if s.rank > stream[at].severity.rank]))
    raised = [*stream[:at], replace(stream[at], severity=higher), *stream[at + 1 :]]
    fires, others = fires_of(stream, make_fire), fires_of(raised, make_fire)
    after_s = sum(s.wait_s for s in stream[: at + 1])
    spec = stream[at]
    told = []
    for severity, run in ((spec.severity, fires), (higher, others)):
        fire_id = make_fire(severity, name=spec.name, rule=spec.rule, after_s=after_s).fire_id
        memory = simulate(run, wish)
        record = next(r for r in memory.records.values() if r.fire.fire_id == fire_id)
        told.append(told_ms(memory, record))
    assert told[1] <= told[0]


@pytest.mark.parametrize("severity", [CRITICAL, Severity.WARNING])
@pytest.mark.parametrize("every_s", [120, 600, 1000])
def test_what_flaps_all_day_is_heard_at_most_once_an_hour(
    make_fire: MakeFire, severity: Severity, every_s: int
) -> None:
    fires = [make_fire(severity, after_s=at) for at in range(0, 12 * 3600, every_s)]
    memory = simulate(fires, Wish(cooldown_s=0))
    heard = [m.at_ms for m in memory.messages]
    assert 9 <= len(heard) <= 16
    # Two rings may come before a third fire shows that it flaps.
    assert all(third - first >= 3_600_000 for first, third in zip(heard[1:], heard[3:], strict=False))
    assert Reason.FLAPS in {r.last.reason for r in memory.records.values()}
    check_carriers(memory, fires)


@pytest.mark.parametrize("still_true", [True, False])
def test_lifting_an_inhibition_releases_what_is_still_true(make_fire: MakeFire, still_true: bool) -> None:
    memory = Memory(rules={RuleId(r): RuleView(rule_id=RuleId(r)) for r in (1, 2)})
    worse, lesser = make_fire(CRITICAL, rule=2), make_fire(Severity.WARNING, after_s=2000)
    assert worse.zone is not None
    memory.submit(worse, worse.ts)
    memory.arms[RuleId(2)] = ArmState(fired={(worse.zone.zone_id, CRITICAL): worse.ts})
    assert memory.submit(lesser, lesser.ts).reason is Reason.INHIBITED
    (again,) = memory.sweep(lesser.ts + 60_000, lambda _: True)
    assert (again.action, again.again) == (Action.HOLD, True)
    assert len(memory.records[again.alert_id].steps) == 3
    memory.arms.clear()
    (released,) = memory.sweep(lesser.ts + 120_000, lambda _: still_true)
    if still_true:
        assert released.action is Action.SEND
    else:
        assert (released.action, released.reason) == (Action.SUPPRESS, Reason.NO_LONGER_TRUE)


def without_critical_branch() -> Stage:
    """Return the consolidation stage with its critical branch taken out of the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(consolidate.decide)))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    kept = [n for n in function.body if not (isinstance(n, ast.If) and "CRITICAL" in ast.unparse(n.test))]
    assert len(kept) == len(function.body) - 1
    function.body = kept
    names = dict(vars(consolidate))
    exec(compile(tree, "mutant", "exec"), names)  # noqa: S102 - the mutant is this project's own source
    mutant: Stage = names["decide"]
    return mutant


def test_these_tests_notice_when_the_critical_branch_is_gone(make_fire: MakeFire) -> None:
    mutant = tuple((n, without_critical_branch() if n == "consolidate" else s) for n, s in STAGES)

    @settings(max_examples=300, deadline=None, database=None, report_multiple_bugs=False)
    @given(streams)
    def obligation(stream: list[Spec]) -> None:
        check_criticals(simulate(fires_of(stream, make_fire), Wish(), stages=mutant))

    with pytest.raises(AssertionError):
        obligation()
