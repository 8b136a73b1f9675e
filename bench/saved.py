"""Measure how soon an alert is live once it is saved: from its commit until the next price can fire it.

It is saved among a thousand others of one market. Each is then crossed by a price and has to be decided, or
the measurement fails.
"""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.runner import Outcome
from bot.alerting.engine import Alerting
from config.settings import AlertSettings
from engine.errors import LiqwatchError
from engine.model import Tick
from engine.rules.stored import stored
from engine.rules.text import read_rule
from storage.rules import NewRule, add_rule
from storage.state import StateStore
from storage.tables import Alert, Rule

SYMBOL, NOW_MS, PRICE = "BTCUSDT", 1_760_126_400_000, 100_000.0
OTHERS = 1_000
LINES = ("btc above {level}", "btc falls 3% in 15m and btc above {level}", "btc above {level} once")
GOALS = {"live_after_p99_ms": 100.0}


@dataclass(slots=True)
class _Clock:
    """A market that stands where it is put."""

    at_ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.at_ms

    def label(self) -> str:
        return ""


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` saves fewer."""
    with tempfile.TemporaryDirectory() as directory:
        took_ms = asyncio.run(_saved(Path(directory), 20 if quick else 200))
    p50, p99 = np.percentile(took_ms, [50, 99]).tolist()
    figures: dict[str, float | None] = {"live_after_p50_ms": p50, "live_after_p99_ms": p99}
    return {"figures": figures, "units": dict.fromkeys(figures, "ms"), "goals": GOALS}


async def _saved(directory: Path, count: int) -> list[float]:
    """Return how long each of some alerts took to be live, in ms."""
    state = await StateStore.open(f"sqlite:///{directory / 'state.db'}")
    try:
        await state.run(_others)
        clock = _Clock()
        alerting = Alerting(state, None, AlertSettings(), clock)
        await alerting.load()
        try:
            return [await _one(state, alerting, clock, number) for number in range(count)]
        finally:
            await alerting.close()
    finally:
        await state.close()


def _others(session: Session) -> None:
    """Save the rules of everybody else, far from where price goes."""
    for number in range(OTHERS):
        line = LINES[number % len(LINES)].format(level=200_000 + number)
        add_rule(session, f"local:{number % 97}", _new(line), now_ms=NOW_MS, wall_ms=NOW_MS, limit=OTHERS)


def _new(line: str) -> NewRule:
    kind, params = stored(read_rule(line, now_ms=NOW_MS).spec)
    return NewRule(symbol=SYMBOL, kind=kind, params=params, cooldown_s=60)


async def _one(state: StateStore, alerting: Alerting, clock: _Clock, number: int) -> float:
    """Save one, have it crossed, and return how long it took until it could be; raise where nothing came."""
    owner, level = f"local:new{number}", PRICE + 10 * number
    clock.at_ms += 1_000
    await alerting.on_tick(_tick(clock, level - 5), None)
    rule: Rule = await state.run(
        lambda s: add_rule(s, owner, _new(f"btc above {level}"), now_ms=clock.at_ms, wall_ms=clock.at_ms)
    )
    began_s = time.perf_counter()
    await alerting.rules_changed(SYMBOL)
    took_ms = (time.perf_counter() - began_s) * 1000
    clock.at_ms += 1_000
    await alerting.on_tick(_tick(clock, level + 5), None)
    told = await state.read(
        lambda s: s.scalars(select(Alert.alert_id).where(Alert.rule_id == rule.rule_id)).all()
    )
    if len(told) != 1:
        raise LiqwatchError(f"A saved alert was crossed and decided {len(told)} times, not once.")
    return took_ms


def _tick(clock: _Clock, price: float) -> Tick:
    return Tick(venue="binance", symbol=SYMBOL, ts=clock.at_ms, price=price)
