"""Say amounts and times in full words and in short: what every confirmation repeats."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from bot.commands.amounts import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from bot.lang import _, speech
from engine.model import Severity, Side

_UNITS = (
    (DAY_MS, "day", "d"),
    (HOUR_MS, "hour", "h"),
    (MINUTE_MS, "minute", "m"),
    (SECOND_MS, "second", "s"),
)
JUST_NOW_MS = 10 * SECOND_MS
"""What is younger is not counted in seconds."""


def usd_full(value: float) -> str:
    """Return dollars in full: "$50,000,000"; cents only where there are some."""
    return speech().usd(f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.2f}")


def count_short(value: float, unit: str) -> str:
    """Return a quantity of coins: "84,213 BTC"."""
    return f"{speech().figure(f'{value:,.0f}' if abs(value) >= 100 else f'{value:,.2f}')} {unit}"


def count(number: int) -> str:
    """Return a whole number: "1,200"."""
    return speech().figure(f"{number:,}")


def figure(value: float) -> str:
    """Return a number with the digits it has: "1,200", "0.25"."""
    return speech().figure(f"{value:,.10g}")


def percent(fraction: float) -> str:
    """Return a fraction as a percentage with what decimals it has: "1%", "0.25%"."""
    return speech().percent(f"{fraction * 100:.4f}".rstrip("0").rstrip("."))


def duration(ms: int) -> str:
    """Return a length of time in words: "1 day 12 hours"."""
    return speech().lasting([(n, name) for n, name, _letter in _split(ms)]) or _("no time")


def duration_short(ms: int) -> str:
    """Return a length of time the way it is typed: "1d12h"."""
    return "".join(f"{n}{letter}" for n, _name, letter in _split(ms)) or "0s"


def span(ms: int) -> str:
    """Return a window the way traders say it: a day is "24 hours"."""
    return speech().lasting([(24, "hour")]) if ms == DAY_MS else duration(ms)


def span_short(ms: int) -> str:
    """Return a window the way its button says it: a day is "24h"."""
    return "24h" if ms == DAY_MS else duration_short(ms)


def _split(ms: int) -> list[tuple[int, str, str]]:
    found = []
    for size, name, letter in _UNITS:
        count, ms = divmod(ms, size)
        if count:
            found.append((count, name, letter))
    return found


def past(ms: int) -> str:
    """Return how long ago something was: "3h ago", "just now"."""
    return ago(ms) if ms < JUST_NOW_MS else _("{age} ago").format(age=ago(ms))


def ago(ms: int) -> str:
    """Return an age in its largest two units at most: "3h", "2d4h", "just now"."""
    if ms < MINUTE_MS:
        return _("just now") if ms < JUST_NOW_MS else speech().lasting_short([(ms // SECOND_MS, "second")])
    parts = _split(ms - ms % MINUTE_MS)[:2]
    if ms >= 2 * DAY_MS:
        parts = parts[:1]
    return speech().lasting_short([(n, name) for n, name, _letter in parts])


def moment(ts_ms: int, tz: str, *, now_ms: int | None = None) -> str:
    """Return a time in the user's zone: "20:35 UTC" today, "10 Oct 20:35 UTC" otherwise."""
    zone = zone_of(tz)
    local = datetime.fromtimestamp(ts_ms / 1000, zone)
    clock = f"{local:%H:%M} {local.tzname()}"
    if now_ms is not None and datetime.fromtimestamp(now_ms / 1000, zone).date() == local.date():
        return clock
    return f"{speech().day(local)} {clock}"


def stamp(ts_ms: int) -> str:
    """Return a time as the replay's own label has it: "2025-10-10 20:35 UTC"."""
    return f"{datetime.fromtimestamp(ts_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def severity(of: Severity | str) -> str:
    """Return a severity in a word."""
    said = {"critical": _("critical"), "warning": _("warning"), "info": _("info")}
    return said.get(str(of), str(of))


def side(of: Side | str) -> str:
    """Return whose positions are meant, in a word: long, short."""
    return {"long": _("long"), "short": _("short")}.get(str(of), str(of))


def zone_of(tz: str) -> tzinfo:
    """Return a time zone by its IANA name, UTC where the name is unknown."""
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        return UTC


def joined(words: list[str], last: str = "and") -> str:
    """Return words as a list in a sentence: "a, b and c"."""
    return speech().joined(words, either=last == "or")
