"""Read and say the quantities that conditions are made of: percentages, prices, dollars, lengths of time.

Inside, a percentage is a fraction, a length of time is ms, a price and dollars are USD.
"""

import math
import re
from enum import StrEnum

from engine.lang import N_, _, speech

SECOND_MS = 1_000
_TIMES = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", SECOND_MS))
_TIME_UNITS = {
    "s": 1_000,
    "sec": 1_000,
    "second": 1_000,
    "m": 60_000,
    "min": 60_000,
    "minute": 60_000,
    "h": 3_600_000,
    "hr": 3_600_000,
    "hour": 3_600_000,
    "d": 86_400_000,
    "day": 86_400_000,
    "w": 604_800_000,
    "week": 604_800_000,
}
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "mio": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}
_NUMBER = re.compile(r"-?(?:\d{1,15}|\d{1,3}(?:,\d{3}){1,4})?(?:\.\d{1,10})?")
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([a-z]+)")


class Unit(StrEnum):
    """What a parameter counts."""

    PERCENT = "percent"
    PRICE = "price"
    USD = "dollars"
    TIME = "time"
    TIMES = "times"
    RATIO = "ratio"


EXAMPLES = {
    Unit.PERCENT: "3%",
    Unit.PRICE: "60000",
    Unit.USD: "10M",
    Unit.TIME: "15m",
    Unit.TIMES: "5x",
    Unit.RATIO: "2.5",
}

_WRONG = {
    Unit.PERCENT: N_("“{shown}” is not a percent, such as {examples}"),
    Unit.PRICE: N_("“{shown}” is not a price, such as {examples}"),
    Unit.USD: N_("“{shown}” is not an amount in dollars, such as {examples}"),
    Unit.TIME: N_("“{shown}” is not a length of time, such as {examples}"),
    Unit.TIMES: N_("“{shown}” is not a multiple, such as {examples}"),
    Unit.RATIO: N_("“{shown}” is not a ratio, such as {examples}"),
}


def read(unit: Unit, text: str) -> float | int:
    """Return a quantity from one word in small letters; ValueError says what would have been right."""
    try:
        value = _read(unit, text.strip().lower())
    except (ValueError, KeyError):
        value = math.nan
    if not math.isfinite(value):
        shown = text if len(text) <= 24 else text[:23] + "…"
        raise ValueError(_(_WRONG[unit]).format(shown=shown, examples=EXAMPLES[unit]))
    return value


def _read(unit: Unit, text: str) -> float | int:
    """Return a quantity; ValueError or KeyError where the text is none."""
    match unit:
        case Unit.TIME:
            return _time(text)
        case Unit.PERCENT:
            return round(_number(text.removesuffix("%")) / 100.0, 12)
        case Unit.TIMES:
            return _number(text.removesuffix("x").removesuffix("×"))
        case Unit.RATIO:
            return _number(text)
    plain = text.removeprefix("$").removesuffix("$").removesuffix("usdt").removesuffix("usd")
    digits = plain.rstrip("abcdefghijklmnopqrstuvwxyz")
    return _number(digits) * _SCALES[plain[len(digits) :]]


def _number(text: str) -> float:
    """Return a number, its thousands set apart by commas or not."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text.replace(",", ""))


def _time(text: str) -> int:
    """Return ms of 15m, 1h30m, 2days."""
    total, end = 0.0, 0
    for part in _PART.finditer(text):
        name = part[2] if part[2] in _TIME_UNITS else part[2].removesuffix("s")
        if part.start() != end:
            raise ValueError(text)
        total += float(part[1]) * _TIME_UNITS[name]
        end = part.end()
    if end == 0 or end != len(text):
        raise ValueError(text)
    return round(total)


def say(unit: Unit, value: float) -> str:
    """Return a quantity in words: 3 %, $10M, 15 minutes."""
    match unit:
        case Unit.PERCENT:
            return speech().percent(_plain(value * 100), gap=" ")
        case Unit.TIME:
            return say_time(value)
        case Unit.USD:
            return say_usd(value)
        case Unit.TIMES:
            return _("{count} times").format(count=speech().figure(_plain(value)))
        case Unit.PRICE:
            return speech().figure(f"{value:,.10g}" if abs(value) < 1e9 else f"{value:,.0f}")
    return speech().figure(_plain(value))


def typed(unit: Unit, value: float) -> str:
    """Return a quantity as it is typed, so that `read` gives it back."""
    match unit:
        case Unit.PERCENT:
            return f"{_plain(value * 100)}%"
        case Unit.TIME:
            for name, ms in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
                if value % ms == 0:
                    return f"{int(value // ms)}{name}"
            return f"{_plain(value / SECOND_MS)}s"
        case Unit.TIMES:
            return f"{_plain(value)}x"
        case Unit.USD:
            for name, size in (("b", 1e9), ("m", 1e6), ("k", 1e3)):
                if value >= size and float(_plain(value / size)) * size == value:
                    return f"{_plain(value / size)}{name}"
    return _plain(value)


def say_time(ms: float) -> str:
    """Return a length of time in its largest whole units: 1 hour 30 minutes."""
    left, parts = round(ms / SECOND_MS) * SECOND_MS, list[tuple[int, str]]()
    for name, size in _TIMES:
        count, left = divmod(left, size)
        if count:
            parts.append((count, name))
    return speech().lasting(parts or [(0, "second")])


def say_usd(usd: float) -> str:
    """Return dollars in short: $10M, $2.5M, $900k."""
    for size, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(usd) >= size:
            return speech().usd(f"{usd / size:.4g}", name)
    return speech().usd(f"{usd:.4g}")


def _plain(value: float) -> str:
    """Return a number without exponent or trailing zeros."""
    return f"{round(value, 8):.8f}".rstrip("0").rstrip(".") or "0"
