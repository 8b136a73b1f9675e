"""Meet the figures of the study that chose the model, on its own bars (never shipped)."""

import numpy as np
import pytest

from engine.calibration import Reference, usd_scale
from engine.heatmap import Heatmap
from engine.model import HOUR_MS, STEP_MS, Candles
from engine.presets import FLOW

FIRST_MS = 1_765_152_000_000  # 2025-12-08
BACKGROUND_USD = 25_000


def table(path):
    pq = pytest.importorskip("pyarrow.parquet")
    read = pq.read_table(path)
    columns = {name: read[name].to_numpy() for name in read.schema.names}
    columns["ts"] = columns["ts"].astype("datetime64[ms]").astype(np.int64)
    return columns


def study_candles(bars):
    """Open is the price at the stamp, close the next one; volume is spot volume in base coins."""
    price, volume = bars["p"], np.nan_to_num(bars["svol"])
    unknown = np.full(len(price) - 1, np.nan)
    return Candles(
        ts=bars["ts"][:-1],
        open=price[:-1],
        high=bars["hi"][:-1],
        low=bars["lo"][:-1],
        close=price[1:],
        volume=volume[:-1],
        quote_volume=(volume * price)[:-1],
        taker_buy_volume=unknown,
        open_interest=unknown,
    )


def ranks(values):
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2.0)[place]


def spearman(first, second):
    return float(np.corrcoef(ranks(first), ranks(second))[0, 1])


def predicted(events):
    hours = events.ts // HOUR_MS
    usd = np.full((hours[-1] - hours[0] + 1, 2), float(BACKGROUND_USD))
    np.add.at(usd, hours - hours[0], events.swept)
    return hours[0], usd


def test_flow_meets_the_published_rank_correlation_and_level(samples, record_property):
    folder = samples / "market" / "btc_2025-11_2026-03"
    candles = study_candles(table(folder / "study_bars_5m.parquet"))
    reported = table(folder / "study_liquidations_1h.parquet")
    scale = usd_scale("BTCUSDT", np.nan, reference=Reference())
    first, usd = predicted(Heatmap(FLOW, usd_scale=scale).advance(candles).events)
    assert np.diff(candles.ts).max() == STEP_MS
    hours = reported["ts"] // HOUR_MS - first
    judged = (reported["ts"] >= FIRST_MS) & (hours < len(usd))
    assert judged.sum() == 2328
    for side, (name, rank, billions) in enumerate((("longUsd", 0.8916, 3.30), ("shortUsd", 0.8882, 2.62))):
        mine, theirs = usd[hours[judged], side], reported[name][judged]
        assert spearman(mine, theirs) == pytest.approx(rank, abs=0.005)
        assert mine.sum() / 1e9 == pytest.approx(billions, rel=0.01)
        record_property(name, f"{spearman(mine, theirs):.4f} {mine.sum():.4g} of {theirs.sum():.4g}")
