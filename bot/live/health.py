"""Keep how each venue is doing: a row a minute and at each change of state, and what a day of rows says.

Times are ms UTC of the market's clock, ages are seconds.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from adapters.health import HasHealth, HealthSnapshot, Measured
from adapters.venue import VenueState
from engine.model import DAY_MS

LOOK_S = 5.0
"""How often venues are looked at: a change of state is noticed, and a silence measured, this exactly."""
ROW_MS = 60_000
"""How often a row is written of a venue whose state does not change."""
ABSENT_MS = 150_000
"""Rows further apart than this have a stretch between them in which nobody looked."""
PAST_MS = DAY_MS
"""How far back the history of a venue is told."""

MOST_SILENT = 20
"""How many silent topics a row names: those that have been so for longest."""

HealthRow = tuple[int, str, Mapping[str, Any]]
"""When, in which state, and the rest as plain values."""
VenuePast = Callable[[str, int, int], Awaitable[Sequence[HealthRow]]]
"""`past(venue, t0, t1)`: the rows of a venue, oldest first."""

_OK = frozenset({VenueState.UP.value, VenueState.PAUSED.value, VenueState.ENDED.value})
_ADDRESS = re.compile(r"(\w+://)(?:[^/\s@]*@)?([^\s?]*)(\?\S*)?")


class HealthStore(Protocol):
    """Be where rows of health are kept."""

    async def add_health(self, venue: str, ts: int, state: str, body: Mapping[str, Any]) -> None:
        """Accept how a venue was doing at a time."""


@dataclass(frozen=True, slots=True)
class _Written:
    """The last row of a venue."""

    ts: int
    state: VenueState


class HealthKeeper:
    """Write how the venues of a source are; call `sweep` every LOOK_S seconds.

    A source that does not measure its venues, such as a recording, leaves no rows.
    """

    def __init__(self, source: HasHealth, store: HealthStore, now_ms: Callable[[], int]) -> None:
        self._source, self._store, self._now_ms = source, store, now_ms
        self._written: dict[str, _Written] = {}
        self._silent_s: dict[str, float] = {}

    async def sweep(self) -> int:
        """Look at each venue and write what is due; return how many rows. Raise StorageError."""
        if not isinstance(self._source, Measured):
            return 0
        now_ms, rows = self._now_ms(), 0
        for shown in self._source.snapshots():
            venue = shown.venue
            if shown.silent_s is not None:
                self._silent_s[venue] = max(shown.silent_s, self._silent_s.get(venue, 0.0))
            last = self._written.get(venue)
            if last is not None and last.state is shown.state and now_ms - last.ts < ROW_MS:
                continue
            body = body_of(shown) | {"silent_s": self._silent_s.get(venue)}
            await self._store.add_health(venue, now_ms, shown.state.value, body)
            self._written[venue] = _Written(now_ms, shown.state)
            self._silent_s.pop(venue, None)
            rows += 1
        return rows


def body_of(shown: HealthSnapshot) -> dict[str, Any]:
    """Return a venue's health as plain values, its state and name left out."""
    return {
        "ages_s": {feed.value: None if age is None else round(age, 1) for feed, age in shown.ages_s.items()},
        "messages": shown.messages,
        "messages_per_s": round(shown.messages_per_s, 2),
        "lines": shown.lines,
        "lines_up": shown.lines_up,
        "reconnects": shown.reconnects,
        "gaps_filled": shown.gaps_filled,
        "limits": {name: [use.used, use.budget] for name, use in shown.limits.items()},
        "skew_ms": shown.skew_ms,
        "dropped": dict(shown.dropped),
        "refusals": shown.refusals,
        "silent_since_ms": dict(sorted(shown.silent.items(), key=lambda pair: pair[1])[:MOST_SILENT]),
        "last_error": scrubbed(shown.last_error),
        "final": shown.final,
    }


def lacking(
    source: HasHealth, venues: Sequence[str], now_ms: int, awaited: Sequence[str] = ()
) -> tuple[tuple[str, int | None], ...]:
    """Return which of some venues have given nothing for a minute, and when each was heard last.

    Those that are `awaited` have given nothing at all yet.
    """
    health = {each.venue: each for each in source.health()}
    gone = (health[name] for name in venues if name in health and not health[name].ok)
    heard = ((each.venue, each.last_event_ms) for each in gone)
    found = {name: ms for name, ms in heard if ms is None or now_ms - ms > ROW_MS}
    return tuple((found | dict.fromkeys(awaited)).items())


def scrubbed(text: str) -> str:
    """Return an error without what its addresses may hold: names, passwords, queries."""
    return _ADDRESS.sub(r"\1\2", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What rows say of a stretch of time.

    `watched_ms` is how much of it anybody looked, `up_ms` how much of that the venue was well;
    `longest_silence_s` is the longest time without any message, None where there never was one.
    """

    watched_ms: int = 0
    up_ms: int = 0
    reconnects: int = 0
    gaps_filled: int = 0
    longest_silence_s: float | None = None

    @property
    def uptime(self) -> float | None:
        """Return the share of what was watched in which the venue was well, None where nobody looked."""
        return self.up_ms / self.watched_ms if self.watched_ms else None


def past_of(rows: Sequence[HealthRow], until_ms: int) -> Past:
    """Return what rows say, oldest first; a state lasts until the next row, but no longer than is known."""
    ends = [row[0] for row in rows[1:]] + [max(until_ms, rows[-1][0])] if rows else []
    spans = [(row[1] in _OK, min(end - row[0], ABSENT_MS)) for row, end in zip(rows, ends, strict=True)]
    silences = [row[2]["silent_s"] for row in rows if row[2].get("silent_s") is not None]
    return Past(
        watched_ms=sum(span for _, span in spans),
        up_ms=sum(span for ok, span in spans if ok),
        reconnects=_grown(rows, "reconnects"),
        gaps_filled=_grown(rows, "gaps_filled"),
        longest_silence_s=max(silences, default=None),
    )


def _grown(rows: Sequence[HealthRow], name: str) -> int:
    """Return by how much a count grew; one that fell was begun anew at a start of the process."""
    counts = [int(row[2].get(name, 0)) for row in rows]
    return sum(after - before if after >= before else after for before, after in pairwise(counts))


async def nothing_kept(_venue: str, _t0: int, _t1: int) -> Sequence[HealthRow]:
    """Return no rows: where nothing is kept of venues."""
    return ()


async def last_day(past: VenuePast, venue: str, now_ms: int) -> Past:
    """Return what the rows of the last 24 hours say of a venue. Raise StorageError."""
    return past_of(await past(venue, now_ms - PAST_MS, now_ms + 1), now_ms)
