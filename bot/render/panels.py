"""Draw small heatmaps side by side: several markets, or one before and after. Runs in the worker."""

from collections.abc import Sequence
from dataclasses import replace

import matplotlib as mpl

from bot.lang import N_, _, speech
from bot.render import text
from bot.render.axes import draw_price_line, draw_times
from bot.render.drawing import Drawing, Sketch
from bot.render.fonts import Faces, Weight
from bot.render.header import SPACE, draw_title
from bot.render.heatmap import draw_ramp
from bot.render.ink import Ink
from bot.render.layout import SIZES, Box, Frame, Sizes, frame_of
from bot.render.notes import draw_chips, draw_footer, free_corner
from bot.render.palette import PALETTES
from bot.render.picture import Layout
from bot.render.pills import draw_zones, strip_width
from bot.render.plot import draw_candles, draw_levels, group_bars, soft_levels
from bot.render.raster import RANGE, Span, scale_of
from bot.render.scene import PanelsScene, Scene
from bot.render.strip import draw_strip

BETWEEN = 22
HEAD = 1.75
"""Height of a panel's head, in its type sizes."""
PILL_CUT = 4
RAMP_WIDTH = 250
DIMMEST = f"1/{RANGE:.0f}"
BRIGHTEST, NO_LEVELS = N_("brightest"), N_("no levels in view")
BRIGHT_STEP, BRIGHT = N_("to {usd} per {step}"), N_("to {usd}")
HEADER_GAP = 10


def draw_panels(scene: PanelsScene, faces: Faces) -> bytes:
    """Return the picture of a scene as PNG, at the scene's scale times its layout's nominal size."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        sizes, palette = SIZES[scene.layout], PALETTES[scene.theme]
        ink = Ink(scene.layout.size, scene.scale, faces, palette.ground)
        frame = frame_of(scene.layout, axis_width=sizes.margin, strip_width=0)
        whole = Sketch(ink=ink, scene=scene, sizes=sizes, palette=palette, frame=frame, lut=palette.lut())
        _ramp(whole)
        top = draw_strip(whole, _under_header(scene))
        for panel in _prepared(whole, scene, _boxes(whole, scene, top)):
            _panel(panel)
        draw_footer(whole)
    return ink.png()


def _under_header(scene: PanelsScene) -> float:
    """Return where the header ends."""
    sizes = SIZES[scene.layout]
    return sizes.plot_top - 6 if scene.layout is Layout.LANDSCAPE else sizes.header + sizes.title + HEADER_GAP


def _ramp(whole: Sketch) -> None:
    """Draw the title and what the colours run from and to; how many dollars that is, each panel says."""
    ink, sizes, palette = whole.ink, whole.sizes, whole.palette
    right = whole.frame.width - sizes.margin
    ends = [ink.measure(words, sizes.small) for words in (DIMMEST, _(BRIGHTEST))]
    x1 = right - ends[1] - SPACE / 2
    x0 = x1 - RAMP_WIDTH * (1.0 if whole.scene.layout is Layout.LANDSCAPE else 0.8)
    left = x0 - ends[0] - SPACE / 2
    draw_title(whole, left)
    half = sizes.small * 0.45
    draw_ramp(whole, Box(x0, sizes.header - half, x1, sizes.header + half))
    ink.text((left, sizes.header), DIMMEST, sizes.small, palette.dim)
    ink.text((right, sizes.header), _(BRIGHTEST), sizes.small, palette.dim, align="right")


def _boxes(whole: Sketch, scene: PanelsScene, top: float) -> list[Box]:
    """Return where each panel stands, its head included; a row of times is left under the last ones."""
    sizes, bottom = whole.sizes, whole.sizes.plot_bottom
    columns = scene.columns
    rows = -(-len(scene.panels) // columns)
    wide = (whole.frame.width - 2 * sizes.margin - (columns - 1) * BETWEEN) / columns
    high = (bottom - top - (rows - 1) * BETWEEN / 2) / rows
    found = []
    for at in range(len(scene.panels)):
        row, column = divmod(at, columns)
        x, y = sizes.margin + column * (wide + BETWEEN), top + row * (high + BETWEEN / 2)
        found.append(Box(round(x), round(y), round(x + wide), round(y + high)))
    return found


def _prepared(whole: Sketch, scene: PanelsScene, boxes: Sequence[Box]) -> list[Drawing]:
    """Return a drawing for each panel; those of one market have one scale."""
    sizes = _sizes(scene)
    heats = [soft_levels(panel) for panel in scene.panels]
    spans = [scale_of(heat) for heat in heats]
    if scene.alike:
        most = max(spans, key=lambda span: span.top)
        spans = [most] * len(spans)
    strip = max(strip_width(whole.ink, panel, sizes) for panel in scene.panels)
    return [
        Drawing(
            ink=whole.ink,
            scene=panel,
            sizes=sizes,
            palette=whole.palette,
            frame=_frame(whole, box, strip, sizes),
            lut=whole.lut,
            span=span,
            heat=heat,
        )
        for panel, box, heat, span in zip(scene.panels, boxes, heats, spans, strict=True)
    ]


def _sizes(scene: PanelsScene) -> Sizes:
    """Return type sizes for panels: labels stay as large as they are, heads are smaller."""
    sizes = SIZES[scene.layout]
    return replace(sizes, pill=sizes.label, pill_height=sizes.pill_height - PILL_CUT, symbol=sizes.label + 6)


def _frame(whole: Sketch, box: Box, strip: float, sizes: Sizes) -> Frame:
    """Return the areas of a panel: no axis of prices, its zones say how far they are."""
    top, now = box.y0 + round(sizes.label * HEAD), box.x1 - round(strip)
    return Frame(
        width=whole.frame.width,
        height=whole.frame.height,
        plot=Box(box.x0, top, now, box.y1),
        strip=Box(now, top, box.x1, box.y1),
        axis=Box(box.x1, top, box.x1, box.y1),
    )


def _panel(drawing: Drawing) -> None:
    """Draw one small heatmap."""
    _head(drawing)
    draw_levels(drawing)
    xs, ys = group_bars(drawing)
    draw_candles(drawing, xs, ys)
    draw_price_line(drawing, tag=False)
    if drawing.frame.plot.y1 == drawing.sizes.plot_bottom:
        draw_times(drawing, zone_x=None, end=next(iter(drawing.scene.title), None))
    draw_zones(drawing)
    draw_chips(drawing, free_corner(drawing.frame.plot, xs, ys))


def _head(drawing: Drawing) -> None:
    """Write above a panel what it shows, its price and change, and what its brightest colour stands for."""
    ink, sizes, palette, scene = drawing.ink, drawing.sizes, drawing.palette, drawing.scene
    box = Box(drawing.frame.plot.x0, 0, drawing.frame.strip.x1, 0)
    y = drawing.frame.plot.y0 - sizes.label * HEAD / 2
    x, end = box.x0, box.x1
    parts = [
        (scene.coin, sizes.symbol, palette.ink, Weight.BOLD),
        (f"${scene.price_text}", sizes.label, palette.ink, Weight.SEMIBOLD),
    ]
    if scene.change is not None:
        colour = palette.rise if scene.change >= 0 else palette.fall
        parts.append((text.change(scene.change), sizes.label, colour, Weight.SEMIBOLD))
    parts += [(words, sizes.small, palette.dim, Weight.REGULAR) for words in scene.title[:1]]
    for words, size, colour, weight in parts:
        ink.text((x, y), words, size, colour, weight=weight)
        x += ink.measure(words, size, weight) + SPACE
    for words in _scale_said(drawing.span, scene):
        if x + ink.measure(words, sizes.small, Weight.REGULAR) <= end:
            ink.text((x, y), words, sizes.small, palette.dim, weight=Weight.REGULAR)
            return


def _scale_said(span: Span, scene: Scene) -> tuple[str, ...]:
    """Return ways to say what the brightest colour of a panel stands for, the longest first."""
    if span.empty:
        return (_(NO_LEVELS),)
    usd, share = text.money(span.top), speech().percent(f"{scene.bin_size / scene.price * 100:.2g}")
    step = text.step_usd(scene.bin_size)
    plain = (_(BRIGHT_STEP).format(usd=usd, step=step),) if "e" not in step else ()
    return (*plain, _(BRIGHT_STEP).format(usd=usd, step=share), _(BRIGHT).format(usd=usd))
