"""Measure how long a frame takes from its arrival until every rule has looked at its price.

The whole product runs, joined by its settings to a local Binance in another process: source, market, alerts.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.binance import streams
from adapters.binance.parse import parse as plain_parse
from adapters.instruments import Instruments
from adapters.parsed import Parsed
from bot.commands.reply import Caller, Front
from bot.main import Liqwatch
from config.settings import load
from engine.errors import LiqwatchError
from engine.model import Tick, UserId, ZoneSet

PEER = "bench.ingest_peer"
DRAIN_S = 2.0
WARM_S = 1.0

Key = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """How long frames took (ms), how many came a second, and the share that was not dropped on the way."""

    p99_ms: float
    median_ms: float
    per_s: float
    share: float


class _Stamps:
    """Note when each price came in and when it had been looked at."""

    def __init__(self) -> None:
        self.took_s: list[float] = []
        self._came_s: dict[Key, float] = {}

    def came(self, parsed: Parsed, at_s: float) -> None:
        for event in parsed.events:
            if isinstance(event, Tick):
                self._came_s[event.ts, event.price] = at_s

    def looked_at(self, tick: Tick) -> None:
        came_s = self._came_s.pop((tick.ts, tick.price), None)
        if came_s is not None:
            self.took_s.append(time.perf_counter() - came_s)

    def clear(self) -> None:
        self.took_s.clear()
        self._came_s.clear()


async def evaluated(*, rate: int, seconds: float, rules: int) -> Evaluated:
    """Return what prices at a rate (frames a second) meet; `rules` users each have the default watch."""
    async with _venue() as peer, _product(peer, rules) as app:
        stamps = _Stamps()
        with _stamped(app, stamps):
            await peer.trade(rate, WARM_S)
            await asyncio.sleep(DRAIN_S)
            stamps.clear()
            sent = await peer.trade(rate, seconds)
            await asyncio.sleep(DRAIN_S)
    took_ms = np.array(stamps.took_s) * 1000
    if not len(took_ms):
        raise LiqwatchError("no price reached the rules")
    p99_ms, median_ms = np.percentile(took_ms, [99, 50])
    return Evaluated(float(p99_ms), float(median_ms), sent / seconds, len(took_ms) / sent)


class _Venue:
    """The local venue, in its own process."""

    def __init__(self, process: asyncio.subprocess.Process, settings: dict[str, str]) -> None:
        self.settings = settings
        self._process = process

    async def trade(self, rate: int, seconds: float) -> int:
        """Let somebody trade; return how many frames were sent."""
        if self._process.stdin is None:
            raise LiqwatchError("the local venue is gone")
        self._process.stdin.write(f"{rate} {seconds}\n".encode())
        return int((await _line(self._process))["sent"])


@asynccontextmanager
async def _venue() -> AsyncIterator[_Venue]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", PEER, stdin=pipe, stdout=pipe)
    try:
        found = await _line(process)
        yield _Venue(process, {"binance.rest_url": found["rest"], "binance.ws_url": found["stream"]})
    finally:
        process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    if process.stdout is None:
        raise LiqwatchError("the local venue says nothing")
    async with asyncio.timeout(120):
        said: dict[str, Any] = json.loads(await process.stdout.readline())
    return said


@asynccontextmanager
async def _product(peer: _Venue, rules: int) -> AsyncIterator[Liqwatch]:
    with tempfile.TemporaryDirectory() as directory:
        settings = load(
            {
                **peer.settings,
                "source.kind": "live",
                "source.venues": "binance",
                "source.symbols": "BTCUSDT",
                "storage.data_dir": directory,
            }
        )
        app = Liqwatch(settings)
        await app.start(serving=False)
        try:
            for number in range(rules):
                caller = Caller(user_id=UserId(f"local:bench{number}"), front=Front.PANEL)
                reply = await app.commands.dispatch("/watch btc", caller)
                if reply.failed:
                    raise LiqwatchError(f"/watch btc was answered: {reply.error}")
            yield app
        finally:
            await app.stop()


class _stamped:  # noqa: N801 - used like a function
    """Take the time at both ends of the way while the context lasts."""

    def __init__(self, app: Liqwatch, stamps: _Stamps) -> None:
        self._app, self._stamps = app, stamps
        self._parse, self._on_tick = plain_parse, app.alerting.on_tick

    def __enter__(self) -> None:
        def parse(frame: str | bytes, known: Instruments, received_ms: int) -> Parsed:
            began_s = time.perf_counter()
            parsed = self._parse(frame, known, received_ms)
            self._stamps.came(parsed, began_s)
            return parsed

        async def on_tick(tick: Tick, zones: ZoneSet | None) -> None:
            await self._on_tick(tick, zones)
            self._stamps.looked_at(tick)

        setattr(streams, "parse", parse)  # noqa: B010 - a method put in the place of another
        setattr(self._app.alerting, "on_tick", on_tick)  # noqa: B010

    def __exit__(self, *_: object) -> None:
        setattr(streams, "parse", self._parse)  # noqa: B010
        setattr(self._app.alerting, "on_tick", self._on_tick)  # noqa: B010
