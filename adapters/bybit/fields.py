"""Read single fields of Bybit's JSON strictly: most numbers come as strings, and "" is "not applicable"."""

import math
import re

from adapters.instruments import Instrument, Instruments
from adapters.parsed import Dropped

VENUE = "bybit"
EARLIEST_MS = 1_230_768_000_000
"""The start of 2009: nothing was traded before."""
LATEST_MS = 253_402_300_800_000
"""The year 10000, beyond which a time cannot be written out."""

_INVERSE = re.compile(r"^[A-Z0-9]+USD([FGHJKMNQUVXZ][0-9]{2})?$")


def number(value: object) -> float | None:
    """Return a number written as a number or a string, None for anything else; it may be infinite or NaN."""
    if isinstance(value, str):
        if "_" in value or not value.isascii():  # Python would read both
            return None
    elif isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def moment(value: object) -> int | None:
    """Return whole milliseconds written as a number or a string, None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


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


def rate(value: object) -> float | Dropped:
    """Return a fraction between -1 and 1, or why it is none."""
    found = number(value)
    if found is None:
        return Dropped.MALFORMED
    return found if -1.0 <= found <= 1.0 else Dropped.IMPOSSIBLE


def instant(value: object) -> int | Dropped:
    """Return milliseconds UTC that market data can have, or why they cannot be."""
    found = moment(value)
    if found is None:
        return Dropped.MALFORMED
    return found if EARLIEST_MS <= found < LATEST_MS else Dropped.IMPOSSIBLE


def first_fault(*values: object) -> Dropped | None:
    """Return the first of some readings that is a reason, None where all were read."""
    for value in values:
        if isinstance(value, Dropped):
            return value
    return None


def plain(value: object, limit: int = 300) -> str:
    """Return a venue's words so that they can be shown and written anywhere: no lone surrogates, not long."""
    if not isinstance(value, str):
        return ""
    return value[:limit].encode("utf-8", "replace").decode("utf-8")


def known(native: object, instruments: Instruments) -> Instrument | Dropped:
    """Return the instrument of the venue's name, or why it is not read: inverse, or not known."""
    if not isinstance(native, str):
        return Dropped.MALFORMED
    found = instruments.native(native)
    if found is not None:
        return found
    return Dropped.NOT_LINEAR if _INVERSE.match(native) else Dropped.NO_INSTRUMENT
