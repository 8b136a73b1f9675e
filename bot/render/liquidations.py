"""Draw what was liquidated over time: shorts upwards, longs downwards from one line. Runs in the worker."""

import matplotlib as mpl
import numpy as np

from bot.lang import N_, _
from bot.render import text
from bot.render.cascade import usd_ticks
from bot.render.drawing import Sketch
from bot.render.fonts import Faces, Weight
from bot.render.header import draw_price, draw_title
from bot.render.ink import Ink
from bot.render.layout import SIZES, Box, frame_of
from bot.render.notes import draw_chips, draw_footer, free_corner
from bot.render.palette import PALETTES, rgb
from bot.render.scene import LiquidationsScene
from bot.render.strip import draw_parts
from bot.render.ticks import time_ticks
from engine.model import Floats

MOST_TICKS = 3
"""Round dollars above the line, and as many below it."""
AXIS_PAD = 12
STRIP_PAD = 14
GAP_SHARE = 0.22
LEAST_BAR = 2.0
WIDEST_BAR = 34.0
MARK = 3.0
FAINTEST, CLEAREST = 0.28, 0.88
GRID_ALPHA = 0.07
HEADS = (N_("Longs"), N_("Shorts"))


def draw_liquidations(scene: LiquidationsScene, faces: Faces) -> bytes:
    """Return the picture of a scene as PNG, at the scene's scale times its layout's nominal size."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        drawing = _prepare(scene, faces)
        right = draw_price(drawing)
        draw_parts(drawing, scene.parts, draw_title(drawing, right), right)
        _dollars(drawing, scene)
        _times(drawing, scene)
        bars = _bars(drawing, scene)
        _line(drawing)
        labels = _tallest(drawing, scene)
        _totals(drawing, scene)
        draw_chips(drawing, free_corner(drawing.frame.plot, *_covered([*bars, *labels])))
        draw_footer(drawing)
    return drawing.ink.png()


def _prepare(scene: LiquidationsScene, faces: Faces) -> Sketch:
    """Return a drawing with its areas measured out and nothing in it."""
    sizes, palette = SIZES[scene.layout], PALETTES[scene.theme]
    ink = Ink(scene.layout.size, scene.scale, faces, palette.ground)
    labels = [text.money(usd) for usd, _ in _ticks(scene)]
    axis = max((ink.measure(label, sizes.label) for label in labels), default=0.0)
    strip = max(ink.measure(words, size, weight) for line in _said(scene) for words, size, weight in line)
    frame = frame_of(
        scene.layout, axis_width=axis + AXIS_PAD + sizes.margin, strip_width=strip + 2 * STRIP_PAD
    )
    return Sketch(ink=ink, scene=scene, sizes=sizes, palette=palette, frame=frame, lut=palette.lut())


def _ticks(scene: LiquidationsScene) -> list[tuple[float, float]]:
    """Return round dollars and where they lie in the view: the same steps above and below the line."""
    low, high = scene.view
    if not scene.usd.size:
        return []
    ticks = usd_ticks(max(high, -low), MOST_TICKS)
    above = [(usd, usd) for usd in ticks if usd <= high]
    return above + [(usd, -usd) for usd in ticks[1:] if usd <= -low]


def _dollars(drawing: Sketch, scene: LiquidationsScene) -> None:
    """Draw the axis of dollars on the right, with faint lines."""
    ink, sizes, frame = drawing.ink, drawing.sizes, drawing.frame
    for usd, at in _ticks(scene):
        y = drawing.y_at(at)
        ink.line([(frame.plot.x0, y), (frame.strip.x1, y)], drawing.palette.ink, 1, alpha=GRID_ALPHA)
        label_y = min(max(y, frame.plot.y0 + sizes.label * 0.4), frame.plot.y1 - sizes.label * 0.4)
        ink.text((frame.axis.x0 + AXIS_PAD, label_y), text.money(usd), sizes.label, drawing.palette.ink)


def _x_at(drawing: Sketch, scene: LiquidationsScene, ts: float) -> float:
    plot = drawing.frame.plot
    return plot.x0 + (ts - scene.start_ms) / (scene.end_ms - scene.start_ms) * plot.width


def _times(drawing: Sketch, scene: LiquidationsScene) -> None:
    """Draw round times on the caller's clock along the bottom."""
    ink, sizes, plot, palette = drawing.ink, drawing.sizes, drawing.frame.plot, drawing.palette
    zone = text.zone_of(scene.tz)
    most = max(1, int(plot.width / (ink.measure("00:00", sizes.label) * 1.9)))
    for ts, label in time_ticks(scene.start_ms, scene.end_ms, zone, min(6, most)):
        x, half = _x_at(drawing, scene, ts), ink.measure(label, sizes.label) / 2
        ink.line([(x, plot.y0), (x, plot.y1)], palette.ink, 1, alpha=GRID_ALPHA * 0.7)
        if plot.x0 <= x - half and x + half <= plot.x1:
            ink.line([(x, plot.y1), (x, plot.y1 + 5)], palette.dim, 1.5, alpha=0.7)
            ink.text((x, sizes.time_y), label, sizes.label, palette.dim, align="center")
    named = text.zone_name(text.moment(scene.end_ms, zone))
    right = drawing.frame.width - sizes.margin
    ink.text((right, sizes.time_y), named, sizes.small, palette.dim, align="right")


def _bars(drawing: Sketch, scene: LiquidationsScene) -> list[Box]:
    """Draw the bars of both sides; return where they are."""
    palette, zero = drawing.palette, drawing.y_at(0.0)
    wide = drawing.frame.plot.width * scene.step_ms / (scene.end_ms - scene.start_ms)
    half = min(max(wide * (1 - GAP_SHARE), LEAST_BAR), WIDEST_BAR) / 2
    found = []
    for side, (sign, colour) in enumerate(((-1, palette.long), (1, palette.short))):
        for ts, usd in zip(scene.ts.tolist(), scene.usd[:, side].tolist(), strict=True):
            if usd <= 0:
                continue
            x = _x_at(drawing, scene, ts + scene.step_ms / 2)
            end = drawing.y_at(sign * usd)
            end = min(end, zero - LEAST_BAR) if sign > 0 else max(end, zero + LEAST_BAR)
            box = Box(x - half, min(end, zero), x + half, max(end, zero))
            _bar(drawing, box, colour, up=sign > 0)
            found.append(box)
    return found


def _bar(drawing: Sketch, box: Box, colour: str, *, up: bool) -> None:
    """Draw one bar: dim at the line, clearer towards its end, which is marked."""
    s, pixels = drawing.ink.scale, drawing.ink.pixels
    top, bottom = round(box.y0 * s), max(round(box.y1 * s), round(box.y0 * s) + 1)
    left, right = round(box.x0 * s), max(round(box.x1 * s), round(box.x0 * s) + 1)
    ramp = np.linspace(FAINTEST, CLEAREST, bottom - top)[:, None, None]
    part = pixels[top:bottom, max(left, 0) : right, :3]
    ground = part.astype(float)
    part[:] = (ground + (np.array(rgb(colour)) - ground) * (ramp[::-1] if up else ramp)).round()
    mark = min(MARK, box.height)
    ends = (box.y0, box.y0 + mark) if up else (box.y1 - mark, box.y1)
    drawing.ink.rectangles(np.array([[box.x0, ends[0], box.x1, ends[1]]]), colour)


def _line(drawing: Sketch) -> None:
    """Draw the line that both sides begin at."""
    y = drawing.y_at(0.0)
    ends = [(drawing.frame.plot.x0, y), (drawing.frame.strip.x1, y)]
    drawing.ink.line(ends, drawing.palette.outline, 3.4, alpha=0.6)
    drawing.ink.line(ends, drawing.palette.ink, 1.4, alpha=0.75)


def _tallest(drawing: Sketch, scene: LiquidationsScene) -> list[Box]:
    """Write its dollars at the tallest bar of each side; return where they stand."""
    ink, sizes, plot, palette = drawing.ink, drawing.sizes, drawing.frame.plot, drawing.palette
    found = []
    for side, (sign, colour) in enumerate(((-1, palette.long), (1, palette.short))):
        usd = scene.usd[:, side]
        if not usd.size or usd.max() <= 0:
            continue
        at = int(np.argmax(usd))
        words = text.money(float(usd[at]))
        half = ink.measure(words, sizes.small, Weight.SEMIBOLD) / 2
        x = _x_at(drawing, scene, float(scene.ts[at]) + scene.step_ms / 2)
        x = min(max(x, plot.x0 + half + 2), plot.x1 - half - 2)
        y = drawing.y_at(sign * float(usd[at])) - sign * sizes.small * 0.75
        ink.text((x, y), words, sizes.small, colour, weight=Weight.SEMIBOLD, align="center")
        found.append(Box(x - half, y - sizes.small / 2, x + half, y + sizes.small / 2))
    return found


def _said(scene: LiquidationsScene) -> list[list[tuple[str, float, Weight]]]:
    """Return the lines that say each side's dollars, longs first: words, size and weight."""
    sizes, whole = SIZES[scene.layout], sum(scene.totals)
    return [
        [
            (head, sizes.small, Weight.SEMIBOLD),
            (text.money(usd), sizes.change, Weight.BOLD),
            (f"{usd / whole:.0%}" if whole > 0 else text.UNKNOWN, sizes.label, Weight.MEDIUM),
        ]
        for head, usd in zip(tuple(map(_, HEADS)), scene.totals, strict=True)
    ]


def _totals(drawing: Sketch, scene: LiquidationsScene) -> None:
    """Say each side's dollars and part beside its bars."""
    ink, palette, strip, zero = drawing.ink, drawing.palette, drawing.frame.strip, drawing.y_at(0.0)
    x = (strip.x0 + strip.x1) / 2
    for lines, sign, colour in zip(_said(scene), (-1, 1), (palette.long, palette.short), strict=True):
        heights = [size * 1.35 for _, size, _ in lines]
        block = sum(heights)
        top, bottom = (strip.y0, zero) if sign > 0 else (zero, strip.y1)
        y = min(max((top + bottom - block) / 2, strip.y0), strip.y1 - block)
        for (words, size, weight), height in zip(lines, heights, strict=True):
            ink.text((x, y + height / 2), words, size, colour, weight=weight, align="center")
            y += height


def _covered(boxes: list[Box]) -> tuple[Floats, Floats]:
    """Return the middles of boxes and their extents, as the search for a free corner wants candles."""
    if not boxes:
        return np.empty(0), np.empty((4, 0))
    xs = np.array([(box.x0 + box.x1) / 2 for box in boxes])
    tops, bottoms = np.array([box.y0 for box in boxes]), np.array([box.y1 for box in boxes])
    return xs, np.stack([tops, tops, bottoms, bottoms])
