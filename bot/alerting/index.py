"""Hold the watches of each symbol and their arms, and look at them only when a price may change something.

Between two looks a symbol has a calm band: the prices at which no step of any watch can fire or arm again
while its zones stay the same. A tick inside it costs two comparisons.
"""

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from engine.model import RuleId, Severity, Side, Watch, Zone, ZoneEvent, ZoneId, ZoneSet
from engine.rules.zone_proximity import ArmState, Evaluation, StepKey, evaluate, follow
from storage.alert_state import ArmChange, Fired

Band = tuple[float, float]
EVERYWHERE: Band = (-math.inf, math.inf)
NOWHERE: Band = (math.inf, -math.inf)
MARGIN = 1e-9
"""Relative width by which the calm band is narrowed, against rounding."""


@dataclass(slots=True)
class Entry:
    """One watch with its arms. `seen` is False until its first look, which takes what is true as known."""

    watch: Watch
    armed: ArmState
    seen: bool


@dataclass(slots=True)
class Book:
    """The watches of one symbol, the zones of the last look and its calm band."""

    entries: dict[RuleId, Entry] = field(default_factory=dict)
    zones: ZoneSet | None = None
    band: Band = NOWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a symbol found; nothing is changed before `WatchIndex.apply`."""

    symbol: str
    zones: ZoneSet
    price: float
    ts: int
    found: "Findings"

    @property
    def fires(self) -> tuple[Evaluation, ...]:
        """Return the evaluations in which something fired."""
        return tuple(e for _, e in self.found if e.fires)

    def batches(self, size: int) -> list["Findings"]:
        """Return the watches that fired, the worst first, at most `size` together."""
        firing = [pair for pair in self.found if pair[1].fires]
        firing.sort(key=lambda pair: -max(fire.severity.rank for fire in pair[1].fires))
        return [tuple(firing[at : at + size]) for at in range(0, len(firing), size)]

    @property
    def quiet(self) -> "Findings":
        """Return the watches that did not fire; their arms may have changed."""
        return tuple(pair for pair in self.found if not pair[1].fires)


Findings = tuple[tuple[Entry, Evaluation], ...]


def changes_of(found: Findings) -> list[ArmChange]:
    """Return what evaluations change about arms, as rows to write."""
    return [change for entry, evaluation in found for change in arm_changes(entry.watch, evaluation)]


class WatchIndex:
    """Every watch by symbol, in memory. `epoch` marks the fires of a replay that was moved back."""

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        self._books: dict[str, Book] = {}
        self._symbol_of: dict[RuleId, str] = {}

    def set_symbol(
        self,
        symbol: str,
        watches: Iterable[Watch],
        *,
        fired: Fired | None = None,
        young: Container[RuleId] = (),
    ) -> None:
        """Replace the watches of a symbol; one that was there keeps its arms.

        The next look is a first one for watches that are `young` and have no arms, and for those that ask
        for something else than before.
        """
        old = self._books.get(symbol, Book())
        book = Book()
        for watch in watches:
            before = old.entries.get(watch.rule_id)
            if before is not None:
                book.entries[watch.rule_id] = Entry(
                    watch, before.armed, before.seen and _same_question(before.watch, watch)
                )
            else:
                steps = _steps((fired or {}).get(watch.rule_id, {}))
                armed = ArmState(fired=steps, epoch=self.epoch)
                seen = bool(steps) or watch.rule_id not in young
                book.entries[watch.rule_id] = Entry(watch, armed, seen)
            self._symbol_of[watch.rule_id] = symbol
        for rule_id in old.entries.keys() - book.entries.keys():
            self._symbol_of.pop(rule_id, None)
        self._books[symbol] = book

    def look(self, symbol: str, zones: ZoneSet, price: float, ts: int) -> Look | None:
        """Return what a price changes, or None where it can change nothing."""
        book = self._books.get(symbol)
        if book is None or not book.entries:
            return None
        low, high = book.band
        if low < price < high and zones is book.zones:
            return None
        found = tuple(
            (entry, evaluate(entry.watch, zones, price if entry.seen else None, price, ts, entry.armed))
            for entry in book.entries.values()
        )
        return Look(symbol=symbol, zones=zones, price=price, ts=ts, found=found)

    def apply(self, look: Look) -> None:
        """Take over all that a look found, and work out where the next one is due."""
        self.take(look.symbol, look.found)
        book = self._books[look.symbol]
        low, high = EVERYWHERE
        for entry, _ in look.found:
            calm = calm_band(entry.watch, entry.armed, look.zones, look.price)
            low, high = max(low, calm[0]), min(high, calm[1])
        book.zones = look.zones
        book.band = (low, high)

    def take(self, symbol: str, found: Findings) -> None:
        """Take over some of what a look found; the next price is looked at in any case."""
        self._books[symbol].band = NOWHERE
        for entry, evaluation in found:
            entry.armed = evaluation.state
            entry.seen = True

    def follow(self, symbol: str, events: Sequence[ZoneEvent]) -> list[ArmChange]:
        """Hand arms on to what zones have become; return what changed."""
        book = self._books.get(symbol)
        if book is None or not events:
            return []
        changes: list[ArmChange] = []
        for entry in book.entries.values():
            evaluation = follow(entry.armed, events)
            entry.armed = evaluation.state
            changes += arm_changes(entry.watch, evaluation)
        book.band = NOWHERE
        return changes

    def restart(self, epoch: int) -> None:
        """Forget all arms, as after a jump of the market clock; the next look is a first one."""
        self.epoch = epoch
        for book in self._books.values():
            book.band = NOWHERE
            for entry in book.entries.values():
                entry.armed = ArmState(epoch=epoch)
                entry.seen = False

    def unsee(self) -> None:
        """Keep all arms, but take what is true at the next look as known."""
        for book in self._books.values():
            book.band = NOWHERE
            for entry in book.entries.values():
                entry.seen = False

    def watch(self, rule_id: RuleId) -> Watch | None:
        """Return a watch by its rule."""
        symbol = self._symbol_of.get(rule_id)
        entry = self._books[symbol].entries.get(rule_id) if symbol is not None else None
        return None if entry is None else entry.watch

    def counts(self) -> dict[str, int]:
        """Return how many watches each symbol has."""
        return {symbol: len(book.entries) for symbol, book in self._books.items() if book.entries}


def _steps(fired: Mapping[tuple[str, Severity], int]) -> dict[StepKey, int]:
    return {(ZoneId(subject), severity): ms for (subject, severity), ms in fired.items()}


def _same_question(old: Watch, new: Watch) -> bool:
    """Say whether two versions of a watch become true at the same things."""
    names = ("symbol", "within", "min_notional_usd", "side", "hysteresis")
    return all(getattr(old, name) == getattr(new, name) for name in names)


def arm_changes(watch: Watch, evaluation: Evaluation) -> list[ArmChange]:
    """Return an evaluation's differences as rows to write."""
    added = [(key, evaluation.state.fired[key]) for key in evaluation.added]
    gone = [(key, None) for key in evaluation.removed]
    return [
        ArmChange(
            rule_id=watch.rule_id,
            owner=watch.owner,
            subject=str(zone_id),
            severity=severity,
            fired_ms=fired_ms,
        )
        for (zone_id, severity), fired_ms in [*added, *gone]
    ]


def calm_band(watch: Watch, armed: ArmState, zones: ZoneSet, price: float) -> Band:
    """Return the prices around `price` at which a watch stays as it is while the zones do."""
    least_usd = zones.auto_min_usd if watch.min_notional_usd is None else watch.min_notional_usd
    low, high = EVERYWHERE
    for zone in zones.zones:
        if watch.side is not None and zone.side is not watch.side:
            continue
        for severity, within in watch.within:
            if (zone.zone_id, severity) in armed.fired:
                calm = _until_armed(zone, within + watch.hysteresis, price)
            elif zone.notional_usd >= least_usd:
                calm = _until_near(zone, within, price)
            else:
                continue
            low, high = max(low, calm[0]), min(high, calm[1])
    return low * (1 + MARGIN) if low > 0 else low, high * (1 - MARGIN)


def _until_armed(zone: Zone, within: float, price: float) -> Band:
    """Return where a fired step stays fired; price beyond the zone neither fires nor arms."""
    if zone.side is Side.LONG:
        edge = zone.high / (1 - within)
        return (-math.inf, edge) if price < edge else NOWHERE
    edge = zone.low / (1 + within)
    return (edge, math.inf) if price > edge else NOWHERE


def _until_near(zone: Zone, within: float, price: float) -> Band:
    """Return where an armed step does not fire: further away, or beyond the zone."""
    if zone.side is Side.LONG:
        near = zone.high / (1 - within)
        if price > near:
            return near, math.inf
        return (-math.inf, zone.low) if price < zone.low else NOWHERE
    near = zone.low / (1 + within)
    if price < near:
        return -math.inf, near
    return (zone.high, math.inf) if price > zone.high else NOWHERE
