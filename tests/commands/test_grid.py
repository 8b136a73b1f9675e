"""Several heatmaps in one picture: which markets, and what its buttons ask for."""

from dataclasses import replace

import pytest

from bot.render.grid_request import GridRequest


@pytest.fixture
def four(desk):
    """A desk whose four markets all have a price."""
    plain = desk.market.view("BTCUSDT")
    for symbol in ("SOLUSDT", "PEPEUSDT"):
        desk.market.views[symbol] = replace(plain, symbol=symbol)
    return desk


def shown(desk):
    """Return the markets of the picture that was asked for last."""
    request = desk.pictures.requests[-1]
    assert isinstance(request, GridRequest)
    return [panel.symbol for panel in request.panels]


async def test_the_first_four_markets_are_shown_where_none_is_named(four):
    reply = await four.ok("/grid")
    assert shown(four) == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "PEPEUSDT"]
    assert reply.title == "BTC, ETH, SOL and PEPE heatmaps, 24 hours"
    assert four.market.grids == 4
    assert reply.text == reply.images[0].alt


@pytest.mark.parametrize(
    "line",
    ["/grid sol,eth 12h", "/grid sol eth 12h", "/grid sol, eth 12h", "/compare sol/usdt ETH window=12h"],
)
async def test_markets_are_named_as_people_name_them(four, line):
    await four.ok(line)
    assert shown(four) == ["SOLUSDT", "ETHUSDT"]
    assert four.pictures.requests[-1].panels[0].window_ms == 12 * 3_600_000


async def test_one_market_is_shown_among_the_first(four):
    await four.ok("/grid pepe")
    assert shown(four) == ["PEPEUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT"]


async def test_a_market_named_twice_counts_once(four):
    await four.ok("/grid eth eth sol")
    assert shown(four) == ["ETHUSDT", "SOLUSDT"]


async def test_buttons_ask_for_the_same_markets(four):
    reply = await four.ok("/grid btc eth sol portrait")
    buttons = {button.label: button.action for row in reply.buttons for button in row}
    larger = await four.press(buttons["HD file"])
    assert larger.files[0].media_type == "image/png"
    assert shown(four) == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert four.pictures.requests[-1].hd
    await four.press(buttons["3d"])
    assert four.pictures.requests[-1].panels[2].window_label == "3d"
    assert (await four.press(buttons["SOL"])).command == "heatmap"


async def test_one_market_alone_makes_no_grid(four):
    four.market.symbols = ("BTCUSDT",)
    reply = await four.say("/grid")
    assert "Two markets or more" in reply.error
