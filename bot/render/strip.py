"""Lay chips and a legend of venues out along the top of a card, as many lines as they take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.render import text
from bot.render.drawing import Sketch
from bot.render.fonts import Weight
from bot.render.layout import Box
from bot.render.notes import CHIP_GAP, CHIP_PAD, chips_of, cut
from bot.render.picture import Layout

SWATCH = 0.8
"""Side of a legend's swatch, as a share of the type size."""
APART = 22
PART_GAP = 2.0
PART_ALPHAS = (0.92, 0.62, 0.42, 0.28, 0.18)
"""How opaque the part of each venue in a bar is, the largest venue first."""


@dataclass(frozen=True, slots=True)
class _Item:
    """One chip (with the colour of its edge) or one entry of the legend (with its place in it)."""

    words: str
    width: float
    colour: str = ""
    place: int = -1


def part_alpha(place: int) -> float:
    """Return how opaque the part of a venue is, by its place in the legend."""
    return PART_ALPHAS[min(place, len(PART_ALPHAS) - 1)]


def draw_strip(
    drawing: Sketch, top: float, legend: Sequence[str] = (), *, right: float | None = None
) -> float:
    """Draw chips, then the legend, from the left at `top`; return where they end, `top` where none are."""
    sizes = drawing.sizes
    items = [*_chips(drawing), *_entries(drawing, legend)]
    end = drawing.frame.width - sizes.margin if right is None else right
    height = sizes.label * 1.6
    x, y = float(sizes.margin), top
    for item in items:
        if x > sizes.margin and x + item.width > end:
            x, y = float(sizes.margin), y + height + CHIP_GAP
        _draw(drawing, item, Box(x, y, x + item.width, y + height))
        x += item.width + (CHIP_GAP if item.colour else APART)
    return y + height + CHIP_GAP if items else top


def _chips(drawing: Sketch) -> list[_Item]:
    size, room = drawing.sizes.label, drawing.frame.width - 2 * drawing.sizes.margin
    found = []
    for words, colour in chips_of(drawing):
        told = cut(drawing, words, size, room - 2 * CHIP_PAD)
        width = drawing.ink.measure(told, size, Weight.SEMIBOLD) + 2 * CHIP_PAD
        found.append(_Item(told, width, colour))
    return found


def _entries(drawing: Sketch, legend: Sequence[str]) -> list[_Item]:
    size = drawing.sizes.small
    swatch = size * (SWATCH + 0.45)
    return [
        _Item(words, swatch + drawing.ink.measure(words, size), place=place)
        for place, words in enumerate(legend)
    ]


def _draw(drawing: Sketch, item: _Item, box: Box) -> None:
    ink, sizes, palette = drawing.ink, drawing.sizes, drawing.palette
    if item.colour:
        ink.box(box, palette.pill, alpha=0.88, radius=6, edge=item.colour, edge_width=1.5)
        at = (box.x0 + CHIP_PAD, box.middle)
        ink.text(at, item.words, sizes.label, item.colour, weight=Weight.SEMIBOLD)
        return
    side = sizes.small * SWATCH
    swatch = Box(box.x0, box.middle - side / 2, box.x0 + side, box.middle + side / 2)
    ink.box(swatch, palette.ink, alpha=part_alpha(item.place), radius=3)
    ink.text((box.x1, box.middle), item.words, sizes.small, palette.dim, align="right")


def draw_parts(drawing: Sketch, parts: Sequence[tuple[str, float]], left: float, right: float) -> None:
    """Draw which venue has what part, as one bar with names under it; nothing for a single one.

    It stands between `left` and `right` of the header, or under it where the layout is high.
    """
    if len(parts) < 2:
        return
    ink, sizes, palette = drawing.ink, drawing.sizes, drawing.palette
    bar = sizes.scale_bar
    wide = drawing.scene.layout is Layout.LANDSCAPE
    x0 = left + 2 * APART if wide else float(sizes.margin)
    x1 = right - 2 * APART if wide else drawing.frame.width - sizes.margin
    at = x0
    for place, (_name, part) in enumerate(parts):
        end = at + (x1 - x0) * part
        box = np.array([[at, bar.y0, max(end - PART_GAP, at + 1), bar.y1]])
        ink.rectangles(box, palette.ink, alpha=part_alpha(place))
        at = end
    y = bar.y1 + sizes.small * 0.5 + 8
    room, x = x1, x0
    for item in _entries(drawing, [f"{name} {text.share(part)}" for name, part in parts]):
        if x + item.width > room:
            return
        _draw(drawing, item, Box(x, y - 1, x + item.width, y + 1))
        x += item.width + APART
