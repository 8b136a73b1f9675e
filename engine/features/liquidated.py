"""Measure what is liquidated. A liquidation that comes twice counts once."""

from collections import deque

from engine.features.gauge import UNKNOWN, Event
from engine.features.windows import Extreme, Sum
from engine.model import DAY_MS, Liquidation, PriceKind, Side

USUAL_MS = DAY_MS
"""How long a stretch says what is usual."""
REMEMBERED_MS = 600_000
_Key = tuple[str, int, Side, float, float, str, int, PriceKind]


class Repeats:
    """Tell liquidations that came before from new ones; for ten minutes of them."""

    def __init__(self) -> None:
        self._newest = -1
        self._seen: set[_Key] = set()
        self._order: deque[tuple[int, _Key]] = deque()

    def known(self, event: Liquidation) -> bool:
        """Say whether a liquidation came before, and remember it."""
        key = (
            event.venue,
            event.ts,
            event.side,
            event.price,
            event.quantity,
            event.venue_id,
            event.nth,
            event.price_kind,
        )
        if key in self._seen:
            return True
        self._newest = max(self._newest, event.ts)
        self._seen.add(key)
        self._order.append((self._newest, key))
        while self._order[0][0] < self._newest - REMEMBERED_MS:
            self._seen.discard(self._order.popleft()[1])
        return False


class _Liquidations:
    """Follow liquidations of one side, or of both; unknown before the first of any side came."""

    wants: tuple[type, ...] = (Liquidation,)
    ages = True

    def __init__(self, side: Side | None) -> None:
        self._side, self.since_ms = side, -1
        self._repeats = Repeats()

    def take(self, event: Event) -> None:
        """Take a liquidation in, unless it is known."""
        if not isinstance(event, Liquidation) or self._repeats.known(event):
            return
        self.since_ms = event.ts if self.since_ms < 0 else min(self.since_ms, event.ts)
        if self._side in (None, event.side):
            self.add(event.ts, event.notional_usd)

    def add(self, ts: int, usd: float) -> None:
        """Take dollars in."""
        raise NotImplementedError


class Liquidated(_Liquidations):
    """Say the dollars liquidated in the window."""

    def __init__(self, window_ms: int, side: Side | None) -> None:
        super().__init__(side)
        self._sum = Sum(window_ms)

    def add(self, ts: int, usd: float) -> None:
        """Take dollars in."""
        self._sum.add(ts, usd)

    def value(self, now_ms: int) -> float:
        """Return the dollars; 0 once it is known that there are reports."""
        return self._sum.within(now_ms) if self.since_ms >= 0 else UNKNOWN


class Largest(_Liquidations):
    """Say the dollars of the largest single liquidation of the window, 0 where there was none."""

    def __init__(self, window_ms: int) -> None:
        super().__init__(None)
        self._most = Extreme(window_ms, 1)

    def add(self, ts: int, usd: float) -> None:
        """Take dollars in."""
        self._most.add(ts, usd)

    def value(self, now_ms: int) -> float:
        """Return the dollars."""
        most = self._most.within(now_ms)
        return most if most == most or self.since_ms < 0 else 0.0  # NaN is not itself


class Multiple(_Liquidations):
    """Say the dollars of the window over those of a mean window of the day that ends with it.

    The window is part of its day, so the multiple is at most how often it goes into one.
    """

    def __init__(self, window_ms: int) -> None:
        super().__init__(None)
        self._share = window_ms / USUAL_MS
        self._now, self._day = Sum(window_ms), Sum(USUAL_MS)

    def add(self, ts: int, usd: float) -> None:
        """Take dollars in."""
        self._now.add(ts, usd)
        self._day.add(ts, usd)

    def value(self, now_ms: int) -> float:
        """Return the multiple; unknown until reports reach back a day."""
        now, day = self._now.within(now_ms), self._day.within(now_ms)
        if self.since_ms < 0 or now_ms - self.since_ms < USUAL_MS or day <= 0:
            return UNKNOWN
        return now / (day * self._share)
