import numpy as np

from engine.heatmap import Heatmap
from engine.model import STEP_MS, Candles
from engine.presets import PRESETS


def wavy(count: int, *, seed: int = 1) -> Candles:
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.002, count)))
    open_ = np.concatenate([[100.0], close[:-1]])
    wick = np.exp(np.abs(rng.normal(0, 0.001, (2, count))))
    nan = np.full(count, np.nan)
    return Candles(
        ts=np.arange(count) * STEP_MS,
        open=open_,
        high=np.maximum(open_, close) * wick[0],
        low=np.minimum(open_, close) / wick[1],
        close=close,
        volume=rng.exponential(10.0, count),
        quote_volume=nan,
        taker_buy_volume=nan,
        open_interest=nan,
    )


def test_one_at_a_time_and_all_at_once_give_the_same_arrays():
    candles = wavy(1200)
    whole = Heatmap(PRESETS["flow"]).feed(candles)
    single = Heatmap(PRESETS["flow"])
    rows = [single.feed(candles[i : i + 1]) for i in range(len(candles))]
    assert whole.long.any()
    assert np.array_equal(whole.long, np.concatenate([row.long for row in rows]))
    assert np.array_equal(whole.short, np.concatenate([row.short for row in rows]))
