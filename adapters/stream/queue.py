"""Hold what streams said until it is read: bounded, in order.

When the queue is full, what a newer value replaces goes first, the oldest of it: prices, then candles that
still form, then open interest, funding and ratios. Each is counted. Liquidations, closed candles, outages and
refusals are never dropped: where nothing else is left, the sockets are not read until there is room.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

from engine.model import Candle, Liquidation, Tick, VenueEvent

QUEUE = 20_000
"""How many items may wait to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """An event that is new. `backlog` says that it may be old: it fills history and alerts nobody."""

    event: VenueEvent
    backlog: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Say that topics were not heard from one time to another (ms UTC, ours), and are again: fill the gap."""

    venue: str
    since_ms: int
    until_ms: int
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Say that a venue refuses a topic, and in which words; it is not asked for again."""

    venue: str
    topic: str
    reason: str


Item = Delivered | Outage | Refused
"""What is read from a stream."""


class Rank(IntEnum):
    """What is dropped first when too much waits: the lowest."""

    PRICE = 0
    FORMING = 1
    STATE = 2
    KEPT = 3


def rank_of(item: Item) -> Rank:
    """Return how dear an item is."""
    if not isinstance(item, Delivered) or isinstance(item.event, Liquidation):
        return Rank.KEPT
    if isinstance(item.event, Tick):
        return Rank.PRICE
    if isinstance(item.event, Candle):
        return Rank.KEPT if item.event.closed else Rank.FORMING
    return Rank.STATE


class EventQueue:
    """Hold a bounded number of items, in order; the module says what goes when it is full.

    `dropped` counts what went, by rank; `waits` how often a reader had to wait for room.
    """

    def __init__(self, size: int = QUEUE) -> None:
        self.dropped: Counter[Rank] = Counter()
        self.waits = 0
        self._size = size
        self._number = count()
        self._lanes: dict[Rank, deque[tuple[int, Item]]] = {rank: deque() for rank in Rank}
        self._over = False
        self._ready = asyncio.Event()
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    async def put(self, item: Item) -> None:
        """Add an item; wait for room if it must not be dropped and nothing else may be."""
        rank = rank_of(item)
        while len(self) >= self._size and not self._make_room(rank):
            if rank is not Rank.KEPT:
                self.dropped[rank] += 1
                return
            self.waits += 1
            self._room.clear()
            await self._room.wait()
        self.add(item)

    def add(self, item: Item) -> None:
        """Add an item whether there is room or not."""
        self._lanes[rank_of(item)].append((next(self._number), item))
        self._ready.set()

    def close(self) -> None:
        """Let whoever reads come to an end."""
        self._over = True
        self._ready.set()

    async def get(self) -> Item | None:
        """Return the oldest item, once there is one; None when it is closed and empty."""
        while not len(self):
            if self._over:
                return None
            self._ready.clear()
            await self._ready.wait()
        lane = min((lane for lane in self._lanes.values() if lane), key=lambda lane: lane[0][0])
        self._room.set()
        return lane.popleft()[1]

    def left(self) -> list[Item]:
        """Return, and hold no longer, everything that waits, oldest first."""
        waiting = sorted((each for lane in self._lanes.values() for each in lane), key=lambda each: each[0])
        for lane in self._lanes.values():
            lane.clear()
        self._room.set()
        return [item for _, item in waiting]

    def _make_room(self, rank: Rank) -> bool:
        """Drop the oldest of what is least dear and no dearer than a rank; say whether there was any."""
        for each in (Rank.PRICE, Rank.FORMING, Rank.STATE):
            if each <= rank and self._lanes[each]:
                self._lanes[each].popleft()
                self.dropped[each] += 1
                return True
        return False
