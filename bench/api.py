"""Measure the HTTP API: what is kept at 50 clients at once, what has to be made, and what goes over the wire.

Beside it, in the same run, the plainest aiohttp handler answers the same bytes to the same clients. The
server, that handler and the clients are processes of their own. Figures are medians of three rounds.
"""

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.process import running
from bench.runner import Outcome
from engine.errors import LiqwatchError

CLIENTS = 50
ROUNDS = 3
HEATMAP = "/liquidations/heatmap-timeseries?symbol=BTC&interval=5m"
DAY = f"{HEATMAP}&window=24h&format=binary"
THOUSAND = f"{HEATMAP}&window=5000m"
GOALS = {"cached_p99_ms": 30.0, "uncached_1000_ms": 100.0, "uncached_1000_binary_ms": 100.0, "grid_kb": 80.0}
UNITS = {
    "cached_p99_ms": "ms",
    "cached_p50_ms": "ms",
    "cached_per_s": "1/s",
    "reference_p99_ms": "ms",
    "reference_p50_ms": "ms",
    "reference_per_s": "1/s",
    "uncached_1000_ms": "ms",
    "uncached_1000_binary_ms": "ms",
    "grid_kb": "kB",
    "grid_json_kb": "kB",
    "day_kb": "kB",
}
NO_LIMITS = {"LIQWATCH_API_RATE_PER_S": "100000", "LIQWATCH_API_BURST": "100000"}
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """How 50 clients fared: milliseconds of a request, and requests a second."""

    p50_ms: float
    p99_ms: float
    per_s: float


class Line:
    """One kept connection that asks again and again, as little in the way as can be."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def get(self, path: str) -> bytes:
        """Return the body of an answer; raise LiqwatchError for another status than 200."""
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
        self._writer.write(head.encode())
        async with asyncio.timeout(PATIENCE_S):
            said = await self._reader.readuntil(b"\r\n\r\n")
            lines = said.decode("latin-1").lower().split("\r\n")
            length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length:"))
            body = await self._reader.readexactly(length)
        if " 200 " not in lines[0]:
            raise LiqwatchError(f"{path} was answered {lines[0]}: {body[:200]!r}")
        return body


async def loaded(port: int, path: str, *, requests: int) -> Load:
    """Let all clients ask for the same, each as soon as it was answered."""
    took_ms: list[float] = []

    async def client() -> None:
        async with Line(port) as line:
            for _ in range(requests):
                began = time.perf_counter()
                await line.get(path)
                took_ms.append((time.perf_counter() - began) * 1e3)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client())
    whole_s = time.perf_counter() - began
    ordered = sorted(took_ms)
    return Load(
        p50_ms=statistics.median(ordered),
        p99_ms=ordered[int(len(ordered) * 0.99)],
        per_s=len(ordered) / whole_s,
    )


async def made_ms(port: int, form: str, *, times: int, first: int) -> float:
    """Return the median time of heatmaps of 1,000 candles that nobody has asked for yet."""
    took_ms = []
    async with Line(port) as line:
        for number in range(times):
            path = f"{THOUSAND}&format={form}&bins={first + number}"
            began = time.perf_counter()
            await line.get(path)
            took_ms.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took_ms)


@contextlib.asynccontextmanager
async def reference(body: bytes) -> AsyncIterator[int]:
    """Serve a body from the plain handler; yield its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.api_peer", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise LiqwatchError("the reference has no input or output")
    try:
        process.stdin.write(body)
        process.stdin.close()
        yield int((await process.stdout.readline()).decode().rpartition(":")[2])
    finally:
        process.terminate()
        await process.wait()


async def measure(directory: Path, *, requests: int, times: int) -> dict[str, float]:
    """Run all rounds against one server."""
    rounds: list[dict[str, float]] = []
    async with running(directory, env=NO_LIMITS) as app:
        await app.say("/replay pause")
        async with Line(app.port) as line:
            day = await line.get(DAY)
            grid = await line.get(f"{THOUSAND}&format=binary")
            whole = await line.get(f"{THOUSAND}&format=json")
        async with reference(day) as port:
            for number in range(ROUNDS):
                plain = await loaded(port, "/", requests=requests)
                kept = await loaded(app.port, DAY, requests=requests)
                first = 400 + number * 2 * times
                rounds.append(
                    {
                        "cached_p99_ms": kept.p99_ms,
                        "cached_p50_ms": kept.p50_ms,
                        "cached_per_s": kept.per_s,
                        "reference_p99_ms": plain.p99_ms,
                        "reference_p50_ms": plain.p50_ms,
                        "reference_per_s": plain.per_s,
                        "uncached_1000_ms": await made_ms(app.port, "json", times=times, first=first),
                        "uncached_1000_binary_ms": await made_ms(
                            app.port, "binary", times=times, first=first + times
                        ),
                    }
                )
    sizes = {"grid_kb": len(grid) / 1e3, "grid_json_kb": len(whole) / 1e3, "day_kb": len(day) / 1e3}
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]} | sizes


def run(*, quick: bool) -> Outcome:
    """Measure on the recorded replay; `quick` asks less often."""
    with tempfile.TemporaryDirectory() as directory:
        figures = asyncio.run(
            measure(Path(directory), requests=20 if quick else 100, times=5 if quick else 15)
        )
    return {"figures": figures, "units": UNITS, "goals": GOALS}
