"""What a move would sweep, and what stands between price and a stop."""

import pytest

from engine.errors import RenderError


async def test_cascade_lists_moves_both_ways_from_the_largest_rise_down(desk):
    reply = await desk.ok("/cascade btc")
    moves = [row[0] for row in reply.table.rows]
    assert moves == ["+10%", "+5.0%", "+2.0%", "+1.0%", "−1.0%", "−2.0%", "−5.0%", "−10%"]
    swept = [row[2] for row in reply.table.rows]
    assert swept[0] == swept[1] == swept[2] == "$38M of shorts"
    assert swept[-1] == "$62M of longs"
    assert "not where price goes" in reply.text
    assert reply.price == 113_204.5


async def test_cascade_comes_with_its_picture_in_ones_own_look(desk, other):
    await desk.ok("/settings set theme=light layout=portrait tz=Europe/Berlin", other)
    reply = await desk.ok("/cascade btc", other)
    [image] = reply.images
    assert (image.name, image.width, image.height) == ("liqwatch-BTCUSDT-cascade.png", 1080, 1350)
    assert image.alt.startswith("BTC: what a move from $113,204 would sweep, in total.")
    assert "$62M by −2.0%" in image.alt
    assert "22:35 CEST" in image.alt
    asked = desk.pictures.requests[-1]
    assert (asked.theme.value, asked.source_label) == ("light", "REPLAY 2025-10-10 20:35 UTC")
    assert "price alone" in asked.accuracy
    wide = await desk.ok("/cascade btc layout=landscape", other)
    assert wide.images[0].width == 1280
    assert len(desk.pictures.drawn) == 2


async def test_words_come_where_a_picture_may_not(desk, me):
    await desk.ok("/heatmap btc")
    soon = await desk.commands.dispatch("/cascade btc", me)
    assert not soon.images
    assert not soon.failed
    assert "One new picture every 5 s" in soon.text
    assert len(soon.table.rows) == 8


async def test_words_come_where_a_picture_cannot(desk, with_services, me):
    class Broken:
        async def cascade(self, request, standing):
            raise RenderError("the picture could not be drawn: Traceback")

    reply = await with_services(pictures=Broken()).dispatch("/cascade btc", me)
    assert not reply.images
    assert "could not be drawn this time" in reply.text
    assert "Traceback" not in reply.text
    assert reply.table.rows[0][0] == "+10%"


async def test_check_says_what_lies_before_a_stop_and_where_less_stands(desk):
    reply = await desk.ok("/check btc 111950")
    fields = dict(reply.fields)
    assert fields["On the way there"].endswith("of longs")
    assert "inside a dense zone of $62M" in reply.text
    assert fields["Nearest emptier price"].startswith("$")
    assert reply.title.startswith("BTC at $111,950, −1.1%")


async def test_check_looks_upwards_at_shorts(desk):
    reply = await desk.ok("/check btc price=116,000")
    assert "climbs" in reply.text
    assert dict(reply.fields)["Nearest emptier price"] == "nothing stands at this one"


@pytest.mark.parametrize("line", ["/check btc 50000", "/check btc 113204.5", "/check btc 200000"])
async def test_a_price_too_far_or_here_is_refused_with_what_works(desk, line):
    reply = await desk.say(line)
    assert "I look from" in reply.error
    assert reply.example.startswith("/check btc 1109")


async def test_check_without_a_price_says_what_is_missing(desk):
    asked = await desk.ok("/check btc")
    assert asked.title == "At which price?"
    assert (await desk.press(asked.buttons[0][0].action)).title.startswith("BTC at $")
