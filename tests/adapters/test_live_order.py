"""What a venue says out of order comes out by its own time, and what it leaves half done is done again."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from adapters.hyperliquid.fills import LIQUIDATORS
from adapters.live_archive import Recorder
from adapters.live_order import InOrder
from adapters.venue import VenueState
from engine.model import STEP_MS, Candle, Liquidation, PriceKind, Side, Tick

TESTS = Path(__file__).parents[1]
MANY = 6
NOW = 1_760_000_000_000


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


four = load("peers_four_venues", TESTS / "peers" / "four_venues.py")
sides = load("chaos_sides", TESTS / "chaos" / "sides.py")
reading_of = load("adapters_reading", Path(__file__).with_name("reading.py"))
Reading, Shelf, until, BTC = reading_of.Reading, reading_of.Shelf, reading_of.until, reading_of.BTC


@pytest.fixture
async def world():
    venues = await four.FourVenues().start()
    yield venues
    await venues.stop()
    assert venues.exceeded == []


async def force(world, name):
    """Liquidate some positions, a few milliseconds after one another; the venue tells the newest first."""
    frames = []
    for number in range(MANY):
        quantity = f"{number + 1}"
        if name == "binance":
            await world.binance.forced(BTC, "SELL", quantity, "59000")
        elif name == "okx":
            row = world.frames.forced("sell", 59_000, number + 1, four.now_ms())
            body = [world.frames.forced_row(four.SWAP, row)]
            frames.append(world.frames.data("liquidation-orders", "SWAP", body, key="instType"))
        else:
            await world.hyperliquid.liquidate(
                four.TRADER, "BTC", "A", 59_000.0, number + 1.0, by=LIQUIDATORS[0]
            )
        await asyncio.sleep(0.003)
    await world.okx.push_all(frames, reverse=True)


@pytest.mark.parametrize("name", ["binance", "okx", "hyperliquid"])
async def test_liquidations_that_come_out_of_order_are_kept_by_the_venues_time(world, name, monkeypatch):
    came, add = [], Recorder.add

    def noted(recorder, event):
        if isinstance(event, Liquidation):
            came.append(event)
        add(recorder, event)

    monkeypatch.setattr(Recorder, "add", noted)
    async with Reading(world.kits(name)) as reading:
        world.binance.lines.reorder = world.hyperliquid.reorder = MANY
        await force(world, name)
        forced = await until(lambda: len(reading.shelf.forced) == MANY and reading.shelf.forced)
    by_quantity = sorted(forced, key=lambda event: event.quantity)
    assert (came, forced) == (by_quantity[::-1], by_quantity)
    assert [event.ts for event in forced] == sorted(event.ts for event in forced)


async def test_prices_and_candles_that_come_out_of_order_come_out_by_the_venues_time(world):
    first = world.base - 2 * STEP_MS
    async with Reading(world.kits("binance")) as reading:
        await world.price("binance", 60_000, first + 1)
        await until(lambda: reading.seen)
        world.binance.lines.reorder = 5
        for at_ms in (first + 10, first + 20):
            await world.price("binance", 60_001, at_ms)
        await world.close("binance", first)
        for at_ms in (first + STEP_MS + 10, first + STEP_MS + 20):
            await world.price("binance", 60_002, at_ms)
        world.binance.lines.reorder = 0
        await world.price("binance", 60_003, first + STEP_MS + 30)
        await until(lambda: reading.of(Tick) and reading.of(Tick)[-1].price == 60_003)
    known = [event.ts + STEP_MS if isinstance(event, Candle) else event.ts for event in reading.seen]
    assert known == sorted(known)
    assert first + STEP_MS in known
    assert [event.ts - first - STEP_MS for event in reading.of(Tick)][-2:] == [20, 30]  # 10 was told too late


async def test_of_subscriptions_half_of_which_are_ignored_all_stand_in_the_end(world):
    world.hyperliquid.half_batch = True
    clock = sides.Clock(20.0)
    reading = Reading(world.kits("hyperliquid"), clock=clock)
    try:
        await reading.source.open()
        told = "did not answer a subscription within 10 s"
        await until(lambda: told in reading.source.snapshots()[0].last_error)
        assert reading.source.health()[0].state is not VenueState.UP
        world.hyperliquid.half_batch = False
        await until(lambda: reading.source.health()[0].state is VenueState.UP)
        wanted = reading.source._venues["hyperliquid"]._stream.topics
        (line,) = world.hyperliquid.lines
        assert len(line.topics) == len(wanted) == 10
        assert reading.source.snapshots()[0].refused == {}
    finally:
        await reading.source.aclose()


def liquidation(ts, *, venue="okx"):
    known = {"venue": venue, "symbol": BTC, "side": Side.LONG, "price_kind": PriceKind.FILL}
    return Liquidation(price=1.0, quantity=1.0, notional_usd=1.0, ts=NOW + ts, received_ms=NOW, **known)


def test_what_comes_within_the_hold_takes_its_place_and_what_comes_later_does_not():
    order = InOrder(0.5)
    for ts, at_s in ((10, 0.0), (5, 0.4), (20, 0.45)):
        order.add(liquidation(ts), at_s)
    assert order.due(0.49) == []
    assert [event.ts - NOW for event in order.due(0.5)] == [5, 10]
    order.add(liquidation(7), 0.6)
    assert (len(order), order.until_s) == (2, 0.95)
    assert [event.ts - NOW for event in order.due(1.2)] == [7, 20]
    assert (order.due(9.0), len(order)) == ([], 0)


async def test_one_venues_clock_does_not_hurry_another():
    shelf = Shelf()
    recorder = Recorder(shelf, pause_s=0.0, hold_s=0.2)
    running = asyncio.create_task(recorder.run())
    recorder.add(liquidation(99_000, venue="bybit"))  # its clock is ahead
    await asyncio.sleep(0.15)
    recorder.add(liquidation(20))
    await until(lambda: shelf.forced)
    recorder.add(liquidation(10))
    await until(lambda: len(shelf.forced) == 3)
    running.cancel()
    assert [event.ts - NOW for event in shelf.forced if event.venue == "okx"] == [10, 20]
    assert (recorder.waiting, recorder.held) == (0, 0)
