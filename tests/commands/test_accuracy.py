"""Test `/accuracy`, and the line it puts on pictures."""

from dataclasses import replace

import pytest

from adapters.coverage import coverage
from bot.commands.reply import Front
from bot.live.view import Level
from bot.truth import words
from bot.truth.shelf import shipped


@pytest.mark.parametrize("horizon", ["1h", "4h", "24h"])
async def test_accuracy_is_said_beside_baselines_and_placebos(desk, horizon):
    reply = await desk.ok(f"/accuracy btc horizon={horizon}")
    assert not reply.failed
    assert "Development result" in reply.text
    assert "not where price goes" in reply.text
    assert "small and not settled" in reply.text
    assert "works" not in reply.text
    names = [row[0] for row in reply.table.rows]
    assert names[:3] == ["flow", "price only", "distance only"]
    assert any("shuffled" in name for name in names)
    assert reply.fields[0][0] == f"Zones within {horizon.removesuffix('h')} h, lift"
    chosen = [b.label for row in reply.buttons for b in row if b.style == "primary"]
    assert chosen == [f"Zones within {horizon.removesuffix('h')} h"]


async def test_what_corrects_the_dollars_is_said(desk):
    assert not any("dollars, last 7 days" in label for label, _ in (await desk.ok("/accuracy btc")).fields)
    level = Level(long=1.314, short=0.9, hours=160, as_of_ms=desk.market.at_ms)
    desk.market.views["BTCUSDT"] = replace(desk.market.view("BTCUSDT"), level=level)
    fields = dict((await desk.ok("/accuracy btc")).fields)
    assert fields["BTC dollars, last 7 days"] == "×1.31 longs, ×0.90 shorts, by 160 h of reports"


async def test_whose_liquidations_are_seen_in_part_is_said(desk):
    names = ("hyperliquid", "okx", "bybit")
    own = replace(shipped().report, reported_by=names)
    desk.services.accuracy.put("BTCUSDT", own, made_ms=1)
    reply = await desk.ok("/accuracy btc")
    assert f"{coverage('hyperliquid').sentence} {coverage('okx').sentence}" in reply.text
    assert coverage("bybit").sentence not in reply.text
    assert words.sources(own).endswith("; liquidations hyperliquid (partial), okx (sampled), bybit")
    assert words.sources(shipped().report).endswith("; liquidations all")


async def test_it_exists_on_every_front(desk):
    from bot.commands.registry import Registry

    assert all(Registry().find("accuracy", front) for front in Front)
    assert not (await desk.ok("/accuracy")).failed


async def test_pictures_carry_the_line(desk):
    await desk.ok("/heatmap btc")
    assert desk.pictures.requests[-1].accuracy.startswith("explains 87%")


async def test_models_that_follow_open_interest_are_listed_and_not_praised(desk):
    reply = await desk.ok("/accuracy btc")
    assert [row[0] for row in reply.table.rows][3:5] == ["leverage", "simple"]
    assert "leverage and simple are not shown to work." in reply.text


async def test_a_picture_of_another_model_carries_what_that_model_explains(desk):
    await desk.ok("/heatmap btc model=leverage")
    line = desk.pictures.requests[-1].accuracy
    assert line == "explains 77% bar by bar, 68% standing still, price alone 83% (development)"
    await desk.ok("/heatmap btc model=leverage weights=10/20/30/25/15")
    assert desk.pictures.requests[-1].accuracy == ""


async def test_an_own_measurement_speaks_for_the_models_it_judged(desk):
    shelf = desk.services.accuracy
    found = shipped().report
    own = replace(found, skills=tuple(s for s in found.skills if s.model != "simple"))
    shelf.put("BTCUSDT", own, made_ms=1)
    await desk.ok("/heatmap btc model=leverage")
    assert desk.pictures.requests[-1].accuracy.endswith("price alone 83% (own data)")
    await desk.ok("/heatmap btc model=simple")
    assert desk.pictures.requests[-1].accuracy.endswith("price alone 83% (development)")
