"""Whatever a client sends is answered; who is one too many, slow or late is told, and costs nobody else."""

import asyncio
import json
import socket as sockets

import pytest
import structlog
import websockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.web.ports import WINDOWS
from bot.web.topics import Form, Kind
from config.api_sections import ApiSettings

WORDS = st.sampled_from(
    [
        *Kind,
        *Form,
        *WINDOWS,
        "BTC",
        "ETH",
        "btcusdt",
        "DOGE",
        "market:BTCUSDT",
        "heatmap:BTC:24h:json",
        "a:b:c:d:e",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["channel", "channels", "symbol", "symbols", "window", "format", "id", "n", "type"])
KINDS = st.sampled_from(["subscribe", "unsubscribe", "resync", "ping", "hello", ""])
ALIKE = st.builds(
    lambda kind, more: json.dumps({"type": kind, **more}),
    KINDS,
    st.dictionaries(FIELDS, VALUES | st.lists(WORDS, min_size=1, max_size=3), max_size=5),
)
SENT = (
    ALIKE
    | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace").decode())
    | st.binary(max_size=80)
)
FREE = {"rate_per_s": 1000}


def address(site) -> str:
    return f"ws://127.0.0.1:{site.server.port}/ws/heatmap"


def connect(site, **more):
    return websockets.connect(address(site), max_size=None, **more)


async def hear(socket, *kinds: str):
    """Return the next text message, or the next of these types."""
    while True:
        data = await asyncio.wait_for(socket.recv(), 20)
        if isinstance(data, str) and (not kinds or json.loads(data)["type"] in kinds):
            return json.loads(data)


async def drained(socket) -> None:
    """Read until the line is closed."""
    while True:
        await asyncio.wait_for(socket.recv(), 20)


async def ask(socket, **message):
    await socket.send(json.dumps({"id": "q", **message}))
    while (heard := await hear(socket)).get("id") != "q":
        continue
    return heard


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def free(serve):
    """Return a server whose clients may send as fast as they like, and are told often."""
    return await serve(ws=FREE | {"update_interval_s": 0.02})


async def test_whatever_is_sent_is_answered_and_the_line_stays(free, capfd):
    async with connect(free) as socket:
        await hear(socket, "hello")

        async def check(sent) -> None:
            await socket.send(sent)
            await socket.send(json.dumps({"type": "ping", "id": "the end"}))
            answers = []
            while (heard := await hear(socket)).get("id") != "the end" or heard["type"] != "pong":
                answers.append(heard["type"])
            own = [kind for kind in answers if kind in ANSWERS]
            assert own, (sent, answers)

        await fuzzed(check)
    assert "Traceback" not in "".join(capfd.readouterr())


ANSWERS = {"subscribed", "unsubscribed", "resyncing", "pong", "error"}


async def fuzzed(check) -> None:
    """Run an asynchronous check on what hypothesis thinks of, in this loop."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(SENT)
    def run(sent) -> None:
        asyncio.run_coroutine_threadsafe(check(sent), loop).result(60)

    await asyncio.to_thread(run)


async def test_what_is_sent_in_pieces_or_too_long_is_answered(free):
    async with connect(free) as socket:
        await hear(socket, "hello")
        await socket.send(['{"type":', '"ping","id":', "5}"])
        assert await hear(socket, "pong") == {"type": "pong", "id": 5}
        await socket.send("x" * 5000)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await drained(socket)
        assert closed.value.rcvd.code == 1009


async def test_many_channels_of_many_symbols_are_followed_at_once(free):
    async with connect(free) as socket:
        said = await ask(socket, type="subscribe", channels=["market", "zones"], symbols=["BTC", "ETH"])
        assert said["channels"] == ["market:BTCUSDT", "market:ETHUSDT", "zones:BTCUSDT", "zones:ETHUSDT"]
        found = {(await hear(socket, "market", "zones"))["channel"] for _ in range(4)}
        assert found == set(said["channels"])
        said = await ask(socket, type="unsubscribe", channels=["market:BTCUSDT", "zones:ETHUSDT"])
        assert said["type"] == "unsubscribed"
        free.market.candle({"BTCUSDT": 112_500.0, "ETHUSDT": 4_010.0})
        assert (await hear(socket, "facts"))["channel"] == "market:ETHUSDT"
        assert free.server._stream.subscribers() == {"market:ETHUSDT": 1, "zones:BTCUSDT": 1}


async def test_where_one_of_many_cannot_be_none_is_followed(free):
    async with connect(free) as socket:
        error = await ask(socket, type="subscribe", channels=["market", "liquidations"], symbols=["BTC"])
        assert error["code"] == "bad_request"
        assert free.server._stream.subscribers() == {}


async def test_more_channels_than_allowed_are_refused_whole(serve):
    site = await serve(ws=FREE | {"max_subscriptions": 3})
    async with connect(site) as socket:
        assert (await hear(socket, "hello"))["limits"]["channels"] == 3
        await ask(socket, type="subscribe", channels=["market", "zones"], symbols=["BTC"])
        error = await ask(socket, type="subscribe", channels=["market", "zones"], symbols=["ETH"])
        assert (error["code"], len(site.server._stream.subscribers())) == ("too_many", 2)
        assert (await ask(socket, type="subscribe", channels=["market"], symbols=["ETH"]))[
            "type"
        ] == "subscribed"
        error = await ask(socket, type="subscribe", channels=["market"], symbols=["BTC", "ETH", "BTC", "ETH"])
        assert error["message"] == "symbols has 4 entries; 3 are the most."


async def test_a_missed_number_is_made_good_by_resync(free):
    async with connect(free) as socket:
        await ask(socket, type="subscribe", channel="market", symbol="BTC")
        whole = await hear(socket, "market")
        board = free.server._stream.board
        (channel,) = board._facts.values()
        channel._n += 5  # as if five messages were lost
        free.market.tick("BTCUSDT", 111_111.0)
        late = await hear(socket, "price")
        assert late["n"] == whole["n"] + 6
        assert (await ask(socket, type="resync", channel=late["channel"]))["type"] == "resyncing"
        fresh = await hear(socket, "market")
        assert (fresh["n"], fresh["price"]) == (late["n"], 111_111.0)
        free.market.tick("BTCUSDT", 111_222.0)
        assert (await hear(socket, "price"))["n"] == late["n"] + 1


async def test_what_is_not_followed_cannot_be_asked_for_again(free):
    async with connect(free) as socket:
        error = await ask(socket, type="resync", channel="market", symbol="BTC")
        assert error["code"] == "not_subscribed"
        assert (await ask(socket, type="unsubscribe", channel="market", symbol="BTC"))[
            "type"
        ] == "unsubscribed"


async def test_two_clients_are_given_the_same_bytes(free):
    async with connect(free) as one, connect(free) as other:
        for socket in (one, other):
            await hear(socket, "hello")
            await socket.send('{"type":"subscribe","symbol":"BTC"}')
            await hear(socket, "subscribed")
        got = []
        for socket in (one, other):
            while isinstance(data := await asyncio.wait_for(socket.recv(), 20), str):
                continue
            got.append(data)
        assert got[0] == got[1]
        assert free.market.grids == 1
        free.market.candle({"BTCUSDT": 112_050.0})
        news = []
        for socket in (one, other):
            while isinstance(data := await asyncio.wait_for(socket.recv(), 20), str):
                continue
            news.append(data)
        assert news[0] == news[1] != got[0]


async def test_a_slow_client_is_warned_and_served_afresh_when_it_reads_again(serve):
    site = await serve(ws=FREE | {"buffer_kb": 16, "slow_s": 60, "update_interval_s": 0.02})
    tally = site.server._stream.tally
    async with connect(site, max_queue=1, ping_interval=None) as slow:
        await ask(slow, type="subscribe", channel="market", symbol="BTC")
        whole = [f"heatmap:{symbol}:{window}:json" for symbol in ("BTC", "ETH") for window in WINDOWS]
        await slow.send(json.dumps({"type": "subscribe", "channels": whole}))  # tens of megabytes, not read
        for step in range(2000):
            site.market.tick("BTCUSDT", 112_000.0 + step)
            if tally.slow:
                break
            await asyncio.sleep(0.025)
        await until(lambda: tally.slow == 1)
        site.market.candle({"BTCUSDT": 112_060.0})
        assert (await hear(slow, "error"))["code"] == "slow_consumer"
        fresh = await hear(slow, "market")
        while fresh["price"] != 112_060.0:
            fresh = await hear(slow, "market", "facts")
        assert tally.dropped
        assert tally.closed == 0
        assert (await ask(slow, type="ping"))["type"] == "pong"


async def test_a_stalled_client_is_closed_and_costs_the_others_nothing(serve):
    site = await serve(ws=FREE | {"buffer_kb": 16, "slow_s": 1, "update_interval_s": 0.02})
    tally = site.server._stream.tally
    stalled = await connect(site, max_queue=1, ping_interval=None)
    subscribe = json.dumps({"type": "subscribe", "symbol": "BTC", "window": "3d", "format": "json"})
    async with connect(site) as one, connect(site) as other:
        for socket in (one, other):
            await ask(socket, type="subscribe", channel="market", symbol="BTC")
            await hear(socket, "market")
        for step in range(400):
            if tally.slow == 0:
                await stalled.send(subscribe)
                site.market.candle({"BTCUSDT": 112_000.0 + step, "ETHUSDT": 4_000.0})
            site.market.tick("BTCUSDT", 112_000.5 + step)
            numbers = [(await hear(socket, "price", "facts"))["n"] for socket in (one, other)]
            assert numbers == [step + 1, step + 1]
            if tally.closed:
                break
            await asyncio.sleep(0.03)
        await until(lambda: tally.closed == 1)
        await until(lambda: site.server._stream.connections == 2)
    with pytest.raises(websockets.ConnectionClosed):
        await drained(stalled)


async def test_one_address_has_its_share_of_the_places(serve):
    site = await serve(ws={"max_per_address": 2}, api=ApiSettings(trusted_proxies=("127.0.0.1",)))

    def via(name: str):
        return connect(site, additional_headers={"X-Forwarded-For": name})

    async with via("198.51.100.7"), via("198.51.100.7") as second:
        with pytest.raises(websockets.InvalidStatus) as refused:
            await via("198.51.100.7")
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["Retry-After"] == "10"
        assert b"LIQWATCH_TRUSTED_PROXIES" in refused.value.response.body
        async with via("198.51.100.8") as other:
            assert (await hear(other))["type"] == "hello"
        await second.close()
        await until(lambda: site.server._stream.connections == 1)
        async with via("198.51.100.7") as again:
            assert (await hear(again))["type"] == "hello"
    await until(lambda: site.server._stream.connections == 0)
    assert site.server._stream._of_address == {}


async def test_a_stream_that_is_off_says_so(serve):
    site = await serve(ws={"enabled": False})
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(site)
    assert refused.value.response.status_code == 503
    assert b"LIQWATCH_WS_ENABLED" in refused.value.response.body
    async with site.get("/ws/stats") as answer:
        assert (await answer.json())["most_connections"] == 0


async def test_the_numbers_of_the_stream_are_told(free):
    async with connect(free) as socket:
        await ask(socket, type="subscribe", channel="market", symbol="BTC")
        await hear(socket, "market")
        async with free.get("/ws/stats") as answer:
            stats = await answer.json()
        assert stats["connections"] == 1
        assert stats["channels"] == {"market:BTCUSDT": 1}
        assert stats["messages_sent"] >= 3
        assert stats["bytes_sent"] > 500
        async with free.get("/metrics") as answer:
            text = await answer.text()
        assert "ws_active_connections 1.0" in text
        assert "ws_slow_consumers_total 0.0" in text


async def test_changes_are_gathered_for_the_interval(serve):
    site = await serve(ws=FREE | {"update_interval_s": 60})
    async with connect(site) as socket:
        await ask(socket, type="subscribe", channel="market", symbol="BTC")
        await hear(socket, "market")
        site.market.tick("BTCUSDT", 111_001.0)
        assert (await hear(socket, "price"))["price"] == 111_001.0
        for step in range(5):
            site.market.tick("BTCUSDT", 111_002.0 + step)
            assert (await ask(socket, type="ping"))["type"] == "pong"
        await socket.send('{"type":"ping","id":"last"}')
        assert (await hear(socket, "price", "pong"))["type"] == "pong"


@pytest.mark.parametrize("shown", [False, True])
async def test_addresses_are_logged_where_that_is_set(serve, shown):
    site = await serve(api=ApiSettings(log_addresses=shown))
    with structlog.testing.capture_logs() as lines:
        async with connect(site) as socket:
            await ask(socket, type="subscribe", channel="market", symbol="BTC")
        await until(lambda: any(line["event"] == "stream.disconnected" for line in lines))
    (joined,) = [line for line in lines if line["event"] == "stream.connected"]
    assert ("127.0.0.1" in str(lines)) is shown
    assert {line["client"] for line in lines if "client" in line} == {joined["client"]}
    assert "stream.asked" in {line["event"] for line in lines}


async def test_a_client_that_vanishes_leaves_nothing_behind(free):
    stream = free.server._stream
    for _ in range(3):
        async with connect(free) as socket:
            await socket.send('{"type":"subscribe","symbol":"BTC"}')
            transport = socket.transport
            raw = transport.get_extra_info("socket")
            raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            transport.abort()
    await until(lambda: stream.connections == 0 and not stream.subscribers())
    assert len(stream.hub) == 0
