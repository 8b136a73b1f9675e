"""The local Hyperliquid over real sockets, and that what it sends is read: by the venue's own rules."""

import asyncio
import contextlib
import importlib.util
import json
import sys
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from adapters.hyperliquid import account, answers, rest, streams
from adapters.hyperliquid.fills import HLP, LIQUIDATORS
from adapters.parsed import Dropped
from adapters.rest.verdicts import GOOD, Answered, Outcome
from adapters.stream.dialect import Op
from adapters.venue import Feed
from engine.model import Candle, Funding, Liquidation, OpenInterest, Side, Tick

HERE = Path(__file__)


def load(name, path):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_hyperliquid", HERE.parents[2] / "peers" / "hyperliquid.py")
made = load("hyperliquid_conftest", HERE.with_name("conftest.py"))
NOW = made.NOW_MS
HOUR = 3_600_000
USER = "0x" + "ab" * 20


class Clock:
    """Seconds and market time that only tests move."""

    def __init__(self):
        self.now_s = 1000.0

    def seconds(self):
        return self.now_s

    def ms(self):
        return NOW + int((self.now_s - 1000.0) * 1000)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def api(clock):
    server = peer.Hyperliquid(now_ms=clock.ms, clock=clock.seconds)
    coin = peer.world.Coin
    server.world.coins = [
        coin("BTC", mark=66_607.0, mid=66_607.5, decimals=5, leverage=40, table=56),
        coin("MATIC", mark=0.5, delisted=True),
        coin("ETH", mark=2000.0),
        coin("kPEPE", mark=0.0123, decimals=0, leverage=10, table=10),
    ]
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as opened:
        yield opened


class Client:
    """What the shared machinery does, in its plainest form."""

    def __init__(self, api, session, clock):
        self.api, self.session, self.clock = api, session, clock
        self.universe = answers.Universe()
        self.dialect = streams.Hyperliquid(lambda: self.universe)

    async def answered(self, call):
        async with self.session.post(self.api.url + call.path, json=call.body) as response:
            body = await response.read()
            decoded = None
            with contextlib.suppress(ValueError):
                decoded = json.loads(body)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answered(status=response.status, headers=headers, body=body, decoded=decoded)

    async def ask(self, call):
        before = self.api.weight.used
        found = await self.answered(call)
        assert rest.judge(found) == GOOD
        assert 0 < self.api.weight.used - before <= call.weight
        return found.decoded

    async def learn(self):
        self.universe = answers.listed(await self.ask(rest.listing())).instruments
        return self.universe

    async def line(self):
        return Line(self, await self.session.ws_connect(self.api.ws_url))


class Line:
    """One connection with its own parser."""

    def __init__(self, client, socket):
        self.client, self.socket = client, socket
        self.read = client.dialect.parser()

    async def next(self, timeout_s=2.0):
        message = await self.socket.receive(timeout=timeout_s)
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return self.read(message.data, self.client.clock.ms())
        return message

    async def ask(self, op, *topics):
        for request in self.client.dialect.requests(op, topics, count(1)):
            await self.socket.send_str(request.text)

    async def subscribe(self, *topics):
        """Subscribe; return what came first of each topic."""
        first = []
        await self.ask(Op.SUBSCRIBE, *topics)
        open_topics = set(topics)
        while open_topics:
            found = await self.next()
            for answer in found.answers:
                assert answer.ok, answer
                open_topics -= set(answer.topics)
            if found.events or found.backlog:
                first.append(found)
        return first


@pytest.fixture
async def client(api, session, clock):
    found = Client(api, session, clock)
    await found.learn()
    return found


@pytest.fixture
async def line(client):
    opened = await client.line()
    assert (await opened.next()).alive
    return opened


# calls


async def test_the_listing_keeps_delisted_coins_in_their_place(client):
    assert [each.native for each in client.universe.entries] == ["BTC", "MATIC", "ETH", "kPEPE"]
    tiers = answers.tiers(await client.ask(rest.listing()), "2026-11-20")
    assert tiers["BTCUSDT"].tiers[0].cap == 150e6


async def test_contexts_time_and_vaults_are_read(client, api, clock):
    parsed = answers.context_events(await client.ask(rest.contexts()), clock.ms())
    assert [(t.symbol, t.price) for t in parsed.events if isinstance(t, Tick)] == [
        ("BTCUSDT", 66_607.0),
        ("ETHUSDT", 2000.0),
        ("PEPEUSDT", pytest.approx(0.0000123)),
    ]
    assert not parsed.dropped
    api.skew_ms = -7000
    assert answers.server_time(await client.ask(rest.clock())) == clock.ms() - 7000
    api.world.children = [USER]
    assert USER in account.vaults_of(await client.ask(rest.vault()))


@pytest.mark.parametrize("interval", list(rest.STEPS_MS))
async def test_candles_are_read_and_the_last_one_forms(client, clock, interval):
    page = rest.candles(client.universe.native("kPEPE"), interval, clock.ms())
    now = clock.ms()
    parsed = page.read(await client.ask(page.ask(now - 20 * page.step_ms, now)))
    assert len(parsed.events) == 20
    assert [candle.closed for candle in parsed.events[-2:]] == [True, False]
    assert all(isinstance(candle, Candle) and candle.symbol == "PEPEUSDT" for candle in parsed.events)


async def test_trap_only_the_latest_5000_candles_exist(client, api, clock):
    page = rest.candles(client.universe.native("BTC"), "1m", clock.ms())
    parsed = page.read(await client.ask(page.ask(NOW - 9000 * 60_000, NOW)))
    assert len(parsed.events) == 5000
    assert page.read(await client.ask(page.ask(NOW - 9000 * 60_000, parsed.events[0].ts - 1))).events == ()
    api.world.holes.add(("BTC", NOW // 60_000 * 60_000 - 120_000))
    parsed = page.read(await client.ask(page.ask(NOW - 600_000, NOW)))
    assert len(parsed.events) == 9


async def test_funding_is_read_page_by_page(client, clock):
    page, first = rest.funding(client.universe.native("BTC"), clock.ms()), NOW - 900 * HOUR
    found = []
    while True:
        parsed = page.read(await client.ask(page.ask(first, NOW)))
        found += [event for event in parsed.events if event not in found]
        if len(parsed.events) < page.size:
            break
        first = parsed.events[-1].ts
    assert len(found) == 900
    assert all(isinstance(event, Funding) and event.settled for event in found)


async def test_an_account_and_its_fills_are_read(client, api, clock):
    api.world.accounts[USER] = [
        {
            "coin": "BTC",
            "szi": "0.5",
            "entryPx": "60000.0",
            "leverage": {"type": "cross", "value": 20},
            "liquidationPx": "55000.0",
            "marginUsed": "1500.0",
            "positionValue": "33303.5",
        }
    ]
    said = await client.ask(rest.account(USER))
    found = account.read_account(said, user=USER, instruments=client.universe, received_ms=NOW)
    assert (found.ts, found.positions[0].liquidation, found.positions[0].side) == (NOW, 55_000.0, Side.LONG)
    api.world.liquidate(USER, "BTC", "A", 55_000.0, 0.5, by=LIQUIDATORS[0], method="backstop")
    for user in (USER, LIQUIDATORS[0]):
        for call in (rest.fills(user), rest.fills_between(user, 0, NOW)):
            parsed = answers.fill_events(
                await client.ask(call), user=user, instruments=client.universe, received_ms=clock.ms()
            )
            assert [(event.side, event.quantity) for event in parsed.events] == [(Side.LONG, 0.5)]


async def test_fills_of_a_range_are_asked_for_until_they_are_whole(client, api, clock):
    for _ in range(4100):
        clock.now_s += 0.001
        api.world.ordinary(USER, "ETH", "B", 2000.0, 1.0)
    left, times = (0, clock.ms()), set()
    while left:
        said = await client.ask(rest.fills_between(USER, *left))
        times |= {fill["time"] for fill in said}
        left = rest.more_fills(said, *left)
    assert len(times) == 4100


# refusals and limits


async def test_what_the_venue_cannot_read_is_our_mistake(client, api):
    call = rest.listing()
    for body in (
        {"type": "nope"},
        {"type": "l2Book"},
        {"type": "candleSnapshot", "req": {"coin": "BTC"}},
        [],
        5,
    ):
        async with client.session.post(api.url + call.path, json=body) as response:
            assert (response.status, response.content_type) == (422, "text/plain")
    async with client.session.post(api.url + call.path, data="{") as response:
        assert response.status == 422
    async with client.session.post(api.url + call.path, data='{"type":"meta"}') as response:
        assert response.status == 422
    bad = await client.answered(rest.candles(made.coin("BTC"), "5m", NOW).ask(0, 10))
    assert bad.status == 200
    found = await client.answered(rest.clock())
    assert found.decoded["coin"] == "BTC"


async def test_an_unknown_coin_is_an_empty_500(client):
    found = await client.answered(rest.candles(made.coin("NOPE"), "5m", NOW).ask(0, NOW))
    assert (found.status, found.body) == (500, b"null")
    assert rest.judge(found).outcome is Outcome.RETRY


async def test_weight_is_counted_by_the_item_and_too_much_is_refused(client, api, clock):
    clock.now_s += 60
    page = rest.candles(client.universe.native("BTC"), "1m", clock.ms())
    calls = 0
    while api.weight.used + 104 <= 1200:
        await client.ask(page.ask(0, clock.ms()))
        calls += 1
    assert (calls, api.excess) == (11, [])
    found = await client.answered(page.ask(0, clock.ms()))
    assert rest.judge(found).retry_after_s == 60.0
    assert [(each.limit, each.budget) for each in api.excess] == [("weight", 1200)]
    clock.now_s += 60
    assert await client.ask(rest.listing())


@pytest.mark.parametrize(("status", "body"), [(403, "country"), (451, ""), (502, "<html>"), (429, "null")])
async def test_calls_are_refused_on_demand(client, api, status, body):
    api.refuse(status, body, kind="meta")
    assert (await client.answered(rest.listing())).status == status
    assert (await client.answered(rest.listing())).status == 200


async def test_calls_stall_and_break_on_demand(client, api):
    api.drop(kind="meta")
    with pytest.raises(aiohttp.ClientError):
        await client.answered(rest.listing())
    api.stall(5.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.answered(rest.listing())


async def test_a_retry_after_is_kept(client, api):
    api.refuse(429, "null", retry_after=3)
    assert rest.judge(await client.answered(rest.listing())).retry_after_s == 3.0


# streams


async def test_prices_candles_and_liquidations_flow(client, api, line):
    channels = streams.channels(client.universe.all, streams.FEEDS, users=[USER], url=api.ws_url)
    assert {each.url for each in channels} == {api.ws_url}
    first = await line.subscribe(*[each.topic for each in channels])
    assert sum(isinstance(event, Tick) for parsed in first for event in parsed.events) == 3
    await api.price("kPEPE", 0.02, interest=5.0, funding=0.0001)
    tick, interest, funding = (await line.next()).events
    assert (tick.symbol, tick.price) == ("PEPEUSDT", pytest.approx(0.00002))
    assert isinstance(interest, OpenInterest)
    assert (interest.open_interest, funding.rate) == (5000.0, 0.0001)
    opened = NOW // 300_000 * 300_000
    await api.bar("BTC", opened - 300_000)
    await api.bar("BTC", opened)
    assert [event.closed for event in (await line.next()).events] == [False]
    assert [event.closed for event in (await line.next()).events] == [True, False]
    await api.liquidate(USER, "BTC", "B", 66_000.0, 0.5, by=LIQUIDATORS[0])
    own, theirs = (await line.next()).events[0], (await line.next()).events[0]
    assert isinstance(own, Liquidation)
    assert (own, own.side, own.notional_usd) == (theirs, Side.SHORT, 33_000.0)
    assert api.excess == []


async def test_all_contexts_come_on_one_topic(client, api, line):
    first = await line.subscribe("allDexsAssetCtxs")
    first = first or [await line.next()]
    assert [t.symbol for t in first[0].events if isinstance(t, Tick)] == ["BTCUSDT", "ETHUSDT", "PEPEUSDT"]
    assert first[0].dropped == {Dropped.NOT_LINEAR: 1}  # the one coin of another dex


async def test_a_coin_that_is_listed_later_is_counted_until_it_is_known(client, api, line):
    await line.subscribe("allDexsAssetCtxs")
    await line.next()
    api.world.coins.append(peer.world.Coin("NEW", mark=5.0))
    await api.price("NEW", 6.0)
    assert (await line.next()).dropped == {Dropped.NO_INSTRUMENT: 1, Dropped.NOT_LINEAR: 1}
    await client.learn()
    await api.price("NEW", 7.0)
    assert (await line.next()).events[-3].price == 7.0


async def test_trap_trades_begin_with_old_ones(client, api, line):
    for minutes in (177, 30, 0):
        api.world.trade("ETH", 2000.0 + minutes, 1.0, ago_ms=minutes * 60_000)
    await line.ask(Op.SUBSCRIBE, "trades:ETH")
    assert (await line.next()).answers[0].ok
    old = await line.next()
    assert (len(old.events), old.backlog) == (3, True)
    await api.trade("ETH", 1999.0, 1.0, "A")
    fresh = await line.next()
    assert ([tick.price for tick in fresh.events], fresh.backlog) == ([1999.0], False)
    again = await client.line()
    await again.next()
    await again.ask(Op.SUBSCRIBE, "trades:ETH")
    await again.next()
    assert [tick.price for tick in (await again.next()).events][-1] == 1999.0


async def test_fills_begin_with_a_snapshot(client, api, line):
    api.world.liquidate(USER, "BTC", "A", 66_000.0, 0.5, by=HLP)
    await line.ask(Op.SUBSCRIBE, f"userFills:{HLP}")
    await line.next()
    snapshot = await line.next()
    assert (len(snapshot.events), snapshot.backlog) == (1, True)
    assert snapshot.events[0].side is Side.LONG


async def test_trap_a_vault_unwinds_and_is_deleveraged_without_a_liquidation(client, api, line):
    vault = LIQUIDATORS[0]
    await line.ask(Op.SUBSCRIBE, f"userFills:{vault}")
    await line.next()
    assert (await line.next()).backlog
    await api.ordinary(vault, "BTC", "A", 66_000.0, 0.5)
    assert not (await line.next()).events
    given = {"by": USER, "method": "backstop", "direction": "Auto-Deleveraging"}
    await api.liquidate(vault, "BTC", "A", 66_000.0, 0.5, **given)
    found = await line.next()
    assert (found.events, found.dropped) == ((), {Dropped.INTERNAL: 1})


async def test_requests_are_acknowledged_or_refused_by_what_they_ask(client, api, line):
    await line.subscribe("activeAssetCtx:BTC")
    await line.next()
    for topic, ok, code in (
        ("activeAssetCtx:BTC", True, "already_subscribed"),
        ("activeAssetCtx:NOPE", False, "error"),
        ("activeAssetCtx:KPEPE", False, "error"),
    ):
        await line.ask(Op.SUBSCRIBE, topic)
        answer = (await line.next()).answers[0]
        assert (answer.ok, answer.code, answer.topics) == (ok, code, (topic,))
    for code in ("unsubscribe", "already_unsubscribed"):
        await line.ask(Op.UNSUBSCRIBE, "activeAssetCtx:BTC")
        answer = (await line.next()).answers[0]
        assert (answer.ok, answer.code, answer.topics) == (True, code, ("activeAssetCtx:BTC",))
    for text in ("{", "[]", '{"method":"x"}', '{"method":"subscribe","subscription":{"type":"l2"}}'):
        await line.socket.send_str(text)
        assert not (await line.next()).answers[0].ok


async def test_trap_no_more_than_ten_addresses_are_followed(client, api, line):
    users = [f"0x{number:040x}" for number in range(11)]
    await line.subscribe(*[f"userFills:{user}" for user in users[:9]])
    other = await client.line()
    await other.next()
    await other.subscribe(f"userFills:{users[0]}", f"userFills:{users[9]}")
    await other.next()
    await other.ask(Op.SUBSCRIBE, f"userFills:{users[10]}")
    found = await other.next()
    assert [answer.code for answer in found.answers] == ["too_many_users"]
    assert [each.limit for each in api.excess] == ["users"]


async def test_subscriptions_messages_and_connections_are_limited(client, api, line, clock):
    api.most_topics = 1
    await line.subscribe("activeAssetCtx:BTC")
    await line.next()
    await line.ask(Op.SUBSCRIBE, "activeAssetCtx:ETH")
    assert not (await line.next()).answers[0].ok
    api.most_lines = 1
    message = await (await client.line()).next()
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
    api.messages.budget = 2
    await line.ask(Op.UNSUBSCRIBE, "activeAssetCtx:BTC")
    assert (await line.next()).answers[0].text == "Too many messages."
    api.most_lines, api.opened.budget = 10, 2
    assert (await (await client.line()).next()).data == 1008
    names = [each.limit for each in api.excess]
    assert names == ["subscriptions", "connections", "messages", "connections a minute"]
    clock.now_s += 60
    assert (await (await client.line()).next()).alive


async def test_a_ping_keeps_a_connection_that_would_be_closed(client, api, line, clock):
    clock.now_s += 50
    await line.socket.send_str(client.dialect.heartbeat(1))
    assert (await line.next()).alive
    clock.now_s += 50
    await api.close_silent()
    await line.socket.send_str(client.dialect.heartbeat(2))
    assert (await line.next()).alive
    clock.now_s += 60
    await api.close_silent()
    assert (await line.next()).data == 1000


async def test_the_greeting_may_be_left_out(client, api):
    api.greets = False
    line = await client.line()
    await line.subscribe("candle:BTC:5m")


async def test_trap_open_and_silent(client, api, line):
    api.mute = True
    await line.ask(Op.SUBSCRIBE, "activeAssetCtx:BTC")
    with pytest.raises(TimeoutError):
        await line.next(timeout_s=0.05)
    assert len(api.lines[0].heard) == 1


@pytest.mark.parametrize("in_frame", [False, True])
async def test_connections_break_on_demand(api, line, in_frame):
    await api.cut(in_frame=in_frame)
    message = await line.next()
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


async def test_connections_are_closed_on_demand(api, line):
    await api.close(1000, "bye")
    message = await line.next()
    assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 1000, "bye")


@pytest.mark.parametrize("status", [403, 429, 451])
async def test_handshakes_are_refused_on_demand(client, api, status):
    api.refuse_handshakes(status)
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await client.line()
    assert caught.value.status == status
    assert client.dialect.judge(Answered(status=status)).outcome is not Outcome.GOOD
    await client.line()


async def test_garbage_and_repetitions_do_no_harm(client, api, line):
    await line.subscribe("candle:BTC:5m")
    await api.say("<html>502</html>")
    assert (await line.next()).dropped == {Dropped.NOT_JSON: 1}
    await api.say(b"\xff\x00")
    assert (await line.next()).dropped == {Dropped.NOT_JSON: 1}
    opened = NOW // 300_000 * 300_000
    await api.bar("BTC", opened - 300_000)
    await api.repeat()
    await api.bar("BTC", opened)
    await api.bar("BTC", opened - 300_000)
    found = [await line.next() for _ in range(4)]
    assert [[event.closed for event in each.events] for each in found] == [
        [False],
        [False],
        [True, False],
        [],
    ]
    assert found[-1].dropped == {Dropped.CONTRADICTORY: 1}


async def test_fields_that_nobody_knows_change_nothing(client, api, line, clock):
    plain = answers.context_events(await client.ask(rest.contexts()), clock.ms())
    api.odd_fields = True
    assert answers.context_events(await client.ask(rest.contexts()), clock.ms()) == plain
    await client.learn()
    await line.subscribe("activeAssetCtx:BTC", "candle:BTC:5m")
    await api.bar("BTC", NOW // 300_000 * 300_000)
    found = [await line.next()]
    while not any(isinstance(event, Candle) for event in found[-1].events):
        found.append(await line.next())
    assert not any(each.dropped for each in found)


async def test_a_coin_is_delisted_under_way(client, api, line):
    api.world.coin("ETH").delisted = True
    await client.learn()
    assert "activeAssetCtx:ETH" not in {
        each.topic for each in streams.channels(client.universe.all, {Feed.PRICES})
    }
    await line.subscribe("allDexsAssetCtxs")
    found = await line.next()
    assert [tick.symbol for tick in found.events if isinstance(tick, Tick)] == ["BTCUSDT", "PEPEUSDT"]
