"""Hold what is said as lines with a look, and cut them where a platform's limits are. Pure functions.

Lengths are counted in UTF-16 units: no platform counts more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MARK = "…"


class Style(StrEnum):
    """How a line looks."""

    PLAIN = "plain"
    BOLD = "bold"
    ITALIC = "italic"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of plain text, its look, and a label in bold before it. `example` is a command to copy."""

    text: str
    style: Style = Style.PLAIN
    label: str = ""
    example: str = ""

    @property
    def plain(self) -> str:
        """Return the line as it is read."""
        return f"{f'{self.label}: ' if self.label else ''}{self.text}{self.example}"

    @property
    def length(self) -> int:
        """Return how long the line is, in UTF-16 units."""
        return units(self.plain)


def units(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def of_text(text: str, style: Style = Style.PLAIN) -> list[Line]:
    """Return the lines of a text, empty ones left out."""
    return [Line(part.strip(), style) for part in text.splitlines() if part.strip()]


def length(lines: Iterable[Line]) -> int:
    """Return how long lines put together are, in UTF-16 units."""
    sizes = [line.length for line in lines]
    return sum(sizes) + max(0, len(sizes) - 1)


def split(lines: Sequence[Line], first: int, further: int) -> list[list[Line]]:
    """Cut lines into messages of at most `first`, then `further` characters, between lines if it goes."""
    pages: list[list[Line]] = [[]]
    room, used = first, 0
    for line in lines:
        for piece in _pieces(line, min(first, further)):
            size = piece.length
            if pages[-1] and used + 1 + size > room:
                pages.append([])
                room, used = further, 0
            used += size + bool(pages[-1])
            pages[-1].append(piece)
    return pages


def fit(lines: Sequence[Line], limit: int) -> list[Line]:
    """Return the lines that one message takes; where some are left out, its last line says so."""
    if length(lines) <= limit:
        return list(lines)
    room = limit - len(f"\n{MARK}")
    return [*split(lines, room, room)[0], Line(MARK)]


def _pieces(line: Line, limit: int) -> list[Line]:
    """Cut a line that is longer than a message between words."""
    if line.length <= limit:
        return [line]
    pieces = []
    rest = replace(line, text=line.text + line.example, example="")
    while rest.length > limit:
        room = limit - (units(rest.label) + 2 if rest.label else 0)
        cut = _cut(rest.text, max(1, room))
        pieces.append(replace(rest, text=rest.text[:cut].rstrip()))
        rest = Line(rest.text[cut:].lstrip(), rest.style)
    return [*pieces, rest] if rest.text else pieces


def _cut(text: str, limit: int) -> int:
    """Return where to cut a text: after the last blank within the limit, else at the limit."""
    end = min(len(text), limit)
    while units(text[:end]) > limit:
        end -= 1
    blank = text.rfind(" ", 0, end + 1)
    return blank if blank > end // 2 else max(1, end)
