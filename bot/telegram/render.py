"""Turn replies into messages that read well on a phone. Pure functions."""

import re
from collections.abc import Sequence

from bot.commands.reply import Button, Reply, Table
from bot.delivery.telegram.keyboard import keyboard
from bot.delivery.telegram.lines import CAPTION, TEXT, Line, Style, of_text, split
from bot.delivery.telegram.parcel import Parcel

WARNING = "⚠️"
CODE_WIDTH = 34
"""How many characters of a fixed width a phone shows in a line."""
EMPTY = ("", "–")
MAX_TOAST = 200
_SENTENCE = re.compile(r"(?<=\.) (?=[A-Z])")


def parcels_of(reply: Reply) -> list[Parcel]:
    """Return the messages that a reply becomes, in order: what is too long for one goes on in the next.

    A picture carries the buttons, so that pressing them changes it; else the last message does.
    """
    lines = lines_of(reply)
    keys = keyboard(reply.buttons)
    if not reply.images and not reply.files:
        pages = [tuple(page) for page in split(lines, TEXT)]
        last = len(pages) - 1
        return [Parcel(lines=page, keys=keys if i == last else None) for i, page in enumerate(pages)]
    caption, *further = split(lines, CAPTION)
    files = [Parcel(lines=(), picture=image.png, name=image.name) for image in reply.images]
    files += [Parcel(lines=(), document=file.content, name=file.name) for file in reply.files]
    first = files[0]
    head = Parcel(
        lines=tuple(caption), picture=first.picture, document=first.document, name=first.name, keys=keys
    )
    return [head, *files[1:], *(Parcel(lines=tuple(page)) for page in further)]


def edit_of(reply: Reply) -> Parcel:
    """Return what a reply makes of the message whose button asked for it: one message, cut if need be."""
    picture = reply.images[0] if reply.images else None
    return Parcel(
        lines=tuple(lines_of(reply)),
        picture=picture.png if picture else None,
        name=picture.name if picture else "",
        keys=keyboard(reply.buttons),
    )


def toast_of(reply: Reply) -> str:
    """Return a reply in the few words that fit a note over the chat, which the asker alone sees."""
    if reply.failed:
        told = f"{reply.error} Try: {reply.example}" if reply.example else reply.error
    else:
        told = "\n".join(filter(None, (reply.title, reply.text, *(f"{k}: {v}" for k, v in reply.fields))))
    return told if len(told) <= MAX_TOAST else f"{told[: MAX_TOAST - 1].rstrip()}…"


def lines_of(reply: Reply) -> list[Line]:
    """Return the lines of a reply: title, text, fields, table, and where it comes from."""
    lines = []
    if reply.failed:
        lines.append(Line(f"{WARNING} {reply.error}"))
        if reply.example:
            lines.append(Line("Try: ", example=reply.example))
    if reply.images and reply.text == reply.images[0].alt:
        lines += _caption(reply.text)
    else:
        lines += [Line(reply.title, Style.BOLD)] if reply.title else []
        lines += of_text(reply.text)
    lines += [Line(value, label=label[:1].upper() + label[1:]) for label, value in reply.fields]
    if reply.table is not None:
        lines += table_lines(reply.table)
    if reply.notice and reply.notice not in reply.text:
        lines.append(Line(reply.notice, Style.ITALIC))
    return lines or [Line("Done.")]


def _caption(alt: str) -> list[Line]:
    """Return what a picture shows, a line for each sentence, the first as its title."""
    first, *rest = _SENTENCE.split(alt)
    return [Line(first.removesuffix("."), Style.BOLD), *(Line(sentence) for sentence in rest)]


def table_lines(table: Table) -> list[Line]:
    """Return a table as columns where a phone is wide enough, else as a list."""
    if len(table.headings) == 2 and not table.numeric:
        return [_pair(row) for row in table.rows]
    for kept in (table, _essential(table)):
        for gap in (2, 1):
            widths = _widths(kept)
            if sum(widths) + gap * (len(widths) - 1) <= CODE_WIDTH:
                return _columns(kept, widths, gap)
    return [line for row in table.rows for line in _listed(table, row)]


def _pair(row: Sequence[str]) -> Line:
    """Return a row of two: what it is, and what there is to say about it."""
    if row[0].startswith("/"):
        return Line(f"{row[0]} – {row[1]}")
    return Line(row[1], label=row[0])


def _essential(table: Table) -> Table:
    """Return a table without the columns that only decorate: those without a heading."""
    kept = [i for i, heading in enumerate(table.headings) if heading]
    return Table(
        headings=tuple(table.headings[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in table.rows),
        numeric=table.numeric,
    )


def _widths(table: Table) -> list[int]:
    return [max(len(row[i]) for row in (table.headings, *table.rows)) for i in range(len(table.headings))]


def _columns(table: Table, widths: Sequence[int], gap: int) -> list[Line]:
    right = [heading in table.numeric for heading in table.headings]
    lines = []
    for row in (table.headings, *table.rows):
        cells = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        lines.append(Line((" " * gap).join(cells).rstrip(), Style.CODE))
    return lines


def _listed(table: Table, row: Sequence[str]) -> list[Line]:
    """Return one row as two lines: what it is about, then the rest with its headings."""
    cells = [(h, c) for h, c in zip(table.headings, row, strict=True) if h and c not in EMPTY]
    head = " · ".join(cell for _, cell in cells[:2])
    rest = " · ".join(f"{heading} {cell}" for heading, cell in cells[2:])
    return [Line(f"• {head}", Style.BOLD), *([Line(rest)] if rest else [])]


def link_parcel(title: str, text: str, button: Button) -> Parcel:
    """Return a message with one button that leads elsewhere."""
    return Parcel(lines=(Line(title, Style.BOLD), Line(text)), keys=keyboard([[button]]))
