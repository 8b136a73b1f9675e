"""Bring the catalogues up to date with the code: `python -m bot.lang.messages` (make messages).

Messages are read from the source by babel. New ones stand in every catalogue without a translation, those
that are gone go; nothing is guessed from similar ones.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bot.lang.languages import DOMAIN, FOLDER, LANGUAGES, Language
from config.alert_templates import read_templates

ROOT = Path(__file__).parents[2]
PACKAGES = ("adapters", "bot", "config", "engine", "storage")
KEYWORDS = {"_": None, "N_": None, "said": (1,), "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
NOTE = "Translators:"
"""What a comment above a message begins with that translators are to read."""
TEMPLATE = FOLDER / f"{DOMAIN}.pot"
WIDTH = 110


def extracted() -> Catalog:
    """Return every message of the code, with the files it stands in."""
    catalog = _empty(None)
    for package in PACKAGES:
        found = extract_from_dir(
            ROOT / package,
            method_map=[("**/frontend/**", "ignore"), ("**.py", "python")],
            keywords=KEYWORDS,
            comment_tags=(NOTE,),
            strip_comment_tags=True,
        )
        for name, _line, message, comments, context in found:
            place = [(f"{package}/{name}", 0)]
            catalog.add(message, None, place, auto_comments=comments, context=context)
    _add_templates(catalog)
    return catalog


def _add_templates(catalog: Catalog) -> None:
    """Add what templates of alerts are called and what they are for, which is not in Python."""
    for name, template in read_templates().items():
        place = [(f"config/templates/{name}.toml", 0)]
        for text in (template.title, template.about, *(gap.means for gap in template.gaps.values())):
            catalog.add(text, None, place)


def read(language: Language) -> Catalog:
    """Return the catalogue of a language as it stands, empty where there is none yet."""
    if not language.file.exists():
        return _empty(language)
    with language.file.open("rb") as file:
        return read_po(file, locale=language.locale, domain=DOMAIN)


def renewed(language: Language, template: Catalog) -> Catalog:
    """Return the catalogue of a language with the messages of the code, and what is translated of them."""
    catalog = read(language)
    catalog.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    for message in catalog:
        message.flags.discard("fuzzy")
    return catalog


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as its file holds it: by file, without lines, which would move with every edit."""
    text = io.BytesIO()
    write_po(text, catalog, width=WIDTH, include_lineno=False, sort_by_file=True, ignore_obsolete=True)
    lines = text.getvalue().splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(_PASSING))


_PASSING = (
    b'"POT-Creation-Date',
    b'"PO-Revision-Date',
    b'"Generated-By',
    b'"Report-Msgid-Bugs',
    b'"Last-Translator',
    b'"Language-Team',
)
"""Lines of the head that would change without a change of any message, or that tell nothing."""


def translated() -> Iterator[Language]:
    """Yield the languages that have a catalogue of their own."""
    yield from (language for language in LANGUAGES.values() if language.code != "en")


def _empty(language: Language | None) -> Catalog:
    header = "# Liqwatch: what it says to people. Renewed from the code by: make messages"
    return Catalog(
        locale=language.locale if language else None,
        domain=DOMAIN,
        header_comment=header,
        project="Liqwatch",
        version="1",
        charset="utf-8",
        fuzzy=False,
    )


def main() -> None:
    """Write the template and every catalogue."""
    template = extracted()
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_bytes(written(template))
    for language in translated():
        language.file.parent.mkdir(parents=True, exist_ok=True)
        language.file.write_bytes(written(renewed(language, template)))


if __name__ == "__main__":
    main()
