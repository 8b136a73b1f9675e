"""Pack a heatmap and its candles into the compact binary form of docs/websocket.md, and unpack it again.

Dollars become one byte on a log scale, each bin over time is stored as differences, integers as byte planes,
and all of it is deflated: a day of a busy market comes to some 50 kB, a thousand columns to 150. No input or
output here.
"""

import json
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bot.render.raster import RANGE, scale_of, soften
from engine.errors import GridError
from engine.grid import Grid
from engine.model import Floats, Ints

MAGIC = b"LQW1"
VERSION = 1
CODES = 255
"""Code 0 is nothing; codes 1 to 255 run evenly in log from the scale's low to its high."""
SOFTEN = 3
"""Passes over neighbours in price before the top is chosen; the page draws with as many."""
BELOW_COLOUR = 10.0
HEADROOM = 2.0
LEVEL = 6
CHANGES_PER_BYTE = {1: 1.7, 2: 1.45, 4: 1.05, 6: 0.9, 8: 0.82, 10: 0.76}
"""How coarsely codes may be used to make a message fit, and how many changes a byte holds then at most.

The latter was measured on recorded days; it only saves trying what cannot fit.
"""
NO_PRICE = -1
"""Stands where a column has no candle."""

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Map dollars to codes and say where colours begin and end, in dollars a cell.

    `low` is the dollars of code 1 and `high` those of code 255; `bottom` and `top` bound the colours.
    """

    low: float
    high: float
    bottom: float
    top: float

    @classmethod
    def of(cls, grid: Grid) -> Self:
        """Choose the scale of a grid: colours end where those of its picture end."""
        heat = grid.long + grid.short
        span = scale_of(soften(heat, _traded(grid), SOFTEN))
        if span.empty:
            return cls(low=1.0, high=RANGE * BELOW_COLOUR, bottom=BELOW_COLOUR, top=RANGE)
        high = max(float(heat.max()), span.top) * HEADROOM
        return cls(low=span.bottom / BELOW_COLOUR, high=high, bottom=span.bottom, top=span.top)

    def codes(self, dollars: npt.NDArray[np.float32], stride: int = 1) -> Bytes:
        """Return dollars as codes; what is below the scale is 0, what is above it 255.

        With a `stride` only every so manieth code is used, which deflates better and tells less exactly.
        """
        step = np.log(self.high / self.low) / (CODES - 1) * stride
        with np.errstate(divide="ignore"):
            raw = np.rint(np.log(dollars / np.float32(self.low)) / np.float32(step)) * stride + 1
        codes: Bytes = np.clip(raw, 0, CODES).astype(np.uint8)
        return codes

    def error(self, stride: int = 1) -> float:
        """Return how far a code's dollars may be from what they stand for, as a fraction."""
        return float((self.high / self.low) ** (stride / (CODES - 1) / 2)) - 1

    def dollars(self, codes: Bytes) -> npt.NDArray[np.float32]:
        """Return codes as dollars, right within half a code's step."""
        step = np.log(self.high / self.low) / (CODES - 1)
        values = self.low * np.exp((codes.astype(np.float32) - 1) * np.float32(step))
        return np.where(codes == 0, np.float32(0), values).astype(np.float32)

    def as_dict(self) -> dict[str, float]:
        """Return the four numbers under their names."""
        return {"low": self.low, "high": self.high, "bottom": self.bottom, "top": self.top}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Columns as on the wire: codes of shape (columns, bins) a side, candles of shape (4, columns)."""

    symbol: str
    step_ms: int
    low: float
    high: float
    ts: Ints
    ohlc: Floats
    long: Bytes
    short: Bytes
    scale: Scale

    @classmethod
    def of(cls, grid: Grid, scale: Scale | None = None, stride: int = 1) -> Self:
        """Quantise a grid, on a scale of its own unless one is given; see `Scale.codes` for the stride."""
        scale = scale or Scale.of(grid)
        return cls(
            symbol=grid.symbol,
            step_ms=grid.step_ms,
            low=float(grid.edges[0]),
            high=float(grid.edges[-1]),
            ts=grid.ts.astype(np.int64),
            ohlc=np.stack([grid.open, grid.high, grid.low, grid.close]).astype(float),
            long=scale.codes(grid.long, stride),
            short=scale.codes(grid.short, stride),
            scale=scale,
        )

    def __len__(self) -> int:
        return int(self.ts.shape[0])

    @property
    def bins(self) -> int:
        """Return the number of price bins."""
        return int(self.long.shape[1])

    def rows(self, part: slice) -> Self:
        """Return some of the columns."""
        return replace(
            self, ts=self.ts[part], ohlc=self.ohlc[:, part], long=self.long[part], short=self.short[part]
        )

    def fits(self, other: "Frame") -> bool:
        """Say whether columns of the other frame can stand beside these."""
        return (
            self.step_ms == other.step_ms
            and self.bins == other.bins
            and bool(np.allclose((self.low, self.high), (other.low, other.high), rtol=1e-9))
        )

    def newer(self, later: "Frame") -> "Frame":
        """Return the columns of `later` that are new or differ from ours (the newest one may still grow)."""
        first = int(np.searchsorted(later.ts, self.ts[-1])) if len(self) else 0
        if first < len(later) and len(self) and later.ts[first] == self.ts[-1]:
            first += int(later.rows(slice(first, first + 1)).same(self.rows(slice(-1, None))))
        return later.rows(slice(first, None))

    def same(self, other: "Frame") -> bool:
        """Say whether both hold the same columns."""
        return (
            np.array_equal(self.ts, other.ts)
            and np.array_equal(self.ohlc, other.ohlc, equal_nan=True)
            and np.array_equal(self.long, other.long)
            and np.array_equal(self.short, other.short)
        )

    def extended(self, columns: "Frame", keep: int) -> "Frame":
        """Return these columns with newer ones put in, the last `keep` of them."""
        head = self.rows(slice(0, int(np.searchsorted(self.ts, columns.ts[0]))))
        return replace(
            self,
            ts=np.concatenate([head.ts, columns.ts])[-keep:],
            ohlc=np.concatenate([head.ohlc, columns.ohlc], axis=1)[:, -keep:],
            long=np.concatenate([head.long, columns.long])[-keep:],
            short=np.concatenate([head.short, columns.short])[-keep:],
        )


def pack(frame: Frame, header: dict[str, Any]) -> bytes:
    """Return a frame as one binary message; `header` is added to what describes the frame."""
    unit = price_unit(float(np.max(frame.ohlc, initial=0.0, where=~np.isnan(frame.ohlc))))
    described = {
        "version": VERSION,
        "symbol": frame.symbol,
        "step_ms": frame.step_ms,
        "columns": len(frame),
        "bins": frame.bins,
        "low": frame.low,
        "high": frame.high,
        "first_ts": int(frame.ts[0]) if len(frame) else 0,
        "price_unit": unit,
        "planes": ["long", "short"],
        "scale": frame.scale.as_dict(),
    }
    text = json.dumps(described | header, separators=(",", ":")).encode()
    steps = np.where(np.isnan(frame.ohlc), NO_PRICE, np.rint(frame.ohlc / unit))
    parts = [
        _planes(np.diff(frame.ts, prepend=frame.ts[:1]) // 1000),
        *(_planes(np.diff(row, prepend=0.0)) for row in steps),
        _differences(frame.long),
        _differences(frame.short),
    ]
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL + 1, zlib.Z_FILTERED)
    body = deflate.compress(b"".join(parts)) + deflate.flush()
    return MAGIC + struct.pack("<I", len(text)) + text + body


def pack_within(grid: Grid, header: dict[str, Any], most_bytes: int) -> bytes:
    """Return a grid as one message of at most some bytes where that can be, telling dollars less exactly.

    The header's `error` says how far they may be off, as a fraction: from some 2 to some 20 %.
    """
    scale, coarsest = Scale.of(grid), max(CHANGES_PER_BYTE)
    for stride, per_byte in CHANGES_PER_BYTE.items():
        frame = Frame.of(grid, scale, stride)
        if stride != coarsest and _changes(frame) > most_bytes * per_byte:
            continue
        message = pack(frame, {**header, "error": round(scale.error(stride), 4)})
        if stride == coarsest or len(message) <= most_bytes:
            break
    return message


def _changes(frame: Frame) -> int:
    """Return in how many cells the code differs from that of the column before."""
    return sum(int(np.count_nonzero(codes[1:] != codes[:-1])) for codes in (frame.long, frame.short))


def unpack(message: bytes) -> tuple[dict[str, Any], Frame]:
    """Return header and frame of a binary message; raise GridError where it is not one."""
    if message[:4] != MAGIC or len(message) < 8:
        raise GridError("not a heatmap message")
    (size,) = struct.unpack_from("<I", message, 4)
    try:
        header = json.loads(message[8 : 8 + size])
        body = zlib.decompress(message[8 + size :])
        frame = _unpacked(header, body)
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise GridError(f"damaged heatmap message: {error}") from error
    return header, frame


def _traded(grid: Grid) -> npt.NDArray[np.bool_]:
    """Return which cells lie in the range that price went through in their column."""
    low, high = (np.nan_to_num(row, nan=0.0)[:, None] for row in (grid.low, grid.high))
    traded: npt.NDArray[np.bool_] = (grid.edges[None, 1:] > low) & (grid.edges[None, :-1] < high)
    return traded


def price_unit(price: float) -> float:
    """Return the price step the wire keeps: seven significant digits, 0.1 for 106,699.5."""
    return float(10.0 ** (np.floor(np.log10(price)) - 6)) if price > 0 else 1e-6


def _unpacked(header: dict[str, Any], body: bytes) -> Frame:
    columns, bins = int(header["columns"]), int(header["bins"])
    if len(body) != columns * (20 + 2 * bins):
        raise ValueError("wrong length")
    rows = [_integers(body[i * 4 * columns : (i + 1) * 4 * columns], columns) for i in range(5)]
    cells = np.frombuffer(body, np.uint8, offset=20 * columns).reshape(2, bins, columns)
    surfaces = np.cumsum(cells, axis=2, dtype=np.uint8).transpose(0, 2, 1)
    steps = np.stack(rows[1:])
    return Frame(
        symbol=header["symbol"],
        step_ms=header["step_ms"],
        low=header["low"],
        high=header["high"],
        ts=header["first_ts"] + rows[0] * 1000,
        ohlc=np.where(steps == NO_PRICE, np.nan, steps * header["price_unit"]),
        long=surfaces[0],
        short=surfaces[1],
        scale=Scale(**header["scale"]),
    )


def _planes(numbers: npt.NDArray[Any]) -> bytes:
    """Return int32 numbers as four planes of bytes, lowest first: alike bytes deflate better side by side."""
    raw = np.ascontiguousarray(numbers, "<i4").view(np.uint8).reshape(-1, 4)
    return np.ascontiguousarray(raw.T).tobytes()


def _integers(planes: bytes, count: int) -> Ints:
    raw = np.frombuffer(planes, np.uint8).reshape(4, count)
    return np.cumsum(np.ascontiguousarray(raw.T).view("<i4").ravel(), dtype=np.int64)


def _differences(codes: Bytes) -> bytes:
    """Return each bin's codes over time as differences: what stands still is a run of zeros."""
    changes = np.diff(codes, axis=0, prepend=np.zeros((1, codes.shape[1]), np.uint8))
    return np.ascontiguousarray(changes.T).tobytes()
