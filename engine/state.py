"""Make, grow, store and read back the state the kernel works on."""

import json
import math
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import DataError
from engine.kernel import BLOCK_BITS, NOWHERE, Book, Parts
from engine.model import HOUR_MS, Ints
from engine.norm import Norm, new_norm
from engine.presets import BIN_LOG, Fuel, Preset, Sides

ROOM = round(0.06 / BIN_LOG)
"""Bins kept free on either side of what is needed, 6 % of price: more is memory that few symbols need."""
_MAGIC = b"LQHM"
_VERSION = 2
_LEAD = struct.Struct("<BI")


@dataclass(slots=True)
class State:
    """Hold all that a heatmap remembers; `gaps` are first and last missing open."""

    book: Book
    norm: Norm
    usd_scale: float = 1.0
    gaps: list[tuple[int, int]] = field(default_factory=list)


def new_state(preset: Preset, *, usd_scale: float) -> State:
    """Return the state before the first candle."""
    return State(book=new_book(preset), norm=new_norm(preset), usd_scale=usd_scale)


def parts_of(preset: Preset) -> Parts:
    """Return a preset as the arrays the kernel reads."""
    offset = np.array([[v.long_log for v in preset.levels], [v.short_log for v in preset.levels]])
    entry = [[p.open, p.high, p.low, p.close, p.share] for p in preset.entry]
    return Parts(
        bin_log=BIN_LOG,
        offset=offset / BIN_LOG,
        farthest=offset.max(axis=1) / BIN_LOG,
        weight=np.array([level.weight for level in preset.levels], float),
        half_life_ms=tuple(float(life.half_life_h * HOUR_MS) for life in preset.lifetimes),
        amplitude=tuple(float(life.amplitude) for life in preset.lifetimes),
        entry=np.array(entry, float).reshape(-1, 5),
        take_profit=math.inf if preset.take_profit is None else preset.take_profit / BIN_LOG,
        spread=preset.spread,
        from_open_interest=preset.fuel is Fuel.OPEN_INTEREST,
        one_sided=preset.sides is Sides.COLOUR,
        feedback=float(preset.feedback),
    )


def new_book(preset: Preset) -> Book:
    """Return the state before the first candle; it has no bins yet."""
    levels, lives = len(preset.levels), len(preset.lifetimes)
    return Book(
        base=np.zeros(2, np.int64),
        mass=np.zeros((2, 0, levels, lives)),
        surface=np.zeros((2, lives, 0)),
        dirty=np.zeros((2, 0), np.uint8),
        lowest=np.full((2, levels), NOWHERE, np.int64),
        highest=np.full((2, levels), -NOWHERE, np.int64),
        scale=np.ones((2, lives)),
        standing=np.zeros((2, lives)),
        clock=np.zeros(4, np.int64),
        last=np.array([np.nan, np.nan, np.nan, 0.0, 0.0]),
        totals=np.zeros((2, 5)),
    )


def occupied(book: Book, side: int) -> tuple[int, int]:
    """Return the lowest bin of a side that holds anything and how many there are from it on."""
    lowest, highest = int(book.lowest[side].min()), int(book.highest[side].max())
    return (int(book.base[side]), 0) if highest < lowest else (lowest, highest - lowest + 1)


def _cells(first: int, count: int, base: int) -> slice:
    return slice(first - base, first - base + count)


def _sized(book: Book, base: Ints, cells: int) -> Book:
    """Return the state with other, empty bins."""
    return book._replace(
        base=base,
        mass=np.zeros((2, cells, *book.mass.shape[2:])),
        surface=np.zeros((*book.surface.shape[:2], cells)),
        dirty=np.ones((2, (cells >> BLOCK_BITS) + 1), np.uint8),
    )


def grown(book: Book, need: Ints) -> Book:
    """Return the same state over bins that hold what is needed, with room on both sides.

    `need` is the lowest and highest bin, per side; what stands must lie within them.
    """
    cells = int((need[:, 1] - need[:, 0]).max()) + 1 + 2 * ROOM
    wider = _sized(book, need[:, 0] - ROOM, cells)
    for side in range(2):
        first, count = occupied(book, side)
        if count:
            old = _cells(first, count, int(book.base[side]))
            new = _cells(first, count, int(wider.base[side]))
            wider.mass[side, new] = book.mass[side, old]
            wider.surface[side, :, new] = book.surface[side, :, old]
    return wider


def dump(preset: Preset, state: State) -> bytes:
    """Return the state as bytes: a header, then the arrays, of the bins where something stands."""
    stored = [occupied(state.book, side) for side in range(2)]
    header = {
        "preset": repr(preset),
        "usd_scale": state.usd_scale,
        "gaps": state.gaps,
        "base": state.book.base.tolist(),
        "cells": state.book.mass.shape[1],
        "stored": stored,
    }
    arrays = _small(state.book, state.norm)
    for side in range(2):
        cells = _cells(*stored[side], int(state.book.base[side]))
        arrays += [state.book.mass[side, cells], state.book.surface[side, :, cells]]
    body = b"".join(np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<")).tobytes() for a in arrays)
    text = json.dumps(header).encode()
    return _MAGIC + zlib.compress(_LEAD.pack(_VERSION, len(text)) + text + body, 1)


def load(preset: Preset, data: bytes) -> State:
    """Return the state of a dump; raise DataError for one that cannot be used with the preset."""
    try:
        if data[: len(_MAGIC)] != _MAGIC:
            raise ValueError("not a stored heatmap")
        raw = zlib.decompress(data[len(_MAGIC) :])
        version, length = _LEAD.unpack_from(raw)
        if version != _VERSION:
            raise ValueError(f"version {version}, this Liqwatch reads {_VERSION}")
        header = json.loads(raw[_LEAD.size : _LEAD.size + length])
        if header["preset"] != repr(preset):
            raise ValueError(f"made with other parts than those of {preset.name} now")
        return _filled(preset, header, raw[_LEAD.size + length :])
    except (ValueError, KeyError, TypeError, struct.error, zlib.error) as error:
        raise DataError(f"the stored heatmap cannot be used: {error}") from error


def _small(book: Book, norm: Norm) -> list[npt.NDArray[Any]]:
    small = [book.lowest, book.highest, book.scale, book.standing, book.clock, book.last, book.totals]
    return [*small, norm.ring, norm.sums, norm.slot]


def _filled(preset: Preset, header: dict[str, Any], body: bytes) -> State:
    at = 0

    def take(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        nonlocal at
        flat = np.frombuffer(body, dtype.newbyteorder("<"), math.prod(shape), at)
        at += flat.nbytes
        return flat.reshape(shape)

    book, norm = new_book(preset), new_norm(preset)
    for array in _small(book, norm):
        array[...] = take(array.shape, array.dtype)
    book = _sized(book, np.array(header["base"], np.int64), int(header["cells"]))
    for side, (first, count) in enumerate(header["stored"]):
        cells = _cells(first, count, int(book.base[side]))
        book.mass[side, cells] = take((count, *book.mass.shape[2:]), book.mass.dtype)
        book.surface[side, :, cells] = take((book.surface.shape[1], count), book.surface.dtype)
    if at != len(body):
        raise ValueError("it is longer than it should be")
    gaps = [(int(first), int(last)) for first, last in header["gaps"]]
    return State(book=book, norm=norm, usd_scale=float(header["usd_scale"]), gaps=gaps)
