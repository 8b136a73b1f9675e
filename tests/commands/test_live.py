"""The commands on the real market: the shipped replay, real stores, real pictures."""

from dataclasses import replace

import pytest

from adapters.replay import Replay
from bot.commands.dispatch import Commands
from bot.live.market import LiveMarket
from bot.render.renderer import Renderer
from config.settings import load
from engine.model import HOUR_MS, SourceSought


@pytest.fixture
async def live(desk, store, tmp_path):
    """Put the desk's commands on the replay as it ships, an hour before the cascade."""
    settings = load({}, environ={}, directory=tmp_path)
    source = Replay(speed=None)
    market = LiveMarket(source, store, settings)
    await market.start()
    events = source.events()
    for _ in range(50):
        await market.apply(await anext(events))
    renderer = Renderer()
    services = replace(desk.services, market=market, pictures=renderer, replay=source)
    desk.commands = Commands(services, clock=lambda: desk.seconds[0])
    desk.market = market
    desk.events = events
    yield desk
    await events.aclose()
    await renderer.aclose()
    await market.stop()


async def test_a_newcomers_way(live):
    start = await live.ok("/start")
    assert start.notice.startswith("REPLAY 2025-10-10 20:0")
    picture = await live.press(start.buttons[0][0].action)
    assert picture.images[0].png.startswith(b"\x89PNG")
    assert "BTC liquidation heatmap, last 24h" in picture.text
    assert 110_000 < picture.price < 120_000
    hd = next(b for row in picture.buttons for b in row if b.label == "HD file")
    assert len((await live.press(hd.action)).files[0].content) > len(picture.images[0].png)
    for window in ("12h", "3d", "7d", "30d"):
        assert (await live.ok(f"/heatmap eth {window} portrait")).images
    assert (await live.ok("/heatmap btc range=3% side=long")).images
    zones = await live.ok("/zones btc")
    assert zones.table.rows
    assert "not available" in dict((await live.ok("/market btc")).fields)["Open interest"]
    watch = await live.ok("/watch btc")
    assert "Nearest now" in watch.text or "No zone" in watch.text
    assert (await live.ok("/symbols")).title == "2 markets"
    assert (await live.ok("/status")).title == "All is well"
    assert (await live.say("/heatmap doge")).error == "There is no market “doge” here. I read BTC and ETH."


async def test_the_replay_is_sought(live):
    before = live.market.now_ms()
    assert not (await live.ok("/replay seek +2h")).failed
    async for event in live.events:
        await live.market.apply(event)
        if isinstance(event, SourceSought):
            break
    assert live.market.now_ms() == before + 2 * HOUR_MS
    assert "22:0" in (await live.ok("/replay")).notice
    assert "2025-10-01" in (await live.say("/replay seek 2024-01-01")).error
