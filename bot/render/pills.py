"""Draw the zones right of now: their true extent as a bracket, dollars and signed distance in a pill."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.render import text
from bot.render.drawing import Drawing, Sketch
from bot.render.fonts import Weight
from bot.render.ink import Ink
from bot.render.layout import Box, Frame, Sizes, Want, stack_around
from bot.render.palette import Palette
from bot.render.scene import Band, Sheet
from engine.model import Severity

BRACKET_X = 7
BRACKET_WIDTH = 5
PILL_X = 22
PAD = 10
BETWEEN = 14
GAP = 6
EDGE = 3
LINE_CLEAR = 5
LEAST_BRACKET = 6
BARE_STRIP = 96
LIT_WEIGHT = 1e30
UNLIT_ALPHA = 0.7
SEVERITY_INK = {
    Severity.INFO: ("#7cc4ff", "#0b5cad"),
    Severity.WARNING: ("#ffb13d", "#9a5200"),
    Severity.CRITICAL: ("#ff5c74", "#b3123a"),
}


@dataclass(frozen=True, slots=True)
class Pill:
    """One zone's label where it is to be drawn."""

    band: Band
    box: Box
    dollars: str
    away: str


def strip_width(ink: Ink, scene: Sheet, sizes: Sizes) -> float:
    """Return how wide the strip must be for its widest label; a bare strip is narrow."""
    if not scene.bands:
        return BARE_STRIP
    return PILL_X + _pill_width(ink, scene, sizes) + EDGE + 3


def _pill_width(ink: Ink, scene: Sheet, sizes: Sizes) -> float:
    """Return the width that fits every label, so that they line up."""
    dollars = max(ink.measure(text.money(b.usd), sizes.pill, Weight.BOLD) for b in scene.bands)
    away = max(ink.measure(_away(b, scene), sizes.label, Weight.SEMIBOLD) for b in scene.bands)
    return PAD + dollars + BETWEEN + away + PAD


def _away(band: Band, scene: Sheet) -> str:
    """Return the signed distance, with an arrow where the zone lies outside the picture."""
    low, high = scene.view
    arrow = "↑ " if band.low > high else "↓ " if band.high < low else ""
    return arrow + (text.percent(band.distance) if band.distance else "here")


def place_pills(
    ink: Ink, scene: Sheet, sizes: Sizes, frame: Frame, line_y: float, ys: Sequence[float]
) -> list[Pill]:
    """Return the labels that fit: none overlaps another, the price line, or the strip's edges.

    `ys` are the middles of the zones, in the order of the scene's bands.
    """
    if not scene.bands:
        return []
    strip, width = frame.strip, _pill_width(ink, scene, sizes)
    wants = [
        Want(
            y=_own_side(band, y, line_y),
            height=sizes.pill_height,
            weight=LIT_WEIGHT if band.lit else band.usd,
        )
        for band, y in zip(scene.bands, ys, strict=True)
    ]
    box = Box(strip.x0 + PILL_X, strip.y0 + EDGE, strip.x0 + PILL_X + width, strip.y1 - EDGE)
    places = stack_around(wants, box=box, line_y=line_y, clear=LINE_CLEAR, gap=GAP)
    half = sizes.pill_height / 2
    return [
        Pill(band, Box(box.x0, y - half, box.x1, y + half), text.money(band.usd), _away(band, scene))
        for band, y in zip(scene.bands, places, strict=True)
        if y is not None
    ]


def _own_side(band: Band, y: float, line_y: float) -> float:
    """Return the wish of a label, kept on its zone's side of the price: longs below, shorts above."""
    return max(y, line_y + 1e-6) if band.long else min(y, line_y - 1e-6)


def draw_zones(drawing: Drawing) -> list[Pill]:
    """Draw brackets, leaders and pills; return the pills that found room."""
    scene = drawing.scene
    ys = [drawing.y_at((band.low + band.high) / 2) for band in scene.bands]
    line_y = drawing.y_at(scene.price)
    pills = place_pills(drawing.ink, scene, drawing.sizes, drawing.frame, line_y, ys)
    dimmed = any(band.lit for band in scene.bands)
    for pill in pills:
        if pill.band.lit:
            _bracket_over_history(drawing, pill.band)
        _bracket(drawing, pill)
    for pill in pills:
        draw_pill(drawing, pill, alpha=UNLIT_ALPHA if dimmed and not pill.band.lit else 1.0)
    return pills


def accent(palette: Palette, severity: Severity | None) -> str:
    """Return the colour of an alert's severity on a theme's ground."""
    dark, light = SEVERITY_INK[severity or Severity.INFO]
    return light if palette.outline == "#ffffff" else dark


def side_ink(drawing: Sketch, band: Band) -> str:
    """Return the ink of a zone: the alert's where it is lit, else its side's."""
    if band.lit:
        return accent(drawing.palette, drawing.scene.severity)
    return drawing.palette.long if band.long else drawing.palette.short


def _extent(drawing: Drawing, band: Band) -> tuple[float, float] | None:
    """Return the top and bottom of a zone in the plot, a few pixels at least; None if it is not in view."""
    plot = drawing.frame.plot
    top, bottom = drawing.y_at(band.high), drawing.y_at(band.low)
    if bottom < plot.y0 or top > plot.y1:
        return None
    short = max(LEAST_BRACKET - (bottom - top), 0) / 2
    return max(top - short, plot.y0), min(bottom + short, plot.y1)


def _bracket(drawing: Drawing, pill: Pill) -> None:
    """Mark the zone's true extent beside now and lead from it to its pill."""
    extent, colour, x = (
        _extent(drawing, pill.band),
        side_ink(drawing, pill.band),
        drawing.frame.strip.x0 + BRACKET_X,
    )
    if extent is None:
        return
    middle = (extent[0] + extent[1]) / 2
    drawing.ink.box(
        Box(x - 1, extent[0] - 1, x + BRACKET_WIDTH + 1, extent[1] + 1), drawing.palette.outline, alpha=0.6
    )
    joint = min(max(middle, pill.box.y0 + 4), pill.box.y1 - 4)
    way = [(x + BRACKET_WIDTH, middle), (pill.box.x0, joint)]
    drawing.ink.line(way, drawing.palette.outline, 4, alpha=0.5)
    drawing.ink.line(way, colour, 2)
    drawing.ink.box(Box(x, extent[0], x + BRACKET_WIDTH, extent[1]), colour)


def _bracket_over_history(drawing: Drawing, band: Band) -> None:
    """Frame the zone an alert is about, over the time since it was first seen."""
    extent, plot = _extent(drawing, band), drawing.frame.plot
    if extent is None:
        return
    colour = side_ink(drawing, band)
    left = min(max(drawing.x_at(band.born_ts), plot.x0 + 2), plot.x1 - 24)
    top, bottom = extent
    drawing.ink.box(Box(left, top, plot.x1 + BRACKET_X, bottom), colour, alpha=0.16)
    way = [(plot.x1 + BRACKET_X, top), (left, top), (left, bottom), (plot.x1 + BRACKET_X, bottom)]
    drawing.ink.line(way, drawing.palette.outline, 4.5, alpha=0.6)
    drawing.ink.line(way, colour, 2.2)


def draw_pill(drawing: Sketch, pill: Pill, *, alpha: float = 1.0) -> None:
    """Draw one label: dollars to the left, signed distance to the right."""
    ink, palette, sizes, box = drawing.ink, drawing.palette, drawing.sizes, pill.box
    colour = side_ink(drawing, pill.band)
    lit = pill.band.lit
    ink.box(box, colour if lit else palette.pill, alpha=1.0 if lit else 0.82, radius=5)
    dark, light = ("#05070f", "#ffffff")
    on = (light if palette.outline == "#ffffff" else dark) if lit else palette.pill_ink
    ink.text((box.x0 + PAD, box.middle), pill.dollars, sizes.pill, on, weight=Weight.BOLD, alpha=alpha)
    at = (box.x1 - PAD, box.middle)
    ink.text(
        at, pill.away, sizes.label, on if lit else colour, weight=Weight.SEMIBOLD, align="right", alpha=alpha
    )
