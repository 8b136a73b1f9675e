"""Pace sends to what the far end allows: token buckets for a channel and for each of its destinations.

`Lanes` is the arithmetic, without a clock or a loop; `Pacer` is the thin asynchronous shell around it.
"""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from bot.delivery.channel import Rate

KEPT_DESTINATIONS = 20_000
"""How many destinations are remembered; the one unused for longest is forgotten first."""


EPSILON = 1e-9


class Bucket:
    """The tokens of one limit: `rate.count` of them, each back `rate.period_s` seconds after it was used.

    So no stretch of that length ever sees more sends than the limit says. A bucket that refilled evenly
    would let twice as many through at first, and the far end would refuse half of them.
    """

    def __init__(self, rate: Rate) -> None:
        self._period_s = rate.period_s
        self._late_s = rate.late_s
        self._used: deque[float] = deque(maxlen=rate.count)

    def ready_at(self, now_s: float, cost: int = 1) -> float:
        """Return when so many tokens are there; `now_s` means at once. More than all are never waited for."""
        return max(now_s, self._free_s(cost))

    def _free_s(self, cost: int) -> float:
        """Return since when, or from when on, so many tokens are there."""
        most = self._used.maxlen or 0
        needed = len(self._used) + min(cost, most) - most
        return self._used[needed - 1] + self._period_s if needed > 0 else -math.inf

    def take(self, now_s: float, cost: int = 1) -> None:
        """Use tokens up, from when they were there if that is not long ago."""
        self._used.extend([max(self._free_s(cost), now_s - self._late_s)] * cost)


@dataclass(slots=True)
class Place:
    """What is known about one destination: its limits, and until when the far end has shut it."""

    buckets: tuple[Bucket, ...]
    shut_until_s: float = -math.inf

    def ready_at(self, now_s: float, cost: int = 1) -> float:
        """Return when it may be sent to by its own limits."""
        return max([now_s, self.shut_until_s, *(b.ready_at(now_s, cost) for b in self.buckets)])


@dataclass(slots=True, order=True)
class Waiter:
    """One send that waits for its turn: the lowest priority number first, then first come.

    `cost` is how many requests it takes of what the channel as a whole may do.
    """

    priority: int
    order: int
    destination: str = field(compare=False)
    grant: Callable[[], None] = field(compare=False)
    cost: int = field(default=1, compare=False)


class Lanes:
    """Decide who may send when. Time comes in as seconds of any steady clock."""

    def __init__(self, overall: tuple[Rate, ...], rates: Callable[[str], tuple[Rate, ...]]) -> None:
        self._all = Place(tuple(Bucket(rate) for rate in overall))
        self._rates = rates
        self._places: OrderedDict[str, Place] = OrderedDict()
        self._used: set[str] = set()
        self._waiting: list[Waiter] = []

    def _place(self, destination: str) -> Place:
        place = self._places.get(destination)
        if place is None:
            place = Place(tuple(Bucket(rate) for rate in self._rates(destination)))
            self._places[destination] = place
            if len(self._places) > KEPT_DESTINATIONS:
                self._places.popitem(last=False)
        self._places.move_to_end(destination)
        return place

    def ready_at(self, destination: str, now_s: float, cost: int = 1) -> float:
        """Return when a destination may be sent to, by its own limits and the channel's."""
        return max(self._all.ready_at(now_s, cost), self._place(destination).ready_at(now_s))

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

        A send that waits for its own destination holds nobody up behind it; one that waits for the channel as
        a whole is next, and nobody takes what it waits for.
        """
        again: float | None = None
        for waiter in list(self._waiting):
            own = self._place(waiter.destination).ready_at(now_s)
            ready = self.ready_at(waiter.destination, now_s, waiter.cost)
            if ready <= now_s + EPSILON:
                for bucket in self._all.buckets:
                    bucket.take(now_s, waiter.cost)
                for bucket in self._place(waiter.destination).buckets:
                    bucket.take(now_s)
                self._used.add(waiter.destination)
                self._waiting.remove(waiter)
                waiter.grant()
            else:
                again = ready if again is None else min(again, ready)
                if own <= now_s + EPSILON:
                    break
        return again

    @property
    def waiting(self) -> int:
        """Return how many stand in line."""
        return len(self._waiting)

    def free_at(self, now_s: float) -> float:
        """Return when the channel as a whole may be sent to again."""
        return self._all.ready_at(now_s)

    def shut(self, destination: str | None, until_s: float) -> None:
        """Obey a Retry-After for one destination, or for the whole channel (None)."""
        place = self._all if destination is None else self._place(destination)
        place.shut_until_s = max(place.shut_until_s, until_s)
        if destination is not None:
            self._used.add(destination)

    def closed(self, now_s: float) -> dict[str, float]:
        """Return the destinations that may not be sent to yet, with the time from which they may."""
        found = {d: self._place(d).ready_at(now_s) for d in self._used}
        shut = {d: ready for d, ready in found.items() if ready > now_s + EPSILON}
        self._used = set(shut)
        return shut


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

    async def turn(self, destination: str, priority: int, cost: int = 1) -> None:
        """Wait until a send to `destination` may go; `cost` is how many requests it takes."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def grant() -> None:
            if not turn.done():
                turn.set_result(None)

        waiter = Waiter(priority, next(self._order), destination, grant, cost)
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

    @property
    def waiting(self) -> int:
        """Return how many sends wait for their turn."""
        return self._lanes.waiting

    def free_in_s(self) -> float:
        """Return the seconds until the channel as a whole may be sent to again; 0 if now."""
        now_s = self._clock_s()
        return self._lanes.free_at(now_s) - now_s

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
