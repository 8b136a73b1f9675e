"""Measure the stream: how late its messages come to 1,000, 5,000 and 10,000 clients, and what a client costs.

Each second every client is sent 40 kB (the whole heatmap) and 2 kB (three columns), half a second apart.
Beside it, in the same run, the plainest aiohttp server sends the same. Servers and clients are processes of
their own on one machine, so that clients take cores from the server. Figures are medians of three rounds.
"""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.runner import Outcome
from engine.errors import LiqwatchError

SIZES = (1_000, 5_000, 10_000)
P99_MS = {1_000: 30.0, 5_000: 120.0, 10_000: 250.0}
KB_A_CLIENT = 15.0
CROWD = 2_500
"""How many clients one process is at most."""
ROUNDS, TIMES, PAUSE_S = 3, 3, 0.5
STALL = (200, 10, 300, 0.02)
"""Clients, how many of them stall, how many messages, the seconds between: enough to fill their buffers."""
PATIENCE_S = 180.0


@dataclass(slots=True)
class Process:
    """One process of the measurement, which answers a line with a line."""

    process: asyncio.subprocess.Process

    async def line(self) -> str:
        """Return its next line."""
        if self.process.stdout is None:
            raise LiqwatchError("a process of the benchmark has no output")
        async with asyncio.timeout(PATIENCE_S):
            line = await self.process.stdout.readline()
        if not line:
            raise LiqwatchError("a process of the benchmark ended too soon")
        return line.decode()

    async def ask(self, line: str) -> str:
        """Send a line and return the answer."""
        if self.process.stdin is None:
            raise LiqwatchError("a process of the benchmark has no input")
        self.process.stdin.write(f"{line}\n".encode())
        return await self.line()


@contextlib.asynccontextmanager
async def started(module: str, *arguments: str) -> AsyncIterator[Process]:
    """Run a module of the benchmark, and end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 22,
    )
    try:
        yield Process(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@dataclass(slots=True)
class Round:
    """What one round came to: milliseconds, and clients that did not get every message."""

    p50_ms: float
    p99_ms: float
    delta_p99_ms: float
    failures: int
    told: dict[str, Any] = field(default_factory=dict)


class Crowd:
    """A server and the clients that are joined to it so far."""

    def __init__(self, server: Process, port: int, directory: Path, exit_: contextlib.AsyncExitStack) -> None:
        self._server = server
        self._port = port
        self._directory = directory
        self._exit = exit_
        self._clients: list[tuple[Process, int, int]] = []
        self.unconnected = 0

    @property
    def size(self) -> int:
        """Return how many clients there are, those that stall and those that failed to connect among them."""
        return sum(count for _, count, _ in self._clients)

    async def grow(self, size: int, stalled: int = 0) -> None:
        """Join clients until there are so many; return when each has had its first snapshot."""
        while (lacking := size - self.size) > 0:
            count = min(CROWD, lacking)
            process = await self._exit.enter_async_context(
                started("bench.ws_clients", str(self._port), str(count), str(stalled))
            )
            self.unconnected += count - int((await process.line()).split()[1])
            self._clients.append((process, count, stalled))

    async def weigh(self) -> float:
        """Return the server's resident memory in kB."""
        return float(json.loads(await self._server.ask("weigh"))["rss"]) / 1e3

    async def spread(self, times: int, pause_s: float) -> Round:
        """Send messages and return when they came."""
        told = json.loads(await self._server.ask(f"spread {times} {pause_s}"))
        began = {int(n): ns for n, ns in told["began"].items()}
        came, failures = [], self.unconnected
        for number, (process, count, stalled) in enumerate(self._clients):
            rows = await self._came(process, number, len(began) * (count - stalled))
            rows = rows[(rows[:, 0] >= stalled) & np.isin(rows[:, 1], list(began))]
            failures += _incomplete(rows, count - stalled, len(began))
            came.append(rows)
        rows = np.concatenate(came)
        late_ms = (rows[:, 2] - np.array([began[n] for n in rows[:, 1].tolist()])) / 1e6
        whole = rows[:, 1] % 2 == 1
        return Round(
            p50_ms=float(np.median(late_ms[whole])),
            p99_ms=float(np.quantile(late_ms[whole], 0.99)),
            delta_p99_ms=float(np.quantile(late_ms[~whole], 0.99)),
            failures=failures,
            told=told,
        )

    async def _came(self, process: Process, number: int, expected: int) -> Any:  # noqa: ANN401 - an array
        """Return what came to one process; ask again for a while where not all of it has."""
        path = self._directory / f"{number}.npy"
        parts, found = [], 0
        for _ in range(20):
            await process.ask(str(path))
            parts.append(np.load(path))
            found += len(parts[-1])
            if found >= expected:
                break
            await asyncio.sleep(0.25)
        return np.concatenate(parts)


def _incomplete(rows: Any, clients: int, messages: int) -> int:  # noqa: ANN401 - an array
    """Return how many clients lack a message."""
    _, counts = np.unique(rows[:, 0], return_counts=True)
    return clients - int(np.count_nonzero(counts == messages))


@contextlib.asynccontextmanager
async def crowd(*arguments: str) -> AsyncIterator[Crowd]:
    """Start a server without clients."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(started("bench.ws_server", *arguments))
        port = json.loads(await server.line())["port"]
        yield Crowd(server, port, directory, stack)


async def growing(sizes: Sequence[int], rounds: int, *arguments: str) -> dict[str, float]:
    """Return the figures of one server for each number of clients."""
    figures: dict[str, float] = {}
    async with crowd(*arguments) as clients:
        await clients.grow(1)  # what is made once is made
        empty_kb, before = await clients.weigh(), clients.size
        failures = 0
        for size in sizes:
            await clients.grow(size)
            figures["kb_per_client"] = (await clients.weigh() - empty_kb) / (clients.size - before)
            found = [await clients.spread(TIMES, PAUSE_S) for _ in range(rounds)]
            for name in ("p50_ms", "p99_ms", "delta_p99_ms"):
                figures[f"clients_{size}_{name}"] = statistics.median(getattr(each, name) for each in found)
            cpu_s = statistics.median(each.told["cpu_s"] for each in found)
            figures["cpu_us_per_message"] = cpu_s * 1e6 / (size * 2 * TIMES)
            failures += max(each.failures for each in found)
            figures |= {name: found[0].told[name] for name in ("snapshot_kb", "delta_kb")}
        figures["failures"] = failures
    return figures


async def stalling() -> dict[str, float]:
    """Return what the others lost while some clients read nothing."""
    size, stalled, times, pause_s = STALL
    async with crowd() as clients:
        await clients.grow(size, stalled)
        found = await clients.spread(times // 2, pause_s)
    return {
        "stalled_clients": found.told["slow"],
        "stalled_others_lost": found.failures,
        "stalled_others_p99_ms": found.p99_ms,
    }


async def measure(*, quick: bool) -> dict[str, float | None]:
    """Run everything."""
    sizes, rounds = (SIZES[:1], 1) if quick else (SIZES, ROUNDS)
    plain = await growing(SIZES[:1], rounds, "--plain")
    own = await growing(sizes, rounds)
    figures: dict[str, float | None] = {f"clients_{size}_p99_ms": None for size in SIZES}
    figures |= own
    figures |= {f"reference_1000_{name}": plain[f"clients_1000_{name}"] for name in ("p50_ms", "p99_ms")}
    figures |= {f"reference_{name}": plain[name] for name in ("kb_per_client", "cpu_us_per_message")}
    figures |= await stalling()
    figures["load_of_machine"] = os.getloadavg()[0]
    return figures


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` takes 1,000 clients alone and one round."""
    figures = asyncio.run(measure(quick=quick))
    return {
        "figures": figures,
        "units": {name: _unit(name) for name in figures},
        "goals": {
            **{f"clients_{size}_p99_ms": goal for size, goal in P99_MS.items()},
            "failures": 0.0,
            "kb_per_client": KB_A_CLIENT,
            "stalled_others_lost": 0.0,
        },
        "notes": {name: "only without --quick" for name, value in figures.items() if value is None},
    }


def _unit(name: str) -> str:
    if name.endswith("_ms"):
        return "ms"
    if "_us_" in name:
        return "us"
    return "kB" if "kb" in name else "processes" if name.startswith("load") else "clients"
