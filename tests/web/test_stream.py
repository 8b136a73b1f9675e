"""The chart's stream: a snapshot, then numbered changes; who falls behind starts afresh and costs nobody."""

import asyncio

import numpy as np
import pytest
from aiohttp import WSMsgType

from bot.live.view import Change, ChangeKind
from bot.web.encode import unpack
from bot.web.usual import Usual
from engine.errors import GridError
from engine.presets import FLOW, LEVERAGE


class Reader:
    """Read a stream as the page does."""

    def __init__(self, socket) -> None:
        self.socket = socket

    async def next(self, *kinds: str):
        """Return the next message of these types: a dict, with `frame` where it was binary."""
        async with asyncio.timeout(5):
            while True:
                message = await self.socket.receive()
                assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY), message
                if message.type is WSMsgType.BINARY:
                    header, frame = unpack(message.data)
                    body = header | {"frame": frame}
                else:
                    body = message.json()
                if body["type"] in kinds:
                    return body

    async def follow(self, symbol: str = "BTC", window: str = "24h"):
        """Subscribe to a heatmap and return its snapshot."""
        await self.socket.send_json({"type": "subscribe", "symbol": symbol, "window": window, "id": 7})
        return await self.next("snapshot")


@pytest.fixture
async def reader(site):
    async with site.ws("/ws/heatmap") as socket:
        yield Reader(socket)


async def test_the_hello_says_what_there_is(reader):
    hello = await reader.next("hello")
    assert hello["version"] == 2
    assert hello["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert hello["windows"] == ["12h", "24h", "3d", "7d", "30d"]
    assert hello["source"] == {
        "kind": "replay",
        "label": "REPLAY 2025-10-10 20:35 UTC",
        "now_ms": 1_760_128_500_000,
    }


@pytest.mark.parametrize(
    ("window", "columns"), [("12h", 144), ("24h", 288), ("3d", 864), ("7d", 673), ("30d", 961)]
)
async def test_a_snapshot_holds_the_window(reader, window, columns):
    snapshot = await reader.follow(window=window)
    frame = snapshot["frame"]
    assert snapshot["channel"] == f"heatmap:BTCUSDT:{window}"
    assert abs(len(frame) - columns) <= 1
    assert frame.bins <= 600
    assert frame.long.any()
    assert frame.short.any()


async def test_a_subscription_is_confirmed(reader):
    await reader.socket.send_json({"type": "subscribe", "symbol": "eth/usdt", "window": "12h", "id": "a"})
    answer = await reader.next("subscribed")
    assert answer == {"type": "subscribed", "id": "a", "channel": "heatmap:ETHUSDT:12h"}


async def test_a_new_candle_brings_its_column_alone(reader, site):
    snapshot = await reader.follow()
    for n in range(1, 4):
        site.market.candle()
        columns = await reader.next("columns", "snapshot")
        assert columns["type"] == "columns"
        assert columns["n"] == snapshot["n"] + n
        assert len(columns["frame"]) == 1
        assert columns["frame"].ts[0] == site.market.ts[-1]
        assert columns["frame"].fits(snapshot["frame"])


async def test_a_grown_column_replaces_the_last_one(reader, site):
    snapshot = await reader.follow(window="7d")
    last = snapshot["frame"].ts[-1]
    seen = set()
    for step in range(4):
        site.market.candle({"BTCUSDT": 112_100.0 + 10 * step})
        seen.add(int((await reader.next("columns"))["frame"].ts[0] - last))
    assert snapshot["step_ms"] == 900_000
    assert seen == {0, 900_000} or seen == {0, 900_000, 1_800_000}


async def test_nothing_is_sent_where_nothing_changed(reader, site):
    await reader.follow(window="7d")
    site.market.changes.say(Change("BTCUSDT", ChangeKind.CANDLE, int(site.market.ts[-1])))
    await asyncio.sleep(0.2)
    await reader.socket.send_json({"type": "ping", "id": 1})
    assert (await reader.next("columns", "snapshot", "pong"))["type"] == "pong"


async def test_a_price_that_leaves_the_range_brings_a_new_one(reader, site):
    snapshot = await reader.follow()
    site.market.candle({"BTCUSDT": snapshot["high"] * 1.01})
    fresh = await reader.next("columns", "snapshot")
    assert fresh["type"] == "snapshot"
    assert fresh["n"] == snapshot["n"] + 1
    assert fresh["high"] > snapshot["high"]


async def test_the_chart_shows_the_usual_model_and_says_so(serve):
    site = await serve(usual="leverage")
    async with site.ws("/ws/heatmap") as socket:
        reader = Reader(socket)
        snapshot = await reader.follow()
        assert snapshot["about"] == "Model leverage: standing notional. Zones and alerts use flow"
        assert site.market.presets == [LEVERAGE]
        site.market.candle({"BTCUSDT": 112_100.0})
        columns = await reader.next("columns")
        assert columns["n"] == snapshot["n"] + 1
        assert columns["about"] == snapshot["about"]
        assert set(site.market.presets) == {LEVERAGE}
        assert (len(columns["frame"]), columns["frame"].bins) == (1, snapshot["frame"].bins)


async def test_a_usual_model_that_a_market_cannot_feed_says_why(serve):
    site = await serve(usual="leverage")
    async with site.ws("/ws/heatmap") as socket:
        await socket.send_json({"type": "subscribe", "symbol": "ETH", "window": "24h"})
        error = await Reader(socket).next("error")
    assert error["code"] == "no_snapshot"
    assert error["message"] == "leverage follows open interest, and there is none for ETH at this time."


async def test_the_market_s_own_heatmap_needs_no_word(reader, site):
    assert (await reader.follow())["about"] == ""
    assert site.market.presets == []


async def test_what_the_market_shows_itself_is_not_asked_of_a_model(site):
    with pytest.raises(GridError, match="flow is what the market itself shows"):
        await Usual(site.market, FLOW).grid("BTCUSDT", 3_600_000, max_cols=10)


async def test_a_jump_in_time_brings_everything_anew(reader, site):
    snapshot = await reader.follow()
    site.market.rebuilt(back=30)
    fresh = await reader.next("columns", "snapshot")
    assert fresh["type"] == "snapshot"
    assert fresh["frame"].ts[-1] < snapshot["frame"].ts[-1]


async def test_the_market_channel_tells_price_bar_and_zones(reader, site):
    await reader.socket.send_json({"type": "subscribe", "channel": "market", "symbol": "BTC"})
    facts = await reader.next("market")
    assert facts["price"] == pytest.approx(112_000)
    assert len(facts["zones"]) == 4
    assert facts["zones"][0]["side"] == "short"
    site.market.tick("BTCUSDT", 112_100.0)
    site.market.tick("BTCUSDT", 111_900.0)
    price = await reader.next("price")
    while price["price"] != 111_900.0:
        price = await reader.next("price")
    assert price["bar"]["close"] == 111_900.0
    assert price["bar"]["high"] >= price["bar"]["low"]
    assert "zones" not in price


async def test_messages_of_a_channel_are_numbered_without_a_gap(reader, site):
    await reader.socket.send_json({"type": "subscribe", "channel": "market", "symbol": "BTC"})
    numbers = [(await reader.next("market"))["n"]]
    for step in range(6):
        site.market.tick("BTCUSDT", 112_000.0 + step)
        if step == 3:
            site.market.candle({"BTCUSDT": 112_050.0})
        numbers.append((await reader.next("price", "facts"))["n"])
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_resync_brings_a_snapshot_of_now(reader, site):
    snapshot = await reader.follow()
    site.market.candle()
    await reader.next("columns")
    await reader.socket.send_json({"type": "resync", "symbol": "BTC", "window": "24h"})
    fresh = await reader.next("snapshot")
    assert fresh["n"] == snapshot["n"] + 1
    assert fresh["frame"].ts[-1] == site.market.ts[-1]


async def test_a_snapshot_and_columns_add_up_to_the_present(reader, site):
    frame = (await reader.follow())["frame"]
    for _ in range(3):
        site.market.candle()
        frame = frame.extended((await reader.next("columns"))["frame"], keep=288)
    await reader.socket.send_json({"type": "resync", "symbol": "BTC", "window": "24h"})
    fresh = (await reader.next("snapshot"))["frame"]
    assert np.array_equal(fresh.long, frame.long[-len(fresh) :])
    assert np.array_equal(fresh.ts, frame.ts[-len(fresh) :])


async def test_nothing_comes_after_unsubscribing(reader, site):
    await reader.follow()
    await reader.socket.send_json({"type": "unsubscribe", "symbol": "BTC", "window": "24h"})
    await reader.next("unsubscribed")
    site.market.candle()
    await reader.socket.send_json({"type": "ping", "id": 1})
    assert (await reader.next("columns", "snapshot", "pong"))["type"] == "pong"


async def test_a_snapshot_is_made_once_for_all(site):
    sockets = [await site.ws("/ws/heatmap") for _ in range(5)]
    readers = [Reader(socket) for socket in sockets]
    await asyncio.gather(*(reader.follow() for reader in readers))
    assert site.market.grids == 1
    for socket in sockets:
        await socket.close()


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '"x"',
        "{}",
        '{"type":5}',
        '{"type":"dance"}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","symbol":"DOGE9","window":"24h"}',
        '{"type":"subscribe","symbol":"BTC","window":"99h"}',
        '{"type":"subscribe","symbol":"BTC","window":["24h"]}',
        '{"type":"subscribe","symbol":"BTC","channel":"secrets"}',
        '{"type":"subscribe","symbol":{"a":1},"window":"24h"}',
        "[" * 3000,
    ],
)
async def test_a_mistake_is_answered_and_the_line_stays(reader, text):
    await reader.socket.send_str(text)
    error = await reader.next("error")
    assert error["code"] == "bad_request"
    assert error["message"]
    await reader.socket.send_json({"type": "ping", "id": 2})
    assert (await reader.next("pong"))["id"] == 2


async def test_a_fault_in_the_market_is_told_with_an_incident(reader, site):
    site.market.fault = RuntimeError("secret detail")
    await reader.socket.send_json({"type": "subscribe", "symbol": "BTC", "window": "24h"})
    error = await reader.next("error")
    assert error["code"] == "no_snapshot"
    assert "Incident" in error["message"]
    assert "secret" not in error["message"]


async def test_drawing_goes_on_after_a_fault(reader, site):
    await reader.follow()
    site.market.fault = RuntimeError("for a moment")
    site.market.candle()
    await asyncio.sleep(0.3)
    states = {part.name: part.state.value for part in site.server.health()}
    assert states["web heatmaps"] == "restarting"
    site.market.fault = None
    site.market.candle()
    columns = await reader.next("columns", "snapshot")
    assert columns["frame"].ts[-1] == site.market.ts[-1]


async def test_the_clock_is_told_when_it_changes(reader, site):
    await reader.next("hello")
    site.market.said = "REPLAY 2025-10-10 20:40 UTC paused"
    clock = await reader.next("clock")
    assert clock["label"].endswith("paused")


async def test_a_client_that_takes_nothing_costs_the_others_nothing(site):
    stalled = await site.ws("/ws/heatmap")
    await stalled.send_json({"type": "subscribe", "channel": "market", "symbol": "BTC"})
    stalled._response.connection.transport.pause_reading()
    async with site.ws("/ws/heatmap") as socket:
        reader = Reader(socket)
        await socket.send_json({"type": "subscribe", "channel": "market", "symbol": "BTC"})
        await reader.next("market")
        for step in range(12):
            site.market.tick("BTCUSDT", 112_000.0 + step)
            assert (await reader.next("price"))["price"] == 112_000.0 + step
    stalled._response.connection.transport.resume_reading()
    await stalled.close()


async def test_clients_are_told_when_the_server_stops(site):
    async with site.ws("/ws/heatmap") as socket:
        await socket.receive_json()
        await site.server.stop()
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            continue
        assert message.type is WSMsgType.CLOSE
        assert message.data == 1001
