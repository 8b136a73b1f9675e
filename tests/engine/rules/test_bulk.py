"""Price levels compiled at once are what each of them compiles to."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.bulk import price_levels
from engine.rules.condition import Market
from engine.rules.conditions.price_level import PriceLevel
from engine.rules.plan import Batch, Plan
from engine.rules.ways import Level

LEVELS = st.builds(PriceLevel, value=st.floats(1e-9, 1e9), direction=st.sampled_from(Level))


@given(st.lists(st.tuples(st.sampled_from(["BTCUSDT", "ETHUSDT"]), LEVELS), min_size=1, max_size=8))
def test_levels_are_what_each_compiles_to(rules):
    one_by_one = Batch.of(
        {n: Plan(branches=level.compile(Market(symbol=symbol))) for n, (symbol, level) in enumerate(rules)}
    )
    numbers, symbols = list(range(len(rules))), [symbol for symbol, _ in rules]
    at_once = price_levels(numbers, symbols, [level.as_json() for _, level in rules])
    halves = [
        price_levels(
            part,
            symbols[part.start : part.stop],
            [level.as_json() for _, level in rules[part.start : part.stop]],
        )
        for part in (range(len(rules) // 2), range(len(rules) // 2, len(rules)))
        if part
    ]
    for name in ("rule", "branches", "leaves", "key", "above", "value", "rearm"):
        np.testing.assert_array_equal(getattr(at_once, name), getattr(one_by_one, name), name)
        np.testing.assert_array_equal(getattr(Batch.joined(halves), name), getattr(one_by_one, name), name)
    assert at_once.keys == one_by_one.keys
