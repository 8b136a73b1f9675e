"""Hundreds of symbols on four venues at once, under traffic: kept, within every limit, in little memory."""

import asyncio
import contextlib
import gc
import importlib.util
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from adapters.live import LiveSource
from adapters.live_venue import Pace
from bot.live.archive import StoreArchive
from engine.model import STEP_MS, Candle, Candles, Tick
from storage.market import MarketStore
from storage.venues import VenueStore

MOST_MB = 600
"""What reading and keeping them may add to a process that is 400 MB when it draws: one gigabyte in all."""
AT_ONCE = 25
"""How many symbols of a venue speak before others have their turn."""
BREATH_S = 0.02
NAMES = ("binance", "bybit", "okx", "hyperliquid")
TOPICS = {"binance": 200}
"""How many topics one connection may carry, where a venue counts them."""
LETTERS = {"bybit": 21_000, "okx": 64 << 10}
"""How long the names of a connection's topics may be together, where a venue counts that."""
LINES = {"bybit": 1_000, "hyperliquid": 10}
"""How many connections an address may have, where a venue says so; local venues watch how fast they open."""
HYPERLIQUID_TOPICS, HYPERLIQUID_USERS = 1_000, 10


def load(name, known):
    """Load a file beside this one: tests are no package."""
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


sides = load("sides", "many_sides")
"""A copy of its own, which knows the coins of this file."""


class Exchange:
    """The four local venues, each of which lists the same coins."""

    def __init__(self, count, speed=1.0):
        self.coins = [f"C{number}X" for number in range(count)]
        self.symbols = tuple(f"{coin}USDT" for coin in self.coins)
        self.clock = sides.Clock(speed)
        self.sides = [side(self.clock) for side in sides.SIDES]

    async def start(self):
        for side in self.sides:
            await side.start()
        binance, bybit, okx, hyperliquid = (side.peer for side in self.sides)
        listed = sides.peer("binance").market.listed
        binance.market.symbols = [listed(f"{coin}USDT", coin) for coin in self.coins]
        binance.lines.life_s = 86_400.0
        contract = sides.peer("bybit").market.contract
        bybit.there.contracts = [contract(f"{coin}USDT", coin) for coin in self.coins]
        okx.world.instruments = [okx.frames.contract(coin, ct_val="0.01") for coin in self.coins]
        okx.idle_s = 60.0 if self.clock.speed == 1.0 else 120.0 / self.clock.speed
        coin_of = sides.peer("hyperliquid").world.Coin
        hyperliquid.world.coins = [coin_of(coin, mark=100.0, mid=100.5, decimals=5) for coin in self.coins]
        sides.COINS.clear()
        sides.COINS.update(zip(self.symbols, self.coins, strict=True))

    async def stop(self):
        for side in self.sides:
            await side.stop()

    @property
    def exceeded(self):
        return [each for side in self.sides for each in side.exceeded]

    def topics(self):
        """Return the topics of each open connection, by venue."""
        binance, bybit, okx, hyperliquid = (side.peer for side in self.sides)
        return {
            "binance": [set(line.topics) for line in binance.lines.open],
            "bybit": [set(client.topics) for client in bybit.clients],
            "okx": [{(a["channel"], a.get("instId", "")) for a in c.args} for c in okx.standing],
            "hyperliquid": [set(line.topics) for line in hyperliquid.lines],
        }

    def wanted(self):
        """Return how many candle topics each venue should have been asked for."""
        return dict.fromkeys(NAMES, len(self.coins))


class Traffic:
    """What happens on the four markets, as fast as the local venues can say it."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.forced = Counter()
        self.said = Counter()

    async def of(self, side, seconds, closed_ms):
        """Let every symbol of a venue speak, in turn, until the time is over; each at least once."""
        until_s, turn = time.monotonic() + seconds, 0
        while turn == 0 or time.monotonic() < until_s:
            for number, symbol in enumerate(self.exchange.symbols):
                pause = number % AT_ONCE == 0
                if pause or side.name != "hyperliquid":  # which tells the prices of all in one frame
                    await side.tick(symbol, 100.0 + turn % 50)
                    self.said[side.name] += 1
                await self._speak(side, symbol, turn, closed_ms)
                if pause:
                    await asyncio.sleep(BREATH_S)
            turn += 1

    async def _speak(self, side, symbol, turn, closed_ms):
        price = 100.0 + turn % 50
        if turn == 0:
            await side.close(symbol, closed_ms)
        await side.states(symbol)
        await side.forming(symbol, closed_ms + STEP_MS)
        told, count = await side.force(symbol, 1.0 + turn, price)
        self.forced[side.name] += count * bool(told)
        self.said[side.name] += 3 + (turn == 0)


class Reader:
    """Read the source as the product does, and keep the candles that closed."""

    def __init__(self, source, store):
        self.source, self.store = source, store
        self.ticks = Counter()
        self.closed = Counter()

    async def run(self):
        async for event in self.source.events():
            if isinstance(event, Tick):
                self.ticks[event.venue] += 1
            elif isinstance(event, Candle) and event.closed:
                self.closed[event.venue] += 1
                await self.store.add_candles(event.symbol, event.venue, Candles.of([event]))


def candles(topics):
    """Return for how many symbols a venue was asked for candles, over all its connections."""
    every = [topic for line in topics for topic in line]
    assert len(every) == len(set(every)), "a topic was asked for twice"
    return sum("kline" in str(topic) or "candle" in str(topic) for topic in every)


def check_limits(exchange):
    """Count what was asked for on each connection against what its venue allows."""
    found = exchange.topics()
    for name, lines in found.items():
        assert 0 < len(lines) <= LINES.get(name, len(lines)), name
        assert max(map(len, lines)) <= TOPICS.get(name, 1 << 62), name
    letters = {
        "bybit": [sum(map(len, topics)) for topics in found["bybit"]],
        "okx": [sum(len(json.dumps(arg)) for arg in c.args) for c in exchange.sides[2].peer.standing],
    }
    for name, counted in letters.items():
        assert max(counted) <= LETTERS[name], name
    of_hyperliquid = [topic for line in found["hyperliquid"] for topic in line]
    assert len(of_hyperliquid) <= HYPERLIQUID_TOPICS
    assert len({topic for topic in of_hyperliquid if topic[0] == "userFills"}) <= HYPERLIQUID_USERS
    assert exchange.exceeded == []


async def until(met, timeout_s):
    async with asyncio.timeout(timeout_s):
        while not await met():
            await asyncio.sleep(0.1)


class Run:
    """So many symbols of four venues, read into a store of their own."""

    def __init__(self, count, path, speed=1.0):
        self.exchange = Exchange(count, speed)
        self.path = path
        self.most_mb = self.before_mb = 0.0

    def weigh(self):
        rss_mb = psutil.Process().memory_info().rss / 1e6
        self.most_mb = max(self.most_mb, rss_mb)
        return rss_mb

    async def weighed(self):
        while True:
            self.weigh()
            await asyncio.sleep(0.25)

    async def whole(self, seconds, timeout_s):
        """Subscribe, let the markets speak for seconds, wait until all of it is kept; check everything."""
        async with self._read(timeout_s):
            closed_ms = time.time_ns() // 1_000_000 // STEP_MS * STEP_MS - STEP_MS
            await asyncio.gather(*(self.traffic.of(side, seconds, closed_ms) for side in self.exchange.sides))
            await until(self._kept, timeout_s)
            self._all_up()
            check_limits(self.exchange)
            self.lines = {name: len(found) for name, found in self.exchange.topics().items()}
            self.topics = {n: sum(map(len, found)) for n, found in self.exchange.topics().items()}
            assert self.source._recorder.lost == 0

    async def without_states(self, seconds, timeout_s):
        """Let nobody say open interest or funding for seconds of the venues' time; return how it went.

        That is how often each venue was connected anew, over how many connections, and which part of OKX's
        prices was heard.
        """
        async with self._read(timeout_s):
            clock, turn = self.exchange.clock, 0
            until_s = clock.monotonic() + seconds
            while clock.monotonic() < until_s:
                turn += 1
                await asyncio.gather(*(self._stateless(side, turn) for side in self.exchange.sides))
            await until(self._subscribed, timeout_s)
            check_limits(self.exchange)
            again = {name: venue.snapshot().reconnects for name, venue in self.source._venues.items()}
            lines = {name: len(found) for name, found in self.exchange.topics().items()}
            return again, lines, self.reader.ticks["okx"] / (turn * len(self.exchange.symbols))

    async def _stateless(self, side, turn):
        """Let every symbol of a venue say its price, and some what else there is but its states."""
        price, bar = 100.0 + turn % 50, side.now_ms // STEP_MS * STEP_MS
        for number, symbol in enumerate(self.exchange.symbols):
            pause = number % AT_ONCE == 0
            if pause or side.name != "hyperliquid":
                await side.tick(symbol, price)
            if pause:
                await side.forming(symbol, bar)
                await side.force(symbol, 1.0 + turn, price)
                await asyncio.sleep(BREATH_S)

    @contextlib.asynccontextmanager
    async def _read(self, timeout_s):
        """Start the venues and whoever reads them; be inside once every topic is acknowledged."""
        await self.exchange.start()
        gc.collect()
        self.before_mb = self.weigh()
        self.store = await MarketStore.open(self.path)
        kits = [side.kit for side in self.exchange.sides]
        self.source = LiveSource(
            kits,
            self.exchange.symbols,
            StoreArchive(self.store),
            pace=Pace(late_s=250.0, poll_s=3_000.0),
            clock=self.exchange.clock,
        )
        self.reader, self.traffic = Reader(self.source, self.store), Traffic(self.exchange)
        tasks = [asyncio.create_task(self.weighed())]
        try:
            await self.source.open()
            tasks.append(asyncio.create_task(self.reader.run()))
            await until(self._subscribed, timeout_s)
            self._all_up()
            check_limits(self.exchange)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.source.aclose()
            await self.store.close()
            await self.exchange.stop()

    async def _subscribed(self):
        asked = {name: candles(found) for name, found in self.exchange.topics().items()}
        return asked == self.exchange.wanted() and all(
            venue.snapshot().lines_up == venue.snapshot().lines for venue in self.source._venues.values()
        )

    def _all_up(self):
        for venue in self.source._venues.values():
            found = venue.snapshot()
            assert found.refused == {}, venue.name
            assert found.lines_up == found.lines > 0, (venue.name, found)
        assert len(self.source.venues_of(self.exchange.symbols[-1])) == len(NAMES)

    async def _kept(self):
        """Say whether the store has every liquidation that was told, once, and every candle that closed."""
        await self.store.flush()
        kept = Counter(each.venue for each in await VenueStore(self.store).liquidations())
        assert all(kept[name] <= self.traffic.forced[name] for name in NAMES)
        sql = "SELECT venue, count(DISTINCT symbol) FROM candles GROUP BY venue"
        closed = dict(await self.store.read(lambda cursor: cursor.execute(sql).fetchall()))
        return kept == self.traffic.forced and closed == self.exchange.wanted()

    def report(self, began_s):
        told, forced = sum(self.traffic.said.values()), sum(self.traffic.forced.values())
        return (
            f"\n{len(self.exchange.symbols)} symbols on four venues in {time.monotonic() - began_s:.0f} s: "
            f"connections {self.lines}, topics {self.topics}; {told} frames told, {forced} liquidations and "
            f"{sum(self.reader.closed.values())} candles kept; {self.most_mb:.0f} MB with the venues, "
            f"{self.most_mb - self.before_mb:.0f} MB for reading\n"
        )


async def follow(tmp_path, capsys, *, seconds, timeout_s):
    run, began_s = Run(500, tmp_path / "market.duckdb"), time.monotonic()
    await run.whole(seconds, timeout_s)
    with capsys.disabled():
        sys.stdout.write(run.report(began_s))
    assert set(run.reader.ticks) == set(NAMES)
    assert min(run.traffic.forced.values()) >= 500
    assert run.most_mb - run.before_mb < MOST_MB


async def test_five_hundred_symbols_on_four_venues_are_kept_within_every_limit(tmp_path, capsys):
    await follow(tmp_path, capsys, seconds=3.0, timeout_s=120.0)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_five_hundred_symbols_under_traffic_for_longer(tmp_path, capsys):
    await follow(tmp_path, capsys, seconds=float(os.environ.get("MANY_S", "60")), timeout_s=600.0)


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_open_interest_and_funding_that_never_come_cut_nothing_else_for_long(tmp_path):
    """Five hundred symbols for ten minutes: renewed without end, it would be some 100 connections a venue."""
    run = Run(500, tmp_path / "market.duckdb", speed=6.0)
    again, lines, heard = await run.without_states(600.0, timeout_s=200.0)
    assert again["bybit"] == again["hyperliquid"] == 0  # theirs come with the prices
    assert all(again[name] <= 6 * lines[name] for name in again), (again, lines)
    assert heard > 0.7, (again, lines)
