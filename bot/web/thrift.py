"""Tell dollars less exactly where a message would be too large otherwise, within a bound that it states.

What is dim may be off by more of itself than what is bright: the bound is a fraction of a cell's dollars, or
an amount that is small beside what the brightest colour stands for, whichever is more. So fewer dollars are
told apart; their list, `scale.levels`, goes with the message, and codes count through it.
"""

from bisect import bisect_left
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bot.web.cells import Bytes, changes_of
from bot.web.encode import CODES, Frame, Scale, pack

WIRE_BYTES = 80_000
"""What a whole heatmap keeps to where it can."""
OVERHEAD = 1.02
"""How much more packed changes take than their entropy."""
PRICE_BYTES = 8.5
"""A column's time and prices, packed."""
SLACK = 5e-4
"""What rounding may add to how far dollars are off, as a fraction."""


class Bound(NamedTuple):
    """How far dollars may be off: by `codes` half steps of the scale, or `of_top` of the top of colours."""

    codes: int
    of_top: float


BOUNDS = (
    *(Bound(1, of_top) for of_top in (0.004, 0.008, 0.012)),
    *(Bound(2, of_top) for of_top in (0.013, 0.016, 0.02, 0.025, 0.03, 0.04)),
    *(Bound(3, of_top) for of_top in (0.05, 0.07)),
    Bound(5, 0.1),
    Bound(10, 0.2),
)
"""From the finest on; the last is as far as it goes."""


def pack_within(frame: Frame, header: dict[str, Any], most_bytes: int = WIRE_BYTES) -> bytes:
    """Return a frame as one message of at most some bytes where that can be.

    The header's `error` and `error_usd` say how far dollars may be off: by `error` of themselves or by
    `error_usd`, whichever is more.
    """
    scale = frame.scale
    room = most_bytes - PRICE_BYTES * len(frame)
    if _fits(frame, room):
        message = pack(frame, header | _told(scale.error + SLACK, scale.low))
        if len(message) <= most_bytes:
            return message
    first = bisect_left(BOUNDS[:-1], True, key=lambda bound: _fits(_thinned(frame, bound), room))
    for bound in BOUNDS[first:]:
        message = pack(_thinned(frame, bound), header | _told(*_off(scale, bound)))
        if len(message) <= most_bytes:
            break
    return message


def thin(frame: Frame, error: float, usd: float) -> Frame:
    """Return a frame that tells as few dollars apart as a bound on what they are off by allows."""
    ranks, levels = grouped(frame.scale, error, usd)
    scale = replace(frame.scale, levels=levels)
    return replace(frame, long=ranks[frame.long], short=ranks[frame.short], scale=scale)


def grouped(scale: Scale, error: float, usd: float) -> tuple[Bytes, tuple[float, ...]]:
    """Return for each of a scale's codes which level stands for it, from 1, and the dollars of these levels.

    Nothing stays nothing, and what is something is never nothing.
    """
    dollars = scale.dollars(np.arange(CODES + 1, dtype=np.uint8)).astype(float)
    half = 1 + scale.error + SLACK / 4
    low, high = dollars / half, dollars * half
    tolerated = np.maximum(error * low, usd) + low, high - np.maximum(error * high, usd)
    groups: list[tuple[int, float]] = []
    code = CODES
    while code:
        least, first = tolerated[1][code], code
        while first > 1 and least <= tolerated[0][first - 1]:
            first -= 1
        middle = np.sqrt(max(low[first], least) * min(high[code], tolerated[0][first]))
        groups.append((first, float(f"{middle:.5g}")))
        code = first - 1
    groups.reverse()
    starts = [first for first, _ in groups]
    ranks = np.searchsorted(starts, np.arange(CODES + 1), side="right").astype(np.uint8)
    return ranks, tuple(level for _, level in groups)


def _off(scale: Scale, bound: Bound) -> tuple[float, float]:
    """Return a bound as a fraction and as dollars."""
    return bound.codes * scale.error + SLACK, max(bound.of_top * scale.top, scale.low)


def _thinned(frame: Frame, bound: Bound) -> Frame:
    return thin(frame, *_off(frame.scale, bound))


def _told(error: float, usd: float) -> dict[str, float]:
    return {"error": _up(error), "error_usd": _up(usd)}


def _fits(frame: Frame, room: float) -> bool:
    """Say whether a frame's cells come to so many bytes, as far as can be told without packing them."""
    return changes_of((frame.long, frame.short)).bits / 8 * OVERHEAD <= room


def _up(value: float) -> float:
    """Return a bound rounded up to three digits, so that it still holds."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(value)) - 2)
    return float(f"{np.ceil(value / unit) * unit:.4g}")
