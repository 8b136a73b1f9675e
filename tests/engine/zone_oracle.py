"""Zones in plain Python and numpy, one object for each: what the compiled kernel must agree with."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.columns import Columns
from engine.model import DAY_MS, HOUR_MS, Candles, Floats, Side, Zone, ZoneChange, ZoneEvent, ZoneId, ZoneSet
from engine.presets import BIN_LOG
from engine.zones import ZoneParams

SIDES: Final = (Side.LONG, Side.SHORT)
"""The order of sides in every array with a side axis."""
SIGNS: Final = {Side.LONG: -1.0, Side.SHORT: 1.0}
"""Which way log price goes with distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One side's dollars over log price: `first_bin` is the global bin where `cumulative` starts at 0."""

    first_bin: int
    cumulative: Floats

    @classmethod
    def of(cls, first_bin: int, usd: npt.NDArray[np.floating[Any]]) -> "Surface":
        """Return the surface of dollars per bin (ascending in price) from `first_bin` on."""
        cumulative = np.zeros(usd.shape[0] + 1)
        np.cumsum(usd, out=cumulative[1:], dtype=np.float64)
        return cls(first_bin=first_bin, cumulative=cumulative)

    def below(self, log_price: npt.NDArray[np.floating[Any]]) -> Floats:
        """Return the dollars below each log price."""
        grid = np.arange(self.cumulative.shape[0])
        usd: Floats = np.interp(log_price / BIN_LOG - self.first_bin, grid, self.cumulative)
        return usd

    def between(self, low: Floats, high: Floats) -> Floats:
        """Return the dollars between pairs of log prices; 0 where `high` is not above `low`."""
        ends = self.below(np.array([low, np.maximum(low, high)]))
        inside: Floats = ends[1] - ends[0]
        return inside


def surfaces(columns: Columns, row: int) -> tuple[Surface, Surface]:
    """Return both sides of one column, longs first."""
    close_bin = int(columns.close_bin[row])
    long = Surface.of(close_bin - columns.width + 1, columns.long[row][::-1])
    return long, Surface.of(close_bin, columns.short[row])


def densities(pair: tuple[Surface, Surface], log_close: float, bin_log: float, bins: int) -> Floats:
    """Return dollars per distance bin, shape (2, bins + 1), nearest first; the last is for smoothing only."""
    steps = np.arange(bins + 2) * bin_log
    out = np.empty((2, bins + 1))
    for i, side in enumerate(SIDES):
        below = pair[i].below(log_close + SIGNS[side] * steps)
        out[i] = SIGNS[side] * (below[1:] - below[:-1])
    return out


def smoothed(density: Floats) -> Floats:
    """Return the mean of each bin and its neighbours, shape (2, bins), from densities of (2, bins + 1)."""
    out = density[:, :-1] + density[:, 1:]
    out[:, 1:] += density[:, :-2]
    out[:, 0] /= 2.0
    out[:, 1:] /= 3.0
    return out


def runs(flags: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each run of set flags starts and where it ends (exclusive)."""
    padded = np.zeros(flags.shape[0] + 2, np.bool_)
    padded[1:-1] = flags
    turns = np.flatnonzero(padded[1:] != padded[:-1])
    return turns[::2], turns[1::2]


Singles = npt.NDArray[np.float32]


class Reference:
    """Hold the samples of both sides; rows are (side, distance bin) flattened, columns are hours."""

    def __init__(self, rows: int, *, days: int, quantile: float, auto_quantile: float) -> None:
        self._days = days
        self._quantile = quantile
        self._auto_quantile = auto_quantile
        self._samples: Singles = np.empty((rows, 0), np.float32)
        self._sample_ts = np.empty(0, np.int64)
        self._usd: Singles = np.empty(0, np.float32)
        self._usd_ts = np.empty(0, np.int64)
        self._hours_ts = np.empty(0, np.int64)
        self._pending: tuple[int, Singles, Singles | None] | None = None
        self.threshold: Singles = np.full(rows, np.inf, np.float32)
        self.auto_usd = float("nan")

    @property
    def hours(self) -> int:
        """Return how many hourly samples there are."""
        return int(self._sample_ts.shape[0])

    @property
    def judged_hours(self) -> int:
        """Return how many of the hours were judged, so that their zones are known."""
        return int(self._hours_ts.shape[0])

    def begin(self, ts: int, density: Floats) -> bool:
        """Take a column in; return whether it opens an hour, whose zones are then wanted by `note`."""
        hour_ts = ts // HOUR_MS * HOUR_MS
        if self._pending is not None and self._pending[0] == hour_ts:
            return False
        if self._pending is not None:
            self._push(*self._pending)
            self._trim(hour_ts - self._days * DAY_MS)
            self._judge()
        self._pending = (hour_ts, density.astype(np.float32).reshape(-1), None)
        return True

    def note(self, zone_usd: Floats) -> None:
        """Keep the dollars of the zones that stood at the hour's sample."""
        if self._pending is not None:
            self._pending = (self._pending[0], self._pending[1], zone_usd.astype(np.float32))

    def percentile(self, rows: npt.NDArray[np.int64], values: Floats) -> Floats:
        """Return where each value stands among the samples of its row, 0 to 100."""
        reached = self._samples[rows] <= values.astype(np.float32)[:, None]
        percent: Floats = np.count_nonzero(reached, axis=1) * (100.0 / max(1, self.hours))
        return percent

    def _push(self, hour_ts: int, density: Singles, zone_usd: Singles | None) -> None:
        self._samples = np.concatenate([self._samples, density[:, None]], axis=1)
        self._sample_ts = np.append(self._sample_ts, hour_ts)
        if zone_usd is not None:
            self._usd = np.concatenate([self._usd, zone_usd])
            self._usd_ts = np.concatenate([self._usd_ts, np.full(zone_usd.shape[0], hour_ts)])
            self._hours_ts = np.append(self._hours_ts, hour_ts)

    def _trim(self, oldest_ts: int) -> None:
        """Forget what is older than the window."""
        kept = int(np.searchsorted(self._sample_ts, oldest_ts))
        if kept:
            self._samples = self._samples[:, kept:].copy()
            self._sample_ts = self._sample_ts[kept:]
        kept = int(np.searchsorted(self._usd_ts, oldest_ts))
        self._usd, self._usd_ts = self._usd[kept:], self._usd_ts[kept:]
        self._hours_ts = self._hours_ts[int(np.searchsorted(self._hours_ts, oldest_ts)) :]

    def _judge(self) -> None:
        """Set the threshold of each distance and the dollars that `min=auto` asks for."""
        self.threshold = _quantile(self._samples, self._quantile)
        if self._usd.shape[0]:
            self.auto_usd = float(_quantile(self._usd[None, :], self._auto_quantile)[0])


def _quantile(rows: Singles, q: float) -> Singles:
    """Return the smallest value of each row that a share `q` of the row does not exceed."""
    count = rows.shape[1]
    place = max(0, int(np.ceil(q * count)) - 1)
    return np.asarray(np.partition(rows, place, axis=1)[:, place])


GROWN_BY: Final = 0.5
"""Growth since it was last reported that makes an event."""
EATEN_BY: Final = 0.1
"""Share swept in one step that makes an event."""
EATEN_UP: Final = 0.5
"""Share swept in one step from which a zone's end is put down to it."""


class Shape(NamedTuple):
    """A zone as it is found in one column, before it is known which one it is; prices and log prices."""

    low: float
    high: float
    peak: float
    notional_usd: float
    share: float
    percentile: float
    log_low: float
    log_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A zone with what is needed to follow it: its range in log price and the dollars last reported."""

    zone: Zone
    log_low: float
    log_high: float
    reported_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """One side of a market at one column: its surface, the one before, and the log range traded since."""

    venue: str
    symbol: str
    ts: int
    side: Side
    surface: Surface
    before: Surface | None
    log_traded: tuple[float, float]


def new_id(venue: str, symbol: str, side: Side, ts: int, peak: float) -> ZoneId:
    """Return the id of a zone born at a column: the same for the same data, short, letters and digits."""
    text = f"{venue}|{symbol}|{side}|{ts}|{peak:.10g}"
    return ZoneId(side.value[0] + hashlib.blake2b(text.encode(), digest_size=6).hexdigest())


def follow(
    old: tuple[Tracked, ...], found: list[Shape], now: Now, overlap: float
) -> tuple[tuple[Tracked, ...], list[ZoneEvent]]:
    """Return the zones of one side with their identities, and the events that led to them.

    Every id that appears has one BORN or SPLIT, every one that disappears one MERGED, EATEN or GONE. An
    EATEN zone that is still among those returned lives on.
    """
    common = _common(old, found, now, overlap)
    heirs = _heirs(common)
    swept = _swept(old, now)
    kept: list[Tracked] = []
    events: list[ZoneEvent] = []
    for j, shape in enumerate(found):
        i = heirs.get(j)
        if i is None:
            kept.append(_arrived(shape, now))
            events.append(_arrival(kept[-1].zone, old, common[:, j], now))
            continue
        following, event = _continued(old[i], shape, swept[i], now)
        kept.append(following)
        events.extend(event)
    taken = set(heirs.values())
    for i, tracked in enumerate(old):
        if i not in taken:
            events.append(_end(tracked.zone, swept[i], kept, common[i], now))
    return tuple(kept), events


def _common(old: tuple[Tracked, ...], found: list[Shape], now: Now, overlap: float) -> Floats:
    """Return the dollars that each pair has in common, shape (old, found); 0 where it is too little."""
    if not old or not found:
        return np.zeros((len(old), len(found)))
    old_low, old_high = _ranges(old)
    low = np.array([s.log_low for s in found])
    high = np.array([s.log_high for s in found])
    usd = np.array([s.notional_usd for s in found])
    shared = now.surface.between(
        np.maximum(old_low[:, None], low[None, :]), np.minimum(old_high[:, None], high[None, :])
    )
    least = np.minimum(now.surface.between(old_low, old_high)[:, None], usd[None, :])
    return np.where((shared >= overlap * least) & (shared > 0.0), shared, 0.0)


def _ranges(zones: tuple[Tracked, ...]) -> tuple[Floats, Floats]:
    """Return the lower and upper ends in log price."""
    return np.array([z.log_low for z in zones]), np.array([z.log_high for z in zones])


def _heirs(common: Floats) -> dict[int, int]:
    """Return which old zone each found one continues: most dollars in common first, one to one."""
    heirs: dict[int, int] = {}
    given: set[int] = set()
    pairs = [(-usd, i, j) for i, row in enumerate(common.tolist()) for j, usd in enumerate(row) if usd]
    for _, i, j in sorted(pairs):
        if j not in heirs and i not in given:
            heirs[j] = i
            given.add(i)
    return heirs


def _swept(old: tuple[Tracked, ...], now: Now) -> list[float]:
    """Return which share of each old zone's dollars lay in the range traded since."""
    traded_low, traded_high = now.log_traded
    reached = any(t.log_high > traded_low and t.log_low < traded_high for t in old)
    if now.before is None or not reached:
        return [0.0] * len(old)
    low, high = _ranges(old)
    whole = now.before.between(low, high)
    if now.side is Side.LONG:
        hit = now.before.between(np.maximum(low, traded_low), high)
    else:
        hit = now.before.between(low, np.minimum(high, traded_high))
    share = np.divide(hit, whole, out=np.zeros(len(old)), where=whole > 0.0)
    return [float(s) for s in share]


def _zone(shape: Shape, zone_id: ZoneId, born_ts: int, now: Now) -> Zone:
    """Return what was found under an id."""
    return Zone(
        zone_id=zone_id,
        venue=now.venue,
        symbol=now.symbol,
        side=now.side,
        low=shape.low,
        high=shape.high,
        peak=shape.peak,
        notional_usd=shape.notional_usd,
        share=shape.share,
        percentile=shape.percentile,
        born_ts=born_ts,
        updated_ts=now.ts,
        venue_share=((now.venue, 1.0),),
    )


def _tracked(shape: Shape, zone: Zone, reported_usd: float) -> Tracked:
    """Return a zone with what is needed to follow it."""
    return Tracked(zone=zone, log_low=shape.log_low, log_high=shape.log_high, reported_usd=reported_usd)


def _arrived(shape: Shape, now: Now) -> Tracked:
    """Return a zone that was not there before."""
    zone_id = new_id(now.venue, now.symbol, now.side, now.ts, shape.peak)
    return _tracked(shape, _zone(shape, zone_id, now.ts, now), shape.notional_usd)


def _arrival(zone: Zone, old: tuple[Tracked, ...], common: Floats, now: Now) -> ZoneEvent:
    """Return BORN, or SPLIT where the zone lies in one that lives on elsewhere."""
    if old and common.max() > 0.0:
        source = old[int(common.argmax())].zone.zone_id
        return ZoneEvent(ts=now.ts, change=ZoneChange.SPLIT, zone=zone, other=source)
    return ZoneEvent(ts=now.ts, change=ZoneChange.BORN, zone=zone)


def _continued(before: Tracked, shape: Shape, swept: float, now: Now) -> tuple[Tracked, list[ZoneEvent]]:
    """Return the zone under its old id, with what happened to it."""
    zone = _zone(shape, before.zone.zone_id, before.zone.born_ts, now)
    usd, reported = zone.notional_usd, before.reported_usd
    if swept >= EATEN_BY:
        event = ZoneEvent(ts=now.ts, change=ZoneChange.EATEN, zone=zone, fraction=swept)
        return _tracked(shape, zone, usd), [event]
    if usd >= reported * (1.0 + GROWN_BY):
        event = ZoneEvent(ts=now.ts, change=ZoneChange.GROWN, zone=zone, fraction=usd / reported - 1.0)
        return _tracked(shape, zone, usd), [event]
    return _tracked(shape, zone, reported), []


def _end(zone: Zone, swept: float, kept: list[Tracked], common: Floats, now: Now) -> ZoneEvent:
    """Return how a zone ended: merged into another, eaten by price, or gone (faded, out of range)."""
    if kept and common.max() > 0.0:
        into = kept[int(common.argmax())].zone.zone_id
        return ZoneEvent(ts=now.ts, change=ZoneChange.MERGED, zone=zone, other=into)
    change = ZoneChange.EATEN if swept >= EATEN_UP else ZoneChange.GONE
    return ZoneEvent(ts=now.ts, change=change, zone=zone, fraction=swept)


class ZoneOracle:
    """Keep the zones of one symbol on one venue, column by column."""

    def __init__(self, venue: str, symbol: str, params: ZoneParams | None = None) -> None:
        self.venue = venue
        self.symbol = symbol
        self.params = params or ZoneParams()
        self.current: ZoneSet | None = None
        self._reference = self._new_reference()
        self._tracked: dict[Side, tuple[Tracked, ...]] = dict.fromkeys(SIDES, ())
        self._before: tuple[Surface, Surface] | None = None
        self._close = math.nan

    def update(self, columns: Columns, candles: Candles | None = None) -> tuple[ZoneSet, list[ZoneEvent]]:
        """Take columns in, oldest first; return the zones at the last and all events on the way.

        `candles`, the bars of the same columns, tell how far price went within them; without them only
        closes are known, and what a wick swept counts as gone instead of eaten.
        """
        rows = int(columns.ts.shape[0])
        if not rows:
            raise ValueError("no columns")
        if candles is not None and not np.array_equal(candles.ts, columns.ts):
            raise ValueError("other times")
        events: list[ZoneEvent] = []
        for row in range(rows):
            events.extend(self._advance(columns, row, candles))
        return self._present(), events

    def _new_reference(self) -> Reference:
        p = self.params
        return Reference(2 * p.bins, days=p.days, quantile=p.quantile, auto_quantile=p.auto_quantile)

    def _present(self) -> ZoneSet:
        if self.current is None:
            raise ValueError("no column yet")
        return self.current

    def _advance(self, columns: Columns, row: int, candles: Candles | None) -> list[ZoneEvent]:
        """Take one column in."""
        ts, close = int(columns.ts[row]), float(columns.close[row])
        pair = surfaces(columns, row)
        raw = densities(pair, math.log(close), self.params.bin_log, self.params.bins)
        density = smoothed(raw)
        opens_hour = self._reference.begin(ts, density)
        ready = self._reference.hours >= self.params.min_hours
        traded = self._traded(close, row, candles)
        self._close = close
        events: list[ZoneEvent] = []
        for i, side in enumerate(SIDES):
            found = self._found(i, raw[i], density[i]) if ready else []
            now = Now(
                venue=self.venue,
                symbol=self.symbol,
                ts=ts,
                side=side,
                surface=pair[i],
                before=self._before[i] if self._before else None,
                log_traded=traded,
            )
            self._tracked[side], changes = follow(self._tracked[side], found, now, self.params.overlap)
            events.extend(changes)
        self._before = pair
        self.current = self._zone_set(ts)
        if opens_hour and ready:
            self._reference.note(np.array([z.notional_usd for z in self.current.zones]))
        return events

    def _traded(self, close: float, row: int, candles: Candles | None) -> tuple[float, float]:
        """Return the log range of prices traded since the last column, as far as it is known."""
        seen = [close] if math.isnan(self._close) else [self._close, close]
        if candles is not None:
            seen += [float(candles.low[row]), float(candles.high[row])]
        return math.log(min(seen)), math.log(max(seen))

    def _found(self, side_row: int, raw: Floats, density: Floats) -> list[Shape]:
        """Return the zones of one side as they lie in its column."""
        bins, side = self.params.bins, SIDES[side_row]
        # Compared as samples are kept: in single precision rounding does not make a zone of an equal.
        threshold = self._reference.threshold[side_row * bins : (side_row + 1) * bins]
        start, stop = runs(density.astype(np.float32) > threshold)
        if not start.shape[0]:
            return []
        cumulative = np.zeros(bins + 1)
        np.cumsum(raw[:bins], out=cumulative[1:])
        usd = cumulative[stop] - cumulative[start]
        spans = zip(start.tolist(), stop.tolist(), strict=True)
        peak = np.array([a + int(density[a:b].argmax()) for a, b in spans])
        percentile = self._reference.percentile(side_row * bins + peak, density[peak])
        steps = np.array([start, stop, peak + 0.5])
        places = math.log(self._close) + SIGNS[side] * self.params.bin_log * steps
        low, high = (0, 1) if side is Side.SHORT else (1, 0)
        prices = np.exp(places)
        table = [prices[low], prices[high], prices[2], usd, usd / cumulative[-1], percentile]
        rows = np.array([*table, places[low], places[high]])
        return [Shape(*row) for row in rows.T[usd > 0.0].tolist()]

    def _zone_set(self, ts: int) -> ZoneSet:
        """Return what stands, with what it was judged by."""
        reference, p = self._reference, self.params
        known = reference.judged_hours >= p.auto_min_hours
        return ZoneSet(
            venue=self.venue,
            symbol=self.symbol,
            ts=ts,
            price=self._close,
            zones=tuple(t.zone for side in SIDES for t in self._tracked[side]),
            samples_h=reference.hours,
            threshold_ready=reference.hours >= p.min_hours,
            auto_min_usd=reference.auto_usd if known else math.nan,
        )
