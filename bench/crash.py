"""Kill -9 the sender at random moments, while four far ends fail one time in twenty, and count what is lost.

A process queues alerts and delivers them through the product's own outbox, worker and channels to the far
ends of the tests: a Discord, a Telegram, a mail server and a receiver of webhooks in a process of their own.
Of a hundred requests they refuse four, and cut the line after one that they had accepted. The process is
killed within a sixth of a second, again and again; the last one may go on to its end. An alert counts from
the moment its transaction was said to be on disk. `repeated` are messages that somebody got twice: those
which the far end recognised as the same are none.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.far_ways import Came, far_ends
from bench.runner import Outcome
from engine.errors import LiqwatchError

KILLS, QUICK_KILLS = 200, 20
ALERTS_A_KILL = 15
FAILS, CUTS = 0.04, 0.01
DELAY_S = 0.01
SHORTEST_S, LONGEST_S = 0.01, 0.16
"""How long after it was ready a process is killed."""
PATIENCE_S = 120.0
ARRIVED = ("accepted", "cut")
GOALS = {"lost": 0.0, "repeated_beyond": 0.0, "unmarked": 0.0}
"""`repeated_beyond` are repeats that neither a kill nor a cut line explains."""


@dataclass(slots=True)
class Crashes:
    """What came of a run: alerts that were on disk, sends under way at the kills, requests as the far ends
    saw them.

    `stored` are the alerts that the store had at the end.
    """

    kills: int = 0
    in_flight: int = 0
    acknowledged: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    came: Sequence[Came] = ()


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` kills twenty times."""
    with tempfile.TemporaryDirectory() as directory:
        crashes = asyncio.run(crash(Path(directory), QUICK_KILLS if quick else KILLS))
    return {"figures": figures(crashes), "units": {}, "goals": GOALS}


async def crash(directory: Path, kills: int) -> Crashes:
    """Kill a sender so many times, let the last one end, and return what came of it."""
    alerts, path = kills * ALERTS_A_KILL, directory / "state.db"
    rng, found = random.Random(7), Crashes()
    async with far_ends(people=alerts, delay_s=DELAY_S, fails=FAILS, cuts=CUTS) as ends:
        arguments = (f"sqlite:///{path}", str(alerts), json.dumps(ends.where))
        async with _senders(arguments) as senders:
            while found.kills < kills:
                after_s = rng.uniform(SHORTEST_S, LONGEST_S)
                if not await senders.one(found.acknowledged, kill_after_s=after_s):
                    raise LiqwatchError("everything was sent before it was killed often enough")
                found.kills += 1
                found.in_flight += _under_way(path)
            if await senders.one(found.acknowledged):
                raise LiqwatchError("the last sender did not end by itself")
        found.came = await ends.came()
    found.stored = {str(name) for (name,) in _read(path, "select alert_id from alerts")}
    return found


class _Senders:
    """Start one sender after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def one(self, acknowledged: set[str], *, kill_after_s: float | None = None) -> bool:
        """Run one sender, note what it says is on disk; return whether it was killed."""
        if self._process.stdin is None:
            raise LiqwatchError("the senders have no input")
        self._process.stdin.write(b"\n")
        number = int((await self._word("pid ")).split()[1])
        await self._word("ready")
        loop = asyncio.get_running_loop()
        timer = None
        if kill_after_s is not None:
            timer = loop.call_later(kill_after_s, _kill, number)
        words: list[str] = []
        while (word := await self._word()) != "ended":
            words.append(word)
        if timer is not None:
            timer.cancel()
        acknowledged.update(word for word in words if word.startswith("a"))
        return "done" not in words

    async def _word(self, wanted: str = "") -> str:
        """Return the next line. Raise LiqwatchError where it is not the wanted one."""
        if self._process.stdout is None:
            raise LiqwatchError("the senders have no output")
        async with asyncio.timeout(PATIENCE_S):
            word = (await self._process.stdout.readline()).decode().strip()
        if not word or not word.startswith(wanted):
            raise LiqwatchError(f"a sender said {word!r} instead of {wanted!r}")
        return word


@asynccontextmanager
async def _senders(arguments: Sequence[str]) -> AsyncIterator[_Senders]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bench.crash_child", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=Path(__file__).parents[1],
    )
    try:
        yield _Senders(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        with suppress(ProcessLookupError, TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _kill(number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, signal.SIGKILL)


def _under_way(path: Path) -> int:
    """Return how many sends were under way when the sender was killed."""
    return int(_read(path, "select count(*) from deliveries where state = 'SENDING'")[0][0])


def _read(path: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


def figures(crashes: Crashes) -> dict[str, float | None]:
    """Return the figures of a run."""
    came: dict[str, list[Came]] = defaultdict(list)
    for one in crashes.came:
        if one.what in ARRIVED:
            came[one.alert_id].append(one)
    whats = Counter(one.what for one in crashes.came)
    repeated = sum(len(times) - 1 for times in came.values())
    return {
        "kills": float(crashes.kills),
        "alerts": float(len(crashes.stored)),
        "lost": float(len((crashes.acknowledged | crashes.stored) - came.keys())),
        "repeated": float(repeated),
        "repeated_beyond": float(max(0, repeated - crashes.in_flight - whats["cut"])),
        "unmarked": float(sum(not one.marked for times in came.values() for one in times[1:])),
        "in_flight": float(crashes.in_flight),
        "recognised": float(whats["known"]),
        "refused": float(whats["refused"]),
        "cut": float(whats["cut"]),
    }
