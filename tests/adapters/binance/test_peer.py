"""The local venue over real sockets: what it sends is what is parsed, and it counts what is asked of it."""

import asyncio
import itertools
import json
import time

import aiohttp
import binance_frames as frames
import binance_peer as peers
import pytest

from adapters.binance import answers, rest
from adapters.binance.streams import FEEDS, PATH, Binance, channels
from adapters.parsed import Dropped
from adapters.rest.pages import Order
from adapters.rest.verdicts import Answered, Outcome, Scope
from adapters.stream.dialect import Op
from adapters.venue import Feed
from engine.model import Candle, Funding, Liquidation, Side, Tick

DAY = 86_400_000


@pytest.fixture
async def venue():
    peer = await peers.Binance().start()
    yield peer
    await peer.stop()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as opened:
        yield opened


async def ask(session, venue, call):
    """Send a call as it is described; return the decoded answer and what it means."""
    async with session.get(venue.url + call.path, params=dict(call.query)) as response:
        body = await response.read()
        try:
            decoded = json.loads(body)
        except ValueError:
            decoded = None
        headers = {name.lower(): value for name, value in response.headers.items()}
        answered = Answered(status=response.status, headers=headers, body=body, decoded=decoded)
    return decoded, rest.judge(answered), headers


async def paged(session, venue, page, since_ms, until_ms):
    """Read a range [since, until) as a page says, window by window, until an answer has no more."""
    found, width = {}, page.size * page.step_ms or until_ms - since_ms
    for begin in range(since_ms, until_ms, width):
        first, last = begin, min(begin + width, until_ms) - 1
        while first <= last:
            decoded, verdict, _ = await ask(session, venue, page.ask(first, last))
            assert verdict.outcome is Outcome.GOOD
            events = page.read(decoded).events
            if not events:
                break
            assert all(first <= event.ts <= last for event in events)
            found |= {event.ts: event for event in events}
            if page.order is Order.OLDEST_FIRST:
                first = max(event.ts for event in events) + 1
            else:
                last = min(event.ts for event in events) - 1
    return [found[ts] for ts in sorted(found)]


@pytest.fixture
async def known(session, venue):
    decoded, _, _ = await ask(session, venue, rest.instruments)
    return answers.read_instruments(decoded)[0]


class Client:
    """One connection that keeps every frame; `parse` reads them as the adapter does."""

    def __init__(self, ws, known):
        self.ws, self.frames, self.closed = ws, [], None
        self.parse = Binance(lambda: known).parser()
        self.task = asyncio.create_task(self.read())

    async def read(self):
        async for message in self.ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.frames.append(message.data)
        self.closed = self.ws.close_code or 1006

    async def many(self, count):
        async with asyncio.timeout(5):
            while len(self.frames) < count:
                await asyncio.sleep(0.005)
        return [self.parse(frame, frames.NOW_MS) for frame in self.frames]

    async def end(self):
        async with asyncio.timeout(5):
            await self.task
        return self.closed


@pytest.fixture
async def connect(session, venue, known):
    opened = []

    async def open_one(path=PATH, **options):
        client = Client(await session.ws_connect(venue.ws_url + path, **options), known)
        opened.append(client)
        return client

    yield open_one
    for client in opened:
        await client.ws.close()
        client.task.cancel()


async def subscribe(client, feeds=FEEDS, known=frames.KNOWN, **options):
    chosen = [known.symbol(name) for name in ("BTCUSDT", "PEPEUSDT")]
    wanted = [channel.topic for channel in channels(chosen, feeds)]
    dialect = Binance(lambda: known)
    for request in dialect.requests(Op.SUBSCRIBE, wanted, itertools.count(1)):
        await client.ws.send_str(request.text)
    return wanted


# REST


async def test_instruments_are_the_linear_perpetuals_of_coins(known):
    assert [each.symbol for each in known.all] == [
        "BTCUSDT",
        "ETHUSDT",
        "PEPEUSDT",
        "1INCHUSDT",
        "币安人生USDT",
        "LUNAUSDT",
    ]


async def test_the_clock_of_a_skewed_venue(session, venue):
    venue.skew_ms = -90_000
    decoded, _, _ = await ask(session, venue, rest.server_time)
    assert abs(answers.read_time(decoded) - time.time() * 1000 + 90_000) < 5000


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "1h", "4h", "1d"])
async def test_pages_of_bars_hold_every_bar_once_and_the_last_forms(session, venue, known, interval):
    step = rest.INTERVALS[interval]
    now = venue.now_ms()
    since = (now // step - 2500) * step if interval != "1d" else (now // step - 300) * step
    page = rest.candles(known.symbol("PEPEUSDT"), interval, now)
    found = await paged(session, venue, page, since, now + 1)
    assert [bar.ts for bar in found] == list(range(since, now + 1, step))
    assert [bar.closed for bar in found[-2:]] == [True, False]
    assert 0.0000120 < found[0].close < 0.0000126
    assert not venue.exceeded


@pytest.mark.parametrize("newest", [True, False])
async def test_trap_statistics_come_whole_whichever_end_of_a_range_is_cut(session, venue, known, newest):
    venue.market.newest = newest
    step = 300_000
    until = venue.now_ms() // step * step
    since = until - 1700 * step
    hole = since + 700 * step
    venue.market.holes.add(hole)
    page = rest.open_interest_history(known.symbol("BTCUSDT"), "5m")
    found = await paged(session, venue, page, since, until)
    assert [event.ts for event in found] == [ts for ts in range(since, until, step) if ts != hole]
    page = rest.long_short(known.symbol("BTCUSDT"), "top_accounts", "1h")
    assert len(await paged(session, venue, page, since // 3_600_000 * 3_600_000, until)) > 100


async def test_trap_statistics_of_more_than_a_month_ago_are_refused(session, venue, known):
    page = rest.open_interest_history(known.symbol("BTCUSDT"), "4h")
    now = venue.now_ms()
    reachable = page.ask(now - rest.STATISTICS_MS, now)
    assert (await ask(session, venue, reachable))[1].outcome is Outcome.GOOD
    too_old = page.ask(now - 40 * DAY, now - 35 * DAY)
    assert (await ask(session, venue, too_old))[1].outcome is Outcome.MISTAKE


async def test_funding_now_and_paid(session, venue, known):
    decoded, _, _ = await ask(session, venue, rest.funding_rules)
    hours, _ = answers.read_funding_rules(decoded)
    decoded, _, _ = await ask(session, venue, rest.funding_now)
    due = answers.read_funding_now(decoded, known, hours)
    assert {event.symbol: event.interval_h for event in due.events}["ETHUSDT"] == 4.0
    assert due.dropped == {Dropped.NO_INSTRUMENT: 2}
    now = venue.now_ms()
    page = rest.funding_history(known.symbol("ETHUSDT"))
    paid = await paged(session, venue, page, now - 400 * DAY, now)
    assert len(paid) in (2399, 2400, 2401)
    assert sum(event.interval_h is None for event in paid) == 3  # the first of each page


async def test_open_interest_now(session, venue, known):
    decoded, _, _ = await ask(session, venue, rest.open_interest(known.symbol("BTCUSDT")))
    assert answers.read_open_interest(decoded, known.symbol("BTCUSDT")).events[0].open_interest == 10659.509


async def test_a_symbol_that_is_gone_is_final(session, venue):
    verdict = (await ask(session, venue, rest.open_interest(frames.perpetual("GONEUSDT"))))[1]
    assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.CALL)


async def test_tiers_want_a_key_and_liquidations_have_no_history(session, venue):
    async with session.get(venue.url + "/fapi/v1/leverageBracket") as response:
        assert (response.status, (await response.json())["code"]) == (401, -2014)
    async with session.get(venue.url + "/fapi/v1/allForceOrders") as response:
        assert response.status == 400
    async with session.get(venue.url + "/fapi/v1/nothing") as response:
        assert response.status == 404


async def test_weight_is_counted_as_described_and_above_it_comes_429_then_418(session, venue, known):
    page = rest.candles(known.symbol("BTCUSDT"), "5m", venue.now_ms())
    call = page.ask(venue.now_ms() - 900 * 300_000, venue.now_ms())
    before = int((await ask(session, venue, rest.server_time))[2][rest.WEIGHT.used_header])
    after = int((await ask(session, venue, call))[2][rest.WEIGHT.used_header])
    assert after - before == call.weight or after < before  # a minute may have begun
    venue.budgets["weight"] = (1, 60.0)
    seen = [(await ask(session, venue, call))[1] for _ in range(5)]
    assert [verdict.scope for verdict in seen] == [Scope.LIMIT] * 3 + [Scope.VENUE] * 2
    assert 1 <= seen[0].retry_after_s <= 61
    assert seen[-1].retry_after_s > 100
    assert venue.exceeded == ["weight"] * 4 + ["asked while banned"]


async def test_statistics_are_counted_apart_and_not_in_the_header(session, venue, known):
    venue.budgets["statistics"] = (1, 300.0)
    call = rest.open_interest_history(known.symbol("BTCUSDT"), "5m").ask(venue.now_ms() - DAY, venue.now_ms())
    _, verdict, headers = await ask(session, venue, call)
    assert verdict.outcome is Outcome.GOOD
    assert "x-mbx-used-weight-1m" not in headers
    verdict = (await ask(session, venue, call))[1]
    assert (verdict.scope, verdict.retry_after_s) == (Scope.LIMIT, 301.0)
    assert (await ask(session, venue, rest.server_time))[1].outcome is Outcome.GOOD
    assert venue.exceeded == ["statistics"]


async def test_a_block_is_final_over_rest_and_at_the_handshake(session, venue):
    venue.block()
    verdict = (await ask(session, venue, rest.server_time))[1]
    assert (verdict.outcome, verdict.scope) == (Outcome.FINAL, Scope.VENUE)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(venue.ws_url + PATH)
    assert refused.value.status == 451


async def test_faults_of_the_interface(session, venue):
    venue.fail("time", status=403)
    venue.fail("time", body="<html>")
    venue.fail("time", cut=True)
    venue.fail("time", stall_s=0.05)
    assert (await ask(session, venue, rest.server_time))[1].scope is Scope.VENUE
    assert (await ask(session, venue, rest.server_time))[1].outcome is Outcome.RETRY
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(session, venue, rest.server_time)
    began = time.monotonic()
    assert (await ask(session, venue, rest.server_time))[1].outcome is Outcome.GOOD
    assert time.monotonic() - began >= 0.05


# streams


async def test_every_feed_is_parsed_as_it_is_sent(venue, connect):
    client = await connect()
    await subscribe(client)
    await client.many(1)
    await venue.trade("1000PEPEUSDT", "0.0123")
    await venue.bar("BTCUSDT")
    await venue.mark("BTCUSDT")
    await venue.forced("BTCUSDT", "SELL", "0.5", "59000", limit="58800")
    ack, *parsed = await client.many(5)
    assert ack.answers[0].ok
    events = [each.events[0] for each in parsed]
    assert [type(event) for event in events] == [Tick, Candle, Funding, Liquidation]
    assert events[0].price == pytest.approx(0.0000123)
    assert (events[3].side, events[3].price, events[3].notional_usd) == (Side.LONG, 59_000.0, 29_500.0)
    assert not venue.exceeded


async def test_a_bar_of_the_stream_is_the_bar_of_the_interface(session, venue, known, connect):
    client = await connect()
    await subscribe(client, {Feed.CANDLES})
    await client.many(1)
    await venue.bar("BTCUSDT")
    streamed = (await client.many(2))[1].events[0]
    page = rest.candles(known.symbol("BTCUSDT"), "5m", venue.now_ms())
    assert await paged(session, venue, page, streamed.ts, streamed.ts + 300_000) == [streamed]


@pytest.mark.parametrize("path", ["/ws", "/stream", "/public/stream", "/public/ws"])
async def test_trap_the_wrong_path_accepts_and_then_says_nothing(venue, connect, path):
    lost, right = await connect(path), await connect()
    for client in (lost, right):
        await subscribe(client)
        await client.many(1)
    assert await venue.trade("BTCUSDT", 60_000) == 1
    await right.many(2)
    assert len(lost.frames) == 1
    assert lost.parse(lost.frames[0], 0).answers[0].ok


async def test_trap_an_unknown_topic_is_accepted_too(venue, connect):
    client = await connect()
    await client.ws.send_str(json.dumps({"method": "SUBSCRIBE", "params": ["nothing@at_all"], "id": 1}))
    await client.ws.send_str(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 2}))
    first, second = await client.many(2)
    assert first.answers[0].ok
    assert second.answers[0].topics == ("nothing@at_all",)


@pytest.mark.parametrize("wrapped", [True, False])
async def test_trap_errors_come_in_either_form(venue, connect, wrapped):
    venue.lines.wrapped_errors = wrapped
    client = await connect()
    for text in ('{"method":"SUBSCRIBE","params":[],"id":"a-b"}', "{", "{}", '{"method":"X","id":1}'):
        await client.ws.send_str(text)
    parsed = await client.many(4)
    assert [each.answers[0].code for each in parsed] == ["2", "3", "2", "2"]
    assert not any(each.answers[0].ok for each in parsed)


async def test_trap_a_command_in_a_binary_frame_ends_the_connection(connect):
    client = await connect()
    await client.ws.send_bytes(b'{"method":"SUBSCRIBE","params":[],"id":1}')
    assert await client.end() == 1008


async def test_trap_more_than_ten_messages_a_second_end_the_connection_and_are_noted(venue, connect):
    client = await connect()
    for number in range(12):
        await client.ws.send_str(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
    assert await client.end() == 1008
    assert "messages a second" in venue.exceeded


async def test_too_many_topics_are_noted(venue, connect):
    venue.lines.most_topics = 5
    client = await connect()
    await subscribe(client)
    await client.many(1)
    assert venue.exceeded == ["topics of a connection"]


async def test_trap_connections_end_after_a_day(venue, connect):
    venue.lines.life_s = 0.1
    client = await connect()
    assert await client.end() == 1001


async def test_who_does_not_answer_pings_is_cut(venue, connect):
    venue.lines.ping_every_s, venue.lines.pong_within_s = 0.15, 0.6
    polite, rude = await connect(), await connect(autoping=False)
    assert await rude.end() == 1001
    assert polite.closed is None
    assert venue.exceeded == ["no pong"]


async def test_trap_coin_margined_orders_on_the_stream_of_all(venue, connect):
    client = await connect()
    await subscribe(client, {Feed.LIQUIDATIONS})
    await client.many(1)
    await venue.forced("BTCUSD_PERP", "SELL", "3", "59000", st=2)
    await venue.forced("BTCUSDT", "BUY", "3", "59000", listed=True)
    _, first, second = await client.many(3)
    assert first.dropped == {Dropped.NOT_LINEAR: 1}
    assert second.events[0].side is Side.SHORT


async def test_trap_equities_come_apart_and_deliveries_have_no_rate(venue, connect):
    client = await connect("/market/ws/!markPrice@arr")
    await venue.until(lambda: venue.lines.open)
    await venue.mark_all()
    coins, equities = await client.many(2)
    assert len(coins.events) == 6
    assert coins.dropped == {Dropped.NO_INSTRUMENT: 1}
    assert equities.dropped == {Dropped.NO_INSTRUMENT: 1}


async def test_a_bar_that_forms_and_unknown_fields_duplicates_disorder_and_garbage(venue, connect):
    client = await connect("/market/stream?streams=btcusdt@aggTrade/btcusdt@kline_5m")
    await venue.until(lambda: venue.lines.open)
    venue.lines.noise = {"zz": [1], "y": None}
    await venue.trade("BTCUSDT", 60_000, at_ms=frames.NOW_MS, times=2)
    await venue.trade("BTCUSDT", 60_001, at_ms=frames.NOW_MS - 50)
    await venue.bar("BTCUSDT", closed=False)
    await venue.lines.garbage("{", "[]", b"\xff")
    first, again, earlier, forming, broken, empty = await client.many(6)
    assert first == again
    assert earlier.events[0].ts < first.events[0].ts
    assert forming.events[0].closed is False
    assert broken.dropped == {Dropped.NOT_JSON: 1}
    assert empty.alive


async def test_a_delisted_symbol_goes_silent(session, venue, connect):
    client = await connect("/market/ws/btcusdt@aggTrade")
    await venue.until(lambda: venue.lines.open)
    venue.market.delist("BTCUSDT")
    assert await venue.trade("BTCUSDT", 60_000) == 0
    decoded, _, _ = await ask(session, venue, rest.instruments)
    gone = answers.read_instruments(decoded)[0].native("BTCUSDT")
    assert gone.status == "delisted"
    assert not client.frames


async def test_lines_that_stall_or_do_not_answer(venue, connect):
    client = await connect()
    await subscribe(client)
    await client.many(1)
    venue.lines.stalled = True
    assert await venue.trade("BTCUSDT", 60_000) == 0
    venue.lines.deaf = True
    await subscribe(client)
    await venue.until(lambda: len(venue.lines.open[0].came) == 2)
    assert len(client.frames) == 1


@pytest.mark.parametrize("inside", [True, False])
async def test_lines_that_break(venue, connect, inside):
    client = await connect("/market/ws/btcusdt@aggTrade")
    await venue.until(lambda: venue.lines.open)
    venue.lines.cut(inside=inside)
    assert await client.end() == 1006
    assert client.frames == []
    await venue.until(lambda: not venue.lines.open)


async def test_topics_are_taken_back_and_frames_unwrapped_on_request(venue, connect):
    client = await connect()
    wanted = await subscribe(client, {Feed.PRICES})
    (request,) = Binance(lambda: frames.KNOWN).requests(Op.UNSUBSCRIBE, wanted[:1], itertools.count(2))
    await client.ws.send_str(request.text)
    await client.ws.send_str(json.dumps({"method": "SET_PROPERTY", "params": ["combined", False], "id": 3}))
    await client.ws.send_str(json.dumps({"method": "GET_PROPERTY", "params": ["combined"], "id": 4}))
    parsed = await client.many(4)
    assert parsed[3].answers[0].text == "false"
    assert await venue.trade("BTCUSDT", 60_000) == 0
    assert await venue.trade("1000PEPEUSDT", "0.01") == 1
    await client.many(5)
    assert "stream" not in json.loads(client.frames[4])


async def test_a_script_of_the_market_is_played_in_time(venue, connect):
    client = await connect()
    await subscribe(client)
    await client.many(1)
    await venue.play(
        [
            (0.0, "trade", "BTCUSDT", 60_000),
            (0.05, "forced", "BTCUSDT", "SELL", "1", "59000"),
            (0.05, "bar", "BTCUSDT"),
        ]
    )
    parsed = await client.many(4)
    assert [type(each.events[0]) for each in parsed[1:]] == [Tick, Liquidation, Candle]
