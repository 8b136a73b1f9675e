"""The last stages: who leads, who rides along, what waits, and where it goes."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.alerts import (
    consolidate,
    episode,
    route,
)
from engine.alerts.reasons import Reason
from engine.alerts.stage import (
    IN_APP,
    Action,
    ChannelChoice,
    Context,
    Decision,
    Destination,
    EpisodeState,
    Held,
    Preferences,
    Quiet,
    RuleView,
    alert_id_of,
)
from engine.model import AlertId, Fire, RuleId, Severity, UserId

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
RULE = RuleView(rule_id=RuleId(1))
BARE = Context(rule=RULE)
ALL_DAY = Quiet(start_min=0, end_min=1439)

MakeFire = Callable[..., Fire]


def running(
    now: int, severity: Severity, *, rang_s: int = 60, fired_s: int = 60, critical_s: int | None = 60
) -> EpisodeState:
    return EpisodeState(
        owner=UserId("local:owner"),
        symbol="BTCUSDT",
        direction="up",
        alert_id=AlertId("a-leader"),
        severity=severity,
        opened_ms=now - rang_s * 1000,
        last_ms=now - fired_s * 1000,
        critical_ms=None if critical_s is None else now - critical_s * 1000,
    )


def held(now: int, reason: Reason, *, still_true: bool = True) -> Held:
    return Held(reason=reason, since_ms=now - 1000, until_ms=now, still_true=still_true)


# consolidate


def test_a_critical_leads_unless_one_has_just_rung(make_fire: MakeFire, now: int) -> None:
    fire = make_fire(CRITICAL)
    for state in (
        None,
        running(now, WARNING),
        running(now, CRITICAL, rang_s=1800),  # half an hour has gone since it rang
        running(now, CRITICAL, rang_s=1700, critical_s=900),  # criticals paused, only lesser ones came
        running(now, CRITICAL, rang_s=900, critical_s=None),  # as a store of before knows it
    ):
        assert consolidate.decide(fire, replace(BARE, episode=state), now).reason is Reason.LEADS
    for state in (running(now, CRITICAL), running(now, CRITICAL, rang_s=1799, critical_s=899)):
        decision = consolidate.decide(fire, replace(BARE, episode=state), now)
        assert (decision.reason, decision.carrier) == (Reason.RIDES_ALONG, "a-leader")


@pytest.mark.parametrize("severity", [INFO, WARNING])
def test_lesser_ones_ride_along_while_the_episode_is_open(
    make_fire: MakeFire, now: int, severity: Severity
) -> None:
    opened = replace(BARE, episode=running(now, WARNING, rang_s=2000, fired_s=899))
    assert consolidate.decide(make_fire(severity), opened, now).reason is Reason.RIDES_ALONG
    closed = replace(BARE, episode=running(now, WARNING, rang_s=2000, fired_s=900))
    assert consolidate.decide(make_fire(severity), closed, now).action is not Action.FOLD


def test_a_long_episode_rings_again_after_an_hour(make_fire: MakeFire, now: int) -> None:
    long = replace(BARE, episode=running(now, CRITICAL, rang_s=3600))
    assert consolidate.decide(make_fire(WARNING), long, now).reason is Reason.GOES_ON
    assert consolidate.decide(make_fire(INFO), long, now).reason is Reason.INFO_DIGEST


def test_a_warning_waits_for_its_group_once(make_fire: MakeFire, now: int) -> None:
    fire = make_fire(WARNING)
    decision = consolidate.decide(fire, BARE, now)
    assert (decision.reason, decision.until_ms) == (Reason.GROUP_WAIT, now + 20_000)
    joined = consolidate.decide(fire, replace(BARE, group_due_ms=now + 5000), now)
    assert joined.until_ms == now + 5000
    waited = replace(BARE, held=held(now, Reason.GROUP_WAIT))
    assert consolidate.decide(fire, waited, now).reason is Reason.OPENS


def test_a_group_is_never_later_than_the_next_digest(make_fire: MakeFire, now: int) -> None:
    noon = replace(BARE, preferences=Preferences(digest_min=(720,)))
    decision = consolidate.decide(make_fire(WARNING), noon, now - 5000)
    assert decision.until_ms == now


# episode


def test_the_book_of_an_episode(make_fire: MakeFire, now: int) -> None:
    fire = make_fire(CRITICAL)
    opened = episode.after(fire, BARE, now, Decision(action=Action.SEND, reason=Reason.ROUTED))
    assert opened is not None
    assert (opened.alert_id, opened.direction, opened.folded) == (alert_id_of(fire), "up", 0)
    state = running(now, CRITICAL)
    fold = Decision(action=Action.FOLD, reason=Reason.RIDES_ALONG, carrier=state.alert_id)
    more = episode.after(fire, replace(BARE, episode=state), now, fold)
    assert more == replace(state, last_ms=now, critical_ms=now, folded=1)
    elsewhere = replace(fold, carrier=AlertId("a-other"))
    goes_on = episode.after(fire, replace(BARE, episode=state), now, elsewhere)
    assert goes_on == replace(state, last_ms=now, critical_ms=now)
    lesser = make_fire(WARNING)
    assert episode.after(lesser, replace(BARE, episode=state), now, elsewhere) is None
    along = episode.after(lesser, replace(BARE, episode=state), now, fold)
    assert along == replace(state, last_ms=now, folded=1)
    paused = running(now, CRITICAL, rang_s=1700, critical_s=900)
    assert episode.after(fire, replace(BARE, episode=paused), now, elsewhere) is None
    assert episode.after(fire, BARE, now, fold) is None


# route


def test_criticals_go_everywhere_and_the_rest_to_the_first(make_fire: MakeFire, now: int) -> None:
    own = Destination(channel="telegram", place="42")
    choices = (
        ChannelChoice(channel="telegram", place="42"),
        ChannelChoice(channel="email", takes=frozenset({WARNING, CRITICAL})),
        ChannelChoice(channel="sms", takes=frozenset({CRITICAL})),
    )
    context = Context(rule=replace(RULE, destination=own), preferences=Preferences(channels=choices))
    everywhere = route.decide(make_fire(CRITICAL), context, now).destinations
    assert [d.channel for d in everywhere] == ["telegram", "email", "sms"]
    assert route.decide(make_fire(WARNING), context, now).destinations == (own,)


def test_a_severity_filter_is_respected_and_the_app_is_the_last_resort(make_fire: MakeFire, now: int) -> None:
    own = Destination(channel="telegram", place="42")
    choices = (ChannelChoice(channel="telegram", place="42", takes=frozenset({CRITICAL})),)
    context = Context(rule=replace(RULE, destination=own), preferences=Preferences(channels=choices))
    decision = route.decide(make_fire(WARNING), context, now)
    assert (decision.reason, decision.destinations) == (Reason.FALLBACK, (IN_APP,))
    assert route.hushed(own) == Destination(channel="telegram", place="42", silent=True)
