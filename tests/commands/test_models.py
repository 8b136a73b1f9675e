"""The model of a picture is chosen per request, with weights of its own; what it shows is said."""

import math

import pytest

from engine.presets import LEVERAGE, PRESETS


@pytest.mark.parametrize("line", ["/heatmap btc model=leverage", "/heatmap btc leverage"])
async def test_a_model_is_chosen_and_named(desk, line):
    reply = await desk.ok(line)
    assert desk.market.presets == [LEVERAGE]
    request = desk.pictures.requests[-1]
    assert request.model == "leverage"
    assert request.zones is None
    assert "Model leverage: standing notional, zones not judged." in reply.images[0].alt


async def test_the_usual_model_needs_no_history(desk):
    reply = await desk.ok("/heatmap btc model=flow")
    assert desk.market.presets == []
    assert "Model" not in reply.images[0].alt


async def test_weights_in_percent_or_shares(desk):
    await desk.ok("/heatmap btc model=leverage weights=10/20/30/25/15")
    await desk.ok('/heatmap eth model=simple weights=".1 .2 .3 .25 .15"')
    first, second = desk.market.presets
    assert first.weights == pytest.approx((0.1, 0.2, 0.3, 0.25, 0.15))
    assert second.weights == pytest.approx(first.weights)
    assert (first.name, second.name) == ("leverage", "simple")
    assert desk.pictures.requests[0].model == "leverage 10/20/30/25/15"


async def test_buttons_keep_the_model(desk):
    reply = await desk.ok("/heatmap btc model=leverage")
    actions = [b.action for row in reply.buttons for b in row if "3d" in b.label]
    assert actions == ["v1:heatmap:-!:BTCUSDT:3d:model=leverage"]
    await desk.press(actions[0])
    assert desk.pictures.requests[-1].model == "leverage"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("/heatmap btc model=leverage weights=1/2", "has 5 levels"),
        ("/heatmap btc model=leverage weights=50/50/50/0/0", "sum to 1.5"),
        ("/heatmap btc model=leverage weights=a/b", "no weights"),
        ("/heatmap btc model=clever", "flow"),
    ],
)
async def test_what_does_not_fit_is_refused_with_what_is_allowed(desk, line, problem):
    reply = await desk.say(line)
    assert problem in reply.error


async def test_a_market_without_open_interest_says_so(desk):
    desk.market.coins = math.nan
    reply = await desk.say("/heatmap btc model=leverage")
    assert "there is none for BTC" in reply.error


async def test_a_book_that_is_not_warm_says_so(desk):
    desk.market.days = 5
    reply = await desk.ok("/heatmap btc model=leverage")
    assert "Book not warm: 4 of 14 days" in reply.images[0].alt


def test_every_shipped_model_can_be_chosen(desk):
    heatmap = desk.commands.registry.find("heatmap")
    assert set(heatmap.parameter("model").choice_values()) == set(PRESETS)
