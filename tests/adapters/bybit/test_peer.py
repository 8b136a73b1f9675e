"""The local Bybit behaves as documented over real sockets, and what it sends is read as it was meant."""

import asyncio
import importlib.util
import json
import sys
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from adapters.bybit import rest
from adapters.bybit.answers import read_tickers, read_time
from adapters.bybit.listing import read_listing, read_tier_page, tier_tables
from adapters.bybit.parse import ALREADY, BAD_TOPIC
from adapters.bybit.streams import FEEDS, Bybit, channels
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from adapters.rest import Answered, Outcome, Scope
from adapters.stream import Op
from adapters.venue import Feed
from engine.model import Candle, Funding, Liquidation, OpenInterest, Side, Tick

PEERS = Path(__file__).parents[2] / "peers"
STEP = 300_000


def load(name):
    """Load a peer by its path: tests are no package."""
    known = f"peers_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, PEERS / f"{name}.py")
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


peer = load("bybit")
NOW = peer.market.NOW


class Reader:
    """Calls, and one socket with the parser and the plan of the adapter."""

    def __init__(self, session, server, known):
        self.session = session
        self.server = server
        self.known = known
        self.dialect = Bybit(lambda: known)
        self.read = self.dialect.parser()
        self.numbers = count(1)
        self.socket = None

    async def get(self, call, *, worked_before=False, timeout_s=2.0):
        """Send a call as it is described, and return what was answered."""
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self.session.request(
            call.method, self.server.url + call.path, params=call.query, timeout=timeout
        ) as response:
            body = await response.read()
            try:
                decoded = json.loads(body)
            except ValueError:
                decoded = None
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answered(
                status=response.status,
                headers=headers,
                body=body,
                decoded=decoded,
                worked_before=worked_before,
            )

    async def good(self, call):
        """Send a call that must be answered well, and return the decoded answer."""
        found = await self.get(call)
        assert rest.judge(found).outcome is Outcome.GOOD, found
        return found.decoded

    async def listing(self):
        """Return every page of contracts."""
        pages, cursor = [], ""
        while not pages or cursor:
            pages.append(read_listing(await self.good(rest.listing(cursor))))
            cursor = pages[-1].cursor
        return pages

    async def connect(self):
        self.socket = await self.session.ws_connect(self.server.ws_url)
        return self

    async def subscribe(self, topics, op=Op.SUBSCRIBE):
        """Ask for topics as the plan does; return the answers."""
        return [await self.ask(request.text) for request in self.dialect.requests(op, topics, self.numbers)]

    async def ask(self, text):
        await self.socket.send_str(text)
        while True:
            parsed = await self.next()
            if parsed.answers or parsed.alive:
                return parsed

    async def next(self, timeout_s=2.0):
        """Return what the next frame holds."""
        message = await self.socket.receive(timeout=timeout_s)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise EOFError(message.type)
        return self.read(message.data, NOW)


@pytest.fixture
async def server():
    server = await peer.Bybit().start()
    yield server
    await server.stop()


@pytest.fixture
async def reader(server, known):
    async with aiohttp.ClientSession() as session:
        yield Reader(session, server, known)


@pytest.fixture
async def stream(reader):
    """A reader with an open socket."""
    return await reader.connect()


# calls


async def test_time(reader):
    assert read_time(await reader.good(rest.server_time())) == NOW


async def test_trap_every_page_of_contracts_is_read(reader, server):
    pages = await reader.listing()
    known = Instruments(each for page in pages for each in page.instruments)
    assert len(known) == 605 > 500
    assert known.symbol("PEPEUSDT").coins == 1000.0
    assert sum(page.dropped.total() for page in pages) == 2  # the dated one and the stock
    unasked = await reader.good(rest._call("instruments-info"))  # as it comes without a limit
    assert len(unasked["result"]["list"]) == 500
    assert unasked["result"]["nextPageCursor"] == "first%3D500%26last%3D607"
    assert server.exceeded == []


async def test_trap_a_cursor_is_encoded_once(reader):
    page = read_listing(await reader.good(rest._call("instruments-info")))
    rest_of = read_listing(await reader.good(rest.listing(page.cursor)))
    assert rest_of.instruments[0].native == "C493XUSDT"
    assert rest_of.cursor == ""
    twice = await reader.get(rest.listing("first%3D500%26last%3D607"))
    assert rest.judge(twice).outcome is Outcome.MISTAKE


async def test_candles_of_a_range(reader, server, btc):
    page = rest.candles(btc, STEP)
    opened = NOW // STEP * STEP
    server.there.holes.add(opened - 2 * STEP)
    parsed = page.read(await reader.good(page.ask(opened - 3 * STEP, NOW)))
    assert [(c.ts, c.closed) for c in parsed.events] == [
        (opened, False),
        (opened - STEP, True),
        (opened - 3 * STEP, True),
    ]
    assert parsed.events[1].open == float(server.there.bar(opened - STEP)[1])


async def test_candles_page_by_page_as_they_are_described(reader, btc):
    page, opened = rest.candles(btc, STEP), NOW // STEP * STEP
    first, last, seen = opened - 2500 * STEP, opened, []
    while first <= last:
        parsed = page.read(await reader.good(page.ask(first, last)))
        assert len(parsed.events) <= page.size
        seen += [each.ts for each in parsed.events]
        last = seen[-1] - STEP
    assert seen == [opened - index * STEP for index in range(2501)]


@pytest.mark.parametrize("doubled", [False, True])
async def test_open_interest_of_one_side_either_way(reader, server, btc, doubled):
    server.there.doubled_only = doubled
    page, at = rest.interest(btc, STEP), NOW // STEP * STEP
    parsed = page.read(await reader.good(page.ask(at - 300 * STEP, at)))
    assert len(parsed.events) == page.size == 200
    assert parsed.events[0].open_interest == float(server.there.interest(at)["openInterest"]) / 2


async def test_funding_and_ratios(reader, btc):
    page = rest.funding(btc)
    parsed = page.read(await reader.good(page.ask(NOW - 86_400_000, NOW)))
    assert [e.ts % 28_800_000 for e in parsed.events] == [0, 0, 0]
    assert all(e.settled and e.rate == 0.0001 for e in parsed.events)
    page = rest.ratios(btc, 3_600_000)
    parsed = page.read(await reader.good(page.ask(NOW - 86_400_000, NOW)))
    assert [e.ratio for e in parsed.events] == [pytest.approx(1.5)] * 24


async def test_trap_a_start_alone_is_an_error_for_funding(reader):
    found = await reader.get(rest._call("funding/history", symbol="BTCUSDT", startTime=1))
    assert rest.judge(found).outcome is Outcome.MISTAKE


async def test_all_tickers(reader, known):
    parsed = read_tickers(await reader.good(rest.tickers()), known)
    assert {type(e) for e in parsed.events} == {Tick, OpenInterest, Funding}
    assert {e.symbol for e in parsed.events} == {"BTCUSDT", "BTCUSDC", "PEPEUSDT", "SHIBUSDT"}
    one = read_tickers(await reader.good(rest.tickers(known.native("BTCUSDT"))), known)
    assert [e.symbol for e in one.events] == ["BTCUSDT"] * 3


@pytest.mark.parametrize("percent", [False, True])
async def test_trap_tiers_come_15_symbols_a_page(reader, server, percent):
    server.there.percent = percent
    known = Instruments(each for page in await reader.listing() for each in page.instruments)
    pages, cursor = [], ""
    while not pages or cursor:
        pages.append(read_tier_page(await reader.good(rest.tiers(cursor))))
        cursor = pages[-1].cursor
    assert len(pages) == 41
    assert len({row["symbol"] for row in pages[0].rows}) == 15
    tables, dropped = tier_tables((row for page in pages for row in page.rows), known, "2025-10-09", "api")
    assert len(tables) == 605
    assert [t.rate for t in tables["BTCUSDT"].tiers] == [0.005, 0.01]
    assert dropped == {Dropped.NO_INSTRUMENT: 2}  # the dated one and the stock


async def test_a_delisted_symbol_is_final(reader, server, btc):
    server.there.delist("BTCUSDT")
    verdict = rest.judge(await reader.get(rest.candles(btc, STEP).ask(NOW - STEP, NOW)))
    assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.CALL)
    assert all(each.native != "BTCUSDT" for page in await reader.listing() for each in page.instruments)


async def test_too_many_visits(reader, server):
    server.too_many_visits("time", reset_ms=700)
    verdict = rest.judge(await reader.get(rest.server_time()))
    assert (verdict.outcome, verdict.scope, verdict.retry_after_s) == (Outcome.RETRY, Scope.LIMIT, 0.7)
    await reader.good(rest.server_time())


async def test_trap_403_is_a_ban_that_ends(known):
    now_s = [1000.0]
    server = await peer.Bybit(monotonic=lambda: now_s[0]).start()
    async with aiohttp.ClientSession() as session:
        reader = Reader(session, server, known)
        for _ in range(peer.REQUESTS):
            assert (await reader.get(rest.server_time())).status == 200
        assert server.exceeded == []
        verdict = rest.judge(await reader.get(rest.server_time()))
        assert server.exceeded == [("requests", peer.REQUESTS + 1)]
        assert (verdict.outcome, verdict.retry_after_s) == (Outcome.RETRY, 600.0)
        now_s[0] += 599.0
        assert (await reader.get(rest.server_time())).status == 403
        now_s[0] += 2.0
        await reader.good(rest.server_time())
    await server.stop()


async def test_trap_403_is_a_block_of_the_country(reader, server):
    server.block()
    assert rest.judge(await reader.get(rest.server_time())).outcome is Outcome.FINAL
    assert rest.judge(await reader.get(rest.server_time(), worked_before=True)).outcome is Outcome.RETRY


@pytest.mark.parametrize(
    ("what", "outcome"),
    [
        ({"status": 429}, Outcome.RETRY),
        ({"status": 503, "body": "<html>"}, Outcome.RETRY),
        ({"status": 451}, Outcome.FINAL),
        ({"body": "{nonsense"}, Outcome.RETRY),
        ({"body": "[]"}, Outcome.RETRY),
        ({"code": 10016, "words": "Internal error"}, Outcome.RETRY),
        ({"code": 10009, "words": "restricted"}, Outcome.FINAL),
    ],
)
async def test_refusals(reader, server, what, outcome):
    server.fail("time", **what)
    assert rest.judge(await reader.get(rest.server_time())).outcome is outcome
    await reader.good(rest.server_time())


async def test_stalls_and_broken_lines(reader, server):
    server.fail("time", stall_s=5.0)
    with pytest.raises(TimeoutError):
        await reader.get(rest.server_time(), timeout_s=0.05)
    server.fail("time", drop=True, times=2)  # the client asks once more by itself
    with pytest.raises(aiohttp.ClientError):
        await reader.get(rest.server_time())
    assert (await reader.get(rest._call("nothing-here"))).status == 404


async def test_a_clock_that_is_apart(reader, server, btc):
    server.there.now_ms = NOW + 7 * STEP  # what is closed is judged by the venue's own clock
    page, opened = rest.candles(btc, STEP), (NOW + 7 * STEP) // STEP * STEP
    parsed = page.read(await reader.good(page.ask(opened - STEP, opened)))
    assert [each.closed for each in parsed.events] == [False, True]


# the stream


async def test_the_plan_is_accepted_and_everything_is_read(stream, server, known):
    asked = [each.topic for each in channels([known.native("BTCUSDT"), known.native("BTCPERP")], FEEDS)]
    for parsed in await stream.subscribe(asked):
        assert [(a.ok, a.request_id) for a in parsed.answers] == [(True, "1.6")]
    snapshots = [await stream.next(), await stream.next()]
    assert [[type(e) for e in each.events] for each in snapshots] == [[Tick, OpenInterest, Funding]] * 2
    opened = NOW // STEP * STEP
    await server.play(
        [
            ("liquidate", "BTCUSDT", [("Buy", "0.5", "59000", 400), ("Sell", "1", "61000", 10)], {}),
            ("ticker", "BTCUSDT", [], {"lastPrice": "60100"}),
            ("candle", "BTCUSDT", [opened], {}),
            ("candle", "BTCUSDT", [opened - STEP], {"confirm": True}),
        ]
    )
    longs, shorts = (await stream.next()).events
    assert (longs.side, shorts.side, longs.ts) == (Side.LONG, Side.SHORT, NOW - 400)
    assert [e.price for e in (await stream.next()).events] == [60100.0]
    candles = [(await stream.next()).events[0] for _ in range(2)]
    assert [(c.ts, c.closed) for c in candles] == [(opened, False), (opened - STEP, True)]
    assert all(isinstance(each, Candle) for each in candles)
    assert server.exceeded == []


async def test_a_reset_snapshot_and_deltas(stream, server):
    await stream.subscribe(["tickers.BTCUSDT"])
    await stream.next()
    await server.ticker("BTCUSDT", fundingRate="0.0002")
    (funding,) = (await stream.next()).events
    assert (funding.rate, funding.interval_h) == (0.0002, 8.0)
    await server.ticker("BTCUSDT")
    assert [type(e) for e in (await stream.next()).events] == [Tick, OpenInterest]  # funding stands


async def test_trap_identical_events_and_a_frame_that_comes_twice(stream, server):
    await stream.subscribe(["allLiquidation.BTCUSDT"])
    same = ("Sell", "2846", "0.02456", 468)
    await server.liquidate("BTCUSDT", same, same, twice=True)
    first, second = await stream.next(), await stream.next()
    assert [e.nth for e in first.events] == [0, 1]
    assert first == second  # a copy: told by its content


async def test_trap_a_pong_has_op_ping(stream, server):
    parsed = await stream.ask(stream.dialect.heartbeat(4))
    assert (parsed.alive, parsed.answers, server.pings) == (True, (), 1)


async def test_trap_one_bad_topic_fails_its_whole_message(stream, server):
    server.there.delist("ETHUSDT")
    topics = ["allLiquidation.BTCUSDT", "allLiquidation.ETHUSDT", "kline.5.BTCUSDT"]
    (parsed,) = await stream.subscribe(topics)
    (answer,) = parsed.answers
    assert (answer.ok, answer.code, answer.topics) == (False, BAD_TOPIC, ("allLiquidation.ETHUSDT",))
    assert server.clients[0].topics == set()
    (parsed,) = await stream.subscribe([topics[0], topics[2]])
    assert parsed.answers[0].ok
    (parsed,) = await stream.subscribe(["nothing.BTCUSDT"])
    assert parsed.answers[0].topics == ("nothing.BTCUSDT",)


async def test_some_topics_may_be_on_although_their_message_failed(stream, server):
    server.whole_batches = False
    await stream.subscribe(["allLiquidation.BTCUSDT", "allLiquidation.GONEUSDT"])
    (parsed,) = await stream.subscribe(["kline.5.BTCUSDT", "allLiquidation.BTCUSDT"])
    (answer,) = parsed.answers
    assert (answer.ok, answer.code, answer.topics) == (False, ALREADY, ())  # to be asked in parts
    (parsed,) = await stream.subscribe(["allLiquidation.BTCUSDT"])
    (answer,) = parsed.answers
    assert (answer.ok, answer.code, answer.topics) == (True, ALREADY, ("allLiquidation.BTCUSDT",))


async def test_unsubscribing(stream, server):
    await stream.subscribe(["allLiquidation.BTCUSDT"])
    (parsed,) = await stream.subscribe(["allLiquidation.BTCUSDT"], Op.UNSUBSCRIBE)
    assert parsed.answers[0].ok
    await server.liquidate("BTCUSDT", ("Buy", "1", "1", 0))
    with pytest.raises(TimeoutError):
        await stream.next(timeout_s=0.05)


async def test_trap_what_fits_a_connection_is_never_too_much_for_the_venue(stream, server, reader):
    listed = Instruments(each for page in await reader.listing() for each in page.instruments)
    asked, fitting = channels(listed.all, {Feed.LIQUIDATIONS, Feed.CANDLES}), []
    for channel in asked:
        if stream.dialect.fits([*fitting, channel]):
            fitting.append(channel)
    await stream.subscribe([each.topic for each in fitting])
    assert len(server.clients[0].topics) == len(fitting) == 300
    assert server.exceeded == []
    (parsed,) = [
        await stream.ask(
            json.dumps({"op": "subscribe", "args": [f"allLiquidation.{i:020d}USDT" for i in range(600)]})
        )
    ]
    assert not parsed.answers[0].ok
    assert [name for name, _ in server.exceeded] == ["args"]


async def test_a_line_that_breaks_in_the_middle_of_a_frame(stream, server):
    await stream.subscribe(["allLiquidation.BTCUSDT"])
    server.drop()
    with pytest.raises(EOFError):
        await stream.next()


async def test_nonsense_repetitions_and_unknown_fields(stream, server):
    await stream.subscribe(["allLiquidation.BTCUSDT"])
    await server.garbage()
    assert (await stream.next()).dropped == {Dropped.NOT_JSON: 1}
    await server.liquidate("BTCUSDT", ("Buy", "1", "50000", 5), unheard_of={"of": 1})
    await server.liquidate("BTCUSDT", ("Buy", "2", "50000", 4))
    told = [await stream.next(), await stream.next()]
    await server.repeat(2)
    assert [await stream.next(), await stream.next()] == told[::-1]
    assert all(isinstance(e, Liquidation) for each in told for e in each.events)


async def test_silence(stream, server):
    server.mute = True
    await stream.socket.send_str(stream.dialect.heartbeat(1))
    with pytest.raises(TimeoutError):
        await stream.next(timeout_s=0.05)
    server.mute, server.deaf = False, True
    await stream.socket.send_str(stream.dialect.heartbeat(2))
    with pytest.raises(TimeoutError):
        await stream.next(timeout_s=0.05)
    assert server.pings == 1


async def test_who_says_nothing_is_cut(known):
    now_s = [0.0]
    server = await peer.Bybit(monotonic=lambda: now_s[0]).start()
    async with aiohttp.ClientSession() as session:
        stream = await Reader(session, server, known).connect()
        while now_s[0] < 2 * peer.IDLE_S:  # a ping each 20 s is enough
            now_s[0] += stream.dialect.manners.heartbeat_s
            assert (await stream.ask(stream.dialect.heartbeat(1))).alive
            await server.cut_idle()
        now_s[0] += peer.IDLE_S
        closing = asyncio.create_task(server.cut_idle())
        with pytest.raises(EOFError):
            await stream.next()
        await closing
    await server.stop()


async def test_handshakes_that_are_refused(reader, server):
    server.fail("ws", status=403, body=peer.FORBIDDEN)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await reader.connect()
    assert reader.dialect.judge(Answered(status=refused.value.status)).outcome is Outcome.RETRY
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:  # another category is another path
        await reader.session.ws_connect(server.url.replace("http", "ws") + "/v5/public/nothing")
    assert refused.value.status == 404


async def test_too_many_connections_are_counted(known):
    now_s = [0.0]
    server = await peer.Bybit(monotonic=lambda: now_s[0]).start()
    server._opened.extend([0.0] * peer.CONNECTS)
    async with aiohttp.ClientSession() as session:
        reader = Reader(session, server, known)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await reader.connect()
        assert server.exceeded == [("connects", peer.CONNECTS + 1)]
        now_s[0] = peer.CONNECTS_S + 1
        await reader.connect()
    await server.stop()
