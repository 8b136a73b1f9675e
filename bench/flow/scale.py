"""Ask two things of hourly candles: whether several venues beat one, and whether a coin wants its own scale.

Hourly steps cost much against five minutes, so that what mixing gives is the difference between hourly runs.
A coin's own scale is judged by what Hyperliquid liquidated a day: found on the first half of its days, or
taken from BTC's in proportion to quote volume, and compared on the second half.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.flow.study import HOURLY, VENUES, columns, hourly
from bench.flow.trial import Trial
from engine.calibration import BTC_USD_SCALE
from engine.model import DAY_MS, HOUR_MS, Candles, Floats, Ints
from engine.presets import FLOW
from engine.scoring.hours import fold_hours
from engine.scoring.measures import Interval
from engine.scoring.predict import VenueBars, predict_all

COINS = ("BTC", "ETH", "SOL")
"""Those of which Hyperliquid's file has 50 days; of DOGE and HYPE it has a dozen."""


def venue_bars(folder: Path, venue: str, coin: str) -> VenueBars:
    """Return one venue's hourly candles of a coin."""
    bars = hourly(folder, venue, coin)
    unknown = np.full(len(bars["ts"]), np.nan)
    candles = Candles(
        ts=bars["ts"].astype(np.int64),
        open=bars["o"],
        high=np.maximum(bars["h"], np.maximum(bars["o"], bars["c"])),
        low=np.minimum(bars["l"], np.minimum(bars["o"], bars["c"])),
        close=bars["c"],
        volume=bars["coins"],
        quote_volume=bars["coins"] * bars["c"],
        taker_buy_volume=unknown,
        open_interest=unknown,
    )
    return VenueBars(venue=venue, step_ms=HOUR_MS, candles=candles)


def mixing(trial: Trial, folder: Path) -> Iterable[tuple[str, float, Interval]]:
    """Yield what hourly candles of one to three venues explain on the chosen stretch, and gain over one."""
    first: Floats | None = None
    for count in range(1, len(VENUES) + 1):
        bars = [venue_bars(folder, venue, "BTC") for venue in VENUES[:count]]
        walk = predict_all(FLOW, bars, trial.study.hours, usd_scale=BTC_USD_SCALE).walk
        loss = trial.losses(trial.chosen, trial.scaled(walk))
        first = loss if first is None else first
        yield " + ".join(VENUES[:count]), trial.chosen.explained(loss), trial.chosen.gain(first, loss)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Hold reported over predicted dollars of a coin in two halves of its days, by volume's scale.

    `by_volume` and `own` are how far the second half's sum lies from what was expected, as a logarithm: by
    the first half's factor of BTC, and by the coin's own.
    """

    coin: str
    days: int
    first: float
    second: float
    by_volume: float
    own: float


def scales(folder: Path) -> list[Scale]:
    """Return how well scales found on the first half of the days do on the second."""
    found: list[Scale] = []
    volume: dict[str, float] = {}
    for coin in COINS:
        days, reported, predicted, volume[coin] = _days_of(folder, coin)
        predicted = predicted * volume[coin] / volume["BTC"]
        half = len(days) // 2
        first, second = (
            float(reported[part].sum() / predicted[part].sum()) for part in (slice(half), slice(half, None))
        )
        common = found[0].first if found else first
        found.append(
            Scale(
                coin=coin,
                days=len(days),
                first=first,
                second=second,
                by_volume=abs(float(np.log(second / common))),
                own=abs(float(np.log(second / first))),
            )
        )
    return found


def _days_of(folder: Path, coin: str) -> tuple[Ints, Floats, Floats, float]:
    """Return days, USD that Hyperliquid liquidated, USD predicted at BTC's scale, and the hourly volume."""
    path = folder / HOURLY / "liquidation_volume.parquet"
    what = f"epoch_ms(timestamp) AS ts, total_usd, coin = '{coin}' AS own"
    table = columns(path, what)
    own = table["own"] > 0
    days, reported = (table["ts"][own] // DAY_MS).astype(np.int64), table["total_usd"][own]
    bars = venue_bars(folder, "binance", coin)
    hours = fold_hours(bars.candles, step_ms=HOUR_MS)
    walk = predict_all(FLOW, [bars], hours, usd_scale=BTC_USD_SCALE).walk.sum(axis=1)
    by_day = np.bincount(hours.hour // 24 - hours.first // 24, walk).astype(np.float64)
    during = np.isin(bars.candles.ts // DAY_MS, days)
    return days, reported, by_day[days - hours.first // 24], float(bars.candles.quote_volume[during].mean())
