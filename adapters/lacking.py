"""Work out which stretches of the past are lacking, and what a venue turned out not to have.

Times are ms UTC. Rows come in steps, at multiples of them, or, with a step of 0, at times of their own. A
stretch `(begin, end)` does not include its end; an absence `(first, last)` includes both.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from adapters.rest.pages import Piece
from engine.model import Ints

LATE_MS = 600_000
"""What is missing for so long is missing for good; funding is not asked for before so long."""
Stretch = tuple[int, int]


def stretches(
    since_ms: int, until_ms: int, step_ms: int, *, times: Ints, absences: Sequence[Stretch]
) -> list[Stretch]:
    """Return the stretches of which neither a row is kept nor is known that there is none, oldest first."""
    if step_ms:
        return _in_steps(since_ms, until_ms, step_ms, times, absences)
    points = [(int(ts), int(ts)) for ts in times]
    return _between(since_ms, until_ms, [*points, *absences])


def _in_steps(
    since_ms: int, until_ms: int, step_ms: int, times: Ints, absences: Sequence[Stretch]
) -> list[Stretch]:
    first_ms = -(-since_ms // step_ms) * step_ms
    wanted = np.arange(first_ms, until_ms, step_ms, dtype=np.int64)
    known = np.isin(wanted, times)
    for begin, last in absences:
        known[slice(*np.searchsorted(wanted, [begin, last + 1]))] = True
    lack = wanted[~known]
    cuts = np.flatnonzero(np.diff(lack) > step_ms) + 1
    return [(int(run[0]), int(run[-1]) + step_ms) for run in np.split(lack, cuts) if len(run)]


def _between(since_ms: int, until_ms: int, known: Iterable[Stretch]) -> list[Stretch]:
    found: list[Stretch] = []
    at_ms = since_ms
    for first, last in sorted(known):
        if first >= until_ms:
            break
        if first > at_ms:
            found.append((at_ms, first))
        at_ms = max(at_ms, last + 1)
    if at_ms < until_ms:
        found.append((at_ms, until_ms))
    return found


def joined(found: Sequence[Stretch], within_ms: int) -> list[Stretch]:
    """Return stretches with those made one that are so near: asking once costs less than asking twice."""
    whole: list[Stretch] = []
    for begin, end in found:
        if whole and begin - whole[-1][1] <= within_ms:
            whole[-1] = (whole[-1][0], end)
        else:
            whole.append((begin, end))
    return whole


def empty(since_ms: int, until_ms: int, times: Iterable[int]) -> list[Stretch]:
    """Return the absences between rows at times of their own, in a stretch that was asked for whole."""
    found = _between(since_ms, until_ms, [(ts, ts) for ts in times])
    return [(begin, end - 1) for begin, end in found]


def settled(absences: Iterable[Stretch], newest_ms: int) -> list[Stretch]:
    """Return absences as far as they are not newer than a time: what is newer may still come."""
    return [(first, min(last, newest_ms)) for first, last in absences if first <= newest_ms]


def absent(piece: Piece, step_ms: int, now_ms: int) -> list[Stretch]:
    """Return what a piece shows that the venue does not have; nothing where some rows could not be read."""
    if sum(piece.dropped.values()):
        return []
    times = (each.ts for each in piece.events)
    found = list(piece.missing) if step_ms else empty(piece.since_ms, piece.until_ms, times)
    return settled(found, now_ms - step_ms - LATE_MS)
