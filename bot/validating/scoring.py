"""Turn what was recorded of a candle into a line, and the lines of a run into its summary."""

import bisect
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from adapters.coverage import coverage
from bot.validating.journal import Journal, Line
from bot.validating.models import MODEL, stood_of
from bot.validating.words import sentences
from engine.model import HOUR_MS, Candle, Liquidation, PriceKind, Side, Tick
from engine.validation import Moment, Verdict, judge, placed, reach_of
from engine.zones import ZoneParams

SEED = 1
TICKS = 20_000
"""How many prices of a symbol are remembered: those of a candle and a little more."""


class Prices:
    """Know what the price of a symbol was lately, by the venue's time."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float]] = deque(maxlen=TICKS)

    def add(self, tick: Tick) -> None:
        """Take a price in."""
        if not self._seen or tick.ts >= self._seen[-1][0]:
            self._seen.append((tick.ts, tick.price))

    def at(self, ts: int) -> float | None:
        """Return the newest price at or before a time, None where none is known."""
        place = bisect.bisect_right(self._seen, ts, key=lambda seen: seen[0])
        return self._seen[place - 1][1] if place else None


def price_of(found: Liquidation, prices: Prices) -> float:
    """Return the price at which somebody was liquidated.

    A bankruptcy price lies beyond it by the position's margin: there the price that was traded stands in.
    """
    traded = prices.at(found.ts) if found.price_kind is PriceKind.BANKRUPTCY else None
    return found.price if traded is None else traded


def scored(
    candle: Candle, predicted: Line, found: Sequence[Liquidation], prices: Prices, *, whole: bool
) -> Line:
    """Return the line about the candle after a prediction; `whole` says that nothing of it was missed."""
    return {
        "kind": "scored",
        "symbol": candle.symbol,
        "ts": predicted["ts"],
        "low": candle.low,
        "high": candle.high,
        "whole": whole,
        "liquidations": [[e.side.value, price_of(e, prices), round(e.notional_usd, 2)] for e in found],
    }


def moments_of(journal: Journal, params: ZoneParams) -> list[Moment]:
    """Return the moments of a run whose next candle was recorded whole."""
    predicted = {(line["symbol"], line["ts"]): line for line in journal.of("predicted")}
    done = {(line["symbol"], line["ts"]): line for line in journal.of("scored") if line["whole"]}
    return [_moment(predicted[key], done[key], params) for key in sorted(done) if key in predicted]


def _moment(predicted: Line, done: Line, params: ZoneParams) -> Moment:
    price = float(predicted["price"])
    reach = reach_of(price, float(done["low"]), float(done["high"]))
    found = [(Side(side), at, usd) for side, at, usd in done["liquidations"]]
    usd, elsewhere = placed(price, reach, found, params)
    return Moment(
        hour=int(done["ts"]) // HOUR_MS,
        reach=reach,
        usd=usd,
        elsewhere_usd=elsewhere,
        count=len(found),
        stood=stood_of(predicted, params),
    )


def summary(journal: Journal, params: ZoneParams) -> Line:
    """Return a run's last line: figures, and in words what they allow to say. For a thread."""
    verdict = judge(moments_of(journal, params), params, seed=SEED, model=MODEL)
    missed = sum(not line["whole"] for line in journal.of("scored"))
    seen = coverage(journal.wish.venue)
    return {
        "kind": "summary",
        "venue": journal.wish.venue,
        "symbols": list(journal.wish.symbols),
        "candles": verdict.moments,
        "candles_not_whole": missed,
        "hours": verdict.hours,
        "hours_with_any": verdict.hours_with_any,
        "liquidations": verdict.liquidations,
        "usd": round(verdict.usd, 2),
        "elsewhere_usd": round(verdict.elsewhere_usd, 2),
        "scores": [_figures(asdict(each), intervals=verdict.has_intervals) for each in verdict.scores],
        "ranks": {name: _known(value) for name, value in verdict.ranks.items()},
        "coverage": {"kind": seen.kind.value, "says": seen.sentence},
        "says": _said(verdict, journal),
    }


def _said(verdict: Verdict, journal: Journal) -> list[str]:
    return list(sentences(verdict, journal.wish.venue))


def _figures(score: dict[str, Any], *, intervals: bool) -> dict[str, object]:
    """Return a score in plain values, without the horizon, and without intervals that mean nothing."""
    del score["horizon_h"]
    return {
        name: {part: _known(v) if intervals or part == "value" else None for part, v in value.items()}
        if isinstance(value, dict)
        else (_known(value) if isinstance(value, float) else value)
        for name, value in score.items()
    }


def _known(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(np.float64(value)) else None
