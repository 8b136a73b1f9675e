"""Amounts are read the way people type them, and refused with a way out otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import amounts, words
from bot.commands.amounts import DAY_MS, HOUR_MS, MINUTE_MS
from engine.errors import UserError


def refusal(read, *args) -> UserError | None:
    """Return what a call is refused with, None where it is not; any other error fails the test."""
    try:
        read(*args)
    except UserError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("typed", "usd"),
    [
        ("10M", 10e6),
        ("10m", 10e6),
        ("1.5k", 1_500),
        ("1,5k", 1_500),
        ("$2,000,000", 2e6),
        ("2.000.000", 2e6),
        ("1,500", 1_500),
        ("1,234,567.89", 1_234_567.89),
        ("1.234.567,89", 1_234_567.89),
        ("250 thousand", 250e3),
        ("10 million", 10e6),
        ("3bn", 3e9),
        ("2e6", 2e6),
        ("1.25e-05", 0.0000125),
        ("500", 500),
        ("1'000'000", 1e6),
        ("5M$", 5e6),
        ("5M usd", 5e6),
        ("7mio", 7e6),
        ("$.5M", 0.5e6),
    ],
)
def test_dollars(typed, usd):
    assert amounts.read_usd(typed) == pytest.approx(usd)


@pytest.mark.parametrize(
    "typed", ["", "M", "ten", "10X", "-5M", "0", "1e99", "nan", "inf", "1..2", "$", "5M5M", "1,,2"]
)
def test_what_is_no_amount_is_refused_with_an_example(typed):
    with pytest.raises(UserError, match=r"10M"):
        amounts.read_usd(typed)


@pytest.mark.parametrize(
    ("typed", "ms"),
    [
        ("15m", 15 * MINUTE_MS),
        ("15M", 15 * MINUTE_MS),
        ("4h", 4 * HOUR_MS),
        ("3d", 3 * DAY_MS),
        ("1d12h", 36 * HOUR_MS),
        ("1d 12h", 36 * HOUR_MS),
        ("1 day and 12 hours", 36 * HOUR_MS),
        ("90 minutes", 90 * MINUTE_MS),
        ("1.5h", 90 * MINUTE_MS),
        ("1,5h", 90 * MINUTE_MS),
        ("2w", 14 * DAY_MS),
        ("30s", 30_000),
        ("1hr", HOUR_MS),
    ],
)
def test_lengths_of_time(typed, ms):
    assert amounts.read_duration(typed) == ms


@pytest.mark.parametrize("typed", ["", "h", "12", "12x", "0h", "h12", "-4h", "4h!", "99999999d", "1d12"])
def test_what_is_no_length_of_time_is_refused(typed):
    with pytest.raises(UserError, match=r"\d+[mhd]"):
        amounts.read_duration(typed)


@pytest.mark.parametrize(
    ("typed", "fractions"),
    [
        ("1%,3%,5%", (0.01, 0.03, 0.05)),
        ("1,3,5", (0.01, 0.03, 0.05)),
        ("5/3/1", (0.01, 0.03, 0.05)),
        ("1% 3%", (0.01, 0.03)),
        ("0.5", (0.005,)),
        ("0,5%", (0.005,)),
        (".5", (0.005,)),
        ("2 %", (0.02,)),
        ("2%,2%", (0.02,)),
    ],
)
def test_percentages(typed, fractions):
    assert amounts.read_percents(typed) == pytest.approx(fractions)


@pytest.mark.parametrize("typed", ["", "0", "x", "101", "1,2,3,4,5,6", "-1", "1%%", "%"])
def test_what_is_no_percentage_is_refused(typed):
    with pytest.raises(UserError, match="%"):
        amounts.read_percents(typed)


@pytest.mark.parametrize(
    ("typed", "hours"),
    [
        ("22:00-07:00", "22:00-07:00"),
        ("22-7", "22:00-07:00"),
        ("10pm-7am", "22:00-07:00"),
        ("10pm to 7am", "22:00-07:00"),
        ("22h30–7", "22:30-07:00"),
        ("12am-12pm", "00:00-12:00"),
        ("24:00-6", "00:00-06:00"),
    ],
)
def test_stretches_of_the_day(typed, hours):
    assert amounts.read_hours(typed) == hours


@pytest.mark.parametrize("typed", ["", "22", "22-", "22-22", "25-7", "22:60-7", "13pm-7", "a-b", "1-2-3"])
def test_what_is_no_stretch_of_the_day_is_refused(typed):
    with pytest.raises(UserError, match=r"7am|07:00"):
        amounts.read_hours(typed)


def test_times_of_day_come_sorted_and_once():
    assert amounts.read_times("9pm, 09:00; 21:00") == ("09:00", "21:00")
    with pytest.raises(UserError):
        amounts.read_times("")


@given(st.text(max_size=80))
def test_no_text_makes_a_reader_fail_in_any_other_way(text):
    for read in (
        amounts.read_usd,
        amounts.read_duration,
        amounts.read_percent,
        amounts.read_percents,
        amounts.read_clock,
        amounts.read_hours,
        amounts.read_times,
    ):
        refused = refusal(read, text)
        assert refused is None or (len(refused.message) < 200 and "\n" not in refused.message)


@given(st.integers(1, 3_650 * 24 * 60 * 60))
def test_a_length_of_time_says_itself_in_a_form_that_is_read_again(seconds):
    ms = seconds * 1000
    assert amounts.read_duration(words.duration_short(ms)) == ms
    assert amounts.read_duration(words.duration(ms)) == ms


@given(st.integers(1, 10**13))
def test_dollars_in_full_are_read_again(usd):
    assert amounts.read_usd(words.usd_full(usd)) == usd


@pytest.mark.parametrize(
    "read", [amounts.read_usd, amounts.read_duration, amounts.read_percents, amounts.read_hours]
)
@pytest.mark.parametrize("text", ["1" * 100_000, "1," * 50_000, "1h" * 50_000, " " * 100_000, "1%" * 50_000])
@pytest.mark.timeout(10)
def test_reading_takes_time_in_proportion_to_the_text(read, text):
    refused = refusal(read, text[:2_000])
    assert refused is None or len(refused.message) < 250


def test_full_words():
    assert words.usd_full(50e6) == "$50,000,000"
    assert words.usd_full(12.5) == "$12.50"
    assert words.duration(36 * HOUR_MS) == "1 day 12 hours"
    assert words.percent(0.0025) == "0.25%"
    assert words.ago(2 * DAY_MS + 5 * HOUR_MS) == "2d"
    assert words.ago(4 * HOUR_MS + 22 * MINUTE_MS) == "4h22m"
    assert words.ago(3_000) == "just now"
    assert words.ago(30_000) == "30s"
    assert words.joined(["a", "b", "c"]) == "a, b and c"
    assert words.moment(1_760_128_500_000, "Europe/Berlin") == "10 Oct 22:35 CEST"
    assert words.moment(1_760_128_500_000, "nowhere") == "10 Oct 20:35 UTC"
