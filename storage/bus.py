"""Let parts tell each other what happened, without knowing each other.

A bus is a hint and a fan-out, never the truth: a subscriber that is slow misses the oldest messages, is told
how many, and asks for a snapshot. Bodies are JSON-ready, so that a bus between processes is a drop-in.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

Json = str | int | float | bool | None | Mapping[str, "Json"] | list["Json"] | tuple["Json", ...]
QUEUE = 256
"""How many messages wait for a subscriber unless it says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing told: `seq` counts the messages of its topic, so that a hole shows."""

    topic: str
    seq: int
    body: Mapping[str, Json]


class Subscription(Protocol):
    """What one subscriber hears; iterate it, or take messages one at a time."""

    @property
    def dropped(self) -> int:
        """Return how many messages were missed for want of room."""

    async def get(self) -> Message:
        """Return the next message, waiting for one; raises StopAsyncIteration once closed and empty."""

    def __aiter__(self) -> Self:
        """Iterate until closed."""

    async def __anext__(self) -> Message:
        """Return the next message."""

    def close(self) -> None:
        """Hear no more."""


class Bus(Protocol):
    """The way parts talk. Topics are words joined by dots, for example `zones.BTCUSDT`."""

    def publish(self, topic: str, body: Mapping[str, Json]) -> int:
        """Tell all who listen, without waiting for any; return how many heard it here."""

    def subscribe(self, *topics: str, size: int = QUEUE) -> Subscription:
        """Listen to topics; one that ends in `*` means all that begin so."""

    async def aclose(self) -> None:
        """End every subscription."""


class LocalSubscription:
    """A bounded queue of one subscriber in this process; drops its oldest when full, and counts that."""

    def __init__(self, bus: "LocalBus", topics: tuple[str, ...], size: int) -> None:
        self._bus = bus
        self._exact = {topic for topic in topics if not topic.endswith("*")}
        self._prefixes = tuple(topic[:-1] for topic in topics if topic.endswith("*"))
        self._waiting: deque[Message] = deque(maxlen=size)
        self._ready = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def hears(self, topic: str) -> bool:
        """Say whether this subscriber listens to a topic."""
        return topic in self._exact or topic.startswith(self._prefixes)

    def put(self, message: Message) -> None:
        """Queue a message, dropping the oldest where there is no room."""
        if len(self._waiting) == self._waiting.maxlen:
            self.dropped += 1
        self._waiting.append(message)
        self._ready.set()

    async def get(self) -> Message:
        """Return the next message, waiting for one; raises StopAsyncIteration once closed and empty."""
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        return self._waiting.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        return await self.get()

    def close(self) -> None:
        """Hear no more; what waits can still be taken."""
        self._closed = True
        self._bus.leave(self)
        self._ready.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()


class LocalBus:
    """A bus within one process, for use from its event loop."""

    def __init__(self) -> None:
        self._subscriptions: list[LocalSubscription] = []
        self._seq: dict[str, int] = {}

    def publish(self, topic: str, body: Mapping[str, Json]) -> int:
        """Tell all who listen, without waiting for any; return how many heard it."""
        seq = self._seq[topic] = self._seq.get(topic, 0) + 1
        message = Message(topic=topic, seq=seq, body=body)
        listening = [each for each in self._subscriptions if each.hears(topic)]
        for subscription in listening:
            subscription.put(message)
        return len(listening)

    def subscribe(self, *topics: str, size: int = QUEUE) -> LocalSubscription:
        """Listen to topics; one that ends in `*` means all that begin so."""
        if size < 1 or not topics:
            raise ValueError("A subscription needs a topic and room for a message.")
        subscription = LocalSubscription(self, topics, size)
        self._subscriptions.append(subscription)
        return subscription

    def leave(self, subscription: LocalSubscription) -> None:
        """Stop serving a subscription."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    async def aclose(self) -> None:
        """End every subscription; what waits in them can still be taken."""
        for subscription in tuple(self._subscriptions):
            subscription.close()


def local_bus() -> Bus:
    """Return a bus for one process."""
    return LocalBus()
