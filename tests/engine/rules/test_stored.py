"""What is kept of a rule is all of it, and a plain level is kept so that a start reads it quickly."""

from dataclasses import replace

import pytest

from engine.errors import UserError
from engine.rules.bulk import price_levels
from engine.rules.condition import kinds
from engine.rules.plan import Batch, Plan
from engine.rules.stored import KINDS, LEVEL, RULE, spec_of, stored
from engine.rules.text import read_rule

LINES = [kind.example for kind in kinds().values()] + [
    "btc falls 3% in 15m and (oi drops 2% in 1h or funding above 0.05% on bybit) held for 5m once",
    "btc above 60000 for=5m",
    "btc above 60000 hysteresis=1%",
    "btc above 60000 on bybit",
    "btc above 60000 once",
    "btc above 60000 expires=3d severity=critical",
]


@pytest.mark.parametrize("line", LINES)
def test_a_rule_comes_back_whole(line):
    spec = replace(read_rule(line, now_ms=1_000).spec, note="mine")
    kind, params = stored(spec, quiet_critical=True)
    assert kind in KINDS
    assert "mine" not in str(params)
    assert spec_of(kind, params, note="mine") == spec


@pytest.mark.parametrize(
    "line", ["btc above 60000", "btc below 60000 severity=critical", "btc crosses 60000"]
)
def test_a_plain_level_is_read_at_once_with_many(line):
    spec = read_rule(line, now_ms=0).spec
    kind, params = stored(spec)
    assert kind == LEVEL
    at_once = price_levels([7], ["BTCUSDT"], [params])
    alone = Batch.of({7: Plan(branches=tuple(spec.branches("BTCUSDT")))})
    for column in ("branches", "leaves", "above", "value", "rearm"):
        assert (getattr(at_once, column) == getattr(alone, column)).all()
    assert at_once.keys == alone.keys


@pytest.mark.parametrize("line", LINES[-5:])
def test_a_level_with_more_to_it_is_not_taken_for_a_plain_one(line):
    assert stored(read_rule(line, now_ms=0).spec)[0] == RULE


def test_what_is_no_rule_is_refused():
    with pytest.raises(UserError):
        spec_of(RULE, {"v": 1, "when": {"type": "nothing"}})
    with pytest.raises(UserError):
        spec_of(LEVEL, {"direction": "above"})
