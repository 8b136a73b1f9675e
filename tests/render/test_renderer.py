import asyncio
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bot.render.picture import Layout
from bot.render.renderer import Renderer
from engine.errors import RenderError


@pytest.fixture
async def renderer():
    renderer = Renderer()
    await renderer.warm()
    yield renderer
    await renderer.aclose()


def reader(grid):
    """A source of a grid that counts how often it is asked."""
    asked = []

    async def get():
        asked.append(1)
        await asyncio.sleep(0.01)
        return grid

    return get, asked


async def test_a_picture_comes_with_its_words(renderer, request_for, make_grid):
    picture = await renderer.heatmap(request_for(layout=Layout.PORTRAIT), make_grid())
    assert (picture.width, picture.height) == Image.open(io.BytesIO(picture.png)).size == (1080, 1350)
    assert picture.name == "liqwatch-BTCUSDT-4h.png"
    assert picture.alt.startswith("BTC liquidation heatmap, last 4h. Price $116,000")
    assert "PNG" not in repr(picture)


async def test_the_cache_spares_the_grid_too(renderer, request_for, make_grid):
    grid, asked = reader(make_grid())
    request = request_for()
    first = await renderer.heatmap(request, grid)
    again = await renderer.heatmap(replace(request, price=116_050.0, now_ms=request.now_ms + 1000), grid)
    assert again is first
    assert len(asked) == 1
    later = await renderer.heatmap(replace(request, candle_ts=request.candle_ts + 300_000), grid)
    assert later is not first
    assert len(asked) == 2
    assert (renderer.stats.drawn, renderer.stats.cached) == (2, 1)
    assert renderer.stats.held_bytes == len(later.png)


async def test_many_who_ask_at_once_get_one_drawing(renderer, request_for, make_grid):
    grid, asked = reader(make_grid())
    callers = [asyncio.create_task(renderer.heatmap(request_for(), grid)) for _ in range(8)]
    await asyncio.sleep(0)
    callers[0].cancel()
    pictures = await asyncio.gather(*callers[1:])
    assert all(picture is pictures[0] for picture in pictures)
    assert len(asked) == 1
    assert renderer.stats.drawn == 1


async def test_a_source_that_fails_fails_its_callers_and_nothing_else(renderer, request_for, make_grid):
    async def broken():
        raise LookupError("no data")

    with pytest.raises(LookupError):
        await renderer.heatmap(request_for(), broken)
    assert await renderer.heatmap(request_for(), make_grid())


async def test_forgetting_draws_anew(renderer, request_for, make_grid):
    first = await renderer.heatmap(request_for(), make_grid())
    renderer.forget("ETHUSDT")
    assert await renderer.heatmap(request_for(), make_grid()) is first
    renderer.forget()
    assert await renderer.heatmap(request_for(), make_grid()) is not first


async def test_an_alerts_picture_differs(renderer, request_for, make_grid, make_zone):
    plain = await renderer.heatmap(request_for(), make_grid())
    alert = await renderer.heatmap(request_for(highlight=make_zone(116_000.0, -0.01, 5e6)), make_grid())
    assert alert.png != plain.png
    assert alert.name.endswith("-alert.png")


async def test_hd_is_larger(renderer, request_for, make_grid):
    picture = await renderer.heatmap(request_for(hd=True), make_grid())
    assert (picture.width, picture.height) == (2560, 1440) == Image.open(io.BytesIO(picture.png)).size


async def test_closing_ends_what_is_under_way(request_for, make_grid):
    renderer = Renderer()
    caller = asyncio.create_task(renderer.heatmap(request_for(), make_grid()))
    await asyncio.sleep(0.05)
    await renderer.aclose()
    with pytest.raises((asyncio.CancelledError, RenderError)):
        await caller
    assert renderer.stats.worker_pids == ()


async def test_the_worker_draws_what_a_drawing_here_would(renderer, request_for, make_grid):
    from bot.render.compose import scene_of
    from bot.render.fonts import find_faces
    from bot.render.heatmap import draw

    there = await renderer.heatmap(request_for(), make_grid())
    here = draw(scene_of(request_for(), make_grid()), find_faces())
    both = [np.asarray(Image.open(io.BytesIO(png))) for png in (there.png, here)]
    assert np.array_equal(*both)
