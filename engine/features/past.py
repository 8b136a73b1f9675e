"""Compute features over stored history at many times at once, to the same values as the live ones.

Prices within a candle are not known: each stands for four, a quarter of its length apart, in the order of
`engine.path`. What rests on prices or liquidations is vectorised; the rest moves once a candle or less, and
goes through the live gauges.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.features.gauge import Event
from engine.features.liquidated import USUAL_MS
from engine.features.market import LED, MAKERS
from engine.features.windows import slice_ms, slices, tolerance_ms
from engine.model import (
    STEP_MS,
    Candle,
    Candles,
    Floats,
    Funding,
    Ints,
    Liquidation,
    LongShortRatio,
    Side,
    ZoneEvent,
)
from engine.rules.feature import Feature, Metric

POINTS: Final = 4
"""Prices that a candle stands for: as few as show its open, both extremes and its close."""
_SIDES: Final = {Metric.LIQUIDATED_LONG_USD: Side.LONG, Metric.LIQUIDATED_SHORT_USD: Side.SHORT}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Hold what is stored of one market, each kind in the order of time; `lead` lends the price.

    Liquidations are of all venues and free of repeats. `auto_min_usd` is what `min=auto` means, in USD.
    """

    symbol: str
    lead: str
    candles: Mapping[str, Candles]
    liquidations: tuple[Liquidation, ...] = ()
    funding: tuple[Funding, ...] = ()
    ratios: tuple[LongShortRatio, ...] = ()
    zone_events: tuple[ZoneEvent, ...] = ()
    auto_min_usd: float = float("nan")
    step_ms: int = field(default=STEP_MS)


def points(candles: Candles, step_ms: int = STEP_MS) -> tuple[Ints, Floats]:
    """Return the times and prices that candles stand for, shape (4 n,): open, extremes, close."""
    rose = candles.close >= candles.open
    second = np.where(rose, candles.low, candles.high)
    third = np.where(rose, candles.high, candles.low)
    times = candles.ts[:, None] + np.arange(POINTS, dtype=np.int64) * step_ms // POINTS
    return times.ravel(), np.stack([candles.open, second, third, candles.close], axis=1).ravel()


class Past:
    """Answer for features at the given times, int64 ms shape (n,), rising."""

    def __init__(self, history: History, times: Ints) -> None:
        self.history, self.times = history, times
        self._series: dict[str, tuple[Ints, Floats]] = {}
        self._usd: dict[tuple[str, Side | None], tuple[Ints, Ints]] = {}

    def price(self, venue: str = "") -> Floats:
        """Return the newest price at each time."""
        ts, prices = self._prices(venue)
        return _known(prices, np.searchsorted(ts, self.times, "right") - 1)

    def values(self, feature: Feature) -> Floats:
        """Return a feature at each time, shape (n,), NaN while unknown."""
        whole: dict[Metric, Callable[[Feature], Floats]] = {
            Metric.PRICE: lambda f: self.price(f.venue),
            Metric.PRICE_CHANGE: lambda f: self.price(f.venue) / self._ago(f) - 1.0,
            Metric.RANGE_HIGH: self._beyond,
            Metric.RANGE_LOW: self._beyond,
            Metric.RISE: self._off,
            Metric.FALL: self._off,
            Metric.LIQUIDATED_USD: lambda f: self._liquidated(f, f.window_ms),
            Metric.LIQUIDATED_LONG_USD: lambda f: self._liquidated(f, f.window_ms),
            Metric.LIQUIDATED_SHORT_USD: lambda f: self._liquidated(f, f.window_ms),
            Metric.LIQUIDATED_MULTIPLE: self._multiple,
            Metric.LARGEST_LIQUIDATION_USD: self._largest,
        }
        return whole.get(feature.metric, self._through)(feature)

    def _prices(self, venue: str) -> tuple[Ints, Floats]:
        name = venue or self.history.lead
        if name not in self._series:
            candles = self.history.candles.get(name, Candles.empty())
            self._series[name] = points(candles, self.history.step_ms)
        return self._series[name]

    def _ago(self, feature: Feature) -> Floats:
        """Return the price that stood a window ago: the last of its slice."""
        ts, prices = self._prices(feature.venue)
        if not len(ts):
            return np.full(len(self.times), np.nan)
        cut = ts // slice_ms(feature.window_ms)
        last = np.append(cut[1:] != cut[:-1], True)
        ts, prices = ts[last], prices[last]
        asked = self.times - feature.window_ms
        row = np.searchsorted(ts, asked, "right") - 1
        found = _known(prices, row)
        found[asked - ts[np.maximum(row, 0)] > tolerance_ms(feature.window_ms)] = np.nan
        return found

    def _beyond(self, feature: Feature) -> Floats:
        """Return how far price is beyond the extreme of the slices before the present one."""
        sign = 1 if feature.metric is Metric.RANGE_HIGH else -1
        ts, prices = self._prices(feature.venue)
        cut, size = slice_ms(feature.window_ms), slices(feature.window_ms)
        first = np.searchsorted(ts // cut, self.times // cut - size - 1, "right")
        end = np.searchsorted(ts // cut, self.times // cut)
        extreme = sign * _highest(prices * sign, first, end)
        values: Floats = sign * (self.price(feature.venue) / extreme - 1.0)
        return self._covered(feature, values)

    def _off(self, feature: Feature) -> Floats:
        """Return how far price is off the extreme of the newest slices."""
        sign = 1 if feature.metric is Metric.FALL else -1
        ts, prices = self._prices(feature.venue)
        cut, size = slice_ms(feature.window_ms), slices(feature.window_ms)
        first = np.searchsorted(ts // cut, self.times // cut - size, "right")
        extreme = sign * _highest(prices * sign, first, np.searchsorted(ts, self.times, "right"))
        values: Floats = sign * (1.0 - self.price(feature.venue) / extreme)
        return self._covered(feature, values)

    def _covered(self, feature: Feature, values: Floats) -> Floats:
        """Return values with NaN where prices do not reach back over the window."""
        ts, _ = self._prices(feature.venue)
        if not len(ts):
            return values
        begins = np.append(True, np.diff(ts) > max(feature.window_ms, 1))
        since = np.maximum.accumulate(np.where(begins, ts, ts[0]))
        row = np.searchsorted(ts, self.times, "right") - 1
        known = (row >= 0) & (self.times - since[np.maximum(row, 0)] >= feature.window_ms)
        return np.where(known, values, np.nan)

    def _reports(self, venue: str, side: Side | None) -> tuple[Ints, Ints]:
        """Return times and cents of liquidations."""
        if (venue, side) not in self._usd:
            kept = [
                each
                for each in self.history.liquidations
                if venue in ("", each.venue) and side in (None, each.side)
            ]
            ts = np.array([each.ts for each in kept], np.int64)
            cents = np.array([round(each.notional_usd * 100) for each in kept], np.int64)
            order = np.argsort(ts, kind="stable")
            self._usd[venue, side] = (ts[order], cents[order])
        return self._usd[venue, side]

    def _since(self, venue: str) -> int:
        """Return when reports of a venue begin; later than all times where there is none."""
        ts, _ = self._reports(venue, None)
        return int(ts[0]) if len(ts) else int(np.iinfo(np.int64).max // 2)

    def _liquidated(self, feature: Feature, window_ms: int) -> Floats:
        side = _SIDES.get(feature.metric)
        ts, cents = self._reports(feature.venue, side)
        total = np.concatenate([np.zeros(1, np.int64), np.cumsum(cents)])
        cut = slice_ms(window_ms)
        first = np.searchsorted(ts // cut, self.times // cut - slices(window_ms), "right")
        usd = (total[np.searchsorted(ts, self.times, "right")] - total[first]) / 100
        return np.where(self.times >= self._since(feature.venue), usd, np.nan)

    def _multiple(self, feature: Feature) -> Floats:
        now, day = self._liquidated(feature, feature.window_ms), self._liquidated(feature, USUAL_MS)
        known = (self.times - self._since(feature.venue) >= USUAL_MS) & (day > 0)
        usual = np.where(known, day, np.nan) * (feature.window_ms / USUAL_MS)
        return np.asarray(now / usual)

    def _largest(self, feature: Feature) -> Floats:
        ts, _ = self._reports(feature.venue, None)
        kept = [e for e in self.history.liquidations if feature.venue in ("", e.venue)]
        usd = np.array([e.notional_usd for e in sorted(kept, key=lambda e: e.ts)])
        cut = slice_ms(feature.window_ms)
        first = np.searchsorted(ts // cut, self.times // cut - slices(feature.window_ms), "right")
        most = _highest(usd, first, np.searchsorted(ts, self.times, "right"))
        return np.where(self.times >= self._since(feature.venue), np.nan_to_num(most), np.nan)

    def _events(self, feature: Feature) -> list[tuple[int, Event]]:
        """Return what a live gauge of a feature would be given, with when it was known, in that order."""
        history, wants = self.history, MAKERS[feature.metric](feature).wants
        venue = feature.venue or (history.lead if feature.metric in LED else "")
        found: list[tuple[int, Event]] = []
        if Candle in wants:
            for name, candles in history.candles.items():
                if venue in ("", name):
                    found += bars(name, history.symbol, candles, history.step_ms)
        for kind, events in ((Funding, history.funding), (LongShortRatio, history.ratios)):
            if kind in wants:
                found += [(each.ts, each) for each in events if venue in ("", each.venue)]
        return sorted(found, key=lambda known: known[0])

    def _through(self, feature: Feature) -> Floats:
        """Return what a live gauge says at each time."""
        gauge, events = MAKERS[feature.metric](feature), self._events(feature)
        values, at = np.empty(len(self.times)), 0
        for row, now in enumerate(self.times.tolist()):
            while at < len(events) and events[at][0] <= now:
                gauge.take(events[at][1])
                at += 1
            values[row] = gauge.value(now)
        return values


def bars(venue: str, symbol: str, candles: Candles, step_ms: int) -> list[tuple[int, Event]]:
    """Return closed candles with when each was known; only what gauges look at is filled in."""
    columns = (candles.ts, candles.close, candles.volume, candles.open_interest)
    return [
        (
            ts + step_ms,
            Candle(
                venue=venue,
                symbol=symbol,
                ts=ts,
                open=close,
                high=close,
                low=close,
                close=close,
                volume=volume,
                open_interest=coins,
            ),
        )
        for ts, close, volume, coins in zip(*(c.tolist() for c in columns), strict=True)
    ]


def _known(values: Floats, row: Ints) -> Floats:
    """Return values by row, NaN where there is no row before."""
    if not len(values):
        return np.full(len(row), np.nan)
    return np.where(row >= 0, values[np.maximum(row, 0)], np.nan)


def _highest(values: Floats, first: Ints, end: Ints) -> Floats:
    """Return the highest of values[first:end] for each pair, NaN where there is none; O(n log n)."""
    found = np.full(len(first), np.nan)
    length = end - first
    some = length > 0
    if not some.any():
        return found
    level, best = 0, values
    while (1 << level) <= int(length.max()):
        rows = some & ((length >> level) == 1)
        found[rows] = np.maximum(best[first[rows]], best[end[rows] - (1 << level)])
        best = (
            np.maximum(best[: -(1 << level) or None], best[(1 << level) :])
            if len(best) > 1 << level
            else best
        )
        level += 1
    return found
