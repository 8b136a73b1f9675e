"""Let a bounded number of requests run at once: servers take turns, and within a server its users.

So a crowd in one server, or one user who never stops, delays others by what is under way, not by what waits.
"""

import asyncio
import contextlib
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator

AT_ONCE = 32
PER_SERVER = 8
"""How many requests run at once: together, and of one server or private chat."""

Waiting = OrderedDict[str, deque[asyncio.Future[None]]]


class Turns:
    """Hand out turns. A server is any name of those who share one; users are named within it."""

    def __init__(self, at_once: int = AT_ONCE, per_server: int = PER_SERVER) -> None:
        self._at_once = at_once
        self._per_server = per_server
        self._waiting: OrderedDict[str, Waiting] = OrderedDict()
        self._running: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """Return how many requests have a turn."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """Return how many requests wait for one."""
        return sum(len(queue) for users in self._waiting.values() for queue in users.values())

    @contextlib.asynccontextmanager
    async def turn(self, server: str, user: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it while the context lasts."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(server, OrderedDict()).setdefault(user, deque()).append(granted)
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._leave(server, user, granted)
            else:
                self._end(server)
            raise
        try:
            yield
        finally:
            self._end(server)

    def _end(self, server: str) -> None:
        self._running[server] -= 1
        if not self._running[server]:
            del self._running[server]
        self._grant()

    def _grant(self) -> None:
        """Give away what turns there are: to the server that has waited longest since its last one."""
        while self.running < self._at_once:
            server = next((s for s in self._waiting if self._running[s] < self._per_server), None)
            if server is None:
                return
            self._give(server)

    def _give(self, server: str) -> None:
        """Give the next user of a server a turn, and send both to the end of their lines."""
        users = self._waiting[server]
        user, queue = next(iter(users.items()))
        granted = queue.popleft()
        if not granted.done():  # one who gave up meanwhile has none
            self._running[server] += 1
            granted.set_result(None)
        users.move_to_end(user)
        self._waiting.move_to_end(server)
        self._tidy(server, user)

    def _leave(self, server: str, user: str, granted: asyncio.Future[None]) -> None:
        users = self._waiting.get(server)
        queue = users.get(user) if users else None
        if queue is not None and granted in queue:
            queue.remove(granted)
            self._tidy(server, user)

    def _tidy(self, server: str, user: str) -> None:
        """Forget who waits for nothing any more."""
        users = self._waiting[server]
        if not users[user]:
            del users[user]
        if not users:
            del self._waiting[server]
