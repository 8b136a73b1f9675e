"""Time zones are found by name, city, abbreviation or offset."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import timezones
from bot.commands.spec import NearMiss
from engine.errors import UserError


def refusal(read, *args) -> UserError | None:
    """Return what a call is refused with, None where it is not; any other error fails the test."""
    try:
        read(*args)
    except UserError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("EST", "America/New_York"),
        ("UTC+2", "Etc/GMT-2"),
        ("gmt -05:00", "Etc/GMT+5"),
        ("utc+0", "UTC"),
    ],
)
def test_zones_people_name(typed, name):
    assert timezones.resolve(typed) == name


def test_a_typo_is_offered():
    for typed, meant in (
        ("Europe/Berln", "Europe/Berlin"),
        ("new yrok", "America/New_York"),
        ("tokio", "Asia/Tokyo"),
    ):
        with pytest.raises(NearMiss) as caught:
            timezones.resolve(typed)
        assert caught.value.lines[0] == meant


def test_nonsense_is_refused():
    for typed in ("UTC+99", "xxxxxxxxqq"):
        with pytest.raises(UserError, match="Europe/Berlin"):
            timezones.resolve(typed)


@given(st.text(max_size=40))
def test_what_is_taken_is_a_zone(text):
    refused = refusal(lambda: ZoneInfo(timezones.resolve(text)))
    assert refused is None or len(refused.message) < 250
