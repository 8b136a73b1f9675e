"""Find zones, bins denser than their distance from price usually is, and follow them over time."""

import json
import math
import struct
import zlib
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.columns import Columns
from engine.errors import DataError
from engine.model import Candles, Floats, Side, Zone, ZoneEvent, ZoneId, ZoneSet
from engine.zone_density import SIDES, SIGNS, Surface, densities, runs, smoothed, surfaces
from engine.zone_identity import Now, Shape, Tracked, follow
from engine.zone_reference import Reference

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneParams:
    """Say what a zone is. Distances are fractions of price or log price, which agree this near to it.

    A bin belongs to a zone when its density, smoothed over its neighbours, is above the `quantile` of the
    hourly samples of the last `days` at the same distance; `min_hours` samples are needed. `overlap` is how
    much a zone must have in common with its previous range to keep its id. `auto_quantile` of the dollars of
    the zones of the last `days` is what `min=auto` asks for, once zones of `auto_min_hours` are known.
    """

    bin_log: float = 5e-4
    within: float = 0.06
    quantile: float = 0.80
    days: int = 21
    min_hours: int = 48
    overlap: float = 0.5
    auto_quantile: float = 0.95
    auto_min_hours: int = 24

    @property
    def bins(self) -> int:
        """Return how many distance bins there are a side."""
        return round(self.within / self.bin_log)


class ZoneBook:
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
            raise DataError("zones need one column at least")
        if candles is not None and not np.array_equal(candles.ts, columns.ts):
            raise DataError("columns and candles are not of the same times")
        events: list[ZoneEvent] = []
        for row in range(rows):
            events.extend(self._advance(columns, row, candles))
        return self._present(), events

    def dump(self) -> bytes:
        """Return everything that has to be kept, as bytes for `load`."""
        plain, arrays = self._reference.state()
        plain["close"] = self._close
        plain["tracked"] = {side: [asdict(t) for t in self._tracked[side]] for side in SIDES}
        current = self.current
        plain["current"] = None if current is None else {"ts": current.ts}
        if self._before is not None:
            for side, surface in zip(SIDES, self._before, strict=True):
                arrays[f"before_{side}"] = surface.cumulative
                plain[f"before_{side}"] = surface.first_bin
        return _pack({"format": FORMAT, "venue": self.venue, "symbol": self.symbol, **plain}, arrays)

    @classmethod
    def load(cls, data: bytes, params: ZoneParams | None = None) -> Self:
        """Return the book that `dump` described; DataError where the bytes are not of this format."""
        plain, arrays = _unpack(data)
        book = cls(str(plain["venue"]), str(plain["symbol"]), params)
        if arrays["samples"].shape[0] != 2 * book.params.bins:
            raise DataError("the stored zones were made with other distance bins")
        book._reference.restore(plain, arrays)
        book._close = float(plain["close"])
        for side in SIDES:
            book._tracked[side] = tuple(_tracked(t) for t in plain["tracked"][side])
        if "before_long" in plain:
            long, short = (
                Surface(first_bin=int(plain[f"before_{side}"]), cumulative=arrays[f"before_{side}"])
                for side in SIDES
            )
            book._before = (long, short)
        if plain["current"] is not None:
            book.current = book._zone_set(int(plain["current"]["ts"]))
        return book

    def _new_reference(self) -> Reference:
        p = self.params
        return Reference(2 * p.bins, days=p.days, quantile=p.quantile, auto_quantile=p.auto_quantile)

    def _present(self) -> ZoneSet:
        if self.current is None:
            raise DataError("no column has been seen yet")
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


def _tracked(row: dict[str, Any]) -> Tracked:
    """Return a tracked zone from plain values."""
    zone = dict(row["zone"])
    zone["zone_id"] = ZoneId(zone["zone_id"])
    zone["side"] = Side(zone["side"])
    zone["venue_share"] = tuple((str(v), float(s)) for v, s in zone["venue_share"])
    return Tracked(**{**row, "zone": Zone(**zone)})


def _pack(plain: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Return plain values and arrays as one compressed block."""
    shapes = {name: [a.dtype.str, list(a.shape)] for name, a in arrays.items()}
    head = json.dumps({"plain": plain, "arrays": shapes}).encode()
    body = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays.values())
    return zlib.compress(struct.pack("<I", len(head)) + head + body, 1)


def _unpack(data: bytes) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return what `_pack` was given; DataError where the bytes are something else."""
    try:
        raw = zlib.decompress(data)
        (length,) = struct.unpack_from("<I", raw)
        head = json.loads(raw[4 : 4 + length])
        if head["plain"]["format"] != FORMAT:
            raise DataError("the stored zones are of another version")
        arrays: dict[str, npt.NDArray[Any]] = {}
        at = 4 + length
        for name, (kind, shape) in head["arrays"].items():
            count = math.prod(shape)
            arrays[name] = np.frombuffer(raw, kind, count, at).reshape(shape).copy()
            at += arrays[name].nbytes
    except (zlib.error, struct.error, ValueError, KeyError, TypeError) as error:
        raise DataError(f"the stored zones cannot be read: {error}") from error
    return head["plain"], arrays
