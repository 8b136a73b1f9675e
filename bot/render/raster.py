"""Turn a grid into coloured pixels in numpy: logarithmic, gamma 2.1, absolute, shrunk by maximum.

The colours are looked up here, before matplotlib, which halves the time of a picture.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.render.palette import SHADES, Colours
from engine.model import Floats, Ints

GAMMA = 2.1
TOP_QUANTILE = 0.9992
RANGE = 250.0
"""The brightest colour stands for this many times the darkest."""
PALE_FROM = 0.08
PALE_TO = 0.10
PALE_SHARE = 0.55
HATCH_PX = 14
HATCH_LINE_PX = 2
HATCH_SHARE = 0.22
Shades = npt.NDArray[np.uint8]
Pixels = npt.NDArray[np.float32]
Surface = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Span:
    """What the dollars of a picture run from and to: its colour scale."""

    bottom: float
    top: float

    @property
    def empty(self) -> bool:
        """Say whether there was nothing to scale."""
        return self.top <= 0


def scale_of(heat: Surface) -> Span:
    """Return the colour scale: its top is the 99.92 % quantile of what is there, its bottom a 250th of it."""
    there = heat[heat > 0]
    if there.size == 0:
        return Span(0.0, 0.0)
    place = min(int(there.size * TOP_QUANTILE), there.size - 1)
    top = float(np.partition(there, place)[place])
    return Span(top / RANGE, top)


def shades(heat: Surface, span: Span) -> Shades:
    """Return how bright each cell is, 0 to 255: the logarithm within the scale, to the power of gamma."""
    if span.empty:
        return np.zeros(heat.shape, np.uint8)
    level = np.log(np.maximum(heat, span.bottom) / np.float32(span.bottom)) / np.float32(np.log(RANGE))
    bright: Shades = (np.clip(level, 0, 1) ** np.float32(GAMMA) * (SHADES - 1)).astype(np.uint8)
    return bright


def soften(heat: Surface, traded: npt.NDArray[np.bool_], passes: int = 1) -> Surface:
    """Return levels spread a little over their neighbours in price (binomial, dollars are kept).

    Nothing spreads into the empty cells of `traded`, the range that price went through: levels end there.
    """
    if heat.shape[1] < 3:
        return heat
    soft = heat.copy()
    for _ in range(passes):
        pairs = (soft[:, :-1] + soft[:, 1:]) * np.float32(0.5)
        soft[:, 1:-1] = (pairs[:, :-1] + pairs[:, 1:]) * np.float32(0.5)
    soft[traded & (heat <= 0)] = 0
    return soft


def rows_at(cells: Shades, edges: Floats) -> Shades:
    """Return columns of shape (n, bins) resampled in price to pixels, whose edges are given in bins.

    Rows that cover several bins take the brightest, never the mean; where a bin covers several rows the
    shade runs smoothly from bin to bin.
    """
    count, rows = cells.shape[1], edges.shape[0] - 1
    if edges[-1] - edges[0] > rows:
        start = np.clip(np.floor(edges[:-1]).astype(int), 0, count - 1)
        return np.asarray(np.maximum.reduceat(cells, start, 1))
    at = np.clip((edges[:-1] + edges[1:]) / 2 - 0.5, 0, count - 1)
    low = np.floor(at).astype(int)
    share = (at - low).astype(np.float32)
    below, above = cells.take(low, 1), cells.take(np.minimum(low + 1, count - 1), 1)
    return np.asarray((below + (above.astype(np.float32) - below) * share + 0.5).astype(np.uint8))


def columns_at(times: Floats, ts: Ints, step_ms: int) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Return the column that stands at each time, and whether there is one: a gap has none."""
    if ts.size == 0:
        return np.zeros(times.shape, np.int64), np.zeros(times.shape, bool)
    index = np.searchsorted(ts, times, "right") - 1
    held = np.clip(index, 0, ts.size - 1)
    there = (index >= 0) & (times < ts[held] + step_ms)
    return held.astype(np.int64), there


def paint(lut: Colours, shade: Shades) -> Colours:
    """Return shades as opaque RGBA: looked up four bytes at a time, which is four times as fast."""
    opaque = np.concatenate([lut, np.full((SHADES, 1), 255, np.uint8)], 1)
    packed = np.ascontiguousarray(opaque).view(np.uint32)[:, 0]
    return np.asarray(packed.take(shade)[..., None].view(np.uint8))


def _mix(pixels: Colours, towards: Colours, share: Pixels) -> None:
    """Move colours, in place, towards one colour by a share for each pixel (any shape that broadcasts)."""
    old = pixels[..., :3].astype(np.float32)
    old += (towards.astype(np.float32) - old) * share[..., None]
    pixels[..., :3] = old + np.float32(0.5)


def pale(pixels: Colours, away: Pixels, ground: Colours) -> None:
    """Draw paler, in place, what lies farther from price than validated: from 8 % on, fully at 10 %."""
    far = np.flatnonzero((away > PALE_FROM).any(1))
    if far.size:
        rows = slice(far[0], far[-1] + 1)
        share = np.clip((away[rows] - PALE_FROM) / (PALE_TO - PALE_FROM), 0, 1) * np.float32(PALE_SHARE)
        _mix(pixels[rows], ground, share)


def fade(pixels: Colours, ground: Colours, *, left: float = 1.0, right: float = 0.3) -> None:
    """Fade, in place, towards the ground from left to right: what stands, but not for ever."""
    _mix(pixels, ground, 1 - np.linspace(left, right, pixels.shape[1], dtype=np.float32)[None, :])


def hatch(pixels: Colours, mask: npt.NDArray[np.bool_], ink: Colours, scale: int) -> None:
    """Mark, in place, the columns of `mask` with slanted lines: no data."""
    if not mask.any():
        return
    xs = np.flatnonzero(mask)
    slant = (xs[None, :] + np.arange(pixels.shape[0])[:, None]) % (HATCH_PX * scale) < HATCH_LINE_PX * scale
    part = pixels[:, xs]
    _mix(part, ink, slant * np.float32(HATCH_SHARE))
    pixels[:, xs] = part
