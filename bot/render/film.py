"""Draw a heatmap as it came to be, frame by frame, as a GIF. Runs in a worker of its own.

What stood at each time is known for the whole picture at once; a frame is a part of it, with what stands then
drawn on to the right. So no frame is drawn anew: numpy copies pixels, Agg adds the few words that change.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from PIL import Image

from bot.render import raster, text
from bot.render.axes import draw_axes, draw_price_line, draw_prices, draw_times
from bot.render.drawing import Drawing
from bot.render.fonts import Faces, Weight
from bot.render.header import draw_price
from bot.render.heatmap import draw_titles, prepare
from bot.render.layout import Box
from bot.render.notes import draw_chips, draw_footer, free_corner
from bot.render.palette import PALETTES, SHADES, Colours, Palette, rgb
from bot.render.picture import Layout, Theme
from bot.render.pills import draw_zones
from bot.render.plot import draw_candles, draw_levels, group_bars, shaded_rows
from bot.render.scene import FilmScene
from engine.model import Floats

LIMIT_BYTES = 8_000_000
"""Most that a film may take: chats refuse ten million."""
COLOURS = 256
RAMP_COLOURS = 64
SAMPLES = 6
SAMPLE_SHRUNK = 3
FADE_TO = 0.35
CLOCK_PAD = 12

Rows = npt.NDArray[np.uint8]


def draw_film(scene: FilmScene, faces: Faces) -> bytes:
    """Return the film of a scene as GIF, its frames fewer where it would be too large."""
    with mpl.rc_context({"text.hinting": "no_hinting"}):
        frames = [_shrunk(pixels, scene.size) for pixels in _frames(scene, faces)]
    every = 1
    while True:
        *moving, last = frames
        chosen = [*moving[::every], last]
        durations = [scene.frame_ms * every] * (len(chosen) - 1) + [scene.last_ms]
        made = _gif(chosen, durations, scene.theme)
        if len(made) <= LIMIT_BYTES or len(chosen) <= 2:
            return made
        every *= 2


def _frames(scene: FilmScene, faces: Faces) -> Iterator[Colours]:
    """Yield the pixels of each frame; the last is the heatmap with its zones."""
    drawing = prepare(scene, faces)
    ink, plot, strip = drawing.ink, drawing.frame.plot, drawing.frame.strip
    draw_titles(drawing, _price_left(drawing))
    draw_footer(drawing)
    blank = ink.pixels.copy()
    draw_times(drawing, zone_x=drawing.frame.width - drawing.sizes.margin, end="")
    bare = ink.pixels.copy()
    ink.pixels[:] = blank
    draw_levels(drawing)
    xs, ys = group_bars(drawing)
    draw_candles(drawing, xs, ys)
    whole = ink.pixels.copy()
    s = ink.scale
    top, bottom, left, end = (round(at * s) for at in (plot.y0, plot.y1, plot.x0, strip.x1))
    if scene.heat.size:
        by_price, middle = shaded_rows(drawing, bottom - top)
        for stop in scene.stops[:-1]:
            ink.pixels[:] = bare
            now = round(drawing.x_at(int(scene.ts[stop - 1]) + scene.step_ms) * s)
            ink.pixels[top:bottom, left:now] = whole[top:bottom, left:now]
            then = _at(drawing, scene, stop)
            ink.pixels[top:bottom, now:end] = _ahead(then, by_price[stop - 1], middle, end - now)
            _words(then, scene, stop, now / s)
            yield ink.pixels[..., :3].copy()
    ink.pixels[:] = whole
    draw_price(drawing)
    draw_axes(drawing)
    draw_zones(drawing)
    draw_chips(drawing, free_corner(plot, xs, ys))
    yield ink.pixels[..., :3].copy()


def _price_left(drawing: Drawing) -> float:
    """Return where the widest price of the film begins, so that nothing else stands there."""
    scene, sizes = drawing.scene, drawing.sizes
    prices = [scene.price, *scene.bars[3][np.isfinite(scene.bars[3])].tolist()]
    widest = max((_price_text(scene.price, each) for each in prices), key=len)
    width = drawing.ink.measure(f"${widest}", sizes.price, Weight.BOLD)
    beside = scene.layout is Layout.LANDSCAPE and scene.change is not None
    change = drawing.ink.measure(text.change(scene.change or 0.0), sizes.change, Weight.SEMIBOLD)
    return drawing.frame.width - sizes.margin - width - (change + 16 if beside else 0)


def _price_text(shown: float, price: float) -> str:
    return text.price(price, text.decimals_for(shown))


def _at(drawing: Drawing, scene: FilmScene, stop: int) -> Drawing:
    """Return the drawing with the price that there was after some columns."""
    known = scene.bars[3][:stop]
    known = known[np.isfinite(known)]
    price = float(known[-1]) if known.size else scene.price
    then = replace(scene, price=price, price_text=_price_text(scene.price, price), change=None)
    return replace(drawing, scene=then)


def _ahead(drawing: Drawing, shades: Rows, prices: Floats, width: int) -> Colours:
    """Return what stands at a time, drawn on to the right: fading, for it does not stand for ever."""
    ground = np.array(rgb(drawing.palette.ground), np.uint8)
    pixels = np.repeat(raster.paint(drawing.lut, shades)[:, None], width, 1)
    away = np.abs(prices / drawing.scene.price - 1).astype(np.float32)
    raster.pale(pixels, away[:, None], ground)
    raster.fade(pixels, ground, right=FADE_TO)
    return pixels


def _words(drawing: Drawing, scene: FilmScene, stop: int, now_x: float) -> None:
    """Draw what changes from frame to frame: price, its line and tag, the time."""
    ink, plot, palette, sizes = drawing.ink, drawing.frame.plot, drawing.palette, drawing.sizes
    draw_price(drawing)
    draw_prices(drawing)
    ink.line([(now_x, plot.y0), (now_x, plot.y1 + 5)], palette.ink, 1, alpha=0.45)
    draw_price_line(drawing)
    at = text.moment(int(scene.ts[stop - 1]) + scene.step_ms, text.zone_of(scene.tz))
    words = f"{at:%b} {at.day}  {at:%H:%M} {text.zone_name(at)}"
    words = f"{scene.replay.split()[0]}  {words}" if scene.replay else words
    width = ink.measure(words, sizes.label, Weight.SEMIBOLD) + 2 * CLOCK_PAD
    box = Box(plot.x0 + CLOCK_PAD, plot.y0 + CLOCK_PAD, plot.x0 + CLOCK_PAD + width, 0)
    box = replace(box, y1=box.y0 + sizes.label * 1.6)
    edge = palette.warn if scene.replay else palette.dim
    ink.box(box, palette.pill, alpha=0.88, radius=6, edge=edge, edge_width=1.5)
    colour = palette.warn if scene.replay else palette.ink
    ink.text((box.x0 + CLOCK_PAD, box.middle), words, sizes.label, colour, weight=Weight.SEMIBOLD)


def _shrunk(pixels: Colours, size: tuple[int, int]) -> Image.Image:
    """Return a frame as large as a film's."""
    return Image.fromarray(pixels).resize(size, Image.Resampling.HAMMING)


def _gif(frames: Sequence[Image.Image], durations: Sequence[int], theme: Theme) -> bytes:
    """Return frames as a GIF of one palette."""
    palette = _palette(frames, theme)
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    out = io.BytesIO()
    first.save(
        out, "GIF", save_all=True, append_images=others, duration=list(durations), loop=0, optimize=False
    )
    return out.getvalue()


def _palette(frames: Sequence[Image.Image], theme: Theme) -> Image.Image:
    """Return the colours that serve all frames: the theme's own, and those that are there most."""
    sure = _sure(PALETTES[theme])
    step = max(1, len(frames) // SAMPLES)
    some = [frames[-1], *frames[::step]]
    wide, high = (length // SAMPLE_SHRUNK for length in some[0].size)
    sheet = Image.new("RGB", (wide, high * len(some)))
    for at, frame in enumerate(some):
        sheet.paste(frame.resize((wide, high), Image.Resampling.NEAREST), (0, high * at))
    found = sheet.quantize(COLOURS - len(sure), method=Image.Quantize.MEDIANCUT).getpalette() or []
    made = Image.new("P", (1, 1))
    made.putpalette([*sure.ravel().tolist(), *found])
    return made


def _sure(palette: Palette) -> Colours:
    """Return the colours that have to be there, shape (n, 3): levels, candles, words and their edges."""
    inks = [palette.up, palette.down, palette.long, palette.short, palette.rise, palette.fall, palette.warn]
    grounds = np.array([rgb(palette.ground), rgb(palette.pill)], float)
    mixed = [
        grounds[0] + (np.array(rgb(ink)) - grounds[0]) * share
        for ink in dict.fromkeys([*inks, palette.ink, palette.dim])
        for share in (1.0, 0.66, 0.33)
    ]
    ramp = palette.lut()[:: SHADES // RAMP_COLOURS]
    return np.unique(np.concatenate([np.array(mixed), grounds, ramp]).round().astype(np.uint8), axis=0)
