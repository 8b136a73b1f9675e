"""Say how a series stands after a backfill, and who is told while it goes on."""

from dataclasses import dataclass
from typing import Protocol

from adapters.lacking import Stretch
from adapters.series import STEP_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How one series stands at the end: what was stored now, what there is, what is lacking and why.

    `first_ms` and `last_ms` are the times of the first and last row there is of the stretch asked for, None
    where there is none. `absent` counts stretches that the venue has nothing of, `left` those that are still
    lacking; `why` says what went wrong, and `note` what else is to be known. `listed` is False where the
    venue does not know the symbol.
    """

    venue: str
    symbol: str
    what: str
    step_ms: int = 0
    stored: int = 0
    held: int = 0
    first_ms: int | None = None
    last_ms: int | None = None
    absent: int = 0
    left: tuple[Stretch, ...] = ()
    why: str = ""
    note: str = ""
    listed: bool = True

    @property
    def name(self) -> str:
        """Return what the series is called."""
        return f"{self.what} {STEP_NAMES[self.step_ms]}" if self.step_ms else self.what


class Shown(Protocol):
    """Be told how a venue's part goes on, in rows."""

    def expect(self, venue: str, rows: int) -> None:
        """Take note of how many rows are lacking."""

    def advance(self, venue: str, rows: int) -> None:
        """Take note of rows that were dealt with, kept or known to be absent."""

    def done(self, filled: Filled) -> None:
        """Take note of a series that is dealt with."""
