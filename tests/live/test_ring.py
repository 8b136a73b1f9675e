import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.live.ring import CandleRing
from engine.model import STEP_MS, Candles


def bars(first, count):
    steps = np.arange(first, first + count)
    values = {name: steps.astype(float) for name in ("open", "high", "low", "close", "volume")}
    unknown = {name: np.full(count, np.nan) for name in ("quote_volume", "taker_buy_volume", "open_interest")}
    return Candles(ts=steps * STEP_MS, **values, **unknown)


@given(st.integers(1, 12), st.lists(st.integers(0, 30), max_size=20))
def test_it_holds_the_newest_bars_in_order(capacity, blocks):
    ring, first = CandleRing(capacity), 0
    for count in blocks:
        ring.append(bars(first, count))
        first += count
        kept = range(max(0, first - capacity), first)
        held = ring.slice(0, first * STEP_MS + 1)
        assert list(held.ts) == [k * STEP_MS for k in kept]
        assert list(held.close) == list(kept)
        assert len(ring) == len(kept)
        assert ring.last_ts == ((first - 1) * STEP_MS if first else None)


def test_a_slice_is_half_open_and_a_copy():
    ring = CandleRing(10)
    ring.append(bars(0, 10))
    part = ring.slice(2 * STEP_MS, 5 * STEP_MS)
    assert list(part.close) == [2, 3, 4]
    part.close[:] = 0
    assert list(ring.slice(2 * STEP_MS, 5 * STEP_MS).close) == [2, 3, 4]
    assert len(ring.slice(50 * STEP_MS, 60 * STEP_MS)) == 0


def test_it_holds_something():
    with pytest.raises(ValueError, match="at least one"):
        CandleRing(0)
