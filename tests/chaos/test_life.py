"""Simulated hours of the product's own loop on four local venues in a storm: restarted, killed, left whole.

Feed, market with its upkeep, alerts and stores run in a process of their own, against venues that go wrong
in every way. In the end no candle lacks and none is another venue's, every liquidation that could be heard is
kept once, and nothing waited. CHAOS_S and CHAOS_SEED repeat or prolong a run.
"""

import asyncio
import importlib.util
import json
import os
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from engine.model import STEP_MS, Liquidation, Side
from storage.market import MarketStore
from storage.venues import VenueStore

SPEED = 100.0
ROOT = Path(__file__).parents[2]
ALL = ["binance", "bybit", "okx", "hyperliquid"]
DURABLE_S = 3.0
"""What was heard so long before nothing waited to be kept is on disk: .5 s are for its turn, .25 s for its
batch, and the rest for a machine that is busy with a storm."""
CRASHES = ("live.crashed", "live.slow_to_stop", "market.bringing_failed", "market.candle_refused")


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


class Ledger(storm.Ledger):
    """Know besides when each was said, and by when it had to be on disk when the process is killed."""

    def __init__(self):
        super().__init__()
        self.at_s, self.unread_s = {}, {}
        self.saved_s = 0.0

    def forced(self, side, symbol, number, copies, lines):
        super().forced(side, symbol, number, copies, lines)
        self.at_s[side.name, symbol, number] = time.monotonic()

    def settle(self, *, everything=False):
        before = set(self.due)
        super().settle(everything=everything)
        for key in set(self.due) - before:
            if self.unread_s.get(key[:2], 0.0) > self.at_s[key] - 0.3:
                del self.due[key]

    def killed(self):
        """Expect nothing of what could not be on disk yet."""
        for key in [key for key in self.due if self.at_s[key] > self.saved_s - DURABLE_S]:
            del self.due[key]


class Process:
    """The product in a process, and what it said last."""

    def __init__(self, plan, ledger):
        self.plan, self.ledger = plan, ledger
        self.told, self.memory = {}, []
        self.past = Counter()

    async def start(self):
        self.told = {}
        self.child = await asyncio.create_subprocess_exec(
            sys.executable, str(Path(__file__).with_name("life.py")), json.dumps(self.plan),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.reading = asyncio.create_task(self._read())

    async def _read(self):
        while line := await self.child.stdout.readline():
            self.told, now_s = json.loads(line), time.monotonic()
            told = self.told
            for symbol in storm.SYMBOLS:
                for venue in set(ALL) - set(told["reads"].get(symbol, ())):
                    self.ledger.unread_s[venue, symbol] = now_s
            if not told["waiting"]:
                self.ledger.saved_s = now_s
            assert told["dead"] == [], told["dead"]
            assert told["wrong"] == [], told["wrong"]
            assert told["lost"] == 0
            self.memory.append((now_s, told["mb"]))

    def reads(self, symbol):
        return self.told.get("reads", {}).get(symbol, ())

    def say(self, word):
        self.child.stdin.write(f"{word}\n".encode())

    async def end(self, *, killed=False):
        """End it as asked, or as a kill -9 does; it must have been well until then."""
        if self.reading.done():
            await self.reading
        if killed:
            self.child.kill()
        else:
            self.say("stop")
        async with asyncio.timeout(20.0):
            code = await self.child.wait()
            await self.reading
        if killed:
            self.ledger.killed()
        else:
            assert code == 0
            assert self.told["ended"]
        self.past.update(self.told["logged"])
        self.past["steps"] += self.told["steps"]
        self.past["prices dropped"] += self.told["dropped"]
        assert self.told["late_steps"] <= max(2, self.told["steps"] // 500), self.told["slowest"]
        assert {name: self.told["logged"][name] for name in CRASHES if name in self.told["logged"]} == {}
        now_s = time.monotonic()
        self.ledger.unread_s = {(venue, s): now_s + 60.0 for venue in ALL for s in storm.SYMBOLS}
        self.told = {}


async def until(condition, what, timeout_s=40.0):
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < timeout_s, what()
        await asyncio.sleep(0.05)


class Run:
    """One storm over one process, restarted once and killed once."""

    def __init__(self, directory, seed, seconds):
        self.directory, self.seed, self.seconds = directory, seed, seconds

    async def go(self):
        clock = self.clock = sides.Clock(SPEED)
        self.sides = [side(clock) for side in sides.SIDES]
        await asyncio.gather(*(side.start() for side in self.sides))
        self.weather = weather = storm.Storm(self.sides, self.seed)
        weather.ledger = ledger = Ledger()
        self.process = process = Process(self._plan(clock), ledger)
        weather.reads = process.reads
        tasks = [asyncio.create_task(work) for work in weather.run()]
        try:
            await process.start()
            await self._up("the venues did not come up")
            self.first_ms = clock.wall_ms() // STEP_MS * STEP_MS
            weather.begun.set()
            for part, killed in ((0.3, False), (0.3, True), (0.4, None)):
                await self._while(self.seconds * part, tasks)
                if killed is not None:
                    await process.end(killed=killed)
                    await asyncio.sleep(random.Random(self.seed).uniform(0.0, 1.0))
                    await process.start()
                    await until(lambda: process.told, lambda: "it did not come back")
                    ledger.unread_s = {key: time.monotonic() for key in ledger.unread_s}
            await self._end()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(ProcessLookupError):
                process.child.kill()
            await asyncio.gather(*(side.stop() for side in self.sides))

    def _plan(self, clock):
        kits = {side.name: (side.kit.rest_url, side.kit.stream_url) for side in self.sides}
        return {
            "directory": str(self.directory), "seed": self.seed, "speed": SPEED, "kits": kits,
            "began_s": clock._began_s, "base_ms": clock._base_ms,
        }  # fmt: skip

    async def _while(self, seconds, tasks):
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            await asyncio.sleep(0.5)
            for side in self.sides:
                side.trim()
            self.weather.ledger.prices.clear()
            for task in tasks:
                assert not task.done() or task.exception() is None, task.exception()
            if self.process.reading.done():
                await self.process.reading
                pytest.fail("the process ended by itself")

    async def _end(self):
        """Let all be well, two candles close, and everything be kept."""
        process, weather = self.process, self.weather
        weather.calm()
        process.say("calm")
        await asyncio.sleep(0.2)
        weather.all_well()
        await self._up("not up again")
        wanted = self.clock.wall_ms() // STEP_MS * STEP_MS + STEP_MS

        def newest():
            told = process.told.get("newest", {})
            return [told.get(symbol, {}).get(venue) or 0 for symbol in storm.SYMBOLS for venue in ALL]

        await until(lambda: min(newest()) >= wanted, lambda: f"candles lack: {process.told}")
        await until(lambda: not process.told["lacking"], lambda: f"books lack: {process.told}")
        assert process.told["lead"] == dict.fromkeys(storm.SYMBOLS, "binance")
        self.last_ms = wanted
        weather.ledger.settle(everything=True)
        weather.over = True
        await asyncio.sleep(1.0)
        await until(lambda: not process.told["waiting"], lambda: "what was heard was not kept")
        assert process.told["fault"] == ""
        await process.end()

    async def _up(self, what):
        def well():
            told = self.process.told
            return (
                told.get("venues") == dict.fromkeys(storm.SYMBOLS, ALL)
                and set(told["up"].values()) == {"up"}
                and not told["lacking"]
            )

        def now():
            return f"{what}: {self.process.told}"

        await until(well, now, 60.0)

    # what must hold

    async def check(self):
        store = await MarketStore.open(self.directory / "market.duckdb")
        try:
            await self._candles(store)
            await self._liquidations(store)
        finally:
            await store.close()
        assert [each for side in self.sides for each in side.exceeded] == []

    async def _candles(self, store):
        self.candles = 0
        for side in self.sides:
            for symbol in storm.SYMBOLS:
                held = await store.candles(symbol, side.name)
                assert held.ts[0] <= self.first_ms
                assert held.ts[-1] >= self.last_ms
                lack = sorted(set(range(int(held.ts[0]), int(held.ts[-1]), STEP_MS)) - set(held.ts.tolist()))
                assert not lack, f"{side.name} {symbol} lacks {lack}, the storm began at {self.first_ms}"
                since = held[int(np.searchsorted(held.ts, self.first_ms)) :]
                closes = [side.close_of(symbol, int(ts)) for ts in since.ts]
                assert since.close == pytest.approx(np.array(closes)), (side.name, symbol)
                self.candles += len(since)

    async def _liquidations(self, store):
        found = await VenueStore(store).liquidations()
        kept = Counter((e.venue, e.symbol, round(e.quantity * 100)) for e in found)
        ledger = self.weather.ledger
        lost = {key: (copies, kept[key]) for key, copies in ledger.due.items() if kept[key] < copies}
        assert not lost, f"{len(lost)} could be heard and are not kept: {list(lost.items())[:5]}"
        invented = {key: n for key, n in kept.items() if n > ledger.said[key]}
        assert not invented, f"{len(invented)} are kept too often: {list(invented.items())[:5]}"
        assert all(isinstance(e, Liquidation) and e.side is Side.LONG and e.price == 59_000 for e in found)
        self.liquidations = len(found)

    def told(self):
        ledger, memory = self.weather.ledger, [mb for _, mb in self.process.memory]
        return (
            f"\nlife, seed {self.seed}: {self.seconds * SPEED / 3600:.1f} h in {self.seconds:.0f} s,"
            f" {len(ledger.said)} liquidations happened, {len(ledger.due)} had to be kept,"
            f" {self.liquidations} rows; {self.candles} candles of the storm without a gap;"
            f" memory {memory[0]:.0f} to {memory[-1]:.0f} MB; {dict(sorted(self.process.past.items()))};"
            f" {dict(sorted(self.weather.trouble.done.items()))}\n"
        )


async def lived(tmp_path, seed, seconds, capsys):
    """Lead a life in a storm, check what it left, and tell of it."""
    with capsys.disabled():
        sys.stdout.write(f"\nlife seed {seed}\n")
    run = Run(tmp_path, seed, seconds)
    await run.go()
    await run.check()
    with capsys.disabled():
        sys.stdout.write(run.told())
    return run


@pytest.mark.timeout(180)
async def test_restarted_and_killed_in_a_storm_the_product_is_whole_in_the_end(tmp_path, capsys):
    await lived(tmp_path, int(os.environ.get("CHAOS_SEED", "20251010")), 10.0, capsys)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_for_simulated_hours_the_product_is_whole_and_its_memory_flat(tmp_path, capsys):
    seed = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(1 << 32))))
    run = await lived(tmp_path, seed, float(os.environ.get("CHAOS_S", "600")), capsys)
    pid_since = run.process.memory[-1][0] - run.seconds * 0.35
    memory = [mb for at_s, mb in run.process.memory if at_s > pid_since]
    third = len(memory) // 3
    assert np.mean(memory[-third:]) < 1.1 * np.mean(memory[third : 2 * third])
