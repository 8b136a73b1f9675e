"""Read single values of OKX's messages: every number and time is text, and nothing is taken on trust."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite

from adapters.parsed import Dropped
from engine.errors import DataError

EARLIEST_MS, LATEST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 and 2100
_LONGEST_TIME = 15
_LONGEST_NUMBER = 64


class Refused(DataError):
    """Say that a row cannot be used, and under which reason it is counted. Never leaves this package."""

    def __init__(self, reason: Dropped) -> None:
        super().__init__(reason.value)
        self.reason = reason


def number(value: object) -> float:
    """Return a finite number, given as text or as a number; raise Refused for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Refused(Dropped.MALFORMED)
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        raise Refused(Dropped.MALFORMED)
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise Refused(Dropped.MALFORMED) from None
    if not isfinite(found):
        raise Refused(Dropped.IMPOSSIBLE)
    return found


def positive(value: object) -> float:
    """Return a number above 0; raise Refused otherwise."""
    found = number(value)
    if found <= 0.0:
        raise Refused(Dropped.IMPOSSIBLE)
    return found


def counted(value: object) -> float:
    """Return a number that is not below 0; raise Refused otherwise."""
    found = number(value)
    if found < 0.0:
        raise Refused(Dropped.IMPOSSIBLE)
    return found


def whole(found: float) -> float:
    """Return what was computed; raise Refused where it has become infinite or nothing at all."""
    if not isfinite(found) or found <= 0.0:
        raise Refused(Dropped.IMPOSSIBLE)
    return found


def moment(value: object) -> int:
    """Return a time in ms UTC between 2009 and 2100; raise Refused otherwise."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdecimal() and len(value) <= _LONGEST_TIME):
            raise Refused(Dropped.MALFORMED)
        found = int(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        found = value
    else:
        raise Refused(Dropped.MALFORMED)
    if not EARLIEST_MS <= found <= LATEST_MS:
        raise Refused(Dropped.IMPOSSIBLE)
    return found


def product(one: object, other: object) -> float:
    """Return the product of two positive numbers, taken in decimals: .01 stays .01."""
    positive(one)
    positive(other)
    first, second = str(one), str(other)
    if max(len(first), len(second)) > _LONGEST_NUMBER:
        raise Refused(Dropped.MALFORMED)
    try:
        return whole(float(Decimal(first) * Decimal(second)))
    except (InvalidOperation, OverflowError):
        raise Refused(Dropped.MALFORMED) from None


def text(row: Mapping[str, object], name: str) -> str:
    """Return a field that is text, "" where it is missing; raise Refused where it is something else."""
    value = row.get(name, "")
    if not isinstance(value, str):
        raise Refused(Dropped.MALFORMED)
    return value


def known(value: object) -> bool:
    """Say whether a field holds anything: OKX writes "" for what it does not know."""
    return value is not None and value != ""
