"""Speak a language other than English: sentences from its catalogue, numbers and times as it writes them."""

import gettext
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from babel import Locale
from babel.dates import format_skeleton
from babel.lists import format_list
from babel.numbers import format_compact_decimal, get_decimal_symbol, get_group_symbol

from engine.lang import Speech

SCALES = {"": 0, "K": 3, "M": 6, "B": 9, "T": 12}
DIGITS = 4
"""Most decimals of a short amount; those that are zero are left out."""
NBSP = "\u00a0"


class Spoken(Speech):
    """One language: what its catalogue and the locale data of Unicode say."""

    def __init__(self, code: str, locale: Locale, catalogue: gettext.NullTranslations) -> None:
        self.code = code
        self._locale = locale
        self._catalogue = catalogue
        self._marks = str.maketrans({",": get_group_symbol(locale), ".": get_decimal_symbol(locale)})
        self._money = _frame(locale.currency_formats["standard"].pattern, "¤", "$")
        self._percent = _frame(locale.percent_formats[None].pattern, "%", "%")
        self.blank = "" if code == "zh" else " "

    def gettext(self, message: str) -> str:
        """Return a sentence in this language."""
        return self._catalogue.gettext(message)

    def pgettext(self, context: str, message: str) -> str:
        """Return words that mean several things, in the sense that `context` names."""
        return self._catalogue.pgettext(context, message)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return a sentence in the form that goes with a count."""
        return self._catalogue.ngettext(one, many, count)

    def figure(self, number: str) -> str:
        """Return a number with this language's marks: "1.234,5"."""
        return number.translate(self._marks)

    def usd(self, amount: str, scale: str = "", *, sign: str = "") -> str:
        """Return dollars: "1,2 Mio. $"."""
        text = self.figure(amount)
        power = SCALES[scale.upper()]
        if power:
            value = Decimal(amount.replace(",", "")).scaleb(power)
            text = format_compact_decimal(value, locale=self._locale, fraction_digits=DIGITS)
            text = self.figure(f"{value:,.0f}") if text.isdigit() else text  # a scale that has no short form
        return sign + self._money.format(text)

    def percent(self, number: str, *, sign: str = "", gap: str = "") -> str:
        """Return a percentage: "2,5 %"."""
        return sign + self._percent.format(self.figure(number))

    def day(self, at: date) -> str:
        """Return a day of the year: "10. Okt."."""
        return format_skeleton("MMMd", datetime(at.year, at.month, at.day, tzinfo=UTC), locale=self._locale)

    def joined(self, words: Sequence[str], *, either: bool = False) -> str:
        """Return words as a list in a sentence: "a, b und c"."""
        return format_list(list(words), style="or" if either else "standard", locale=self._locale)

    def begun(self, words: str) -> str:
        """Return words as the begin of a sentence; Turkish has two letters i."""
        if self.code == "tr" and words.startswith("i"):
            return "İ" + words[1:]
        return super().begun(words)


def _frame(pattern: str, mark: str, shown: str) -> str:
    """Return a pattern of Unicode's ("#,##0.00 ¤") as one to put a number into: "{} $"."""
    pattern = pattern.partition(";")[0]
    gap = NBSP if NBSP in pattern else ""
    return f"{shown}{gap}{{}}" if pattern.startswith(mark) else f"{{}}{gap}{shown}"
