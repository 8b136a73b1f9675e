"""The walk through the stages, and the holder that applies what comes of it."""

from collections.abc import Callable
from dataclasses import replace

from engine.alerts.memory import Memory
from engine.alerts.pipeline import STAGES, walk
from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Context, Preferences, Quiet, QuietMode, RuleView, alert_id_of
from engine.model import DAY_MS, HOUR_MS, Fire, RuleId, Severity, UserId

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
OWNER = UserId("local:owner")
MakeFire = Callable[..., Fire]


def memory(**preferences: object) -> Memory:
    return Memory(
        rules={RuleId(r): RuleView(rule_id=RuleId(r)) for r in (1, 2)},
        preferences={OWNER: Preferences(**preferences)},
    )


def run_on(state: Memory, until_ms: int) -> None:
    while state.waiting and min(state.waiting.values()) <= until_ms:
        state.sweep(min(state.waiting.values()), lambda _: True)


def test_a_sent_fire_has_passed_every_stage(make_fire: MakeFire, now: int) -> None:
    outcome = walk(make_fire(CRITICAL), Context(rule=RuleView(rule_id=RuleId(1))), now)
    assert (outcome.action, outcome.reason) == (Action.SEND, Reason.LEADS)
    assert [s.stage for s in outcome.steps] == [name for name, _ in STAGES]
    assert outcome.steps[-1].reason is Reason.ROUTED
    assert outcome.destinations
    assert outcome.cooling is not None
    assert outcome.episode is not None
    assert outcome.episode.alert_id == outcome.alert_id == alert_id_of(outcome.fire)


def test_the_walk_ends_where_a_stage_says_so(make_fire: MakeFire, now: int) -> None:
    paused = Context(rule=RuleView(rule_id=RuleId(1), paused=True))
    outcome = walk(make_fire(CRITICAL), paused, now)
    assert [s.stage for s in outcome.steps] == ["dedup", "stale", "inhibit", "mute"]
    assert (outcome.action, outcome.reason) == (Action.SUPPRESS, Reason.PAUSED_RULE)
    assert (outcome.cooling, outcome.episode, outcome.destinations) == (None, None, ())


def test_silent_quiet_hours_hush_what_they_let_pass(make_fire: MakeFire, now: int) -> None:
    state = memory(quiet=Quiet(start_min=0, end_min=1439, mode=QuietMode.SILENT))
    state.submit(make_fire(WARNING), now)
    run_on(state, now + 20_000)
    critical = state.submit(make_fire(CRITICAL, name="l1"), now + 30_000)
    assert [m.silent for m in state.messages] == [True, False]
    assert [d.silent for d in critical.destinations] == [False]
    (warning,) = (r.last for r in state.records.values() if r.fire.severity is WARNING)
    assert [d.silent for d in warning.destinations] == [True]


def test_warnings_about_one_move_become_one_message(make_fire: MakeFire, now: int) -> None:
    state = memory()
    for k, name in enumerate(("s1", "s2", "s3")):
        state.submit(make_fire(WARNING, name=name, after_s=5 * k), now + 5000 * k)
    assert set(state.waiting.values()) == {now + 20_000}
    run_on(state, now + 20_000)
    (message,) = state.messages
    assert message.at_ms == now + 20_000
    carriers = [r.carrier for r in state.records.values()]
    assert carriers == [None, message.alert_id, message.alert_id]
    (episode,) = state.episodes.values()
    assert (episode.alert_id, episode.folded) == (message.alert_id, 2)


def test_a_critical_takes_the_waiting_warnings_along(make_fire: MakeFire, now: int) -> None:
    state = memory()
    state.submit(make_fire(WARNING, name="s2"), now)
    state.submit(make_fire(WARNING), now)
    leader = state.submit(make_fire(CRITICAL, after_s=5), now + 5000)
    assert leader.action is Action.SEND
    run_on(state, now + HOUR_MS)
    assert [m.alert_id for m in state.messages] == [leader.alert_id]
    assert [r.carrier for r in state.records.values()] == [leader.alert_id, leader.alert_id, None]


def test_the_other_direction_is_another_episode(make_fire: MakeFire, now: int) -> None:
    state = memory()
    for name in ("s1", "l1"):
        state.submit(make_fire(CRITICAL, name=name), now)
    assert len(state.messages) == 2


def test_one_digest_carries_what_waits_led_by_the_worst(make_fire: MakeFire, now: int) -> None:
    state = memory(daily_limit=0)
    first = state.submit(make_fire(INFO), now)
    worst = state.submit(make_fire(WARNING, name="l1", after_s=60), now + 60_000)
    assert (first.action, worst.reason) == (Action.DIGEST, Reason.LIMIT_DIGEST)
    run_on(state, now + DAY_MS)
    (digest,) = state.messages
    assert (digest.digest, digest.alert_id, digest.at_ms) == (True, worst.alert_id, now + 8 * HOUR_MS)
    assert state.records[first.alert_id].carrier == worst.alert_id


def test_a_duplicate_leaves_no_second_record(make_fire: MakeFire, now: int) -> None:
    state = memory()
    state.submit(make_fire(CRITICAL), now)
    again = state.submit(make_fire(CRITICAL), now + 1000)
    assert again.reason is Reason.DUPLICATE
    assert (len(state.records), len(state.messages)) == (1, 1)


def test_a_held_warning_is_looked_at_again_when_quiet_hours_end(make_fire: MakeFire, now: int) -> None:
    for still_true, action in ((True, Action.SEND), (False, Action.SUPPRESS)):
        state = memory(quiet=Quiet(start_min=700, end_min=760))
        held = state.submit(make_fire(WARNING), now)
        assert (held.reason, held.until_ms) == (Reason.QUIET_HOLD, now + 40 * 60_000)
        (again,) = state.sweep(now + 40 * 60_000, lambda _, true=still_true: true)
        assert again.action is action
        assert len(state.records[held.alert_id].steps) > len(held.steps)


def test_oscillation_gives_one_ring_an_hour(make_fire: MakeFire, now: int) -> None:
    state = memory()
    for k in range(120):
        state.submit(make_fire(CRITICAL, after_s=60 * k), now + 60_000 * k)
    assert [m.at_ms - now for m in state.messages] == [0, HOUR_MS]


def test_counts_start_again_at_midnight_utc(make_fire: MakeFire, now: int) -> None:
    state = memory(daily_limit=1)
    names = iter(f"s{k}" for k in range(9))
    before = now + 11 * HOUR_MS
    for at in (before, before + 1_200_000, before + 3_600_000):
        state.submit(replace(make_fire(WARNING, name=next(names)), ts=at, fire_id=str(at)), at)
        run_on(state, at + 20_000)
    assert [r.last.reason for r in state.records.values()] == [
        Reason.OPENS,
        Reason.LIMIT_DIGEST,
        Reason.OPENS,
    ]
