"""Test that a rule can end, is then nobody's business but its owner's, and can begin anew."""

import pytest

from storage.rules import (
    Ended,
    NewRule,
    add_rule,
    count_rules,
    end_rules,
    get_rule,
    list_rules,
    read_rules,
    remove_rule,
    revive_rules,
    rules_for_symbol,
    rules_of,
    update_rule,
    watched_symbols,
)
from storage.tables import RuleMemory

ME = "discord:1"


@pytest.fixture
async def two(state):
    """Return the numbers of two rules on BTC, of which the first ended at 100."""

    def make(session):
        rules = [
            add_rule(
                session, ME, NewRule(symbol="BTCUSDT", kind="rule", params={"n": n}), now_ms=1, wall_ms=1
            )
            for n in range(2)
        ]
        ended = end_rules(session, [rules[0].rule_id], Ended.FIRED_ONCE, 100)
        assert [rule.rule_id for rule in ended] == [rules[0].rule_id]
        return [rule.rule_id for rule in rules]

    return await state.run(make)


async def test_what_has_ended_is_evaluated_and_counted_no_more_but_listed(state, two):
    def look(session):
        assert read_rules(session).rule_id == two[1:]
        assert read_rules(session, "BTCUSDT").rule_id == two[1:]
        assert read_rules(session, "ETHUSDT").rule_id == []
        assert [rule.rule_id for rule in rules_for_symbol(session, "BTCUSDT")] == two[1:]
        assert rules_for_symbol(session, "BTCUSDT", kind="zone_proximity") == []
        assert count_rules(session, ME) == 1
        assert watched_symbols(session) == {"BTCUSDT": 1}
        assert [rule.rule_id for rule in list_rules(session, ME)] == two
        assert set(rules_of(session, [*two, 99])) == set(two)

    await state.read(look)


async def test_a_rule_ends_once_and_the_first_reason_stays(state, two):
    again = await state.run(lambda s: end_rules(s, two, Ended.EXPIRED, 200))
    assert [rule.rule_id for rule in again] == two[1:]
    rules = await state.read(lambda s: rules_of(s, two))
    assert [(rules[n].ended_ms, rules[n].ended_reason) for n in two] == [
        (100, "fired_once"),
        (200, "expired"),
    ]


async def test_a_replay_sought_back_revives_what_ended_after_that(state, two):
    assert await state.run(lambda s: revive_rules(s, 100)) == 0
    assert await state.run(lambda s: revive_rules(s, 99)) == 1
    rule = await state.read(lambda s: get_rule(s, ME, two[0]))
    assert (rule.ended_ms, rule.ended_reason) == (None, "")


async def test_a_rule_that_is_changed_begins_anew_one_that_is_merely_renamed_does_not(state, two):
    await state.run(lambda s: update_rule(s, ME, two[0], note="x"))
    assert (await state.read(lambda s: get_rule(s, ME, two[0]))).ended_ms == 100
    changed = await state.run(lambda s: update_rule(s, ME, two[0], kind="price_level", params={"value": 1.0}))
    assert (changed.kind, changed.ended_ms, changed.ended_reason) == ("price_level", None, "")


async def test_what_evaluation_remembers_of_a_rule_goes_with_it(state, two):
    row = {"user_id": ME, "key": "", "value": 0.0, "since_ms": 1, "leaf": 0, "epoch": 0}
    await state.run(lambda s: s.add(RuleMemory(rule_id=two[1], what="wait", place=0, **row)))
    await state.run(lambda s: remove_rule(s, ME, two[1]))
    left = "SELECT count(*) FROM rule_memory"
    assert await state.read(lambda s: s.connection().exec_driver_sql(left).scalar()) == 0
