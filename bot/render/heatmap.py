"""Draw a heatmap from its scene. Runs in the worker."""

import matplotlib as mpl
import numpy as np

from bot.lang import _, speech
from bot.render import text
from bot.render.axes import axis_width, draw_axes
from bot.render.drawing import Drawing, Sketch
from bot.render.fonts import Faces, Weight
from bot.render.header import SPACE, draw_price, draw_title
from bot.render.ink import Ink
from bot.render.layout import SIZES, Box, frame_of
from bot.render.notes import draw_chips, draw_footer, free_corner
from bot.render.palette import PALETTES
from bot.render.picture import Layout
from bot.render.pills import draw_zones, strip_width
from bot.render.plot import draw_candles, draw_levels, group_bars, soft_levels
from bot.render.raster import GAMMA, scale_of
from bot.render.scene import Scene

LEAST_BAR = 300
MOST_BAR = 340
LARGE_STEP = 10_000


def draw(scene: Scene, faces: Faces) -> bytes:
    """Return the picture of a scene as PNG, at the scene's scale times its layout's nominal size."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):  # true widths, the same at every scale
        drawing = prepare(scene, faces)
        draw_header(drawing)
        draw_levels(drawing)
        xs, ys = group_bars(drawing)
        draw_candles(drawing, xs, ys)
        draw_axes(drawing)
        draw_zones(drawing)
        draw_chips(drawing, free_corner(drawing.frame.plot, xs, ys))
        draw_footer(drawing)
    return drawing.ink.png()


def prepare(scene: Scene, faces: Faces) -> Drawing:
    """Return a drawing with its areas measured out and nothing in it."""
    sizes, palette = SIZES[scene.layout], PALETTES[scene.theme]
    ink = Ink(scene.layout.size, scene.scale, faces, palette.ground)
    frame = frame_of(
        scene.layout, axis_width=axis_width(ink, scene, sizes), strip_width=strip_width(ink, scene, sizes)
    )
    heat = soft_levels(scene)
    return Drawing(
        ink=ink,
        scene=scene,
        sizes=sizes,
        palette=palette,
        frame=frame,
        lut=palette.lut(),
        span=scale_of(heat),
        heat=heat,
    )


def draw_header(drawing: Drawing) -> None:
    """Draw what it is on the left, the price on the right, and the colour scale where the layout has it."""
    draw_titles(drawing, draw_price(drawing))


def draw_titles(drawing: Drawing, right: float) -> None:
    """Draw what it is left of `right`, and the colour scale where the layout has it."""
    wide = drawing.scene.layout is Layout.LANDSCAPE
    left = draw_title(drawing, right - (LEAST_BAR + 2 * SPACE if wide else 0))
    _scale(drawing, left, right)


def _scale(drawing: Drawing, left: float, right: float) -> None:
    """Draw the colour scale, its ends in dollars and what they are dollars of."""
    ink, sizes, scene, palette = drawing.ink, drawing.sizes, drawing.scene, drawing.palette
    bar = sizes.scale_bar
    x0, x1 = bar.x0, bar.x1
    if scene.layout is Layout.LANDSCAPE:
        room = right - left - 4 * SPACE
        width = min(MOST_BAR, room)
        x0 = left + 2 * SPACE + (room - width) / 2
        x1 = x0 + width
    y = bar.y1 + sizes.small * 0.5 + 8
    if drawing.span.empty:
        ink.text((x0, y), _("no levels in view"), sizes.small, palette.dim, weight=Weight.REGULAR)
    else:
        ends = (text.money(drawing.span.bottom), text.money(drawing.span.top))
        unit = _unit(drawing, x1 - x0 - sum(ink.measure(end, sizes.small) for end in ends) - SPACE)
        ink.text((x0, y), ends[0], sizes.small, palette.dim)
        ink.text(((x0 + x1) / 2, y), unit, sizes.small, palette.dim, weight=Weight.REGULAR, align="center")
        ink.text((x1, y), ends[1], sizes.small, palette.dim, align="right")
    draw_ramp(drawing, Box(x0, bar.y0, x1, bar.y1))


def draw_ramp(drawing: Sketch, bar: Box) -> None:
    """Draw all colours of the theme in their order, from nothing to most."""
    s = drawing.ink.scale
    left, right = round(bar.x0 * s), round(bar.x1 * s)
    ramp = (np.linspace(0, 1, right - left) ** GAMMA * (drawing.lut.shape[0] - 1)).astype(int)
    drawing.ink.pixels[round(bar.y0 * s) : round(bar.y1 * s), left:right, :3] = drawing.lut[ramp][None]
    edge = Box(bar.x0 - 0.5, bar.y0 - 0.5, bar.x1 + 0.5, bar.y1 + 0.5)
    drawing.ink.box(edge, None, edge=drawing.palette.dim, edge_width=0.8)


def _unit(drawing: Drawing, room: float) -> str:
    """Return what the colours are dollars of: a price step, or, where that is too long, a share of price."""
    size = drawing.scene.bin_size
    step = text.money(size) if size >= LARGE_STEP else text.step_usd(size)
    share = speech().percent(f"{size / drawing.scene.price * 100:.2g}")
    for words, number in (
        (_("USD per {step}").format(step=step), step),
        (_("USD per {share} of price").format(share=share), ""),
        (_("USD per {share}").format(share=share), ""),
    ):
        if "e" not in number and drawing.ink.measure(words, drawing.sizes.small, Weight.REGULAR) <= room:
            return words
    return "USD"
