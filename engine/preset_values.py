"""Read the values of a file of models, and note what is wrong with each: where it stands, what it wants.

A reader returns what a value means, or None once its place has noted why it means nothing: so one pass finds
every problem of a file.
"""

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

SHOWN_CHARS = 60
LONGEST_BITS = 128
"""Bits of a whole number beyond which it is neither used nor written out."""
_PERCENT = re.compile(r"[ ]*([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})[ ]*%[ ]*")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class Place:
    """Be where in a file a value stands; all places of a file note into the same `problems`."""

    file: str
    path: str = ""
    problems: list[str] = field(default_factory=list)

    def key(self, name: str) -> "Place":
        """Return the place of a key in this table; a name that is not plain is quoted."""
        plain = name if _PLAIN.fullmatch(name) else shown(name)
        return Place(self.file, f"{self.path}.{plain}" if self.path else plain, self.problems)

    def item(self, index: int) -> "Place":
        """Return the place of an item of this list; items are counted from 1."""
        return Place(self.file, f"{self.path}[{index + 1}]", self.problems)

    def note(self, problem: str) -> None:
        """Note what is wrong here and what would be right."""
        where = f"{self.path} ({self.file})" if self.path else self.file
        self.problems.append(f"{where}: {problem}")

    def refuse(self, value: object, wants: str) -> None:
        """Note that a value is not what is wanted here."""
        self.problems.append(f"{self.path}={shown(value)} ({self.file}): wants {wants}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """Be a number from `low` to `high`, both included.

    `wants` says in words what is read; `percent` that "0.5%" is 0.005; `never` that "never" is infinite;
    `whole` that fractions are refused.
    """

    low: float
    high: float
    wants: str
    percent: bool = False
    never: bool = False
    whole: bool = False

    def read(self, place: Place, value: object) -> float | None:
        """Return the number, None once it is refused."""
        if self.never and value == "never":
            return math.inf
        found = _number(value, percent=self.percent)
        if found is None or not self.low <= found <= self.high or (self.whole and found % 1):
            place.refuse(value, self.wants)
            return None
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Be a list of 1 to `most` numbers."""

    each: Number
    most: int
    wants: str

    def read(self, place: Place, value: object) -> list[float] | None:
        """Return the numbers, None once the list or any of them is refused."""
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            place.refuse(value, self.wants)
            return None
        found = [self.each.read(place.item(i), item) for i, item in enumerate(value)]
        return _all_of(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Be a list of 1 to `most` tables of numbers; columns that are not `needed` may be left out."""

    columns: Mapping[str, Number]
    needed: frozenset[str]
    most: int
    wants: str

    def read(self, place: Place, value: object) -> list[dict[str, float]] | None:
        """Return each row's numbers by column, None once the list or any row is refused."""
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            place.refuse(value, self.wants)
            return None
        return _all_of([self._row(place.item(i), row) for i, row in enumerate(value)])

    def _row(self, place: Place, row: object) -> dict[str, float] | None:
        if not isinstance(row, dict):
            place.refuse(row, f"a table of {', '.join(self.columns)}")
            return None
        good = unknown(place, row, self.columns)
        for name in self.needed - set(row):
            place.key(name).note(f"is missing; it wants {self.columns[name].wants}")
            good = False
        found = {
            name: self.columns[name].read(place.key(name), row[name]) for name in self.columns if name in row
        }
        numbers = {name: number for name, number in found.items() if number is not None}
        return numbers if good and len(numbers) == len(found) else None


def shown(value: object) -> str:
    """Return a value for a line about it, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > LONGEST_BITS:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, dict | list):
        return f"a {'table' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = repr(value)
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


def meant(name: str, known: Collection[str]) -> str:
    """Return what to do about a name that is not known: the nearest one, else all there are."""
    near = difflib.get_close_matches(name[:SHOWN_CHARS].lower(), known, n=1)
    return f"Did you mean {near[0]}?" if near else f"It may be {', '.join(known)}."


def unknown(place: Place, table: Mapping[str, object], known: Collection[str]) -> bool:
    """Note each key of a table that is not known; say whether there is none."""
    strange = [name for name in table if name not in known]
    for name in strange:
        place.key(name).note(f"there is no such key. {meant(name, known)}")
    return not strange


def _number(value: object, *, percent: bool) -> float | None:
    if percent and isinstance(value, str):
        match = _PERCENT.fullmatch(value)
        return float(match[1]) / 100 if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and value.bit_length() > LONGEST_BITS:
        return None
    return float(value) if math.isfinite(value) else None


def _all_of(found: list[T | None]) -> list[T] | None:
    """Return a list without holes, None where it has any."""
    whole = [item for item in found if item is not None]
    return whole if len(whole) == len(found) else None
