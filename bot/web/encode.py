"""Pack a heatmap and its candles into the compact binary form of docs/websocket.md, and unpack it again.

Dollars become one byte on a log scale, of each bin over time only what changes is kept, integers are byte
planes, and all of it is deflated: a day of a busy market comes to some 40 kB. No input or output here.
"""

import json
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bot.render.raster import RANGE, scale_of, soften
from bot.web.cells import Bytes, Changes, changes_of, deflated, surfaces_of
from engine.errors import GridError
from engine.grid import Grid
from engine.model import Floats, Ints

MAGIC = b"LQW2"
VERSION = 2
CODES = 255
"""Code 0 is nothing; codes 1 to 255 run evenly in log from the scale's low to its high."""
SOFTEN = 3
"""Passes over neighbours in price before the top is chosen; the page draws with as many."""
BELOW_COLOUR = 10.0
HEADROOM = 2.0
NO_PRICE = -1
"""Stands where a column has no candle."""
MOST_CELLS = 1 << 24
"""What no message says it holds: a damaged one may say anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Map dollars to codes and say where colours begin and end, in dollars a cell.

    `low` is the dollars of code 1 and `high` those of code 255; `bottom` and `top` bound the colours. With
    `levels`, code 1 stands for the first of them, and so on.
    """

    low: float
    high: float
    bottom: float
    top: float
    levels: tuple[float, ...] = ()

    @classmethod
    def of(cls, grid: Grid) -> Self:
        """Choose the scale of a grid: colours end where those of its picture end."""
        heat = grid.long + grid.short
        span = scale_of(soften(heat, _traded(grid), SOFTEN))
        if span.empty:
            return cls(low=1.0, high=RANGE * BELOW_COLOUR, bottom=BELOW_COLOUR, top=RANGE)
        high = max(float(heat.max()), span.top) * HEADROOM
        return cls(low=span.bottom / BELOW_COLOUR, high=high, bottom=span.bottom, top=span.top)

    def codes(self, dollars: npt.NDArray[np.float32]) -> Bytes:
        """Return dollars as codes; what is below the scale is 0, what is above it 255."""
        with np.errstate(divide="ignore"):
            raw = np.rint(np.log(dollars / np.float32(self.low)) / np.float32(self._step)) + 1
        codes: Bytes = np.clip(raw, 0, CODES).astype(np.uint8)
        return codes

    @property
    def error(self) -> float:
        """Return how far a code's dollars may be from what they stand for, as a fraction."""
        return float(np.exp(self._step / 2)) - 1

    def dollars(self, codes: Bytes) -> npt.NDArray[np.float32]:
        """Return codes as dollars, right within half a code's step."""
        if self.levels:
            return np.array((0.0, *self.levels), np.float32)[codes]
        values = self.low * np.exp((codes.astype(np.float32) - 1) * np.float32(self._step))
        return np.where(codes == 0, np.float32(0), values).astype(np.float32)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers under their names, levels only where there are any."""
        levels = {"levels": self.levels} if self.levels else {}
        return {"low": self.low, "high": self.high, "bottom": self.bottom, "top": self.top, **levels}

    @property
    def _step(self) -> float:
        """Return the natural logarithm of what lies between two codes."""
        return float(np.log(self.high / self.low)) / (CODES - 1)


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
    def of(cls, grid: Grid, scale: Scale | None = None) -> Self:
        """Quantise a grid, on a scale of its own unless one is given."""
        scale = scale or Scale.of(grid)
        return cls(
            symbol=grid.symbol,
            step_ms=grid.step_ms,
            low=float(grid.edges[0]),
            high=float(grid.edges[-1]),
            ts=grid.ts.astype(np.int64),
            ohlc=np.stack([grid.open, grid.high, grid.low, grid.close]).astype(float),
            long=scale.codes(grid.long),
            short=scale.codes(grid.short),
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
    changes = changes_of((frame.long, frame.short))
    described["runs"] = len(changes.runs)
    text = json.dumps(described | header, separators=(",", ":")).encode()
    steps = np.where(np.isnan(frame.ohlc), NO_PRICE, np.rint(frame.ohlc / unit))
    exact = [
        _planes(np.diff(frame.ts, prepend=frame.ts[:1]) // 1000),
        *(_planes(np.diff(row, prepend=0.0)) for row in steps),
    ]
    return MAGIC + struct.pack("<I", len(text)) + text + deflated(b"".join(exact), changes)


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
    cells, runs = 20 * columns, int(header["runs"])
    if min(columns, bins, runs) < 0 or columns * bins > MOST_CELLS or len(body) < cells + runs:
        raise ValueError("wrong length")
    rows = [_integers(body[i * 4 * columns : (i + 1) * 4 * columns], columns) for i in range(5)]
    changed = np.frombuffer(body, np.uint8, offset=cells)
    surfaces = surfaces_of(Changes(changed[:runs], changed[runs:]), columns, bins)
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
        scale=_scale(header["scale"]),
    )


def _scale(named: dict[str, Any]) -> Scale:
    return Scale(**{**named, "levels": tuple(named.get("levels", ()))})


def _planes(numbers: npt.NDArray[Any]) -> bytes:
    """Return int32 numbers as four planes of bytes, lowest first: alike bytes deflate better side by side."""
    raw = np.ascontiguousarray(numbers, "<i4").view(np.uint8).reshape(-1, 4)
    return np.ascontiguousarray(raw.T).tobytes()


def _integers(planes: bytes, count: int) -> Ints:
    raw = np.frombuffer(planes, np.uint8).reshape(4, count)
    return np.cumsum(np.ascontiguousarray(raw.T).view("<i4").ravel(), dtype=np.int64)
