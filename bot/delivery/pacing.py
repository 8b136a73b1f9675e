"""Pace sends to what the far end allows: token buckets for a channel and for each of its destinations.

`Lanes` is the arithmetic, without a clock or a loop; `Pacer` is the thin asynchronous shell around it.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from bot.delivery.channel import Rate

KEPT_DESTINATIONS = 20_000
"""How many destinations are remembered; the one unused for longest is forgotten first."""


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate.count` tokens at most, refilled evenly over `rate.period_s` seconds."""

    rate: Rate
    tokens: float = field(init=False)
    at_s: float = 0.0
    shut_until_s: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.rate.count

    def _refill(self, now_s: float) -> None:
        gained = max(0.0, now_s - self.at_s) * self.rate.count / self.rate.period_s
        self.tokens = min(self.rate.count, self.tokens + gained)
        self.at_s = max(self.at_s, now_s)

    def ready_at(self, now_s: float) -> float:
        """Return when the next token is there; `now_s` or earlier means at once."""
        self._refill(now_s)
        missing = max(0.0, 1.0 - self.tokens)
        wait = missing * self.rate.period_s / self.rate.count
        return max(self.shut_until_s, now_s + wait if missing > EPSILON else now_s)

    def take(self, now_s: float) -> None:
        """Use one token up."""
        self._refill(now_s)
        self.tokens -= 1.0

    def shut(self, until_s: float) -> None:
        """Let nothing through before a time: the far end said so."""
        self.shut_until_s = max(self.shut_until_s, until_s)


EPSILON = 1e-9


@dataclass(slots=True, order=True)
class Waiter:
    """One send that waits for its turn: the lowest priority number first, then first come."""

    priority: int
    order: int
    destination: str = field(compare=False)
    grant: Callable[[], None] = field(compare=False)


class Lanes:
    """Decide who may send when. Time comes in as seconds of any steady clock."""

    def __init__(self, overall: tuple[Rate, ...], rates: Callable[[str], tuple[Rate, ...]]) -> None:
        self._overall = [Bucket(rate) for rate in overall]
        self._rates = rates
        self._each: OrderedDict[str, list[Bucket]] = OrderedDict()
        self._used: set[str] = set()
        self._shut_s = 0.0
        self._waiting: list[Waiter] = []

    def _buckets(self, destination: str) -> list[Bucket]:
        buckets = self._each.get(destination)
        if buckets is None:
            buckets = self._each[destination] = [Bucket(rate) for rate in self._rates(destination)]
            if len(self._each) > KEPT_DESTINATIONS:
                self._each.popitem(last=False)
        self._each.move_to_end(destination)
        return buckets

    def ready_at(self, destination: str, now_s: float) -> float:
        """Return when a destination may be sent to, by its own limits and the channel's."""
        return max(self._overall_ready(now_s), self._own_ready(destination, now_s))

    def _overall_ready(self, now_s: float) -> float:
        return max([self._shut_s, now_s, *(b.ready_at(now_s) for b in self._overall)])

    def _own_ready(self, destination: str, now_s: float) -> float:
        return max([now_s, *(b.ready_at(now_s) for b in self._buckets(destination))])

    def add(self, waiter: Waiter) -> None:
        """Line up for a send."""
        self._waiting.append(waiter)
        self._waiting.sort()

    def drop(self, waiter: Waiter) -> None:
        """Leave the line."""
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def grant(self, now_s: float) -> float | None:
        """Let everybody through who may go now; return when to look again, None where nobody waits.

        A send that waits for its own destination holds nobody up behind it.
        """
        again: float | None = None
        for waiter in list(self._waiting):
            ready = self.ready_at(waiter.destination, now_s)
            if ready <= now_s + EPSILON:
                for bucket in (*self._overall, *self._buckets(waiter.destination)):
                    bucket.take(now_s)
                self._used.add(waiter.destination)
                self._waiting.remove(waiter)
                waiter.grant()
            else:
                again = ready if again is None else min(again, ready)
        return again

    def shut(self, destination: str | None, until_s: float) -> None:
        """Obey a Retry-After for one destination, or for the whole channel (None)."""
        if destination is None:
            self._shut_s = max(self._shut_s, until_s)
            return
        buckets = self._buckets(destination)
        if not buckets:
            buckets.append(Bucket(Rate(count=OPEN_COUNT, period_s=1.0)))
        for bucket in buckets:
            bucket.shut(until_s)
        self._used.add(destination)

    def closed(self, now_s: float) -> dict[str, float]:
        """Return the destinations that may not be sent to yet, with the time from which they may."""
        found = {d: self._own_ready(d, now_s) for d in self._used}
        shut = {d: ready for d, ready in found.items() if ready > now_s + EPSILON}
        self._used = set(shut)
        return shut


OPEN_COUNT = 1e9
"""Tokens of a bucket that only ever closes for a Retry-After."""


class Pacer:
    """Hold sends back until their turn, criticals before others."""

    def __init__(
        self,
        overall: tuple[Rate, ...],
        rates: Callable[[str], tuple[Rate, ...]],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lanes = Lanes(overall, rates)
        self._clock_s = clock_s
        self._order = count()
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, destination: str, priority: int) -> None:
        """Wait until a send to `destination` may go."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def grant() -> None:
            if not turn.done():
                turn.set_result(None)

        waiter = Waiter(priority, next(self._order), destination, grant)
        self._lanes.add(waiter)
        self._pump()
        try:
            await turn
        finally:
            self._lanes.drop(waiter)

    def _pump(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = self._clock_s()
        again = self._lanes.grant(now_s)
        if again is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(again - now_s, MIN_WAIT_S), self._pump)

    def obey(self, retry_after_s: float, *, destination: str | None) -> None:
        """Hold back a destination, or the whole channel, for as long as the far end asked."""
        self._lanes.shut(destination, self._clock_s() + retry_after_s)

    def closed(self) -> dict[str, float]:
        """Return the destinations that must wait, with the seconds each still has to."""
        now_s = self._clock_s()
        return {d: ready - now_s for d, ready in self._lanes.closed(now_s).items()}

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


MIN_WAIT_S = 0.001
