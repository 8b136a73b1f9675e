"""Keep one connection of a venue up, however often it fails. Times are ms UTC, waits are seconds."""

import asyncio

import aiohttp

from adapters.rest.verdicts import Outcome, Scope, Verdict, again
from adapters.rest.waiting import pause
from adapters.stream.connection import Connection
from adapters.stream.dialect import Channel
from adapters.stream.muted import Rhythms
from adapters.stream.queue import Outage, Refused
from adapters.stream.wiring import Lost, Wiring
from adapters.venue import VenueState

SETTLED_S = 60.0
"""A connection that lasted this long was a good one: waiting begins anew after it."""


class Line:
    """Keep one connection up for a set of topics, for as long as any is wanted and the venue allows it."""

    def __init__(self, wiring: Wiring, number: int, url: str) -> None:
        self.url = url
        self.wanted: dict[str, Channel] = {}
        self.closed = False
        self._wiring = wiring
        self._number = number
        self._wake = asyncio.Event()
        self._rhythms = Rhythms(wiring)
        self._failures = 0
        self._current: Connection | None = None
        self._lost_ms: int | None = None
        self._doubted = False
        """Whether the last connection fell silent: the next one is not up before it says anything."""
        self._spoke = False

    def change(self, *, add: Channel | None = None, remove: str = "") -> None:
        """Want another topic, or one no longer."""
        if add is not None:
            self.wanted[add.topic] = add
        if self.wanted.pop(remove, None) is not None:
            self._rhythms.forget(remove)
        self._wake.set()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Run until nothing is wanted here any more, or the venue gave a final answer."""
        self.closed = False
        try:
            while self.wanted and (fresh := await self._opened(session)) is not None:
                await self._swap(fresh)
                await self._mind(fresh)
        finally:
            self.closed = True
            connection, self._current = self._current, None
            self._wiring.health.line(self._number, None)
            self._rhythms.clear()
            if connection is not None:
                self._lost_ms = connection.heard_ms  # should it run again, this was not heard
                await connection.close()

    async def _opened(self, session: aiohttp.ClientSession) -> Connection | None:
        """Return a connection with every topic that is wanted, however often it takes; None to give up."""
        wiring = self._wiring
        while self.wanted:
            self._show(VenueState.CONNECTING if self._failures <= 1 else VenueState.DOWN)
            await self._wait()
            if not self.wanted:
                return None
            verdict, connection = (wiring.final, None) if wiring.final else await self._tried(session)
            if connection is not None:
                return connection
            self._failures += 1
            wiring.health.error(verdict.reason)
            if verdict.outcome is Outcome.FINAL:
                await self._give_up(verdict)
                return None
            if verdict.retry_after_s is not None:
                until_s = wiring.clock.monotonic() + verdict.retry_after_s
                wiring.shut_until_s = max(wiring.shut_until_s, until_s)
        return None

    async def _wait(self) -> None:
        """Wait as the failures so far demand, and for as long as the venue wants no connection."""
        wiring = self._wiring
        await pause(wiring.clock, wiring.backoff.delay_s(self._failures))
        while (shut_s := self._shut_s()) > 0 and wiring.final is None:
            await pause(wiring.clock, shut_s)

    def _shut_s(self) -> float:
        """Return for how many seconds more the venue wants no connection; 0 or less if it does not mind."""
        return self._wiring.shut_until_s - self._wiring.clock.monotonic()

    async def _tried(self, session: aiohttp.ClientSession) -> tuple[Verdict, Connection | None]:
        """Open a connection and subscribe; return what went wrong, or it."""
        connection = Connection(self._wiring, self.url, self._wake, self._rhythms)
        whole = False
        try:
            async with self._wiring.connects.held():
                if self._wiring.final is not None:
                    raise Lost(self._wiring.final)
                if self._shut_s() > 0:  # it was shut while this one waited for its turn
                    raise Lost(again("asked to slow down", after_s=self._shut_s()))
                await connection.open(session)
            await self._sync(connection)
            whole = True
        except Lost as lost:
            return lost.verdict, None
        finally:
            if not whole:
                await connection.close()
        return Verdict(), connection

    async def _give_up(self, verdict: Verdict) -> None:
        """Never ask again: for the whole venue, or for what this connection was to carry."""
        self.closed = True
        if verdict.scope is Scope.VENUE:
            self._wiring.final = verdict
            self._wiring.health.end(verdict.reason)
        for topic in list(self.wanted):
            await self._refused(topic, verdict.reason)

    async def _refused(self, topic: str, reason: str) -> None:
        self.wanted.pop(topic, None)
        self._rhythms.forget(topic)
        self._wiring.health.refuse(topic, reason)
        await self._wiring.tell(Refused(venue=self._wiring.dialect.venue, topic=topic, reason=reason))

    async def _sync(self, connection: Connection) -> None:
        """Ask for what is wanted until that stands; take out what is refused."""
        while connection.differs(self.wanted):
            for topic, reason in (await connection.sync(dict(self.wanted))).items():
                await self._refused(topic, reason)

    async def _swap(self, fresh: Connection) -> None:
        """Put a new connection in the place of the old one, which goes a little later."""
        wiring = self._wiring
        old, self._current = self._current, fresh
        self._settle(fresh)
        if old is not None and old.end.ended:
            self._lost_ms = old.heard_ms
        try:
            if self._lost_ms is not None:
                wiring.health.tally.reconnects += 1
                since_ms, until_ms, self._lost_ms = self._lost_ms, wiring.clock.wall_ms(), None
                topics, venue = tuple(fresh.topics), wiring.dialect.venue
                await wiring.tell(Outage(venue=venue, since_ms=since_ms, until_ms=until_ms, topics=topics))
            if old is not None and not old.end.ended:
                await pause(wiring.clock, wiring.dialect.manners.overlap_s)
        finally:
            if old is not None:
                await old.close()

    async def _mind(self, connection: Connection) -> None:
        """Follow changes until another connection is needed, or none."""
        while self.wanted and not connection.end.ended and not connection.end.leaving:
            self._wake.clear()
            self._settle(connection)
            try:
                await self._sync(connection)
            except Lost as lost:
                connection.end.blame(str(lost))
                break
            if not connection.end.ended and not connection.end.leaving and self.wanted:
                await self._wake.wait()
        lasted = self._wiring.clock.monotonic() - connection.opened_s >= SETTLED_S
        if connection.end.leaving and not connection.end.ended:
            self._failures = 0 if lasted else self._failures + 1
        elif self.wanted:
            self._failures = 1 if lasted else self._failures + 1
            self._lost_ms = connection.heard_ms
            self._current = None
            self._blame(connection)
            self._show(VenueState.CONNECTING)
            await connection.close()
        else:
            self._current = None
            await connection.close()

    def _settle(self, connection: Connection) -> None:
        """Show that a connection is up; after one that fell silent, once it says anything."""
        health = self._wiring.health
        if connection.said:
            self._spoke, self._doubted = True, False
            health.speak(self._number)
        health.line(self._number, VenueState.STALE if self._doubted else VenueState.UP)

    def _blame(self, connection: Connection) -> None:
        """Say why a connection ended; of a place that never said anything, what to look at."""
        reason, health = connection.end.reason, self._wiring.health
        self._spoke = self._spoke or connection.said
        self._doubted = connection.stalled or (self._doubted and not connection.said)
        if connection.stalled and not self._spoke:
            health.speechless(self._number)
            reason += f", and nothing ever came: is LIQWATCH_{health.venue.upper()}_WS_URL right?"
        health.error(reason)

    def _show(self, state: VenueState) -> None:
        """Say how this connection is, unless another one still stands while a new one is opened."""
        if state is VenueState.UP or self._current is None or self._current.end.ended:
            self._wiring.health.line(self._number, state)
