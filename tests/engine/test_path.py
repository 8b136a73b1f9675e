"""The path of prices within a recorded candle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import STEP_MS, Candle
from engine.path import TICKS_A_CANDLE, candle_path


def candle(open_: float, high: float, low: float, close: float) -> Candle:
    return Candle(
        venue="binance", symbol="BTCUSDT", ts=STEP_MS, open=open_, high=high, low=low, close=close, volume=1.0
    )


@given(st.lists(st.floats(1.0, 1e6), min_size=4, max_size=4), st.booleans(), st.integers(4, 60))
def test_vertices_come_in_order_and_in_time(prices: list[float], rises: bool, n: int) -> None:
    low, a, b, high = sorted(prices)
    open_, close = (a, b) if rises else (b, a)
    times, path = candle_path(candle(open_, high, low, close), n)
    middle = [low, high] if close >= open_ else [high, low]
    assert len(times) == len(path) == n
    places = [round(k * (n - 1) / 3) for k in range(4)]
    assert path[places].tolist() == [open_, *middle, close]
    assert low <= path.min()
    assert path.max() <= high
    assert times[0] == STEP_MS
    assert (times[1:] > times[:-1]).all()
    assert times[-1] < 2 * STEP_MS


def test_twenty_prices_fifteen_seconds_apart_are_the_default() -> None:
    times, path = candle_path(candle(10, 12, 9, 11))
    assert len(path) == TICKS_A_CANDLE == 20
    assert (times[1:] - times[:-1] == 15_000).all()
    assert path[[0, 6, 13, 19]].tolist() == [10, 9, 12, 11]


def test_fewer_prices_than_vertices_are_refused() -> None:
    with pytest.raises(ValueError, match="4 vertices"):
        candle_path(candle(1, 1, 1, 1), 3)
