"""Sockets that are replaced, cut by age or partly mute, as the product reads them: nothing comes twice."""

import asyncio
import importlib.util
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.instruments import Instrument
from adapters.stream import rhythm
from adapters.stream.queue import EventQueue, Outage
from adapters.venue import Feed, VenueState
from engine.model import STEP_MS

TESTS = Path(__file__).parents[1]
SPEED = 15.0
LIFE_S = 61.0


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


sides = load("chaos_sides", TESTS / "chaos" / "sides.py")
reading_of = load("adapters_reading", Path(__file__).with_name("reading.py"))
Reading, BTC = reading_of.Reading, reading_of.BTC


class Early(sides.Clock):
    """A clock that begins when a candle has just begun."""

    def __init__(self, speed):
        super().__init__(speed)
        self._base_ms = self._base_ms // STEP_MS * STEP_MS + 1_000


@pytest.fixture
def outages(monkeypatch):
    """Every outage that streams tell from here on."""
    told, add = [], EventQueue.add

    def noted(queue, item):
        if isinstance(item, Outage):
            told.append(item)
        add(queue, item)

    monkeypatch.setattr(EventQueue, "add", noted)
    return told


class Day:
    """Binance, where somebody is liquidated all the time; `heard` says how many connections were told."""

    def __init__(self, side):
        self.side, self.peer = side, side.peer
        self.heard = {}
        self.most_open = 0
        self._bar_ms = 0

    async def pass_until(self, condition):
        """Let the market go on until something holds."""
        async with asyncio.timeout(60.0):
            while not condition():
                await self.step()

    async def calm_until(self, condition):
        """Let nobody be liquidated until something holds."""
        async with asyncio.timeout(60.0):
            while not condition():
                await self.side.states(BTC)
                await asyncio.sleep(0.02)

    async def step(self):
        number = len(self.heard) + 1
        bar_ms = self.side.now_ms // STEP_MS * STEP_MS
        if bar_ms > self._bar_ms:
            self._bar_ms = bar_ms
            await self.peer.bar(BTC, ts=bar_ms - STEP_MS)
        await self.side.tick(BTC, 60_000 + number % 7)
        await self.side.states(BTC)
        standing = [line for line in self.side.carriers(BTC) if not line.ws.closed]
        await self.peer.forced(BTC, "SELL", f"{number / 100:.2f}", "59000")
        self.heard[number] = len(standing)
        self.most_open = max(self.most_open, len(self.peer.lines.open))
        await asyncio.sleep(0.02)


async def one_day(clock, act, *, product_s, venue_s):
    """Read Binance whose connections the product replaces, and the venue cuts, after so many seconds."""
    side = sides.BinanceSide(clock)
    side.LIFE_S = venue_s
    await side.start()
    day = Day(side)
    try:
        async with Reading([replace(side.kit, life_s=product_s)], clock=clock) as reading:
            await act(day, reading)
            wanted = {number for number, told in day.heard.items() if told}
            await day.calm_until(lambda: len(reading.shelf.forced) >= len(wanted))
            health = reading.source.snapshots()[0]
    finally:
        await side.stop()
    kept = Counter(round(event.quantity * 100) for event in reading.shelf.forced)
    assert kept == dict.fromkeys(wanted, 1)
    assert side.exceeded == []
    return day, health


async def test_a_connection_is_replaced_before_the_venue_cuts_it_with_no_gap_and_no_duplicate(outages):
    async def act(day, reading):
        await day.pass_until(lambda: len(day.peer.lines.ever) >= 2)
        await day.pass_until(lambda: len(day.peer.lines.open) == 1)

    day, health = await one_day(Early(SPEED), act, product_s=LIFE_S, venue_s=3_600.0)
    assert day.most_open == 2
    assert set(day.heard.values()) == {1, 2}  # never nobody; for a while both sockets said the same
    assert (outages, health.reconnects, health.state) == ([], 0, VenueState.UP)
    assert not [path for path, _ in day.peer.calls if path.endswith("/klines")]


async def test_a_venue_that_cuts_early_leaves_a_gap_that_is_told_and_nothing_comes_twice(outages):
    async def act(day, reading):
        await day.pass_until(lambda: len(day.peer.lines.ever) >= 2 and outages)
        await day.pass_until(lambda: reading.source.health()[0].state is VenueState.UP)
        for _ in range(5):
            await day.step()

    day, health = await one_day(Early(SPEED), act, product_s=LIFE_S, venue_s=LIFE_S / 2)
    assert day.most_open == 1
    assert health.reconnects == len(outages) >= 1
    assert health.last_error == "the stream was closed (1001)"
    assert set(outages[0].topics) == {
        "!forceOrder@arr",
        "btcusdt@aggTrade",
        "btcusdt@kline_5m",
        "btcusdt@markPrice",
    }
    assert 0 < outages[0].until_ms - outages[0].since_ms < 120_000


# a topic that is mute among others


def forget(side):
    """Let a venue forget that anybody asked for the price; return what that topic is called here."""
    peer = side.peer
    if side.name == "binance":
        for line in peer.lines.open:
            line.topics.pop("btcusdt@aggTrade", None)
        return "btcusdt@aggTrade"
    if side.name == "bybit":
        for client in peer.clients:
            client.topics.discard("tickers.BTCUSDT")
        return "tickers.BTCUSDT"
    if side.name == "okx":
        for each in peer.standing:
            each.args = [arg for arg in each.args if arg["channel"] != "mark-price"]
        return "mark-price:BTC-USDT-SWAP"
    for line in peer.lines:
        line.topics.pop(("activeAssetCtx", "BTC"), None)
    return "activeAssetCtx:BTC"


async def test_a_price_that_falls_mute_on_each_venue_is_asked_for_anew(monkeypatch, outages):
    monkeypatch.setattr(rhythm, "LEARNT_S", 25.0)
    monkeypatch.setattr(rhythm, "SPOKEN", 15)
    clock = Early(SPEED)
    every = [side(clock) for side in sides.SIDES]
    for side in every:
        await side.start()
    number = 0

    async def talk():
        nonlocal number
        number += 1
        for side in every:
            await side.tick(BTC, 60_000 + number)
            await side.forming(BTC, side.now_ms // STEP_MS * STEP_MS)
            await side.states(BTC)
        await asyncio.sleep(0.02)

    async def pass_until(condition):
        async with asyncio.timeout(60.0):
            while not condition():
                await talk()

    try:
        async with Reading([side.kit for side in every], clock=clock) as reading:

            def health():
                return {each.venue: each for each in reading.source.snapshots()}

            await pass_until(lambda: all(each.ok for each in health().values()))
            until_s = clock.monotonic() + 30.0
            await pass_until(lambda: clock.monotonic() > until_s)
            told = {side.name: forget(side) for side in every}
            seen = {}

            def noticed():
                seen.update({name: dict(each.silent) for name, each in health().items() if each.silent})
                return len(seen) == len(every)

            await pass_until(noticed)
            assert {name: list(silent) for name, silent in seen.items()} == {n: [t] for n, t in told.items()}
            await pass_until(lambda: not any(each.silent for each in health().values()))
            ages = {name: each.reconnects for name, each in health().items()}
    finally:
        for side in every:
            await side.stop()
    assert ages == dict.fromkeys(told, 0)
    assert {outage.venue: outage.topics for outage in outages} == {n: (t,) for n, t in told.items()}
    assert [each for side in every for each in side.exceeded] == []


def test_every_topic_of_one_symbol_says_so_but_those_of_liquidations():
    known = {"okx": "BTC-USDT-SWAP", "hyperliquid": "BTC"}
    promised = set()
    for kit in (sides.BinanceKit(), sides.BybitKit(), sides.OkxKit(), sides.HyperliquidKit()):
        native = known.get(kit.venue, BTC)
        coin = Instrument(venue=kit.venue, native=native, symbol=BTC, base="BTC", quote="USDT")
        for channel in kit.channels([coin]):
            assert (channel.symbol == BTC) is (channel.feed is not Feed.LIQUIDATIONS), channel
            assert not channel.steady or channel.silent_s is not None
            promised |= {(kit.venue, channel.feed)} if channel.steady else set()
    assert promised == {
        ("binance", Feed.FUNDING),
        ("okx", Feed.PRICES),
        ("okx", Feed.OPEN_INTEREST),
        ("okx", Feed.FUNDING),
    }
