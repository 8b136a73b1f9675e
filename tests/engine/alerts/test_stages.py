"""Each stage on its own: what it is given, what it answers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.alerts import (
    cooldown,
    daily_limit,
    dedup,
    digest,
    flap,
    inhibit,
    mute,
    score,
)
from engine.alerts.reasons import SENTENCES, Reason, sentence
from engine.alerts.stage import (
    Action,
    Context,
    Cooling,
    Decision,
    Held,
    OpenStep,
    Past,
    Policy,
    Preferences,
    Quiet,
    QuietMode,
    RuleView,
    direction_of,
    subject_of,
)
from engine.model import DAY_MS, HOUR_MS, AlertId, Fire, RuleId, Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
RULE = RuleView(rule_id=RuleId(1))
BARE = Context(rule=RULE)
ALL_DAY = Quiet(start_min=0, end_min=1439)

MakeFire = Callable[..., Fire]


def past(
    now: int,
    severity: Severity,
    *,
    action: Action = Action.SEND,
    rule: int = 1,
    ago_s: int = 10,
    carrier: str = "",
) -> Past:
    return Past(
        alert_id=AlertId("a-past"),
        rule_id=RuleId(rule),
        kind="zone_proximity",
        severity=severity,
        action=action,
        market_ms=now - ago_s * 1000,
        carrier=AlertId(carrier) if carrier else None,
    )


def held(now: int, reason: Reason, *, still_true: bool = True) -> Held:
    return Held(reason=reason, since_ms=now - 1000, until_ms=now, still_true=still_true)


# dedup


def test_the_same_fire_again_is_dropped_unless_it_was_held(make_fire: MakeFire, now: int) -> None:
    fire = make_fire(WARNING)
    seen = replace(BARE, seen=True)
    assert dedup.decide(fire, seen, now).reason is Reason.DUPLICATE
    again = replace(seen, held=held(now, Reason.GROUP_WAIT))
    assert dedup.decide(fire, again, now).action is Action.SEND


@pytest.mark.parametrize(
    ("changes", "folds"),
    [
        ({}, True),
        ({"rule": 1}, False),
        ({"ago_s": 61}, False),
        ({"action": Action.HOLD}, False),
        ({"severity": CRITICAL}, False),
    ],
)
def test_a_twin_of_another_rule_joins_its_message(
    make_fire: MakeFire, now: int, changes: dict[str, object], folds: bool
) -> None:
    one = past(now, **{"severity": WARNING, "rule": 2, **changes})
    decision = dedup.decide(make_fire(WARNING), replace(BARE, about=(one,)), now)
    assert (decision.action is Action.FOLD) is folds
    assert decision.carrier == ("a-past" if folds else None)


# inhibit


def test_a_worse_open_alert_holds_a_lesser_one(make_fire: MakeFire, now: int) -> None:
    step = OpenStep(rule_id=RuleId(2), severity=CRITICAL, fired_ms=now - 20_000)
    worse = past(now, CRITICAL, rule=2)
    context = replace(BARE, about=(worse,), open_steps=(step,))
    decision = inhibit.decide(make_fire(WARNING), context, now)
    assert (decision.action, decision.until_ms) == (Action.HOLD, now + 60_000)
    assert inhibit.decide(make_fire(CRITICAL), context, now).action is Action.SEND
    assert inhibit.decide(make_fire(WARNING), replace(context, open_steps=()), now).action is Action.SEND


def test_what_the_owner_was_not_told_of_inhibits_nothing(make_fire: MakeFire, now: int) -> None:
    step = OpenStep(rule_id=RuleId(2), severity=CRITICAL, fired_ms=now - 20_000)
    quiet = past(now, CRITICAL, rule=2, action=Action.SUPPRESS)
    older = past(now, CRITICAL, rule=2, ago_s=30)
    for about in ((quiet,), (older,), ()):
        context = replace(BARE, about=about, open_steps=(step,))
        assert inhibit.decide(make_fire(WARNING), context, now).action is Action.SEND


def test_lifted_inhibition_releases_what_is_still_true(make_fire: MakeFire, now: int) -> None:
    for still_true, reason in ((True, Reason.NOTHING_WORSE), (False, Reason.NO_LONGER_TRUE)):
        context = replace(BARE, held=held(now, Reason.INHIBITED, still_true=still_true))
        assert inhibit.decide(make_fire(WARNING), context, now).reason is reason


def test_what_waits_for_its_group_goes_with_the_worse_one(make_fire: MakeFire, now: int) -> None:
    step = OpenStep(rule_id=RuleId(1), severity=CRITICAL, fired_ms=now - 10_000)
    context = Context(
        rule=RULE, about=(past(now, CRITICAL),), open_steps=(step,), held=held(now, Reason.GROUP_WAIT)
    )
    assert inhibit.decide(make_fire(WARNING), context, now).reason is Reason.WAITED


# mute


@pytest.mark.parametrize("severity", list(Severity))
def test_pause_drops_and_snooze_holds_whatever_it_is(
    make_fire: MakeFire, now: int, severity: Severity
) -> None:
    fire = make_fire(severity)
    rule = replace(RULE, paused=True)
    assert mute.decide(fire, Context(rule=rule), now).reason is Reason.PAUSED_RULE
    everything = Preferences(paused=True)
    assert mute.decide(fire, replace(BARE, preferences=everything), now).reason is Reason.PAUSED_ALL
    until = now + HOUR_MS
    snoozed = Context(
        rule=replace(RULE, snoozed_until_ms=now + 1), preferences=Preferences(snoozed_until_ms=until)
    )
    decision = mute.decide(fire, snoozed, now)
    assert (decision.action, decision.reason, decision.until_ms) == (Action.HOLD, Reason.SNOOZED, until)
    assert mute.decide(fire, snoozed, until).reason is Reason.AUDIBLE


@pytest.mark.parametrize(
    ("severity", "mode", "reason", "action"),
    [
        (WARNING, QuietMode.HOLD, Reason.QUIET_HOLD, Action.HOLD),
        (WARNING, QuietMode.SILENT, Reason.QUIET_SILENT, Action.SEND),
        (WARNING, QuietMode.DROP, Reason.QUIET_DROP, Action.SUPPRESS),
        (INFO, QuietMode.HOLD, Reason.QUIET_DIGEST, Action.DIGEST),
        (INFO, QuietMode.DROP, Reason.QUIET_DROP, Action.SUPPRESS),
        (CRITICAL, QuietMode.HOLD, Reason.QUIET_CRITICAL, Action.SEND),
        (CRITICAL, QuietMode.DROP, Reason.QUIET_CRITICAL, Action.SEND),
    ],
)
def test_quiet_hours(
    make_fire: MakeFire, now: int, severity: Severity, mode: QuietMode, reason: Reason, action: Action
) -> None:
    preferences = Preferences(quiet=replace(ALL_DAY, mode=mode))
    decision = mute.decide(make_fire(severity), replace(BARE, preferences=preferences), now)
    assert (decision.reason, decision.action) == (reason, action)
    assert decision.silent is (mode is QuietMode.SILENT)


def test_a_rule_may_opt_its_criticals_into_quiet_hours(make_fire: MakeFire, now: int) -> None:
    context = Context(rule=replace(RULE, quiet_critical=True), preferences=Preferences(quiet=ALL_DAY))
    decision = mute.decide(make_fire(CRITICAL), context, now)
    assert decision.reason is Reason.QUIET_HOLD
    assert decision.until_ms == now + 12 * HOUR_MS - 60_000


@pytest.mark.parametrize("reason", [Reason.QUIET_HOLD, Reason.SNOOZED])
def test_what_was_muted_is_sent_only_if_still_true(make_fire: MakeFire, now: int, reason: Reason) -> None:
    gone = replace(BARE, held=held(now, reason, still_true=False))
    assert mute.decide(make_fire(WARNING), gone, now).reason is Reason.NO_LONGER_TRUE
    there = replace(BARE, held=held(now, reason))
    assert mute.decide(make_fire(WARNING), there, now).reason is Reason.AUDIBLE


def test_quiet_hours_come_too_late_to_hold_what_waits_for_its_group(make_fire: MakeFire, now: int) -> None:
    grouped = held(now, Reason.GROUP_WAIT, still_true=False)
    for mode in (QuietMode.HOLD, QuietMode.DROP):
        quiet = Preferences(quiet=replace(ALL_DAY, mode=mode))
        context = Context(rule=RULE, preferences=quiet, held=grouped)
        assert mute.decide(make_fire(WARNING), context, now).reason is Reason.WAITED
    silent = Preferences(quiet=replace(ALL_DAY, mode=QuietMode.SILENT))
    context = Context(rule=RULE, preferences=silent, held=grouped)
    assert mute.decide(make_fire(WARNING), context, now).silent


# cooldown


def cooling(now: int, severity: Severity, *, left_s: int = 60) -> Cooling:
    return Cooling(rule_id=RuleId(1), subject="s1", severity=severity, until_ms=now + left_s * 1000)


def test_cooldown_folds_into_the_message_that_is_there(make_fire: MakeFire, now: int) -> None:
    carried = past(now, WARNING, action=Action.FOLD, carrier="a-leader")
    context = replace(
        BARE, cooling=cooling(now, WARNING), about=(carried, past(now, INFO, action=Action.HOLD))
    )
    decision = cooldown.decide(make_fire(WARNING), context, now)
    assert (decision.reason, decision.carrier) == (Reason.COOLDOWN_FOLD, "a-leader")
    alone = replace(context, about=(past(now, WARNING, rule=2),))
    assert cooldown.decide(make_fire(WARNING), alone, now).reason is Reason.COOLDOWN


def test_a_step_up_is_exempt_and_the_end_counts_as_over(make_fire: MakeFire, now: int) -> None:
    context = replace(BARE, cooling=cooling(now, WARNING))
    assert cooldown.decide(make_fire(CRITICAL), context, now).reason is Reason.STEP_UP
    over = replace(BARE, cooling=cooling(now, CRITICAL, left_s=0))
    assert cooldown.decide(make_fire(INFO), over, now).reason is Reason.NOT_COOLING


@pytest.mark.parametrize(
    ("action", "reason", "old", "starts"),
    [
        (Action.SEND, Reason.ROUTED, None, True),
        (Action.DIGEST, Reason.INFO_DIGEST, None, True),
        (Action.FOLD, Reason.RIDES_ALONG, None, True),
        (Action.FOLD, Reason.COOLDOWN_FOLD, None, False),
        (Action.HOLD, Reason.GROUP_WAIT, None, False),
        (Action.SUPPRESS, Reason.PAUSED_RULE, None, False),
        (Action.SEND, Reason.ROUTED, INFO, True),
        (Action.FOLD, Reason.TWIN, CRITICAL, False),
    ],
)
def test_a_cooldown_starts_once_the_owner_is_told(
    make_fire: MakeFire, now: int, action: Action, reason: Reason, old: Severity | None, starts: bool
) -> None:
    context = replace(BARE, cooling=None if old is None else cooling(now, old))
    after = cooldown.after(make_fire(WARNING), context, now, Decision(action=action, reason=reason))
    expected = Cooling(rule_id=RuleId(1), subject="s1", severity=WARNING, until_ms=now + HOUR_MS)
    assert after == (expected if starts else None)


# flap


def back_and_forth(now: int, severity: Severity, *, minutes: tuple[int, ...], rang: int) -> Context:
    """Return a context in which rule 1 fired so many minutes ago; the one at place `rang` rang."""
    return replace(
        BARE,
        about=tuple(
            past(now, severity, ago_s=60 * ago, action=Action.SEND if at == rang else Action.FOLD)
            for at, ago in enumerate(minutes)
        ),
    )


@pytest.mark.parametrize("severity", list(Severity))
def test_a_rule_that_flaps_is_heard_once_an_hour(make_fire: MakeFire, now: int, severity: Severity) -> None:
    fire = make_fire(severity)
    flaps = flap.decide(fire, back_and_forth(now, severity, minutes=(59, 40, 20), rang=0), now)
    assert (flaps.action, flaps.reason, flaps.carrier) == (Action.FOLD, Reason.FLAPS, "a-past")
    for steady in (
        back_and_forth(now, severity, minutes=(40, 20), rang=0),  # twice is no flapping
        back_and_forth(now, severity, minutes=(60, 40, 20), rang=1),  # one of them is an hour ago
        back_and_forth(now, severity, minutes=(70, 40, 30, 20), rang=0),  # it has not rung for an hour
    ):
        assert flap.decide(fire, steady, now).reason is Reason.STEADY
    other = next(s for s in Severity if s is not severity)
    assert flap.decide(
        make_fire(other), back_and_forth(now, severity, minutes=(59, 40, 20), rang=0), now
    ) == (Decision(action=Action.SEND, reason=Reason.STEADY))


def test_what_flaps_starts_no_cooldown_and_other_rules_do_not_flap(make_fire: MakeFire, now: int) -> None:
    fold = Decision(action=Action.FOLD, reason=Reason.FLAPS, carrier=AlertId("a-past"))
    assert cooldown.after(make_fire(WARNING), BARE, now, fold) is None
    flaps = back_and_forth(now, WARNING, minutes=(59, 40, 20), rang=0)
    assert flap.decide(make_fire(WARNING, rule=2), flaps, now).reason is Reason.STEADY


# digest


@pytest.mark.parametrize(
    ("severities", "loud"),
    [((INFO,), False), ((INFO,) * 9, False), ((INFO, WARNING), True), ((CRITICAL,), True)],
)
def test_a_digest_rings_if_it_is_worth_it(severities: tuple[Severity, ...], loud: bool) -> None:
    assert digest.rings(severities) is loud


# daily limit


def test_over_the_limit_goes_to_the_digest(make_fire: MakeFire, now: int) -> None:
    preferences = Preferences(daily_limit=3)
    under = replace(BARE, preferences=preferences, sent_today=2)
    assert daily_limit.decide(make_fire(WARNING), under, now).reason is Reason.UNDER_LIMIT
    over = replace(under, sent_today=3)
    decision = daily_limit.decide(make_fire(WARNING), over, now)
    assert (decision.action, decision.until_ms) == (Action.DIGEST, now + 8 * HOUR_MS)
    off = replace(over, preferences=replace(preferences, digest_min=()))
    assert daily_limit.decide(make_fire(WARNING), off, now).reason is Reason.DIGEST_OFF


def test_what_waited_through_its_digest_takes_it_when_the_wait_ends(make_fire: MakeFire, now: int) -> None:
    """Quiet hours from midnight to 21:40 cover both digests, which come when they end."""
    preferences = Preferences(daily_limit=1, quiet=Quiet(start_min=0, end_min=1300))
    end = now + 9 * HOUR_MS + 40 * 60_000
    info = mute.decide(make_fire(INFO), replace(BARE, preferences=preferences), now)
    assert (info.action, info.until_ms) == (Action.DIGEST, end)
    waited = Held(reason=Reason.QUIET_HOLD, since_ms=now, until_ms=end)
    over = replace(BARE, preferences=preferences, sent_today=1, held=waited)
    warning = daily_limit.decide(make_fire(WARNING), over, end)
    assert (warning.reason, warning.until_ms) == (Reason.LIMIT_DIGEST, end)
    late = replace(over, held=replace(waited, since_ms=end - 60_000))
    assert daily_limit.decide(make_fire(WARNING), late, end + 60_000).until_ms == end + 24 * HOUR_MS


def test_criticals_pass_the_limit_and_only_their_repeats_merge(make_fire: MakeFire, now: int) -> None:
    over = replace(BARE, preferences=Preferences(daily_limit=3), sent_today=9, critical_today=3)
    fire = make_fire(CRITICAL)
    assert daily_limit.decide(fire, over, now).reason is Reason.LIMIT_CRITICAL
    repeat = replace(over, about=(past(now, CRITICAL, ago_s=7200),))
    decision = daily_limit.decide(fire, repeat, now)
    assert (decision.reason, decision.carrier) == (Reason.LIMIT_MERGE, "a-past")
    few = replace(repeat, critical_today=2)
    assert daily_limit.decide(fire, few, now).reason is Reason.LIMIT_CRITICAL
    yesterday = replace(over, about=(past(now, CRITICAL, ago_s=13 * 3600),))
    assert daily_limit.decide(fire, yesterday, now).reason is Reason.LIMIT_CRITICAL
    assert (
        daily_limit.decide(fire, replace(repeat, sent_today=2, critical_today=2), now).reason
        is Reason.UNDER_LIMIT
    )


def test_score_is_neutral(make_fire: MakeFire, now: int) -> None:
    assert score.decide(make_fire(INFO), BARE, now) == Decision(
        action=Action.SEND, reason=Reason.SCORE_NEUTRAL
    )


# words


def test_every_reason_has_one_plain_sentence() -> None:
    assert set(SENTENCES) == set(Reason)
    for reason in Reason:
        assert sentence(reason.value) == reason.sentence
        assert reason.sentence.endswith(".")
        assert reason.sentence.count(".") == 1
        assert len(reason.sentence) <= 100
        assert "zone" not in reason.sentence, "not every alert is about one"
    assert sentence("made_by_a_newer_version") == "made by a newer version"


def test_subject_and_direction_of_rules_without_a_zone(make_fire: MakeFire) -> None:
    fire = make_fire(INFO, name=None, kind="price_level", facts=(("direction", "downwards"),))
    assert (subject_of(fire), direction_of(fire)) == ("BTCUSDT:price_level", "downward")
    assert direction_of(make_fire(INFO, name=None)) == "any"
    assert direction_of(make_fire(INFO, name="l1")) == "down"


def test_a_policy_that_could_delay_criticals_is_refused() -> None:
    with pytest.raises(ValueError, match="critical_again_s"):
        Policy(critical_again_s=3601)
    assert DAY_MS == 24 * HOUR_MS
