"""Keep within what a venue lets be asked: limits, and what of them is used up. Times are seconds."""

import math
from collections import deque
from dataclasses import dataclass


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
