"""Candles, zones, liquidations, alerts, JSON heatmaps: a snapshot, then numbered changes alone."""

import asyncio
import json
from dataclasses import replace

import numpy as np
import pytest
import websockets

from adapters.venue import Feed
from bot.live.view import Change, ChangeKind
from bot.web.encode import unpack
from bot.web.tape import MOST_AT_ONCE, RECENT, LiquidationChannel
from engine.model import STEP_MS, Liquidation, PriceKind, Side


class Talk:
    """Speak with the stream through a client that is not the server's own library."""

    def __init__(self, socket) -> None:
        self.socket = socket

    async def ask(self, **message):
        """Send a request and return what it is answered; what comes before is thrown away."""
        await self.socket.send(json.dumps({"id": "q", **message}))
        while (heard := await self.hear()).get("id") != "q":
            continue
        return heard

    async def hear(self, *kinds: str):
        """Return the next message, or the next of these types."""
        while True:
            data = await asyncio.wait_for(self.socket.recv(), 15)
            message = json.loads(data) if isinstance(data, str) else unpack(data)[0]
            if not kinds or message["type"] in kinds:
                return message


@pytest.fixture
async def talk(site):
    address = f"ws://127.0.0.1:{site.server.port}/ws/heatmap"
    async with websockets.connect(address, max_size=None) as socket:
        yield Talk(socket)


def liquidation(number: int, symbol: str = "BTCUSDT", usd: float = 1000.0) -> Liquidation:
    return Liquidation(
        venue="binance",
        symbol=symbol,
        side=Side.LONG,
        price=100.0,
        price_kind=PriceKind.BANKRUPTCY,
        quantity=usd / 100,
        notional_usd=usd,
        ts=1_760_128_500_000 + number,
        received_ms=1_760_128_500_000 + number,
    )


async def test_candles_are_told_whole_then_as_they_form_and_close(talk, site):
    await talk.ask(type="subscribe", channel="candles", symbol="BTC", window="12h")
    whole = await talk.hear("candles")
    assert len(whole["candles"]) == 144
    assert whole["candles"][-1][whole["fields"].index("close")] == pytest.approx(112_000)
    site.market.tick("BTCUSDT", 112_050.0, seconds=300)
    formed = await talk.hear("candle")
    assert (formed["closed"], formed["n"]) == (False, whole["n"] + 1)
    assert formed["candles"][0][4] == 112_050.0
    site.market.candle({"BTCUSDT": 112_080.0})
    closed = await talk.hear("candle")
    while not closed["closed"]:
        closed = await talk.hear("candle")
    assert closed["candles"] == [[int(site.market.ts[-1]), *[112_080.0] * 4, 1.0]]
    assert closed["candles"][0][0] == whole["candles"][-1][0] + STEP_MS


async def test_a_jump_in_time_brings_all_candles_anew(talk, site):
    await talk.ask(type="subscribe", channel="candles", symbol="BTC", window="12h")
    whole = await talk.hear("candles")
    site.market.rebuilt(back=20)
    fresh = await talk.hear("candles")
    assert fresh["n"] > whole["n"]
    assert fresh["candles"][-1][0] == whole["candles"][-1][0] - 20 * STEP_MS


async def test_zones_tell_what_is_new_and_what_is_gone(talk, site):
    await talk.ask(type="subscribe", channel="zones", symbol="BTC")
    whole = await talk.hear("zones")
    assert [zone["notional_usd"] for zone in whole["zones"]] == [38e6, 21e6, 55e6, 62e6]
    assert whole["ready"] is True
    zones = site.market.zones
    site.market.zones = lambda symbol: with_three(zones(symbol))
    site.market.tick("BTCUSDT", 112_001.0)
    changed = await talk.hear("zones_changed")
    assert (changed["n"], changed["zones"], changed["gone"]) == (whole["n"] + 1, [], ["BTCUSDT-3"])


def with_three(zones):
    return replace(zones, zones=zones.zones[:3])


async def test_where_nothing_changed_nothing_is_sent(talk, site):
    channels = ["market", "zones", "candles", "heatmap"]
    await talk.ask(type="subscribe", channels=channels, symbols=["BTC"])
    for kind in ("market", "zones", "candles", "snapshot"):
        await talk.hear(kind)
    site.market.tick("BTCUSDT", site.market.price["BTCUSDT"], seconds=1)
    await talk.hear("price")  # once: whether the candle has grown is news
    sent = site.server._stream.tally.sent
    for kind in (ChangeKind.TICK, ChangeKind.CANDLE, ChangeKind.TICK):
        site.market.changes.say(Change("BTCUSDT", kind, site.market.clock_ms))
        assert (await talk.ask(type="ping"))["type"] == "pong"
    site.market.tick("ETHUSDT", 4_100.0)
    await talk.ask(type="subscribe", channel="market", symbol="ETH")
    assert (await talk.hear())["type"] == "market"
    assert site.server._stream.tally.sent == sent + 5


async def test_liquidations_of_a_symbol_come_as_they_are_reported(talk, site):
    site.market.feeds = frozenset({Feed.LIQUIDATIONS})
    site.server.stream.board.heard(liquidation(1))
    site.server.stream.board.heard(liquidation(2, "ETHUSDT"))
    await talk.ask(type="subscribe", channel="market", symbol="BTC")
    await talk.hear("market")
    site.market.tick("BTCUSDT", 111_000.0)
    await talk.hear("price")  # what was heard before is told by now
    assert (await talk.ask(type="subscribe", channel="liquidations", symbol="BTC"))["type"] == "subscribed"
    whole = await talk.hear("liquidations")
    assert [
        dict(zip(whole["fields"], row, strict=True))["notional_usd"] for row in whole["liquidations"]
    ] == [1000.0]
    site.server.stream.board.heard(liquidation(3, usd=5e6))
    site.server.stream.board.heard(liquidation(4, "ETHUSDT"))
    site.server.stream.board.heard(liquidation(5, usd=7e6))
    told = []
    n = whole["n"]
    while len(told) < 2:
        news = await talk.hear("liquidated")
        assert (news["n"], news["left_out"]) == (n + 1, 0)
        n, told = news["n"], [*told, *(row[-1] for row in news["liquidations"])]
    assert told == [5e6, 7e6]


async def test_without_reports_there_is_no_such_channel(talk):
    error = await talk.ask(type="subscribe", channel="liquidations", symbol="BTC")
    assert (error["type"], error["code"]) == ("error", "bad_request")
    assert error["message"].startswith("There are no reports of liquidations here")


class Kept:
    """Be followed by everybody, and keep what is published."""

    def __init__(self) -> None:
        self.said = []

    def publish(self, message) -> None:
        self.said.append(json.loads(message.frame[message.frame.index(b"{") :]))

    def follows(self, _: str) -> bool:
        return True


async def test_of_a_burst_the_largest_are_told_and_the_others_counted():
    kept = Kept()
    tape = LiquidationChannel("BTCUSDT", kept, 0)
    for number in range(3 * MOST_AT_ONCE):
        tape.add(liquidation(number, usd=float(number + 1)))
    assert json.loads((frame := (await tape.snapshot()).frame)[frame.index(b"{") :])["liquidations"] == []
    tape.update()
    tape.update()
    (news,) = kept.said
    assert news["left_out"] == 2 * MOST_AT_ONCE
    assert [row[-1] for row in news["liquidations"]] == [float(n) for n in range(1001, 1501)]
    frame = (await tape.snapshot()).frame
    assert len(json.loads(frame[frame.index(b"{") :])["liquidations"]) == RECENT


async def test_alerts_of_the_local_user_come_with_the_inbox_first(talk, site, make_alert):
    await site.inapp.push(make_alert(1))
    assert (await talk.ask(type="subscribe", channel="alerts"))["channel"] == "alerts"
    whole = await talk.hear("alerts")
    assert [alert["delivery"] for alert in whole["alerts"]] == [1]
    assert whole["unread"] == 1
    await site.inapp.push(make_alert(2))
    alert = await talk.hear("alert")
    assert (alert["delivery"], alert["n"]) == (2, whole["n"] + 1)
    async with site.get(alert["image"]["url"]) as picture:
        assert picture.content_type == "image/png"


async def test_nobody_but_the_local_user_sees_alerts(open_site, token, make_alert):
    await open_site.inapp.push(make_alert(1))
    async with open_site.ws("/ws/heatmap") as socket:
        await socket.receive_json()
        await socket.send_json({"type": "subscribe", "channels": ["alerts", "market"], "symbols": ["BTC"]})
        error = await socket.receive_json()
        assert (error["type"], error["code"]) == ("error", "forbidden")
        await socket.send_json({"type": "resync", "channel": "alerts"})
        assert (await socket.receive_json())["code"] == "not_subscribed"
        await open_site.inapp.push(make_alert(2))
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json())["type"] == "pong"
    async with open_site.client.post("/panel/sign-in", data={"token": token}) as answer:
        name = f"liqwatch_panel_{open_site.server.port}"
        headers = {"Cookie": f"{name}={answer.cookies[name].value}"}
    async with open_site.ws("/ws/heatmap", headers=headers) as socket:
        await socket.receive_json()
        await socket.send_json({"type": "subscribe", "channel": "alerts"})
        while (message := await socket.receive_json())["type"] != "alerts":
            assert message["type"] in ("subscribed", "clock")
        assert len(message["alerts"]) == 2


async def test_a_heatmap_as_json_says_what_the_binary_one_says(talk, site):
    for form in ("binary", "json"):
        await talk.socket.send(json.dumps({"type": "subscribe", "symbol": "BTC", "format": form}))
    found = {}
    while len(found) < 2:
        data = await asyncio.wait_for(talk.socket.recv(), 15)
        if isinstance(data, bytes):
            found["binary"] = unpack(data)
        elif (message := json.loads(data))["type"] == "snapshot":
            found["json"] = message
    (header, frame), plain = found["binary"], found["json"]
    assert plain["channel"] == "heatmap:BTCUSDT:24h:json"
    assert plain["n"] == header["n"]
    assert [column["ts"] for column in plain["columns"]] == frame.ts.tolist()
    dollars = np.rint(frame.scale.dollars(frame.long))
    assert np.array_equal([column["long_usd"] for column in plain["columns"]], dollars)
    assert site.market.grids == 1
    site.market.candle({"BTCUSDT": 112_100.0})
    columns = await talk.hear("columns")
    assert columns["n"] == plain["n"] + 1
    assert (await talk.hear("columns"))["n"] == columns["n"]


async def test_a_channel_that_nobody_follows_is_let_go(talk, site):
    board = site.server._stream.board
    await talk.ask(type="subscribe", channels=["heatmap", "candles", "market"], symbols=["BTC", "ETH"])
    for _ in range(6):
        await talk.hear("snapshot", "candles", "market")
    assert len(board._drawn) == 4
    await talk.ask(type="unsubscribe", channels=["heatmap", "candles"], symbols=["BTC"])
    await talk.ask(type="ping")
    assert len(board._drawn) == 2
    await talk.socket.close()
    async with site.ws("/ws/heatmap") as socket:
        for _ in range(200):
            await socket.send_json({"type": "ping"})
            await socket.receive_json()
            if not board._drawn and not board._facts:
                break
    assert not board._drawn
    assert not board._facts
