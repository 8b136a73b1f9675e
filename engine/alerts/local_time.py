"""Answer when quiet hours end and when the next digest is due, on the user's own clock."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from engine.alerts.stage import Preferences, Quiet

DAY_MIN = 1440
SEARCH_DAYS = 8
"""How many local days to look ahead for a digest time outside quiet hours."""


def zone(name: str) -> tzinfo:
    """Return the zone of an IANA name; UTC for one that is not known here, so that nothing is lost."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def in_quiet(preferences: Preferences, now_ms: int) -> bool:
    """Say whether quiet hours are on at `now_ms` by the user's wall clock."""
    quiet = preferences.quiet
    if quiet is None or quiet.start_min == quiet.end_min:
        return False
    minute = _minute(_local(now_ms, zone(preferences.tz)))
    if quiet.start_min < quiet.end_min:
        return quiet.start_min <= minute < quiet.end_min
    return minute >= quiet.start_min or minute < quiet.end_min


def quiet_end_ms(preferences: Preferences, quiet: Quiet, now_ms: int) -> int:
    """Return when the quiet hours that are on at `now_ms` end.

    An end that the clock skips (spring) comes as late after the jump as it lies in the skipped hour; one
    that it shows twice (autumn) is the first that is still ahead.
    """
    tz = zone(preferences.tz)
    day = _local(now_ms, tz).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    ends = (day + timedelta(days=d, minutes=quiet.end_min) for d in (0, 1, 2))
    times = (_utc_ms(end, tz, fold) for end in ends for fold in (0, 1))
    return next(t for t in times if t > now_ms)


def next_digest_ms(preferences: Preferences, now_ms: int) -> int | None:
    """Return the next digest time that lies outside quiet hours; None where the user wants no digest.

    Where quiet hours cover every digest time it is their end.
    """
    if not preferences.digest_min:
        return None
    tz = zone(preferences.tz)
    day = _local(now_ms, tz).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    times = [
        _utc_ms(day + timedelta(days=d, minutes=m), tz, 0)
        for d in range(SEARCH_DAYS)
        for m in sorted(preferences.digest_min)
    ]
    ahead = [t for t in times if t > now_ms]
    loud = next((t for t in ahead if not in_quiet(preferences, t)), None)
    if loud is not None or preferences.quiet is None:
        return loud
    return quiet_end_ms(preferences, preferences.quiet, ahead[0])


def utc_day(now_ms: int) -> str:
    """Return the UTC day of a time as `YYYY-MM-DD`: what daily limits are counted by."""
    return _local(now_ms, UTC).strftime("%Y-%m-%d")


def _local(now_ms: int, tz: tzinfo) -> datetime:
    """Return a time on the wall clock of a zone."""
    return datetime.fromtimestamp(now_ms // 1000, tz)


def _minute(local: datetime) -> int:
    """Return the minutes since local midnight, as the wall clock shows them."""
    return local.hour * 60 + local.minute


def _utc_ms(naive: datetime, tz: tzinfo, fold: int) -> int:
    """Return when a zone's wall clock shows `naive`, the first or (fold 1) the second time."""
    return int(naive.replace(tzinfo=tz, fold=fold).timestamp()) * 1000
