"""Draw a market: a day of its prices, its numbers, and what each venue says. Runs in the worker."""

from collections.abc import Sequence

import matplotlib as mpl

from bot.render import text
from bot.render.drawing import Sketch
from bot.render.fonts import Faces, Weight
from bot.render.header import draw_price, draw_title
from bot.render.ink import Ink
from bot.render.layout import SIZES, Box, frame_of
from bot.render.notes import cut, draw_footer
from bot.render.palette import PALETTES
from bot.render.picture import Layout
from bot.render.scene import MarketScene, Tile
from bot.render.spark import draw_spark
from bot.render.strip import draw_strip

PORTRAIT_TOP = 104
BETWEEN = 30
TILES_SHARE = 0.37
TILE_HIGH = 3.7
"""Height of a tile with everything in it, in sizes of small print."""
TILES_ACROSS = 2
ROW_HIGH = 1.9
COLUMN_GAP = 22.0
LEAST_COLUMNS = 3
RULE_ALPHA = 0.16
STRIPE_ALPHA = 0.04


def draw_market_card(scene: MarketScene, faces: Faces) -> bytes:
    """Return the picture of a scene as PNG, at the scene's scale times its layout's nominal size."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        sizes, palette = SIZES[scene.layout], PALETTES[scene.theme]
        ink = Ink(scene.layout.size, scene.scale, faces, palette.ground)
        frame = frame_of(scene.layout, axis_width=sizes.margin, strip_width=0)
        drawing = Sketch(ink=ink, scene=scene, sizes=sizes, palette=palette, frame=frame, lut=palette.lut())
        draw_title(drawing, draw_price(drawing))
        _body(drawing, scene)
        draw_footer(drawing)
    return ink.png()


def _body(drawing: Sketch, scene: MarketScene) -> None:
    """Share the room out: prices, numbers beside or under them, and the table at the foot."""
    sizes, wide = drawing.sizes, scene.layout is Layout.LANDSCAPE
    left, right = float(sizes.margin), float(drawing.frame.width - sizes.margin)
    top = draw_strip(drawing, sizes.plot_top - 6 if wide else PORTRAIT_TOP)
    top = top if wide else max(top, PORTRAIT_TOP + sizes.label * 1.6 + 8)
    bottom = sizes.time_y + sizes.label * 0.4
    if scene.rows:
        high = sizes.small * ROW_HIGH * (len(scene.rows) + 1)
        _table(drawing, scene, Box(left, bottom - high, right, bottom))
        bottom -= high + BETWEEN / 2
    if wide:
        middle = right - (right - left) * TILES_SHARE
        _tiles(drawing, scene.tiles, Box(middle + BETWEEN / 2, top, right, bottom))
        draw_spark(drawing, scene, Box(left, top, middle - BETWEEN / 2, bottom))
        return
    high = sizes.small * TILE_HIGH * len(_tile_rows(drawing, scene.tiles, right - left))
    _tiles(drawing, scene.tiles, Box(left, bottom - high, right, bottom))
    draw_spark(drawing, scene, Box(left, top, right, bottom - high - BETWEEN / 2))


def _tile_rows(drawing: Sketch, tiles: Sequence[Tile], wide: float) -> list[list[Tile]]:
    """Return the numbers two a row; one that is too long for half of the width has a row of its own."""
    half = (wide - COLUMN_GAP) / TILES_ACROSS
    rows: list[list[Tile]] = []
    for tile in tiles:
        alone = drawing.ink.measure(tile.value, drawing.sizes.pill, Weight.BOLD) > half
        if alone or not rows or len(rows[-1]) == TILES_ACROSS:
            rows.append([])
        rows[-1] += [tile]
    return rows


def _tiles(drawing: Sketch, tiles: Sequence[Tile], box: Box) -> None:
    """Write the numbers, each under its name."""
    rows = _tile_rows(drawing, tiles, box.width)
    if not rows:
        return
    high = min(box.height / len(rows), drawing.sizes.small * TILE_HIGH * 1.6)
    top = box.y0 + (box.height - high * len(rows)) / 2
    for at, row in enumerate(rows):
        wide = (box.width - COLUMN_GAP * (len(row) - 1)) / len(row)
        for column, tile in enumerate(row):
            x = box.x0 + column * (wide + COLUMN_GAP)
            _tile(drawing, tile, Box(x, top + at * high, x + wide, top + (at + 1) * high))


def _tile(drawing: Sketch, tile: Tile, box: Box) -> None:
    """Write one number: its name, itself, and beside or under it what else there is to say."""
    ink, sizes, palette = drawing.ink, drawing.sizes, drawing.palette
    ink.line([(box.x0, box.y0 + 1), (box.x1, box.y0 + 1)], palette.ink, 1, alpha=RULE_ALPHA)
    colour = palette.dim if not tile.rise else palette.rise if tile.rise > 0 else palette.fall
    name_y, value_y = box.y0 + sizes.small * 0.95, box.y0 + sizes.small * 1.3 + sizes.pill * 0.85
    ink.text((box.x0, name_y), tile.name, sizes.small, palette.dim, weight=Weight.REGULAR)
    size = float(sizes.pill)
    while size > sizes.small and ink.measure(tile.value, size, Weight.BOLD) > box.width:
        size -= 1
    ink.text((box.x0, value_y), tile.value, size, palette.ink, weight=Weight.BOLD)
    if not tile.more:
        return
    beside = box.x0 + ink.measure(tile.value, size, Weight.BOLD) + COLUMN_GAP * 0.7
    width = ink.measure(tile.more, sizes.small, Weight.MEDIUM)
    if beside + width <= box.x1:
        ink.text((beside, value_y), tile.more, sizes.small, colour)
    elif value_y + sizes.small * 1.9 <= box.y1 and width <= box.width:
        ink.text((box.x0, value_y + sizes.small * 1.35), tile.more, sizes.small, colour)


def _table(drawing: Sketch, scene: MarketScene, box: Box) -> None:
    """Write what each venue says, one a row; columns that do not fit are left out from the end."""
    ink, sizes, palette = drawing.ink, drawing.sizes, drawing.palette
    high = box.height / (len(scene.rows) + 1)
    kept, widths = _columns(drawing, scene, box.width)
    spare = (box.width - sum(widths)) / max(len(kept) - 1, 1)
    for row, cells in enumerate((scene.headings, *scene.rows)):
        y = box.y0 + high * row
        if row % 2:
            ink.box(Box(box.x0 - 8, y, box.x1 + 8, y + high), palette.ink, alpha=STRIPE_ALPHA)
        x = box.x0
        for place, (column, width) in enumerate(zip(kept, widths, strict=True)):
            head = row == 0
            colour = palette.dim if head or cells[column] == text.UNKNOWN else palette.ink
            weight = Weight.SEMIBOLD if place == 0 and not head else Weight.MEDIUM
            at, align = (x, "left") if place == 0 else (x + width, "right")
            words = cut(drawing, cells[column], sizes.small, width) if place == 0 else cells[column]
            ink.text((at, y + high / 2), words, sizes.small, colour, weight=weight, align=align)
            x += width + spare
    ink.line([(box.x0, box.y0 + high), (box.x1, box.y0 + high)], palette.ink, 1, alpha=RULE_ALPHA)


def _columns(drawing: Sketch, scene: MarketScene, room: float) -> tuple[list[int], list[float]]:
    """Return the columns that fit and say anything, and how wide each is."""
    told = [
        column
        for column in range(len(scene.headings))
        if column == 0 or any(row[column] != text.UNKNOWN for row in scene.rows)
    ]
    while True:
        widths = [_width(drawing, scene, column) for column in told]
        if sum(widths) + COLUMN_GAP * (len(told) - 1) <= room or len(told) <= LEAST_COLUMNS:
            return told, widths
        told.pop()


def _width(drawing: Sketch, scene: MarketScene, column: int) -> float:
    size, weight = drawing.sizes.small, Weight.SEMIBOLD if column == 0 else Weight.MEDIUM
    cells = [scene.headings[column], *(row[column] for row in scene.rows)]
    return max(drawing.ink.measure(cell, size, weight) for cell in cells) + 1
