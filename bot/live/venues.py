"""Keep one heatmap a venue for one symbol, and hand out their sum."""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from engine.aggregate import Part, add_up, first_of, shares, standing_of, with_shares
from engine.columns import Columns
from engine.errors import DataError
from engine.heatmap import Heatmap
from engine.model import STEP_MS, Candles, PositionEvents, ZoneSet
from engine.presets import Preset
from engine.standing import Standing

GRACE_MS = 5_000
"""How long after a candle's close the other venues are waited for."""
_MAGIC = b"venues1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What candles of all venues together gave: columns, bars of the same times, and each venue's moves."""

    columns: Columns
    candles: Candles
    moved: tuple[tuple[str, PositionEvents], ...]

    def after(self, last_ts: int | None) -> tuple[Columns, Candles]:
        """Return the columns and bars after a time."""
        first = 0 if last_ts is None else int(np.searchsorted(self.columns.ts, last_ts + 1))
        return self.columns[first:], self.candles[slice(first, len(self.candles))]


def blocks_of(candles: Mapping[str, Candles], size: int) -> Iterator[dict[str, Candles]]:
    """Yield candles in blocks of at most so many times, the same stretch of every venue."""
    given = {venue: bars for venue, bars in candles.items() if len(bars)}
    if not given:
        return
    times = np.unique(np.concatenate([bars.ts for bars in given.values()]))
    for at in range(0, len(times), size):
        ends = (times[at], times[min(at + size, len(times)) - 1] + 1)
        block = {}
        for venue, bars in given.items():
            first, end = (int(i) for i in np.searchsorted(bars.ts, ends))
            if first < end:
                block[venue] = bars[slice(first, end)]
        yield block


class Venues:
    """Feed each venue's candles to its own heatmap; the first of `venues` lends the price."""

    def __init__(self, venues: Sequence[str], preset: Preset, usd_scale: float) -> None:
        self._preset = preset
        self._heatmaps = {venue: Heatmap(preset, usd_scale=usd_scale) for venue in venues}
        self._share: dict[str, float] = {}
        self._standing: dict[str, Standing] = {}

    @property
    def last_ts(self) -> int | None:
        """Return the open of the newest candle of any venue."""
        return max((ts for h in self._heatmaps.values() if (ts := h.last_ts) is not None), default=None)

    @property
    def first_ts(self) -> int:
        """Return the open of the oldest candle of any venue, 0 before there is one."""
        return min((ts for h in self._heatmaps.values() if (ts := h.first_ts) is not None), default=0)

    def last_ts_of(self, venue: str) -> int | None:
        """Return the open of one venue's newest candle."""
        return self._heatmaps[venue].last_ts

    def gaps_of(self, venue: str) -> tuple[tuple[int, int], ...]:
        """Return the stretches in which one venue's candles are missing: first and last missing open."""
        return self._heatmaps[venue].gaps

    @property
    def warm(self) -> bool:
        """Say whether any venue has as much history as a picture should have."""
        return any(heatmap.warm for heatmap in self._heatmaps.values())

    @property
    def history_days(self) -> float:
        """Return the days of candles of the venue that has the most."""
        return max(heatmap.history_days for heatmap in self._heatmaps.values())

    @property
    def shares(self) -> dict[str, float]:
        """Return each venue's part of the sum, by the volume of the days before; also of one that is late.

        One that has given no candle yet has none.
        """
        if self._share.keys() == self._heatmaps.keys():
            return dict(self._share)
        mean = np.array([[heatmap.mean_quote_volume] for heatmap in self._heatmaps.values()])
        there = np.array([[float(heatmap.last_ts is not None)] for heatmap in self._heatmaps.values()])
        part = shares(mean, there if there.any() else np.ones_like(mean))[:, 0]
        return dict(zip(self._heatmaps, part.tolist(), strict=True))

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Return the stretches in which no venue has a candle: first and last missing open."""
        first, *others = (heatmap.gaps for heatmap in self._heatmaps.values() if heatmap.count)
        common = first
        for gaps in others:
            both = ((max(a, c), min(b, d)) for a, b in common for c, d in gaps)
            common = tuple((begin, end) for begin, end in both if begin <= end)
        return common

    def check(self, candles: Mapping[str, Candles]) -> None:
        """Raise CandleError for candles that cannot be taken, DataError for a venue not among these."""
        unknown = sorted(set(candles) - set(self._heatmaps))
        if unknown:
            raise DataError(f"candles of {', '.join(unknown)} are not for this book")
        for venue, bars in candles.items():
            self._heatmaps[venue].check(bars)

    def advance(self, block: Mapping[str, Candles]) -> Taken:
        """Take one block of candles."""
        fed = {v: h.advance(block[v]) for v, h in self._heatmaps.items() if v in block}
        parts = [
            Part(venue=venue, columns=each.columns, mean_quote_volume=each.mean_quote_volume)
            for venue, each in fed.items()
        ]
        total = add_up(parts, self._preset.unit)
        bars = [block[venue] for venue in fed]
        candles = bars[0] if len(bars) == 1 else first_of(bars, total.columns.ts)
        if len(self._heatmaps) > 1:
            self._share = dict(zip(total.venues, total.share[:, -1].tolist(), strict=True))
            self._stand(parts)
        moved = tuple((venue, each.events) for venue, each in fed.items())
        return Taken(columns=total.columns, candles=candles, moved=moved)

    @property
    def standing(self) -> dict[str, Standing]:
        """Return what each venue adds to the newest sum; empty where there is one venue only."""
        return dict(self._standing)

    def _stand(self, parts: Sequence[Part]) -> None:
        """Note what each venue adds to the newest sum, whose price is that of the first one there."""
        newest = max(int(part.columns.ts[-1]) for part in parts)
        close_bin = next(int(p.columns.close_bin[-1]) for p in parts if int(p.columns.ts[-1]) == newest)
        share = np.array([self._share[part.venue] for part in parts])
        self._standing = standing_of(parts, self._preset.unit, share, close_bin)

    def with_shares(self, zones: ZoneSet | None) -> ZoneSet | None:
        """Return zones with each venue's part of their dollars."""
        return zones if zones is None or not self._standing else with_shares(zones, self._standing)

    def dump(self) -> bytes:
        """Return all heatmaps as bytes."""
        if len(self._heatmaps) == 1:
            return next(iter(self._heatmaps.values())).dump()
        states = {venue: heatmap.dump() for venue, heatmap in self._heatmaps.items()}
        sizes = {venue: len(state) for venue, state in states.items()}
        head = json.dumps({"sizes": sizes, "share": self._share}).encode()
        return _MAGIC + struct.pack("<I", len(head)) + head + b"".join(states.values())

    @classmethod
    def load(cls, data: bytes, venues: Sequence[str], preset: Preset, usd_scale: float) -> Self:
        """Return what was dumped; DataError where it is of other venues, another preset or scale."""
        loaded = cls(venues, preset, usd_scale)
        states, share = ({venues[0]: data}, {}) if len(venues) == 1 else _split(data)
        if set(states) != set(venues):
            raise DataError(f"the saved heatmaps are of {', '.join(states)}, not of {', '.join(venues)}")
        for venue in venues:
            heatmap = Heatmap.load(preset, states[venue])
            if heatmap.usd_scale != usd_scale:
                raise DataError("the saved heatmap has another scale")
            loaded._heatmaps[venue] = heatmap
        if share:
            loaded._share = share
            summed = [(venue, loaded._heatmaps[venue].column()) for venue in venues if venue in share]
            loaded._stand([Part(venue=v, columns=c, mean_quote_volume=np.empty(0)) for v, c in summed])
        return loaded


def _split(data: bytes) -> tuple[dict[str, bytes], dict[str, float]]:
    """Return each venue's state, and its share of the newest sum."""
    if data[: len(_MAGIC)] != _MAGIC:
        raise DataError("the saved heatmap is of one venue alone")
    try:
        (length,) = struct.unpack_from("<I", data, len(_MAGIC))
        at = len(_MAGIC) + 4 + length
        head = json.loads(data[len(_MAGIC) + 4 : at])
        states = {}
        for venue, size in head["sizes"].items():
            states[str(venue)] = data[at : at + size]
            at += size
        return states, {str(venue): float(part) for venue, part in head["share"].items()}
    except (struct.error, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"the saved heatmaps cannot be read: {error}") from error


class Waiting:
    """Hold one symbol's closed candles until every venue that is up has given its own, or time is up."""

    def __init__(self, newest: Mapping[str, int | None]) -> None:
        self._newest = {venue: ts for venue, ts in newest.items() if ts is not None}
        self._held: dict[str, list[Candles]] = {}

    def newest(self, venue: str) -> int | None:
        """Return the open of the newest candle that a venue has given."""
        return self._newest.get(venue)

    def add(self, venue: str, candles: Candles) -> None:
        """Hold candles that follow those a venue gave before."""
        if len(candles):
            self._held.setdefault(venue, []).append(candles)
            self._newest[venue] = int(candles.ts[-1])

    def due(self, now_ms: int) -> dict[str, Candles]:
        """Return, and hold no longer, the candles whose time nobody else is waited for, by venue.

        A venue that is two candles behind is down, and nobody waits for it.
        """
        if not self._held:
            return {}
        newest = max(self._newest.values())
        all_have = min(ts for ts in self._newest.values() if ts >= newest - STEP_MS)
        until = max(all_have, now_ms - STEP_MS - GRACE_MS)
        ready, left = {}, {}
        for venue, parts in self._held.items():
            bars = parts[0]
            for later in parts[1:]:
                bars = bars.concat(later)
            cut = int(np.searchsorted(bars.ts, until + 1))
            if cut:
                ready[venue] = bars[slice(0, cut)]
            if cut < len(bars):
                left[venue] = [bars[slice(cut, len(bars))]]
        self._held = left
        return ready
