"""Draw the price axis, the time axis, the price line and its tag."""

from bot.lang import N_, _
from bot.render import text
from bot.render.drawing import Drawing, Sketch
from bot.render.fonts import Weight
from bot.render.ink import Ink
from bot.render.layout import Box, Sizes
from bot.render.scene import Sheet
from bot.render.ticks import MOST_TICKS, price_ticks, time_ticks

AXIS_PAD = 12
TAG_PAD = 8
TAG_GAP = 3
GRID_ALPHA = 0.07
LINE_ALPHA = 0.9
DASHES = (7.0, 5.0)
NOW = N_("now")


def axis_width(ink: Ink, scene: Sheet, sizes: Sizes) -> float:
    """Return how wide the price axis must be for its widest label and the price tag."""
    labels = [ink.measure(label, sizes.label) for _, label in price_ticks(*scene.view)]
    tag = ink.measure(scene.price_text, sizes.label + 1, Weight.BOLD) + 2 * TAG_PAD + TAG_GAP
    return max([tag, *(width + AXIS_PAD for width in labels)]) + sizes.margin


def draw_axes(drawing: Drawing) -> None:
    """Draw ticks of both axes, the line at now, and the price across all."""
    draw_prices(drawing)
    draw_times(drawing, zone_x=drawing.frame.width - drawing.sizes.margin)
    draw_price_line(drawing)


def _tag_box(drawing: Sketch) -> Box:
    """Return where the price tag stands: at the price, kept inside the plot's height."""
    sizes, axis, plot = drawing.sizes, drawing.frame.axis, drawing.frame.plot
    half = sizes.label * 0.82
    y = min(max(drawing.y_at(drawing.scene.price), plot.y0 + half), plot.y1 - half)
    width = drawing.ink.measure(drawing.scene.price_text, sizes.label + 1, Weight.BOLD) + 2 * TAG_PAD
    return Box(axis.x0 + TAG_GAP, y - half, axis.x0 + TAG_GAP + width, y + half)


def draw_prices(drawing: Sketch) -> None:
    """Draw round prices with faint lines, but none that the price tag would cover."""
    sizes, axis, plot, strip = drawing.sizes, drawing.frame.axis, drawing.frame.plot, drawing.frame.strip
    tag, half = _tag_box(drawing), drawing.sizes.label * 0.6
    for price, label in price_ticks(*drawing.scene.view):
        y = drawing.y_at(price)
        drawing.ink.line([(plot.x0, y), (strip.x1, y)], drawing.palette.ink, 1, alpha=GRID_ALPHA)
        if tag.y0 - half < y < tag.y1 + half or not plot.y0 + half / 2 < y < plot.y1 - half / 2:
            continue
        drawing.ink.text((axis.x0 + AXIS_PAD, y), label, sizes.label, drawing.palette.ink)


def draw_times(drawing: Drawing, *, zone_x: float | None, end: str | None = None) -> None:
    """Draw round times on the caller's clock, what the end is called (now), and up to `zone_x` their zone."""
    end = _(NOW) if end is None else end
    ink, sizes, plot, scene = drawing.ink, drawing.sizes, drawing.frame.plot, drawing.scene
    zone = text.zone_of(scene.tz)
    colour, size, y = drawing.palette.dim, sizes.label, sizes.time_y
    now_half = ink.measure(end, size, Weight.SEMIBOLD) / 2
    room = int(plot.width / (ink.measure("00:00", size) * 1.5))
    for ts, label in time_ticks(scene.start_ms, scene.end_ms, zone, min(MOST_TICKS - 1, max(room, 1))):
        x, half = drawing.x_at(ts), ink.measure(label, size) / 2
        if x - half < plot.x0 - sizes.margin / 2 or x + half > plot.x1 - now_half - size / 2:
            continue
        ink.line([(x, plot.y1), (x, plot.y1 + 5)], colour, 1.5, alpha=0.7)
        ink.text((x, y), label, size, colour, align="center")
    ink.text((plot.x1, y), end, size, drawing.palette.ink, weight=Weight.SEMIBOLD, align="center")
    ink.line([(plot.x1, plot.y0), (plot.x1, plot.y1 + 5)], drawing.palette.ink, 1, alpha=0.35)
    if zone_x is not None:
        named = text.zone_name(text.moment(scene.end_ms, zone))
        ink.text((zone_x, y), named, sizes.small, colour, align="right")


def draw_price_line(drawing: Sketch, *, tag: bool = True) -> None:
    """Draw the price as a dashed line and, on the axis where there is one, as a tag."""
    ink, palette, sizes = drawing.ink, drawing.palette, drawing.sizes
    y, box = drawing.y_at(drawing.scene.price), _tag_box(drawing)
    if drawing.frame.plot.y0 <= y <= drawing.frame.plot.y1:
        ends = [(drawing.frame.plot.x0, y), (drawing.frame.strip.x1 + (3 if tag else 0), y)]
        ink.line(ends, palette.outline, 3.4, alpha=0.5)
        ink.line(ends, palette.tag, 1.6, alpha=LINE_ALPHA, dashes=DASHES)
    if not tag:
        return
    ink.box(box, palette.tag, radius=5)
    at = (box.x0 + TAG_PAD, box.middle)
    ink.text(at, drawing.scene.price_text, sizes.label + 1, palette.tag_ink, weight=Weight.BOLD)
