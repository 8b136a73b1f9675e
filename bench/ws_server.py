"""Serve the stream to `bench ws`, or with `--plain` the plainest server that does the same, as a process.

Commands come on standard input, one a line; each is answered with a line of JSON.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Protocol, cast

import numpy as np
import psutil
import structlog
from aiohttp import web

from adapters.venue import VenueHealth
from bot import interpreter
from bot.live.changes import Changes, Subscription
from bot.live.view import SymbolView
from bot.web.encode import Frame, pack
from bot.web.fanout import Message
from bot.web.files import allow
from bot.web.ports import Commands, InApp, Market
from bot.web.server import Behind, WebServer
from config.sections import WebSettings
from config.stream_sections import StreamSettings
from engine.errors import LiqwatchError
from engine.grid import Grid, price_edges
from engine.model import STEP_MS

CHANNEL = "heatmap:BTCUSDT:24h"
COLUMNS, BINS = 288, 600
CHANGED = 42
"""Cells of a side that change with a column: the whole comes to some 40 kB, as a recorded day does."""
MOST = 12_000


class Server(Protocol):
    """Send one packed heatmap to all clients, and count."""

    async def start(self) -> int:
        """Listen; return the port."""

    def send(self, body: bytes, n: int) -> None:
        """Begin to send a message to everybody."""

    def counts(self) -> dict[str, int]:
        """Return connections and who was slow."""


def heatmap() -> Grid:
    """Return a made day of one market."""
    rng = np.random.default_rng(11)
    cells = np.exp(rng.normal(12, 1.2, (2, BINS)))
    surface = np.empty((2, COLUMNS, BINS), np.float32)
    for column in range(COLUMNS):
        for side in (0, 1):
            changed = rng.integers(0, BINS, CHANGED)
            cells[side, changed] = np.exp(rng.normal(12, 1.2, CHANGED))
        surface[:, column] = cells
    close = 100_000 * np.exp(np.cumsum(rng.normal(0, 5e-4, COLUMNS)))
    return Grid(
        symbol="BTCUSDT",
        step_ms=STEP_MS,
        ts=np.arange(COLUMNS, dtype=np.int64) * STEP_MS,
        edges=price_edges(97_000.0, 103_000.0, BINS),
        long=surface[0],
        short=surface[1],
        open=close,
        high=close * 1.0004,
        low=close * 0.9996,
        close=close,
    )


class MadeMarket:
    """One market that stands still: what a stream of its heatmap asks for."""

    symbols = ("BTCUSDT",)
    source_kind = "live"
    feeds: frozenset[str] = frozenset()

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def now_ms(self) -> int:
        """Return the market clock."""
        return int(self._grid.ts[-1]) + STEP_MS

    def label(self) -> str:
        """Return no label."""
        return ""

    def view(self, symbol: str) -> SymbolView:
        """Return the market as it stands."""
        price, now_ms = float(self._grid.close[-1]), self.now_ms()
        return SymbolView(
            symbol=symbol,
            venue="binance",
            venues=("binance",),
            price=price,
            price_ts=now_ms,
            interpolated=False,
            candle_ts=now_ms - STEP_MS,
            zones=None,
            warm=True,
            history_days=30.0,
            change_24h=None,
            high_24h=None,
            low_24h=None,
            volume_24h_usd=None,
            open_interest=None,
            oi_change_24h=None,
        )

    def subscribe(self) -> Subscription:
        """Return word of changes, of which there are none."""
        return Changes().subscribe()

    def health(self) -> list[VenueHealth]:
        """Return no venue."""
        return []

    async def grid(self, *_: object, **__: object) -> Grid:
        """Return the heatmap."""
        return self._grid


class NoAlerts:
    """Nobody's inbox: what a server asks for before anybody asks it."""

    def register(self, *_: object) -> Callable[[], None]:
        """Push nothing."""
        return lambda: None


class Product:
    """The product's whole server, over a made market."""

    def __init__(self, grid: Grid) -> None:
        behind = Behind(
            market=cast("Market", MadeMarket(grid)),
            commands=cast("Commands", None),
            inapp=cast("InApp", NoAlerts()),
            health=lambda: (),
        )
        settings = StreamSettings(max_connections=MOST, max_per_address=MOST)
        self._server = WebServer(behind, WebSettings(port=0), ws=settings)

    async def start(self) -> int:
        """Listen; return the port."""
        await self._server.start()
        return self._server.port

    def send(self, body: bytes, n: int) -> None:
        """Publish a message."""
        self._server.stream.hub.publish(Message.of(body, channel=CHANNEL, n=n))

    def counts(self) -> dict[str, int]:
        """Return what the stream counts."""
        stream = self._server.stream
        tally = stream.tally
        return {"connections": stream.connections, "slow": tally.slow, "closed": tally.closed}


class Plain:
    """A socket each, and one task that awaits `send_bytes` to one after the other."""

    def __init__(self, grid: Grid) -> None:
        self._sockets: set[web.WebSocketResponse] = set()
        self._first = packed(Frame.of(grid), 0)
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._sender = asyncio.create_task(self._send())

    async def start(self) -> int:
        """Listen; return the port."""
        app = web.Application()
        app.add_routes([web.get("/ws/heatmap", self._handle)])
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=4096).start()
        return int(self._runner.addresses[0][1])

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Send the whole, then what comes."""
        socket = web.WebSocketResponse(heartbeat=20.0, compress=False)
        await socket.prepare(request)
        await socket.send_bytes(self._first)
        self._sockets.add(socket)
        try:
            async for _ in socket:
                pass
        finally:
            self._sockets.discard(socket)
        return socket

    def send(self, body: bytes, n: int) -> None:
        """Put a message in line."""
        self._queue.put_nowait(body)

    def counts(self) -> dict[str, int]:
        """Return how many sockets there are."""
        return {"connections": len(self._sockets), "slow": 0, "closed": 0}

    async def _send(self) -> None:
        while True:
            body = await self._queue.get()
            for socket in tuple(self._sockets):
                await socket.send_bytes(body)


def packed(frame: Frame, n: int) -> bytes:
    """Return a frame as a client of the heatmap is sent it."""
    return pack(frame, {"type": "snapshot", "channel": CHANNEL, "window": "24h", "about": "", "n": n})


class Publisher:
    """Send messages at a pace and remember when each began."""

    def __init__(self, server: Server, grid: Grid) -> None:
        self._server = server
        self._whole = Frame.of(grid)
        self._few = self._whole.rows(slice(-3, None))
        self._n = 0

    async def spread(self, times: int, pause_s: float) -> dict[str, object]:
        """Send the whole and three columns in turn, each pause one of them; return when each began (ns)."""
        numbers = range(self._n + 1, self._n + 1 + 2 * times)
        bodies = [packed(self._whole if n % 2 else self._few, n) for n in numbers]
        began: dict[int, int] = {}
        next_s, cpu_s = time.monotonic(), time.process_time()
        for n, body in zip(numbers, bodies, strict=True):
            await asyncio.sleep(max(0.0, next_s - time.monotonic()))
            began[n] = time.monotonic_ns()
            self._server.send(body, n)
            next_s += pause_s
        self._n = numbers[-1]
        await asyncio.sleep(pause_s)
        cpu_s = time.process_time() - cpu_s
        kb = {"snapshot_kb": len(bodies[0]) / 1e3, "delta_kb": len(bodies[1]) / 1e3}
        return {"began": began, "cpu_s": cpu_s, **kb, **self._server.counts()}


async def main(*, plain: bool) -> None:
    """Serve until standard input ends."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )
    allow(MOST)
    grid = heatmap()
    server: Product | Plain = Plain(grid) if plain else Product(grid)
    port = await server.start()
    interpreter.spare()
    publisher, memory = Publisher(server, grid), psutil.Process().memory_info
    print(json.dumps({"port": port}), flush=True)
    commands: dict[str, Callable[[], dict[str, object]]] = {
        "weigh": lambda: {"rss": memory().rss, **server.counts()},
    }
    while line := (await asyncio.to_thread(sys.stdin.readline)).split():
        if line[0] == "spread":
            answer = await publisher.spread(int(line[1]), float(line[2]))
        elif line[0] in commands:
            answer = commands[line[0]]()
        else:
            raise LiqwatchError(f"there is no command {line[0]}")
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(plain="--plain" in sys.argv))
