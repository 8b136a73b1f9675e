"""Write lines in Discord's markdown, escaped, and put them into embeds. Pure functions."""

import re
from collections.abc import Sequence
from itertools import groupby

import discord

from bot.commands.lines import Line, Style
from bot.delivery.plain_words import neutral

DESCRIPTION = 4000
"""What an embed's text may hold, with room for marks (Discord takes 4,096)."""
TITLE = 250
FOOTER = 2000
CONTENT = 1900
ALT = 1000
_HEADING = re.compile(r"(?m)^(\s*)(-?#)")
"""What makes a heading, or small print, of a line."""


def markdown(lines: Sequence[Line]) -> str:
    """Return lines as Discord's markdown; lines of code that follow each other are one block."""
    parts = []
    for is_code, group in groupby(lines, lambda line: line.style is Style.CODE):
        if is_code:
            parts.append("```\n" + "\n".join(_code(line.plain) for line in group) + "\n```")
        else:
            parts.extend(_marked(line) for line in group)
    return "\n".join(parts)


def escaped(text: str) -> str:
    """Return text without marks, mentions or links of its own; lone surrogates are replaced."""
    marked = discord.utils.escape_markdown(neutral(text), ignore_links=False)
    return _HEADING.sub(r"\1\\\2", marked.replace("<", "\\<"))


def _marked(line: Line) -> str:
    label = f"**{escaped(line.label)}:** " if line.label else ""
    example = f"`{_code(line.example)}`" if line.example else ""
    text = escaped(line.text)
    if text and line.style is Style.BOLD:
        text = f"**{text}**"
    elif text and line.style is Style.ITALIC:
        text = f"*{text}*"
    return f"{label}{text}{example}"


def _code(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("`", "ˋ")
