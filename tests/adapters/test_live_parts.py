"""The order of prices and candles, open interest at a candle's open, and what waits for an archive."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from adapters import live_archive
from adapters.live_archive import Recorder
from adapters.live_order import HELD, Interest, Turns, merged, stretches
from engine.errors import StorageError
from engine.model import (
    STEP_MS,
    Candle,
    Candles,
    Funding,
    Liquidation,
    LongShortRatio,
    OpenInterest,
    PriceKind,
    Side,
    Tick,
)

BASE = 1_760_000_100_000 // STEP_MS * STEP_MS


def tick(after_ms, symbol="BTCUSDT"):
    return Tick(venue="okx", symbol=symbol, ts=BASE + after_ms, price=1.0)


def candle(step, **more):
    values = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0} | more
    return Candle(venue="okx", symbol="BTCUSDT", ts=BASE + step * STEP_MS, **values)


def interest(after_ms, coins):
    return OpenInterest(venue="okx", symbol="BTCUSDT", ts=BASE + after_ms, open_interest=coins)


def test_prices_wait_for_the_candle_before_them():
    turns = Turns(hold_s=3.0)
    assert turns.wait_s(0.0) is None
    assert turns.tick(tick(1), 0.0) == [tick(1)]
    assert turns.tick(tick(STEP_MS), 1.0) == []
    assert turns.tick(tick(STEP_MS + 1), 2.0) == []
    assert turns.tick(tick(2), 2.0) == [tick(2)]  # of the candle that has not closed
    assert turns.tick(tick(STEP_MS, "ETHUSDT"), 2.0) == [tick(STEP_MS, "ETHUSDT")]
    assert (turns.wait_s(2.0), turns.wait_s(9.0), turns.due(3.9)) == (2.0, 0.0, [])
    assert turns.candle(candle(0)) == [candle(0), tick(STEP_MS), tick(STEP_MS + 1)]
    assert turns.tick(tick(STEP_MS + 2), 5.0) == [tick(STEP_MS + 2)]
    assert turns.wait_s(5.0) is None
    assert turns.candle(candle(-5)) == [candle(-5)]
    assert turns.tick(tick(STEP_MS + 3), 5.0) == [tick(STEP_MS + 3)]


def test_prices_of_candles_further_on_wait_on_and_all_go_when_time_is_up():
    turns = Turns(hold_s=3.0)
    turns.tick(tick(0), 0.0)
    turns.tick(tick(STEP_MS), 1.0)
    turns.tick(tick(2 * STEP_MS), 2.0)
    assert turns.candle(candle(0)) == [candle(0), tick(STEP_MS)]
    assert turns.due(3.9) == []
    assert turns.due(4.0) == [tick(2 * STEP_MS)]
    assert turns.tick(tick(2 * STEP_MS + 1), 4.0) == [tick(2 * STEP_MS + 1)]
    for number in range(HELD + 10):
        turns.tick(tick(3 * STEP_MS + number), 5.0)
    assert len(turns.due(8.0)) == HELD


def test_the_open_interest_of_a_candle_is_what_was_said_nearest_to_its_open():
    known = Interest(kept=3)
    assert known.of(candle(0)) == candle(0)
    known.note(interest(-130_000, 1.0))
    assert known.of(candle(0)).open_interest is None
    for after_ms, coins in ((-110_000, 2.0), (200_000, 3.0), (-20_000, 4.0), (30_000, 5.0)):
        known.note(interest(after_ms, coins))
    assert known.of(candle(0)).open_interest == 4.0
    assert known.of(candle(0, open_interest=9.0)).open_interest == 9.0
    for step in range(1, 6):
        known.note(interest(step * STEP_MS, 10.0 + step))
    assert known.of(candle(5)).open_interest == 15.0
    assert known.of(candle(1)).open_interest is None


def test_what_is_lacking_and_what_comes_of_parts():
    times = np.array([BASE + STEP_MS], np.int64)
    lack = stretches(BASE, BASE + 4 * STEP_MS, [times, times])
    assert lack == [(BASE, BASE + STEP_MS), (BASE + 2 * STEP_MS, BASE + 4 * STEP_MS)]
    assert stretches(BASE, BASE, []) == []
    first, second = Candles.of([candle(1)]), Candles.of([candle(0), candle(1, close=2.0)])
    whole = merged([first, second])
    assert whole.ts.tolist() == [BASE, BASE + STEP_MS]
    assert whole.close.tolist() == [1.0, 1.0]
    assert len(merged([])) == 0


class Shelf:
    """Take events, or refuse them as told."""

    def __init__(self):
        self.refusals = []
        self.batches = []

    async def add_events(self, events):
        if self.refusals:
            raise self.refusals.pop()
        self.batches.append(list(events))

    @property
    def events(self):
        return [event for batch in self.batches for event in batch]


FORCED = Liquidation(
    venue="okx",
    symbol="BTCUSDT",
    side=Side.LONG,
    price=1.0,
    price_kind=PriceKind.FILL,
    quantity=1.0,
    notional_usd=1.0,
    ts=BASE,
    received_ms=BASE,
)
RATE = Funding(venue="okx", symbol="BTCUSDT", ts=BASE, rate=1e-4, funding_ts=BASE + 1)
RATIO = LongShortRatio(venue="okx", symbol="BTCUSDT", ts=BASE, step_ms=STEP_MS, kind="accounts", ratio=1.5)


async def test_open_interest_is_sampled_and_what_does_not_change_is_not_said_again():
    shelf = Shelf()
    recorder = Recorder(shelf)
    minute = BASE // 60_000 * 60_000
    for at in (0, 1, 59_999, 60_000):
        recorder.add(OpenInterest(venue="okx", symbol="BTCUSDT", ts=minute + at, open_interest=float(at)))
    for event in (RATE, replace(RATE, ts=BASE + 5), replace(RATE, rate=2e-4), replace(RATE, settled=True)):
        recorder.add(event)
    for event in (RATIO, RATIO, replace(RATIO, kind="top"), FORCED, FORCED):
        recorder.add(event)
    await recorder.flush(1.0)
    kinds = [type(event) for event in shelf.events]
    counted = [kinds.count(kind) for kind in (OpenInterest, Funding, LongShortRatio, Liquidation)]
    assert counted == [2, 3, 2, 2]
    assert kinds[0] is Liquidation
    assert recorder.waiting == 0


@pytest.mark.parametrize("refusal", [StorageError("full"), TimeoutError()])
async def test_what_is_refused_is_given_again_in_order(refusal):
    shelf = Shelf()
    shelf.refusals.append(refusal)
    recorder = Recorder(shelf, pause_s=0.0, retry_s=0.01)
    running = asyncio.create_task(recorder.run())
    many = [replace(FORCED, ts=BASE + number) for number in range(1200)]
    for event in many:
        recorder.add(event)
    async with asyncio.timeout(5.0):
        while len(shelf.events) < 1200:
            await asyncio.sleep(0.005)
    assert shelf.events == many
    assert [len(batch) for batch in shelf.batches] == [500, 500, 200]
    running.cancel()


async def test_what_finds_no_room_is_counted_and_the_end_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(live_archive, "LIQUIDATIONS", 10)
    shelf = Shelf()
    shelf.refusals = [StorageError("full")]
    recorder = Recorder(shelf)
    for number in range(15):
        recorder.add(replace(FORCED, ts=BASE + number))
    assert (recorder.lost, recorder.waiting) == (5, 10)
    await recorder.flush(0.1)
    assert recorder.waiting == 10
    await recorder.flush(0.1)
    assert [each.ts - BASE for each in shelf.events] == list(range(5, 15))
