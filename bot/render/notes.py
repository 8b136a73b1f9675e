"""Draw what must be read with the picture: replay and warning chips, the small print, the mark."""

from collections.abc import Callable

from bot.render.drawing import Sketch
from bot.render.fonts import Weight
from bot.render.layout import Box, freest, lines_of
from bot.render.pills import accent
from engine.model import Floats

CHIP_PAD = 12
CHIP_GAP = 8
INSET = 12
MARK = "Liqwatch"
JOINT = "  ·  "


Place = Callable[[float, float], tuple[float, float]]
"""Where to put the left and top of a block of chips, by its width and height."""


def draw_chips(drawing: Sketch, place: Place) -> None:
    """Draw chips under each other, where `place` says."""
    chips = chips_of(drawing)
    if not chips:
        return
    sizes = drawing.sizes
    height = sizes.label * 1.6
    widths = [drawing.ink.measure(words, sizes.label, Weight.SEMIBOLD) + 2 * CHIP_PAD for words, _ in chips]
    x, y = place(max(widths), len(chips) * (height + CHIP_GAP) - CHIP_GAP)
    for (words, colour), wide in zip(chips, widths, strict=True):
        box = Box(x, y, x + wide, y + height)
        drawing.ink.box(box, drawing.palette.pill, alpha=0.88, radius=6, edge=colour, edge_width=1.5)
        drawing.ink.text((x + CHIP_PAD, box.middle), words, sizes.label, colour, weight=Weight.SEMIBOLD)
        y += height + CHIP_GAP


def free_corner(plot: Box, xs: Floats, ys: Floats) -> Place:
    """Return the left corner where chips cover the fewest candles; `ys` are open, high, low, close."""

    def place(width: float, height: float) -> tuple[float, float]:
        x, tops = plot.x0 + INSET, (plot.y0 + INSET, plot.y1 - INSET - height)
        boxes = [Box(x, top, x + width, top + height) for top in tops]
        return x, tops[freest(boxes, xs, ys[2], ys[1])]

    return place


def chips_of(drawing: Sketch) -> list[tuple[str, str]]:
    """Return the words and colour of each chip, most important first; those too long for the plot go on."""
    scene, palette = drawing.scene, drawing.palette
    chips = [(scene.replay, palette.warn)] if scene.replay else []
    if scene.headline:
        chips.append((scene.headline, accent(palette, scene.severity)))
    chips.extend((note, palette.ink) for note in scene.notices)
    room = drawing.frame.plot.width - 2 * (INSET + CHIP_PAD)
    return [(line, colour) for words, colour in chips for line in _lines(drawing, words, room)]


def _lines(drawing: Sketch, words: str, room: float) -> list[str]:
    """Return a note in as few lines as hold it; a word that fits in none is cut."""
    size, lines = drawing.sizes.label, [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or drawing.ink.measure(longer, size, Weight.SEMIBOLD) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [cut(drawing, line, size, room) for line in lines]


def cut(drawing: Sketch, words: str, size: float, room: float) -> str:
    """Return a text cut with an ellipsis to what fits."""
    if drawing.ink.measure(words, size, Weight.SEMIBOLD) <= room:
        return words
    while words and drawing.ink.measure(words + "…", size, Weight.SEMIBOLD) > room:
        words = words[:-1]
    return words.rstrip() + "…"


def draw_footer(drawing: Sketch) -> None:
    """Write the small print in as many lines as the layout has, and the mark at its end."""
    ink, sizes, palette, scene = drawing.ink, drawing.sizes, drawing.palette, drawing.scene
    right = drawing.frame.width - sizes.margin
    mark = ink.measure(MARK, sizes.small, Weight.SEMIBOLD)
    room = right - sizes.margin - mark - 2 * INSET
    items = [cut(drawing, item, sizes.small, room) for item in scene.footer]
    widths = [ink.measure(item, sizes.small, Weight.REGULAR) for item in items]
    joint = ink.measure(f"x{JOINT}x", sizes.small, Weight.REGULAR) - ink.measure(
        "xx", sizes.small, Weight.REGULAR
    )
    ys = sizes.footer_ys
    lines = lines_of(items, widths, room=room, joint=joint, count=len(ys))
    down = (ys[-1] - ys[len(lines) - 1]) / 2
    for y, line in zip(ys, lines, strict=False):
        ink.text((sizes.margin, y + down), JOINT.join(line), sizes.small, palette.dim, weight=Weight.REGULAR)
    ink.text(
        (right, ys[len(lines) - 1] + down),
        MARK,
        sizes.small,
        palette.dim,
        weight=Weight.SEMIBOLD,
        align="right",
    )
