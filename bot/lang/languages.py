"""Know the languages there are, and read the catalogue of one when it is first spoken."""

import asyncio
import gettext
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from bot.lang.spoken import Spoken
from engine.lang import ENGLISH, Speech, speaking, speech

FOLDER = Path(__file__).parents[1] / "locale"
DOMAIN = "liqwatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language: the code people set it by, its locale, its own name, and what Discord calls it."""

    code: str
    locale: str
    name: str
    discord: tuple[str, ...]

    @property
    def file(self) -> Path:
        """Return the catalogue, which translators edit."""
        return FOLDER / self.locale / "LC_MESSAGES" / f"{DOMAIN}.po"


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language(code="en", locale="en", name="English", discord=("en-US", "en-GB")),
        Language(code="de", locale="de", name="Deutsch", discord=("de",)),
        Language(code="es", locale="es", name="Español", discord=("es-ES", "es-419")),
        Language(code="pt", locale="pt_BR", name="Português (Brasil)", discord=("pt-BR",)),
        Language(code="ru", locale="ru", name="Русский", discord=("ru",)),
        Language(code="tr", locale="tr", name="Türkçe", discord=("tr",)),
        Language(code="zh", locale="zh_Hans", name="简体中文", discord=("zh-CN",)),
    )
}
"""Every language that has a catalogue."""

SHIPPED: tuple[str, ...] = tuple(LANGUAGES)
"""The languages that may be chosen: those whose catalogue is complete, which a test makes sure of."""


NOT_DRAWN = frozenset({"zh"})
"""Languages whose letters the fonts of pictures lack: there pictures stay English."""


def ships(code: object) -> bool:
    """Say whether a language may be chosen."""
    return code in SHIPPED


def code_of(tag: str | None) -> str:
    """Return the shipped language that a platform's tag ("de-AT", "pt_BR", "zh-hans") names, or empty."""
    parts = (tag or "").replace("_", "-").lower().split("-")
    if not ships(parts[0]):
        return ""
    traditional = parts[0] == "zh" and not {"hant", "tw", "hk", "mo"}.isdisjoint(parts[1:])
    return "" if traditional else parts[0]


def speech_of(code: str) -> Speech:
    """Return a shipped language to speak; English where there is no such."""
    return _read(LANGUAGES[code]) if ships(code) and code != "en" else ENGLISH


@contextmanager
def pictured() -> Iterator[None]:
    """Speak the language that pictures are drawn in while the context lasts: this one, if the font has it."""
    with speaking(ENGLISH if speech().code in NOT_DRAWN else speech()):
        yield


async def heard(tag: str | None) -> Speech:
    """Return the language that a platform's tag names, else the one that is spoken."""
    return await learned(code_of(tag) or speech().code)


async def learned(code: str) -> Speech:
    """Return a shipped language; its catalogue is read beside the event loop."""
    if code == "en" or not ships(code):
        return ENGLISH
    return await asyncio.to_thread(speech_of, code) if code not in _LEARNED else speech_of(code)


_LEARNED: set[str] = set()


@cache
def _read(language: Language) -> Speech:
    """Read a catalogue, once: it takes some 70 ms."""
    compiled = io.BytesIO()
    with language.file.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.locale))
    compiled.seek(0)
    translations = gettext.GNUTranslations(compiled)
    _LEARNED.add(language.code)
    return Spoken(language.code, Locale.parse(language.locale), translations)
