"""Draw the head of a picture: what it is on the left, the price and the day's change on the right."""

from bot.render import text
from bot.render.drawing import Sketch
from bot.render.fonts import Weight
from bot.render.picture import Layout

SPACE = 16


def draw_price(drawing: Sketch) -> float:
    """Draw the price and the day's change; return where they begin."""
    ink, sizes, scene, palette = drawing.ink, drawing.sizes, drawing.scene, drawing.palette
    x = drawing.frame.width - sizes.margin
    ink.text(
        (x, sizes.header), f"${scene.price_text}", sizes.price, palette.ink, weight=Weight.BOLD, align="right"
    )
    left = x - ink.measure(f"${scene.price_text}", sizes.price, Weight.BOLD)
    if scene.change is None:
        return left
    words = text.change(scene.change)
    colour = palette.rise if scene.change >= 0 else palette.fall
    beside = scene.layout is Layout.LANDSCAPE
    at = (left - SPACE if beside else x, sizes.change_y)
    ink.text(at, words, sizes.change, colour, weight=Weight.SEMIBOLD, align="right")
    return left - SPACE - ink.measure(words, sizes.change, Weight.SEMIBOLD) if beside else left


def draw_title(drawing: Sketch, right: float) -> float:
    """Draw the coin and the longest title that fits left of `right`; return where they end."""
    ink, sizes, scene, palette = drawing.ink, drawing.sizes, drawing.scene, drawing.palette
    room = right - SPACE
    size = float(sizes.symbol)
    while ink.measure(scene.coin, size, Weight.BOLD) > room - sizes.margin and size > sizes.small:
        size -= 2
    ink.text((sizes.margin - 2, sizes.header), scene.coin, size, palette.ink, weight=Weight.BOLD)
    x = sizes.margin + ink.measure(scene.coin, size, Weight.BOLD) + SPACE
    for words in scene.title:
        width = ink.measure(words, sizes.title, Weight.REGULAR)
        if x + width <= room:
            ink.text((x, sizes.header + 2), words, sizes.title, palette.dim, weight=Weight.REGULAR)
            return x + width
    return x - SPACE
