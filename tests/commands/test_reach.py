"""How likely price is to come to the nearest zones: said where it is known, and not where it is not."""

from dataclasses import replace

import pytest

from bot.commands import reach
from engine.errors import DataError
from engine.model import HOUR_MS
from engine.touch import outlook, typical_moves


@pytest.fixture
def moving(desk):
    """Prices that move by 0.4 % within each hour."""
    still = desk.market.history

    async def history(symbol, span_ms):
        candles = await still(symbol, span_ms)
        return replace(candles, high=candles.high * 1.004)

    desk.market.history = history
    return desk


def told(reply):
    return next((line for line in reply.text.splitlines() if line.startswith("Chance")), "")


async def test_the_nearest_of_each_side_has_its_chances(moving):
    line = told(await moving.ok("/zones btc"))
    view, now_ms = moving.market.view("BTCUSDT"), moving.market.at_ms
    moves = typical_moves(await moving.market.history("BTCUSDT", 168 * HOUR_MS), now_ms=now_ms)
    long = next(z for z in view.zones.zones if z.low == 111_800)
    short = next(z for z in view.zones.zones if z.low == 114_000)
    chances = [
        ", ".join(f"{each.chance:.0%}" for each in outlook(zone, view.price, moves)) for zone in (long, short)
    ]
    assert line == (
        "Chance to reach the nearest within 1, 4 and 24 h, by recent moves alone: "
        f"longs {chances[0]}; shorts {chances[1]}."
    )
    first, last = (int(chances[0].split("%")[0]), int(chances[0].split(", ")[-1].removesuffix("%")))
    assert 0 < first < last < 100


async def test_one_side_alone_and_a_zone_that_price_is_in(moving, view_with):
    assert "longs" not in told(await moving.ok("/zones btc short"))
    moving.market.views["BTCUSDT"] = replace(view_with(), price=114_200.0)
    inside = told(await moving.ok("/zones btc"))
    assert "shorts" in inside, "the one beyond"
    assert "100%" not in inside
    assert told(await moving.ok("/zones btc short 1")) == ""


async def test_nothing_is_said_where_prices_stood_still_or_are_too_few(desk, moving):
    plain = moving.market.history

    async def few(symbol, span_ms):
        return (await plain(symbol, span_ms))[-12:]

    async def none(symbol, span_ms):
        raise DataError("nothing is stored")

    for history in (few, none):
        desk.market.history = history
        assert told(await desk.ok("/zones btc")) == ""
    del desk.market.history
    assert told(await desk.ok("/zones btc")) == "", "prices that never moved tell nothing"


def test_no_chance_is_certain():
    assert [reach._percent(chance) for chance in (0.0, 0.004, 0.01, 0.416, 0.99, 0.996, 1.0)] == [
        "<1%",
        "<1%",
        "1%",
        "42%",
        "99%",
        ">99%",
        ">99%",
    ]
