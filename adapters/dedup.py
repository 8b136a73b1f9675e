"""Hand every event on once: liquidations are counted, everything else is a state whose newest value matters.

The same event comes again after a reconnect, from two sockets that overlap, or because a venue repeats
itself. All times are ms UTC; nothing here reads a clock.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from engine.model import Candle, Funding, Liquidation, LongShortRatio, OpenInterest, Tick, VenueEvent

WINDOW_MS = 600_000
"""How long after it was last seen an event without an id is known again."""
KEPT = 50_000
"""How many events are remembered of each kind; beyond that the one unseen for longest is forgotten."""
KEPT_CLOSED = 8
"""How many closed candles of a symbol are remembered."""
BELIEVED_AFTER = 10
"""So many older values in a row mean that the newest one had a wrong time, not all of these."""

State = Candle | Tick | OpenInterest | Funding | LongShortRatio


class Liquidations:
    """Let each liquidation of a venue through once and only once.

    One with an id is known by it for as long as it is remembered. One without is known by its content and by
    how many equal ones stood before it in its frame: the second equal event of a frame is another event, the
    same frame again is not. `repeated` counts what was held back, `forgotten` what had to be forgotten while
    it could still have come again.
    """

    def __init__(self, *, window_ms: int = WINDOW_MS, kept: int = KEPT) -> None:
        self.repeated = 0
        self.forgotten = 0
        self._window_ms = window_ms
        self._kept = kept
        self._now_ms = 0
        self._ids: OrderedDict[Hashable, None] = OrderedDict()
        self._contents: OrderedDict[Hashable, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ids) + len(self._contents)

    def new(self, frame: Iterable[Liquidation]) -> tuple[Liquidation, ...]:
        """Return what a frame holds that did not come before, by the venue's time; `nth` is set here.

        What comes late is handed on late, with its own time: order here is within a frame.
        """
        equal: dict[Hashable, int] = {}
        fresh: list[Liquidation] = []
        for event in frame:
            self._now_ms = max(self._now_ms, event.received_ms)
            if event.venue_id:
                known, kept = self._known_id((event.venue, event.symbol, event.venue_id)), event
            else:
                content = (event.venue, event.symbol, event.side, event.ts, event.price, event.quantity)
                nth = equal.get(content, 0)
                equal[content] = nth + 1
                kept = event if event.nth == nth else replace(event, nth=nth)
                known = self._known_content((*content, nth))
            if known:
                self.repeated += 1
            else:
                fresh.append(kept)
        return tuple(sorted(fresh, key=lambda event: event.ts))

    def _known_id(self, key: Hashable) -> bool:
        known = key in self._ids
        self._ids[key] = None
        self._ids.move_to_end(key)
        if len(self._ids) > self._kept:
            self._ids.popitem(last=False)
            self.forgotten += 1
        return known

    def _known_content(self, key: Hashable) -> bool:
        oldest_ms = self._now_ms - self._window_ms
        while self._contents and next(iter(self._contents.values())) < oldest_ms:
            self._contents.popitem(last=False)
        known = key in self._contents
        self._contents[key] = self._now_ms
        self._contents.move_to_end(key)
        if len(self._contents) > self._kept:
            self._contents.popitem(last=False)
            self.forgotten += 1
        return known


@dataclass(slots=True)
class _Line:
    """The newest value of one thing, and how many older ones came since."""

    newest: State
    older: int = 0


@dataclass(slots=True)
class _Bars:
    """The newest forming candle of a symbol, and when its last closed ones opened."""

    forming: Candle | None = None
    closed: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT_CLOSED))


class Newest:
    """Let a value through unless it repeats the newest one or is older than it.

    A candle that closed passes once, however late it comes: the next one may have begun. `repeated` counts
    what was held back. Memory is bounded by the number of symbols.
    """

    def __init__(self) -> None:
        self.repeated = 0
        self._lines: dict[Hashable, _Line] = {}
        self._bars: dict[tuple[str, str], _Bars] = {}

    def fresh(self, event: State) -> bool:
        """Say whether an event tells something new, and remember it."""
        passed = self._candle(event) if isinstance(event, Candle) else self._value(event)
        self.repeated += not passed
        return passed

    def _value(self, event: Tick | OpenInterest | Funding | LongShortRatio) -> bool:
        key = _key(event)
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = _Line(event)
            return True
        if event == line.newest:
            return False
        if event.ts < line.newest.ts and line.older < BELIEVED_AFTER:
            line.older += 1
            return False
        line.newest, line.older = event, 0
        return True

    def _candle(self, event: Candle) -> bool:
        bars = self._bars.setdefault((event.venue, event.symbol), _Bars())
        if event.ts in bars.closed:
            return False
        if event.closed:
            bars.closed.append(event.ts)
            return True
        last = bars.forming
        if last is not None and (event == last or event.ts < last.ts):
            return False
        bars.forming = event
        return True


def _key(event: Tick | OpenInterest | Funding | LongShortRatio) -> Hashable:
    """Return what an event is a value of."""
    if isinstance(event, Tick | OpenInterest):
        return (type(event), event.venue, event.symbol)
    if isinstance(event, Funding):
        return (Funding, event.venue, event.symbol, event.settled)
    return (LongShortRatio, event.venue, event.symbol, event.kind, event.step_ms)


class Once:
    """Let what a frame holds through once: liquidations are counted, the rest is compared with the newest."""

    def __init__(self) -> None:
        self.liquidations = Liquidations()
        self.newest = Newest()

    @property
    def repeated(self) -> int:
        """Return how many events were held back."""
        return self.liquidations.repeated + self.newest.repeated

    def new(self, events: Sequence[VenueEvent]) -> tuple[VenueEvent, ...]:
        """Return the events that are new; liquidations come last, by time."""
        found = [event for event in events if isinstance(event, Liquidation)]
        rest = tuple(e for e in events if not isinstance(e, Liquidation) and self.newest.fresh(e))
        return rest + self.liquidations.new(found) if found else rest
