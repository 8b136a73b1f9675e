"""Find out on stored history how often a rule would have fired, before it is saved.

What happens between stored candles is estimated from their extremes; the result says so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Final

import numpy as np
import numpy.typing as npt

from engine.features.past import History, Past, points
from engine.lang import _, ngettext, speech
from engine.model import DAY_MS, Floats, Ints, Liquidation, Side, ZoneChange, ZoneEvent
from engine.rules.atom import (
    PULSE_MS,
    Atom,
    Branch,
    Branches,
    EventAtom,
    OneLiquidation,
    Seen,
    ZoneBuilt,
    ZoneNear,
    ZoneSwept,
)
from engine.rules.condition import CANDLES, FUNDING, LIQUIDATIONS, LONG_SHORT, OPEN_INTEREST
from engine.rules.expression import Repeat, Spec, leaves
from engine.rules.feature import Direction, Metric, Threshold
from engine.rules.sentence import feeds_told

STORM: Final = 20
"""Fires a day above which a rule is warned about."""
SHOWN_DAYS: Final = 10
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """Say when a rule would have fired, ms UTC, in the days stored; of `lacking` nothing is stored.

    `true` says whether it is true at the end of them, None where that is not known.
    """

    times: tuple[int, ...]
    since_ms: int
    until_ms: int
    lacking: tuple[str, ...] = ()
    true: bool | None = None

    @property
    def days(self) -> float:
        """Return how many days were looked at."""
        return (self.until_ms - self.since_ms) / DAY_MS

    def by_day(self, zone: tzinfo = UTC) -> dict[date, int]:
        """Return the fires of each day that has some, oldest first, in a time zone."""
        return dict(Counter(datetime.fromtimestamp(ts / 1000, zone).date() for ts in self.times))

    def storm(self, zone: tzinfo = UTC) -> bool:
        """Say whether any day has more fires than anybody wants."""
        return max(self.by_day(zone).values(), default=0) > STORM

    def says(self, zone: tzinfo = UTC) -> str:
        """Return the result in words."""
        if self.lacking:
            told = _("Nothing is stored of {feeds}: how often this would have fired cannot be said.")
            return told.format(feeds=feeds_told(self.lacking))
        stored, count, days = _days(self.days), len(self.times), self.by_day(zone)
        if not count:
            never = _("Over the {days} stored this would never have fired (estimated from candles).")
            return never.format(days=stored)
        fired = ngettext(
            "Over the {days} stored this would have fired once, on {listed} (estimated from candles).",
            "Over the {days} stored this would have fired {count} times, on {listed} "
            "(estimated from candles).",
            count,
        ).format(days=stored, count=count, listed=_listed(days))
        if not self.storm(zone):
            return fired
        storm = _("That is up to {most} a day; more than {storm} is a storm: ask for more.")
        return f"{fired} {storm.format(most=max(days.values()), storm=STORM)}"


def dry_run(spec: Spec, history: History, *, days: int = 30) -> DryRun:
    """Return when a rule would have fired in the last `days` of a history; what comes before warms it up.

    A branch that is true from the first moment at which it is known has not become true.
    """
    branches = spec.branches(history.symbol)
    lead = history.candles.get(history.lead)
    if lead is None or not len(lead):
        return DryRun(times=(), since_ms=0, until_ms=0, lacking=(CANDLES,))
    until_ms = int(lead.ts[-1]) + history.step_ms
    since_ms = max(until_ms - days * DAY_MS, int(lead.ts[0]))
    lacking = _lacking(spec, history)
    if lacking:
        return DryRun(times=(), since_ms=since_ms, until_ms=until_ms, lacking=lacking)
    past = Past(history, _times(spec, history))
    known: dict[Atom, tuple[Flags, Flags]] = {}
    found: set[int] = set()
    for branch in branches:
        found.update(_fires(branch, past, spec.for_ms, known))
    times = sorted(ts for ts in found if since_ms <= ts < until_ms)
    if spec.repeat is Repeat.ONCE:
        times = times[:1]
    true = _true_at_end(branches, past, spec.for_ms, known)
    return DryRun(times=tuple(times), since_ms=since_ms, until_ms=until_ms, true=true)


def latched(threshold: Threshold, values: Floats) -> Flags:
    """Return whether a threshold is true at each value: from where it is passed until it is given back."""
    if threshold.direction is Direction.ABOVE:
        beyond, back = values > threshold.value, values <= threshold.rearm
    else:
        beyond, back = values < threshold.value, values >= threshold.rearm
    return _held(beyond, back)


def _held(beyond: Flags, back: Flags) -> Flags:
    """Return a state that `beyond` sets, `back` clears, and that stays as it was in between."""
    decided = beyond | back
    last = np.maximum.accumulate(np.where(decided, np.arange(len(beyond)), -1))
    return np.where(last >= 0, beyond[np.maximum(last, 0)], False)


def _times(spec: Spec, history: History) -> Ints:
    """Return the moments that are looked at: prices of candles, and the events that conditions look at."""
    wanted = {feed for leaf in leaves(spec.when) for feed in leaf.condition.feeds}
    several = [points(history.candles[history.lead], history.step_ms)[0]]
    several.append(np.array([e.ts + history.step_ms for e in history.zone_events], np.int64))
    if LIQUIDATIONS in wanted:
        several.append(np.array([each.ts for each in history.liquidations], np.int64))
    if FUNDING in wanted:
        several.append(np.array([each.ts for each in history.funding], np.int64))
    if LONG_SHORT in wanted:
        several.append(np.array([each.ts for each in history.ratios], np.int64))
    return np.unique(np.concatenate(several))


def _lacking(spec: Spec, history: History) -> tuple[str, ...]:
    """Return the kinds of fact that are needed and of which nothing is stored."""
    stored = {
        LIQUIDATIONS: bool(history.liquidations),
        FUNDING: bool(history.funding),
        LONG_SHORT: bool(history.ratios),
        OPEN_INTEREST: any(np.isfinite(c.open_interest).any() for c in history.candles.values()),
    }
    wanted = {feed for leaf in leaves(spec.when) for feed in leaf.condition.feeds}
    missing = sorted(feed for feed, there in stored.items() if feed in wanted and not there)
    atoms = [atom for branch in spec.branches("") for atom in branch]
    if not history.zone_events and any(isinstance(a, ZoneNear | ZoneSwept | ZoneBuilt) for a in atoms):
        missing.append("zones")
    if any(isinstance(a, Threshold) and a.feature.metric is Metric.DATA_AGE_S for a in atoms):
        missing.append(_("pauses between prices"))
    return tuple(missing)


def _fires(branch: Branch, past: Past, for_ms: int, known: dict[Atom, tuple[Flags, Flags]]) -> Sequence[int]:
    """Return when one branch becomes true and has held for as long as asked."""
    times = past.times
    if len(branch) == 1 and isinstance(branch[0], EventAtom):
        return _matching(branch[0], past)
    for atom in branch:
        if atom not in known:
            known[atom] = _truth(atom, past)
    true = np.logical_and.reduce([known[atom][0] for atom in branch])
    judged = np.logical_and.reduce([known[atom][1] for atom in branch])
    if not judged.any():
        return ()
    first = int(np.argmax(judged))
    edges = np.diff(np.concatenate([[False], true, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    ends_ms = np.append(times, times[-1] + 1)[ends]
    kept = (starts > first) & (ends_ms - times[starts] > for_ms)
    return [int(ts) for ts in times[starts[kept]] + for_ms]


def _true_at_end(
    branches: Branches, past: Past, for_ms: int, known: dict[Atom, tuple[Flags, Flags]]
) -> bool | None:
    """Return whether any branch is true at the last moment, and has been for as long as asked."""
    judged = False
    for branch in branches:
        truths = [known.get(atom) or _truth(atom, past) for atom in branch]
        true = np.logical_and.reduce([truth for truth, _ in truths])
        judged = judged or all(bool(seen[-1]) for _, seen in truths)
        since = int(np.flatnonzero(~true)[-1]) + 1 if not true.all() else 0
        if since < len(true) and past.times[-1] - past.times[since] >= for_ms:
            return True
    return False if judged else None


def _truth(atom: Atom, past: Past) -> tuple[Flags, Flags]:
    """Return whether an atom is true at each time, and whether that is known."""
    if isinstance(atom, Threshold):
        values = past.values(atom.feature)
        return latched(atom, values), np.isfinite(values)
    known = np.ones(len(past.times), np.bool_)
    if isinstance(atom, ZoneNear):
        return _near(atom, past), known
    true = np.zeros(len(past.times), np.bool_)
    for ts in _matching(atom, past):
        first, end = np.searchsorted(past.times, [ts, ts + PULSE_MS])
        true[first:end] = True
    return true, known


def _matching(atom: EventAtom, past: Past) -> list[int]:
    """Return when events became known that match."""
    history, prices = past.history, past.price()
    if isinstance(atom, OneLiquidation):
        events: Sequence[Liquidation | ZoneEvent] = history.liquidations
        known_ms = np.array([each.ts for each in events], np.int64)
    else:
        events = history.zone_events
        known_ms = np.array([each.ts for each in events], np.int64) + history.step_ms
    rows = np.searchsorted(past.times, known_ms)  # each of these moments is one of the times
    auto = history.auto_min_usd
    return [
        now
        for event, now, price in zip(events, known_ms.tolist(), prices[rows].tolist(), strict=True)
        if atom.matches(Seen(event=event, known_ms=now, price=price, auto_min_usd=auto))
    ]


def _near(atom: ZoneNear, past: Past) -> Flags:
    """Return whether any zone that counts was near, from the events that zones left."""
    prices = past.price()
    least = past.history.auto_min_usd if atom.min_usd is None else atom.min_usd
    beyond = np.zeros(len(prices), np.bool_)
    still = np.zeros(len(prices), np.bool_)
    for event, until_ms in _lives(past.history.zone_events, past.history.step_ms):
        zone = event.zone
        first, end = np.searchsorted(past.times, [event.ts + past.history.step_ms, until_ms]).tolist()
        if atom.side not in (None, zone.side) or not zone.notional_usd >= least or first >= end:
            continue
        at = prices[first:end]
        gap = np.maximum(np.maximum(zone.low - at, at - zone.high), 0.0) / at
        ahead = at >= zone.low if zone.side is Side.LONG else at <= zone.high
        beyond[first:end] |= ahead & (gap <= atom.within)
        still[first:end] |= ahead & (gap <= atom.within + atom.give_back)
    return _held(beyond, ~still)


def _lives(events: Sequence[ZoneEvent], step_ms: int) -> list[tuple[ZoneEvent, int]]:
    """Return each state of each zone that stood, as the event that made it, and when the next was known."""
    forever = int(np.iinfo(np.int64).max // 2)
    found: list[tuple[ZoneEvent, int]] = []
    standing: dict[str, ZoneEvent] = {}
    for event in sorted(events, key=lambda e: e.ts):
        before = standing.pop(event.zone.zone_id, None)
        if before is not None:
            found.append((before, event.ts + step_ms))
        gone = event.change in (ZoneChange.GONE, ZoneChange.MERGED)
        eaten_up = event.change is ZoneChange.EATEN and event.zone.updated_ts < event.ts
        if not (gone or eaten_up):
            standing[event.zone.zone_id] = event
    return found + [(event, forever) for event in standing.values()]


def _listed(days: Mapping[date, int]) -> str:
    """Return days with how often it fired on each, where that is more than once."""
    listed = [speech().day(day) + (f" ({count})" if count > 1 else "") for day, count in days.items()]
    left = len(listed) - SHOWN_DAYS
    if left > 0:
        more = ngettext("and {count} more day", "and {count} more days", left)
        listed = [*listed[:SHOWN_DAYS], more.format(count=left)]
    return ", ".join(listed)


def _days(days: float) -> str:
    """Return a number of days in words."""
    if days >= 1 or round(days) == 1:
        return speech().lasting([(round(days), "day")])
    return speech().lasting([(round(days * 24), "hour")])
