"""Test that what evaluating rules remembers is written row by row, of its epoch, and goes with its rule."""

import pytest
from sqlalchemy import select

from storage import rule_memory
from storage.rule_memory import HELD, WAIT, Difference, MemoryRow, ValueRow
from storage.rules import NewRule, add_rule, remove_rule
from storage.tables import FeatureValue, RuleMemory


@pytest.fixture
async def rule(state):
    new = NewRule(symbol="BTCUSDT", kind="rule", params={})
    return (await state.run(lambda s: add_rule(s, "a:1", new, now_ms=1, wall_ms=1))).rule_id


def value(price, at_ms=100):
    return ValueRow(key="BTCUSDT|price||0", symbol="BTCUSDT", value=price, at_ms=at_ms)


async def test_what_was_written_is_read_and_what_is_said_again_replaces_it(state, rule):
    held = MemoryRow(rule_id=rule, what=HELD, place=0, key="BTCUSDT|price||0", value=100.0)
    wait = MemoryRow(rule_id=rule, what=WAIT, place=1, since_ms=5, leaf=2)
    for price in (100.0, 101.0):
        changed = Difference(values=[value(price)], rows=[held, wait])
        await state.run(lambda s, c=changed: rule_memory.write_memory(s, c, epoch=0))
    kept = await state.read(lambda s: rule_memory.read_memory(s, epoch=0))
    assert kept.values == [value(101.0)]
    assert sorted(kept.rows, key=lambda row: row.what) == [held, wait]
    gone = Difference(gone_keys=["BTCUSDT|price||0"], gone_rows=[held.name])
    await state.run(lambda s: rule_memory.write_memory(s, gone, epoch=0))
    kept = await state.read(lambda s: rule_memory.read_memory(s, epoch=0))
    assert (kept.values, kept.rows) == ([], [wait])


async def test_nothing_is_kept_of_a_rule_that_is_no_more(state, rule):
    await state.run(lambda s: remove_rule(s, "a:1", rule))
    row = MemoryRow(rule_id=rule, what=WAIT, place=0)
    await state.run(lambda s: rule_memory.write_memory(s, Difference(rows=[row]), epoch=0))
    numbers = await state.run(lambda s: rule_memory.add_hits(s, [(rule, {"x": 1})], epoch=0))
    kept = await state.read(lambda s: rule_memory.read_memory(s, epoch=0))
    assert (numbers, kept.rows, kept.hits) == ([0], [], {})


async def test_fires_wait_until_they_are_decided(state, rule):
    first, second = await state.run(
        lambda s: rule_memory.add_hits(s, [(rule, {"n": 1}), (rule, {"n": 2})], epoch=0)
    )
    await state.run(lambda s: rule_memory.drop_hits(s, [first]))
    kept = await state.read(lambda s: rule_memory.read_memory(s, epoch=0))
    assert kept.hits == {second: {"n": 2}}


async def test_another_epoch_knows_nothing_of_the_one_before(state, rule):
    changed = Difference(values=[value(100.0)], rows=[MemoryRow(rule_id=rule, what=WAIT, place=0)])
    await state.run(lambda s: rule_memory.write_memory(s, changed, epoch=0))
    await state.run(lambda s: rule_memory.add_hits(s, [(rule, {})], epoch=0))
    kept = await state.read(lambda s: rule_memory.read_memory(s, epoch=1))
    assert (kept.values, kept.rows, kept.hits) == ([], [], {})
    await state.run(lambda s: rule_memory.clear_before(s, 1))
    for table in (FeatureValue, RuleMemory):
        assert await state.read(lambda s, t=table: s.scalars(select(t)).all()) == []


async def test_many_rows_are_written_in_parts(state, rule):
    values = [ValueRow(key=f"S{n}|price||0", symbol=f"S{n}", value=float(n), at_ms=n) for n in range(1_200)]
    await state.run(lambda s: rule_memory.write_memory(s, Difference(values=values), epoch=0))
    gone = Difference(gone_keys=[row.key for row in values[:1_100]])
    await state.run(lambda s: rule_memory.write_memory(s, gone, epoch=0))
    kept = await state.read(lambda s: rule_memory.read_memory(s, epoch=0))
    assert kept.values == values[1_100:]
