"""Send messages to many WebSockets: encoded once, a bounded queue each, a fresh start for the slow."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

log = structlog.get_logger(__name__)

SEND_TIMEOUT_S = 15.0
QUEUE_LIMIT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One encoded message: binary or text. `n` numbers it within its channel; unnumbered ones have none."""

    data: bytes | str = field(repr=False)
    channel: str = ""
    n: int = 0


Snapshot = Callable[[str], Awaitable[Message | None]]
"""`snapshot(channel)`: everything a newcomer to a channel needs, as one message."""


class Subscriber:
    """One client of the stream. Whoever publishes never waits for it."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        snapshot: Snapshot,
        *,
        limit: int = QUEUE_LIMIT,
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        self._socket = socket
        self._snapshot = snapshot
        self._limit = limit
        self._send_timeout_s = send_timeout_s
        self._queue: deque[Message] = deque()
        self._fresh: list[str] = []
        self._sent: dict[str, int] = {}
        self._wake = asyncio.Event()
        self.channels: set[str] = set()
        self.dropped = 0

    def join(self, channel: str) -> None:
        """Follow a channel, from a snapshot on."""
        self.channels.add(channel)
        self._ask(channel)

    def leave(self, channel: str) -> None:
        """Follow a channel no longer."""
        self.channels.discard(channel)
        self._sent.pop(channel, None)

    def resync(self, channel: str) -> None:
        """Send a fresh snapshot of a channel that is followed."""
        if channel in self.channels:
            self._ask(channel)

    def offer(self, message: Message) -> None:
        """Queue a message; where the queue is full, drop it all and start afresh from snapshots."""
        if message.channel and message.channel not in self.channels:
            return
        if len(self._queue) >= self._limit:
            self.dropped += len(self._queue)
            self._queue.clear()
            for channel in self.channels:
                self._ask(channel)
            return
        self._queue.append(message)
        self._wake.set()

    async def pump(self) -> None:
        """Send what is queued until the client is gone; close it where it takes nothing for too long."""
        try:
            while not self._socket.closed:
                await self._wake.wait()
                self._wake.clear()
                await self._send_fresh()
                while self._queue and not self._fresh:
                    await self._send_next(self._queue.popleft())
        except TimeoutError:
            log.info("stream.slow_client_closed", dropped=self.dropped)
            await self._abort()
        except ConnectionError:
            await self._abort()

    def _ask(self, channel: str) -> None:
        if channel not in self._fresh:
            self._fresh.append(channel)
        self._wake.set()

    async def _send_fresh(self) -> None:
        while self._fresh:
            channel = self._fresh.pop(0)
            message = await self._snapshot(channel)
            if message is None or channel not in self.channels:
                continue
            self._sent[channel] = message.n
            await self._send(message.data)

    async def _send_next(self, message: Message) -> None:
        if message.channel:
            if message.channel not in self.channels or message.n <= self._sent.get(message.channel, -1):
                return
            self._sent[message.channel] = message.n
        await self._send(message.data)

    async def _send(self, data: bytes | str) -> None:
        async with asyncio.timeout(self._send_timeout_s):
            if isinstance(data, bytes):
                await self._socket.send_bytes(data)
            else:
                await self._socket.send_str(data)

    async def _abort(self) -> None:
        writer = self._socket.get_extra_info("transport", None)
        if writer is not None:
            writer.abort()
