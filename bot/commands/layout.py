"""Lay out a reply as lines that read well on a phone, for every chat. Pure functions."""

import re
import unicodedata
from collections.abc import Sequence

from bot.commands.lines import Line, Style, of_text
from bot.commands.reply import Reply, Table
from bot.lang import _, speaking, speech_of

WARNING = "⚠️"
CODE_WIDTH = 34
"""How many characters of a fixed width a phone shows in a line."""
EMPTY = ("", "–")
_SENTENCE = re.compile(r"(?<=\.) (?=[A-ZÀ-ÞİŞĞА-Я])|(?<=。)(?=.)")


def lines_of(reply: Reply) -> list[Line]:
    """Return the lines of a reply: title, text, fields, table, and where it comes from."""
    title, notice = heading(reply), notice_of(reply)
    lines = [*trouble(reply)]
    lines += [Line(title, Style.BOLD)] if title else []
    lines += body(reply)
    lines += [Line(notice, Style.ITALIC)] if notice else []
    return lines or [done(reply)]


def done(reply: Reply) -> Line:
    """Return what to say where there is nothing else."""
    with speaking(speech_of(reply.language)):
        return Line(_("Done."))


def heading(reply: Reply) -> str:
    """Return the title of a reply; of a picture, what it shows in a few words."""
    return _caption(reply)[0].removesuffix(".") if _captioned(reply) else reply.title


def trouble(reply: Reply) -> list[Line]:
    """Return what went wrong, and what would work."""
    if not reply.failed:
        return []
    told = [Line(f"{WARNING} {reply.error}")]
    with speaking(speech_of(reply.language)):
        return [*told, Line(_("Try: "), example=reply.example)] if reply.example else told


def body(reply: Reply, code_width: int = CODE_WIDTH) -> list[Line]:
    """Return what a reply says below its title: text, fields, table, in columns up to `code_width`."""
    lines = [Line(sentence) for sentence in _caption(reply)[1:]] if _captioned(reply) else of_text(reply.text)
    lines += [Line(value, label=speech_of(reply.language).begun(label)) for label, value in reply.fields]
    if reply.table is not None:
        table = reply.table
        brief = bool(reply.images and table.brief)
        lines += brief_lines(table, code_width) if brief else table_lines(table, code_width)
    return lines


def notice_of(reply: Reply) -> str:
    """Return where a reply comes from, where its text does not say so."""
    return "" if reply.notice in reply.text else reply.notice


def _captioned(reply: Reply) -> bool:
    """Say whether the text is what the picture shows in words."""
    return bool(reply.images) and reply.text == reply.images[0].alt


def _caption(reply: Reply) -> list[str]:
    return _SENTENCE.split(reply.text)


def table_lines(table: Table, code_width: int = CODE_WIDTH) -> list[Line]:
    """Return a table as columns where a phone is wide enough, else as a list."""
    if len(table.headings) == 2 and not table.numeric:
        return [_pair(row) for row in table.rows]
    for kept in (table, _essential(table)):
        for gap in (2, 1):
            widths = _widths((kept.headings, *kept.rows))
            if sum(widths) + gap * (len(widths) - 1) <= code_width:
                return _columns(kept, widths, gap)
    return [line for row in table.rows for line in _listed(table, row)]


def _pair(row: Sequence[str]) -> Line:
    """Return a row of two: what it is, and what there is to say about it."""
    if row[0].startswith("/"):
        return Line(f"{row[0]} – {row[1]}")
    return Line(row[1], label=row[0])


def _essential(table: Table) -> Table:
    """Return a table without the columns that only decorate: those without a heading."""
    return _only(table, [heading for heading in table.headings if heading])


def _only(table: Table, headings: Sequence[str]) -> Table:
    """Return a table with some of its columns."""
    kept = [i for i, heading in enumerate(table.headings) if heading in headings]
    return Table(
        headings=tuple(table.headings[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in table.rows),
        numeric=table.numeric,
    )


def brief_lines(table: Table, code_width: int = CODE_WIDTH) -> list[Line]:
    """Return what is enough of a table beside a picture that shows the rest, its headings too."""
    kept = _only(table, table.brief)
    widths = _widths(kept.rows)
    if sum(widths) + 2 * (len(widths) - 1) <= code_width:
        return _columns(kept, widths, 2)[1:]
    return table_lines(kept, code_width)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(width_of, column)) for column in zip(*rows, strict=True)]


def width_of(text: str) -> int:
    """Return how many places of a fixed width a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _filled(text: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - width_of(text))
    return blanks + text if right else text + blanks


def _columns(table: Table, widths: Sequence[int], gap: int) -> list[Line]:
    right = [heading in table.numeric for heading in table.headings]
    lines = []
    for row in (table.headings, *table.rows):
        cells = [_filled(c, w, right=r) for c, w, r in zip(row, widths, right, strict=True)]
        lines.append(Line((" " * gap).join(cells).rstrip(), Style.CODE))
    return lines


def _listed(table: Table, row: Sequence[str]) -> list[Line]:
    """Return one row as two lines: what it is about, then the rest with its headings."""
    cells = [(h, c) for h, c in zip(table.headings, row, strict=True) if h and c not in EMPTY]
    head = " · ".join(cell for _, cell in cells[:2])
    rest = " · ".join(f"{heading} {cell}" for heading, cell in cells[2:])
    return [Line(f"• {head}", Style.BOLD), *([Line(rest)] if rest else [])]
