"""How a reply is laid out for chats: beside a picture a table has the columns that are enough."""

from dataclasses import replace

import pytest

from bot.commands.layout import CODE_WIDTH, body, lines_of
from bot.commands.reply import Image, Reply, Table
from bot.telegram.render import parcels_of

PICTURE = Image(png=b"", name="a.png", alt="a picture", width=1, height=1)
TABLE = Table(
    headings=("Side", "Price range", "Distance", "Notional", "Age"),
    rows=tuple((f"↑ {n}", "112,820 – 115,850", "−0.65%", "$43M", "6h35m") for n in range(10)),
    numeric=("Distance", "Notional", "Age"),
    brief=("Price range", "Distance", "Notional"),
)
REPLY = Reply(command="zones", title="BTC zones", text="Price $116,605.", table=TABLE)


@pytest.fixture
def told():
    return lambda reply: [line.plain for line in lines_of(reply)]


def test_a_table_is_brief_beside_a_picture_alone(told):
    whole, brief = told(REPLY), told(replace(REPLY, images=(PICTURE,)))
    assert any("6h35m" in line for line in whole)
    assert not any("6h35m" in line for line in brief)
    assert "112,820 – 115,850    −0.65%      $43M" not in brief
    rows = [line for line in brief if line.startswith("112,820")]
    assert len(rows) == 10
    assert max(map(len, rows)) <= CODE_WIDTH


def test_a_table_that_is_never_brief_stays_whole_beside_a_picture(told):
    plain = replace(REPLY, table=replace(TABLE, brief=()), images=(PICTURE,))
    assert any("6h35m" in line for line in told(plain))


async def test_zones_with_their_card_are_one_message(desk):
    view = desk.market.view("BTCUSDT")
    some = [replace(zone, zone_id=f"{zone.zone_id}{n}") for n in range(5) for zone in view.zones.zones]
    zones = replace(view.zones, zones=tuple(some))
    desk.market.views["BTCUSDT"] = replace(view, zones=zones)
    reply = await desk.ok("/zones btc")
    assert len(reply.table.rows) == 10
    assert len(parcels_of(reply)) == 1
    assert len(body(reply)) > 10
