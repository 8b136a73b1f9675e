"""Check candles before anything is computed from them, and lay them out for the kernel."""

import math
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numba import njit

from engine.errors import CandleError
from engine.model import CANDLE_FIELDS, Candles, Floats, Ints

FIELDS = CANDLE_FIELDS[1:]
OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE_VOLUME, TAKER_BUY_VOLUME, OPEN_INTEREST = range(8)
MISALIGNED, ORDER, TWICE, PRICE, RANGE, VOLUMES, QUOTE, KNOWN = range(1, 9)
HUGE = 1e30
"""Quote volume of a bar beyond which a sum of many may not be finite."""
_LATEST_MS = 253_402_300_800_000
"""The year 10000, beyond which a time cannot be written out."""


class Packed(NamedTuple):
    """Hold good candles: times (n,) and values (8, n) in the order of the fields.

    Quote volume is always known: made from volume and prices where the venue gives none.
    """

    ts: Ints
    values: Floats


@njit(cache=True, nogil=True)
def fault_of(bar: Floats) -> int:
    """Return what is wrong with a candle's values, 0 for nothing; fill in its quote volume."""
    for field in range(OPEN, VOLUME):
        if not (math.isfinite(bar[field]) and bar[field] > 0.0):
            return PRICE
    if bar[LOW] > bar[HIGH]:
        return RANGE
    if not (math.isfinite(bar[VOLUME]) and bar[VOLUME] >= 0.0):
        return VOLUMES
    if math.isnan(bar[QUOTE_VOLUME]):
        bar[QUOTE_VOLUME] = bar[VOLUME] * ((bar[HIGH] + bar[LOW] + bar[CLOSE]) / 3.0)
    if not 0.0 <= bar[QUOTE_VOLUME] <= HUGE:
        return QUOTE
    for field in range(TAKER_BUY_VOLUME, OPEN_INTEREST + 1):
        if bar[field] < 0.0 or math.isinf(bar[field]):
            return KNOWN
    return 0


@njit(cache=True, nogil=True)
def first_fault(packed: Packed, step_ms: int, last_ts: int) -> tuple[int, int]:
    """Return the first candle that must be refused and why; -1 and 0 where all are good."""
    for t in range(packed.ts.shape[0]):
        ts = packed.ts[t]
        if ts % step_ms != 0:
            return t, MISALIGNED
        if ts == last_ts:
            return t, TWICE
        if ts < last_ts:
            return t, ORDER
        fault = fault_of(packed.values[:, t])
        if fault != 0:
            return t, fault
        last_ts = ts
    return -1, 0


def pack(candles: Candles, *, step_ms: int, last_ts: int | None) -> Packed:
    """Return copies of good candles that follow `last_ts`.

    Raise CandleError that names the first candle which is out of order, twice there or impossible.
    """
    ts = np.array(candles.ts, np.int64)
    fields = [getattr(candles, name) for name in FIELDS]
    for name, values in zip(FIELDS, fields, strict=True):
        if values.shape != ts.shape:
            raise CandleError(f"candles: {name} has shape {values.shape} for {ts.size} times")
    packed = Packed(ts=ts, values=np.array(fields, np.float64))
    before = np.iinfo(np.int64).min if last_ts is None else last_ts
    index, fault = first_fault(packed, step_ms, before)
    if fault:
        latest = int(ts[index - 1]) if index else before
        reason = _reason(fault, packed.values[:, index], step_ms, latest)
        raise CandleError(f"candle {index} ({_time(int(ts[index]))}): {reason}")
    return packed


def _time(ts: int) -> str:
    if not 0 <= ts < _LATEST_MS:
        return f"ts {ts}"
    return f"{datetime.fromtimestamp(ts / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _reason(fault: int, bar: Floats, step_ms: int, before: int) -> str:
    value = dict(zip(FIELDS, bar.tolist(), strict=True))
    prices = ", ".join(f"{name} {value[name]:g}" for name in FIELDS[: CLOSE + 1])
    known = ", ".join(f"{name} {value[name]:g}" for name in FIELDS[TAKER_BUY_VOLUME:])
    return {
        MISALIGNED: f"its time is not a multiple of {step_ms} ms",
        ORDER: f"it is out of order, the one before is of {_time(before)}",
        TWICE: "it was given twice",
        PRICE: f"a price is not a positive number ({prices})",
        RANGE: f"low {value['low']:g} is above high {value['high']:g}",
        VOLUMES: f"volume {value['volume']:g} is not a number of 0 or more",
        QUOTE: f"quote volume {value['quote_volume']:g} (volume {value['volume']:g}) is impossible",
        KNOWN: f"a value is negative or infinite ({known})",
    }[fault]
