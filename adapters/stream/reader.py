"""Read a venue's streams: topics are spread over connections, and what these say is handed out once.

A venue describes itself in a `Dialect`; everything else is done here, once for all venues.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from itertools import count

import aiohttp

from adapters.ahead import AHEAD, is_ahead
from adapters.dedup import Once
from adapters.health import Health
from adapters.parsed import Parsed
from adapters.rest.waiting import Backoff, Clock, SystemClock
from adapters.stream.dialect import FEEDS, Channel, Dialect
from adapters.stream.line import Line
from adapters.stream.queue import Delivered, EventQueue, Item, Outage, Rank, Refused, rank_of
from adapters.stream.wiring import Pacer, Wiring

STOP_S = 5.0
"""How long stopping may take."""


class VenueStream:
    """Read a venue's streams: `run` keeps the sockets open, `items` hands out what they said.

    Topics come and go at any time. `run` is one piece of supervised work: it ends when `stop` is called, or
    is cancelled, or raises what crashed. A venue's final answer ends its connections, not `run`.
    """

    def __init__(
        self,
        dialect: Dialect,
        *,
        clock: Clock | None = None,
        health: Health | None = None,
        queue: EventQueue | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._dialect = dialect
        clock = clock or SystemClock()
        self.health = health or Health(dialect.venue, clock.monotonic)
        self.queue = EventQueue() if queue is None else queue
        self.once = Once()
        self._wiring = Wiring(
            dialect=dialect,
            clock=clock,
            health=self.health,
            connects=Pacer(dialect.manners.connects, clock),
            take=self._take,
            tell=self._tell,
            backoff=backoff or Backoff(),
        )
        self._numbers = count(1)
        self._lines: list[Line] = []
        self._start: Callable[[Line], None] | None = None
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._stopped.set()

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the topics that are wanted and not refused."""
        return tuple(topic for line in self._lines for topic in line.wanted)

    @property
    def connections(self) -> int:
        """Return how many connections carry them."""
        return len(self._lines)

    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Want topics from now on; those that cannot be had are told as refused."""
        known = set(self.topics)
        for channel in channels:
            if channel.topic in known:
                continue
            known.add(channel.topic)
            self.health.expect(channel.feed)
            line = self._place(channel)
            if isinstance(line, str):
                self.health.refuse(channel.topic, line)
                self.queue.add(Refused(venue=self._dialect.venue, topic=channel.topic, reason=line))
            else:
                line.change(add=channel)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Want topics no longer."""
        for topic in set(topics):
            for line in self._lines:
                line.change(remove=topic)

    async def run(self) -> None:
        """Keep the connections up until `stop`, or until cancelled."""
        self._stopped.clear()
        try:
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
                await self._run(session)
        finally:
            self._start = None
            self._stopped.set()

    async def stop(self) -> None:
        """Close every connection and end `run` and `items`, within seconds."""
        self._stopping.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._stopped.wait()
        self.queue.close()

    async def items(self) -> AsyncGenerator[Item]:
        """Yield what was said, in the order in which it came; end once stopped and read to the end."""
        while (item := await self.queue.get()) is not None:
            yield item

    async def _run(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.TaskGroup() as group:
            tasks: set[asyncio.Task[None]] = set()

            def start(line: Line) -> None:
                task = group.create_task(self._follow(line, session))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

            self._start = start
            for line in self._lines:
                start(line)
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def _follow(self, line: Line, session: aiohttp.ClientSession) -> None:
        await line.run(session)
        self._lines.remove(line)

    def _place(self, channel: Channel) -> Line | str:
        """Return the connection that is to carry a channel, new if need be, else why there is none."""
        if self._wiring.final is not None:
            return self._wiring.final.reason
        for line in self._lines:
            full = not self._dialect.fits([*line.wanted.values(), channel])
            if line.url == channel.url and not line.closed and not full:
                return line
        if len(self._lines) >= self._dialect.manners.connections:
            return "would need more connections than the venue allows"
        line = Line(self._wiring, next(self._numbers), channel.url)
        line.change(add=channel)
        self._lines.append(line)
        if self._start is not None:
            self._start(line)
        return line

    async def _tell(self, notice: Outage | Refused) -> None:
        await self.queue.put(notice)

    async def _take(self, parsed: Parsed) -> None:
        """Hand on what a frame holds and nobody was told yet."""
        now_ms = self._wiring.clock.wall_ms()
        told = [event for event in parsed.events if not is_ahead(event, now_ms)]
        if len(told) < len(parsed.events):
            self.health.tally.dropped[AHEAD] += len(parsed.events) - len(told)
        for event in told:
            self.health.event(FEEDS[type(event)], event.ts)
        fresh = deque(Delivered(event=e, backlog=parsed.backlog) for e in self.once.new(told))
        try:
            while fresh:
                await self.queue.put(fresh[0])
                fresh.popleft()
        finally:  # a connection that is closed while it waits for room loses nothing
            for item in fresh:
                if rank_of(item) is Rank.KEPT:
                    self.queue.add(item)
