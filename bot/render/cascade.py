"""Draw what moves of price would sweep: price upwards, dollars to the right. Runs in the worker.

The filled area ends at the dollars that a move to its price would sweep in total; rows are the brighter the
more stands at their price, by the same scale of colours as the heatmap.
"""

import math

import matplotlib as mpl
import numpy as np

from bot.lang import N_, _
from bot.render import raster, text
from bot.render.axes import axis_width, draw_price_line, draw_prices
from bot.render.drawing import Sketch
from bot.render.fonts import Faces, Weight
from bot.render.header import draw_price, draw_title
from bot.render.ink import Ink
from bot.render.layout import SIZES, Box, frame_of
from bot.render.notes import INSET, Place, draw_chips, draw_footer
from bot.render.palette import PALETTES, rgb
from bot.render.picture import Layout
from bot.render.pills import draw_pill, place_pills, side_ink, strip_width
from bot.render.scene import CascadeScene
from engine.model import Floats

MOST_TICKS = 4
ROOM = 1.06
"""Width of the plot over the farthest end of the curve."""
LEAST_SHADE = np.uint8(51)
CURVE = 3.0
DOT = 5.0
GUIDE_ALPHA = 0.75
GRID_ALPHA = 0.10
BESIDE_LINE = 14.0
SIDES = (N_("if price climbs: shorts"), N_("if price falls: longs"))


def draw_cascade(scene: CascadeScene, faces: Faces) -> bytes:
    """Return the picture of a scene as PNG, at the scene's scale times its layout's nominal size."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        drawing = _prepare(scene, faces)
        draw_title(drawing, draw_price(drawing))
        full_usd = float(scene.swept_usd.max(initial=0.0)) * ROOM
        _area(drawing, scene, full_usd)
        draw_prices(drawing)
        _dollars(drawing, full_usd)
        _curve(drawing, scene, full_usd)
        draw_price_line(drawing)
        _sides(drawing)
        _marks(drawing, full_usd)
        draw_chips(drawing, _free_place(drawing, scene))
        draw_footer(drawing)
    return drawing.ink.png()


def _prepare(scene: CascadeScene, faces: Faces) -> Sketch:
    """Return a drawing with its areas measured out and nothing in it."""
    sizes, palette = SIZES[scene.layout], PALETTES[scene.theme]
    ink = Ink(scene.layout.size, scene.scale, faces, palette.ground)
    frame = frame_of(
        scene.layout, axis_width=axis_width(ink, scene, sizes), strip_width=strip_width(ink, scene, sizes)
    )
    return Sketch(ink=ink, scene=scene, sizes=sizes, palette=palette, frame=frame, lut=palette.lut())


def _xs(drawing: Sketch, usd: Floats, full_usd: float) -> Floats:
    """Return where dollars lie."""
    plot = drawing.frame.plot
    return np.asarray(plot.x0 + usd / full_usd * plot.width if full_usd > 0 else np.full(usd.shape, plot.x0))


def _area(drawing: Sketch, scene: CascadeScene, full_usd: float) -> None:
    """Fill the area under the curve row by row."""
    scale, plot = drawing.ink.scale, drawing.frame.plot
    top, bottom, left = round(plot.y0 * scale), round(plot.y1 * scale), round(plot.x0 * scale)
    rows = bottom - top
    edges = np.linspace(scene.view[1], scene.view[0], rows + 1)
    middle = (edges[:-1] + edges[1:]) / 2
    ends = _xs(drawing, np.interp(middle, scene.prices, scene.swept_usd), full_usd)
    pixels = drawing.ink.pixels[top:bottom, left : round(plot.x1 * scale)]
    inside = left + 0.5 + np.arange(pixels.shape[1])[None, :] < ends[:, None] * scale
    shaded = np.repeat(raster.paint(drawing.lut, _shades(scene, edges))[:, None], pixels.shape[1], 1)
    ground = np.array(rgb(drawing.palette.ground), np.uint8)
    raster.pale(shaded, np.abs(middle / scene.price - 1).astype(np.float32)[:, None], ground)
    raster.fade(shaded, ground, left=0.55, right=1.0)
    pixels[inside] = shaded[inside]


def _shades(scene: CascadeScene, edges: Floats) -> raster.Shades:
    """Return how bright each row of pixels is, by the dollars that stand there, never quite dark."""
    stands = np.abs(np.diff(np.interp(edges, scene.prices, scene.swept_usd))).astype(np.float32)
    shade = raster.shades(stands[None], raster.scale_of(stands))[0]
    return np.asarray(np.maximum(shade, LEAST_SHADE))


def _curve(drawing: Sketch, scene: CascadeScene, full_usd: float) -> None:
    """Draw the outline of the area, each side in its ink, and the foot of it at no dollars."""
    plot, palette = drawing.frame.plot, drawing.palette
    xs, ys = _xs(drawing, scene.swept_usd, full_usd), drawing.ys_at(scene.prices)
    for chosen, colour in (
        (scene.prices <= scene.price, palette.long),
        (scene.prices >= scene.price, palette.short),
    ):
        points = list(zip(xs[chosen].tolist(), ys[chosen].tolist(), strict=True))
        drawing.ink.line(points, palette.outline, CURVE + 2.5, alpha=0.6)
        drawing.ink.line(points, colour, CURVE)
    drawing.ink.line([(plot.x0, plot.y0), (plot.x0, plot.y1)], palette.dim, 1.0, alpha=0.5)


def usd_ticks(full_usd: float, most: int = MOST_TICKS) -> list[float]:
    """Return round dollars from 0 up to `full_usd`, `most` steps at most; none where nothing stands."""
    if not 0 < full_usd < math.inf:
        return []
    raw = full_usd / most
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(f * size for f in (1.0, 2.0, 5.0, 10.0) if f * size >= raw * (1 - 1e-9))
    return [n * step for n in range(int(full_usd / step + 1e-9) + 1)]


def _dollars(drawing: Sketch, full_usd: float) -> None:
    """Draw the axis of dollars along the bottom."""
    ink, sizes, plot, palette = drawing.ink, drawing.sizes, drawing.frame.plot, drawing.palette
    ticks = np.array(usd_ticks(full_usd))
    for usd, x in zip(ticks.tolist(), _xs(drawing, ticks, full_usd).tolist(), strict=True):
        words = text.money(usd)
        half = ink.measure(words, sizes.label) / 2
        ink.line([(x, plot.y0), (x, plot.y1 + 5)], palette.ink, 1, alpha=GRID_ALPHA)
        at = (max(x, plot.x0 + half), sizes.time_y)
        ink.text(at, words, sizes.label, palette.dim, align="center")
    right = drawing.frame.width - sizes.margin
    ink.text((right, sizes.time_y), "USD swept", sizes.small, palette.dim, align="right")


def _sides(drawing: Sketch) -> None:
    """Say whose positions each side's are, beside the price line."""
    plot, palette, sizes = drawing.frame.plot, drawing.palette, drawing.sizes
    y, away = drawing.y_at(drawing.scene.price), BESIDE_LINE * sizes.small / SIZES[Layout.LANDSCAPE].small
    for words, colour, at in zip(
        tuple(map(_, SIDES)), (palette.short, palette.long), (y - away, y + away), strict=True
    ):
        place = (plot.x1 - 8, at)
        drawing.ink.text(place, words, sizes.small, colour, weight=Weight.SEMIBOLD, align="right")


def _free_place(drawing: Sketch, scene: CascadeScene) -> Place:
    """Return the place for chips right of the curve, on the side where it ends sooner."""
    plot = drawing.frame.plot
    below = scene.swept_usd[0] < scene.swept_usd[-1]
    farthest = [drawing.y_at(band.low) for band in scene.bands]

    def place(width: float, height: float) -> tuple[float, float]:
        top = max(farthest) - INSET - height if below else min(farthest) + INSET
        return plot.x1 - INSET - width, top

    return place


def _marks(drawing: Sketch, full_usd: float) -> None:
    """Mark the named moves on the curve and lead from each to its label."""
    scene, frame, ink, palette = drawing.scene, drawing.frame, drawing.ink, drawing.palette
    ys = [drawing.y_at(band.low) for band in scene.bands]
    xs = _xs(drawing, np.array([band.usd for band in scene.bands]), full_usd).tolist()
    pills = place_pills(ink, scene, drawing.sizes, frame, drawing.y_at(scene.price), ys)
    places = dict(zip(scene.bands, zip(xs, ys, strict=True), strict=True))
    for pill in pills:
        (x, y), colour = places[pill.band], side_ink(drawing, pill.band)
        way = [(x, y), (frame.strip.x0, y), (pill.box.x0, pill.box.middle)]
        ink.line(way, palette.outline, 3.5, alpha=0.5)
        ink.line(way, colour, 1.5, alpha=GUIDE_ALPHA)
    for pill in pills:
        (x, y), colour = places[pill.band], side_ink(drawing, pill.band)
        ink.box(Box(x - DOT - 2, y - DOT - 2, x + DOT + 2, y + DOT + 2), palette.outline, radius=DOT + 2)
        ink.box(Box(x - DOT, y - DOT, x + DOT, y + DOT), colour, radius=DOT)
        draw_pill(drawing, pill)
