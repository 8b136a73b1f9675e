"""Reports come at the same times of day on their place's own clock, also where clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.when import next_due_ms

HOUR_S = 3600


def ms(text, tz="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).timestamp()) * 1000


@pytest.mark.parametrize(
    ("every_s", "at_min", "tz", "now", "due"),
    [
        (24 * HOUR_S, 480, "Europe/Berlin", "2025-10-10 05:59", "2025-10-10 06:00"),
        (24 * HOUR_S, 480, "Europe/Berlin", "2025-10-10 06:00", "2025-10-11 06:00"),
        (24 * HOUR_S, 480, "Europe/Berlin", "2025-10-25 06:00", "2025-10-26 07:00"),  # clocks go back
        (24 * HOUR_S, 150, "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 01:30"),  # 02:30 is skipped
        (4 * HOUR_S, 0, "UTC", "2025-10-10 20:35", "2025-10-11 00:00"),
        (4 * HOUR_S, 60, "UTC", "2025-10-10 20:35", "2025-10-10 21:00"),
        (6 * HOUR_S, 1200, "Asia/Tokyo", "2025-10-10 11:30", "2025-10-10 17:00"),
        (300, 0, "Asia/Kathmandu", "2025-10-10 20:35", "2025-10-10 20:40"),
        (HOUR_S, 0, "Nowhere/Land", "2025-10-10 20:35", "2025-10-10 21:00"),
    ],
)
def test_when_a_report_is_due_next(every_s, at_min, tz, now, due):
    assert next_due_ms(every_s, at_min, tz, ms(now)) == ms(due)


@given(
    every_s=st.sampled_from([300, 900, 1800, HOUR_S, 4 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S]),
    at_min=st.integers(0, 1439),
    tz=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
    now=st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - made aware below
)
def test_it_is_always_ahead_and_never_further_than_a_slot_and_a_change_of_clocks(every_s, at_min, tz, now):
    now_ms = int(now.replace(tzinfo=UTC).timestamp()) * 1000
    ahead_ms = next_due_ms(every_s, at_min, tz, now_ms) - now_ms
    assert 0 < ahead_ms <= (every_s + HOUR_S) * 1000
