"""Keep topics of a venue being read through ccxt: one task a topic, tried again for ever after a failure.

ccxt opens the sockets and subscribes. What it does not do is done here: nothing is lost between two calls,
silence is noticed, a failure is judged as any other venue's, and an outage is told so that it can be filled.
Times are ms UTC, waits are seconds.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

import structlog

from adapters.ccxt.client import CLOSE_S, CcxtClient
from adapters.ccxt.topics import EVERY_S, Reader, arguments
from adapters.ccxt.verdicts import Failure, judge_failure
from adapters.dedup import Once
from adapters.health import Health
from adapters.parsed import Parsed
from adapters.rest.calls import Call, CallFailed
from adapters.rest.verdicts import Outcome, Scope, Verdict, again
from adapters.rest.waiting import Backoff, Clock, pause
from adapters.stream.dialect import FEEDS, Channel
from adapters.stream.queue import Delivered, EventQueue, Outage, Refused
from adapters.venue import VenueState

log = structlog.get_logger(__name__)

PATIENCE = 5
"""A topic that alone is silent for so many times its rhythm makes all sockets be opened again."""
SETTLED_S = 60.0
"""A topic that was heard for so long was a good one: waiting begins anew after it."""


@dataclass(slots=True, kw_only=True)
class Topic:
    """One topic: what is wanted, how it is read, its place in health, and when it was heard last."""

    channel: Channel
    reader: Reader
    number: int
    heard_s: float
    heard_ms: int
    failures: int = 0
    task: asyncio.Task[None] | None = None


class Lost(Exception):
    """Say that a topic was lost; `verdict` says whether to try again."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class CcxtStream:
    """Read topics of a venue: `run` is one piece of supervised work, which ends when it is cancelled.

    `readers` makes what reads a topic. `once` knows what was told before.
    """

    def __init__(
        self,
        client: CcxtClient,
        readers: Callable[[Channel], Reader],
        *,
        clock: Clock,
        health: Health,
        queue: EventQueue,
        backoff: Backoff | None = None,
    ) -> None:
        self.once = Once()
        self._client = client
        self._readers = readers
        self._clock = clock
        self._health = health
        self._queue = queue
        self._backoff = backoff or Backoff()
        self._numbers = count(1)
        self._topics: dict[str, Topic] = {}
        self._lost: dict[str, int] = {}
        self._group: asyncio.TaskGroup | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """Return the topics that are wanted and not refused."""
        return tuple(self._topics)

    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Want topics from now on."""
        for channel in channels:
            if channel.topic in self._topics:
                continue
            self._health.expect(channel.feed)
            topic = Topic(
                channel=channel,
                reader=self._readers(channel),
                number=next(self._numbers),
                heard_s=self._clock.monotonic(),
                heard_ms=self._clock.wall_ms(),
            )
            self._topics[channel.topic] = topic
            self._start(topic)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Want topics no longer."""
        for name in set(topics) & set(self._topics):
            topic = self._topics.pop(name)
            self._lost.pop(name, None)
            self._health.line(topic.number, None)
            if topic.task is not None:
                topic.task.cancel()

    async def run(self) -> None:
        """Keep every topic being read, until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for topic in self._topics.values():
                    self._start(topic)
                await asyncio.Event().wait()
        finally:
            self._group = None
            for topic in self._topics.values():
                self._health.line(topic.number, None)

    def _start(self, topic: Topic) -> None:
        if self._group is not None:
            topic.task = self._group.create_task(self._follow(topic))

    async def _follow(self, topic: Topic) -> None:
        """Read a topic for ever, or until it is refused."""
        silent = topic.channel.silent_s is None
        while True:
            self._show(topic, VenueState.UP if silent and not topic.failures else VenueState.CONNECTING)
            began_s = self._clock.monotonic()
            try:
                await self._read(topic)
            except Lost as lost:
                if self._clock.monotonic() - began_s >= SETTLED_S:
                    topic.failures = 0
                if not await self._goes_on(topic, lost.verdict):
                    return

    async def _goes_on(self, topic: Topic, verdict: Verdict) -> bool:
        """Wait until a topic may be tried again; say whether it may."""
        topic.failures += 1
        topic.reader.lost()
        self._lost.setdefault(topic.channel.topic, topic.heard_ms)
        self._health.error(verdict.reason)
        if verdict.outcome in (Outcome.FINAL, Outcome.MISTAKE):
            await self._give_up(topic, verdict)
            return False
        self._show(topic, VenueState.CONNECTING if topic.failures <= 1 else VenueState.DOWN)
        delay_s = verdict.retry_after_s
        await pause(self._clock, self._backoff.delay_s(topic.failures) if delay_s is None else delay_s)
        return True

    async def _give_up(self, topic: Topic, verdict: Verdict) -> None:
        """Ask for a topic no more, or of the venue nothing, and tell why."""
        name = topic.channel.topic
        whole = verdict.scope is Scope.VENUE
        if whole:
            self._health.end(verdict.reason)
        self._health.refuse(name, verdict.reason)
        self._health.line(topic.number, VenueState.DOWN if whole else None)
        self._topics.pop(name, None)
        self._lost.pop(name, None)
        await self._queue.put(Refused(venue=self._health.venue, topic=name, reason=verdict.reason))

    async def _read(self, topic: Topic) -> None:
        """Read a topic until it is lost; raise Lost."""
        method, given = arguments(topic.channel.topic)
        while True:
            if method in EVERY_S:
                answer = await self._asked(topic, method, given)
            else:
                answer = await self._watched(topic, method, given)
            await self._heard(topic, answer)
            if method in EVERY_S:
                await pause(self._clock, EVERY_S[method])

    async def _asked(self, topic: Topic, method: str, given: dict[str, object]) -> object:
        try:
            call = Call(path=f"/{method}", body=given, about=topic.channel.topic, timeout_s=15.0)
            return await self._client.ask(call, patience_s=60.0)
        except CallFailed as failed:
            raise Lost(failed.verdict) from failed

    async def _watched(self, topic: Topic, method: str, given: dict[str, object]) -> object:
        """Return what ccxt says next; raise Lost where it fails, or is silent for too long."""
        work = asyncio.ensure_future(getattr(self._client.exchange, method)(**given))
        waited = 0
        try:
            while not (await asyncio.wait({work}, timeout=topic.channel.silent_s))[0]:
                waited += 1
                self._show(topic, VenueState.STALE)
                if waited >= PATIENCE or self._all_silent(topic):
                    await self._reopen()
                    raise Lost(again("is silent"))
            return work.result()
        except asyncio.CancelledError:
            ours = asyncio.current_task()
            if not work.cancelled() or (ours is not None and ours.cancelling()):
                raise
            raise Lost(again("closed the connection")) from None
        except Lost:
            raise
        except Exception as error:
            raise Lost(judge_failure(Failure.of(error))) from error
        finally:
            work.cancel()

    def _all_silent(self, topic: Topic) -> bool:
        """Say whether nothing at all was heard for as long as this topic may be silent."""
        newest_s = max(each.heard_s for each in self._topics.values())
        return self._clock.monotonic() - newest_s >= (topic.channel.silent_s or 0.0)

    async def _reopen(self) -> None:
        """Close every socket of the venue; whoever reads one opens it again."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._client.exchange.close_ws_clients()
        except Exception as error:  # noqa: BLE001 - whatever the library raises, topics are read on
            log.warning("ccxt.not_closed", venue=self._health.venue, why=Failure.of(error).words[:300])

    async def _heard(self, topic: Topic, answer: object) -> None:
        """Hand on what an answer says, and that an outage is over."""
        topic.heard_s, topic.heard_ms = self._clock.monotonic(), self._clock.wall_ms()
        self._health.frame()
        self._show(topic, VenueState.UP)
        kept = getattr(self._client.exchange, "liquidations", None)
        await self._take(topic.reader.read(answer, kept, self._clock.wall_ms()))
        await self._back(topic)

    async def _back(self, topic: Topic) -> None:
        """Tell of an outage once the first of the topics that were lost is back: they share sockets."""
        if topic.channel.topic not in self._lost:
            return
        since_ms, names = min(self._lost.values()), tuple(self._lost)
        self._lost.clear()
        self._health.tally.reconnects += 1
        await self._queue.put(
            Outage(venue=self._health.venue, since_ms=since_ms, until_ms=self._clock.wall_ms(), topics=names)
        )

    async def _take(self, parsed: Parsed) -> None:
        self._health.tally.dropped.update({str(reason): many for reason, many in parsed.dropped.items()})
        for event in parsed.events:
            self._health.event(FEEDS[type(event)], event.ts)
        for event in self.once.new(parsed.events):
            await self._queue.put(Delivered(event=event))

    def _show(self, topic: Topic, state: VenueState) -> None:
        if topic.channel.topic in self._topics:
            self._health.line(topic.number, state)
