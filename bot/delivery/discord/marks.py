"""Write lines in Discord's markdown, escaped, and put them into embeds. Pure functions."""

from collections.abc import Sequence
from itertools import groupby

import discord

from bot.commands.lines import Line, Style

DESCRIPTION = 4000
"""What an embed's text may hold, with room for marks (Discord takes 4,096)."""
TITLE = 250
FOOTER = 2000
CONTENT = 1900
ALT = 1000


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
    plain = text.encode("utf-8", "replace").decode()
    marked = discord.utils.escape_markdown(plain, ignore_links=False).replace("[", "\\[")
    return discord.utils.escape_mentions(marked)


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
