"""Say when a report is due next: on its place's own clock, counted from a time of day. Pure functions."""

from datetime import UTC, datetime, timedelta

from engine.alerts.local_time import zone
from engine.model import HOUR_MS

DAY_MIN = 24 * 60


def next_due_ms(every_s: int, at_min: int, tz: str, now_ms: int) -> int:
    """Return the first time after `now_ms` at which a report is due.

    `every_s` divides a day. From an hour on, times are those of the wall clock in `tz`: `at_min` minutes
    after midnight and every so many hours from there. A time that the clock skips comes after the jump.
    """
    every_ms = every_s * 1000
    if every_ms < HOUR_MS:
        return (now_ms // every_ms + 1) * every_ms
    local = zone(tz)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(local)
    midnight = today.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    minutes = [(at_min + step) % DAY_MIN for step in range(0, DAY_MIN, every_s // 60)]
    slots = (
        (midnight + timedelta(days=day, minutes=minute)).replace(tzinfo=local)
        for day in (0, 1, 2)
        for minute in minutes
    )
    return min(due for slot in slots if (due := int(slot.timestamp()) * 1000) > now_ms)
