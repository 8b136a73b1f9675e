"""One life of the product's own loop, as the process that may be killed: source, market, alerts, stores.

usage: life.py PLAN, a JSON object: directory, seed, began_s, base_ms, speed, kits. Says how it is doing in a
line of JSON, again and again; obeys the words `calm` and `stop` on its standard input.
"""

import asyncio
import importlib.util
import json
import random
import sys
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import structlog

from adapters import live as live_module
from adapters.live import LiveSource
from adapters.live_venue import Pace
from bot.alerting.engine import Alerting
from bot.feed import Feed
from bot.live import intake as intake_module
from bot.live import reading as reading_module
from bot.live import upkeep as upkeep_module
from bot.live.archive import StoreArchive
from bot.live.market import LiveMarket
from config.settings import load
from engine.errors import StoreFull
from engine.model import Severity
from storage.market import MarketStore
from storage.rules import NewRule, add_rule, count_rules, watch_params
from storage.state import StateStore

PACE = Pace(open_s=15, others_s=2, retry_s=5, retry_most_s=60, poll_s=60, renew_s=120, hold_s=0.05,
            late_s=12, history_days=4)  # fmt: skip
GAP_S, SILENT_S, LOOK_S, QUEUE = 0.3, 100.0, 0.2, 60
"""Waits of the machine's clock, shorter here; a queue that is full when the reader pauses for a moment."""
SAY_S = 0.1
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def beside(name):
    """Load a file beside this one: tests are no package."""
    spec = importlib.util.spec_from_file_location(f"life_{name}", Path(__file__).with_name(f"{name}.py"))
    module = sys.modules[f"life_{name}"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sides = beside("sides")


class Disk(StoreArchive):
    """The product's archive on a disk that is full or slow for a while."""

    full, slow_s, well = False, 0.0, False

    async def add_events(self, events):
        await self._trouble()
        await super().add_events(events)

    async def add_candles(self, symbol, venue, candles):
        await self._trouble()
        await super().add_candles(symbol, venue, candles)

    async def _trouble(self):
        if not self.well:
            await asyncio.sleep(self.slow_s)
            if self.full:
                raise StoreFull("The disk is full.")


class Hesitant:
    """The source for a reader that pauses for a moment now and then."""

    def __init__(self, source):
        self._source = source
        self.pause_s = 0.0

    def __getattr__(self, name):
        return getattr(self._source, name)

    async def events(self):
        async for event in self._source.events():
            if self.pause_s:
                pause_s, self.pause_s = self.pause_s, 0.0
                await asyncio.sleep(pause_s)
            yield event


class Watched(LiveMarket):
    """The product's market, each of whose steps is timed and looked at."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.took_s, self.wrong, self.heard, self.slowest = [], [], {}, ""

    async def apply(self, event):
        began_s = time.monotonic()
        found = await super().apply(event)
        took_s = time.monotonic() - began_s
        if not self.took_s or took_s > max(self.took_s):
            self.slowest = f"{took_s:.2f} s for a {type(event).__name__} of {event.venue}"
        self.took_s.append(took_s)
        return found

    def _lends(self, book, tick):
        """Note a price that stands though a venue before its own is fresh, or does not though it is first."""
        stands, now_s, symbol = super()._lends(book, tick), self._monotonic(), tick.symbol
        known = self.heard.get(symbol)
        if known is None or known[0] is not book:
            known = self.heard[symbol] = (book, {})
        rank = book.place.venues.index(tick.venue)
        earlier = [known[1].get(venue, -1e9) for venue in book.place.venues[:rank]]
        if (rank == 0 and not stands) or (stands and any(now_s - at_s < SILENT_S / 2 for at_s in earlier)):
            self.wrong.append(f"{symbol} of {tick.venue}, place {rank}, stands: {stands}")
        known[1][tick.venue] = now_s
        return stands


class Life:
    """Everything of one process."""

    def __init__(self, plan):
        self.plan = plan
        self.clock = sides.Clock(plan["speed"])
        self.clock._began_s, self.clock._base_ms = plan["began_s"], plan["base_ms"]
        self.dice = random.Random(plan["seed"])
        self.logged = Counter()
        self.raging = True
        self.over = asyncio.Event()

    def kits(self):
        """Return the venues' parts, as the sides have them."""
        made = {"binance": sides.BinanceKit, "bybit": sides.BybitKit, "okx": sides.OkxKit,
                "hyperliquid": sides.HyperliquidKit}  # fmt: skip
        kits = [made[n](rest_url=rest, stream_url=stream) for n, (rest, stream) in self.plan["kits"].items()]
        life_s = sides.BinanceSide.LIFE_S * 23 / 24
        return [replace(kit, life_s=life_s) if kit.venue == "binance" else kit for kit in kits]

    def log(self, _logger, _name, entry):
        self.logged[entry["event"]] += 1
        if entry.get("exc_info") or entry["event"] in ("live.slow_to_stop", "market.candle_refused"):
            sys.stderr.write(f"{entry}\n{traceback.format_exc()}\n")
        raise structlog.DropEvent

    async def lead(self):
        directory = Path(self.plan["directory"])
        self.store = await MarketStore.open(directory / "market.duckdb")
        state = await StateStore.open(f"sqlite:///{directory / 'state.db'}")
        self.disk = Disk(self.store)
        self.source = LiveSource(self.kits(), SYMBOLS, self.disk, pace=PACE, clock=self.clock)
        await self.source.open()
        settings = load({"zones.min_hours": 12, "zones.days": 2}, environ={}, directory=directory)
        self.market = Watched(self.source, self.store, settings, monotonic=self.clock.monotonic)
        await self.market.start()
        await state.run(watched)
        alerting = Alerting(state, self.store, settings.alerts, self.market, wall_ms=self.clock.wall_ms)
        await alerting.load()
        self.reader = Hesitant(self.source)
        self.tasks = [
            asyncio.create_task(work)
            for work in (
                Feed(self.reader, self.market, alerting).run(),
                self.market.upkeep.run(),
                self.rage(),
                self.tell(),
                self.obey(),
            )
        ]
        await self.over.wait()
        self.disk.well = True
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await alerting.close()
        await self.market.stop()
        await self.source.aclose()
        await state.close()
        await self.store.close()
        self.say(ended=True)

    async def rage(self):
        """Let the disk be full or slow, the reader pause, and ETH be left and followed again."""
        while True:
            await asyncio.sleep(self.dice.uniform(0.5, 3.0))
            if not self.raging:
                continue
            act = self.dice.choice(("disk", "disk", "pause", "leave"))
            self.logged[f"chaos.{act}"] += 1
            if act == "disk":
                self.disk.full, self.disk.slow_s = self.dice.random() < 0.5, self.dice.uniform(0.0, 0.5)
                await asyncio.sleep(self.dice.uniform(0.5, 2.0))
                self.disk.full, self.disk.slow_s = False, 0.0
            elif act == "pause":
                self.reader.pause_s = self.dice.uniform(0.3, 1.0)
            else:
                await self.market.leave("ETHUSDT")
                await asyncio.sleep(self.dice.uniform(0.0, 1.0))
                self.market.follow("ETHUSDT")

    async def obey(self):
        """Do what is said on the standard input."""
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while word := (await reader.readline()).decode().strip():
            if word == "calm":
                self.raging = False
            elif word == "stop":
                break
        self.over.set()

    async def tell(self):
        """Say how it is doing, again and again."""
        while True:
            self.say()
            await asyncio.sleep(SAY_S)

    def say(self, **more):
        market, took_s = self.market, self.market.took_s
        books = {symbol: market._book(symbol) for symbol in SYMBOLS}
        known = {symbol: book for symbol, book in books.items() if book is not None}
        venues = {s: list(b.place.venues) for s, b in known.items()}
        told = {
            "pid": psutil.Process().pid,
            "reads": {symbol: self.source.venues_of(symbol) for symbol in self.source.symbols},
            "venues": venues,
            "newest": {s: {v: b.last_ts_of(v) for v in b.place.venues} for s, b in known.items()},
            "gaps": {s: {v: b.gaps_of(v) for v in b.place.venues if b.gaps_of(v)} for s, b in known.items()},
            "lead": {s: b.tick.venue for s, b in known.items() if b.tick is not None},
            "lacking": market.lacking(),
            "up": {each.venue: str(each.state.value) for each in self.source.health()},
            "waiting": self.source._recorder.waiting - self.source._recorder.held,
            "lost": self.source._recorder.lost,
            "dropped": sum(self.source._queue.dropped.values()),
            "steps": len(took_s),
            "late_steps": sum(each > GAP_S + 0.3 for each in took_s),
            "slowest": market.slowest,
            "refused": market.refused_candles,
            "fault": market.fault,
            "wrong": market.wrong[:5],
            "dead": [repr(task) for task in self.tasks if task.done() and not self.over.is_set()],
            "mb": psutil.Process().memory_info().rss / 1e6,
            "logged": self.logged,
            **more,
        }
        with suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()


def watched(session):
    """Have a watch on each symbol."""
    if not count_rules(session, "local:owner"):
        within = {Severity.INFO: 0.05, Severity.WARNING: 0.03, Severity.CRITICAL: 0.01}
        for symbol in SYMBOLS:
            new = NewRule(symbol=symbol, params=watch_params(within, hysteresis=0.0025), cooldown_s=60)
            add_rule(session, "local:owner", new, now_ms=1, wall_ms=1)


def main():
    reading_module.GAP_S, intake_module.SILENT_S, intake_module.FIRST_S = GAP_S, SILENT_S, 300.0
    upkeep_module.LOOK_S, live_module.QUEUE = LOOK_S, QUEUE
    life = Life(json.loads(sys.argv[1]))
    structlog.configure(processors=[life.log], cache_logger_on_first_use=False)
    asyncio.run(life.lead())


if __name__ == "__main__":
    main()
