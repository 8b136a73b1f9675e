"""The benchmark of rules measures what it says, and notices an index that misses a fire."""

import pytest

from bench import rules
from engine.errors import LiqwatchError
from engine.rules.evaluator import Evaluator
from engine.rules.plan import NOTHING


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    monkeypatch.setattr(rules, "RULES", 20_000)
    monkeypatch.setattr(rules, "MOVE", 4e-3)


def test_figures_are_those_that_are_promised():
    outcome = rules.run(quick=True)
    assert list(outcome["figures"]) == [
        "tick_p99_us",
        "ticks_per_s",
        "bytes_per_rule",
        "compound_updates_per_s",
        "cold_load_s",
        "plain_loop_tick_us",
    ]
    assert all(value is not None and value > 0 for value in outcome["figures"].values())
    assert outcome["figures"]["bytes_per_rule"] < outcome["goals"]["bytes_per_rule"]


def test_an_index_that_misses_fires_is_found_out(monkeypatch):
    monkeypatch.setattr(Evaluator, "update", lambda *_, **__: NOTHING)
    with pytest.raises(LiqwatchError, match="plain loop found"):
        rules.run(quick=True)
