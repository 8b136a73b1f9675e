import math
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import text


@pytest.mark.parametrize(
    ("usd", "words"),
    [
        (0, "$0"),
        (0.42, "$0.42"),
        (0.004, "<$0.01"),
        (7.25, "$7.2"),
        (850, "$850"),
        (999.6, "$1K"),
        (1_234, "$1.2K"),
        (44_500, "$44K"),
        (970_000, "$970K"),
        (999_950, "$1M"),
        (2_000_000, "$2M"),
        (55_400_000, "$55M"),
        (1.24e9, "$1.2B"),
        (3.4e12, "$3.4T"),
        (-2.5e6, "−$2.5M"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_money(usd, words):
    assert text.money(usd) == words


@given(st.floats(0.01, 1e15))
def test_money_is_short_and_near(usd):
    words = text.money(usd)
    assert len(words) <= 12
    if usd < 1e12:
        size = {"K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}.get(words[-1], 1.0)
        assert float(words[1:].rstrip("KMBT")) * size == pytest.approx(usd, rel=0.06)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (106_700.0, "106,700"),
        (1_234_567.8, "1,234,568"),
        (3_412.5, "3,412.50"),
        (142.337, "142.34"),
        (1.5, "1.5000"),
        (0.51234, "0.51234"),
        (0.00001234, "0.00001234"),
        (0.0000000042, "0.0000000042"),
        (4.2e-14, "4.200e−14"),
        (0.0, "0"),
        (math.nan, "–"),
    ],
)
def test_price(value, words):
    assert text.price(value) == words


@given(st.floats(1e-9, 1e12))
def test_price_keeps_the_digits_that_matter(value):
    words = text.price(value)
    assert float(words.replace(",", "").replace("−", "-")) == pytest.approx(
        value, rel=5e-2 if value < 1e-7 else 1e-4
    )


@pytest.mark.parametrize(
    ("value", "words"), [(100.0, "$100"), (2.5, "$2.5"), (0.00000002, "$0.00000002"), (40, "$40")]
)
def test_step(value, words):
    assert text.step_usd(value) == words


@pytest.mark.parametrize(
    ("fraction", "words"),
    [
        (0.025, "+2.5%"),
        (-0.0084, "−0.84%"),
        (0.12, "+12%"),
        (-0.0996, "−10%"),
        (0.00996, "+1.0%"),
        (0, "0.00%"),
        (-1e-9, "0.00%"),
    ],
)
def test_percent(fraction, words):
    assert text.percent(fraction) == words


def test_change_has_a_sign_and_two_decimals():
    assert text.change(0.0722) == "+7.22%"
    assert text.change(-0.1) == "−10.00%"
    assert text.change(0) == "0.00%"


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "0 s"), (12, "12 s"), (60, "1 min"), (7_300, "2 h"), (200_000, "2 d")]
)
def test_age(seconds, words):
    assert text.age(seconds) == words


def test_times_name_their_zone():
    at = 1_760_128_500_000
    assert text.clock(at) == "20:35 UTC"
    assert text.clock(at, text.zone_of("Europe/Berlin")) == "22:35 CEST"
    assert text.clock(at, text.zone_of("Europe/Istanbul")) == "23:35 UTC+3"
    assert text.clock(at, text.zone_of("Asia/Kathmandu")) == "02:20 UTC+5:45"
    assert text.clock(at, text.zone_of("America/Sao_Paulo")) == "17:35 UTC−3"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd"])
def test_an_unknown_zone_is_utc(name):
    assert text.zone_of(name) is UTC


@pytest.mark.parametrize(
    ("symbol", "coin"),
    [("BTCUSDT", "BTC"), ("ETHUSD", "ETH"), ("USDT", "USDT"), ("1000PEPEUSDC", "1000PEPE")],
)
def test_base(symbol, coin):
    assert text.base(symbol) == coin
