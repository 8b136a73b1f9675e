"""Ask for topics on one connection, and hear what is said to that. Waits are seconds."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

from adapters.parsed import Answer
from adapters.rest.verdicts import again
from adapters.stream.dialect import Channel, Op, Request
from adapters.stream.replies import Reply
from adapters.stream.wiring import End, Lost, Pacer, Wiring

ANSWERS = 1000
"""How many answers may wait on a connection; more means that nobody asked for them."""


class Asker:
    """Ask on one connection: `send` sends a message there, `granted` is told of each topic that is had.

    `numbers` are the connection's own, `end` is what becomes of it.
    """

    def __init__(
        self,
        wiring: Wiring,
        end: End,
        numbers: Iterator[int],
        send: Callable[[str], Awaitable[None]],
        granted: Callable[[Op, Channel], None],
    ) -> None:
        self._wiring = wiring
        self._manners = wiring.dialect.manners
        self._end = end
        self._numbers = numbers
        self._send = send
        self._granted = granted
        self._operations = Pacer(self._manners.operations, wiring.clock)
        self._answers: deque[Answer] = deque(maxlen=ANSWERS)
        self._answered = asyncio.Event()

    def heard(self, answers: Iterable[Answer]) -> None:
        """Take in what the venue said to whatever was asked."""
        for answer in answers:
            self._answers.append(answer)
            self._answered.set()

    def over(self) -> None:
        """Let whoever waits for an answer see that the connection has ended."""
        self._answered.set()

    async def ask(self, op: Op, topics: Sequence[str], known: Mapping[str, Channel]) -> dict[str, str]:
        """Ask for topics, in halves where a request is refused as a whole; return what is refused.

        Raise Lost where the connection ends, or nothing is said.
        """
        refused: dict[str, str] = {}
        groups = deque([list(topics)])
        while groups:
            requests = list(self._wiring.dialect.requests(op, groups.popleft(), self._numbers))
            for first in range(0, len(requests), self._manners.ahead):
                for reply in await self._asked(requests[first : first + self._manners.ahead]):
                    refused.update(reply.refused)
                    groups.extend(reply.anew)
                    for topic in reply.granted:
                        self._granted(op, known[topic])
        return refused

    async def _asked(self, requests: Sequence[Request]) -> list[Reply]:
        """Send requests and gather what is said to them; raise Lost where nothing is."""
        manners = self._manners
        self._answers.clear()
        replies = [Reply(request, batches_fail=manners.batches_fail) for request in requests]
        for request in requests:
            await self._operations.take(request.weight, stop=self._end.near)
            if self._end.near.is_set():
                raise Lost(again(self._end.reason or "is about to close the stream"))
            await self._send(request.text)
        if not manners.acks:
            for reply in replies:
                reply.grant(set(reply.request.topics))
        deadline_s = self._wiring.clock.monotonic() + manners.ack_s
        while waiting := [reply for reply in replies if reply.open]:
            answer = await self._answer(deadline_s)
            if answer is not None:
                self._hear(answer, waiting)
            elif all(reply.refused for reply in waiting):
                for reply in waiting:
                    reply.ask_anew()
            else:
                raise Lost(again(f"did not answer a subscription within {manners.ack_s:g} s"))
        return replies

    def _hear(self, answer: Answer, waiting: Sequence[Reply]) -> None:
        """Give an answer to the request that it is about; raise Lost if we are not to ask now."""
        if not answer.ok and answer.code in self._manners.passing:
            raise Lost(again(f"will not be asked now ({answer.code} {answer.text})"))
        if not any(reply.hear(answer) for reply in waiting) and not answer.ok:
            self._wiring.health.error(f"said without being asked: {answer.code} {answer.text}")

    async def _answer(self, deadline_s: float) -> Answer | None:
        """Return the next answer, None when it is too late; raise Lost when the connection has ended."""
        clock = self._wiring.clock
        while not self._answers:
            if self._end.ended:
                raise Lost(again(self._end.reason or "closed the stream"))
            left_s = deadline_s - clock.monotonic()
            if left_s <= 0:
                return None
            self._answered.clear()
            await clock.wait(self._answered, left_s)
        return self._answers.popleft()
