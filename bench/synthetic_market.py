"""Make a market whose positions are known: price, both books, lives, take-profits, stops, liquidations.

Nothing of the heatmap's model goes into it: leverages come from a ladder through a venue's margin formula,
entries from where price was in the minute, and only candles, volume and open interest come out, as they do
from a venue. What stood where at any time can then be compared with what a surface says.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from config.tiers import TierBook
from engine.errors import DataError
from engine.margin.ladder import distances
from engine.margin.venues import rules_of
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Candles, Floats, Ints
from engine.presets import BIN_LOG

VENUE, SYMBOL = "binance", "BTCUSDT"
MINUTE_MS = 60_000
STEP_MIN = STEP_MS // MINUTE_MS
DAY_MIN = DAY_MS // MINUTE_MS
START_MS = 1_735_689_600_000
START_PRICE = 60_000.0
PRICE_VOL = 5e-4
"""Standard deviation of a minute's log return while volatility is at its mean: 1.9 % a day."""
JUMPS_A_DAY, JUMP = 1.5, 0.006
QUOTE_VOLUME_USD = 5e7
HEDGED_USD = 5e8
WAVES_H = (36, 3)
"""Half-lives of the waves in which volume comes and goes."""
LIQUIDATED, STOPPED, IN_PROFIT, ENDED = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Say what a market is made of; the same recipe gives the same market.

    `leverages` are drawn by `leverage_shares`; `opening` is the part of volume that opens positions with
    borrowed money, on each side, in `lots` lots a candle. A life ends by itself with one of the half-lives.
    `take_profits` and `stops` are the shares of lots that have one: at a lognormal distance with this median,
    and at a random part of the way to liquidation.
    """

    days: int = 60
    seed: int = 1
    lots: int = 48
    opening: float = 0.06
    leverages: tuple[float, ...] = (3, 5, 10, 20, 25, 50, 75, 100, 125)
    leverage_shares: tuple[float, ...] = (0.12, 0.18, 0.25, 0.14, 0.10, 0.11, 0.03, 0.05, 0.02)
    half_lives_h: tuple[float, ...] = (0.7, 36.0)
    half_life_shares: tuple[float, ...] = (0.6, 0.4)
    take_profits: float = 0.7
    take_profit: float = 0.012
    stops: float = 0.3
    bursts: tuple[tuple[int, float], ...] = ()
    """Five-minute candles, by number, and how many times their volume and openings are multiplied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """Hold every position there ever was, shape (n,): opened as minute `opened` ends, gone in `gone`."""

    short: npt.NDArray[np.bool_]
    opened: Ints
    gone: Ints
    how: Ints
    entry: Floats
    liquidation: Floats
    quantity: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticMarket:
    """Hold what a venue would publish, and what it would not."""

    candles: Candles
    lots: Lots

    def book(self, ts: int, close_bin: int, bins: int) -> Floats:
        """Return the USD that stands at `ts`, (2, bins): by bin away from `close_bin`, longs first.

        Bins are those of a heatmap's columns; a position counts where it is liquidated, at its worth there.
        """
        lots, minute = self.lots, (ts - int(self.candles.ts[0])) // MINUTE_MS
        standing = np.flatnonzero((lots.opened < minute) & (lots.gone >= minute))
        at = np.floor(np.log(lots.liquidation[standing]) / BIN_LOG).astype(np.int64) - close_bin
        short = lots.short[standing]
        away = np.where(short, at, -at)
        seen = (away >= 0) & (away < bins)
        found = np.zeros((2, bins))
        usd = lots.quantity[standing] * lots.liquidation[standing]
        np.add.at(found, (short[seen].astype(np.int64), away[seen]), usd[seen])
        return found

    def liquidated_usd(self) -> Floats:
        """Return the USD liquidated in each hour, (hours, 2), longs first."""
        lots = self.lots
        gone = np.flatnonzero(lots.how == LIQUIDATED)
        hour = lots.gone[gone] * MINUTE_MS // HOUR_MS
        found = np.zeros((len(self.candles) * STEP_MS // HOUR_MS, 2))
        usd = lots.quantity[gone] * lots.liquidation[gone]
        np.add.at(found, (hour, lots.short[gone].astype(np.int64)), usd)
        return found


def make(recipe: Recipe) -> SyntheticMarket:
    """Return the market of a recipe."""
    rng = np.random.default_rng(recipe.seed)
    price, volatility = _path(rng, recipe.days * DAY_MIN)
    bars = price.reshape(-1, STEP_MIN)
    volume_usd = _volume(rng, bars, volatility, recipe)
    lots = _lots(rng, recipe, price, volume_usd)
    opens = np.concatenate([[START_PRICE], bars[:-1, -1]])
    candles = Candles(
        ts=START_MS + STEP_MS * np.arange(len(bars), dtype=np.int64),
        open=opens,
        high=np.maximum(opens, bars.max(axis=1)),
        low=np.minimum(opens, bars.min(axis=1)),
        close=bars[:, -1].copy(),
        volume=volume_usd / bars.mean(axis=1),
        quote_volume=volume_usd,
        taker_buy_volume=np.full(len(bars), np.nan),
        open_interest=_open_interest(lots, len(bars)),
    )
    return SyntheticMarket(candles=candles, lots=lots)


def _drift(rng: np.random.Generator, count: int, *, half_life: float, spread: float) -> Floats:
    """Return a series about 0 with this standard deviation that comes back with this half-life."""
    keep = 0.5 ** (1.0 / half_life)
    noise = rng.normal(0.0, spread * math.sqrt(1.0 - keep * keep), count)
    noise[0] = rng.normal(0.0, spread)
    return _cumulate(noise, keep)


@njit(cache=True)
def _cumulate(noise: Floats, keep: float) -> Floats:
    """Return sums of noise that forget: each is `keep` times the last plus the new."""
    out = np.empty_like(noise)
    total = 0.0
    for i in range(noise.size):
        total = keep * total + noise[i]
        out[i] = total
    return out


def _path(rng: np.random.Generator, minutes: int) -> tuple[Floats, Floats]:
    """Return prices at the ends of minutes, and their volatility: it clusters, and price sometimes jumps."""
    volatility = np.exp(_drift(rng, minutes, half_life=12 * 60, spread=0.5) - 0.125)
    jump = rng.random(minutes) < JUMPS_A_DAY / DAY_MIN
    moves = PRICE_VOL * volatility * rng.normal(size=minutes) + jump * rng.laplace(0.0, JUMP, minutes)
    return START_PRICE * np.exp(np.cumsum(moves)), volatility


def _volume(rng: np.random.Generator, bars: Floats, volatility: Floats, recipe: Recipe) -> Floats:
    """Return quote volume of five minutes: more when price moves, by day, and in waves of its own."""
    count = len(bars)
    moved = np.abs(np.log(bars[:, -1] / bars[:, 0])) / PRICE_VOL
    day = 1.0 + 0.4 * np.sin(2 * math.pi * np.arange(count) * STEP_MS / DAY_MS)
    slow, fast = (_drift(rng, count, half_life=h * 12, spread=0.6) for h in WAVES_H)
    waves = np.exp(slow + fast + rng.normal(0.0, 0.4, count) - 0.44)
    volume = QUOTE_VOLUME_USD * day * waves * volatility[::STEP_MIN] ** 0.7 * (0.6 + 0.2 * moved)
    for candle, times in recipe.bursts:
        volume[candle] *= times
    return np.asarray(volume)


def _lots(rng: np.random.Generator, recipe: Recipe, price: Floats, volume_usd: Floats) -> Lots:
    """Return all positions: opened in the minutes of their candle, and followed until each is gone."""
    count, shape = len(volume_usd), (len(volume_usd), 2, recipe.lots)
    tilt = rng.gamma(4.0, 0.25, (count, 2, 1))
    parts = rng.exponential(1.0, shape)
    usd = recipe.opening * volume_usd[:, None, None] * tilt * parts / parts.sum(axis=2, keepdims=True)
    opened = (np.arange(count)[:, None, None] * STEP_MIN + rng.integers(0, STEP_MIN, shape)).ravel()
    short = np.broadcast_to(np.array([False, True])[None, :, None], shape).ravel()
    entry = price[opened]
    away = _distance(rng, recipe, short)
    way = np.where(short, 1.0, -1.0)
    stop = np.where(rng.random(short.size) < recipe.stops, rng.uniform(0.3, 0.9, short.size), np.inf)
    profit = recipe.take_profit * np.exp(rng.normal(0.0, 0.6, short.size))
    profit[rng.random(short.size) >= recipe.take_profits] = np.inf
    half_life_h = rng.choice(recipe.half_lives_h, short.size, p=recipe.half_life_shares)
    life = np.ceil(rng.exponential(half_life_h * 60 / math.log(2))).astype(np.int64)
    gone, how = _follow(np.log(price), opened, way, np.stack([away, stop * away, profit]), life)
    return Lots(
        short=short,
        opened=opened,
        gone=gone,
        how=how,
        entry=entry,
        liquidation=entry * (1.0 + way * away),
        quantity=usd.ravel() / entry,
    )


def _distance(rng: np.random.Generator, recipe: Recipe, short: npt.NDArray[np.bool_]) -> Floats:
    """Return how far from entry each lot is liquidated: by the venue's formula, some with margin added."""
    table = TierBook().table(VENUE, SYMBOL)
    if table is None:
        raise DataError(f"there are no margin tiers of {SYMBOL} on {VENUE}")
    rungs = distances(rules_of(VENUE), table, np.asarray(recipe.leverages, float))
    rung = rng.choice(len(recipe.leverages), short.size, p=recipe.leverage_shares)
    added = 1.0 + np.maximum(rng.normal(0.0, 0.2, short.size), 0.0)
    return np.asarray(np.minimum(np.where(short, rungs.short[rung], rungs.long[rung]) * added, 0.9))


@njit(cache=True)
def _follow(log_price: Floats, opened: Ints, way: Floats, marks: Floats, life: Ints) -> tuple[Ints, Ints]:
    """Return in which minute each lot is gone and how; lots that never go get the minute after the last.

    `way` is the direction that hurts, `marks` (3, lots) the fractions of entry to liquidation, to the stop
    and to the take-profit.
    """
    gone = np.empty_like(opened)
    how = np.empty_like(opened)
    last = log_price.size
    for i in range(opened.size):
        start = log_price[opened[i]]
        hurt = math.log1p(way[i] * marks[0, i]) * way[i]
        stop = math.log1p(way[i] * min(marks[1, i], 0.95)) * way[i] if marks[1, i] < 1.0 else math.inf
        goal = -math.log1p(-way[i] * min(marks[2, i], 0.95)) * way[i] if marks[2, i] < 1.0 else math.inf
        end = min(opened[i] + life[i], last)
        gone[i] = end
        how[i] = ENDED
        for minute in range(opened[i] + 1, end):
            moved = (log_price[minute] - start) * way[i]
            if moved >= min(hurt, stop):
                gone[i] = minute
                how[i] = LIQUIDATED if hurt <= stop else STOPPED
                break
            if -moved >= goal:
                gone[i] = minute
                how[i] = IN_PROFIT
                break
    return gone, how


def _open_interest(lots: Lots, candles: int) -> Floats:
    """Return coins open at each candle's end: the larger book; hedgers hold what the other lacks."""
    change = np.zeros((2, candles + 1))
    side = lots.short.astype(np.int64)
    np.add.at(change, (side, lots.opened // STEP_MIN), lots.quantity)
    np.add.at(change, (side, np.minimum(lots.gone // STEP_MIN, candles)), -lots.quantity)
    return np.asarray(HEDGED_USD / START_PRICE + np.cumsum(change[:, :-1], axis=1).max(axis=0))
