"""Kill -9 alerting at random moments: what it decides in the end is what it decides undisturbed."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.state_db import StateDatabase
from storage.tables import Alert, AlertStep, Cooldown, DailyCount, Delivery, Episode, Rule

CHILD = Path(__file__).with_name("crash_child.py")
ROOT = CHILD.parents[2]


def start(url):
    child = subprocess.Popen(
        [sys.executable, str(CHILD), url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert child.stdout.readline().strip() == "ready"
    return child


def finish(child):
    out, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert out.strip().endswith("done")


def story(url):
    """Return everything that was decided, without wall times and row numbers."""
    database = StateDatabase.open(url)

    def read(session):
        alerts = [
            (a.fire_id, a.severity, a.action, a.reason, a.market_ms, a.hold_until_ms, a.carrier_id, a.kind)
            for a in session.scalars(select(Alert))
        ]
        deliveries = [
            (d.alert_id, d.revision, d.state, d.market_ms, d.message["title"], d.message["text"])
            for d in session.scalars(select(Delivery))
        ]
        steps = [(s.alert_id, s.at_ms, s.stage, s.reason) for s in session.scalars(select(AlertStep))]
        memory = [(c.rule_id, c.subject, c.until_ms) for c in session.scalars(select(Cooldown))]
        memory += [(e.symbol, e.direction, e.last_ms, e.folded) for e in session.scalars(select(Episode))]
        memory += [(c.day, c.sent) for c in session.scalars(select(DailyCount))]
        ended = [
            (r.rule_id, r.ended_ms, r.ended_reason)
            for r in session.scalars(select(Rule).where(Rule.ended_ms.is_not(None)))
        ]
        return [sorted(part, key=repr) for part in (alerts, deliveries, steps, memory, ended)]

    try:
        return database.read(read)
    finally:
        database.close()


@pytest.mark.process
def test_twenty_kills_change_nothing_that_is_decided(tmp_path):
    quiet = f"sqlite:///{tmp_path / 'quiet.db'}"
    finish(start(quiet))
    wanted = story(quiet)
    assert len(wanted[0]) > 50
    assert {a[2] for a in wanted[0]} >= {"send", "fold", "digest"}
    assert {a[7] for a in wanted[0]} >= {"zone_proximity", "price_level", "price_range_exit"}
    assert [(e[0], e[2]) for e in wanted[4]] == [(9, "fired_once")]

    url, rng, kills = f"sqlite:///{tmp_path / 'killed.db'}", random.Random(11), 0
    while kills < 20:
        child = start(url)
        try:
            child.wait(timeout=rng.uniform(0.005, 0.12))
        except subprocess.TimeoutExpired:
            child.kill()
            kills += 1
        child.wait()
        child.stdout.close()
        if child.returncode == 0:
            break
    finish(start(url))
    assert kills == 20
    found = story(url)
    for got, want in zip(found, wanted, strict=True):
        assert got == want
