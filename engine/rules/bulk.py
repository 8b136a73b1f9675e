"""Compile many price levels at once: most rules are nothing else, and a start may read a million of them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.rules.conditions.price_level import PriceLevel
from engine.rules.feature import Feature, Metric
from engine.rules.plan import Batch
from engine.rules.ways import Level


def price_levels(
    rule: Sequence[int], symbol: Sequence[str], params: Iterable[Mapping[str, Any]], *, venue: str = ""
) -> Batch:
    """Return n rules of one `price_level` each, as `PriceLevel.compile` with its own hysteresis makes them.

    `params` are the condition's, as `as_json` writes them; they were checked when they were saved. They are
    taken one by one and not kept, so that they may be read from text on the way.
    """
    numbers: dict[str, int] = {}
    key = np.array([numbers.setdefault(name, len(numbers)) for name in symbol], np.int64)
    values: list[float] = []
    ways: list[str] = []
    for each in params:
        values.append(each["value"])
        ways.append(sys.intern(each.get("direction", Level.EITHER.value)))
    value = np.array(values, np.float64)
    either = np.array([way == Level.EITHER for way in ways], bool)
    branches = np.where(either, 2, 1)
    second = np.ones(int(branches.sum()), bool)
    second[np.cumsum(branches) - branches] = False
    above = np.repeat(np.array([way != Level.BELOW for way in ways], bool), branches) & ~second
    value = np.repeat(value, branches)
    back = np.abs(value * PriceLevel.hysteresis)
    return Batch(
        rule=np.array(rule, np.int64),
        branches=branches.astype(np.int64),
        leaves=np.ones(len(value), np.int64),
        keys=tuple(Feature(symbol=name, metric=Metric.PRICE, venue=venue) for name in numbers),
        key=np.repeat(key, branches),
        above=above,
        value=value,
        rearm=value + np.where(above, -1.0, 1.0) * back,
    )
