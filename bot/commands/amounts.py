"""Read amounts the way people type them: dollars, durations, percentages, times of day."""

import math
import re

from bot.lang import _
from engine.errors import UserError

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS

MAX_USD = 1e13
MAX_DURATION_MS = 3_650 * DAY_MS

USD_UNITS = {
    "": 1.0,
    "k": 1e3,
    "thousand": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mm": 1e6,
    "mio": 1e6,
    "mil": 1e6,
    "million": 1e6,
    "millions": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "billion": 1e9,
    "billions": 1e9,
}
DURATION_UNITS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), SECOND_MS),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), MINUTE_MS),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), HOUR_MS),
    **dict.fromkeys(("d", "day", "days"), DAY_MS),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), WEEK_MS),
}

_USD = re.compile(
    r"(?:us?\$|\$|usd[t]?)?\s*([\d.,'_ ]*\d[\d.,'_]*(?:e[+-]?\d{1,2})?)\s*([a-z]*)\s*(?:\$|usd[t]?)?"
)
_DURATION_PART = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]+)")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm)?")
_PERCENT = re.compile(r"(\d*[.,]?\d+)\s*%?")


def read_usd(text: str) -> float:
    """Return dollars: `1.5k`, `10M`, `$2,000,000`, `250 thousand`. Raise UserError otherwise."""
    plain = text.strip().lower()
    for currency in ("usdt", "usd"):
        plain = plain.removesuffix(currency).strip()
    match = _USD.fullmatch(plain)
    if match is None or match[2] not in USD_UNITS:
        raise UserError(
            _("{text} is not an amount in dollars. Try 10M, 1.5k or $2,000,000.").format(text=quoted(text))
        )
    value = _plain_number(match[1], text) * USD_UNITS[match[2]]
    if not math.isfinite(value) or value <= 0 or value > MAX_USD:
        raise UserError(
            _("{text} is not an amount I can watch for. Try something like 10M.").format(text=quoted(text))
        )
    return value


def _plain_number(digits: str, whole: str) -> float:
    """Return a number whose groups and decimals are told apart: 2,000,000 and 1,5 and 2.000.000."""
    bare = re.sub(r"['_ ]", "", digits)
    marks = {mark for mark in ".," if mark in bare}
    if len(marks) == 2:
        decimal = max(marks, key=bare.rindex)
        bare = bare.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    elif marks:
        mark = marks.pop()
        grouped = re.fullmatch(rf"[1-9]\d{{0,2}}(\{mark}\d{{3}})+", bare) is not None
        several = bare.count(mark) > 1
        as_groups = grouped and (several or mark == ",")
        bare = bare.replace(mark, "") if as_groups else bare.replace(mark, ".")
    try:
        return float(bare)
    except ValueError:
        raise UserError(
            _("{whole} is not a number I can read. Try 10M, 1.5k or $2,000,000.").format(whole=quoted(whole))
        ) from None


def read_duration(text: str) -> int:
    """Return milliseconds: `15m`, `4h`, `3d`, `1d12h`, `90 minutes`. Raise UserError otherwise."""
    plain = re.sub(r"(?<=[a-z]),|\band\b|\s+", "", text.strip().lower())
    if re.fullmatch(r"\d{1,9}([.,]\d{1,3})?", plain):
        raise UserError(
            _("{plain} what? Write {plain}h for hours, {plain}m for minutes, {plain}d for days.").format(
                plain=plain
            )
        )
    total = 0.0
    end = 0
    for match in _DURATION_PART.finditer(plain):
        if match.start() != end or match[2] not in DURATION_UNITS:
            break
        total += float(match[1].replace(",", ".")) * DURATION_UNITS[match[2]]
        end = match.end()
    if end == 0 or end != len(plain):
        raise UserError(
            _("{text} is not a length of time. Try 15m, 4h, 3d or 1d12h.").format(text=quoted(text))
        )
    if not 0 < total <= MAX_DURATION_MS:
        raise UserError(
            _("{text} is not a length of time I can use. Try 15m, 4h or 3d.").format(text=quoted(text))
        )
    return round(total)


def read_percent(text: str) -> float:
    """Return a fraction: `1%` and `1` are .01, `0.5` is .005. Raise UserError otherwise."""
    match = _PERCENT.fullmatch(text.strip())
    value = float(match[1].replace(",", ".")) / 100 if match else -1.0
    if not 0 < value <= 1:
        raise UserError(_("{text} is not a percentage. Try 1% or 0.5%.").format(text=quoted(text)))
    return round(value, 8)


def read_percents(text: str) -> tuple[float, ...]:
    """Return fractions, smallest first: `1%,3%,5%`, `1/3/5`, `0.5`. Raise UserError otherwise."""
    plain = text.strip()
    if re.fullmatch(r"0,\d+\s*%?", plain):  # nobody asks for 0 %: this comma is a decimal one
        return (read_percent(plain),)
    parts = [part for part in re.split(r"[,;/|\s]+", plain.replace(" %", "%")) if part]
    if not 1 <= len(parts) <= 5:
        raise UserError(_("{text} is not a list of percentages. Try 1%,3%,5%.").format(text=quoted(text)))
    return tuple(sorted({read_percent(part) for part in parts}))


def read_clock(text: str) -> str:
    """Return a time of day as "HH:MM": `22:00`, `7`, `10pm`. Raise UserError otherwise."""
    match = _CLOCK.fullmatch(text.strip().lower())
    if match:
        hour, minute = int(match[1]), int(match[2] or 0)
        if match[3] and 1 <= hour <= 12:
            hour = hour % 12 + (12 if match[3] == "pm" else 0)
        elif match[3]:
            hour = 99
        hour = 0 if (hour, minute) == (24, 0) else hour
        if hour < 24 and minute < 60:
            return f"{hour:02d}:{minute:02d}"
    raise UserError(_("{text} is not a time of day. Try 22:00 or 7am.").format(text=quoted(text)))


def read_hours(text: str) -> str:
    """Return a stretch of the day as "22:00-07:00". Raise UserError otherwise."""
    parts = re.split(r"\s*(?:-|–|—|\bto\b|\.\.)\s*", text.strip().lower())
    if len(parts) != 2 or not all(parts):
        raise UserError(
            _("{text} is not a stretch of the day. Try 22:00-07:00, or off.").format(text=quoted(text))
        )
    first, last = (read_clock(part) for part in parts)
    if first == last:
        raise UserError(
            _("{first} to {last} is the whole day or nothing. Try 22:00-07:00, or off.").format(
                first=first, last=last
            )
        )
    return f"{first}-{last}"


def read_times(text: str) -> tuple[str, ...]:
    """Return times of day, earliest first: `09:00,21:00`, `9am 9pm`. Raise UserError otherwise."""
    parts = [part for part in re.split(r"[,;/|\s]+", text.strip()) if part]
    if not 1 <= len(parts) <= 6:
        raise UserError(
            _("{text} is not a list of one to six times. Try 09:00,21:00.").format(text=quoted(text))
        )
    return tuple(sorted({read_clock(part) for part in parts}))


def quoted(text: str, limit: int = 40) -> str:
    """Return what somebody typed, in quotes, on one line and short."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"“{line if len(line) <= limit else line[: limit - 1] + '…'}”"
