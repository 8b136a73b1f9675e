"""Another model than the usual one, fed for one picture from the replay that ships."""

from dataclasses import replace

import numpy as np
import pytest

from bot.live.window import ModelFeed
from engine.model import DAY_MS, STEP_MS
from engine.presets import FLOW, LEVERAGE, SIMPLE


@pytest.mark.parametrize("preset", [LEVERAGE, SIMPLE, FLOW])
async def test_the_window_of_a_model_is_that_of_the_usual_one(begin, monkeypatch, preset):
    run = await begin(1200)
    market, recorded = run.market, run.source.history

    async def with_coins(symbol, **asked):
        found = await recorded(symbol, **asked)  # the recording knows none in October
        return replace(found, open_interest=80_000.0 + 100 * (found.ts // STEP_MS) % 5_000)

    monkeypatch.setattr(run.source, "history", with_coins)
    usual = await market.grid("BTCUSDT", DAY_MS // 2)
    history = await market.history("BTCUSDT", 5 * DAY_MS)
    grid = await market.model_grid("BTCUSDT", DAY_MS // 2, ModelFeed(preset=preset, history=history))
    assert np.array_equal(grid.ts, usual.ts)
    assert np.array_equal(grid.edges, usual.edges)
    assert np.array_equal(grid.close, usual.close)
    assert grid.long.sum() > 0
    assert grid.short.sum() > 0
    assert history.ts[-1] == market.view("BTCUSDT").candle_ts
    if preset is not FLOW:
        assert grid.long[-1].sum() < 1.05 * history.open_interest[-1] * float(grid.close[-1])
