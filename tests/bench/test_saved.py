"""The benchmark of saved alerts sees each of them decided, and says when one is not."""

import pytest

from bench import saved
from bot.alerting.engine import Alerting
from engine.errors import LiqwatchError


def test_every_saved_alert_is_live_and_decided(monkeypatch):
    monkeypatch.setattr(saved, "OTHERS", 60)
    outcome = saved.run(quick=True)
    assert list(outcome["figures"]) == ["live_after_p50_ms", "live_after_p99_ms"]
    assert all(value > 0 for value in outcome["figures"].values())


def test_one_that_is_not_taken_up_is_found_out(monkeypatch):
    async def forget(*_):
        return

    monkeypatch.setattr(saved, "OTHERS", 6)
    monkeypatch.setattr(Alerting, "rules_changed", forget)
    with pytest.raises(LiqwatchError, match="decided 0 times"):
        saved.run(quick=True)
