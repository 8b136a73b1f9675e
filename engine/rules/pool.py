"""Keep numbered things as columns of arrays that grow, and find them by the numbers that rules have outside.

Numbers of what was given back are used again, so that churn does not grow anything.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engine.model import Ints

Places = npt.NDArray[np.int32]

NONE: Final = -1
PAGE: Final = 1024


class Pool:
    """Columns of one length, by name; a block is one or more things with numbers in a row."""

    def __init__(self, **kinds: npt.DTypeLike) -> None:
        self._columns: dict[str, npt.NDArray[Any]] = {name: np.empty(0, kind) for name, kind in kinds.items()}
        self._free: dict[int, list[int]] = {}
        self._end = 0
        self._room = 0

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column with its spare room; it is another array after the next `take` that grows it."""
        return self._columns[name]

    @property
    def end(self) -> int:
        """Return the least number that was never handed out."""
        return self._end

    @property
    def nbytes(self) -> int:
        """Return the memory of the columns, spare room included, in bytes."""
        return sum(column.nbytes for column in self._columns.values())

    def take(self, sizes: Ints) -> Ints:
        """Return the first numbers of new blocks of the sizes given, (n,); their columns hold anything."""
        if len(sizes) == 1 and (free := self._free.get(int(sizes[0]))):
            return np.array([free.pop()], np.int64)
        ends = self._end + np.cumsum(sizes)
        if len(ends):
            self._end = int(ends[-1])
            self._grow()
        return ends - sizes

    def give(self, first: int, size: int) -> None:
        """Take a block back."""
        self._free.setdefault(size, []).append(first)

    def _grow(self) -> None:
        if self._end <= self._room:
            return
        room = self._end if not self._room else max(self._end, self._room + self._room // 8 + 64)
        for name, column in self._columns.items():
            wider = np.empty(room, column.dtype)
            wider[: self._room] = column
            self._columns[name] = wider
        self._room = room


class Directory:
    """Find places (int32) by outside numbers, four bytes for each where those are dense."""

    def __init__(self) -> None:
        self._pages: dict[int, Places] = {}

    def get(self, number: int) -> int:
        """Return the place of a number, NONE where it has none."""
        page = self._pages.get(number // PAGE)
        return NONE if page is None else int(page[number % PAGE])

    def put(self, numbers: Ints, places: Ints) -> None:
        """Note places; a number is 0 or more."""
        pages, within = np.divmod(numbers, PAGE)
        order = np.argsort(pages, kind="stable")
        starts = np.flatnonzero(np.diff(pages[order], prepend=NONE))
        for part in np.split(order, starts[1:]) if len(order) else []:
            page = self._pages.setdefault(int(pages[part[0]]), np.full(PAGE, NONE, np.int32))
            page[within[part]] = places[part]

    def drop(self, number: int) -> None:
        """Forget a number, and its page with the last one on it."""
        page = self._pages[number // PAGE]
        page[number % PAGE] = NONE
        if (page == NONE).all():
            del self._pages[number // PAGE]

    def places(self) -> Ints:
        """Return all places, in the order of no matter what."""
        pages = [page[page != NONE] for page in self._pages.values()]
        return np.concatenate(pages).astype(np.int64) if pages else np.empty(0, np.int64)

    @property
    def nbytes(self) -> int:
        """Return the memory of the pages, in bytes."""
        return sum(page.nbytes for page in self._pages.values())


def spans(firsts: Ints, sizes: Ints) -> Ints:
    """Return the numbers of blocks one after the other: `firsts[0], firsts[0] + 1, ...`."""
    before = np.cumsum(sizes) - sizes
    return np.repeat(firsts - before, sizes) + np.arange(int(sizes.sum()))
