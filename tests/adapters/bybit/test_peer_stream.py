"""The local Bybit's stream behaves as documented over real sockets, and is read as it was meant."""

import asyncio
import json

import aiohttp
import pytest

from adapters.bybit.parse import ALREADY, BAD_TOPIC
from adapters.bybit.streams import FEEDS, channels
from adapters.instruments import Instruments
from adapters.parsed import Dropped
from adapters.rest.verdicts import Answered, Outcome
from adapters.stream.dialect import Op
from adapters.venue import Feed
from engine.model import Candle, Funding, Liquidation, OpenInterest, Side, Tick

STEP = 300_000
NOW = 1_760_000_000_000


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


async def test_who_says_nothing_is_cut(known, bybit, make_reader):
    now_s = [0.0]
    server = await bybit.Bybit(monotonic=lambda: now_s[0]).start()
    async with aiohttp.ClientSession() as session:
        stream = await make_reader(session, server, known).connect()
        while now_s[0] < 2 * bybit.IDLE_S:  # a ping each 20 s is enough
            now_s[0] += stream.dialect.manners.heartbeat_s
            assert (await stream.ask(stream.dialect.heartbeat(1))).alive
            await server.cut_idle()
        now_s[0] += bybit.IDLE_S
        closing = asyncio.create_task(server.cut_idle())
        with pytest.raises(EOFError):
            await stream.next()
        await closing
    await server.stop()


async def test_handshakes_that_are_refused(reader, server, bybit):
    server.fail("ws", status=403, body=bybit.FORBIDDEN)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await reader.connect()
    assert reader.dialect.judge(Answered(status=refused.value.status)).outcome is Outcome.RETRY
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:  # another category is another path
        await reader.session.ws_connect(server.url.replace("http", "ws") + "/v5/public/nothing")
    assert refused.value.status == 404


async def test_too_many_connections_are_counted(known, bybit, make_reader):
    now_s = [0.0]
    server = await bybit.Bybit(monotonic=lambda: now_s[0]).start()
    server._opened.extend([0.0] * bybit.CONNECTS)
    async with aiohttp.ClientSession() as session:
        reader = make_reader(session, server, known)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await reader.connect()
        assert server.exceeded == [("connects", bybit.CONNECTS + 1)]
        now_s[0] = bybit.CONNECTS_S + 1
        await reader.connect()
    await server.stop()
