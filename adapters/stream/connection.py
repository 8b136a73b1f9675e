"""Be one socket from its opening to its end. Times are ms UTC, waits are seconds."""

import asyncio
import math
from collections.abc import Mapping
from contextlib import suppress
from itertools import count

import aiohttp

from adapters.rest.verdicts import Answered, Outcome, again
from adapters.stream.asking import Asker
from adapters.stream.dialect import Channel, Op
from adapters.stream.muted import Muted, Rhythms
from adapters.stream.queue import Outage
from adapters.stream.silence import Silence
from adapters.stream.wiring import End, Lost, Pacer, Wiring

SEND_S = 5.0
"""How long a message may take to be sent."""
CLOSE_S = 1.0
"""How long a venue may take to say good-bye."""
FRAME = 16 << 20
"""The longest frame that is taken, bytes."""


class Connection:
    """Be one socket from its opening to its end.

    `wake` is set when it has ended or should be replaced, as `end` says, or when topics are to be asked for
    anew. `rhythms` are those of all connections after one another. Whoever opens it must close it.
    """

    def __init__(self, wiring: Wiring, url: str, wake: asyncio.Event, rhythms: Rhythms) -> None:
        self.topics: dict[str, Channel] = {}
        self.end = End()
        self.opened_s = wiring.clock.monotonic()
        self._wiring = wiring
        self._manners = wiring.dialect.manners
        self._url = url
        self._wake = wake
        self._parse = wiring.dialect.parser()
        self._numbers = count(1)
        self._messages = Pacer(self._manners.messages, wiring.clock)
        self._asker = Asker(wiring, self.end, self._numbers, self._send, self._granted)
        self._silence = Silence(self._manners, wiring.clock, self.topics, rhythms.patience)
        self._muted = Muted(wiring, self.topics, rhythms)
        self._nudge = asyncio.Event()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def heard_ms(self) -> int:
        """Return until when it was heard (ms UTC, ours): anything at all, or the feed that stalled."""
        return self._silence.heard_ms

    @property
    def stalled(self) -> bool:
        """Say whether it ended because something fell silent."""
        return self._silence.stalled

    @property
    def said(self) -> bool:
        """Say whether anything that was asked for ever came; `wake` is set when the first did."""
        return self._silence.said

    async def open(self, session: aiohttp.ClientSession) -> None:
        """Connect; raise Lost with what the venue's refusal means."""
        try:
            async with asyncio.timeout(self._manners.connect_s):
                self._socket = await session.ws_connect(
                    self._url, timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S), max_msg_size=FRAME
                )
        except aiohttp.WSServerHandshakeError as error:
            headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            answered = Answered(status=error.status, headers=headers)
            verdict = self._wiring.dialect.judge(answered)
            good = verdict.outcome is Outcome.GOOD
            raise Lost(again("did not open a stream") if good else verdict) from None
        except TimeoutError:
            raise Lost(again(f"did not open a stream within {self._manners.connect_s:g} s")) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Lost(again(f"cannot be reached ({type(error).__name__})")) from None
        self.opened_s = self._wiring.clock.monotonic()
        self._silence.begin()
        self._tasks = [asyncio.create_task(self._read(self._socket)), asyncio.create_task(self._keep())]
        for task in self._tasks:
            task.add_done_callback(self._over)

    def differs(self, wanted: Mapping[str, Channel]) -> bool:
        """Say whether there is anything to ask for."""
        return bool(self._muted.anew) or self.topics.keys() != wanted.keys()

    async def sync(self, wanted: Mapping[str, Channel]) -> dict[str, str]:
        """Make the topics those that are wanted; return what is refused, and why. Raise Lost at the end.

        Those that are to be asked for anew are let go of first.
        """
        anew, self._muted.anew = self._muted.anew, set()
        gone = [topic for topic in self.topics if topic not in wanted or topic in anew]
        if gone:
            for topic in await self._asker.ask(Op.UNSUBSCRIBE, gone, self.topics):
                self.topics.pop(topic, None)  # whatever is said to that, they are not had any more
        new = [topic for topic in wanted if topic not in self.topics]
        refused = await self._asker.ask(Op.SUBSCRIBE, new, wanted) if new else {}
        return refused | {t: "was not asked for" for t in new if t not in self.topics and t not in refused}

    async def close(self) -> None:
        """Close the socket and end what runs here; raise what crashed, if anything did."""
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * CLOSE_S):
                if self._socket is not None:
                    await self._socket.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _leave(self) -> None:
        """Say that another connection should take over."""
        self.end.leaving = True
        self.end.near.set()
        self._wake.set()

    def _over(self, _: "asyncio.Task[None]") -> None:
        self.end.ended = True
        self.end.near.set()
        self._wake.set()
        self._asker.over()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take in frames until the socket ends."""
        while True:
            message = await socket.receive()
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self.end.blame(f"the stream was closed ({_closing(socket, message)})")
                return
            await self._frame(message.data)

    async def _frame(self, data: str | bytes) -> None:
        wiring = self._wiring
        now_ms = wiring.clock.wall_ms()
        now_s = self._silence.frame(now_ms, given_up=bool(self.end.reason))
        parsed = self._parse(data, now_ms)
        wiring.health.frame()
        if parsed.dropped:
            wiring.health.tally.dropped.update({str(reason): n for reason, n in parsed.dropped.items()})
        self._asker.heard(parsed.answers)
        if parsed.closing:
            self._leave()
        if parsed.events:
            if not self.said:
                self._wake.set()
            self._silence.hold(parsed.events)
            self._muted.heard(parsed.events, now_s)
            await wiring.take(parsed)
            if self._muted.back:
                await self._tell_back(now_ms)
            if self._silence.free():
                self._muted.excuse()

    async def _tell_back(self, now_ms: int) -> None:
        """Tell for how long topics that are heard again were not."""
        back, self._muted.back = self._muted.back, []
        for topic, since_ms in back:
            venue = self._wiring.dialect.venue
            outage = Outage(venue=venue, since_ms=since_ms, until_ms=now_ms, topics=(topic,))
            await self._wiring.tell(outage)

    async def _keep(self) -> None:
        """Send heartbeats, notice silence, and say when the connection has lived long enough."""
        clock, manners = self._wiring.clock, self._manners
        beat_s = clock.monotonic()
        while True:
            now_s = clock.monotonic()
            if silent := self._silence.found(now_s):
                self.end.reason = silent
                return
            if manners.heartbeat_s is not None and now_s >= beat_s + manners.heartbeat_s:
                beat_s = now_s
                try:
                    await self._send(self._wiring.dialect.heartbeat(next(self._numbers)))
                except Lost as lost:
                    self.end.reason = str(lost)
                    return
            if not self.end.leaving and now_s >= self._old_s():
                self._leave()
            if not self.end.leaving and now_s >= self._muted.due_s:
                self._look(now_s)
            self._nudge.clear()
            await clock.wait(self._nudge, max(self._due_s(beat_s) - clock.monotonic(), 0.001))

    def _look(self, now_s: float) -> None:
        """See whether topics are silent, and let what helps be done."""
        self._muted.look(now_s)
        if self._muted.renew:
            self._leave()
        elif self._muted.anew:
            self._wake.set()

    def _old_s(self) -> float:
        """Return when it has lived long enough, by the machine's clock."""
        life_s = self._manners.life_s
        return math.inf if life_s is None else self.opened_s + life_s

    def _due_s(self, beat_s: float) -> float:
        """Return when something has to be looked at next."""
        every_s = self._manners.heartbeat_s
        beats_s = math.inf if every_s is None else beat_s + every_s
        looks_s = math.inf if self.end.leaving else min(self._old_s(), self._muted.due_s)
        return min(self._silence.due_s(), beats_s, looks_s)

    async def _send(self, text: str) -> None:
        """Send a message when the venue allows it; raise Lost if it cannot be sent."""
        if self._socket is None:
            raise Lost(again("was not connected"))
        await self._messages.take()
        try:
            async with asyncio.timeout(SEND_S):
                await self._socket.send_str(text)
        except TimeoutError:
            raise Lost(again(f"took nothing for {SEND_S:g} s")) from None
        except (aiohttp.ClientError, OSError):
            raise Lost(again("closed the stream")) from None

    def _granted(self, op: Op, channel: Channel) -> None:
        if op is Op.UNSUBSCRIBE:
            self.topics.pop(channel.topic, None)
            self._silence.forget(channel.feed)
            self._muted.forget(channel)
            return
        self.topics[channel.topic] = channel
        self._muted.expect(channel)
        if self._silence.expect(channel.feed):
            self._nudge.set()
        self._wiring.health.accept(channel.topic)


def _closing(socket: aiohttp.ClientWebSocketResponse, message: aiohttp.WSMessage) -> str:
    """Return the code with which a socket was closed and the venue's words, if there are any."""
    words = message.extra if isinstance(message.extra, str) else ""
    code = socket.close_code
    return f"{code} {words}".strip() if code is not None else "without a word"
