"""Read single fields of ccxt's dictionaries strictly: numbers are numbers, what is not said is None."""

import math
from collections.abc import Mapping

from adapters.parsed import Dropped

EARLIEST_MS = 1_230_768_000_000
"""The start of 2009: nothing was traded before."""
LATEST_MS = 253_402_300_800_000
"""The year 10000, beyond which a time cannot be written out."""
TEXT = 300
"""How much of somebody's words is kept, characters."""


def field(value: object, name: str) -> object:
    """Return a field of a dictionary, None where there is no such thing."""
    return value.get(name) if isinstance(value, Mapping) else None


def number(value: object) -> float | None:
    """Return a number, None for anything else; it may be infinite or NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def positive(value: object) -> float | Dropped:
    """Return a finite number above zero, or why it is none."""
    found = number(value)
    if found is None:
        return Dropped.MALFORMED
    return found if 0.0 < found < math.inf else Dropped.IMPOSSIBLE


def amount(value: object) -> float | Dropped:
    """Return a finite number of at least zero, or why it is none."""
    found = number(value)
    if found is None:
        return Dropped.MALFORMED
    return found if 0.0 <= found < math.inf else Dropped.IMPOSSIBLE


def instant(value: object) -> int | Dropped:
    """Return milliseconds UTC that market data can have, or why they cannot be."""
    found = number(value)
    if found is None or not math.isfinite(found) or found != int(found):
        return Dropped.MALFORMED
    return int(found) if EARLIEST_MS <= found < LATEST_MS else Dropped.IMPOSSIBLE


def text(value: object, limit: int = TEXT) -> str:
    """Return words so that they can be shown anywhere: on one line, no lone surrogates, not long."""
    if not isinstance(value, str):
        return ""
    return " ".join(value.encode("utf-8", "replace").decode("utf-8").split())[:limit]
