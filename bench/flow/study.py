"""Read what variants of `flow` are judged by: prices, volumes and reports that are never shipped.

The folder is named by LIQWATCH_SAMPLES. Times are ms UTC. Of the study's bars, price extremes and spot volume
come from candles of 15 minutes (from 2026 on): a spot volume is spread evenly over its 15 minutes. Perpetual
volume by 5 minutes is known from October to December 2025, and by the hour of three venues to 2026-03-05.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from engine.errors import UserError
from engine.model import HOUR_MS, STEP_MS, Candles, Floats, Ints
from engine.scoring.hours import Hours, fold_hours

SAMPLES = "LIQWATCH_SAMPLES"
STUDY = Path("market") / "btc_2025-11_2026-03"
HOURLY = Path("market") / "multi_venue_1h"
VENUES = ("binance", "bybit", "okx")
OKX_COINS = {"BTC": 0.01, "ETH": 0.1, "SOL": 1.0, "DOGE": 1000.0, "HYPE": 0.1}
"""What a contract of OKX is in coins: its hourly volumes are in contracts."""


def at_ms(text: str) -> int:
    """Return a time UTC, such as 2026-02-01, in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Hold n candles of five minutes with their hours and reports; NaN stands for what is not known.

    `perpetual` is coins traded in each candle on the perpetual contract; `venue_volume` (venues, n) dollars
    traded on each venue in the whole hour *before* the candle's own; `reported` is (hours, 2), longs first.
    """

    candles: Candles
    perpetual: Floats
    funding: Floats
    venue_volume: Floats
    hours: Hours
    reported: Floats

    @property
    def hour_row(self) -> Ints:
        """Return the row of each candle's hour."""
        return np.asarray(self.candles.ts // HOUR_MS - self.hours.first)


def samples() -> Path:
    """Return the folder of recorded data; UserError where none is named or it lacks the study."""
    folder = os.environ.get(SAMPLES)
    if not folder:
        raise UserError(
            f"This needs recorded data that does not ship: {SAMPLES} must name its folder.",
            example=f"{SAMPLES}=/path/to/data liqwatch bench beat_flow",
        )
    if not (Path(folder) / STUDY).is_dir():
        raise UserError(f"{SAMPLES}={folder}: there is no {STUDY} in it.")
    return Path(folder)


def columns(path: Path, what: str) -> dict[str, np.typing.NDArray[np.float64]]:
    """Return columns of a Parquet or CSV file as floats, NaN for what is null."""
    query = f"SELECT {what} FROM '{path}' ORDER BY 1"  # noqa: S608 - both are written in this package
    with duckdb.connect() as store:
        found = store.execute(query).fetchnumpy()
    return {n: np.ma.filled(np.ma.asarray(v, dtype=np.float64), np.nan) for n, v in found.items()}


def read_study(folder: Path) -> Study:
    """Return the study's bars, hours and reports, with perpetual volumes beside them."""
    bars = columns(
        folder / STUDY / "study_bars_5m.parquet", "epoch_ms(ts) AS ts, p, lo, hi, svol, vol, oi, fund"
    )
    price, last = bars["p"], slice(None, -1)
    volume = np.nan_to_num(bars["svol"])
    candles = Candles(
        ts=bars["ts"][last].astype(np.int64),
        open=price[last],
        high=bars["hi"][last],
        low=bars["lo"][last],
        close=price[1:],
        volume=volume[last],
        quote_volume=(volume * price)[last],
        taker_buy_volume=np.full(len(price) - 1, np.nan),
        open_interest=bars["oi"][last],
    )
    hours = fold_hours(candles, step_ms=STEP_MS)
    return Study(
        candles=candles,
        perpetual=bars["vol"][last],
        funding=bars["fund"][last],
        venue_volume=_hour_before(folder, candles.ts),
        hours=hours,
        reported=_reported(folder, hours),
    )


def _reported(folder: Path, hours: Hours) -> Floats:
    """Return what was reported in each hour, NaN where nothing is known or a candle is missing."""
    found = columns(folder / STUDY / "study_liquidations_1h.parquet", "epoch_ms(ts) AS ts, longUsd, shortUsd")
    row = found["ts"].astype(np.int64) // HOUR_MS - hours.first
    inside = (row >= 0) & (row < len(hours))
    usd = np.full((len(hours), 2), np.nan)
    usd[row[inside]] = np.stack([found["longUsd"], found["shortUsd"]], axis=1)[inside]
    usd[~hours.whole] = np.nan
    return usd


def hourly(folder: Path, venue: str, coin: str) -> dict[str, Floats]:
    """Return one venue's hourly candles of a coin: `ts`, `o`, `h`, `l`, `c` and `coins` traded."""
    per = OKX_COINS[coin] if venue == "okx" else 1.0
    path = folder / HOURLY / "candles.parquet"
    own = f"venue = '{venue}' AND coin = '{coin}' AS own"
    what = f"epoch_ms(timestamp) AS ts, o, h, l, c, v * {per} AS coins, {own}"
    found = columns(path, what)
    kept = found.pop("own") > 0
    return {name: values[kept] for name, values in found.items()}


def _hour_before(folder: Path, ts: Ints) -> Floats:
    """Return the dollars that BTC traded on each venue in the hour before each candle's own."""
    out = np.full((len(VENUES), len(ts)), np.nan)
    for nth, venue in enumerate(VENUES):
        bars = hourly(folder, venue, "BTC")
        hour = bars["ts"].astype(np.int64) // HOUR_MS
        wanted = ts // HOUR_MS - 1
        at = np.minimum(np.searchsorted(hour, wanted), len(hour) - 1)
        known = hour[at] == wanted
        out[nth, known] = (bars["coins"] * bars["c"])[at[known]]
    return out
