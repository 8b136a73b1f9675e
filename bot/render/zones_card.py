"""Draw zones as bars above and below the price: dollars, venues, distance and age. Runs in the worker."""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np

from bot.render.drawing import Sketch
from bot.render.fonts import Faces, Weight
from bot.render.header import draw_price, draw_title
from bot.render.ink import Ink
from bot.render.layout import SIZES, Box, frame_of
from bot.render.notes import draw_footer
from bot.render.palette import PALETTES
from bot.render.picture import Layout
from bot.render.scene import ZoneRow, ZonesScene
from bot.render.strip import draw_strip, part_alpha

PORTRAIT_TOP = 104
GAP = 22
LEAST_BAR = 4.0
BAR_SHARE = 0.62
TALLEST_BAR = 52.0
HIGHEST_ROW = 5.0
"""Height of a row at most, in type sizes."""
TWO_LINES = 1.15
"""How much room around two lines of type a row needs to have them."""
TRACK_ALPHA = 0.06
PART_GAP = 2.0
DASHES = (7.0, 5.0)
TAG_PAD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where things stand from left to right, and how high a row is."""

    bar_x: float
    bar_full: float
    track_x1: float
    away_x: float
    right: float
    row: float
    two_lines: bool
    most_usd: float


def draw_zones_card(scene: ZonesScene, faces: Faces) -> bytes:
    """Return the picture of a scene as PNG, at the scene's scale times its layout's nominal size."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        sizes, palette = SIZES[scene.layout], PALETTES[scene.theme]
        ink = Ink(scene.layout.size, scene.scale, faces, palette.ground)
        frame = frame_of(scene.layout, axis_width=sizes.margin, strip_width=0)
        drawing = Sketch(ink=ink, scene=scene, sizes=sizes, palette=palette, frame=frame, lut=palette.lut())
        left = draw_price(drawing)
        draw_title(drawing, left)
        _ladder(drawing, scene, _top(drawing, scene))
        draw_footer(drawing)
    return ink.png()


def _top(drawing: Sketch, scene: ZonesScene) -> float:
    """Draw what stands above the rows; return where they may begin."""
    sizes, plot = drawing.sizes, drawing.frame.plot
    if scene.layout is Layout.LANDSCAPE:
        return draw_strip(drawing, plot.y0 - 6, scene.legend)
    change = drawing.ink.measure("−100.00%", sizes.change, Weight.SEMIBOLD) if scene.change is not None else 0
    end = draw_strip(drawing, PORTRAIT_TOP, scene.legend, right=plot.x1 - change - GAP)
    return max(end, PORTRAIT_TOP + sizes.label * 1.6 + 8)


def _ladder(drawing: Sketch, scene: ZonesScene, top: float) -> None:
    """Draw the rows above, the price, and the rows below."""
    sizes, bottom = drawing.sizes, drawing.sizes.time_y + drawing.sizes.label * 0.4
    price = sizes.small * 2.9
    blocks = max(len(scene.above), bool(scene.none_above)) + max(len(scene.below), bool(scene.none_below))
    row = min((bottom - top - price) / max(blocks, 1), sizes.label * HIGHEST_ROW)
    columns = _columns(drawing, scene, row)
    y = top + (bottom - top - price - row * blocks) / 2
    y = _side(drawing, scene.above, scene.none_above, columns, y)
    _price(drawing, scene, columns, Box(sizes.margin, y, columns.right, y + price))
    _side(drawing, scene.below, scene.none_below, columns, y + price)


def _columns(drawing: Sketch, scene: ZonesScene, row: float) -> _Columns:
    """Return places that fit the widest words of every column."""
    ink, sizes = drawing.ink, drawing.sizes
    rows = (*scene.above, *scene.below)
    two = row >= (sizes.label + sizes.small) * TWO_LINES + sizes.label * 0.5
    tag = ink.measure(scene.price_text, sizes.pill, Weight.BOLD) + 2 * TAG_PAD
    prices = [ink.measure(each.prices, sizes.label) for each in rows]
    bar_x = sizes.margin + max([tag, *prices]) + GAP
    right = float(drawing.frame.width - sizes.margin)
    ages = max((ink.measure(each.age, sizes.small) for each in rows), default=0.0)
    away_x = right if two else right - ages - GAP
    away = max((ink.measure(each.away, sizes.pill, Weight.SEMIBOLD) for each in rows), default=0.0)
    away = max(away, ages) if two else away
    dollars = max((ink.measure(each.dollars, sizes.pill, Weight.BOLD) for each in rows), default=0.0)
    return _Columns(
        bar_x=bar_x,
        bar_full=away_x - away - GAP - dollars - GAP - bar_x,
        track_x1=away_x - away - GAP,
        away_x=away_x,
        right=right,
        row=row,
        two_lines=two,
        most_usd=max((each.usd for each in rows), default=0.0),
    )


def _side(drawing: Sketch, rows: tuple[ZoneRow, ...], none: str, columns: _Columns, y: float) -> float:
    """Draw the rows of one side, or that it has none; return where they end."""
    if not rows and none:
        at = (columns.bar_x, y + columns.row / 2)
        drawing.ink.text(at, none, drawing.sizes.label, drawing.palette.dim, weight=Weight.REGULAR)
        return y + columns.row
    scene = drawing.scene
    above = isinstance(scene, ZonesScene) and rows is scene.above
    for row in rows:
        box = Box(drawing.sizes.margin, y, columns.right, y + columns.row)
        _row(drawing, row, columns, box, drawing.palette.short if above else drawing.palette.long)
        y += columns.row
    return y


def _row(drawing: Sketch, row: ZoneRow, columns: _Columns, box: Box, colour: str) -> None:
    """Draw one zone."""
    ink, sizes, palette = drawing.ink, drawing.sizes, drawing.palette
    middle = box.middle
    down = sizes.small * 0.62 if columns.two_lines else 0.0
    up = sizes.label * 0.55 if columns.two_lines else 0.0
    ink.text((box.x0, middle - (up if row.most else 0.0)), row.prices, sizes.label, palette.ink)
    ink.text(
        (columns.away_x, middle - up), row.away, sizes.pill, colour, weight=Weight.SEMIBOLD, align="right"
    )
    below = middle + down + sizes.small * 0.15
    if columns.two_lines:
        ink.text((box.x1, below), row.age, sizes.small, palette.dim, align="right")
        ink.text((box.x0, below), row.most, sizes.small, palette.dim)
    else:
        ink.text((box.x1, middle), row.age, sizes.small, palette.dim, align="right")
    height = min(columns.row * BAR_SHARE, TALLEST_BAR)
    _bar(drawing, row, columns, Box(columns.bar_x, middle - height / 2, 0, middle + height / 2), colour)


def _bar(drawing: Sketch, row: ZoneRow, columns: _Columns, box: Box, colour: str) -> None:
    """Draw a zone's dollars as a bar, split by venue, and write them at its end."""
    ink = drawing.ink
    share = row.usd / columns.most_usd if columns.most_usd > 0 else 0.0
    length = max(columns.bar_full * share, LEAST_BAR)
    track = np.array([[box.x0, box.y0, columns.track_x1, box.y1]])
    ink.rectangles(track, drawing.palette.ink, alpha=TRACK_ALPHA)
    x, parts = box.x0, row.parts or (1.0,)
    whole = sum(parts) or 1.0
    for place, part in enumerate(parts):
        end = x + length * part / whole
        gap = PART_GAP if place + 1 < len(parts) and end - x > 2 * PART_GAP else 0.0
        ink.rectangles(np.array([[x, box.y0, end - gap, box.y1]]), colour, alpha=part_alpha(place))
        x = end
    at = (box.x0 + length + GAP / 2, box.middle)
    ink.text(at, row.dollars, drawing.sizes.pill, drawing.palette.ink, weight=Weight.BOLD)


def _price(drawing: Sketch, scene: ZonesScene, columns: _Columns, box: Box) -> None:
    """Draw the price as a tag and a dashed line, and what stands on each side of it."""
    ink, sizes, palette = drawing.ink, drawing.sizes, drawing.palette
    y, half = box.middle, sizes.pill * 0.78
    width = ink.measure(scene.price_text, sizes.pill, Weight.BOLD) + 2 * TAG_PAD
    tag = Box(box.x0, y - half, box.x0 + width, y + half)
    ink.line([(tag.x1 + 4, y), (box.x1, y)], palette.tag, 1.6, alpha=0.9, dashes=DASHES)
    ink.box(tag, palette.tag, radius=5)
    at = (tag.x0 + TAG_PAD, y)
    ink.text(at, scene.price_text, sizes.pill, palette.tag_ink, weight=Weight.BOLD)
    away = sizes.small * 0.82
    for words, colour, place in zip(
        scene.sums, (palette.short, palette.long), (y - away, y + away), strict=True
    ):
        ink.text((columns.bar_x, place), words, sizes.small, colour, weight=Weight.SEMIBOLD)
