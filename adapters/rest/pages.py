"""Describe how a time range is paged, and gather its rows. Times are ms UTC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from adapters.parsed import Dropped, Parsed
from adapters.rest.calls import Call
from engine.model import VenueEvent


class Order(StrEnum):
    """Which rows an answer holds where a range has more than a page of them."""

    OLDEST_FIRST = "oldest_first"  # the range's oldest rows: the next page is asked for from the last row on
    NEWEST_FIRST = "newest_first"  # its newest ones: the next page is asked for up to the oldest row


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """How a time range is paged.

    `ask(first_ms, last_ms)` returns the call for the rows with `first_ms <= ts <= last_ms`, both inclusive;
    `read` turns the decoded answer into events, each with the `ts` of its row, the forming candle marked or
    left out. `size` is how many rows an answer holds at most. Rows are `step_ms` apart, 0 where they come at
    times of their own; `step_ms` also says where rows stand: at its multiples, shifted by `offset_ms`.
    """

    size: int
    order: Order
    ask: Callable[[int, int], Call]
    read: Callable[[object], Parsed]
    step_ms: int = 0
    offset_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a time range, whole: its events by time, and what the venue did not have.

    It reaches from `since_ms` up to `until_ms`, the latter not included. `missing` names the first and last
    `ts` of each hole in rows that come in steps, asked for twice. `strays` counts rows that were not asked
    for, `conflicts` those that came twice and not alike (the later stands). `left` is what of the range is
    still to come: pages go on there, also tomorrow; None at the end.
    """

    since_ms: int
    until_ms: int
    events: tuple[VenueEvent, ...]
    missing: tuple[tuple[int, int], ...] = ()
    strays: int = 0
    conflicts: int = 0
    dropped: Mapping[Dropped, int] = field(default_factory=dict)
    left: tuple[int, int] | None = None


class Rows:
    """Gather the rows of a range from answers that may repeat themselves, stray or leave some out."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.found: dict[int, VenueEvent] = {}
        self.strays = 0
        self.conflicts = 0
        self.dropped: dict[Dropped, int] = {}

    def add(self, decoded: object, first_ms: int, last_ms: int) -> list[int]:
        """Take an answer in; return the times of its rows within what was asked for."""
        parsed = self._page.read(decoded)
        for reason, count in parsed.dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count
        times: list[int] = []
        for event in parsed.events:
            if not first_ms <= event.ts <= last_ms or not self._in_step(event.ts):
                self.strays += 1
                continue
            known = self.found.get(event.ts)
            self.conflicts += known is not None and known != event
            self.found[event.ts] = event
            times.append(event.ts)
        return times

    def _in_step(self, ts_ms: int) -> bool:
        page = self._page
        return not page.step_ms or (ts_ms - page.offset_ms) % page.step_ms == 0

    def holes(self, first_ms: int, last_ms: int) -> tuple[tuple[int, int], ...]:
        """Return the first and last time of each stretch without rows, for rows that come in steps."""
        step_ms = self._page.step_ms
        holes: list[tuple[int, int]] = []
        for ts_ms in range(first_ms, last_ms + 1, step_ms):
            if ts_ms in self.found:
                continue
            if holes and holes[-1][1] == ts_ms - step_ms:
                holes[-1] = (holes[-1][0], ts_ms)
            else:
                holes.append((ts_ms, ts_ms))
        return tuple(holes)

    def piece(self, since_ms: int, until_ms: int, left: tuple[int, int] | None) -> Piece:
        """Return what was gathered, by time."""
        step_ms = self._page.step_ms
        return Piece(
            since_ms=since_ms,
            until_ms=until_ms,
            events=tuple(self.found[ts_ms] for ts_ms in sorted(self.found)),
            missing=self.holes(since_ms, until_ms - 1) if step_ms else (),
            strays=self.strays,
            conflicts=self.conflicts,
            dropped=self.dropped,
            left=left,
        )
