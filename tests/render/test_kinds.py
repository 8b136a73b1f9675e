"""What holds for every kind of picture: drawn once for all who ask, off the loop, kept for its candle."""

import asyncio
import io

import numpy as np
import pytest
from PIL import Image

from bot.render.cascade_request import CascadeRequest
from bot.render.film_request import FilmRequest
from bot.render.grid_request import GridRequest
from bot.render.liquidations_request import LiquidationsRequest
from bot.render.market_request import MarketRequest
from bot.render.picture import Layout, Theme
from bot.render.renderer import Renderer
from bot.render.swept_request import SweptRequest
from bot.render.worker import KINDS
from bot.render.zones_request import ZonesRequest
from engine.errors import UserError
from engine.model import STEP_MS
from engine.presets import BIN_LOG
from engine.standing import Standing

PRICE = 116_000.0


@pytest.fixture
async def renderer():
    renderer = Renderer()
    yield renderer
    await renderer.aclose()


@pytest.fixture
def kinds(request_for, make_grid, make_zone):
    """Return every kind by name: how to make its request with a look, and how to ask a renderer for it."""
    grid = make_grid(cols=8)
    zones = (make_zone(PRICE, -0.01, 5e6), make_zone(PRICE, 0.02, 9e6))
    standing = Standing(
        ts=0, close_bin=int(np.log(PRICE) / BIN_LOG), long=np.full(600, 1e5), short=np.full(600, 1e5)
    )

    def plain(kind, **look):
        heatmap = request_for()
        names = ("symbol", "venues", "candle_ts", "now_ms", "price", "price_ts")
        return kind(**{name: getattr(heatmap, name) for name in names}, **look)

    def liquidations(**look):
        now_ms = request_for().now_ms
        return LiquidationsRequest(
            market="BTCUSDT", window_ms=4 * 3_600_000, window_label="4h", now_ms=now_ms, step_ms=STEP_MS,
            step_label="5 min", ts=np.array([now_ms // STEP_MS * STEP_MS]), usd=np.array([[1e6, 2e6]]),
            parts=(("binance", 1.0),), **look,
        )  # fmt: skip

    def among(drawing):
        async def grids():
            drawing()
            return [grid, grid]

        return grids

    def alone(drawing):
        async def one():
            drawing()
            return grid

        return one

    def stands(drawing):
        def known():
            drawing()
            return standing

        return known

    return {
        "heatmap": (request_for, lambda r, q, d: r.heatmap(q, alone(d))),
        "cascade": (lambda **look: plain(CascadeRequest, **look), lambda r, q, d: r.cascade(q, stands(d))),
        "liquidations": (liquidations, lambda r, q, d: r.liquidations(q, d)),
        "zones": (lambda **look: plain(ZonesRequest, zones=zones, **look), lambda r, q, d: r.card(q, d)),
        "market": (
            lambda **look: plain(MarketRequest, ts=grid.ts, closes=grid.close, **look),
            lambda r, q, d: r.card(q, d),
        ),
        "grid": (
            lambda **look: GridRequest(panels=(request_for(**look), request_for(symbol="ETHUSDT", **look))),
            lambda r, q, d: r.panels(q, among(d)),
        ),
        "swept": (
            lambda **look: SweptRequest(
                now=request_for(**look), zone=zones[0], swept_usd=4e6, swept_ts=int(grid.ts[4])
            ),
            lambda r, q, d: r.panels(q, among(d)),
        ),
        "film": (lambda **look: FilmRequest(last=request_for(**look)), lambda r, q, d: r.film(q, alone(d))),
    }  # fmt: skip


NAMES = ("heatmap", "cascade", "liquidations", "zones", "market", "grid", "swept", "film")


def test_every_kind_is_here(kinds):
    assert tuple(kinds) == NAMES
    assert len(KINDS) == len(NAMES) - 1  # a grid and a sweep are drawn alike


@pytest.mark.parametrize("name", NAMES)
async def test_each_is_drawn_once_for_all_who_ask_and_kept(renderer, kinds, name):
    make, ask = kinds[name]
    drawn, ticks = [], []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.005)

    ticking = asyncio.create_task(tick())
    try:
        both = [ask(renderer, make(), lambda: drawn.append(1)) for _ in range(2)]
        first, second = await asyncio.gather(*both)
        again = await ask(renderer, make(), lambda: drawn.append(1))
    finally:
        ticking.cancel()
    assert first is second is again
    assert drawn == [1]
    assert renderer.stats.drawn == 1
    assert len(ticks) > 5  # the loop went on while it was drawn
    shown = Image.open(io.BytesIO(first.png))
    assert shown.size == (first.width, first.height)
    assert shown.format == ("GIF" if name == "film" else "PNG")
    assert 40 < len(first.alt) < 1024
    assert "estimate, not advice" in first.alt or name == "liquidations"
    assert first.name.startswith("liqwatch-")


@pytest.mark.parametrize("name", NAMES)
async def test_another_look_is_another_picture(kinds, name):
    make, _ = kinds[name]
    looks = ({}, {"theme": Theme.LIGHT}, {"layout": Layout.PORTRAIT}, {"tz": "Asia/Tokyo"}, {"hd": True})
    whats = {make(**look).what for look in looks}
    assert len(whats) == len(looks)
    assert make().what == make().what


@pytest.mark.parametrize("name", NAMES)
async def test_who_may_not_have_one_now_gets_none(renderer, kinds, name):
    make, ask = kinds[name]

    def refused():
        raise UserError("too soon")

    with pytest.raises(UserError):
        await ask(renderer, make(), refused)
    assert renderer.stats.drawn == 0


async def test_no_picture_waits_for_a_film(renderer, kinds):
    (film, ask_film), (card, ask_card) = kinds["film"], kinds["zones"]
    await ask_card(renderer, card(tz="Europe/Berlin"), lambda: None)
    filming = asyncio.create_task(ask_film(renderer, film(), lambda: None))
    while len(renderer.stats.worker_pids) < 2:
        await asyncio.sleep(0.005)
    await ask_card(renderer, card(), lambda: None)
    assert not filming.done()
    await filming
    assert len(renderer.stats.worker_pids) == 1  # the film's process has ended with it


async def test_films_push_no_picture_out(kinds):
    (film, ask_film), (card, ask_card) = kinds["film"], kinds["zones"]
    renderer = Renderer(cache_bytes=400_000)
    try:
        first = await ask_card(renderer, card(), lambda: None)
        made = await ask_film(renderer, film(), lambda: None)
        assert len(first.png) + len(made.png) > 400_000
        assert await ask_card(renderer, card(), lambda: None) is first
        assert await ask_film(renderer, film(), lambda: None) is made
        assert renderer.stats.held_bytes == len(first.png) + len(made.png)
        renderer.forget()
        assert renderer.stats.held_bytes == 0
    finally:
        await renderer.aclose()


async def test_few_films_may_wait(renderer, kinds):
    make, ask = kinds["film"]
    zones = ("UTC", "Asia/Tokyo", "Europe/Berlin", "Europe/Paris", "Europe/Rome", "Asia/Seoul")
    films = [asyncio.create_task(ask(renderer, make(tz=tz), lambda: None)) for tz in zones]
    done, _ = await asyncio.wait(films, return_when=asyncio.FIRST_EXCEPTION)
    refused = [film for film in done if film.exception() is not None]
    assert refused
    assert "too many pictures wait" in str(refused[0].exception())
    for film in films:
        film.cancel()
    await asyncio.gather(*films, return_exceptions=True)
