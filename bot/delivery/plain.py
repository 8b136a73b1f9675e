"""Make texts of others safe to write into headers, bodies and attributes. Pure functions."""

import re
from collections.abc import Iterable

from bot.commands.lines import units

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_TURNING = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of what follows: with them a line can read as something else."""
MARK = "…"


def clean(text: str) -> str:
    """Return text that shows what it says: no control characters, turned directions or lone surrogates."""
    whole = text.encode("utf-8", "replace").decode()
    return _TURNING.sub("", _CONTROL.sub(" ", whole))


def one_line(text: str, limit: int) -> str:
    """Return text as one line of at most `limit` UTF-16 units, fit for a header."""
    line = " ".join(clean(text[: 4 * limit]).split())
    if units(line) <= limit and len(text) <= 4 * limit:
        return line
    line = line[:limit]
    while units(line) >= limit:
        line = line[:-1]
    return line.rstrip() + MARK


def paragraphs(texts: Iterable[str]) -> list[str]:
    """Return the lines of texts, cleaned, empty ones left out."""
    return [line for text in texts for line in map(str.strip, clean(text).split("\n")) if line]
