"""Follow one symbol with `flow` and with its baseline, and say what stood when a candle closed."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bot.validating.journal import Line
from engine.heatmap import Heatmap
from engine.model import DAY_MS, STEP_MS, Candles, Side, ZoneSet
from engine.presets import FLOW, Preset
from engine.standing import Standing
from engine.validation import DISTANCE_ONLY, Stood, depth_of, marks_of
from engine.zones import ZoneBook, ZoneParams

MODEL = FLOW.name
BLOCK = 1440
"""Candles fed in one go, which bounds the memory."""


@dataclass(slots=True)
class _Follower:
    """One model with its zones."""

    heatmap: Heatmap
    zones: ZoneBook

    def feed(self, candles: Candles, zones_from: int) -> None:
        for at in range(0, len(candles), BLOCK):
            part = candles[at : at + BLOCK]
            columns = self.heatmap.feed(part)
            first = int(np.searchsorted(part.ts, zones_from))
            if first < len(part):
                rows = slice(first, len(part))
                self.zones.feed(columns[rows], part[rows])

    def stood(self, price: float, params: ZoneParams) -> dict[str, Any] | None:
        """Return what stands in plain values, None while zones cannot be told yet."""
        current = self.zones.current
        if current is None or not current.threshold_ready:
            return None
        depth = depth_of(Standing.of(self.heatmap.column()), price, params)
        long, short = np.rint(depth).astype(np.int64).tolist()
        return {"zones": _bands(current), "long_usd": long, "short_usd": short}


class Models:
    """Follow one symbol on one venue: `flow`, and the same with even volume, which knows distance alone."""

    def __init__(self, venue: str, symbol: str, *, usd_scale: float, params: ZoneParams) -> None:
        self.symbol = symbol
        self._params = params
        self._followers = {
            name: _Follower(_heatmap(FLOW, usd_scale), ZoneBook(venue, symbol, params))
            for name in (MODEL, DISTANCE_ONLY)
        }
        self._price = float("nan")

    @property
    def last_ts(self) -> int | None:
        """Return the open of the newest candle, None before the first."""
        return self._followers[MODEL].heatmap.last_ts

    def feed(self, candles: Candles) -> None:
        """Take candles that follow those before; raise CandleError for an impossible one. For a thread."""
        if not len(candles):
            return
        even = np.ones(len(candles))
        parts = {MODEL: candles, DISTANCE_ONLY: replace(candles, volume=even, quote_volume=even)}
        zones_from = int(candles.ts[-1]) - (self._params.days + 1) * DAY_MS
        for name, follower in self._followers.items():
            follower.feed(parts[name], zones_from)
        self._price = float(candles.close[-1])

    def predicted(self) -> Line | None:
        """Return what stands from the newest close on as a line, None while it cannot be told yet."""
        if self.last_ts is None:
            return None
        stood = {name: each.stood(self._price, self._params) for name, each in self._followers.items()}
        if stood[MODEL] is None or stood[DISTANCE_ONLY] is None:
            return None
        head = {"kind": "predicted", "symbol": self.symbol, "ts": self.last_ts + STEP_MS}
        return {**head, "price": self._price, "stood": stood}


def _heatmap(preset: Preset, usd_scale: float) -> Heatmap:
    return Heatmap(preset, usd_scale=usd_scale)


def _bands(zones: ZoneSet) -> list[list[object]]:
    return [[zone.side.value, zone.low, zone.high, round(zone.notional_usd)] for zone in zones.zones]


def stood_of(line: Line, params: ZoneParams) -> dict[str, Stood]:
    """Return what a line says that stood, by model."""
    price = float(line["price"])
    return {
        name: Stood(
            marks=marks_of([(Side(side), low, high) for side, low, high, _ in said["zones"]], price, params),
            depth=np.array([said["long_usd"], said["short_usd"]], np.float64),
        )
        for name, said in line["stood"].items()
    }
