"""Numbers, dollars, days and lists as each language writes them, and English as it always was."""

from datetime import date
from gettext import NullTranslations

import pytest
from babel import Locale

from bot.alerting import words as alert_words
from bot.commands import words
from bot.lang import LANGUAGES, code_of, languages, speaking, speech_of
from bot.lang.choice import language_of
from bot.lang.spoken import Spoken
from bot.render import text
from engine.lang import ENGLISH, Speech, speech
from engine.rules.quantity import Unit, say

NBSP = "\u00a0"


def spoken(code: str) -> Speech:
    return Spoken(code, Locale.parse(LANGUAGES[code].locale), NullTranslations())


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("en", "$62M"),
        ("de", f"62{NBSP}Mio.{NBSP}$"),
        ("es", f"62{NBSP}M{NBSP}$"),
        ("pt", f"${NBSP}62{NBSP}mi"),
        ("ru", f"62{NBSP}млн{NBSP}$"),
        ("tr", f"$62{NBSP}Mn"),
        ("zh", "$6200万"),
    ],
)
def test_dollars_are_written_as_the_language_does(code, told):
    with speaking(ENGLISH if code == "en" else spoken(code)):
        assert text.money(62e6) == alert_words.usd(62e6) == say(Unit.USD, 62e6) == told


def test_thousands_without_a_short_form_are_written_out():
    with speaking(spoken("de")):
        assert text.money(123_000) == f"123.000{NBSP}$"


@pytest.mark.parametrize(
    ("code", "price", "percent"),
    [("en", "113,204.5", "+2.5%"), ("de", "113.204,5", f"+2,5{NBSP}%"), ("tr", "113.204,5", "+%2,5")],
)
def test_prices_and_percentages_have_the_marks_of_the_language(code, price, percent):
    with speaking(ENGLISH if code == "en" else spoken(code)):
        assert words.figure(113_204.5) == price
        assert text.percent(0.025) == percent


@pytest.mark.parametrize(
    ("code", "told"), [("en", "10 Oct"), ("de", "10. Okt."), ("zh", "10月10日"), ("ru", "10 окт.")]
)
def test_days_are_written_as_the_language_does(code, told):
    assert (ENGLISH if code == "en" else spoken(code)).day(date(2025, 10, 10)) == told


@pytest.mark.parametrize(
    ("code", "told"), [("en", "a, b or c"), ("de", "a, b oder c"), ("es", "a, b o c"), ("zh", "a、b或c")]
)
def test_lists_end_as_the_language_does(code, told):
    assert (ENGLISH if code == "en" else spoken(code)).joined(["a", "b", "c"], either=True) == told


def test_turkish_begins_a_sentence_with_its_own_letter():
    assert spoken("tr").begun("için") == "İçin"


def test_english_is_spoken_where_nothing_else_is():
    assert speech() is ENGLISH
    with speaking(spoken("de")):
        assert speech().code == "de"
    assert speech() is ENGLISH


@pytest.mark.parametrize(
    ("tag", "code"),
    [("de-AT", "de"), ("pt_BR", "pt"), ("zh-Hans-CN", "zh"), ("zh-TW", ""), ("fr", ""), ("", ""), (None, "")],
)
def test_a_platforms_tag_names_a_language_that_ships(monkeypatch, tag, code):
    monkeypatch.setattr(languages, "SHIPPED", tuple(LANGUAGES))
    assert code_of(tag) == code


def test_a_language_that_does_not_ship_is_english():
    assert code_of("xx") == ""
    assert speech_of("xx") is ENGLISH


@pytest.mark.parametrize(
    ("values", "heard", "place", "code"),
    [
        ({"language": "ru"}, "de", "tr", "ru"),
        ({}, "de", "tr", "de"),
        ({"language_heard": "es"}, "fr", "tr", "es"),
        ({}, "fr", "tr", "tr"),
        ({}, "fr", "", "pt"),
        ({"language": "nonsense"}, "", "", "pt"),
    ],
)
def test_whose_wish_counts(monkeypatch, values, heard, place, code):
    monkeypatch.setattr(languages, "SHIPPED", tuple(LANGUAGES))
    assert language_of(values, heard=heard, place=place, default="pt") == code
