"""Say sentences, numbers and times in the language of whoever reads them.

A sentence is written in English, whole, with named gaps: `_("{coin} has no price yet.").format(coin=coin)`.
`_` looks its translation up as the sentence is made; `N_` only marks one that stands in a table, and
`_(table[x])` looks it up where it is used. Which language that is stands in the context of the task or thread
that speaks: `speaking` sets it, English is what there is without. What languages there are is not known here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Self


class Speech:
    """English: sentences as they stand in the code. Another language overrides every method.

    Numbers come as text in English form ("1,234.5"), so that how many digits matter is decided once, by
    whoever knows what the number is.
    """

    code = "en"
    blank = " "

    def gettext(self, message: str) -> str:
        """Return a sentence in this language."""
        return message

    def pgettext(self, context: str, message: str) -> str:
        """Return words that mean several things, in the sense that `context` names."""
        return message

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return a sentence in the form that goes with a count."""
        return one if count == 1 else many

    def figure(self, number: str) -> str:
        """Return a number: "1,234.5"."""
        return number

    def usd(self, amount: str, scale: str = "", *, sign: str = "") -> str:
        """Return dollars; `scale` is "", K (or k), M, B or T: "$1.2M"."""
        return f"{sign}${amount}{scale}"

    def percent(self, number: str, *, sign: str = "", gap: str = "") -> str:
        """Return a percentage: "2.5%"."""
        return f"{sign}{number}{gap}%"

    def lasting(self, parts: Sequence[tuple[int, str]]) -> str:
        """Return a length of time from (count, day|hour|minute|second): "1 day 12 hours"."""
        said = {
            "day": lambda n: self.ngettext("{count} day", "{count} days", n),
            "hour": lambda n: self.ngettext("{count} hour", "{count} hours", n),
            "minute": lambda n: self.ngettext("{count} minute", "{count} minutes", n),
            "second": lambda n: self.ngettext("{count} second", "{count} seconds", n),
        }
        return self.blank.join(said[unit](n).format(count=n) for n, unit in parts)

    def lasting_short(self, parts: Sequence[tuple[int, str]]) -> str:
        """Return a length of time in few letters: "1d12h"."""
        said = {
            "day": self.pgettext("short length of time", "{count}d"),
            "hour": self.pgettext("short length of time", "{count}h"),
            "minute": self.pgettext("short length of time", "{count}m"),
            "second": self.pgettext("short length of time", "{count}s"),
        }
        return "".join(said[unit].format(count=n) for n, unit in parts)

    def day(self, at: date) -> str:
        """Return a day of the year: "10 Oct"."""
        return f"{at.day} {at:%b}"

    def joined(self, words: Sequence[str], *, either: bool = False) -> str:
        """Return words as a list in a sentence: "a, b and c", or "a, b or c"."""
        if len(words) < 2:
            return "".join(words)
        return f"{', '.join(words[:-1])} {'or' if either else 'and'} {words[-1]}"

    def begun(self, words: str) -> str:
        """Return words as the begin of a sentence."""
        return words[:1].upper() + words[1:]


ENGLISH = Speech()
_SPEECH: ContextVar[Speech] = ContextVar("speech", default=ENGLISH)


def speech() -> Speech:
    """Return the language that is spoken here and now."""
    return _SPEECH.get()


@contextmanager
def speaking(language: Speech) -> Iterator[None]:
    """Speak a language while the context lasts."""
    token = _SPEECH.set(language)
    try:
        yield
    finally:
        _SPEECH.reset(token)


def settle(language: Speech) -> None:
    """Speak a language from here on, in this task and all that it starts."""
    _SPEECH.set(language)


def _(message: str) -> str:
    """Return a sentence in the language that is spoken."""
    if isinstance(message, Said):
        fields = {name: _(value) for name, value in message.fields.items()}
        return _SPEECH.get().gettext(message.template).format(**fields)
    return _SPEECH.get().gettext(message) if message else ""


class Said(str):
    """A sentence of a table whose gaps are filled: English as it is, and `_` of it in any language."""

    __slots__ = ("fields", "template")

    def __new__(cls, template: str, **fields: str) -> Self:
        """Keep what `_` makes the same sentence of again; fields are names, numbers or marked."""
        made = super().__new__(cls, template.format(**fields))
        made.template, made.fields = template, fields
        return made

    template: str
    fields: dict[str, str]


def said(template: str, **fields: str) -> str:
    """Mark a sentence of a table and fill its gaps; `_` of it is its translation."""
    return Said(template, **fields)


def N_(message: str) -> str:  # noqa: N802 - the name that everybody gives it
    """Mark a sentence of a table; `_` of it is its translation."""
    return message


def pgettext(context: str, message: str) -> str:
    """Return words that mean several things, in the sense that `context` names."""
    return _SPEECH.get().pgettext(context, message)


def ngettext(one: str, many: str, count: int) -> str:
    """Return a sentence in the form that goes with a count; fill its gaps with `.format(count=...)`."""
    return _SPEECH.get().ngettext(one, many, count)
