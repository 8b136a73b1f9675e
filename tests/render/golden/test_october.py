"""The October cascade, drawn again: as the documentation shows it, and true to the rules of the model."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.pictures import MODEL, SHOTS, recorded, take
from bot.render.palette import lightness
from engine.heatmap import Heatmap
from engine.model import Side
from engine.presets import BIN_LOG, PRESETS

DOCS = Path(__file__).resolve().parents[3] / "docs" / "pictures"
HASH = 16
ALIKE, UNLIKE = 0.06, 0.12
MAPS = [shot.name for shot in SHOTS if shot.window_h]
ZONED = [shot.name for shot in SHOTS if shot.window_h and shot.model == MODEL]
LARGEST = 12


@pytest.fixture(scope="module")
def taken():
    return take()


def difference_hash(png):
    """Return whether each of 16 x 16 parts of a picture is lighter than the one before it."""
    grey = Image.open(io.BytesIO(png)).convert("L").resize((HASH + 1, HASH), Image.Resampling.BOX)
    shades = np.asarray(grey).astype(int)
    return shades[:, 1:] > shades[:, :-1] + 1


def apart(first, second):
    """Return the share of parts that differ."""
    return float((difference_hash(first) != difference_hash(second)).mean())


@pytest.mark.parametrize("shot", SHOTS, ids=lambda s: s.name)
def test_the_documentation_shows_what_is_drawn(taken, shot):
    shipped = (DOCS / f"{shot.name}.png").read_bytes()
    assert len(shipped) < 250_000
    assert Image.open(io.BytesIO(shipped)).size == (1280, 720)
    assert apart(shipped, taken[shot.name].png) <= ALIKE
    others = [apart(shipped, other.png) for name, other in taken.items() if name != shot.name]
    assert min(others) > UNLIKE


@pytest.mark.parametrize("name", MAPS)
def test_nothing_stands_on_the_wrong_side_of_price(taken, name):
    grid = taken[name].grid
    low, high = grid.edges[None, :-1], grid.edges[None, 1:]
    bin_width = np.expm1(BIN_LOG) * grid.close[:, None]
    longs_above = (low > grid.close[:, None] + bin_width) & (grid.long > 0)
    shorts_below = (high < grid.close[:, None] - bin_width) & (grid.short > 0)
    assert grid.long.max() > 0
    assert grid.short.max() > 0
    assert not longs_above.any()
    assert not shorts_below.any()


def test_levels_end_where_price_took_them():
    """After the largest candles nothing older stands in what they traded, and all of it did before."""
    candles = recorded()[slice(0, 288 * 14)]
    moves = np.log(candles.high / candles.low)
    moves[: 288 * 4] = 0.0
    for row in np.argsort(-moves)[:LARGEST]:
        heatmap = Heatmap(PRESETS[MODEL])
        before = heatmap.feed(candles[slice(0, row)])[slice(row - 1, row)]
        bar = candles[slice(row, row + 1)]
        after = heatmap.feed(replace(bar, volume=np.zeros(1), quote_volume=np.zeros(1)))
        for side, rows, later, traded in (
            (Side.LONG, before.long, after.long, bar.low[0]),
            (Side.SHORT, before.short, after.short, bar.high[0]),
        ):
            last = int(np.floor(np.log(traded) / BIN_LOG))
            depth = int(before.close_bin[0]) - last if side is Side.LONG else last - int(before.close_bin[0])
            gone_usd = float(rows[0, : max(depth + 1, 0)].sum())
            shift = int(after.close_bin[0]) - last if side is Side.LONG else last - int(after.close_bin[0])
            assert later[0, : max(shift + 1, 0)].sum() == 0.0, (row, side)
            if depth > 50:
                assert gone_usd > 0, (row, side)


def test_the_cascade_left_nothing_of_what_it_swept(taken):
    """What stood below price before the fall is gone after it, as far down as price went."""
    before, after = taken["october-before"], taken["october-after"]
    lowest = float(np.nanmin(after.grid.low))
    price = before.view.price
    swept_usd = before.standing.between(Side.LONG, lowest, price)
    assert lowest < 0.9 * price
    assert swept_usd > 50e6
    stands = [column for column in range(len(after.grid.ts)) if after.grid.low[column] == lowest]
    [bottom] = stands
    left = after.grid.long[bottom, after.grid.edges[:-1] > after.grid.close[bottom] * (1 + BIN_LOG)]
    assert left.sum() == 0.0


@pytest.mark.parametrize("name", ZONED)
def test_zones_are_where_the_eye_sees_them(taken, name):
    """In each zone more stands, and the last column is lighter, than is usual on its side in view."""
    shot = taken[name]
    grid, price = shot.grid, shot.view.price
    zones = [z for z in shot.view.zones.zones if z.low > grid.edges[0] and z.high < grid.edges[-1]]
    assert zones
    seen = 0
    for zone in zones:
        rows = grid.long[-1] if zone.side is Side.LONG else grid.short[-1]
        middle = (grid.edges[:-1] + grid.edges[1:]) / 2
        inside = (middle >= zone.low) & (middle <= zone.high)
        near = np.abs(middle / price - 1) <= 0.06
        own = (middle < price) if zone.side is Side.LONG else (middle > price)
        if inside.sum() < 2 or zone.notional_usd < 0.05 * max(z.notional_usd for z in zones):
            continue
        seen += 1
        assert rows[inside].mean() > 1.2 * np.median(rows[near & own & ~inside])
        assert zone.notional_usd == pytest.approx(rows[inside].sum(), rel=0.35)
    assert seen


def test_the_largest_zone_is_drawn_light(taken):
    """The strip right of now is lighter in the largest zone than in the rest of its side."""
    from bot.render.compose import scene_of
    from bot.render.fonts import find_faces
    from bot.render.heatmap import prepare
    from bot.render.plot import draw_levels
    from bot.render.request import HeatmapRequest

    shot = taken["october-before"]
    request = HeatmapRequest.of(shot.view, now_ms=shot.shot.at_ms, window_ms=86_400_000, window_label="24h")
    drawing = prepare(scene_of(request, shot.grid), find_faces())
    draw_levels(drawing)
    column = round(drawing.frame.strip.x0) + 4
    light = lightness(drawing.ink.pixels[:, column, :3])
    zone = max((z for z in shot.view.zones.zones if z.side is Side.LONG), key=lambda z: z.notional_usd)
    top, bottom = (round(drawing.y_at(p)) for p in (zone.high, zone.low))
    price_y = round(drawing.y_at(shot.view.price))
    plot = drawing.frame.plot
    outside = np.r_[light[price_y + 2 : top - 1], light[bottom + 2 : round(plot.y1) - 1]]
    assert light[top + 1 : bottom].mean() > outside.mean() + 10
