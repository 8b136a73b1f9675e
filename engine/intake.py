"""Check candles before anything is computed from them, and pack them for the kernel."""

from datetime import UTC, datetime

import numpy as np

from engine import assemble
from engine.errors import CandleError
from engine.kernel import Bars
from engine.model import CANDLE_FIELDS, Candles, Floats

_PRICES = ("open", "high", "low", "close")
_LATEST_MS = 253_402_300_800_000
"""The year 10000, beyond which a time cannot be written out."""


def pack(candles: Candles, *, step_ms: int, last_ts: int | None) -> Bars:
    """Return the arrays of good candles that follow `last_ts`.

    Raise CandleError that names the first candle which is out of order, twice there or impossible.
    """
    ts = np.array(candles.ts, np.int64)
    bars = Bars(ts=ts, values=np.empty((len(CANDLE_FIELDS) - 1, ts.size)))
    for row, name in enumerate(CANDLE_FIELDS[1:]):
        values = np.asarray(getattr(candles, name))
        if values.shape != (ts.size,):
            raise CandleError(f"candles: {name} has shape {values.shape} for {ts.size} times")
        bars.values[row] = values
    before = np.iinfo(np.int64).min if last_ts is None else last_ts
    index, fault = assemble.first_fault(bars, step_ms, before)
    if fault:
        latest = int(ts[index - 1]) if index else before
        raise CandleError(
            f"{_name(index, int(ts[index]))}: {_reason(fault, bars.values[:, index], step_ms, latest)}"
        )
    return bars


def _name(index: int, ts: int) -> str:
    return f"candle {index} ({_time(ts)})"


def _time(ts: int) -> str:
    if not 0 <= ts < _LATEST_MS:
        return f"ts {ts}"
    return f"{datetime.fromtimestamp(ts / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _reason(fault: int, bar: Floats, step_ms: int, before: int) -> str:
    value = dict(zip(CANDLE_FIELDS[1:], bar.tolist(), strict=True))
    prices = ", ".join(f"{name} {value[name]:g}" for name in _PRICES)
    known = ", ".join(f"{name} {value[name]:g}" for name in ("taker_buy_volume", "open_interest"))
    return {
        assemble.MISALIGNED: f"its time is not a multiple of {step_ms} ms",
        assemble.ORDER: f"it is out of order, the one before is of {_time(before)}",
        assemble.TWICE: "it was given twice",
        assemble.PRICE: f"a price is not a positive number ({prices})",
        assemble.RANGE: f"low {value['low']:g} is above high {value['high']:g}",
        assemble.VOLUMES: f"volume {value['volume']:g} is not a number of 0 or more",
        assemble.QUOTE: f"quote volume {value['quote_volume']:g} (volume {value['volume']:g}) is impossible",
        assemble.KNOWN: f"a value is negative or infinite ({known})",
    }[fault]
