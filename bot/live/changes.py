"""Tell subscribers what changed, without ever waiting for a slow one."""

import asyncio
from collections import deque
from typing import Self

from bot.live.view import Change, ChangeKind

DEPTH = 256
"""How many changes wait for a subscriber before its oldest are dropped."""


class Subscription:
    """Be one subscriber's queue: `async for change in subscription`, or `get`; `close` when done.

    Ticks of one symbol replace each other while they wait; when the queue is full the oldest change is
    dropped and counted in `dropped`.
    """

    def __init__(self, changes: "Changes", depth: int) -> None:
        self._changes = changes
        self._depth = depth
        self._waiting: deque[Change] = deque()
        self._ready = asyncio.Event()
        self._open = True
        self.dropped = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        change = await self.get()
        if change is None:
            raise StopAsyncIteration
        return change

    async def get(self) -> Change | None:
        """Return the next change, None once closed."""
        while self._open and not self._waiting:
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.popleft() if self._waiting else None

    def put(self, change: Change) -> None:
        """Add a change; never waits."""
        last = self._waiting[-1] if self._waiting else None
        if last and change.kind is last.kind is ChangeKind.TICK and change.symbol == last.symbol:
            self._waiting.pop()
        elif len(self._waiting) >= self._depth:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(change)
        self._ready.set()

    def close(self) -> None:
        """Take no more changes; what waits can still be read."""
        self._open = False
        self._changes.forget(self)
        self._ready.set()


class Changes:
    """Hand every change to every subscriber."""

    def __init__(self) -> None:
        self._subscribers: set[Subscription] = set()
        self._dropped_before = 0

    def subscribe(self, depth: int = DEPTH) -> Subscription:
        """Return a new subscription that sees changes from now on."""
        subscription = Subscription(self, depth)
        self._subscribers.add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Leave a subscriber out from now on."""
        if subscription in self._subscribers:
            self._subscribers.remove(subscription)
            self._dropped_before += subscription.dropped

    def say(self, change: Change) -> None:
        """Tell all subscribers."""
        for subscription in self._subscribers:
            subscription.put(change)

    def close(self) -> None:
        """End every subscription."""
        for subscription in tuple(self._subscribers):
            subscription.close()

    @property
    def subscribers(self) -> int:
        """Return how many listen."""
        return len(self._subscribers)

    @property
    def dropped(self) -> int:
        """Return how many changes slow subscribers have missed since the start."""
        return self._dropped_before + sum(s.dropped for s in self._subscribers)
