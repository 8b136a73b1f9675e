"""Turn the pages of long lists by buttons that change the message."""

from collections.abc import Sequence
from typing import TypeVar

from bot.commands import ids
from bot.commands.parts import rows
from bot.commands.reply import Button
from bot.commands.spec import Kind, Parameter
from bot.lang import N_, _

T = TypeVar("T")

PAGE = Parameter(
    name="page",
    kind=Kind.INTEGER,
    description=N_("Which page; 1 is the first"),
    default=1,
    low=1,
    high=1000,
    unit="page",
    examples=("2",),
)


def paged(found: Sequence[T], page: int, size: int) -> tuple[Sequence[T], int, int]:
    """Return what is on a page, its number (the last one where there are fewer), and how many there are."""
    pages = max(1, -(-len(found) // size))
    page = min(page, pages)
    return found[(page - 1) * size : page * size], page, pages


def turns(noun: str, verb: str, page: int, pages: int, *about: str) -> tuple[tuple[Button, ...], ...]:
    """Return the buttons that turn the page of a command; none where there is one page only."""
    ways = ((_("Previous"), page - 1, page > 1), (_("Next"), page + 1, page < pages))
    return rows(
        [
            Button(label=label, action=ids.action(noun, verb, f"page={to}", *about, edits=True))
            for label, to, there in ways
            if there
        ]
    )


def of_pages(page: int, pages: int) -> str:
    """Return which page it is, to follow a title; empty where there is one only."""
    return _(", page {page} of {pages}").format(page=page, pages=pages) if pages > 1 else ""
