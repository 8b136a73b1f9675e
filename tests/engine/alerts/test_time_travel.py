"""Nights that are an hour shorter or longer, leap days, midnights, and clocks that jump."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from engine.alerts.memory import Memory
from engine.alerts.reasons import Reason
from engine.alerts.stage import Action, Policy, Preferences, Quiet, QuietMode, RuleView
from engine.model import DAY_MS, HOUR_MS, Fire, RuleId, Severity, UserId

MakeFire = Callable[..., Fire]
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
OWNER = UserId("local:owner")
MINUTE_MS = 60_000
NIGHTS = [
    ("Europe/Berlin", "2026-03-28T12:00"),  # 2:00 becomes 3:00
    ("Europe/Berlin", "2026-10-24T12:00"),  # 3:00 becomes 2:00
    ("America/New_York", "2026-03-07T12:00"),
    ("America/New_York", "2026-10-31T12:00"),
    ("Australia/Lord_Howe", "2026-04-04T00:00"),  # half an hour only
    ("Australia/Lord_Howe", "2026-10-03T00:00"),
    ("UTC", "2028-02-28T12:00"),  # into the leap day
    ("UTC", "2028-02-29T12:00"),  # and out of it
]
"""A zone, and the noon (UTC, or about) before the night in which its clock changes."""
FROM_MIN, TO_MIN = 22 * 60, 7 * 60


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def quiet_by_the_clock(tz: str, at_ms: int) -> bool:
    """Say whether somebody who looks at the clock on the wall finds it between ten and seven."""
    shown = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(tz))
    return shown.hour >= FROM_MIN // 60 or shown.hour < TO_MIN // 60


def loud_again_ms(tz: str, at_ms: int) -> int:
    """Return the first whole minute from a time on at which it is no longer quiet, by looking at each."""
    minute = -(-at_ms // MINUTE_MS) * MINUTE_MS
    while quiet_by_the_clock(tz, minute):
        minute += MINUTE_MS
    return minute


def moments(start_ms: int) -> Iterator[int]:
    """Give a moment in each twenty minutes of a day and a half, not on the minute."""
    yield from range(start_ms + 1_234, start_ms + 36 * HOUR_MS, 20 * MINUTE_MS)


def memory(**preferences: object) -> Memory:
    return Memory(
        rules={RuleId(r): RuleView(rule_id=RuleId(r), cooldown_s=0) for r in (1, 2)},
        preferences={OWNER: Preferences(**preferences)},  # type: ignore[arg-type]
    )


def at(fire: Fire, now_ms: int) -> Fire:
    return replace(fire, ts=now_ms, fire_id=f"{fire.fire_id}@{now_ms}")


def night(tz: str, mode: QuietMode = QuietMode.HOLD) -> dict[str, object]:
    return {"tz": tz, "quiet": Quiet(start_min=FROM_MIN, end_min=TO_MIN, mode=mode)}


@pytest.mark.parametrize(("tz", "noon"), NIGHTS)
def test_quiet_hours_are_those_of_the_clock_on_the_wall(make_fire: MakeFire, tz: str, noon: str) -> None:
    quiet = 0
    for now in moments(ms(noon)):
        state = memory(**night(tz))
        outcome = state.submit(at(make_fire(WARNING), now), now)
        if quiet_by_the_clock(tz, now):
            quiet += 1
            assert (outcome.reason, outcome.until_ms) == (Reason.QUIET_HOLD, loud_again_ms(tz, now))
        else:
            assert outcome.reason is Reason.GROUP_WAIT
        assert state.submit(at(make_fire(CRITICAL, name="l1"), now), now).action is Action.SEND
    assert 20 < quiet < 40  # some nine hours


@pytest.mark.parametrize(("tz", "noon"), NIGHTS)
@pytest.mark.parametrize("still_true", [True, False])
def test_what_the_night_held_is_judged_once_when_it_ends(
    make_fire: MakeFire, tz: str, noon: str, still_true: bool
) -> None:
    state, now = memory(**night(tz)), ms(noon)
    while not quiet_by_the_clock(tz, now):
        now += MINUTE_MS
    held = state.submit(at(make_fire(WARNING), now), now)
    end = loud_again_ms(tz, now)
    assert state.sweep(end - 1, lambda _: still_true) == []
    (judged,) = state.sweep(end, lambda _: still_true)
    assert judged.action is (Action.SEND if still_true else Action.SUPPRESS)
    assert state.sweep(end + DAY_MS, lambda _: still_true) == []
    assert [m.alert_id for m in state.messages] == ([held.alert_id] if still_true else [])


@pytest.mark.parametrize(("tz", "noon"), NIGHTS)
def test_silent_and_drop_follow_the_same_clock(make_fire: MakeFire, tz: str, noon: str) -> None:
    for now in moments(ms(noon)):
        dropped = memory(**night(tz, QuietMode.DROP)).submit(at(make_fire(WARNING), now), now)
        assert (dropped.reason is Reason.QUIET_DROP) is quiet_by_the_clock(tz, now)
        hushed = memory(**night(tz, QuietMode.SILENT)).submit(at(make_fire(CRITICAL, rule=2), now), now)
        assert (hushed.action, hushed.silent) == (Action.SEND, False)


@pytest.mark.parametrize(("tz", "noon"), NIGHTS)
def test_a_digest_comes_at_its_hour_whatever_the_night_did(make_fire: MakeFire, tz: str, noon: str) -> None:
    for now in moments(ms(noon)):
        state = memory(tz=tz, digest_min=(8 * 60,))
        outcome = state.submit(at(make_fire(INFO), now), now)
        assert outcome.until_ms is not None
        shown = datetime.fromtimestamp(outcome.until_ms / 1000, ZoneInfo(tz))
        assert (shown.hour, shown.minute) == (8, 0)
        assert 0 < outcome.until_ms - now <= 25 * HOUR_MS


@pytest.mark.parametrize("day", ["2028-02-28", "2028-02-29", "2026-12-31", "2026-03-29", "2026-10-25"])
def test_the_daily_limit_begins_anew_at_midnight_utc(make_fire: MakeFire, day: str) -> None:
    midnight = ms(f"{day}T00:00") + DAY_MS
    state = memory(tz="Europe/Berlin", daily_limit=1)
    state.policy = Policy(group_wait_s=0)
    told = {}
    for name, now in (
        ("first", midnight - 3 * HOUR_MS),
        ("s2", midnight - 1),
        ("s3", midnight),
        ("s4", midnight + 2 * HOUR_MS),
    ):
        fire = at(make_fire(WARNING, name=f"s-{name}", rule=1), now)
        wait = state.submit(fire, now)
        while state.waiting and min(state.waiting.values()) <= now:
            state.sweep(min(state.waiting.values()), lambda _: True)
        told[name] = state.records[wait.alert_id].last.reason
    assert told == {
        "first": Reason.OPENS,
        "s2": Reason.LIMIT_DIGEST,
        "s3": Reason.OPENS,
        "s4": Reason.LIMIT_DIGEST,
    }


def test_a_clock_that_jumps_a_week_ahead_tells_everything_once(make_fire: MakeFire, now: int) -> None:
    state = memory(**night("Europe/Berlin"), daily_limit=2)
    late = ms("2026-03-10T22:30")
    fires = [at(make_fire(s, name=n), late) for s, n in ((WARNING, "s1"), (WARNING, "l1"), (INFO, "s2"))]
    for fire in fires:
        assert state.submit(fire, late).action in (Action.HOLD, Action.DIGEST)
    for _ in range(3):
        state.sweep(late + 7 * DAY_MS + 12 * HOUR_MS, lambda _: True)
    told = [m.alert_id for m in state.messages]
    assert len(told) == len(set(told)) == 3
    assert not state.waiting


@pytest.mark.parametrize("back_ms", [1, 5_000, HOUR_MS, 7 * DAY_MS])
def test_a_clock_that_jumps_back_never_keeps_a_critical_waiting(
    make_fire: MakeFire, now: int, back_ms: int
) -> None:
    state = memory()
    assert state.submit(at(make_fire(CRITICAL), now), now).action is Action.SEND
    again = state.submit(at(make_fire(CRITICAL, name="s2"), now - back_ms), now - back_ms)
    assert again.action is (Action.FOLD if back_ms < 900_000 else Action.SEND)
    warning = state.submit(at(make_fire(WARNING, name="l2"), now - back_ms), now - back_ms)
    assert (warning.action, warning.until_ms) == (Action.HOLD, now - back_ms + 20_000)
    (released,) = state.sweep(now - back_ms + 20_000, lambda _: True)
    assert released.action is Action.SEND
