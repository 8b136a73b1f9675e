"""Keep one user from taking more than their share: a rate for all commands, a pause between pictures."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

BURST = 20
PER_SECOND = 1.0
PICTURE_EVERY_S = 5.0
ASKED_EVERY_S = 5.0
"""How long one user waits between answers that a venue is asked for."""
MAX_USERS = 50_000
"""Users remembered; the one seen longest ago is forgotten first."""


@dataclass(slots=True)
class _Seen:
    tokens: float
    at_s: float
    picture_s: float
    asked_s: float = float("-inf")


class Limits:
    """Count what each user does. `clock` is monotonic seconds."""

    def __init__(self, clock: Callable[[], float], *, picture_every_s: float = PICTURE_EVERY_S) -> None:
        self._clock = clock
        self._every_s = picture_every_s
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def take(self, user_id: str) -> float:
        """Count one command; return 0, or the seconds to wait where there were too many."""
        seen, now = self._of(user_id), self._clock()
        seen.tokens = min(BURST, seen.tokens + (now - seen.at_s) * PER_SECOND)
        seen.at_s = now
        if seen.tokens < 1:
            return (1 - seen.tokens) / PER_SECOND
        seen.tokens -= 1
        return 0.0

    def picture_wait_s(self, user_id: str) -> float:
        """Return the seconds until this user may have another picture drawn; 0 if now."""
        return max(0.0, self._of(user_id).picture_s + self._every_s - self._clock())

    def picture_drawn(self, user_id: str) -> None:
        """Note that a picture is drawn for this user now."""
        self._of(user_id).picture_s = self._clock()

    def venue_wait_s(self, user_id: str) -> float:
        """Return the seconds until a venue may be asked for this user again; 0, with that noted, if now."""
        seen, now = self._of(user_id), self._clock()
        if (wait_s := seen.asked_s + ASKED_EVERY_S - now) > 0:
            return wait_s
        seen.asked_s = now
        return 0.0

    def _of(self, user_id: str) -> _Seen:
        seen = self._seen.get(user_id)
        if seen is None:
            seen = self._seen[user_id] = _Seen(BURST, self._clock(), float("-inf"))
        self._seen.move_to_end(user_id)
        if len(self._seen) > MAX_USERS:
            self._seen.popitem(last=False)
        return seen
