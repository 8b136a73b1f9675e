"""Simulated hours on four local venues, each going wrong in every way: what could be heard is kept, once.

Everything is the product's own but the venues: the live source, the archive, DuckDB. CHAOS_S and
CHAOS_SEED repeat or prolong a run.
"""

import asyncio
import contextlib
import importlib.util
import os
import random
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import psutil
import pytest
import structlog

from adapters.live import LiveSource
from adapters.live_venue import Pace
from adapters.venue import VenueState
from bot.live.archive import StoreArchive
from engine.errors import LiqwatchError, SourceError, StorageError, StoreFull
from engine.model import STEP_MS, Candle, Candles, Liquidation, Side, Tick
from storage.market import MarketStore
from storage.venues import VenueStore

SPEED = 100.0
"""Seconds of the venues' time in one of ours: ten minutes are sixteen hours."""
PACE = Pace(open_s=15, others_s=2, retry_s=5, retry_most_s=60, poll_s=60, renew_s=120, hold_s=0.05, late_s=12)
QUICK_S = 0.5
"""How long a price of a venue without trouble may take to a reader, whatever befalls the others: p99."""


def load(name):
    """Load a file beside this one: tests are no package."""
    known = f"chaos_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, Path(__file__).with_name(f"{name}.py"))
        module = sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


sides = load("sides")
storm = load("storm")


class Disk(StoreArchive):
    """The product's archive on a disk that is full or slow for a while."""

    def __init__(self, store):
        super().__init__(store)
        self.full = False
        self.slow_s = 0.0

    async def add_events(self, events):
        await self._trouble()
        await super().add_events(events)

    async def add_candles(self, symbol, venue, candles):
        await self._trouble()
        await super().add_candles(symbol, venue, candles)

    async def _trouble(self):
        await asyncio.sleep(self.slow_s)
        if self.full:
            raise StoreFull("The disk is full.")

    async def rage(self, weather, dice):
        await weather.begun.wait()
        while weather.raging:
            await asyncio.sleep(dice.uniform(1.0, 5.0))
            self.full, self.slow_s = dice.random() < 0.5, dice.uniform(0.0, 0.5)
            weather.trouble.done["full disk" if self.full else "slow disk"] += 1
            await asyncio.sleep(dice.uniform(0.5, 3.0))
            self.full, self.slow_s = False, 0.0


class Reader:
    """Read the source as the product does: candles are kept, and what a gap shows is asked for."""

    def __init__(self, source, archive, weather):
        self.source, self.archive, self.weather = source, archive, weather
        self.first, self.last = {}, {}
        self.twice = []
        self.lags = defaultdict(list)
        self.unsaved = []
        self.lacking = set()

    async def read(self):
        async for event in self.source.events():
            if isinstance(event, Candle):
                self._candle(event)
            elif isinstance(event, Tick):
                self._price(event)

    def _price(self, tick):
        sent_s = self.weather.ledger.prices.pop((tick.venue, tick.symbol, tick.price), None)
        trouble = self.weather.trouble
        if sent_s is not None and trouble.calm(tick.venue, sent_s):
            others = [side.name for side in self.weather.sides if side.name != tick.venue]
            harmed = any(not trouble.calm(name, sent_s) for name in others)
            self.lags[harmed].append(time.monotonic() - sent_s)

    def _candle(self, candle):
        key = (candle.venue, candle.symbol)
        last = self.last.get(key)
        if last is not None and candle.ts <= last:
            self.twice.append(candle)
            return
        if last is not None and candle.ts > last + STEP_MS:
            self.lacking.add((*key, last + STEP_MS, candle.ts))
        self.first.setdefault(key, candle.ts)
        self.last[key] = candle.ts
        self.unsaved.append(candle)

    async def save(self):
        """Keep candles, and fill gaps, as often as it takes."""
        while True:
            await asyncio.sleep(0.05)
            with contextlib.suppress(LiqwatchError):
                while self.unsaved:
                    candle = self.unsaved[0]
                    await self.archive.add_candles(candle.symbol, candle.venue, Candles.of([candle]))
                    self.unsaved.pop(0)

    async def fill(self):
        while True:
            await asyncio.sleep(0.2)
            for gap in sorted(self.lacking):
                venue, symbol, begin, end = gap
                with contextlib.suppress(SourceError):
                    found = await self.source.history(symbol, since_ms=begin, until_ms=end, venue=venue)
                    if len(found) == (end - begin) // STEP_MS:
                        await self._keep(symbol, venue, found)
                        self.lacking.discard(gap)

    async def _keep(self, symbol, venue, found):
        """Have what was found on disk: the source may have met a full one."""
        while True:
            try:
                await self.archive.add_candles(symbol, venue, found)
            except StorageError:
                await asyncio.sleep(0.2)
            else:
                return


@contextlib.asynccontextmanager
async def under_way(*work):
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition, what, timeout_s=30.0):
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < timeout_s, what()
        await asyncio.sleep(0.02)


class Run:
    """One storm from its beginning to its end, and what it left behind."""

    def __init__(self, store, seed, seconds):
        self.store, self.seed, self.seconds = store, seed, seconds
        self.memory = []

    async def go(self):
        clock = sides.Clock(SPEED)
        self.sides = [side(clock) for side in sides.SIDES]
        await asyncio.gather(*(side.start() for side in self.sides))
        self.weather = storm.Storm(self.sides, self.seed)
        self.archive = Disk(self.store)
        kits = [side.kit for side in self.sides]
        self.source = LiveSource(kits, storm.SYMBOLS, self.archive, pace=PACE, clock=clock)
        try:
            await self.source.open()
            self.weather.reads = self.source.venues_of
            self.reader = Reader(self.source, self.archive, self.weather)
            async with under_way(self.reader.read(), self.reader.save(), self.reader.fill()) as reading:
                await self._storm()
                for task in reading:
                    assert not task.done(), task
        finally:
            await self.source.aclose()
            await asyncio.gather(*(side.stop() for side in self.sides))

    async def _storm(self):
        weather = self.weather
        async with under_way(*weather.run(), self.archive.rage(weather, random.Random(self.seed))) as tasks:
            await until(self._up, lambda: f"the venues did not come up: {self._states()}")
            weather.begun.set()
            ends_s = time.monotonic() + self.seconds
            while time.monotonic() < ends_s:
                await asyncio.sleep(min(1.0, self.seconds / 10))
                self._look()
                for task in tasks:
                    assert not task.done() or task.exception() is None, task.exception()
            weather.calm()
            await asyncio.sleep(0.2)
            weather.all_well()
            await until(self._up, lambda: f"not up again: {self._states()}", 40.0)
            await self._last_candles()
            weather.ledger.settle(everything=True)
            next(side for side in self.sides if side.name == "hyperliquid").cut(inside=False)
            weather.told_again()
            await asyncio.sleep(1.0)
            await until(self._up, lambda: f"not up at the end: {self._states()}")
            weather.over = True
        recorder = self.source._recorder
        await until(lambda: not recorder.waiting, lambda: "what was heard was not kept")
        assert recorder.lost == 0
        await self.store.flush()

    async def _last_candles(self):
        """Let everybody close two candles more."""
        reader, wanted = self.reader, min(side.now_ms for side in self.sides) // STEP_MS * STEP_MS + STEP_MS
        keys = [(side.name, symbol) for side in self.sides for symbol in storm.SYMBOLS]

        def behind():
            return [key for key in keys if reader.last.get(key, 0) < wanted]

        await until(lambda: not behind(), lambda: f"candles lack: {behind()}")
        await until(lambda: not reader.lacking and not reader.unsaved, lambda: f"gaps: {reader.lacking}")

    def _look(self):
        for side in self.sides:
            side.trim()
        cutoff_s = time.monotonic() - 5.0
        prices = self.weather.ledger.prices
        self.weather.ledger.prices = {key: at_s for key, at_s in prices.items() if at_s > cutoff_s}
        self.memory.append(psutil.Process().memory_info().rss / 1e6)

    def _up(self):
        return all(each.state is VenueState.UP for each in self.source.health())

    def _states(self):
        return [(each.venue, each.state, each.detail) for each in self.source.health()]

    # what must hold

    async def check(self):
        await self._liquidations()
        await self._candles()
        self._limits()
        self._quick()

    async def _liquidations(self):
        found = await VenueStore(self.store).liquidations()
        kept = Counter((e.venue, e.symbol, round(e.quantity * 100)) for e in found)
        ledger = self.weather.ledger
        lost = {key: (copies, kept[key]) for key, copies in ledger.due.items() if kept[key] < copies}
        assert not lost, f"{len(lost)} could be heard and are not kept: {list(lost.items())[:5]}"
        invented = {key: n for key, n in kept.items() if n > ledger.said[key]}
        assert not invented, f"{len(invented)} are kept too often: {list(invented.items())[:5]}"
        assert all(isinstance(e, Liquidation) and e.side is Side.LONG and e.price == 59_000 for e in found)
        self.liquidations = len(found)

    async def _candles(self):
        reader = self.reader
        assert not reader.twice
        self.candles = 0
        for side in self.sides:
            for symbol in storm.SYMBOLS:
                first, last = reader.first[side.name, symbol], reader.last[side.name, symbol]
                held = await self.store.candles(symbol, side.name, first, last + STEP_MS)
                lack = set(range(first, last + STEP_MS, STEP_MS)) - set(held.ts.tolist())
                assert not lack, f"{side.name} {symbol} lacks {sorted(lack)} of {first} to {last}"
                closes = [side.close_of(symbol, int(ts)) for ts in held.ts]
                assert held.close == pytest.approx(np.array(closes)), (side.name, symbol)
                self.candles += len(held)

    def _limits(self):
        assert [each for side in self.sides for each in side.exceeded] == []

    def _quick(self):
        lags = self.reader.lags
        assert len(lags[True]) > 100
        assert np.percentile(lags[True], 99) < QUICK_S

    def told(self):
        lags, trouble = self.reader.lags, self.weather.trouble
        quick = " and ".join(
            f"{np.percentile(lags[harmed], 99) * 1000:.0f} ms p99 while {words}"
            for harmed, words in ((False, "all are well"), (True, "others are in trouble"))
            if lags[harmed]
        )
        return (
            f"\nchaos, seed {self.seed}: {self.seconds * SPEED / 3600:.1f} h in {self.seconds:.0f} s,"
            f" {len(self.weather.ledger.said)} liquidations happened, {len(self.weather.ledger.due)} could be"
            f" heard, {self.liquidations} rows kept; {self.candles} candles without a gap;"
            f" a price takes {quick};"
            f" memory {self.memory[0]:.0f} to {self.memory[-1]:.0f} MB;"
            f" {dict(sorted(trouble.done.items()))}\n"
        )


async def stormy(tmp_path, seed, seconds, capsys):
    """Run a storm, check what it left, and tell of it."""
    store = await MarketStore.open(tmp_path / "market.duckdb")
    run = Run(store, seed, seconds)
    with capsys.disabled():
        sys.stdout.write(f"\nchaos seed {seed}\n")
    try:
        with structlog.testing.capture_logs() as logs:
            await run.go()
        crashes = [entry for entry in logs if entry["event"] in ("live.crashed", "live.slow_to_stop")]
        assert crashes == []
        await run.check()
    finally:
        await store.close()
    with capsys.disabled():
        sys.stdout.write(run.told())
    return run


async def test_whatever_befalls_four_venues_what_could_be_heard_is_kept_once(tmp_path, capsys):
    seed = int(os.environ.get("CHAOS_SEED", "20251010"))
    await stormy(tmp_path, seed, 18.0, capsys)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_for_simulated_hours_memory_stays_flat(tmp_path, capsys):
    seed = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(1 << 32))))
    run = await stormy(tmp_path, seed, float(os.environ.get("CHAOS_S", "600")), capsys)
    third = len(run.memory) // 3
    assert np.mean(run.memory[-third:]) < 1.1 * np.mean(run.memory[third : 2 * third])
