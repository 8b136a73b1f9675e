"""Remember which markets each user asked for last, to offer them first."""

from collections import OrderedDict

PER_USER = 4
MAX_USERS = 50_000
"""Users remembered; the one seen longest ago is forgotten first."""


class Recent:
    """Hold the markets that users asked for, newest first, while the process runs."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def used(self, user_id: str, symbol: str) -> None:
        """Note that a user asked for a market."""
        before = self._of.get(user_id, ())
        self._of[user_id] = (symbol, *(s for s in before if s != symbol))[:PER_USER]
        self._of.move_to_end(user_id)
        while len(self._of) > MAX_USERS:
            self._of.popitem(last=False)

    def of(self, user_id: str) -> tuple[str, ...]:
        """Return the markets that a user asked for, newest first."""
        return self._of.get(user_id, ())
