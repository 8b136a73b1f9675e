"""Choose round places for labels on the two axes: six an axis at most."""

import math
from datetime import datetime, timedelta, tzinfo

from bot.render import text

MOST_TICKS = 6
STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 4320, 7200, 10080, 20160, 43200)
DAY_MIN = 1440
MINUTE_MS = 60_000
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
SPARSE = 3


def price_ticks(low: float, high: float, most: int = MOST_TICKS) -> list[tuple[float, str]]:
    """Return round prices within a range and what to write at them, all with the same decimals."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return []
    raw = (high - low) / most
    size = 10.0 ** math.floor(math.log10(raw))
    for _ in range(2):
        for factor in ROUND:
            step = factor * size
            first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
            if last - first + 1 <= most:
                places = _decimals(step)
                return [(i * step, text.price(i * step, places)) for i in range(first, last + 1)]
        size *= 10
    return []


def _decimals(step: float) -> int:
    """Return how many decimals tell multiples of a round step apart."""
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    return places + 1 if abs(step * 10**places - 2.5) < 1e-6 else places


def time_ticks(start_ms: int, end_ms: int, zone: tzinfo, most: int = MOST_TICKS - 1) -> list[tuple[int, str]]:
    """Return round local times within a span: hours on the clock of `zone`, the date at each midnight."""
    if end_ms <= start_ms or most < 1:
        return []
    for step in STEPS_MIN:
        if (end_ms - start_ms) / MINUTE_MS / step > most + SPARSE:
            continue
        found = _local_times(start_ms, end_ms, zone, step)
        if len(found) <= most:
            return [(at, _label(at, zone)) for at in found]
    return []


def _local_times(start_ms: int, end_ms: int, zone: tzinfo, step_min: int) -> list[int]:
    """Return the times within a span whose local clock is a multiple of the step since midnight."""
    wall = text.moment(start_ms, zone).replace(tzinfo=None)
    midnight = datetime.combine(wall.date(), datetime.min.time())
    if step_min > DAY_MIN:
        ahead = midnight.toordinal() % (step_min // DAY_MIN)
        midnight -= timedelta(days=ahead)
    found: list[int] = []
    at = midnight
    for _ in range(int((end_ms - start_ms) / MINUTE_MS / step_min) + 2 * DAY_MIN // step_min + 3):
        ts = round(at.replace(tzinfo=zone).timestamp() * 1000)
        if start_ms <= ts <= end_ms and (not found or ts > found[-1]):
            found.append(ts)
        at += timedelta(minutes=step_min)
    return found


def _label(ts_ms: int, zone: tzinfo) -> str:
    """Return the clock, or the date at midnight."""
    at = text.moment(ts_ms, zone)
    return f"{at:%b} {at.day}" if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"
