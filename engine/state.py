"""Make, grow, store and read back the state the kernel works on."""

import json
import math
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import DataError
from engine.kernel import NOWHERE, Book, Parts
from engine.model import DAY_MS, HOUR_MS, STEP_MS, Ints
from engine.presets import BIN_LOG, Preset

ROOM = round(0.35 / BIN_LOG)
"""Bins kept free on either side of what is needed: 35 % of price."""
_MAGIC = b"LQHM"
_VERSION = 1
_SMALL = ("lowest", "highest", "scale", "standing", "ring", "norm", "clock", "last", "totals")


def parts_of(preset: Preset) -> Parts:
    """Return a preset as the arrays the kernel reads."""
    day = DAY_MS / preset.step_ms
    return Parts(
        offset=np.array([[v.long_log for v in preset.levels], [v.short_log for v in preset.levels]]),
        weight=np.array([level.weight for level in preset.levels], float),
        half_life_ms=np.array([life.half_life_h * HOUR_MS for life in preset.lifetimes], float),
        amplitude=np.array([life.amplitude for life in preset.lifetimes], float),
        entry=np.array([[p.open, p.high, p.low, p.close, p.share] for p in preset.entry], float),
        take_profit=math.inf if preset.take_profit is None else float(preset.take_profit),
        exponent=float(preset.volume_exponent),
        norm_min=math.ceil(preset.norm_min_days * day),
        step_ms=preset.step_ms,
        step_share=preset.step_ms / STEP_MS,
    )


def new_book(preset: Preset) -> Book:
    """Return the state before the first candle; it has no bins yet."""
    levels, lives = len(preset.levels), len(preset.lifetimes)
    return Book(
        base=np.zeros(2, np.int64),
        mass=np.zeros((2, 0, levels, lives)),
        surface=np.zeros((2, lives, 0)),
        lowest=np.full((2, levels), NOWHERE, np.int64),
        highest=np.full((2, levels), -NOWHERE, np.int64),
        scale=np.ones((2, lives)),
        standing=np.zeros((2, lives)),
        ring=np.full(math.ceil(preset.norm_days * DAY_MS / preset.step_ms), np.nan),
        norm=np.zeros(3),
        clock=np.zeros(4, np.int64),
        last=np.array([np.nan, np.nan, 0.0]),
        totals=np.zeros((2, 5)),
    )


def occupied(book: Book, side: int) -> tuple[int, int]:
    """Return the lowest bin of a side that holds anything and how many there are from it on."""
    lowest, highest = int(book.lowest[side].min()), int(book.highest[side].max())
    return (int(book.base[side]), 0) if highest < lowest else (lowest, highest - lowest + 1)


def _cells(first: int, count: int, base: int) -> slice:
    return slice(first - base, first - base + count)


def grown(book: Book, need: Ints) -> Book:
    """Return the same state over bins that hold what is needed, with room on both sides.

    `need` is the lowest and highest bin, per side; what stands must lie within them.
    """
    cells = int((need[:, 1] - need[:, 0]).max()) + 1 + 2 * ROOM
    base = need[:, 0] - ROOM
    mass = np.zeros((2, cells, *book.mass.shape[2:]))
    surface = np.zeros((*book.surface.shape[:2], cells))
    for side in range(2):
        first, count = occupied(book, side)
        if count:
            old = _cells(first, count, int(book.base[side]))
            new = _cells(first, count, int(base[side]))
            mass[side, new] = book.mass[side, old]
            surface[side, :, new] = book.surface[side, :, old]
    return book._replace(base=base, mass=mass, surface=surface)


def dump(preset: Preset, book: Book, *, usd_scale: float, gaps: list[tuple[int, int]]) -> bytes:
    """Return the state as bytes: a header, then the arrays, only where something stands."""
    stored = [occupied(book, side) for side in range(2)]
    header = json.dumps(
        {
            "preset": repr(preset),
            "usd_scale": usd_scale,
            "gaps": gaps,
            "base": book.base.tolist(),
            "cells": book.mass.shape[1],
            "stored": stored,
        }
    ).encode()
    arrays = [getattr(book, name) for name in _SMALL]
    for side in range(2):
        cells = _cells(*stored[side], int(book.base[side]))
        arrays += [book.mass[side, cells], book.surface[side, :, cells]]
    body = b"".join(np.ascontiguousarray(a).astype(a.dtype.newbyteorder("<")).tobytes() for a in arrays)
    lengths = struct.pack("<BI", _VERSION, len(header))
    return _MAGIC + zlib.compress(lengths + header + body, 1)


def load(preset: Preset, data: bytes) -> tuple[Book, float, list[tuple[int, int]]]:
    """Return the state, scale and gaps of a dump; raise DataError for one that cannot be used."""
    try:
        if data[: len(_MAGIC)] != _MAGIC:
            raise ValueError("not a stored heatmap")
        raw = zlib.decompress(data[len(_MAGIC) :])
        version, length = struct.unpack_from("<BI", raw)
        if version != _VERSION:
            raise ValueError(f"version {version}, this Liqwatch reads {_VERSION}")
        header = json.loads(raw[5 : 5 + length])
        if header["preset"] != repr(preset):
            raise ValueError(f"made with other parts than those of {preset.name} now")
        book = _filled(preset, header, raw[5 + length :])
        gaps = [(int(first), int(last)) for first, last in header["gaps"]]
        return book, float(header["usd_scale"]), gaps
    except (ValueError, KeyError, TypeError, struct.error, zlib.error) as error:
        raise DataError(f"the stored heatmap cannot be used: {error}") from error


def _filled(preset: Preset, header: dict[str, Any], body: bytes) -> Book:
    reader = _Reader(body)
    book = new_book(preset)
    for name in _SMALL:
        array = getattr(book, name)
        array[...] = reader.take(array.shape, array.dtype)
    levels, lives, cells = len(preset.levels), len(preset.lifetimes), int(header["cells"])
    mass, surface = np.zeros((2, cells, levels, lives)), np.zeros((2, lives, cells))
    base = np.array(header["base"], np.int64)
    for side, (first, count) in enumerate(header["stored"]):
        begin = first - int(base[side])
        mass[side, begin : begin + count] = reader.take((count, levels, lives), mass.dtype)
        surface[side, :, begin : begin + count] = reader.take((lives, count), mass.dtype)
    if reader.at != len(body):
        raise ValueError("it is longer than it should be")
    return book._replace(base=base, mass=mass, surface=surface)


class _Reader:
    """Read arrays off bytes, one after the other."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0

    def take(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Return the next array."""
        size = math.prod(shape)
        flat = np.frombuffer(self.body, dtype.newbyteorder("<"), size, self.at)
        self.at += flat.nbytes
        return flat.reshape(shape)
