"""Quiet hours and digests on people's own clocks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.alerts.local_time import in_quiet, next_digest_ms, quiet_end_ms, utc_day, zone
from engine.alerts.stage import Preferences, Quiet
from engine.model import DAY_MS, HOUR_MS

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def night(tz: str = "UTC", *, start: int = 23 * 60, end: int = 7 * 60) -> Preferences:
    return Preferences(tz=tz, quiet=Quiet(start_min=start, end_min=end))


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("2026-03-10T22:59", False),
        ("2026-03-10T23:00", True),
        ("2026-03-10T06:59", True),
        ("2026-03-10T07:00", False),
    ],
)
def test_the_start_counts_in_and_the_end_does_not(text: str, quiet: bool) -> None:
    assert in_quiet(night(), ms(text)) is quiet


def test_quiet_hours_within_a_day_and_none_at_all() -> None:
    lunch = night(start=12 * 60, end=13 * 60)
    assert in_quiet(lunch, ms("2026-03-10T12:30"))
    assert not in_quiet(lunch, ms("2026-03-10T13:30"))
    assert not in_quiet(night(start=60, end=60), ms("2026-03-10T01:00"))
    assert not in_quiet(Preferences(), ms("2026-03-10T01:00"))


@pytest.mark.parametrize(
    ("tz", "before", "end"),
    [
        ("Europe/Berlin", "2026-03-28T23:00", "2026-03-29T05:00"),  # spring: 7:00 is 5:00 UTC
        ("Europe/Berlin", "2026-10-24T22:00", "2026-10-25T06:00"),  # autumn: 7:00 is 6:00 UTC
        ("America/New_York", "2026-03-08T05:00", "2026-03-08T11:00"),
        ("Australia/Lord_Howe", "2026-04-04T13:00", "2026-04-04T20:30"),
        ("UTC", "2028-02-28T23:30", "2028-02-29T07:00"),
        ("UTC", "2028-02-29T23:30", "2028-03-01T07:00"),
    ],
)
def test_ends_follow_the_wall_clock_through_its_changes(tz: str, before: str, end: str) -> None:
    preferences = night(tz)
    assert preferences.quiet is not None
    assert in_quiet(preferences, ms(before))
    assert quiet_end_ms(preferences, preferences.quiet, ms(before)) == ms(end)


def test_an_end_that_the_clock_skips_or_shows_twice() -> None:
    skipped = night("Europe/Berlin", end=150)
    assert skipped.quiet is not None
    assert quiet_end_ms(skipped, skipped.quiet, ms("2026-03-28T23:00")) == ms("2026-03-29T01:30")
    twice = night("Europe/Berlin", end=150)
    assert twice.quiet is not None
    assert quiet_end_ms(twice, twice.quiet, ms("2026-10-24T23:00")) == ms("2026-10-25T00:30")
    assert quiet_end_ms(twice, twice.quiet, ms("2026-10-25T01:10")) == ms("2026-10-25T01:30")


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.integers(ms("2026-01-01") // 60_000, ms("2029-01-01") // 60_000),
)
def test_an_end_is_ahead_within_25_hours_and_loud(tz: str, start: int, end: int, minute: int) -> None:
    preferences, now = night(tz, start=start, end=end), minute * 60_000
    assert preferences.quiet is not None
    if not in_quiet(preferences, now):
        return
    until = quiet_end_ms(preferences, preferences.quiet, now)
    assert now < until <= now + 25 * HOUR_MS
    shown = datetime.fromtimestamp(until / 1000, zone(tz))
    skipped = shown.utcoffset() != (shown - timedelta(hours=2)).utcoffset()
    assert not in_quiet(preferences, until) or skipped


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-10T07:59", "2026-03-10T08:00"),
        ("2026-03-10T08:00", "2026-03-10T20:00"),
        ("2026-03-10T21:00", "2026-03-11T08:00"),
    ],
)
def test_the_next_digest_is_strictly_ahead(now: str, due: str) -> None:
    assert next_digest_ms(Preferences(), ms(now)) == ms(due)


def test_digests_avoid_quiet_hours() -> None:
    preferences = Preferences(quiet=Quiet(start_min=19 * 60, end_min=9 * 60), digest_min=(480, 1200, 600))
    assert next_digest_ms(preferences, ms("2026-03-10T12:00")) == ms("2026-03-11T10:00")
    never_loud = Preferences(quiet=Quiet(start_min=19 * 60, end_min=9 * 60), digest_min=(480, 1200))
    assert next_digest_ms(never_loud, ms("2026-03-10T12:00")) == ms("2026-03-11T09:00")
    assert next_digest_ms(Preferences(digest_min=()), ms("2026-03-10T12:00")) is None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ZONES), st.integers(ms("2026-01-01"), ms("2029-01-01")))
def test_a_digest_is_due_within_a_day(tz: str, now: int) -> None:
    due = next_digest_ms(Preferences(tz=tz), now)
    assert due is not None
    assert now < due <= now + DAY_MS


def test_days_are_utc_and_unknown_zones_are_utc() -> None:
    assert utc_day(ms("2028-02-29T23:59")) == "2028-02-29"
    assert utc_day(ms("2028-02-29T23:59") + 60_000) == "2028-03-01"
    for name in ("Nowhere/Land", "", "../etc/passwd"):
        assert zone(name) is UTC
