"""Send messages to many WebSockets: framed once, the same bytes to every line, nobody waits for anybody.

A line whose buffer is full is left out and told so. When it has caught up it starts afresh from snapshots;
when it does not it is closed. Nothing here waits for a client.
"""

import asyncio
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, Self

import structlog

from bot.web.tally import Tally

log = structlog.get_logger(__name__)

SLICE = 200
"""After so many lines the loop may turn to something else."""
MOST_WAITING = 1024
"""How many messages may wait to be spread before everybody starts afresh instead."""
MOST_HELD = 64
"""How many messages of a channel may wait for a line's snapshot of it."""
LOOK_S = 0.25
"""How often lines that are behind are looked at."""
ROOM_S = 0.05
"""How often a line that is to have a snapshot is looked at, until it has taken what was sent before."""
_TEXT, _BINARY = 0x81, 0x82


class Line(Protocol):
    """Be a client's transport."""

    def write(self, data: bytes) -> None:
        """Send bytes, or keep what the system does not take yet."""

    def get_write_buffer_size(self) -> int:
        """Return how many bytes are kept."""

    def is_closing(self) -> bool:
        """Say whether nothing can be sent any more."""

    def abort(self) -> None:
        """Close at once, whatever is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the bytes of its WebSocket frame.

    `n` numbers it within its channel; what belongs to no channel has none and goes to everybody.
    """

    frame: bytes = field(repr=False)
    channel: str = ""
    n: int = 0

    @classmethod
    def of(cls, data: bytes | str, *, channel: str = "", n: int = 0) -> Self:
        """Frame a binary or text message, unmasked and whole (RFC 6455, 5.2)."""
        first, body = (_BINARY, data) if isinstance(data, bytes) else (_TEXT, data.encode())
        size = len(body)
        if size < 126:
            head = struct.pack("!BB", first, size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", first, 126, size)
        else:
            head = struct.pack("!BBQ", first, 127, size)
        return cls(frame=head + body, channel=channel, n=n)


Snapshot = Callable[[str], Awaitable[Message]]
"""`snapshot(channel)`: everything a newcomer to a channel needs, as one message; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many bytes may wait for a client, for how long, and what one that is behind is told."""

    buffer_bytes: int
    slow_s: float
    warning: Message

    @property
    def low_bytes(self) -> int:
        """Return how little must wait for a client to have caught up."""
        return self.buffer_bytes // 4


class Subscriber:
    """One client of the stream; its hub alone writes to it."""

    __slots__ = ("_extra", "_held", "_hub", "_line", "_seen", "_task", "dropped", "slow_since_s")

    def __init__(self, hub: "Hub", line: Line) -> None:
        self._hub = hub
        self._line = line
        self._seen: dict[str, int] = {}
        self._held: dict[str, list[Message]] = {}
        self._task: asyncio.Task[None] | None = None
        self._extra = 0
        """How much of the last snapshot still waits; that is no sign of slowness."""
        self.dropped = 0
        self.slow_since_s: float | None = None

    @property
    def channels(self) -> Iterable[str]:
        """Return the channels that are followed."""
        return self._seen.keys()

    def offer(self, message: Message) -> None:
        """Send a message now, keep it for after the channel's snapshot, or leave it out."""
        channel = message.channel
        if channel:
            if message.n <= self._seen.get(channel, message.n):
                return
            if (held := self._held.get(channel)) is not None:
                self._hold(held, message)
                return
        if self._write(message) and channel:
            self._seen[channel] = message.n

    def follow(self, channel: str) -> None:
        """Send a snapshot of a channel, now or when it has caught up, and what is newer after it."""
        self._seen[channel] = -1
        self._held.setdefault(channel, [])
        if self._task is None and self.slow_since_s is None:
            self._task = asyncio.create_task(self._send_snapshots(), name="stream snapshot")

    def leave(self, channel: str) -> None:
        """Follow a channel no longer."""
        self._seen.pop(channel, None)
        self._held.pop(channel, None)

    def caught_up(self, now_s: float) -> bool:
        """Say whether this line is done with being behind: it has caught up, is gone, or is closed now."""
        if self.slow_since_s is None or self._line.is_closing():
            return True
        patience = self._hub.patience
        if self._line.get_write_buffer_size() <= patience.low_bytes:
            self.slow_since_s = None
            self.start_afresh()
            return True
        if now_s - self.slow_since_s < patience.slow_s:
            return False
        self._cut()
        return True

    def start_afresh(self) -> None:
        """Send a snapshot of everything that is followed."""
        for channel in tuple(self._seen):
            self.follow(channel)

    def close(self) -> None:
        """End what is being fetched."""
        if self._task is not None:
            self._task.cancel()

    def _hold(self, held: list[Message], message: Message) -> None:
        """Keep a message for after the snapshot; the oldest of too many go, and a gap tells the client."""
        held.append(message)
        if len(held) > MOST_HELD:
            del held[0]

    async def _send_snapshots(self) -> None:
        try:
            while self._held and await self._has_room():
                channel = next(iter(self._held))
                message = await self._hub.snapshot(channel)
                held = self._held.pop(channel, None)
                if held is not None and self._write(message):
                    self._hub.tally.snapshots += bool(message.channel)
                    self._extra = self._line.get_write_buffer_size()
                    self._begin(channel, message, held)
        finally:
            self._task = None
            if not self._held:
                self._held = {}  # one that was filled keeps its room

    async def _has_room(self) -> bool:
        """Wait until the line has taken most of what was sent; say False where it is behind or closed."""
        line, hub = self._line, self._hub
        until_s = hub.clock() + hub.patience.slow_s
        while self.slow_since_s is None and not line.is_closing():
            if line.get_write_buffer_size() <= hub.patience.low_bytes:
                return True
            if hub.clock() >= until_s:
                self._cut()
            await asyncio.sleep(ROOM_S)
        return False

    def _cut(self) -> None:
        self._hub.tally.closed += 1
        log.info("stream.slow_client_closed", dropped=self.dropped)
        self._line.abort()

    def _begin(self, channel: str, snapshot: Message, held: list[Message]) -> None:
        """Go on from a snapshot; what stands in its place where there is none ends the subscription."""
        if not snapshot.channel:
            self._hub.leave(self, channel)
            return
        self._seen[channel] = snapshot.n
        for message in held:
            self.offer(message)

    def _write(self, message: Message) -> bool:
        """Send a message; say False where the line is closed or behind, and warn it once of the latter."""
        line, hub = self._line, self._hub
        if line.is_closing():
            return False
        waiting = line.get_write_buffer_size()
        self._extra = min(self._extra, waiting)
        if self.slow_since_s is None and waiting <= hub.patience.buffer_bytes + self._extra:
            line.write(message.frame)
            hub.tally.sent += 1
            hub.tally.bytes += len(message.frame)
            return True
        self.dropped += 1
        hub.tally.dropped += 1
        if self.slow_since_s is None:
            self.slow_since_s = hub.clock()
            line.write(hub.patience.warning.frame)
            hub.mark_slow(self)
        return False


class Hub:
    """Know who follows what, and spread messages: `spread` and `watch` are parts of the process."""

    def __init__(
        self,
        snapshot: Snapshot,
        patience: Patience,
        *,
        tally: Tally | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.snapshot = snapshot
        self.patience = patience
        self.tally = tally or Tally()
        self.clock = clock
        self._all: set[Subscriber] = set()
        self._followers: dict[str, set[Subscriber]] = {}
        self._waiting: deque[Message] = deque()
        self._news = asyncio.Event()
        self._slow: set[Subscriber] = set()
        self._lagging = asyncio.Event()

    def __len__(self) -> int:
        return len(self._all)

    def followed(self) -> dict[str, int]:
        """Return how many follow each channel that anybody follows."""
        return {channel: len(followers) for channel, followers in self._followers.items()}

    def follows(self, channel: str) -> bool:
        """Say whether anybody follows a channel."""
        return channel in self._followers

    def add(self, line: Line) -> Subscriber:
        """Take a new client on."""
        subscriber = Subscriber(self, line)
        self._all.add(subscriber)
        return subscriber

    def remove(self, subscriber: Subscriber) -> None:
        """Let a client go."""
        self._all.discard(subscriber)
        self._slow.discard(subscriber)
        for channel in tuple(subscriber.channels):
            self.leave(subscriber, channel)
        subscriber.close()

    def join(self, subscriber: Subscriber, channel: str) -> None:
        """Let a client follow a channel, from a snapshot on; again, where it follows it already."""
        self._followers.setdefault(channel, set()).add(subscriber)
        subscriber.follow(channel)

    def leave(self, subscriber: Subscriber, channel: str) -> None:
        """Let a client follow a channel no longer."""
        subscriber.leave(channel)
        followers = self._followers.get(channel, set())
        followers.discard(subscriber)
        if not followers:
            self._followers.pop(channel, None)

    def publish(self, message: Message) -> None:
        """Let a message go to everybody whom it concerns, soon and in order; never waits."""
        if message.channel and message.channel not in self._followers:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.tally.dropped += len(self._waiting)
            self._waiting.clear()
            for subscriber in self._all:
                subscriber.start_afresh()
        self._waiting.append(message)
        self._news.set()

    async def spread(self) -> None:
        """Write what was published; runs until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._spread(self._waiting.popleft())

    async def _spread(self, message: Message) -> None:
        """Write one message to all whom it concerns."""
        began = time.perf_counter()
        whom = tuple(self._followers.get(message.channel, ()) if message.channel else self._all)
        for number, subscriber in enumerate(whom, 1):
            subscriber.offer(message)
            if not number % SLICE:
                await asyncio.sleep(0)
        took_s = time.perf_counter() - began
        self.tally.published += 1
        self.tally.spread_s += took_s
        if whom:
            told = {"bytes": len(message.frame), "took_ms": round(took_s * 1e3, 2)}
            log.debug("stream.broadcast", channel=message.channel, n=message.n, clients=len(whom), **told)

    def mark_slow(self, subscriber: Subscriber) -> None:
        """Remember that a line is behind."""
        self.tally.slow += 1
        self._slow.add(subscriber)
        self._lagging.set()

    async def watch(self) -> None:
        """Look after the lines that are behind; runs until cancelled."""
        while True:
            await self._lagging.wait()
            await asyncio.sleep(LOOK_S)
            now_s = self.clock()
            for subscriber in tuple(self._slow):
                if subscriber.caught_up(now_s):
                    self._slow.discard(subscriber)
            if not self._slow:
                self._lagging.clear()
