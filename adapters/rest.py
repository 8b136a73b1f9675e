"""Ask a venue's REST interface: what a request is, how a time range is paged, what an answer means.

A venue describes its calls with the frozen values below and judges its answers; it never sends anything.
`RestClient` does, once for all venues: within the budget, again where that can help, never after a final
answer. Times are ms UTC, waits are seconds.
"""

import asyncio
import json
import math
import random
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Protocol, Self

import aiohttp
from yarl import URL

from adapters.health import Health
from adapters.parsed import Dropped, Parsed
from engine.errors import SourceError
from engine.model import VenueEvent

RETRY_HEADER = "retry-after"
BAN_S = 120.0
"""How long to keep away after a 418 that does not say how long: the shortest ban that venues give."""
REFUSED_S = 600.0
"""How long to keep away after a 403: a ban for asking too often is lifted after ten minutes."""


class Order(StrEnum):
    """Which rows an answer holds where a range has more than a page of them."""

    OLDEST_FIRST = "oldest_first"  # the range's oldest rows: the next page is asked for from the last row on
    NEWEST_FIRST = "newest_first"  # its newest ones: the next page is asked for up to the oldest row


class Scope(StrEnum):
    """How far a verdict reaches."""

    CALL = "call"  # this call, and for a final one whatever else is about the same thing
    LIMIT = "limit"  # every call that counts against the same limit
    VENUE = "venue"  # every call


class Outcome(StrEnum):
    """What an answer means."""

    GOOD = "good"
    RETRY = "retry"
    FINAL = "final"  # it will never be answered otherwise: a geo block, a symbol that is gone
    MISTAKE = "mistake"  # the request was wrong: asking again changes nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much a venue lets be asked: `budget` of weight in any `window_s` seconds.

    `fixed` says that the venue counts in windows that begin at multiples of `window_s` of its clock (a fixed
    minute), else that it looks back from each request. `used_header` and `left_header` name the headers (in
    lower case) that say what is used up or left, "" where there is none.
    """

    name: str
    budget: int
    window_s: float
    fixed: bool = False
    used_header: str = ""
    left_header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, not sent yet.

    `path` begins with a slash; `query` holds plain text, not percent-encoded; `body` is sent as JSON.
    `weight` is the most that the answer may cost against the limit of the name `limit`; `per` names whose
    share of it is meant where a venue counts for each instrument, else "". `about` is what a final answer
    would cover, such as the venue's name of a symbol; "" for the path alone.
    """

    path: str
    method: str = "GET"
    query: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, object] | None = None
    weight: int = 1
    limit: str = ""
    per: str = ""
    about: str = ""
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """How a time range is paged.

    `ask(first_ms, last_ms)` returns the call for the rows with `first_ms <= ts <= last_ms`, both inclusive;
    `read` turns the decoded answer into events, each with the `ts` of its row, the forming candle marked or
    left out. `size` is how many rows an answer holds at most. Rows are `step_ms` apart, 0 where they come at
    times of their own; `step_ms` also says where rows stand: at its multiples, shifted by `offset_ms`.
    """

    size: int
    order: Order
    ask: Callable[[int, int], Call]
    read: Callable[[object], Parsed]
    step_ms: int = 0
    offset_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a venue answered: names of headers in lower case, the body as it came and decoded.

    `decoded` is None where the body is not JSON. `worked_before` says whether the venue has ever answered
    well to this client, which tells a ban from a block where both look the same.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    decoded: object = None
    worked_before: bool = False

    @property
    def retry_after_s(self) -> float | None:
        """Return the seconds in Retry-After, None where it is absent or not a number."""
        try:
            seconds = float(self.headers.get(RETRY_HEADER, ""))
        except ValueError:
            return None
        return seconds if 0 <= seconds < float("inf") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer means: `reason` is a short sentence that users are shown.

    `retry_after_s` is when it may be asked again, None for whoever asks to choose.
    """

    outcome: Outcome = Outcome.GOOD
    scope: Scope = Scope.CALL
    retry_after_s: float | None = None
    reason: str = ""


GOOD = Verdict()
Judge = Callable[[Answered], Verdict]
"""Say what an answer means; a venue looks at its own body first and leaves the rest to `by_status`."""


def again(reason: str, *, after_s: float | None = None, scope: Scope = Scope.CALL) -> Verdict:
    """Return that it may be asked again, after seconds where the venue says how many."""
    return Verdict(outcome=Outcome.RETRY, scope=scope, retry_after_s=after_s, reason=reason)


def never(reason: str, *, scope: Scope = Scope.CALL) -> Verdict:
    """Return that it must not be asked again, and why."""
    return Verdict(outcome=Outcome.FINAL, scope=scope, reason=reason)


def mistake(reason: str) -> Verdict:
    """Return that the request itself was wrong, and how."""
    return Verdict(outcome=Outcome.MISTAKE, reason=reason)


def by_status(answered: Answered) -> Verdict:
    """Judge an answer by its HTTP status alone, as most venues mean it."""
    status, after_s = answered.status, answered.retry_after_s
    if 200 <= status < 300:
        return GOOD
    if status == 451:
        return never("does not serve this country (HTTP 451)", scope=Scope.VENUE)
    if status in (404, 410):
        return never(f"does not offer this any more (HTTP {status})")
    if status in (403, 418, 429):
        shut_s = {403: REFUSED_S, 418: BAN_S}.get(status)
        return again(f"asks to slow down (HTTP {status})", after_s=after_s or shut_s, scope=Scope.VENUE)
    if status in (408, 425) or status >= 500:
        return again(f"has trouble (HTTP {status})", after_s=after_s)
    return mistake(f"did not understand the request (HTTP {status})")


class CallFailed(SourceError):
    """Say that a call was not answered well; `verdict` says whether and when it may be asked again."""

    def __init__(self, venue: str, call: Call, verdict: Verdict) -> None:
        super().__init__(f"{venue} {verdict.reason or 'did not answer'}.")
        self.venue = venue
        self.call = call
        self.verdict = verdict

    @property
    def final(self) -> bool:
        """Say whether asking again can never help."""
        return self.verdict.outcome in (Outcome.FINAL, Outcome.MISTAKE)


class Clock(Protocol):
    """Be the machine's clock, or a test's."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""

    def wall_ms(self) -> int:
        """Return the time of day, ms UTC."""

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Return when the event is set or the time is over, None for never."""


class SystemClock:
    """Be the machine's clock."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return time.monotonic()

    def wall_ms(self) -> int:
        """Return the time of day, ms UTC."""
        return time.time_ns() // 1_000_000

    async def wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        """Return when the event is set or the time is over, None for never."""
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            return


async def pause(clock: Clock, seconds: float) -> None:
    """Let seconds of a clock pass."""
    await clock.wait(asyncio.Event(), seconds)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Wait longer after each failure, by exponential steps with full jitter: anything from 0 to the step."""

    first_s: float = 1.0
    longest_s: float = 60.0

    def delay_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row, 0 after none."""
        if failures <= 0:
            return 0.0
        step_s = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 60))
        return random.uniform(0, step_s)  # noqa: S311 - jitter, not a secret


@dataclass(slots=True, eq=False)
class Spent:
    """Weight that was taken: when, and until when it counts (for ever while its answer is awaited)."""

    weight: int
    sent_s: float
    until_s: float = math.inf


class Budget:
    """Count the weight of one limit so that no window of the venue ever holds more than it allows.

    Weight counts from before it is sent until a window after its answer. The venue sees each request between
    the two, so whatever its windows begin with, however long the way was, it counts no more than this does.
    What the venue says was used beyond our own requests (by others at our address) is added.
    """

    MARGIN_S = 0.001
    FIXED_MARGIN_S = 1.0

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._spent: deque[Spent] = deque()
        self._others = Spent(0, -math.inf, -math.inf)

    def used(self, now_s: float) -> int:
        """Return the weight that counts now."""
        if self._spent and any(each.until_s <= now_s for each in self._spent):
            self._spent = deque(each for each in self._spent if each.until_s > now_s)
        others = self._others.weight if self._others.until_s > now_s else 0
        return others + sum(each.weight for each in self._spent)

    def delay_s(self, weight: int, now_s: float) -> float:
        """Return the seconds until a weight can be taken: 0 for now, infinite while answers are awaited."""
        over = self.used(now_s) + weight - self.limit.budget
        if over <= 0:
            return 0.0
        for each in sorted((*self._spent, self._others), key=lambda spent: spent.until_s):
            over -= each.weight if each.until_s > now_s else 0
            if over <= 0:
                return each.until_s - now_s
        return math.inf

    def take(self, weight: int, now_s: float) -> Spent:
        """Take a weight; raise ValueError unless it can be taken now."""
        if self.used(now_s) + weight > self.limit.budget:
            raise ValueError(f"{self.limit.name}: {weight} is more than there is left")
        spent = Spent(weight, now_s)
        self._spent.append(spent)
        return spent

    def done(self, spent: Spent, now_s: float) -> None:
        """Say that an answer came, or is not waited for any more."""
        spent.until_s = now_s + self.limit.window_s + self.MARGIN_S

    def unsent(self, spent: Spent) -> None:
        """Give a weight back that was never sent."""
        spent.until_s = -math.inf

    def told(self, used: int, now_s: float, into_s: float) -> None:
        """Take in what the venue says is used; `into_s` is how far into its fixed window it is.

        The venue is believed where it counts more than we do, and never where it counts less.
        """
        fixed = self.limit.fixed
        began_s = now_s - into_s if fixed else now_s - self.limit.window_s
        ours = sum(e.weight for e in self._spent if e.until_s > now_s and (not fixed or e.sent_s >= began_s))
        known = self._others.weight if self._others.until_s > now_s else 0
        margin_s = self.FIXED_MARGIN_S if fixed else self.MARGIN_S
        until_s = (
            began_s + self.limit.window_s + margin_s if fixed else now_s + self.limit.window_s + margin_s
        )
        if used - ours >= max(known, 1):
            self._others = Spent(used - ours, now_s, until_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the client must know of a venue's REST interface.

    `parallel` requests are under way at most. `time_call` asks for the venue's time and `server_ms` reads it
    out of the decoded answer; where there is none the Date header serves, to half a second.
    """

    venue: str
    base_url: str
    limits: tuple[Limit, ...]
    judge: Judge = by_status
    parallel: int = 4
    time_call: Call | None = None
    server_ms: Callable[[object], int | None] | None = None
    headers: tuple[tuple[str, str], ...] = ()
    attempts: int = 5
    connect_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a time range, whole: its events by time, and what the venue did not have.

    It reaches from `since_ms` up to `until_ms`, the latter not included. `missing` names the first and last
    `ts` of each hole in rows that come in steps, asked for twice. `strays` counts rows that were not asked
    for, `conflicts` those that came twice and not alike (the later stands). `left` is what of the range is
    still to come: pages go on there, also tomorrow; None at the end.
    """

    since_ms: int
    until_ms: int
    events: tuple[VenueEvent, ...]
    missing: tuple[tuple[int, int], ...] = ()
    strays: int = 0
    conflicts: int = 0
    dropped: Mapping[Dropped, int] = field(default_factory=dict)
    left: tuple[int, int] | None = None


@dataclass(slots=True)
class _Gate:
    """One limit's budget and who waits for it: first come, first served."""

    budget: Budget | None
    shut_until_s: float = -math.inf
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def idle(self) -> bool:
        """Say whether nobody waits here."""
        return not self.turn.locked()


@dataclass(slots=True)
class _Place:
    """A call's place among those under way, and whether it was sent from there."""

    gate: _Gate
    sent: bool = False


class _Rows:
    """Gather the rows of a range from answers that may repeat themselves, stray or leave some out."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.found: dict[int, VenueEvent] = {}
        self.strays = 0
        self.conflicts = 0
        self.dropped: dict[Dropped, int] = {}

    def add(self, decoded: object, first_ms: int, last_ms: int) -> list[int]:
        """Take an answer in; return the times of its rows within what was asked for."""
        parsed = self._page.read(decoded)
        for reason, count in parsed.dropped.items():
            self.dropped[reason] = self.dropped.get(reason, 0) + count
        times: list[int] = []
        for event in parsed.events:
            if not first_ms <= event.ts <= last_ms or not self._in_step(event.ts):
                self.strays += 1
                continue
            known = self.found.get(event.ts)
            self.conflicts += known is not None and known != event
            self.found[event.ts] = event
            times.append(event.ts)
        return times

    def _in_step(self, ts_ms: int) -> bool:
        page = self._page
        return not page.step_ms or (ts_ms - page.offset_ms) % page.step_ms == 0

    def holes(self, first_ms: int, last_ms: int) -> tuple[tuple[int, int], ...]:
        """Return the first and last time of each stretch without rows, for rows that come in steps."""
        step_ms = self._page.step_ms
        holes: list[tuple[int, int]] = []
        for ts_ms in range(first_ms, last_ms + 1, step_ms):
            if ts_ms in self.found:
                continue
            if holes and holes[-1][1] == ts_ms - step_ms:
                holes[-1] = (holes[-1][0], ts_ms)
            else:
                holes.append((ts_ms, ts_ms))
        return tuple(holes)

    def piece(self, since_ms: int, until_ms: int, left: tuple[int, int] | None) -> Piece:
        """Return what was gathered, by time."""
        step_ms = self._page.step_ms
        return Piece(
            since_ms=since_ms,
            until_ms=until_ms,
            events=tuple(self.found[ts_ms] for ts_ms in sorted(self.found)),
            missing=self.holes(since_ms, until_ms - 1) if step_ms else (),
            strays=self.strays,
            conflicts=self.conflicts,
            dropped=self.dropped,
            left=left,
        )


class RestClient:
    """Ask one venue, for everybody: one budget, one memory of what it refuses.

    To be opened with `async with`. Every method raises CallFailed where there is no good answer, with the
    venue's verdict, and ValueError for a call that its own limit could never let through.
    """

    WAITING = 2000
    """How many calls may wait at a time; more are turned away."""
    GATES = 4096
    """How many limits of single instruments are remembered."""
    FINAL = 4096
    """How many final answers are remembered; the oldest is forgotten first."""
    BODY = 64 << 20
    """The longest answer that is read, bytes."""
    LISTED = 500
    """The most pages that a list may have."""
    PAGES_S = 900.0
    """How long a page of a range may wait for its turn: nobody looks at a screen meanwhile."""
    SAMPLES = 3
    """How often the venue's time is asked for to measure its clock; the quickest answer counts."""

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock | None = None,
        health: Health | None = None,
        backoff: Backoff = Backoff(),
    ) -> None:
        self._site = site
        self._clock = clock or SystemClock()
        self._health = health or Health(site.venue, self._clock.monotonic)
        self._backoff = backoff
        self._limits = {limit.name: limit for limit in site.limits}
        self._gates: OrderedDict[tuple[str, str], _Gate] = OrderedDict()
        self._final: OrderedDict[str, Verdict] = OrderedDict()
        self._slots = asyncio.Semaphore(site.parallel)
        self._shut_until_s = -math.inf
        self._waiting = 0
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
        return {about: verdict.reason for about, verdict in self._final.items()}

    @property
    def skew_ms(self) -> float:
        """Return the venue's clock less ours, 0 while unknown."""
        return self._health.skew_ms or 0.0

    def now_ms(self) -> int:
        """Return the venue's time as well as it is known."""
        return self._clock.wall_ms() + round(self.skew_ms)

    def forget(self, about: str = "") -> None:
        """Forget a final answer, because a person said that things have changed."""
        self._final.pop(about, None)
        if not about:
            self._health.end("")

    async def ask(self, call: Call, *, patience_s: float = 120.0) -> object:
        """Return the decoded answer to a call, asked again for up to `patience_s` where that can help."""
        deadline_s = self._clock.monotonic() + patience_s
        for attempt in range(1, self._site.attempts + 1):
            verdict, decoded = await self._once(call, deadline_s)
            if verdict.outcome is Outcome.GOOD:
                return decoded
            known_s = verdict.retry_after_s
            delay_s = self._backoff.delay_s(attempt) if known_s is None else known_s
            self._learn(call, verdict, delay_s)
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
        walk = self._stepped if page.step_ms else self._walked
        async with aclosing(walk(page, since_ms, until_ms)) as pieces:
            async for piece in pieces:
                yield piece

    async def measure_skew(self) -> float:
        """Return the venue's clock less ours, ms, asked anew where the venue tells its time."""
        if self._site.time_call is None or self._site.server_ms is None:
            return self.skew_ms
        best_ms = math.inf
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
        async with self._admitted(call, deadline_s) as place:
            self._check_final(call)
            shut_s = self._shut_s(place.gate)
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

    @asynccontextmanager
    async def _admitted(self, call: Call, deadline_s: float) -> AsyncIterator[_Place]:
        """Hold a place and the weight of a call while it is under way."""
        if self._waiting >= self.WAITING:
            raise CallFailed(self._site.venue, call, again("is asked for too much at once"))
        gate = self._gate(call)
        self._waiting += 1
        try:
            async with gate.turn:
                spent = await self._taken(call, gate, deadline_s)
        finally:
            self._waiting -= 1
        place = _Place(gate)
        try:
            async with self._slots:
                yield place
        finally:
            if gate.budget is not None and spent is not None:
                if place.sent:
                    gate.budget.done(spent, self._clock.monotonic())
                else:
                    gate.budget.unsent(spent)
            gate.freed.set()

    def _shut_s(self, gate: _Gate) -> float:
        """Return for how many seconds more the venue asked not to be asked; 0 or less if it did not."""
        return max(self._shut_until_s, gate.shut_until_s) - self._clock.monotonic()

    async def _taken(self, call: Call, gate: _Gate, deadline_s: float) -> Spent | None:
        """Wait until a call may be sent and take its weight; raise CallFailed if that would be too late."""
        while True:
            self._check_final(call)
            now_s = self._clock.monotonic()
            free_s = gate.budget.delay_s(call.weight, now_s) if gate.budget else 0.0
            delay_s = max(self._shut_s(gate), free_s)
            if delay_s <= 0:
                return gate.budget.take(call.weight, now_s) if gate.budget else None
            if now_s + delay_s > deadline_s and (math.isfinite(delay_s) or now_s >= deadline_s):
                raise CallFailed(self._site.venue, call, again("must not be asked yet", after_s=delay_s))
            gate.freed.clear()
            await self._clock.wait(gate.freed, min(delay_s, deadline_s - now_s))

    def _gate(self, call: Call) -> _Gate:
        """Return the gate of a call; raise ValueError for a limit or a weight that cannot be."""
        limit = self._limits.get(call.limit)
        if (limit is None and call.limit) or (limit is not None and call.weight > limit.budget):
            raise ValueError(f"{call.path}: {call.weight} of the limit {call.limit!r} can never be had")
        key = (call.limit, call.per)
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = _Gate(Budget(limit) if limit else None)
            self._tidy()
        self._gates.move_to_end(key)
        return gate

    def _tidy(self) -> None:
        """Forget the gates unused for longest, where nothing counts any more."""
        now_s = self._clock.monotonic()
        for key in list(self._gates)[: max(0, len(self._gates) - self.GATES)]:
            gate = self._gates[key]
            quiet = gate.budget is None or gate.budget.used(now_s) == 0
            if quiet and gate.idle and gate.shut_until_s <= now_s:
                del self._gates[key]

    async def _send(self, call: Call) -> Answered:
        """Send a call and read its answer; raise what aiohttp raises."""
        if self._session is None:
            raise ValueError("the client is not open")
        url = URL(self._site.base_url + call.path, encoded=True).with_query(call.query)
        timeout = aiohttp.ClientTimeout(total=call.timeout_s, connect=self._site.connect_s)
        body = None if call.body is None else dict(call.body)
        async with self._session.request(
            call.method, url, json=body, timeout=timeout, allow_redirects=False
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

    def _told(self, gate: _Gate, answered: Answered) -> None:
        """Correct the budget by what the venue says is used."""
        if gate.budget is None:
            return
        limit, now_s = gate.budget.limit, self._clock.monotonic()
        used, left = _whole(answered, limit.used_header), _whole(answered, limit.left_header)
        if used is None and left is not None:
            used = limit.budget - left
        if used is not None:
            gate.budget.told(used, now_s, self.now_ms() / 1000 % limit.window_s)
        self._health.limit(limit.name, gate.budget.used(now_s), limit.budget)

    def _learn(self, call: Call, verdict: Verdict, delay_s: float) -> None:
        """Remember what an answer means for other calls; `delay_s` is how long this one is put off."""
        self._health.error(verdict.reason)
        if verdict.outcome is Outcome.FINAL:
            about = "" if verdict.scope is Scope.VENUE else call.about or call.path
            self._final[about] = verdict
            if not about:
                self._health.end(verdict.reason)
            if len(self._final) > self.FINAL:
                self._final.popitem(last=False)
        if verdict.outcome is Outcome.RETRY:
            until_s = self._clock.monotonic() + delay_s
            gate = self._gate(call)
            if verdict.scope is Scope.VENUE:
                self._shut_until_s = max(self._shut_until_s, until_s)
            elif verdict.scope is Scope.LIMIT:
                gate.shut_until_s = max(gate.shut_until_s, until_s)

    def _check_final(self, call: Call) -> None:
        """Raise CallFailed if a final answer covers a call."""
        for about in ("", call.about, call.path):
            verdict = self._final.get(about)
            if verdict is not None:
                raise CallFailed(self._site.venue, call, verdict)

    def _date(self, answered: Answered, began_ms: int) -> None:
        """Take the clock's skew from the Date header, unless the venue's time was asked for."""
        if self._precise:
            return
        try:
            told_ms = parsedate_to_datetime(answered.headers.get("date", "")).timestamp() * 1000
        except ValueError:
            return
        self._health.skew_ms = told_ms + 500 - (began_ms + self._clock.wall_ms()) / 2

    async def _stepped(self, page: Page, since_ms: int, until_ms: int) -> AsyncGenerator[Piece]:
        """Yield pieces of rows in steps, oldest first, some of them asked for ahead."""
        under_way: deque[asyncio.Task[Piece]] = deque()
        spans = _windows(page, since_ms, until_ms)
        try:
            while True:
                while len(under_way) < self._site.parallel and (span := next(spans, None)) is not None:
                    left = (span[1] + page.step_ms, until_ms) if span[1] + page.step_ms < until_ms else None
                    under_way.append(asyncio.create_task(self._window(page, *span, left=left)))
                if not under_way:
                    return
                yield await under_way[0]
                under_way.popleft()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _window(
        self, page: Page, first_ms: int, last_ms: int, *, left: tuple[int, int] | None
    ) -> Piece:
        """Return the rows of one window; what is missing is asked for once more."""
        rows = _Rows(page)
        await self._fill(rows, page, first_ms, last_ms)
        if holes := rows.holes(first_ms, last_ms):
            await self._fill(rows, page, holes[0][0], holes[-1][1])
        return rows.piece(first_ms, last_ms + page.step_ms, left)

    async def _fill(self, rows: _Rows, page: Page, first_ms: int, last_ms: int) -> None:
        """Ask until a window is covered or nothing more comes: a venue may give less than a page."""
        while first_ms <= last_ms:
            decoded = await self.ask(page.ask(first_ms, last_ms), patience_s=self.PAGES_S)
            times = rows.add(decoded, first_ms, last_ms)
            if not times:
                return
            if page.order is Order.OLDEST_FIRST:
                first_ms = max(times) + page.step_ms
            else:
                last_ms = min(times) - page.step_ms

    async def _walked(self, page: Page, since_ms: int, until_ms: int) -> AsyncGenerator[Piece]:
        """Yield pieces of rows at times of their own, until an answer has none."""
        while since_ms < until_ms:
            rows = _Rows(page)
            decoded = await self.ask(page.ask(since_ms, until_ms - 1), patience_s=self.PAGES_S)
            times = rows.add(decoded, since_ms, until_ms - 1)
            if not times:
                yield rows.piece(since_ms, until_ms, None)
                return
            if page.order is Order.OLDEST_FIRST:
                edge_ms = max(times) + 1
                left = (edge_ms, until_ms) if edge_ms < until_ms else None
                yield rows.piece(since_ms, edge_ms, left)
                since_ms = edge_ms
            else:
                edge_ms = min(times)
                left = (since_ms, edge_ms) if since_ms < edge_ms else None
                yield rows.piece(edge_ms, until_ms, left)
                until_ms = edge_ms


def _windows(page: Page, since_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
    """Return the first and last time of each page of rows in steps."""
    step_ms = page.step_ms
    first_ms = -(-(since_ms - page.offset_ms) // step_ms) * step_ms + page.offset_ms
    end_ms = (until_ms - 1 - page.offset_ms) // step_ms * step_ms + page.offset_ms
    while first_ms <= end_ms:
        last_ms = min(end_ms, first_ms + (page.size - 1) * step_ms)
        yield first_ms, last_ms
        first_ms = last_ms + step_ms


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
