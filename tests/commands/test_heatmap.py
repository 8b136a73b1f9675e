"""`/heatmap` answers with a picture and buttons; drawing is limited, looking is not."""

import asyncio
from types import SimpleNamespace

import pytest

from bot.commands import pictures
from bot.commands.reply import Front
from bot.render.picture import Layout, Theme
from engine.errors import RenderError
from engine.model import DAY_MS, HOUR_MS, Side


def labels(reply):
    return [[b.label for b in row] for row in reply.buttons]


def action_of(reply, label):
    return next(b.action for row in reply.buttons for b in row if b.label == label)


async def test_the_picture_with_its_caption_and_buttons(desk):
    reply = await desk.ok("/heatmap btc")
    [image] = reply.images
    assert (image.width, image.height) == (1280, 720)
    assert reply.text == image.alt
    assert "BTC liquidation heatmap" in image.alt
    assert reply.price == 113_204.5
    assert labels(reply) == [
        ["12h", "24h", "3d", "7d", "30d"],
        ["Refresh", "HD file", "Film", "Watch BTC", "Open chart"],
    ]
    assert [b.style for b in reply.buttons[0]] == ["plain", "primary", "plain", "plain", "plain"]
    assert reply.buttons[1][4].url == "http://127.0.0.1:8080/#BTCUSDT"


async def test_a_window_button_replaces_the_picture(desk):
    first = await desk.ok("/heatmap btc side=long")
    reply = await desk.press(action_of(first, "7d"))
    assert reply.edits
    assert reply.title == "BTC heatmap, 7 days"
    request = desk.pictures.requests[-1]
    assert (request.window_ms, request.window_label, request.side) == (7 * DAY_MS, "7d", Side.LONG)
    again = await desk.press(action_of(reply, "Refresh"))
    assert again.edits
    assert desk.pictures.requests[-1].window_label == "7d"


async def test_a_film_comes_as_a_file_that_says_what_it_ends_with(desk):
    first = await desk.ok("/heatmap btc 12h")
    reply = await desk.press(action_of(first, "Film"))
    assert (reply.files[0].media_type, reply.files[0].name) == ("image/gif", "liqwatch-BTCUSDT-12h.gif")
    assert reply.text.startswith("How the last 12h came to be, as a film. BTC liquidation heatmap")
    assert not reply.images


async def test_too_many_films_at_once_are_refused_in_words(desk, monkeypatch):
    async def full(request, grid):
        raise RenderError("too many pictures wait to be drawn")

    monkeypatch.setattr(desk.pictures, "film", full)
    reply = await desk.press(action_of(await desk.ok("/heatmap btc"), "Film"))
    assert reply.error == "No film can be drawn right now; please try again in a minute."


async def test_hd_comes_as_a_file_of_twice_the_size(desk):
    first = await desk.ok("/heatmap btc 3d")
    reply = await desk.press(action_of(first, "HD file"))
    assert not reply.edits
    assert not reply.images
    assert reply.files[0].name == "liqwatch-BTCUSDT-3d@2x.png"
    assert "2560×1440" in reply.title


async def test_watch_is_one_press_away(desk):
    first = await desk.ok("/heatmap btc")
    assert (await desk.press(action_of(first, "Watch BTC"))).title == "Watching BTC"


async def test_what_is_asked_for_reaches_the_picture(desk, other):
    await desk.ok("/settings set theme=light layout=portrait tz=Asia/Tokyo", other)
    await desk.ok("/heatmap eth 36h short range=5%", other)
    request = desk.pictures.requests[-1]
    assert request.symbol == "ETHUSDT"
    assert request.window_ms == 36 * HOUR_MS
    assert (request.theme, request.layout, request.side) == (Theme.LIGHT, Layout.PORTRAIT, Side.SHORT)
    assert request.tz == "Asia/Tokyo"
    assert request.source_label == "REPLAY 2025-10-10 20:35 UTC"
    low, high = request.price_range
    assert (round(low, 2), round(high, 2)) == (3810.69, 4211.81)
    await desk.ok("/heatmap eth landscape", other)
    assert desk.pictures.requests[-1].layout is Layout.LANDSCAPE
    assert desk.pictures.requests[-1].price_range is None
    await desk.ok("/settings set theme=default palette=viridis", other)
    await desk.ok("/heatmap eth", other)
    assert desk.pictures.requests[-1].theme is Theme.VIRIDIS


async def test_the_shape_suits_the_front(desk, other):
    from dataclasses import replace

    await desk.ok("/heatmap btc", replace(other, user_id="telegram:1", front=Front.TELEGRAM))
    assert desk.pictures.requests[-1].layout is Layout.PORTRAIT


async def test_the_default_market(desk):
    asked = await desk.ok("/heatmap")
    assert asked.title == "Which market?"
    assert (await desk.press(asked.buttons[0][0].action)).title.startswith("BTC")
    await desk.ok("/settings set symbol=eth")
    assert (await desk.ok("/heatmap")).title.startswith("ETH")


async def test_a_card_beside_words_delays_no_picture_that_is_asked_for(desk, me):
    assert (await desk.commands.dispatch("/market btc", me)).images
    assert (await desk.commands.dispatch("/heatmap btc", me)).images
    assert not (await desk.commands.dispatch("/zones eth", me)).images


async def test_one_new_picture_every_five_seconds_and_cached_ones_free(desk, me, other):
    await desk.ok("/heatmap btc")
    for _ in range(3):
        assert not (await desk.commands.dispatch("/heatmap btc", me)).failed
    desk.seconds[0] += 1.5
    reply = await desk.commands.dispatch("/heatmap btc 7d", me)
    assert reply.error == "One new picture every 5 s: the next in 4 s."
    assert desk.market.grids == 1
    assert not (await desk.commands.dispatch("/heatmap btc 7d", other)).failed
    assert not (await desk.commands.dispatch("/heatmap btc 7d", me)).failed
    desk.seconds[0] += 3.5
    assert not (await desk.commands.dispatch("/heatmap btc 3d", me)).failed


async def test_a_short_wait_for_a_picture_is_waited_out(desk, me, monkeypatch):
    waits = []

    async def sleep(wait_s):
        waits.append(wait_s)
        desk.seconds[0] += wait_s

    await desk.ok("/heatmap btc")
    desk.seconds[0] += 2.5
    monkeypatch.setattr(pictures, "asyncio", SimpleNamespace(sleep=sleep))
    assert not (await desk.commands.dispatch("/heatmap btc 7d", me)).failed
    assert waits == [pytest.approx(2.51)]
    desk.seconds[0] += 1.0
    assert (await desk.commands.dispatch("/heatmap btc 3d", me)).error.endswith("the next in 4 s.")
    assert len(waits) == 1


async def test_who_joins_the_drawing_of_somebody_who_must_wait_gets_the_picture(desk, me, other):
    """Two ask for the same at once; the first one's refusal is not the second one's."""
    flights = {}
    asked = asyncio.Event()
    plain = desk.pictures.heatmap

    async def single(request, grid):
        key = request.what
        if key in flights:
            asked.set()
        else:
            flights[key] = asyncio.ensure_future(later(request, grid))
            flights[key].add_done_callback(lambda _: flights.pop(key))
        return await asyncio.shield(flights[key])

    async def later(request, grid):
        if request.window_label == "7d":
            await asyncio.wait_for(asked.wait(), 10)
        return await plain(request, grid)

    desk.pictures.heatmap = single
    await desk.ok("/heatmap btc")
    first = asyncio.create_task(desk.commands.dispatch("/heatmap btc 7d", me))
    async with asyncio.timeout(10):
        while not flights:
            await asyncio.sleep(0.001)
    theirs = await desk.commands.dispatch("/heatmap btc 7d", other)
    mine = await first
    assert "One new picture" in mine.error
    assert theirs.images


async def test_a_market_without_data_says_so(desk):
    assert "There is no data for SOLUSDT yet" in (await desk.say("/heatmap sol")).error


async def test_no_market_at_all(desk):
    desk.market.symbols = ()
    assert "No market is being read yet" in (await desk.say("/heatmap")).error
