"""Say what a venue has of the past of an instrument: which series, how each is paged, how far back it goes.

A venue's `history.py` answers that; nothing is asked here. Times are ms UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from adapters.instruments import Instrument, Instruments
from adapters.rest.calls import Site
from adapters.rest.client import RestClient
from adapters.rest.pages import Page
from engine.model import STEP_MS


class What(StrEnum):
    """One kind of rows of the past."""

    CANDLES = "candles"
    OPEN_INTEREST = "open_interest"
    FUNDING = "funding"
    RATIOS = "ratios"


STEPS_MS = {
    "1m": 60_000,
    "5m": STEP_MS,
    "15m": 3 * STEP_MS,
    "1h": 12 * STEP_MS,
    "4h": 48 * STEP_MS,
    "1d": 288 * STEP_MS,
}
"""The steps that candles are had in, as they are written. Nothing else comes in steps below five minutes."""
STEP_NAMES = {step_ms: name for name, step_ms in STEPS_MS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for of an instrument, from a time on; `now_ms` is the venue's time.

    Funding comes at times of its own, whatever `step_ms` is.
    """

    known: Instrument
    what: What
    step_ms: int
    since_ms: int
    now_ms: int

    @property
    def step(self) -> str:
        """Return the step as it is written."""
        return STEP_NAMES[self.step_ms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of rows: `page` says how it is read, `kind` tells several of the same `what` apart.

    `oldest_ms` is how far back the venue goes, 0 where no end is known.
    """

    what: What
    page: Page
    kind: str = ""
    oldest_ms: int = 0

    @property
    def step_ms(self) -> int:
        """Return how far apart rows are, 0 where they come at times of their own."""
        return self.page.step_ms


@runtime_checkable
class Historic(Protocol):
    """Be a kit that has a past to be read."""

    @property
    def venue(self) -> str:
        """Return the venue's name."""

    @property
    def site(self) -> Site:
        """Return what the REST client must know."""

    async def instruments(self, rest: RestClient) -> Instruments:
        """Return everything that is traded; raise CallFailed."""

    def past(self, wanted: Wanted) -> Sequence[Series]:
        """Return the series that the venue has of what is wanted; none where it has no such past."""
