from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.text import moment
from bot.render.ticks import MOST_TICKS, price_ticks, time_ticks

DAY = 86_400_000


@given(st.floats(1e-9, 1e9), st.floats(1e-4, 2.0))
def test_prices_are_round_few_and_inside(low, span):
    high = low * (1 + span)
    ticks = price_ticks(low, high)
    assert 2 <= len(ticks) <= MOST_TICKS
    assert all(low * (1 - 1e-9) <= at <= high * (1 + 1e-9) for at, _ in ticks)
    labels = [label for _, label in ticks]
    assert len(set(labels)) == len(labels)


def test_prices_share_their_decimals():
    assert [label for _, label in price_ticks(0.99, 1.02)] == ["0.99", "1.00", "1.01", "1.02"]
    assert next(label for _, label in price_ticks(110_000, 124_000)) == "110,000"


def test_tiny_prices_are_told_apart():
    assert [label for _, label in price_ticks(0.0000121, 0.0000126)] == [
        "0.0000121",
        "0.0000122",
        "0.0000123",
        "0.0000124",
        "0.0000125",
        "0.0000126",
    ]


@pytest.mark.parametrize("span", [(1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_no_range_no_prices(span):
    assert price_ticks(*span) == []


@given(
    st.integers(1_500_000_000_000, 1_900_000_000_000),
    st.integers(600_000, 60 * DAY),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.integers(1, 5),
)
def test_times_are_few_in_order_and_inside(start, span, zone, most):
    ticks = time_ticks(start, start + span, ZoneInfo(zone), most)
    assert len(ticks) <= most
    times = [at for at, _ in ticks]
    assert times == sorted(set(times))
    assert all(start <= at <= start + span for at in times)


def test_a_day_shows_hours_and_the_date_at_midnight():
    start = 1_760_042_100_000  # 2025-10-09 20:35 UTC
    assert [label for _, label in time_ticks(start, start + DAY, UTC)] == [
        "Oct 10",
        "06:00",
        "12:00",
        "18:00",
    ]


def test_midnight_is_the_callers():
    start = 1_760_042_100_000
    ticks = time_ticks(start, start + DAY, ZoneInfo("Asia/Tokyo"))
    dated = [at for at, label in ticks if label == "Oct 11"]
    assert [f"{moment(at, UTC):%H:%M}" for at in dated] == ["15:00"]


def test_clocks_that_change_keep_round_hours():
    start = 1_761_420_000_000  # 2025-10-25 19:20 UTC, the night before clocks go back in Berlin
    labels = [label for _, label in time_ticks(start, start + DAY, ZoneInfo("Europe/Berlin"))]
    assert labels
    assert all(label.startswith("Oct") or label.endswith(":00") for label in labels)


def test_no_time_no_ticks():
    assert time_ticks(5, 5, UTC) == []
    assert time_ticks(0, DAY, UTC, 0) == []
