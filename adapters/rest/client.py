"""Send calls to a venue: within the budget, again where that can help, never after a final answer.

Times are ms UTC, waits are seconds.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Self

import aiohttp
from yarl import URL

from adapters.health import Health
from adapters.rest.calls import Call, CallFailed, Site
from adapters.rest.gates import Gate, Gates
from adapters.rest.pages import Page, Piece
from adapters.rest.paging import Pager
from adapters.rest.verdicts import Answered, Outcome, Verdict, again, mistake
from adapters.rest.waiting import Backoff, Clock, SystemClock, pause


class RestClient:
    """Ask one venue, for everybody: one budget, one memory of what it refuses.

    To be opened with `async with`. Every method raises CallFailed where there is no good answer, with the
    venue's verdict, and ValueError for a call that its own limit could never let through.
    """

    BODY = 64 << 20
    """The longest answer that is read, bytes."""
    LISTED = 500
    """The most pages that a list may have."""
    PAGES_S = 900.0
    """How long a page of a range may wait for its turn: nobody looks at a screen meanwhile."""
    SAMPLES = 3
    """How often the venue's time is asked for to measure its clock; the quickest answer counts."""
    SLOWEST_MS = 4_000.0
    """An answer that took longer does not tell the venue's time: it may be wrong by half of that."""

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock | None = None,
        health: Health | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._site = site
        self._clock = clock or SystemClock()
        self._health = health or Health(site.venue, self._clock.monotonic)
        self._backoff = backoff or Backoff()
        self._gates = Gates(site, self._clock, self._health)
        self._worked = False
        self._precise = False
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connections' pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._site.parallel),
            headers=dict(self._site.headers),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def final(self) -> Mapping[str, str]:
        """Return what will not be asked again, and why; "" stands for the whole venue."""
        return self._gates.final

    @property
    def skew_ms(self) -> float:
        """Return the venue's clock less ours, 0 while unknown."""
        return self._health.skew_ms or 0.0

    def now_ms(self) -> int:
        """Return the venue's time as well as it is known."""
        return self._clock.wall_ms() + round(self.skew_ms)

    def forget(self, about: str = "") -> None:
        """Forget a final answer, because a person said that things have changed."""
        self._gates.forget(about)

    async def ask(self, call: Call, *, patience_s: float = 120.0) -> object:
        """Return the decoded answer to a call, asked again for up to `patience_s` where that can help."""
        deadline_s = self._clock.monotonic() + patience_s
        for attempt in range(1, self._site.attempts + 1):
            verdict, decoded = await self._once(call, deadline_s)
            if verdict.outcome is Outcome.GOOD:
                return decoded
            known_s = verdict.retry_after_s
            delay_s = self._backoff.delay_s(attempt) if known_s is None else known_s
            self._gates.learn(call, verdict, delay_s)
            late = self._clock.monotonic() + delay_s > deadline_s
            if verdict.outcome is not Outcome.RETRY or late or attempt == self._site.attempts:
                raise CallFailed(self._site.venue, call, verdict)
            await pause(self._clock, delay_s)
        raise CallFailed(self._site.venue, call, again("was not asked"))

    async def listed(self, call: Call, following: Callable[[object], Call | None]) -> list[object]:
        """Return every page of a list; `following` reads the next page's call out of a decoded answer."""
        answers: list[object] = []
        upcoming: Call | None = call
        asked: list[Call] = []
        while upcoming is not None:
            if upcoming in asked or len(asked) >= self.LISTED:
                raise CallFailed(self._site.venue, call, mistake("lists the same page again and again"))
            asked.append(upcoming)
            answers.append(await self.ask(upcoming))
            upcoming = following(answers[-1])
        return answers

    async def pages(self, page: Page, since_ms: int, until_ms: int) -> AsyncGenerator[Piece]:
        """Yield a range piece by piece, each whole; `since_ms` is included, `until_ms` is not.

        Rows in steps come oldest piece first, with several requests under way at once; rows at times of their
        own come in the venue's order. Where a piece fails CallFailed is raised after those before it; go on
        with `left` of the last one.
        """
        ask = partial(self.ask, patience_s=self.PAGES_S)
        pager = Pager(ask, page, parallel=self._site.parallel)
        async with aclosing(pager.pieces(since_ms, until_ms)) as pieces:
            async for piece in pieces:
                yield piece

    async def measure_skew(self) -> float:
        """Return the venue's clock less ours, ms, asked anew where the venue tells its time."""
        if self._site.time_call is None or self._site.server_ms is None:
            return self.skew_ms
        best_ms = self.SLOWEST_MS
        for _ in range(self.SAMPLES):
            began_s, began_ms = self._clock.monotonic(), self._clock.wall_ms()
            told_ms = self._site.server_ms(await self.ask(self._site.time_call))
            took_ms = (self._clock.monotonic() - began_s) * 1000
            if told_ms is not None and took_ms < best_ms:
                best_ms, self._precise = took_ms, True
                self._health.skew_ms = told_ms - (began_ms + took_ms / 2)
        return self.skew_ms

    async def _once(self, call: Call, deadline_s: float) -> tuple[Verdict, object]:
        """Send a call once its turn has come; return what the answer means, and it."""
        async with self._gates.admitted(call, deadline_s) as place:
            self._gates.check_final(call)
            shut_s = self._gates.shut_s(place.gate)
            if shut_s > 0:  # it was shut while this call waited for its place
                return again("asked to slow down", after_s=shut_s), None
            place.sent = True
            began_ms = self._clock.wall_ms()
            try:
                answered = await self._send(call)
            except TimeoutError:
                return again(f"did not answer within {call.timeout_s:g} s"), None
            except (aiohttp.ClientError, OSError) as error:
                return again(f"cannot be reached ({type(error).__name__})"), None
        self._date(answered, began_ms)
        self._told(place.gate, answered)
        verdict = self._site.judge(answered)
        if verdict.outcome is Outcome.GOOD and answered.decoded is None:
            return again("answered with something that is not JSON"), None
        self._worked = self._worked or verdict.outcome is Outcome.GOOD
        return verdict, answered.decoded

    async def _send(self, call: Call) -> Answered:
        """Send a call and read its answer; raise what aiohttp raises."""
        if self._session is None:
            raise ValueError("the client is not open")
        url = URL(self._site.base_url + call.path, encoded=True).with_query(call.query)
        timeout = aiohttp.ClientTimeout(total=call.timeout_s, connect=self._site.connect_s)
        body = None if call.body is None else dict(call.body)
        async with self._session.request(
            call.method,
            url,
            json=body,
            headers=dict(call.headers),
            timeout=timeout,
            allow_redirects=False,
        ) as response:
            raw = bytearray()
            async for chunk in response.content.iter_chunked(1 << 16):
                raw += chunk
                if len(raw) > self.BODY:
                    raise aiohttp.ClientPayloadError("the answer is too long")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answered(
                status=response.status,
                headers=headers,
                body=bytes(raw),
                decoded=_decoded(bytes(raw)),
                worked_before=self._worked,
            )

    def _told(self, gate: Gate, answered: Answered) -> None:
        """Correct the budget by what the venue says is used."""
        if gate.budget is None:
            return
        limit, now_s = gate.budget.limit, self._clock.monotonic()
        used, left = _whole(answered, limit.used_header), _whole(answered, limit.left_header)
        if used is None and left is not None:
            used = limit.budget - left
        if used is not None:
            gate.budget.told(used, now_s, self.now_ms() / 1000 % limit.window_s)

    def _date(self, answered: Answered, began_ms: int) -> None:
        """Take the clock's skew from the Date header, unless the venue's time was asked for."""
        if self._precise:
            return
        try:
            told_ms = parsedate_to_datetime(answered.headers.get("date", "")).timestamp() * 1000
        except ValueError:
            return
        ended_ms = self._clock.wall_ms()
        if ended_ms - began_ms < self.SLOWEST_MS:
            self._health.skew_ms = told_ms + 500 - (began_ms + ended_ms) / 2


def _decoded(raw: bytes) -> object:
    """Return the value of a JSON text, None for anything else."""
    try:
        value: object = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value


def _whole(answered: Answered, header: str) -> int | None:
    """Return a header that is a whole number, None where it is not."""
    text = answered.headers.get(header, "") if header else ""
    return int(text) if text.isascii() and text.isdigit() else None
