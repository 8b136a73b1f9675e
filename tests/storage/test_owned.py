"""Test users, their settings and rules: each row is its owner's alone."""

import pytest

from engine.errors import UserError
from engine.model import Severity, Side
from storage.notes import get_note, set_note
from storage.rules import (
    MAX_RULES,
    NewRule,
    add_rule,
    count_rules,
    get_rule,
    list_rules,
    remove_rule,
    remove_rules,
    rules_for_symbol,
    to_watch,
    update_rule,
    watch_params,
    watched_symbols,
)
from storage.tables import Arm, Cooldown, Rule, User
from storage.users import ensure_user, get_settings, set_settings

ME, OTHER = "local:owner", "discord:42"
WITHIN = {Severity.INFO: 0.05, Severity.CRITICAL: 0.01, Severity.WARNING: 0.03}


def new(symbol: str = "BTCUSDT", note: str = "") -> NewRule:
    return NewRule(symbol=symbol, params=watch_params(WITHIN, hysteresis=0.0025), note=note)


def add(session, owner: str = ME, symbol: str = "BTCUSDT") -> int:
    return add_rule(session, owner, new(symbol), now_ms=10, wall_ms=20).rule_id


async def test_a_user_is_made_once_and_remembered(state):
    await state.run(lambda session: ensure_user(session, ME, 100))
    await state.run(lambda session: ensure_user(session, ME, 300))
    await state.run(lambda session: ensure_user(session, ME, 200))
    user = await state.read(lambda session: session.get(User, ME))
    assert (user.created_wall_ms, user.seen_wall_ms) == (100, 300)


async def test_settings_are_merged_removed_and_ones_own(state):
    assert await state.read(lambda session: get_settings(session, ME)) == {}
    await state.run(lambda session: set_settings(session, ME, {"tz": "UTC", "daily_limit": 5}, wall_ms=1))
    await state.run(lambda session: set_settings(session, OTHER, {"tz": "Asia/Tokyo"}, wall_ms=1))
    after = await state.run(lambda s: set_settings(s, ME, {"tz": None, "theme": "light"}, wall_ms=2))
    assert after == {"daily_limit": 5, "theme": "light"}
    assert await state.read(lambda session: get_settings(session, ME)) == after
    assert await state.read(lambda session: get_settings(session, OTHER)) == {"tz": "Asia/Tokyo"}


async def test_changing_what_settings_returned_changes_nothing(state):
    await state.run(lambda session: set_settings(session, ME, {"a": 1}, wall_ms=1))
    (await state.read(lambda session: get_settings(session, ME)))["a"] = 2
    assert await state.read(lambda session: get_settings(session, ME)) == {"a": 1}


async def test_a_rule_comes_back_as_the_watch_it_is(state):
    def make(session):
        rule = NewRule(
            symbol="BTCUSDT",
            params=watch_params(
                WITHIN, hysteresis=0.005, min_notional_usd=1e6, side=Side.SHORT, quiet_critical=True
            ),
            cooldown_s=60,
        )
        return add_rule(session, ME, rule, now_ms=10, wall_ms=20).rule_id

    number = await state.run(make)
    watch = to_watch(await state.read(lambda session: get_rule(session, ME, number)))
    assert watch.rule_id == number
    assert (watch.owner, watch.symbol, watch.side) == (ME, "BTCUSDT", Side.SHORT)
    assert watch.within == ((Severity.CRITICAL, 0.01), (Severity.WARNING, 0.03), (Severity.INFO, 0.05))
    assert (watch.min_notional_usd, watch.hysteresis, watch.cooldown_s) == (1e6, 0.005, 60)
    assert (watch.quiet_critical, watch.paused, watch.created_ms) == (True, False, 10)


async def test_what_a_rule_leaves_out_has_its_default(state):
    rule = Rule(
        rule_id=1,
        user_id=ME,
        symbol="S",
        params={"within": {"info": 0.05}},
        cooldown_s=1,
        paused=False,
        created_ms=0,
    )
    watch = to_watch(rule)
    assert (watch.min_notional_usd, watch.side, watch.hysteresis) == (None, None, 0.0025)
    assert watch.quiet_critical is False


async def test_nobody_reaches_anothers_rule(state):
    mine = await state.run(add)
    assert await state.read(lambda session: get_rule(session, OTHER, mine)) is None
    assert await state.run(lambda session: update_rule(session, OTHER, mine, paused=True)) is None
    assert await state.run(lambda session: remove_rule(session, OTHER, mine)) is False
    assert await state.run(lambda session: remove_rules(session, OTHER, "BTCUSDT")) == []
    assert await state.read(lambda session: list_rules(session, OTHER)) == []
    rule = await state.read(lambda session: get_rule(session, ME, mine))
    assert rule.paused is False


async def test_rules_are_listed_changed_and_removed(state):
    first, second = await state.run(add), await state.run(lambda s: add(s, symbol="ETHUSDT"))
    listed = await state.read(lambda session: list_rules(session, ME))
    assert [rule.rule_id for rule in listed] == [first, second]
    some = await state.read(lambda session: list_rules(session, ME, symbol="ETHUSDT"))
    assert [rule.rule_id for rule in some] == [second]
    changed = await state.run(
        lambda s: update_rule(s, ME, first, paused=True, snoozed_until_ms=99, params={"within": {}})
    )
    assert (changed.paused, changed.snoozed_until_ms, changed.params) == (True, 99, {"within": {}})
    assert (await state.run(lambda s: update_rule(s, ME, first, snoozed_until_ms=None))).paused is True
    with pytest.raises(TypeError, match="user_id"):
        await state.run(lambda s: update_rule(s, ME, first, user_id=OTHER))
    assert await state.run(lambda session: remove_rule(session, ME, first)) is True
    assert await state.run(lambda session: remove_rule(session, ME, first)) is False
    assert await state.run(lambda session: remove_rules(session, ME, "ETHUSDT")) == [second]


async def test_removing_a_rule_takes_its_arms_and_cooldowns_along(state):
    def fill(session):
        number = add(session)
        session.add(
            Arm(rule_id=number, subject="z", severity="info", user_id=ME, fired_ms=1, epoch=0),
        )
        session.add(
            Cooldown(rule_id=number, subject="z", user_id=ME, severity="info", until_ms=1, epoch=0),
        )
        return number

    number = await state.run(fill)
    await state.run(lambda session: remove_rule(session, ME, number))
    assert await state.read(lambda s: (s.query(Arm).count(), s.query(Cooldown).count())) == (0, 0)


async def test_the_evaluator_sees_everybodys_rules_on_a_symbol(state):
    numbers = [await state.run(lambda s, o=owner: add(s, o)) for owner in (ME, OTHER, ME)]
    await state.run(lambda session: add(session, OTHER, "ETHUSDT"))
    found = await state.read(lambda session: rules_for_symbol(session, "BTCUSDT"))
    assert [rule.rule_id for rule in found] == numbers
    assert await state.read(watched_symbols) == {"BTCUSDT": 3, "ETHUSDT": 1}


async def test_there_is_a_most_and_it_is_each_users_own(state):
    for _ in range(MAX_RULES):
        await state.run(add)
    with pytest.raises(UserError, match="20 alerts"):
        await state.run(add)
    assert await state.read(lambda session: count_rules(session, ME)) == MAX_RULES
    await state.run(lambda session: add(session, OTHER))
    with pytest.raises(UserError, match="1 alerts"):
        await state.run(lambda s: add_rule(s, OTHER, new(), now_ms=1, wall_ms=1, limit=1))


async def test_a_note_that_is_too_long_is_refused(state):
    with pytest.raises(UserError, match="400"):
        await state.run(lambda s: add_rule(s, ME, new(note="x" * 401), now_ms=1, wall_ms=1))
    number = await state.run(lambda s: add_rule(s, ME, new(note="x" * 400), now_ms=1, wall_ms=1).rule_id)
    with pytest.raises(UserError, match="400"):
        await state.run(lambda s: update_rule(s, ME, number, note="x" * 401))
    assert await state.read(lambda session: session.get(User, ME)) is not None


async def test_notes_are_written_changed_and_removed(state):
    assert await state.read(lambda session: get_note(session, "replay")) is None
    await state.run(lambda session: set_note(session, "replay", {"position_ms": 1}))
    await state.run(lambda session: set_note(session, "replay", {"position_ms": 2}))
    assert await state.read(lambda session: get_note(session, "replay")) == {"position_ms": 2}
    await state.run(lambda session: set_note(session, "replay", None))
    await state.run(lambda session: set_note(session, "replay", None))
    assert await state.read(lambda session: get_note(session, "replay")) is None
