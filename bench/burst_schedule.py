"""Compare when messages were accepted with when token buckets would have let them through at best.

Pure functions; times are seconds of one steady clock.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.delivery.channel import Rate

Rates = Callable[[str], Sequence[Rate]]
"""The limits of a place."""
UNDER_WAY_S = 1.0
"""Two that were accepted within this were on their way together: opening a chat first takes its time."""
GRACE_S = 2.0
"""What was let through less than this before something worse was there is not out of order: it was on its
way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message: whose, where to, how urgent (lower is more), when it was queued, when it was accepted.

    `cost` is how many tokens of the channel it takes.
    """

    user: str
    place: str
    priority: int
    ready_s: float
    accepted_s: float
    cost: int = 1


@dataclass(slots=True)
class _Limit:
    """When tokens were used; each is there again `period_s` later."""

    rate: Rate
    used: deque[float]

    @classmethod
    def of(cls, rate: Rate) -> "_Limit":
        return cls(rate, deque(maxlen=rate.count))

    def free_s(self, cost: int) -> float:
        """Return from when on so many tokens are free."""
        at = len(self.used) + cost - self.rate.count - 1
        return self.used[at] + self.rate.period_s if at >= 0 else -np.inf

    def use(self, at_s: float, cost: int) -> None:
        self.used.extend([at_s] * cost)


class _Places:
    """The limits of each place, made when it is first asked for."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._known: dict[str, list[_Limit]] = {}

    def of(self, place: str) -> list[_Limit]:
        if place not in self._known:
            self._known[place] = [_Limit.of(rate) for rate in self._rates(place)]
        return self._known[place]


def ideal_s(messages: Sequence[Sent], overall: Sequence[Rate], rates: Rates) -> list[float]:
    """Return when each message goes at best: the most urgent first that its place takes, users in turn.

    No far end takes any time here, and nothing has to be found, drawn or written down.
    """
    limits = [_Limit.of(rate) for rate in overall]
    places = _Places(rates)
    coming = deque(sorted(range(len(messages)), key=lambda n: messages[n].ready_s))
    turns = _turns(messages)
    line: list[tuple[int, int, float, int]] = []
    later: list[tuple[float, int]] = []
    found = [0.0] * len(messages)
    now_s = -np.inf
    while coming or line or later:
        while coming and messages[coming[0]].ready_s <= now_s:
            number = coming.popleft()
            heapq.heappush(line, (*turns[number], number))
        while later and later[0][0] <= now_s:
            _, number = heapq.heappop(later)
            heapq.heappush(line, (*turns[number], number))
        if not line:
            now_s = min([messages[coming[0]].ready_s] if coming else [later[0][0]], default=now_s)
            now_s = min(now_s, later[0][0]) if later else now_s
            continue
        *_, number = heapq.heappop(line)
        message = messages[number]
        own = places.of(message.place)
        if (open_s := max([limit.free_s(1) for limit in own], default=-np.inf)) > now_s:
            heapq.heappush(later, (open_s, number))
            continue
        if (free_s := max([limit.free_s(message.cost) for limit in limits], default=-np.inf)) > now_s:
            heapq.heappush(line, (*turns[number], number))
            now_s = free_s
            continue
        found[number] = now_s
        for limit in own:
            limit.use(now_s, 1)
        for limit in limits:
            limit.use(now_s, message.cost)
    return found


def _turns(messages: Sequence[Sent]) -> list[tuple[int, int, float]]:
    """Return for each message how urgent it is, how many its user has before it, and when it was queued."""
    had: Counter[str] = Counter()
    turns = [(0, 0, 0.0)] * len(messages)
    for number in sorted(range(len(messages)), key=lambda n: (messages[n].priority, messages[n].ready_s)):
        message = messages[number]
        turns[number] = (message.priority, had[message.user], message.ready_s)
        had[message.user] += 1
    return turns


def excess_s(messages: Sequence[Sent], overall: Sequence[Rate], rates: Rates) -> NDArray[np.float64]:
    """Return how much later each message was accepted than at best.

    The first to be accepted is compared with the first of the best schedule, the second with the second, and
    so on; which of them comes first is what `out_of_order` and `out_of_turn` look at.
    """
    best = np.sort(ideal_s(messages, overall, rates))
    late: NDArray[np.float64] = np.sort([message.accepted_s for message in messages]) - best
    return np.clip(late, 0.0, None)


def out_of_order(messages: Sequence[Sent], rates: Rates) -> int:
    """Count messages that were accepted a second before a worse one that had waited for two seconds.

    One could have gone once it was queued, what went to its place before was accepted, and its place's own
    limits let it through.
    """
    return _passed(messages, [(message.priority, 0) for message in messages], rates)


def out_of_turn(messages: Sequence[Sent], rates: Rates) -> int:
    """Count messages that were accepted while another user, who had had fewer, was waiting in vain.

    What is compared is of one severity; whoever waits could have been sent to, and had waited for two
    seconds.
    """
    had: Counter[str] = Counter()
    ranks = [(0, 0)] * len(messages)
    for number in sorted(range(len(messages)), key=lambda n: messages[n].accepted_s):
        message = messages[number]
        ranks[number] = (message.priority, had[message.user])
        had[message.user] += 1
    same = sorted({message.priority for message in messages})
    return sum(
        _passed(
            [m for m in messages if m.priority == priority],
            [rank for rank in ranks if rank[0] == priority],
            rates,
        )
        for priority in same
    )


def _passed(messages: Sequence[Sent], ranks: Sequence[tuple[int, int]], rates: Rates) -> int:
    """Count messages accepted before another of a lower rank that could have gone for longer than the
    grace.
    """
    order = {rank: n for n, rank in enumerate(sorted(set(ranks)))}
    rank = np.array([order[each] for each in ranks])
    at_s = np.array([message.accepted_s for message in messages])
    able_s = np.array(_able_s(messages, rates))
    count = 0
    for number in range(len(messages)):
        waited = (
            (rank < rank[number]) & (at_s > at_s[number] + UNDER_WAY_S) & (able_s < at_s[number] - GRACE_S)
        )
        count += bool(waited.any())
    return count


def _able_s(messages: Sequence[Sent], rates: Rates) -> list[float]:
    """Return from when on each message could have gone, by what had been sent to its place."""
    limits = _Places(lambda place: (*rates(place), ONE))
    found = [0.0] * len(messages)
    for number in sorted(range(len(messages)), key=lambda n: messages[n].accepted_s):
        message = messages[number]
        own = limits.of(message.place)
        found[number] = max([message.ready_s, *(limit.free_s(1) for limit in own)])
        for limit in own:
            limit.use(message.accepted_s, 1)
    return found


def over(times_s: Iterable[float], rate: Rate) -> int:
    """Count requests that a limit would refuse which looks at the last `rate.period_s` seconds."""
    taken: deque[float] = deque(maxlen=rate.count)
    refused = 0
    for at_s in sorted(times_s):
        if len(taken) == rate.count and at_s - taken[0] < rate.period_s:
            refused += 1
        else:
            taken.append(at_s)
    return refused


ONE = Rate(count=1, period_s=0.0)
"""One message at a time goes to a place."""
