"""The local OKX's sockets speak as the real ones do, and parse to what its documents say."""

import asyncio
import contextlib
import json
import time
from itertools import count

import aiohttp
import pytest

from adapters.okx.parse import parse
from adapters.okx.streams import Okx, judge_answer, judge_close
from adapters.parsed import Dropped
from adapters.rest.verdicts import Outcome
from adapters.stream.dialect import Op
from adapters.venue import Feed
from engine.model import Candle, Funding, Liquidation, OpenInterest, Side, Tick

NOW_MS = 1_763_712_000_000
BTC = "BTC-USDT-SWAP"


class Line:
    """A connection to the local OKX, with the dialect that is used for the real one."""

    def __init__(self, dialect, socket):
        self.dialect, self.socket = dialect, socket
        self.numbers = count(1)
        self.read = dialect.parser()

    async def ask(self, *topics, op=Op.SUBSCRIBE):
        """Send what asks for topics; return the parsed answers, one for each."""
        for request in self.dialect.requests(op, topics, self.numbers):
            await self.socket.send_str(request.text)
        return [(await self.next()).answers[0] for _ in topics]

    async def next(self, now_ms=NOW_MS):
        """Return the next frame, parsed."""
        message = await self.socket.receive(timeout=5)
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        return self.read(message.data, now_ms)


@pytest.fixture
def dialect(okx, known):
    return Okx(known, base_url=okx.ws_url)


@pytest.fixture
async def line(okx, session, dialect):
    async with session.ws_connect(okx.ws_url + "/ws/v5/public") as socket:
        yield Line(dialect, socket)


@pytest.fixture
async def business(okx, session, dialect):
    async with session.ws_connect(okx.ws_url + "/ws/v5/business") as socket:
        yield Line(dialect, socket)


async def test_every_feed_by_the_topics_that_are_asked_for(okx, line, business, known):
    btc = known.native(BTC)
    feeds = (Feed.PRICES, Feed.OPEN_INTEREST, Feed.FUNDING, Feed.LIQUIDATIONS)
    topics = [each.topic for feed in feeds for each in line.dialect.channels(feed, btc)]
    answers = await line.ask(*topics)
    assert [answer.topics[0] for answer in answers] == topics
    assert all(answer.ok and answer.request_id == "1" for answer in answers)
    (answer,) = await business.ask(*[each.topic for each in line.dialect.channels(Feed.CANDLES, btc)])
    assert answer.ok
    make = okx.frames
    said = [
        make.data("mark-price", BTC, [make.mark(BTC, 60000, NOW_MS)]),
        make.data("open-interest", BTC, [make.interest(BTC, 5000, 50, NOW_MS)]),
        make.data("funding-rate", BTC, [make.funding(BTC, "0.0001", NOW_MS, NOW_MS)]),
        make.data(
            "liquidation-orders",
            "SWAP",
            [make.forced_row(BTC, make.forced("sell", 59000, "246.27", NOW_MS))],
            key="instType",
        ),
    ]
    await okx.push_all(said)
    events = [(await line.next()).events[0] for _ in said]
    assert [type(event) for event in events] == [Tick, OpenInterest, Funding, Liquidation]
    assert events[3].quantity == pytest.approx(2.4627)
    assert events[3].side is Side.LONG
    await okx.push(make.data("candle5m", BTC, [make.candle(NOW_MS, 60000, 100, confirm="0")]))
    (candle,) = (await business.next()).events
    assert isinstance(candle, Candle)
    assert (candle.volume, candle.closed) == (1.0, False)
    assert await okx.push(make.data("trades", BTC, [make.trade(BTC, 60000, 1, NOW_MS)])) == 0


async def test_trap_pings_and_pongs_are_text(okx, line):
    await line.ask(f"mark-price:{BTC}")
    await line.socket.send_str(line.dialect.heartbeat(1))
    assert (await line.next()).alive
    assert okx.connections[0].pings == 1


async def test_unsubscribing_ends_a_topic(okx, line):
    topics = (f"mark-price:{BTC}", "mark-price:ETH-USDT-SWAP")
    await line.ask(*topics)
    assert okx.connections[0].topics == list(topics)
    (answer,) = await line.ask(topics[0], op=Op.UNSUBSCRIBE)
    assert (answer.ok, answer.topics) == (True, topics[:1])
    assert okx.connections[0].topics == [topics[1]]
    (again,) = await line.ask(topics[1])
    assert again.ok
    assert okx.connections[0].topics == [topics[1]]


async def test_trap_one_topic_is_refused_and_the_others_are_not(okx, line):
    okx.delist("ETH-USDT-SWAP")
    answers = await line.ask("mark-price:ETH-USDT-SWAP", f"mark-price:{BTC}")
    assert [(answer.ok, answer.topics) for answer in answers] == [
        (False, ("mark-price:ETH-USDT-SWAP",)),
        (True, (f"mark-price:{BTC}",)),
    ]
    assert judge_answer(answers[0]).outcome is Outcome.FINAL


async def test_or_all_of_a_message_are_refused(okx, line):
    okx.batches_fail = True
    (request,) = line.dialect.requests(
        Op.SUBSCRIBE, [f"mark-price:{BTC}", "mark-price:NO-USDT-SWAP"], line.numbers
    )
    await line.socket.send_str(request.text)
    (answer,) = (await line.next()).answers
    assert (answer.ok, answer.request_id, answer.topics) == (False, "1", ("mark-price:NO-USDT-SWAP",))
    assert okx.connections[0].topics == []


@pytest.mark.parametrize(("says_moved", "code"), [(True, "64001"), (False, "60018")])
async def test_trap_candles_asked_for_at_the_wrong_path(okx, line, says_moved, code):
    okx.says_moved = says_moved
    (answer,) = await line.ask(f"candle5m:{BTC}")
    assert (answer.ok, answer.code) == (False, code)


async def test_topics_that_nobody_has(okx, line, business):
    for topic in ("liquidation-orders:" + BTC, "books:" + BTC, f"liquidation-orders-x:{BTC}"):
        (answer,) = await line.ask(topic)
        assert (answer.ok, answer.code) == (False, "60018")
    (answer,) = await business.ask(f"mark-price:{BTC}")
    assert (answer.ok, answer.code) == (False, "60018")
    await line.socket.send_str('{"op":"subscribe","args":[{}]}')
    assert (await line.next()).answers[0].code == "60013"


@pytest.mark.parametrize(
    "text", ["{", '{"op":"subscribe"}', '{"op":"dance","args":[1]}', '{"op":"subscribe","args":[]}']
)
async def test_requests_that_are_none(line, text):
    await line.socket.send_str(text)
    (answer,) = (await line.next()).answers
    assert (answer.ok, answer.code) == (False, "60012")
    assert judge_answer(answer).outcome is Outcome.MISTAKE


async def test_paths_that_are_none(okx, session, dialect):
    async with session.ws_connect(okx.ws_url + "/ws/v5/nowhere") as socket:
        (answer,) = await Line(dialect, socket).ask(f"mark-price:{BTC}")
        assert (answer.ok, answer.code) == (False, "60008")


async def test_trap_what_comes_first_may_be_stale(okx, line):
    old = okx.frames.forced("buy", 61000, 5, NOW_MS - 3_600_000)
    okx.stale = [okx.frames.forced_row(BTC, old)]
    await line.ask("liquidation-orders:SWAP")
    first = await line.next()
    assert first.backlog
    assert [event.side for event in first.events] == [Side.SHORT]
    fresh = okx.frames.forced_row(BTC, okx.frames.forced("sell", 60000, 5, NOW_MS))
    await okx.push(okx.frames.data("liquidation-orders", "SWAP", [fresh], key="instType"))
    assert not (await line.next()).backlog


async def test_trap_several_contracts_and_details_in_a_frame(okx, line):
    await line.ask("liquidation-orders:SWAP")
    make = okx.frames
    same = make.forced("sell", 60000, "0.5", NOW_MS)
    rows = [
        make.forced_row(BTC, same, make.forced("buy", 60001, 1, NOW_MS, position="net"), same),
        make.forced_row("ETH-USDT-SWAP", make.forced("buy", 3000, 10, NOW_MS)),
        make.forced_row("BTC-USD-SWAP", make.forced("sell", 60000, 10, NOW_MS)),
        make.forced_row(BTC, make.forced("sell", 60000, 10, NOW_MS, position="short")),
    ]
    await okx.push(make.data("liquidation-orders", "SWAP", rows, key="instType"))
    parsed = await line.next()
    assert [(event.symbol, event.side, event.nth) for event in parsed.events] == [
        ("BTCUSDT", Side.LONG, 0),
        ("BTCUSDT", Side.SHORT, 0),
        ("BTCUSDT", Side.LONG, 1),
        ("ETHUSDT", Side.SHORT, 0),
    ]
    assert parsed.dropped == {Dropped.NOT_LINEAR: 1, Dropped.CONTRADICTORY: 1}


async def test_trap_contract_sizes_change_on_the_way(okx, line):
    await line.ask("instruments:SWAP", "liquidation-orders:SWAP")
    make = okx.frames
    forced = make.forced_row(BTC, make.forced("sell", 60000, 10, NOW_MS))
    told = make.data("liquidation-orders", "SWAP", [forced], key="instType")
    await okx.push_all(
        [told, make.data("instruments", "SWAP", [make.contract("BTC", ct_val="0.001")], key="instType"), told]
    )
    before, change, after = [await line.next() for _ in range(3)]
    assert (before.events[0].quantity, after.events[0].quantity) == pytest.approx((0.1, 0.01))
    assert change.alive


async def test_trap_notice_before_the_end(okx, line):
    await line.ask(f"mark-price:{BTC}")
    await okx.notice()
    assert (await line.next()).closing
    await okx.close(4006, "Connection abnormal")
    assert (await line.socket.receive()).type is aiohttp.WSMsgType.CLOSE
    assert line.socket.close_code == 4006
    assert judge_close(4006).outcome is Outcome.RETRY


@pytest.mark.parametrize("asked", [True, False])
async def test_trap_silence_of_thirty_seconds_ends_a_connection(opened, session, known, asked):
    async with opened(idle_s=0.1) as okx, session.ws_connect(okx.ws_url + "/ws/v5/public") as socket:
        line = Line(Okx(known), socket)
        began = time.monotonic()
        if asked:
            await line.ask(f"mark-price:{BTC}")
            for _ in range(4):
                await asyncio.sleep(0.05)
                await socket.send_str("ping")
                assert (await line.next()).alive
            assert time.monotonic() - began > 0.15
        message = await socket.receive(timeout=5)
        assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 4004)
        assert okx.faults == ["nothing was said for 0.1 s"]


async def test_trap_480_operations_an_hour(okx, line):
    for counts_topics, fits in ((False, 479), (True, 2)):
        okx.connections[0].operations = 480 - fits
        okx.counts_topics = counts_topics
        answers = await line.ask(*[f"mark-price:{BTC}"] * 2)
        assert all(answer.ok for answer in answers)
    await line.socket.send_str(
        line.dialect.requests(Op.SUBSCRIBE, [f"mark-price:{BTC}"], line.numbers)[0].text
    )
    (answer,) = (await line.next()).answers
    assert (answer.ok, answer.code) == (False, "60014")
    assert judge_answer(answer).outcome is Outcome.RETRY
    assert okx.faults == ["more than 480 operations in an hour"]
    okx.world.faults.clear()


async def test_trap_64_kilobytes_of_topics(okx, line):
    okx.list(*[okx.frames.contract("X" * 300 + str(each)) for each in range(200)])
    topics = [f"mark-price:{'X' * 300}{each}-USDT-SWAP" for each in range(200)]
    answers = await line.ask(*topics)
    assert all(answer.ok for answer in answers)
    assert "bytes of topics on a connection" in okx.faults[0]
    okx.world.faults.clear()


async def test_three_connections_a_second(opened, session):
    now = [0.0]
    async with opened(clock=lambda: now[0]) as okx, contextlib.AsyncExitStack() as open_now:
        url = okx.ws_url + "/ws/v5/public"
        for _ in range(3):
            await open_now.enter_async_context(session.ws_connect(url))
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url)
        assert refused.value.status == 429
        assert len(okx.faults) == 1
        now[0] += 1.0
        await open_now.enter_async_context(session.ws_connect(url))


async def test_what_comes_twice_or_the_wrong_way_round_is_read_all_the_same(okx, line):
    await line.ask(f"mark-price:{BTC}")
    okx.twice = True
    okx.extra = {"something": {"new": [1]}}
    said = [
        okx.frames.data("mark-price", BTC, [okx.frames.mark(BTC, 60000 + n, NOW_MS + n)]) for n in range(3)
    ]
    await okx.push_all(said, reverse=True)
    prices = [(await line.next()).events[0].price for _ in range(6)]
    assert prices == [60002.0, 60002.0, 60001.0, 60001.0, 60000.0, 60000.0]


@pytest.mark.parametrize("text", ['{"arg":{"chan', b"\x00\xff\xfe", ""])
async def test_garbage_is_counted(okx, line, text):
    await line.ask(f"mark-price:{BTC}")
    await okx.garble(text)
    assert (await line.next()).dropped == {Dropped.NOT_JSON: 1}


@pytest.mark.parametrize("text", ["", '{"arg":{"channel":"mark-price"}}' * 10])
async def test_the_line_breaks_even_within_a_frame(okx, line, text):
    await line.ask(f"mark-price:{BTC}")
    okx.cut(text)
    message = await line.socket.receive(timeout=5)
    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSE)
    await okx.until(lambda: not okx.standing)


async def test_silence_after_a_request(okx, line):
    okx.silent = True
    await line.socket.send_str(
        line.dialect.requests(Op.SUBSCRIBE, [f"mark-price:{BTC}"], line.numbers)[0].text
    )
    with pytest.raises(asyncio.TimeoutError):
        await line.socket.receive(timeout=0.05)


async def test_acks_that_never_come(okx, line):
    okx.forgets_acks = True
    await line.socket.send_str(
        line.dialect.requests(Op.SUBSCRIBE, [f"mark-price:{BTC}"], line.numbers)[0].text
    )
    await okx.until(lambda: okx.connections[0].topics)
    await okx.push(okx.frames.data("mark-price", BTC, [okx.frames.mark(BTC, 1, NOW_MS)]))
    assert (await line.next()).events


async def test_refused_handshakes(okx, session):
    okx.block(451)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(okx.ws_url + "/ws/v5/public")
    assert refused.value.status == 451


def test_frames_of_the_local_okx_have_the_fields_of_recorded_ones(kit, okx_frames):
    """Whatever a recorded frame of a kind has, the local one has too."""
    made = {
        "mark-price": okx_frames.mark(BTC, 1, NOW_MS),
        "trades": okx_frames.trade(BTC, 1, 1, NOW_MS),
        "open-interest": okx_frames.interest(BTC, 1, 1, NOW_MS),
        "funding-rate": okx_frames.funding(BTC, 1, NOW_MS, NOW_MS),
        "liquidation-orders": okx_frames.forced_row(BTC, okx_frames.forced("sell", 1, 1, NOW_MS)),
    }
    compared = set()
    for text in kit.lines("tardis.jsonl"):
        message = json.loads(text)
        channel = message.get("arg", {}).get("channel")
        if channel in made and "data" in message:
            compared.add(channel)
            newer = {"prevFundingTime"}
            assert set(message["data"][0]) - newer <= set(made[channel]), channel
    assert compared == set(made)
    (row,) = json.loads((kit.DATA / "cryptofeed_instruments.json").read_text())["data"][:1]
    older = {"category", "maxIcebergSz", "maxMktSz", "maxStopSz", "maxTriggerSz", "maxTwapSz"}
    assert set(row) - older <= set(okx_frames.contract("BTC"))


def test_parsing_and_the_dialects_parser_agree(known, okx_frames):
    frame = okx_frames.data("mark-price", BTC, [okx_frames.mark(BTC, 60000, NOW_MS)])
    assert Okx(known).parser()(frame, NOW_MS) == parse(frame, known, NOW_MS)
