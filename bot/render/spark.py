"""Draw a day of prices as a line over a fading area, its lowest and highest named. Runs in the worker."""

import numpy as np

from bot.render import text
from bot.render.drawing import Sketch
from bot.render.fonts import Weight
from bot.render.layout import Box
from bot.render.palette import rgb
from bot.render.scene import MarketScene
from bot.render.ticks import time_ticks
from engine.model import Floats

LINE = 3.0
DOT = 6.0
AREA = 0.34
"""How opaque the area is right under the line."""
CLEAR = 6
DASHES = (5.0, 5.0)
MOST_TIMES = 5
FLAT = 1e-4
"""How far a day without movement is taken to reach, as a share of its price."""


def draw_spark(drawing: Sketch, scene: MarketScene, box: Box) -> None:
    """Draw the day's prices in a box, with times along its foot."""
    sizes, palette = drawing.sizes, drawing.palette
    if scene.nothing:
        at = ((box.x0 + box.x1) / 2, box.middle)
        drawing.ink.text(at, scene.nothing, sizes.label, palette.dim, align="center", weight=Weight.REGULAR)
        return
    plot = Box(box.x0, box.y0 + sizes.small * 1.5, box.x1, box.y1 - sizes.small * 3.1)
    xs, ys = _places(scene, plot)
    colour = palette.rise if scene.closes[-1] >= scene.closes[0] else palette.fall
    _times(drawing, scene, plot, box.y1 - sizes.small * 0.6)
    _area(drawing, plot, xs, ys, colour)
    drawing.ink.line([(plot.x0, ys[0]), (plot.x1, ys[0])], palette.dim, 1.2, alpha=0.7, dashes=DASHES)
    points = list(zip(xs.tolist(), ys.tolist(), strict=True))
    drawing.ink.line(points, palette.outline, LINE + 2.5, alpha=0.6)
    drawing.ink.line(points, colour, LINE)
    x, y = points[-1]
    drawing.ink.box(Box(x - DOT - 2, y - DOT - 2, x + DOT + 2, y + DOT + 2), palette.outline, radius=DOT + 2)
    drawing.ink.box(Box(x - DOT, y - DOT, x + DOT, y + DOT), palette.ink, radius=DOT)
    _extremes(drawing, scene, plot, xs, ys)


def _places(scene: MarketScene, plot: Box) -> tuple[Floats, Floats]:
    """Return where the prices lie."""
    low, high = float(scene.closes.min()), float(scene.closes.max())
    pad = FLAT * high if high - low < FLAT * high else 0.0
    span = max(scene.end_ms - scene.start_ms, 1)
    xs = plot.x0 + (scene.ts - scene.start_ms) / span * (plot.width - DOT - 2)
    ys = plot.y1 - (scene.closes - low + pad / 2) / (high - low + pad) * plot.height
    return np.asarray(xs, float), np.asarray(ys, float)


def _area(drawing: Sketch, plot: Box, xs: Floats, ys: Floats, colour: str) -> None:
    """Fill what lies under the line, fading towards the foot."""
    s, pixels = drawing.ink.scale, drawing.ink.pixels
    left, right = round(xs[0] * s), round(xs[-1] * s)
    top, bottom = round(plot.y0 * s), round((plot.y1 + CLEAR) * s)
    line = np.interp((np.arange(left, right) + 0.5) / s, xs, ys) * s
    rows = np.arange(top, bottom)[:, None] + 0.5
    share = np.where(rows > line[None, :], AREA * (bottom - rows) / (bottom - top), 0.0)[..., None]
    part = pixels[top:bottom, left:right, :3]
    ground = part.astype(np.float32)
    part[:] = (ground + (np.array(rgb(colour), np.float32) - ground) * share + 0.5).astype(np.uint8)


def _times(drawing: Sketch, scene: MarketScene, plot: Box, y: float) -> None:
    """Draw round times on the caller's clock, and the zone they are in at the end."""
    ink, sizes, palette = drawing.ink, drawing.sizes, drawing.palette
    zone = text.zone_of(scene.tz)
    named = text.zone_name(text.moment(scene.end_ms, zone))
    ink.text((plot.x1, y), named, sizes.small, palette.dim, align="right")
    end = plot.x1 - ink.measure(named, sizes.small) - sizes.small
    most = max(1, int(plot.width / (ink.measure("00:00", sizes.small) * 2)))
    for ts, label in time_ticks(scene.start_ms, scene.end_ms, zone, min(MOST_TIMES, most)):
        x = plot.x0 + (ts - scene.start_ms) / max(scene.end_ms - scene.start_ms, 1) * (plot.width - DOT - 2)
        half = ink.measure(label, sizes.small) / 2
        ink.line([(x, plot.y0), (x, plot.y1 + CLEAR)], palette.ink, 1, alpha=0.06)
        if plot.x0 <= x - half and x + half <= end:
            ink.text((x, y), label, sizes.small, palette.dim, align="center")


def _extremes(drawing: Sketch, scene: MarketScene, plot: Box, xs: Floats, ys: Floats) -> None:
    """Name the lowest and the highest price where they were."""
    ink, size = drawing.ink, drawing.sizes.small
    low, high = int(np.argmin(scene.closes)), int(np.argmax(scene.closes))
    for at, words, down in ((low, scene.extremes[0], 1), (high, scene.extremes[1], -1)):
        half = ink.measure(words, size, Weight.SEMIBOLD) / 2
        x = min(max(float(xs[at]), plot.x0 + half), plot.x1 - half)
        y = float(ys[at]) + down * (size * 0.5 + CLEAR + 2)
        ink.text((x, y), words, size, drawing.palette.ink, weight=Weight.SEMIBOLD, align="center")
