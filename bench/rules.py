"""Measure the evaluation of rules: a million price levels on ticks, and a million compound rules on updates.

Price levels are read from a state store on disk, with the hysteresis that they have by themselves; each tick
is one move of one market. The plain loop looks at every rule of the market that moved, and has to find the
same fires. Compound rules are ANDs of one to four numbers, of 24 a market.
"""

import gc
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from bench.runner import Outcome
from engine.errors import LiqwatchError
from engine.model import Floats, Ints
from engine.rules.bulk import price_levels
from engine.rules.conditions.price_level import PriceLevel
from engine.rules.crossing import compile_walk
from engine.rules.evaluator import Evaluator
from engine.rules.feature import Feature, Metric
from engine.rules.plan import Batch
from storage.rules import read_rules
from storage.state_db import StateDatabase

RULES, MARKETS, METRICS, EACH = 1_000_000, 200, 24, 20
MOVE, AWAY = 4e-4, 0.08
"""How far a tick moves (times Student's t of 4 degrees), and how far from price levels stand."""
GOALS = {
    "tick_p99_us": 20.0,
    "ticks_per_s": 100_000.0,
    "bytes_per_rule": 40.0,
    "compound_updates_per_s": 50_000.0,
    "cold_load_s": 10.0,
}
UNITS = {
    "tick_p99_us": "us",
    "ticks_per_s": "1/s",
    "bytes_per_rule": "bytes",
    "compound_updates_per_s": "1/s",
    "cold_load_s": "s",
    "plain_loop_tick_us": "us",
}
SHARES = 1.0 / np.arange(1, MARKETS + 1) ** 1.1
PRICES = tuple(Feature(symbol=f"COIN{n}USDT", metric=Metric.PRICE) for n in range(MARKETS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Rules as they are made: which market (n,), its first price (MARKETS,), the level, which side."""

    market: Ints
    start: Floats
    value: Floats
    above: npt.NDArray[np.bool_]


Ticks = list[tuple[int, float]]


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` takes fewer ticks and updates."""
    compile_walk()
    rng = np.random.default_rng(7)
    levels = _levels(rng)
    rules, cold_load_s = _loaded(levels)
    bytes_per_rule = rules.index.nbytes / RULES
    for feature, price in zip(PRICES, levels.start.tolist(), strict=True):
        rules.update(feature, price, 0)
    ticks = _ticks(rng, levels, 50_000 if quick else 300_000)
    plain_loop_tick_us = _plain_loop(levels, rules, ticks[: 20 if quick else 100])
    took_us, ticks_per_s = _timed(rules, [(PRICES[m], price) for m, price in ticks])
    del rules
    gc.collect()
    compound, updates = _compound(rng, 50_000 if quick else 200_000)
    _, compound_updates_per_s = _timed(compound, updates)
    return {
        "figures": {
            "tick_p99_us": float(np.percentile(took_us, 99)),
            "ticks_per_s": ticks_per_s,
            "bytes_per_rule": bytes_per_rule,
            "compound_updates_per_s": compound_updates_per_s,
            "cold_load_s": cold_load_s,
            "plain_loop_tick_us": plain_loop_tick_us,
        },
        "units": UNITS,
        "goals": GOALS,
    }


def _markets(rng: np.random.Generator, count: int) -> Ints:
    return rng.choice(MARKETS, count, p=SHARES / SHARES.sum())


def _levels(rng: np.random.Generator) -> Levels:
    """Return levels around first prices, most on few markets."""
    market = _markets(rng, RULES)
    start = np.exp(rng.uniform(np.log(0.01), np.log(60_000), MARKETS))
    value = start[market] * np.exp(rng.normal(0, AWAY, RULES))
    return Levels(market=market, start=start, value=value, above=rng.random(RULES) < 0.5)


def _ticks(rng: np.random.Generator, levels: Levels, count: int) -> Ticks:
    """Return moves of prices as (market, price)."""
    price, ticks = levels.start.tolist(), []
    moves = np.exp(rng.standard_t(4, count) * MOVE).tolist()
    for market, move in zip(_markets(rng, count).tolist(), moves, strict=True):
        price[market] *= move
        ticks.append((market, price[market]))
    return ticks


def _loaded(levels: Levels) -> tuple[Evaluator, float]:
    """Return the rules as read from a store on disk, and how long reading and placing them took (s)."""
    with tempfile.TemporaryDirectory() as directory:
        database = StateDatabase.open(f"sqlite:///{Path(directory) / 'state.db'}")
        try:
            database.write(lambda session: _store(session, levels))
            database.checkpoint()
            began_s = time.perf_counter()
            rules = database.read(_load)
            took_s = time.perf_counter() - began_s
        finally:
            database.close()
    if len(rules) != RULES:
        raise LiqwatchError(f"{RULES} rules were stored, {len(rules)} are there.")
    return rules, took_s


def _load(session: Session) -> Evaluator:
    """Read every rule and place it."""
    rules = Evaluator()
    found = read_rules(session)
    rules.add(price_levels(found.rule_id, found.symbol, map(json.loads, found.params)))
    return rules


def _store(session: Session, levels: Levels) -> None:
    """Write the rules as the product does, but for many at a time."""
    raw = session.connection()
    users = [(f"bench:{n}", 0, 0) for n in range(RULES // EACH)]
    raw.exec_driver_sql("INSERT INTO users (user_id, created_wall_ms, seen_wall_ms) VALUES (?, ?, ?)", users)
    values, above, sides = levels.value.tolist(), levels.above.tolist(), ("below", "above")
    rows = [
        (
            f"bench:{n // EACH}",
            f"COIN{market}USDT",
            f'{{"value": {values[n]!r}, "direction": "{sides[above[n]]}"}}',
        )
        for n, market in enumerate(levels.market.tolist())
    ]
    raw.exec_driver_sql(
        "INSERT INTO rules (user_id, kind, symbol, params, cooldown_s, to_channel, to_place, paused, note, "
        "created_ms, created_wall_ms) VALUES (?, 'price_level', ?, ?, 3600, 'inapp', '', 0, '', 0, 0)",
        rows,
    )


class _Rule:
    """A rule as an object, for the plain loop."""

    __slots__ = ("above", "number", "rearm", "true", "value")

    def __init__(self, number: int, value: float, *, above: bool, price: float) -> None:
        self.number, self.value, self.above = number, value, above
        self.rearm = value - abs(value * PriceLevel.hysteresis) * (1.0 if above else -1.0)
        self.true = price > value if above else price < value


def _plain_loop(levels: Levels, rules: Evaluator, ticks: Ticks) -> float:
    """Return how long a tick takes that looks at every rule of its market (us, the mean).

    Raises LiqwatchError unless the evaluator finds the same fires.
    """
    markets: list[list[_Rule]] = [[] for _ in range(MARKETS)]
    columns = zip(levels.market.tolist(), levels.value.tolist(), levels.above.tolist(), strict=True)
    start = levels.start.tolist()
    for number, (market, value, above) in enumerate(columns, 1):
        markets[market].append(_Rule(number, value, above=above, price=start[market]))
    took_s = 0.0
    for ts, (market, price) in enumerate(ticks):
        began_s = time.perf_counter()
        found = _looked(markets[market], price)
        took_s += time.perf_counter() - began_s
        fired = rules.update(PRICES[market], price, ts)
        if sorted(found) != sorted(fired.rule.tolist()):
            raise LiqwatchError(f"The plain loop found {len(found)} fires, the index {len(fired)}.")
    return took_s / len(ticks) * 1e6


def _looked(rules: list[_Rule], price: float) -> list[int]:
    """Return the numbers of rules that become true at a price."""
    fires = []
    for rule in rules:
        edge = rule.rearm if rule.true else rule.value
        true = price > edge if rule.above else price < edge
        if true and not rule.true:
            fires.append(rule.number)
        rule.true = true
    return fires


def _timed(rules: Evaluator, updates: list[tuple[Feature, float]]) -> tuple[Floats, float]:
    """Return how long each update took (us), and how many are done a second, clock readings included."""
    took_s, clock = np.empty(len(updates)), time.perf_counter
    gc.collect()
    began_s = clock()
    for ts, (feature, value) in enumerate(updates):
        since_s = clock()
        rules.update(feature, value, ts)
        took_s[ts] = clock() - since_s
    return took_s * 1e6, len(updates) / (clock() - began_s)


def _compound(rng: np.random.Generator, count: int) -> tuple[Evaluator, list[tuple[Feature, float]]]:
    """Return ANDs of one to four standardised numbers of a market each, and updates of such numbers."""
    keys = [
        Feature(symbol=price.symbol, metric=Metric.VOLATILITY, window_ms=n)
        for price in PRICES
        for n in range(METRICS)
    ]
    leaves = rng.choice([1, 2, 3, 4], RULES, p=[0.45, 0.35, 0.15, 0.05])
    total = int(leaves.sum())
    key = np.repeat(_markets(rng, RULES), leaves) * METRICS + rng.integers(0, METRICS, total)
    above, value = rng.random(total) < 0.5, rng.normal(0, 1.5, total)
    rearm = value + np.where(above, -0.01, 0.01)
    rules = Evaluator()
    rules.add(
        Batch(
            rule=np.arange(RULES),
            branches=np.ones(RULES, np.int64),
            leaves=leaves,
            keys=tuple(keys),
            key=key,
            above=above,
            value=value,
            rearm=rearm,
        )
    )
    for feature in keys:
        rules.update(feature, 0.0, 0)
    last, updates = dict.fromkeys(keys, 0.0), []
    numbers = _markets(rng, count) * METRICS + rng.integers(0, METRICS, count)
    for number, move in zip(numbers.tolist(), (rng.standard_t(4, count) * 0.03).tolist(), strict=True):
        last[keys[number]] = last[keys[number]] * 0.999 + move
        updates.append((keys[number], last[keys[number]]))
    return rules, updates
