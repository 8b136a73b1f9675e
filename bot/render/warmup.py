"""Make a small scene out of nothing, to load fonts and libraries before anybody waits for them."""

import numpy as np

from bot.render.picture import Layout, Theme
from bot.render.scene import Band, Scene
from engine.model import STEP_MS

COLUMNS = 24
BINS = 40


def warm_scene(layout: Layout) -> Scene:
    """Return a scene that uses every part of a drawing; it shows no market."""
    ts = np.arange(COLUMNS, dtype=np.int64) * STEP_MS
    rise = 100 + np.sin(np.arange(COLUMNS))
    heat = np.fromfunction(lambda i, j: 1000.0 + i * j, (COLUMNS, BINS)).astype(np.float32)
    band = Band(long=True, low=95.0, high=96.0, usd=1e6, distance=-0.04, born_ts=0)
    return Scene(
        layout=layout,
        theme=Theme.INFERNO,
        scale=1,
        coin="0123456789",
        title=("Liquidation heatmap",),
        price=100.0,
        price_text="100",
        change=0.01,
        ts=ts,
        step_ms=STEP_MS,
        start_ms=0,
        end_ms=COLUMNS * STEP_MS,
        heat=heat,
        bin_low=90.0,
        bin_size=0.5,
        bars=np.stack([rise, rise + 1, rise - 1, rise + 0.5]),
        view=(90.0, 110.0),
        gaps=(),
        bands=(band,),
        replay="REPLAY",
        headline="",
        severity=None,
        notices=(),
        footer=("estimate, not advice",),
        tz="UTC",
        pale=True,
    )
