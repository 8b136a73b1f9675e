"""Do what each user asks one after the other, different users' side by side, and never take on too much."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Work = Callable[[], Awaitable[None]]

PER_LANE = 8
ALL = 256
"""How much may wait or be under way: for one user, and together."""


class Lanes:
    """Hold work by user. What is added has to deal with its own errors."""

    def __init__(self, per_lane: int = PER_LANE, everything: int = ALL) -> None:
        self._per_lane = per_lane
        self._everything = everything
        self._lanes: dict[str, deque[Work]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0
        self._room = asyncio.Event()
        self._room.set()

    def busy(self, lane: str) -> bool:
        """Say whether a user's work is under way."""
        return lane in self._lanes

    @property
    def under_way(self) -> int:
        """Return how much waits or is under way."""
        return self._count

    async def room(self) -> None:
        """Wait until more may be added."""
        await self._room.wait()

    def add(self, lane: str, work: Work) -> bool:
        """Take on work in a user's turn; False where that user has too much waiting already."""
        waiting = self._lanes.get(lane)
        if waiting is not None and len(waiting) >= self._per_lane:
            return False
        self._counted(1)
        if waiting is None:
            self._lanes[lane] = deque([work])
            self._start(self._run(lane))
        else:
            waiting.append(work)
        return True

    def aside(self, work: Work) -> None:
        """Take on work that waits for nothing: it is short."""
        self._counted(1)
        self._start(self._once(work))

    def _start(self, run: Awaitable[None]) -> None:
        task = asyncio.ensure_future(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, lane: str) -> None:
        waiting = self._lanes[lane]
        try:
            while waiting:
                await self._once(waiting.popleft())
        finally:
            self._counted(-len(waiting))
            self._lanes.pop(lane, None)

    async def _once(self, work: Work) -> None:
        try:
            await work()
        finally:
            self._counted(-1)

    def _counted(self, change: int) -> None:
        self._count += change
        if self._count >= self._everything:
            self._room.clear()
        else:
            self._room.set()

    async def close(self, timeout_s: float) -> None:
        """Let what is under way end, and stop what takes longer."""
        tasks = set(self._tasks)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
