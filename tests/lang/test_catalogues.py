"""What translators hand in: up to date, complete in every language that ships, filled as the English is."""

import string

import pytest
from babel import Locale
from babel.messages.catalog import Message

from bot.commands.registry import Registry
from bot.commands.spec import MAX_DESCRIPTION
from bot.lang import LANGUAGES, SHIPPED, said, speaking
from bot.lang.languages import Language
from bot.lang.messages import TEMPLATE, extracted, read, renewed, translated, written
from engine.lang import N_, Said, _

OTHERS = [LANGUAGES[code] for code in SHIPPED if code != "en"]
ALL = list(translated())
MAX_BUTTON = 40
"""A label longer than this is cut on a phone."""


@pytest.fixture(scope="module")
def template():
    return extracted()


def gaps(text: str) -> set[str]:
    """Return the names of the gaps of a message; raises where braces do not pair."""
    return {name for _text, name, _form, _conversion in string.Formatter().parse(text) if name is not None}


def ids(catalog) -> set[tuple[str, object]]:
    return {(message.context or "", message.id) for message in catalog if message.id}


def forms(message: Message) -> list[tuple[str, str]]:
    """Return each translation of a message beside the English that its gaps are those of."""
    if not isinstance(message.id, tuple):
        return [(message.id, message.string)]
    return [(message.id[-1], each) for each in message.string]


def faults_of(message: Message, plurals: int) -> list[str]:
    """Return what is wrong with a translation."""
    strings = message.string if isinstance(message.id, tuple) else (message.string,)
    if not all(strings) or (isinstance(message.id, tuple) and len(strings) != plurals):
        return [f"not translated: {message.id!r}"]
    found = []
    for english, told in forms(message):
        wanted, given = gaps(english), gaps(told)
        loose = {"count"} if isinstance(message.id, tuple) else set()
        if not given <= wanted or not wanted - loose <= given:
            found.append(f"gaps {sorted(given)} for {sorted(wanted)}: {told!r}")
        if english.count("\n") != told.count("\n"):
            found.append(f"other lines: {told!r}")
        if (english[:1] == " ", english[-1:] == " ") != (told[:1] == " ", told[-1:] == " "):
            found.append(f"other blanks at its ends: {told!r}")
        if any(told.count(mark) != english.count(mark) for mark in ("<", ">", "`", "**")):
            found.append(f"other marks: {told!r}")
    return found


def test_the_template_is_what_the_code_says(template):
    assert TEMPLATE.read_bytes() == written(template), "make messages"


@pytest.mark.parametrize("language", ALL, ids=lambda language: language.code)
def test_a_catalogue_has_the_messages_of_the_code(language: Language, template):
    assert ids(read(language)) == ids(template), "make messages"
    assert written(renewed(language, template)) == language.file.read_bytes(), "make messages"


@pytest.mark.parametrize("language", OTHERS, ids=lambda language: language.code)
def test_a_shipped_language_says_everything(language: Language):
    catalog = read(language)
    faults = [fault for message in catalog if message.id for fault in faults_of(message, catalog.num_plurals)]
    assert not faults, "\n".join(faults[:40])


@pytest.mark.parametrize("language", ALL, ids=lambda language: language.code)
def test_plurals_are_those_of_the_language(language: Language):
    assert read(language).num_plurals == {"ru": 3, "tr": 1, "zh": 1}.get(language.code, 2)
    assert Locale.parse(language.locale).language == language.code


@pytest.mark.parametrize("code", SHIPPED)
def test_descriptions_fit_every_platform_in_every_language(code):
    from bot.lang import speech_of

    with speaking(speech_of(code)):
        for command in Registry().on():
            told = [command.description, *(p.description for p in command.parameters)]
            told += [choice.label for p in command.parameters for choice in p.choices]
            assert [text for text in told if not 0 < len(_(text)) <= MAX_DESCRIPTION] == [], command.name


def test_messages_are_well_formed_english(template):
    for message in template:
        for text in message.id if isinstance(message.id, tuple) else (message.id,):
            gaps(text)
            assert "  " not in text, text


@pytest.mark.parametrize(
    ("string", "fault"),
    [
        ("", "not translated"),
        ("Es gibt {menge} Dinge.", "gaps"),
        ("Es gibt Dinge.", "gaps"),
        (" Es gibt {count} Dinge.", "blanks"),
        ("Es gibt\n{count} Dinge.", "lines"),
        ("Es gibt `{count}` Dinge.", "marks"),
    ],
)
def test_a_malformed_translation_is_found(string, fault):
    assert fault in faults_of(Message("There are {count} things.", string), 2)[0]


def test_a_translation_that_is_right_has_no_fault():
    assert not faults_of(Message("There are {count} things.", "Es gibt {count} Dinge."), 2)
    assert not faults_of(Message(("One thing", "{count} things"), ("Ein Ding", "{count} Dinge")), 2)


def test_a_filled_sentence_of_a_table_keeps_its_template():
    told = said("No more than {most}", most="3")
    assert told == "No more than 3"
    assert isinstance(told, Said)
    assert _(told) == "No more than 3"
    assert N_("plain") == "plain"
