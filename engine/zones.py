"""Find zones, bins denser than their distance from price usually is, and follow them over time.

The work is done by `zone_kernel`; here it is given a name, kept and brought back.
"""

import hashlib
import json
import math
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from engine import zone_kernel as kernel
from engine.columns import Columns
from engine.errors import DataError
from engine.model import (
    DAY_MS,
    Candles,
    Floats,
    Ints,
    Side,
    Zone,
    ZoneChange,
    ZoneEvent,
    ZoneId,
    ZoneSet,
)

FORMAT = 2
T = TypeVar("T", bound=np.generic)
_SIDES = (Side.LONG, Side.SHORT)
_CHANGES = (
    ZoneChange.BORN,
    ZoneChange.GROWN,
    ZoneChange.MERGED,
    ZoneChange.SPLIT,
    ZoneChange.EATEN,
    ZoneChange.GONE,
)


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

    @property
    def rule(self) -> kernel.Rule:
        """Return the same for the kernel."""
        return kernel.Rule(
            bin_log=self.bin_log,
            bins=self.bins,
            quantile=self.quantile,
            span_ms=self.days * DAY_MS,
            min_hours=self.min_hours,
            overlap=self.overlap,
        )


@lru_cache(maxsize=4096)
def new_id(venue: str, symbol: str, side: Side, ts: int, peak: float) -> ZoneId:
    """Return the id of a zone born at a column: the same for the same data, short, letters and digits."""
    text = f"{venue}|{symbol}|{side}|{ts}|{peak:.10g}"
    return ZoneId(side.value[0] + hashlib.blake2b(text.encode(), digest_size=6).hexdigest())


class ZoneEvents:
    """Hold what happened to zones, in order; each event is made when it is asked for."""

    def __init__(self, venue: str, symbol: str, rows: tuple[Floats, ...] = ()) -> None:
        self._venue, self._symbol, self._rows = venue, symbol, rows

    def __len__(self) -> int:
        return sum(len(part) for part in self._rows)

    def __add__(self, later: "ZoneEvents") -> "ZoneEvents":
        """Return these and what happened to the same market's zones after them."""
        return ZoneEvents(self._venue, self._symbol, self._rows + later._rows)

    def all(self) -> list[ZoneEvent]:
        """Return every event."""
        return [self._event(row) for part in self._rows for row in part.tolist()]

    def _event(self, row: list[float]) -> ZoneEvent:
        side = _SIDES[int(row[kernel.SIDE])]
        other = None
        if not math.isnan(row[kernel.OTHER_TS]):
            peak = math.exp(row[kernel.OTHER_PEAK])
            other = new_id(self._venue, self._symbol, side, int(row[kernel.OTHER_TS]), peak)
        return ZoneEvent(
            ts=int(row[kernel.TS]),
            change=_CHANGES[int(row[kernel.CHANGE])],
            zone=_zone(self._venue, self._symbol, side, row[kernel.ZONE :]),
            fraction=row[kernel.FRACTION],
            other=other,
        )


def _packed(values: npt.NDArray[T]) -> npt.NDArray[T]:
    """Return values as they lie one after the other, the same array where they do."""
    return values if values.flags.c_contiguous else np.ascontiguousarray(values)


def _zone(venue: str, symbol: str, side: Side, row: list[float]) -> Zone:
    """Return a zone from the numbers that it is kept as."""
    born_ts = int(row[kernel.BORN_TS])
    return Zone(
        zone_id=new_id(venue, symbol, side, born_ts, math.exp(row[kernel.BORN_PEAK])),
        venue=venue,
        symbol=symbol,
        side=side,
        low=math.exp(row[kernel.LOG_LOW]),
        high=math.exp(row[kernel.LOG_HIGH]),
        peak=math.exp(row[kernel.LOG_PEAK]),
        notional_usd=row[kernel.USD],
        share=row[kernel.SHARE],
        percentile=row[kernel.PERCENTILE],
        born_ts=born_ts,
        updated_ts=int(row[kernel.UPDATED_TS]),
        venue_share=((venue, 1.0),),
    )


class _Judged:
    """Remember the dollars of the zones that stood at each hour's sample, as long as they count."""

    def __init__(self) -> None:
        self.usd: npt.NDArray[np.float32] = np.empty(0, np.float32)
        self.hours: Ints = np.empty((0, 2), np.int64)  # hour, how many zones
        self._auto = (kernel.NEVER, math.nan)

    def add(self, usd: npt.NDArray[np.float32], hours: Ints, oldest_ts: int) -> None:
        """Take hours in; forget those before `oldest_ts`."""
        hours = np.concatenate([self.hours, hours])
        usd = np.concatenate([self.usd, usd])
        first = int(np.searchsorted(hours[:, 0], oldest_ts))
        self.usd, self.hours = usd[int(hours[:first, 1].sum()) :], hours[first:]

    def auto_usd(self, pending_ts: int, params: ZoneParams) -> float:
        """Return the quantile of the dollars of the window before an hour; NaN while too few are known."""
        if self._auto[0] != pending_ts:
            self._auto = (pending_ts, self._find(pending_ts, params))
        return self._auto[1]

    def _find(self, pending_ts: int, params: ZoneParams) -> float:
        counted = (self.hours[:, 0] >= pending_ts - params.days * DAY_MS) & (self.hours[:, 0] < pending_ts)
        usd = self.usd[np.repeat(counted, self.hours[:, 1])]
        if int(counted.sum()) < params.auto_min_hours or not len(usd):
            return math.nan
        place = max(0, math.ceil(params.auto_quantile * len(usd)) - 1)
        return float(np.partition(usd, place)[place])


class ZoneBook:
    """Keep the zones of one symbol on one venue, column by column."""

    def __init__(self, venue: str, symbol: str, params: ZoneParams | None = None) -> None:
        self.venue = venue
        self.symbol = symbol
        self.params = params or ZoneParams()
        self._rule = self.params.rule
        self._memory: kernel.Memory | None = None
        self._scratch = kernel.new_scratch(self._rule)
        self._out = kernel.new_out(self._rule)
        self._judged = _Judged()
        self._current: ZoneSet | None = None

    @property
    def current(self) -> ZoneSet | None:
        """Return the zones at the last column, None before the first."""
        memory = self._memory
        if self._current is None and memory is not None and memory.at[kernel.SEEN]:
            self._current = self._zone_set(memory)
        return self._current

    def update(self, columns: Columns, candles: Candles | None = None) -> tuple[ZoneSet, list[ZoneEvent]]:
        """Take columns in like `feed`; return the zones at the last and all events on the way."""
        events = self.feed(columns, candles).all()
        if self.current is None:
            raise DataError("no column has been seen yet")
        return self.current, events

    def feed(self, columns: Columns, candles: Candles | None = None) -> ZoneEvents:
        """Take columns in, oldest first; return what happened on the way.

        `candles`, the bars of the same columns, tell how far price went within them; without them only
        closes are known, and what a wick swept counts as gone instead of eaten. Raise DataError for no
        columns, and for columns that do not belong to the candles or to those before.
        """
        count = len(columns)
        if not count:
            raise DataError("zones need one column at least")
        if candles is not None and (len(candles) != count or bool(np.any(candles.ts != columns.ts))):
            raise DataError("columns and candles are not of the same times")
        if self._memory is None:
            self._memory = kernel.new_memory(self._rule, columns.width)
        if self._memory.surface.shape[2] != columns.width + 1:
            raise DataError(f"a column of {columns.width} bins a side follows columns of another width")
        low, high = (candles.low, candles.high) if candles is not None else (np.full(count, np.nan),) * 2
        seen = kernel.Seen(
            ts=_packed(columns.ts),
            close=_packed(columns.close),
            close_bin=_packed(columns.close_bin),
            long=_packed(columns.long),
            short=_packed(columns.short),
            low=_packed(low),
            high=_packed(high),
        )
        self._current = None
        return ZoneEvents(self.venue, self.symbol, tuple(self._walk(self._memory, seen)))

    def _walk(self, memory: kernel.Memory, seen: kernel.Seen) -> list[Floats]:
        """Take columns in; return the events."""
        count, out = len(seen.ts), self._out
        events: list[Floats] = []
        at = 0
        while at < count:
            out.filled[:] = 0
            at = kernel.walk(self._rule, memory, seen, at, self._scratch, out)
            told, judged, hours = out.filled.tolist()
            if told:
                events.append(out.events[:told].copy())
            if hours:
                oldest_ts = int(memory.at[kernel.PENDING_TS]) - self._rule.span_ms
                self._judged.add(out.usd[:judged], out.usd_hours[:hours], oldest_ts)
        return events

    def _zone_set(self, memory: kernel.Memory) -> ZoneSet:
        """Return what stands, with what it was judged by."""
        samples_h = int(memory.at[kernel.HOURS])
        zones = (
            _zone(self.venue, self.symbol, side, row)
            for i, side in enumerate(_SIDES)
            for row in memory.tracked[i, : memory.at[kernel.TRACKED + i]].tolist()
        )
        return ZoneSet(
            venue=self.venue,
            symbol=self.symbol,
            ts=int(memory.at[kernel.LAST_TS]),
            price=float(memory.close[0]),
            zones=tuple(zones),
            samples_h=samples_h,
            threshold_ready=samples_h >= self.params.min_hours,
            auto_min_usd=self._judged.auto_usd(int(memory.at[kernel.PENDING_TS]), self.params),
        )

    def dump(self) -> bytes:
        """Return everything that has to be kept, as bytes for `load`."""
        plain = {"format": FORMAT, "venue": self.venue, "symbol": self.symbol, "bins": self.params.bins}
        arrays: dict[str, npt.NDArray[Any]] = {"usd": self._judged.usd, "usd_hours": self._judged.hours}
        if self._memory is not None:
            arrays |= kernel.kept(self._memory)
        return _pack(plain, arrays)

    @classmethod
    def load(cls, data: bytes, params: ZoneParams | None = None) -> Self:
        """Return the book that `dump` described; DataError where the bytes are not of this format."""
        plain, arrays = _unpack(data)
        book = cls(str(plain["venue"]), str(plain["symbol"]), params)
        if plain["bins"] != book.params.bins:
            raise DataError("the stored zones were made with other distance bins")
        judged = book._judged
        judged.usd, judged.hours = arrays.pop("usd"), arrays.pop("usd_hours")
        if arrays:
            book._memory = kernel.restored(book._rule, arrays)
        return book


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
