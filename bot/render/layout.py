"""Decide where things go, in nominal pixels with y downwards; knows nothing of drawing.

Scale 2 (HD) uses the same places: the drawing multiplies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from bot.render.picture import Layout
from engine.model import Floats


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: left, top, right, bottom."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Return right minus left."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Return bottom minus top."""
        return self.y1 - self.y0

    @property
    def middle(self) -> float:
        """Return the vertical middle."""
        return (self.y0 + self.y1) / 2

    def overlaps(self, other: "Box") -> bool:
        """Say whether two boxes share any area."""
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Type sizes and distances of one layout, nominal pixels: labels 24 or more, small print 20 or more."""

    margin: int
    symbol: int
    title: int
    price: int
    change: int
    label: int
    pill: int
    small: int
    header: float
    scale_bar: Box
    change_y: float
    plot_top: int
    plot_bottom: int
    time_y: float
    footer_ys: tuple[float, ...]
    pill_height: int
    zones_a_side: int


SIZES = {
    Layout.LANDSCAPE: Sizes(
        margin=24,
        symbol=42,
        title=26,
        price=40,
        change=26,
        label=24,
        pill=26,
        small=20,
        header=44,
        scale_bar=Box(480, 24, 900, 40),
        change_y=44,
        plot_top=88,
        plot_bottom=606,
        time_y=629,
        footer_ys=(668, 697),
        pill_height=40,
        zones_a_side=3,
    ),
    Layout.PORTRAIT: Sizes(
        margin=24,
        symbol=58,
        title=34,
        price=52,
        change=34,
        label=28,
        pill=30,
        small=24,
        header=54,
        scale_bar=Box(24, 108, 560, 128),
        change_y=124,
        plot_top=188,
        plot_bottom=1180,
        time_y=1208,
        footer_ys=(1256, 1290, 1324),
        pill_height=48,
        zones_a_side=4,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The areas of one picture: history, the strip right of now, and the price axis."""

    width: int
    height: int
    plot: Box
    strip: Box
    axis: Box


def frame_of(layout: Layout, *, axis_width: float, strip_width: float) -> Frame:
    """Return the areas for an axis and a strip as wide as what is written in them; whole pixels."""
    sizes, (width, height) = SIZES[layout], layout.size
    axis_x = width - round(axis_width)
    now_x = axis_x - round(strip_width)
    top, bottom = sizes.plot_top, sizes.plot_bottom
    return Frame(
        width=width,
        height=height,
        plot=Box(sizes.margin, top, now_x, bottom),
        strip=Box(now_x, top, axis_x, bottom),
        axis=Box(axis_x, top, width, bottom),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A label that wants its middle at `y`; `weight` says which one stays where there is no room for all."""

    y: float
    height: float
    weight: float


def stack(wants: Sequence[Want], *, top: float, bottom: float, gap: float) -> list[float | None]:
    """Return where each label's middle goes, as near to its wish as no overlap allows; None is left out.

    Labels keep the order of their wishes. The heaviest are kept while they fit between top and bottom. The
    offsets are the least-squares ones: pooled neighbours (isotonic regression), then moved inside the edges.
    """
    kept: list[int] = []
    room = bottom - top + gap
    for index in sorted(range(len(wants)), key=lambda i: (-wants[i].weight, i)):
        need = wants[index].height + gap
        if need <= room:
            kept.append(index)
            room -= need
    kept.sort(key=lambda i: (wants[i].y, i))
    before = list(accumulate((wants[i].height + gap for i in kept), initial=0.0))
    starts = [
        min(max(wants[i].y, top), bottom) - wants[i].height / 2 - b
        for i, b in zip(kept, before, strict=False)
    ]
    last = bottom - top - (before[-1] - gap)
    out: list[float | None] = [None] * len(wants)
    for index, start, offset in zip(kept, _isotonic(starts), before, strict=False):
        out[index] = min(max(start, top), top + last) + offset + wants[index].height / 2
    return out


def _isotonic(values: list[float]) -> list[float]:
    """Return the non-decreasing numbers nearest to `values` in least squares."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while pools and pools[-1][0] > mean:
            other, size = pools.pop()
            mean, count = (mean * count + other * size) / (count + size), count + size
        pools.append((mean, count))
    return [mean for mean, count in pools for _ in range(count)]


def stack_around(
    wants: Sequence[Want], *, box: Box, line_y: float, clear: float, gap: float
) -> list[float | None]:
    """Return places for labels above and below a line that stays clear by `clear` on both sides."""
    out: list[float | None] = [None] * len(wants)
    spans = ((True, box.y0, min(line_y - clear, box.y1)), (False, max(line_y + clear, box.y0), box.y1))
    for above, top, bottom in spans:
        mine = [i for i, want in enumerate(wants) if (want.y < line_y) is above]
        places = stack([wants[i] for i in mine], top=top, bottom=bottom, gap=gap)
        for index, place in zip(mine, places, strict=True):
            out[index] = place
    return out


def lines_of(
    items: Sequence[str], widths: Sequence[float], *, room: float, joint: float, count: int
) -> list[list[str]]:
    """Return items in at most `count` lines no wider than `room`, in order; what does not fit is left out."""
    lines: list[list[str]] = [[]]
    used = 0.0
    for item, width in zip(items, widths, strict=True):
        need = width + (joint if lines[-1] else 0)
        if used + need > room and lines[-1]:
            if len(lines) == count:
                continue
            lines.append([])
            used, need = 0.0, width
        lines[-1].append(item)
        used += need
    return lines


def freest(boxes: Sequence[Box], xs: Floats, lows: Floats, highs: Floats) -> int:
    """Return which box covers the fewest candles; `lows` and `highs` are the y of their lows and highs."""
    hits = [
        int(np.count_nonzero((xs >= b.x0) & (xs <= b.x1) & (lows >= b.y0) & (highs <= b.y1))) for b in boxes
    ]
    return int(np.argmin(hits)) if hits else 0


MARGIN_SHARE = 0.3
LEAST_MARGIN = 0.012
MOST_MARGIN = 0.03
TRUSTED = 0.08
CANDLE_SHARE = 0.28


def price_view(low: float, high: float, price: float, levels: Sequence[float]) -> tuple[float, float]:
    """Return the price range to show: candles, some margin, and zone edges as far as candles stay readable.

    `levels` are the prices of zones worth seeing; those beyond 8 % of price, or so far that the candles would
    shrink to less than about a quarter of the height, stay outside.
    """
    low, high = min(low, price), max(high, price)
    span = high - low
    margin = min(max(MARGIN_SHARE * span, LEAST_MARGIN * price), MOST_MARGIN * price)
    bottom, top = low - margin, high + margin
    limit = max(span, LEAST_MARGIN * price) / CANDLE_SHARE
    for level in sorted(levels, key=lambda at: abs(at - price)):
        pad = margin / 3
        wider = (min(bottom, level - pad), max(top, level + pad))
        if abs(level / price - 1) <= TRUSTED and wider[1] - wider[0] <= max(limit, top - bottom):
            bottom, top = wider
    return max(bottom, price * 1e-3), top
