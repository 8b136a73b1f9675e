"""Draw the levels and the candles over them."""

import numpy as np

from bot.render import raster
from bot.render.drawing import Drawing
from bot.render.layout import SIZES
from bot.render.palette import Colours, rgb
from bot.render.raster import Surface
from bot.render.scene import Scene
from engine.model import Floats

MOST_CANDLES = 200
LEAST_PITCH = 3.2
"""Nominal pixels that a candle has at least."""
BODY_SHARE = 0.66
WIDEST_BODY = 22.0
HALO = 1.0
SPREAD_PX = 1.5
MOST_PASSES = 6
HALO_ALPHA = 0.8


def draw_levels(drawing: Drawing) -> None:
    """Colour the plot by what stood when, and the strip right of now by what stands, fading."""
    scene, scale, plot, strip = drawing.scene, drawing.ink.scale, drawing.frame.plot, drawing.frame.strip
    ground = np.array(rgb(drawing.palette.ground), np.uint8)
    top, bottom = round(plot.y0 * scale), round(plot.y1 * scale)
    left, right, end = (round(x * scale) for x in (plot.x0, plot.x1, strip.x1))
    rows = bottom - top
    if scene.heat.size == 0:
        return
    by_price, middle = shaded_rows(drawing, rows)
    history = _history(drawing, by_price, middle, right - left)
    drawing.ink.pixels[top:bottom, left:right] = history
    now = np.repeat(raster.paint(drawing.lut, by_price[-1])[:, None], end - right, 1)
    raster.pale(now, np.abs(middle / scene.price - 1).astype(np.float32)[:, None], ground)
    raster.fade(now, ground)
    drawing.ink.pixels[top:bottom, right:end] = now


def shaded_rows(drawing: Drawing, rows: int) -> tuple[raster.Shades, Floats]:
    """Return how bright each column is at each row of pixels, and the price in the middle of each row."""
    scene = drawing.scene
    bright = raster.shades(drawing.heat, drawing.span)
    prices = np.linspace(scene.view[1], scene.view[0], rows + 1)
    by_price = raster.rows_at(bright, ((prices - scene.bin_low) / scene.bin_size)[::-1])[:, ::-1]
    return by_price, (prices[:-1] + prices[1:]) / 2


def soft_levels(scene: Scene) -> Surface:
    """Return the levels as drawn: softened by a bin, but never into what price went through."""
    edges = scene.bin_low + scene.bin_size * np.arange(scene.heat.shape[1] + 1)
    low, high = (np.nan_to_num(row, nan=0.0)[:, None] for row in (scene.bars[2], scene.bars[1]))
    passed = (edges[None, 1:] > low) & (edges[None, :-1] < high)
    return raster.soften(scene.heat, passed, _passes(scene))


def _passes(scene: Scene) -> int:
    """Return how often to soften for a spread of about one and a half nominal pixels in the picture."""
    sizes = SIZES[scene.layout]
    bins_a_pixel = (scene.view[1] - scene.view[0]) / scene.bin_size / (sizes.plot_bottom - sizes.plot_top)
    return min(max(round(2 * (SPREAD_PX * bins_a_pixel) ** 2), 1), MOST_PASSES)


def _history(drawing: Drawing, by_price: raster.Shades, prices: Floats, width: int) -> Colours:
    """Return the pixels left of now: RGBA, shape (rows, width, 4)."""
    scene = drawing.scene
    edges = np.linspace(scene.start_ms, scene.end_ms, width + 1)
    column, there = raster.columns_at((edges[:-1] + edges[1:]) / 2, scene.ts, scene.step_ms)
    shade = by_price.take(column, 0)
    if scene.ts.size > width:
        starts = np.minimum(np.searchsorted(scene.ts, edges[:-1]), scene.ts.size - 1)
        shade = np.maximum.reduceat(by_price, starts, 0)
    shade = np.where(there[:, None], shade, 0)
    pixels = raster.paint(drawing.lut, np.ascontiguousarray(shade.T))
    ground = np.array(rgb(drawing.palette.ground), np.uint8)
    close = scene.bars[3][column]
    if scene.pale:
        away = np.abs(prices[:, None] / np.where(np.isfinite(close), close, scene.price)[None, :] - 1)
        raster.pale(pixels, away.astype(np.float32), ground)
    unknown = ~there | ~np.isfinite(close)
    middle = (edges[:-1] + edges[1:]) / 2
    for start, end in scene.gaps:
        unknown |= (middle >= start) & (middle < end)
    raster.hatch(pixels, unknown, np.array(rgb(drawing.palette.dim), np.uint8), drawing.ink.scale)
    return pixels


def _candles_each(drawing: Drawing) -> int:
    """Return how many columns a drawn candle sums up."""
    most = min(MOST_CANDLES, max(1, int(drawing.frame.plot.width / LEAST_PITCH)))
    return max(1, -(-drawing.scene.ts.size // most))


def group_bars(drawing: Drawing) -> tuple[Floats, Floats]:
    """Return at most 200 candles: their middles in x, and open, high, low, close of shape (4, n) in y."""
    scene = drawing.scene
    count = scene.ts.size
    size = _candles_each(drawing)
    starts = np.arange(0, count, size)
    known = np.asarray(np.isfinite(scene.bars).all(0))
    opens, highs, lows, closes = (np.where(known, row, np.nan) for row in scene.bars)
    out = np.full((4, starts.size), np.nan)
    for i, start in enumerate(starts):
        rows = slice(start, start + size)
        good = np.flatnonzero(known[rows])
        if good.size:
            first, last = start + good[0], start + good[-1]
            out[:, i] = (opens[first], np.nanmax(highs[rows]), np.nanmin(lows[rows]), closes[last])
    ends = np.minimum(starts + size, count) - 1
    xs = (drawing.xs_at(scene.ts[starts]) + drawing.xs_at(scene.ts[ends] + scene.step_ms)) / 2
    kept = np.asarray(np.isfinite(out).all(0))
    return xs[kept], drawing.ys_at(out[:, kept])


def draw_candles(drawing: Drawing, xs: Floats, ys: Floats) -> None:
    """Draw candles with hard edges on a dark halo, so that they read on any level."""
    if not xs.size:
        return
    scene, palette, unit = drawing.scene, drawing.palette, 1 / drawing.ink.scale
    groups = -(-scene.ts.size // _candles_each(drawing))
    pitch = (
        drawing.frame.plot.width
        * (scene.ts[-1] + scene.step_ms - scene.ts[0])
        / max(scene.end_ms - scene.start_ms, 1)
        / max(groups, 1)
    )
    half = max(round(min(pitch * BODY_SHARE, WIDEST_BODY) * drawing.ink.scale), 1) * unit / 2
    thin = (unit if drawing.ink.scale == 1 or half * 2 <= 3 * unit else 2 * unit) / 2
    middle = np.round((xs - half) * drawing.ink.scale) * unit + half
    top, bottom = np.minimum(ys[0], ys[3]), np.maximum(ys[0], ys[3])
    bottom = np.maximum(bottom, top + 1)
    wicks = np.stack([middle - thin, ys[1], middle + thin, np.maximum(ys[2], ys[1] + unit)], 1)
    bodies = np.stack([middle - half, top, middle + half, bottom], 1)
    wicks, bodies = _inside(drawing, wicks), _inside(drawing, bodies)
    halo = np.array([-HALO, -HALO, HALO, HALO])
    drawing.ink.rectangles(
        _inside(drawing, np.concatenate([wicks + halo, bodies + halo])), palette.outline, alpha=HALO_ALPHA
    )
    rose = ys[3] <= ys[0]
    for chosen, colour in ((rose, palette.up), (~rose, palette.down)):
        drawing.ink.rectangles(np.concatenate([wicks[chosen], bodies[chosen]]), colour)


def _inside(drawing: Drawing, corners: Floats) -> Floats:
    """Return rectangles cut to the plot."""
    plot = drawing.frame.plot
    low, high = np.array([plot.x0, plot.y0] * 2), np.array([plot.x1, plot.y1] * 2)
    return np.clip(corners, low, high)
