"""Write lines in Telegram's HTML, escaped. Pure functions."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from itertools import groupby

from bot.commands.lines import Line, Style
from bot.delivery.plain_words import neutral

CAPTION = 1024
TEXT = 4096


def html(lines: Sequence[Line]) -> str:
    """Return lines as Telegram's HTML; lines of code that follow each other are one block."""
    parts = []
    for is_code, group in groupby(lines, lambda line: line.style is Style.CODE):
        if is_code:
            parts.append("<pre>" + "\n".join(_escaped(line.plain) for line in group) + "</pre>")
        else:
            parts.extend(_html(line) for line in group)
    return "\n".join(parts)


def clean(line: Line, *, code: bool) -> Line:
    """Return a line in which Telegram finds no mention and no link; in `code` it looks for none anyway."""
    if code and line.style is Style.CODE:
        return line
    return replace(line, text=neutral(line.text), label=neutral(line.label))


def _html(line: Line) -> str:
    label = f"<b>{_escaped(line.label)}:</b> " if line.label else ""
    example = f"<code>{_escaped(line.example)}</code>" if line.example else ""
    text = _escaped(line.text)
    if text and line.style is Style.BOLD:
        text = f"<b>{text}</b>"
    elif text and line.style is Style.ITALIC:
        text = f"<i>{text}</i>"
    return f"{label}{text}{example}"


def _escaped(text: str) -> str:
    """Return text without marks of its own; lone surrogates, which no encoding takes, are replaced."""
    return escape(text.encode("utf-8", "replace").decode(), quote=False)
