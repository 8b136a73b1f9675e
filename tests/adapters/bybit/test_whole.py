"""Bybit's calls and plan, driven by the shared client and sockets, against the local Bybit."""

import asyncio
import contextlib

import pytest

from adapters.bybit import rest, streams
from adapters.bybit.answers import read_time
from adapters.bybit.listing import read_listing
from adapters.instruments import Instruments
from adapters.rest.calls import CallFailed, Site
from adapters.rest.client import RestClient
from adapters.rest.waiting import Backoff
from adapters.stream.queue import Delivered, Outage, Refused
from adapters.stream.reader import VenueStream
from engine.model import Candle, Liquidation

STEP = 300_000
NOW = 1_760_000_000_000


@pytest.fixture
async def client(server):
    site = Site(
        venue="bybit",
        base_url=server.url,
        limits=rest.LIMITS,
        judge=rest.judge,
        time_call=rest.server_time(),
        server_ms=read_time,
    )
    async with RestClient(site) as client:
        yield client


class Listener:
    """A stream that runs, and everything that it handed out."""

    def __init__(self, known, server):
        self.server = server
        self.stream = VenueStream(streams.Bybit(lambda: known), backoff=Backoff(first_s=0.01, longest_s=0.02))
        self.items = []

    async def read(self):
        async for item in self.stream.items():
            self.items.append(item)

    def of(self, kind):
        """Return what came of a kind, events by themselves."""
        plain = [each.event if isinstance(each, Delivered) else each for each in self.items]
        return [each for each in plain if isinstance(each, kind)]

    async def until(self, condition, timeout_s=10.0):
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)

    def on(self):
        """Return the topics that the venue has on its newest connection."""
        return self.server.clients[-1].topics if self.server.clients else set()


@contextlib.asynccontextmanager
async def listening(known, server, instruments):
    listener = Listener(known, server)
    listener.stream.subscribe(streams.channels(instruments, streams.FEEDS, server.ws_url))
    tasks = [asyncio.create_task(listener.stream.run()), asyncio.create_task(listener.read())]
    try:
        yield listener
    finally:
        await listener.stream.stop()
        await asyncio.gather(*tasks)


async def test_contracts_and_candles_by_the_shared_client(client, server, btc):
    def following(decoded):
        cursor = read_listing(decoded).cursor
        return rest.listing(cursor) if cursor else None

    pages = await client.listed(rest._call("instruments-info"), following)
    assert [len(read_listing(page).instruments) for page in pages] == [498, 107]
    opened = NOW // STEP * STEP
    server.there.holes.add(opened - 1500 * STEP)
    since_ms = opened - 2500 * STEP
    pieces = [piece async for piece in client.pages(rest.candles(btc, STEP), since_ms, NOW)]
    candles = [each for piece in pieces for each in piece.events]
    missing = [hole for piece in pieces for hole in piece.missing]
    assert [c.ts for c in candles] == sorted(c.ts for c in candles)
    assert (len(candles), missing) == (2500, [(opened - 1500 * STEP,) * 2])
    assert [c.closed for c in candles[-2:]] == [True, False]
    assert sum(piece.strays + piece.conflicts for piece in pieces) == 0


@pytest.mark.parametrize(
    ("make", "step_ms"),
    [
        (lambda btc: rest.interest(btc, STEP), STEP),
        (lambda btc: rest.ratios(btc, STEP), STEP),
        (rest.funding, 28_800_000),
    ],
)
async def test_history_by_the_shared_client(client, btc, make, step_ms):
    since_ms = (NOW // step_ms - 1111) * step_ms  # more than two pages of each
    pieces = [piece async for piece in client.pages(make(btc), since_ms, NOW)]
    times = sorted(each.ts for piece in pieces for each in piece.events)
    assert times == [since_ms + index * step_ms for index in range(1112)]
    assert not any(piece.missing or piece.strays or piece.conflicts or piece.dropped for piece in pieces)


async def test_a_final_answer_is_not_asked_for_again(client, server, btc):
    server.there.delist("BTCUSDT")
    call = rest.candles(btc, STEP).ask(NOW - STEP, NOW)
    for _ in range(2):
        with pytest.raises(CallFailed, match="does not have this symbol"):
            await client.ask(call)
    assert [path for path, _ in server.calls].count("kline") == 1


@pytest.mark.parametrize("whole", [True, False])
async def test_trap_a_symbol_that_is_gone_costs_no_other_its_topics(known, server, whole):
    server.whole_batches = whole  # it is said that one bad topic fails its message; it may be otherwise
    good = [known.native(name) for name in ("BTCUSDT", "BTCPERP", "1000PEPEUSDT", "SHIB1000USDT")]
    gone = known.native("LTCUSDT")
    server.there.delist("LTCUSDT")
    async with listening(known, server, [good[0], gone, *good[1:]]) as listener:
        await listener.until(lambda: len(listener.of(Refused)) == 3 and len(listener.on()) == 12)
        assert {each.topic.rpartition(".")[2] for each in listener.of(Refused)} == {"LTCUSDT"}
        assert set(listener.stream.topics) == listener.on()
    assert server.handshakes == 1
    assert server.exceeded == []


async def test_a_broken_line_is_mended_and_nothing_comes_twice(known, server, btc):
    async with listening(known, server, [btc]) as listener:
        await listener.until(lambda: len(listener.on()) == 3)
        same = ("Buy", "1", "50000", 5)
        await server.liquidate("BTCUSDT", same, same, twice=True)
        await listener.until(lambda: len(listener.of(Liquidation)) == 2)
        server.drop()
        await listener.until(lambda: listener.of(Outage) and len(listener.on()) == 3)
        await server.liquidate("BTCUSDT", same, same)
        await server.liquidate("BTCUSDT", ("Sell", "1", "50000", 5))
        await server.candle("BTCUSDT", NOW // STEP * STEP)
        await listener.until(lambda: listener.of(Candle))
        assert [(e.side, e.nth) for e in listener.of(Liquidation)] == [
            ("long", 0),
            ("long", 1),
            ("short", 0),
        ]
    assert server.handshakes == 2
    assert server.exceeded == []


async def test_many_symbols_are_shared_out(client, server, monkeypatch):
    monkeypatch.setattr(streams, "TOPICS", 30)
    known = Instruments(read_listing(await client.ask(rest.listing())).instruments)
    async with listening(known, server, known.all[:20]) as listener:
        await listener.until(lambda: sum(len(c.topics) for c in server.clients) == 60)
        assert [len(c.topics) for c in server.clients] == [30, 30]
    assert server.exceeded == []
