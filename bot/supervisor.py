"""Keep the parts of the process running: restart what crashes with backoff, and say how each part is."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog

log = structlog.get_logger(__name__)

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
HEALTHY_AFTER_S = 60.0
"""A part that ran this long starts its backoff anew."""


class PartState(StrEnum):
    """Where a part stands in its life."""

    RUNNING = "running"
    RESTARTING = "restarting"
    FINISHED = "finished"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHealth:
    """How one part is: since when (wall seconds), how often it was restarted, and its last error.

    `last_error` is for the log; `advice` says what is wrong and what to do, in words for whoever runs this.
    """

    name: str
    state: PartState
    since_s: float
    restarts: int
    last_error: str = ""
    essential: bool = True
    advice: str = ""

    @property
    def well(self) -> bool:
        """Say whether the part does its work."""
        return self.state in (PartState.RUNNING, PartState.FINISHED)


class Part:
    """One supervised piece of work: a function that runs until it is cancelled, or is done, or crashes."""

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], *, essential: bool = True) -> None:
        self.name = name
        self.restarts = 0
        self._work = work
        self._essential = essential
        self._state = PartState.STOPPED
        self._since_s = time.time()
        self._last_error = ""

    @property
    def health(self) -> PartHealth:
        """Return how the part is now."""
        return PartHealth(
            name=self.name,
            state=self._state,
            since_s=self._since_s,
            restarts=self.restarts,
            last_error=self._last_error,
            essential=self._essential,
        )

    async def run(self) -> None:
        """Run the work, and again after each crash, until it is done or cancelled."""
        delay_s = FIRST_DELAY_S
        while True:
            self._turn(PartState.RUNNING)
            began = time.monotonic()
            try:
                await self._work()
            except asyncio.CancelledError:
                self._turn(PartState.STOPPED)
                raise
            except Exception as error:  # noqa: BLE001 - the supervisor is the edge that keeps one crash from many
                self._crashed(error)
            else:
                self._turn(PartState.FINISHED)
                return
            if time.monotonic() - began > HEALTHY_AFTER_S:
                delay_s = FIRST_DELAY_S
            await asyncio.sleep(delay_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)

    def _crashed(self, error: Exception) -> None:
        self.restarts += 1
        incident = uuid.uuid4().hex[:8]
        self._last_error = f"{type(error).__name__}: {error}"[:300]
        self._turn(PartState.RESTARTING)
        log.error("part.crashed", part=self.name, incident=incident, restarts=self.restarts, exc_info=error)

    def _turn(self, state: PartState) -> None:
        self._state = state
        self._since_s = time.time()


class Supervisor:
    """Run parts side by side; a crash of one does not touch the rest."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, work: Callable[[], Awaitable[None]], *, essential: bool = True) -> None:
        """Start one part; its name is unique."""
        if name in self._parts:
            raise ValueError(f"part {name!r} runs already")
        part = Part(name, work, essential=essential)
        self._parts[name] = part
        self._tasks[name] = asyncio.create_task(part.run(), name=f"part:{name}")

    def health(self) -> list[PartHealth]:
        """Return how every part is, in the order they were started."""
        return [part.health for part in self._parts.values()]

    async def stop(self, name: str, *, timeout_s: float = 5.0) -> None:
        """Cancel one part and wait for it, `timeout_s` seconds at most."""
        task = self._tasks.get(name)
        if task is None or task.done():
            return
        task.cancel()
        _, late = await asyncio.wait({task}, timeout=timeout_s)
        if late:
            log.warning("part.slow_to_stop", part=name, timeout_s=timeout_s)

    async def stop_all(self, *, timeout_s: float = 5.0) -> None:
        """Cancel every part and wait for all of them together."""
        for task in self._tasks.values():
            task.cancel()
        pending = [task for task in self._tasks.values() if not task.done()]
        if pending:
            _, late = await asyncio.wait(pending, timeout=timeout_s)
            for task in late:
                log.warning("part.slow_to_stop", part=task.get_name(), timeout_s=timeout_s)
