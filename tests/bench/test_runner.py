"""Benchmarks print one JSON object on their last line, and say what they were measured on."""

import io
import json
import sys
import types

import pytest

from bench import runner
from engine.errors import UserError


@pytest.fixture
def planted(monkeypatch):
    module = types.ModuleType("bench.planted")
    module.run = lambda *, quick: {
        "figures": {"a_ms": 3.0 if quick else 30.0, "b": 2.0},
        "units": {"a_ms": "ms"},
        "goals": {"a_ms": 10.0},
    }
    monkeypatch.setitem(sys.modules, "bench.planted", module)
    monkeypatch.setitem(runner.BENCHES, "planted", "a planted one")


def test_last_line_is_one_object(planted):
    out = io.StringIO()
    runner.run("planted", quick=True, as_json=True, to=out)
    found = json.loads(out.getvalue().splitlines()[-1])
    assert found["bench"] == "planted"
    assert found["figures"] == {"a_ms": 3.0, "b": 2.0}
    assert found["goals"] == {"a_ms": 10.0}
    assert "Python" in found["machine"]
    assert len(out.getvalue().splitlines()) == 1


@pytest.mark.parametrize(("quick", "word"), [(True, "met"), (False, "MISSED")])
def test_people_see_whether_a_goal_was_met(planted, quick, word):
    out = io.StringIO()
    runner.run("planted", quick=quick, as_json=False, to=out)
    assert word in out.getvalue()


def test_unknown_name_says_which_there_are(planted):
    with pytest.raises(UserError, match="planted"):
        runner.run("nothing", quick=True, as_json=True)


def test_more_is_better_of_rates_and_what_was_not_measured_says_why(planted, monkeypatch):
    outcome = {
        "figures": {"fast_per_s": 11.0, "slow_per_s": 9.0, "other": None},
        "units": {},
        "goals": {"fast_per_s": 10.0, "slow_per_s": 10.0},
        "notes": {"other": "it is not installed"},
    }
    monkeypatch.setattr(sys.modules["bench.planted"], "run", lambda *, quick: outcome)
    out = io.StringIO()
    report = runner.run("planted", quick=True, as_json=False, to=out)
    fast, slow, other = out.getvalue().splitlines()[1:4]
    assert "met" in fast
    assert "MISSED" in slow
    assert "it is not installed" in other
    assert report["figures"]["other"] is None
