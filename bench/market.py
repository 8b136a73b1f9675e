"""Make candles to time the engine with."""

import numpy as np

from engine.model import STEP_MS, Candles

START_MS = 1_759_276_800_000


def market(count: int, *, seed: int = 1) -> Candles:
    """Return made candles: prices walk by .15 % a candle, volumes vary, open interest walks by .2 %."""
    rng = np.random.default_rng(seed)
    close = 1e5 * np.exp(np.cumsum(rng.normal(0, 0.0015, count)))
    opened = np.concatenate([[1e5], close[:-1]])
    wick = np.exp(np.abs(rng.normal(0, 0.0007, (2, count))))
    volume = rng.exponential(10.0, count)
    return Candles(
        ts=START_MS + np.arange(count, dtype=np.int64) * STEP_MS,
        open=opened,
        high=np.maximum(opened, close) * wick[0],
        low=np.minimum(opened, close) / wick[1],
        close=close,
        volume=volume,
        quote_volume=volume * close,
        taker_buy_volume=np.full(count, np.nan),
        open_interest=8e4 * np.exp(np.cumsum(rng.normal(0, 0.002, count))),
    )
