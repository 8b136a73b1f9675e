"""Do what each user asks one after the other, different users' side by side, and never take on too much."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable

Work = Callable[[], Awaitable[None]]

PER_LANE = 8
PER_SERVER = 64
ALL = 256
"""How much may wait or be under way: for one user, from one server, together before no more is fetched."""
MOST = 4_096
"""How much is taken on at all, where what comes cannot be held back."""


class Lanes:
    """Hold work by user. What is added has to deal with its own errors."""

    def __init__(
        self, per_lane: int = PER_LANE, everything: int = ALL, per_server: int = PER_SERVER, most: int = MOST
    ) -> None:
        self._per_lane = per_lane
        self._per_server = per_server
        self._everything = everything
        self._most = most
        self._lanes: dict[str, deque[Work]] = {}
        self._servers: Counter[str] = Counter()
        self._asides: Counter[str] = Counter()
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

    @property
    def has_room(self) -> bool:
        """Say whether more may be added."""
        return self._room.is_set()

    def add(self, lane: str, work: Work, server: str = "") -> bool:
        """Take on work in a user's turn; False where that user, or their server, has too much waiting.

        `server` names those who ask in one place; empty where the user asks alone.
        """
        waiting = self._lanes.get(lane)
        if waiting is not None and len(waiting) >= self._per_lane:
            return False
        if self._count >= self._most or (server and self._servers[server] >= self._per_server):
            return False
        if server:
            work = self._within(self._servers, server, work)
        self._counted(1)
        if waiting is None:
            self._lanes[lane] = deque([work])
            self._start(self._run(lane))
        else:
            waiting.append(work)
        return True

    def aside(self, work: Work, lane: str = "") -> bool:
        """Take on short work that waits for nothing; False where the user has too much of it already."""
        if self._count >= self._most or (lane and self._asides[lane] >= self._per_lane):
            return False
        if lane:
            work = self._within(self._asides, lane, work)
        self._counted(1)
        self._start(self._once(work))
        return True

    @staticmethod
    def _within(counter: Counter[str], name: str, work: Work) -> Work:
        """Return work that is counted until it is over."""
        counter[name] += 1

        async def run() -> None:
            try:
                await work()
            finally:
                counter[name] -= 1
                if counter[name] <= 0:
                    del counter[name]

        return run

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
