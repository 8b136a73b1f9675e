"""Evaluate everybody's rules on the events of all markets: one call an event, and what fired comes back.

The desk holds no rule as an object and knows nobody: what a fire needs of its rule is read by its number. It
reads no clock: market time comes with events and with `advance`. For one thread.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from engine.features.gauge import Event
from engine.features.market import MarketFeatures
from engine.model import STEP_MS, Candle, Liquidation, Tick, Zone, ZoneEvent, ZoneSet
from engine.rules.atom import EventAtom, Seen, ZoneNear
from engine.rules.evaluator import Evaluator
from engine.rules.feature import Feature, Metric
from engine.rules.happening import Happenings
from engine.rules.near import Nearness, nearest
from engine.rules.plan import Batch, Fired, Key
from engine.rules.remembered import Remembered, Waiting
from engine.rules.sighting import Late, Memory, Sighting

ADVANCE_MS: Final = 1_000
"""How often time alone is looked at."""
NEWS_MS: Final = 900_000
"""How old an event may be to be news: what comes later fills history and alerts nobody."""
PATIENCE_MS: Final = 60_000
"""How long, after a restart, waits are not ended while their market has no price yet."""
MOST: Final = 100_000
"""How many fires are held for whoever takes them; beyond that the oldest go, and are counted."""

Past = Mapping[str, Sequence[Event]]
"""Events by symbol, oldest first."""


@dataclass(slots=True)
class _Market:
    """One symbol: its newest price and zones, how far it was seen, and what its rules look at beside numbers.

    Up to `until_ms` everything was seen before a restart. `first` says that no price came since; `late` is
    the time that nobody looked, while it is looked at again.
    """

    price: float = math.nan
    seen_ms: int = -1
    until_ms: int = -1
    first: bool = False
    late: Late | None = None
    features: dict[Feature, None] = field(default_factory=dict)
    zones: ZoneSet | None = None
    near: Nearness = field(default_factory=Nearness)
    events: Happenings = field(default_factory=Happenings)


class Desk:
    """All rules but watches, of every market. `recorded` prices are never too old: a replay may stand still.

    `sightings` is what fired and was not taken yet; whoever takes them empties it.
    """

    def __init__(self, lead: Callable[[str], str], *, recorded: bool = False) -> None:
        self.rules = Evaluator()
        self.features = MarketFeatures(lead)
        self.sightings: deque[Sighting] = deque(maxlen=MOST)
        self.dropped = 0
        self.dirty: dict[Key, None] = {}
        self._recorded = recorded
        self._markets: dict[str, _Market] = {}
        self._advanced_ms = self._resumed_ms = -1
        self._told_waits: tuple[Waiting, ...] = ()
        self._waiting: set[str] = set()

    @property
    def now_ms(self) -> int:
        """Return the newest time that was heard of; it never runs back but by `restart`."""
        return self.features.now_ms

    def lacking(self, keys: Iterable[Key]) -> list[Feature]:
        """Return the features among some that are not measured yet: `add` wants their past."""
        return [key for key in keys if isinstance(key, Feature) and key not in self.features]

    def add(self, batch: Batch, past: Past | None = None) -> None:
        """Add rules, or replace those of the same numbers; what is true already is not news.

        `past` are events up to now of the features that are lacking.
        """
        for key in batch.keys:
            self._look_at(key, past or {})
        before = {key for rule in batch.rule.tolist() for key, _ in self.rules.leaves(rule)}
        self.rules.add(batch)
        self._let_go(before - set(batch.keys))

    def remove(self, rules: Iterable[int]) -> None:
        """Remove rules, and measure no longer what nobody else looks at."""
        gone = list(rules)
        keys = {key for rule in gone for key, _ in self.rules.leaves(rule)}
        self.rules.remove(gone)
        self._let_go(keys)

    def resume(self, remembered: Remembered, marks: Mapping[str, int], now_ms: int) -> None:
        """Go on from what was remembered, after the rules were added: once, before any event.

        What was seen up to a market's mark is not looked at again; what was crossed between it and its first
        price is told as late.
        """
        self.rules.load(remembered)
        for key, value in remembered.values:
            if isinstance(key, ZoneNear):
                self._market(key.symbol).near.add(key, on=value > 0)
        waits = {rule for rule, *_ in self.rules.waiting()}
        self._waiting = {self._symbol_of(key) for rule in waits for key, _ in self.rules.leaves(rule)}
        for symbol, market in self._markets.items():
            market.first, market.until_ms = True, marks.get(symbol, -1)
            market.seen_ms = max(market.seen_ms, market.until_ms)
        self._resumed_ms = now_ms
        self.dirty.clear()

    def restart(self, now_ms: int, past: Past | None = None) -> None:
        """Forget everything but the rules, as after a jump of the clock; what is true next is not news."""
        self.rules.restart()
        self.features.now_ms, self._advanced_ms, self._told_waits = now_ms, -1, ()
        self._waiting.clear()
        self.sightings.clear()
        for symbol, before in self._markets.items():
            market = _Market(first=True, near=before.near, events=before.events, features=before.features)
            self._markets[symbol] = market
            market.events.clear()
            for atom in market.near.unknown():
                self.rules.unknown(atom)
            for feature in market.features:
                self.features.unregister(feature)
                silent = feature.metric is Metric.DATA_AGE_S
                known = [self._silence(feature)] if silent else (past or {}).get(symbol, ())
                self.features.register(feature, known)
        self.dirty = dict.fromkeys(self.rules.watched())

    def take(self, event: Event, *, leads: bool | None = None) -> None:
        """Take an event in; `leads` says of a price whether it stands for its market."""
        market = self._markets.get(event.symbol)
        if market is None:
            return
        at_ms = event.ts + STEP_MS if isinstance(event, Candle) else event.ts
        if at_ms - self._advanced_ms >= ADVANCE_MS and isinstance(event, Tick):
            self.advance(at_ms)
        moved = self.features.take(event, leads=leads)
        if isinstance(event, Tick) and leads:
            market.price = event.price
        if at_ms <= market.until_ms:
            return
        if market.first:
            if not (isinstance(event, Tick) and leads):
                return
            self._first(event.symbol, market)
        else:
            for feature, value in moved:
                self._update(feature, value)
        if isinstance(event, Liquidation):
            self._happened(event.symbol, event, event.ts)
        market.seen_ms = max(market.seen_ms, at_ms)

    def priced(self, symbol: str, price: float) -> None:
        """Say what the price of a market was before any rule on it was made."""
        market = self._markets.get(symbol)
        if market is not None and math.isnan(market.price):
            market.price = price

    def see(self, symbol: str, zones: ZoneSet | None) -> None:
        """Look at the zones around a market's newest price."""
        market = self._markets.get(symbol)
        if market is None:
            return
        market.zones = zones or market.zones
        if market.first or market.seen_ms <= market.until_ms:
            return
        late, market.late = market.late, None
        for atom, on in market.near.look(zones, market.price):
            self._note(self.rules.switch(atom, self.now_ms, on=on, late=late is not None), symbol, late=late)
            self.dirty[atom] = None

    def happened(self, symbol: str, events: Iterable[ZoneEvent], known_ms: int) -> None:
        """Take in what became of zones, as it is known at a time."""
        market = self._markets.get(symbol)
        if market is None or market.first or known_ms <= market.until_ms:
            return
        for event in events:
            self._happened(symbol, event, known_ms)

    def advance(self, now_ms: int) -> None:
        """Let time pass: values that age, events that are over, waits that are done."""
        if now_ms <= self._advanced_ms:
            return
        self._advanced_ms = now_ms
        for feature, value in self.features.advance(now_ms):
            market = self._markets[feature.symbol]
            silent = feature.metric is Metric.DATA_AGE_S
            if (not market.first or silent) and now_ms > market.until_ms:
                self._update(feature, value)
        for symbol, market in self._markets.items():
            for atom in market.events.over(now_ms):
                self._note(self.rules.switch(atom, now_ms, on=False), symbol)
        if not self._waiting or now_ms - self._resumed_ms >= PATIENCE_MS:
            self._waiting.clear()
            self._note(self.rules.due(now_ms))

    def holds(self, rule: int, branch: int) -> bool | None:
        """Say whether what made a rule fire holds now; None while its market has no price.

        An event has happened, whatever came after it. What is not evaluated any more is taken at its word.
        """
        symbol = self.symbol_of(rule)
        if not symbol:
            return True
        market = self._markets[symbol]
        if market.first or math.isnan(market.price):
            return None
        return self.rules.holds(rule, branch, lambda key: not isinstance(key, EventAtom))

    def memory(self) -> Memory | None:
        """Return what has changed since the last call that is to be remembered, None where nothing has."""
        waits = tuple(self.rules.waiting())
        if not self.dirty and waits == self._told_waits:
            return None
        keys, self.dirty, self._told_waits = tuple(self.dirty), {}, waits
        lines = [(key, line) for key in keys if (line := self.rules.index.find(key)) and len(line)]
        values = {key: line.last for key, line in lines if not math.isnan(line.last)}
        marks = {symbol: market.seen_ms for symbol, market in self._markets.items() if market.seen_ms >= 0}
        return Memory(keys=keys, values=values, held=tuple(self.rules.held(lines)), waits=waits, marks=marks)

    def unwritten(self, memory: Memory) -> None:
        """Take back a memory that could not be written: its keys come with the next."""
        self.dirty = dict.fromkeys(memory.keys) | self.dirty

    def symbols(self) -> set[str]:
        """Return the markets that any rule is about."""
        return {s for s, m in self._markets.items() if m.features or len(m.near) or len(m.events)}

    def symbol_of(self, rule: int) -> str:
        """Return the market of a rule, empty where there is no such rule."""
        leaves = self.rules.leaves(rule)
        return self._symbol_of(leaves[0][0]) if leaves else ""

    def price(self, symbol: str) -> float:
        """Return the newest price of a market, NaN where none is known."""
        market = self._markets.get(symbol)
        return math.nan if market is None else market.price

    def _market(self, symbol: str) -> _Market:
        return self._markets.setdefault(symbol, _Market(first=self._resumed_ms < 0))

    @staticmethod
    def _symbol_of(key: Key) -> str:
        return str(getattr(key, "symbol", ""))

    def _look_at(self, key: Key, past: Past) -> None:
        """Begin to measure or watch what a leaf looks at, unless that is done already."""
        market = self._market(self._symbol_of(key))
        if isinstance(key, ZoneNear) and key not in market.near:
            self.rules.unknown(key)
            market.near.add(key)
        elif isinstance(key, EventAtom):
            market.events.add(key)
        elif isinstance(key, Feature) and key not in self.features:
            known = [self._silence(key)] if key.metric is Metric.DATA_AGE_S else past.get(key.symbol, ())
            value = self.features.register(key, known)
            market.features[key] = None
            if not market.first:
                self.rules.update(key, value, self.now_ms)
                self.dirty[key] = None

    def _silence(self, key: Feature) -> Event:
        """Return a price of now: how old prices are counts from when it is first asked."""
        return Tick(venue=key.venue, symbol=key.symbol, ts=self.now_ms, price=0.0)

    def _let_go(self, keys: Iterable[Key]) -> None:
        """Measure and watch no longer what no rule looks at."""
        left = [k for k in keys if (line := self.rules.index.find(k)) is not None and not len(line)]
        for key in left:
            market = self._market(self._symbol_of(key))
            if isinstance(key, ZoneNear):
                market.near.drop(key)
            elif isinstance(key, EventAtom):
                market.events.drop(key)
            elif isinstance(key, Feature):
                self.features.unregister(key)
                del market.features[key]
            self.dirty[key] = None
        self.rules.forget(left)

    def _first(self, symbol: str, market: _Market) -> None:
        """Give every number of a market its first value since a restart."""
        market.first = False
        self._waiting.discard(symbol)
        if market.until_ms >= 0 and not self._recorded:
            market.late = (market.until_ms, self.now_ms)
        for feature in market.features:
            fired = self.rules.update(feature, self.features.value(feature), self.now_ms, late=True)
            self._note(fired, symbol, late=market.late)
            self.dirty[feature] = None

    def _update(self, feature: Feature, value: float) -> None:
        if self._recorded and feature.metric is Metric.DATA_AGE_S:
            return
        self.dirty[feature] = None
        fired = self.rules.update(feature, value, self.now_ms)
        if len(fired):
            self._note(fired, feature.symbol)

    def _happened(self, symbol: str, event: Liquidation | ZoneEvent, known_ms: int) -> None:
        """Let every atom that an event matches be true for a while, anew where it is true already."""
        market = self._markets[symbol]
        least = market.zones.auto_min_usd if market.zones else math.nan
        seen = Seen(event=event, known_ms=known_ms, price=market.price, auto_min_usd=least)
        matching = market.events.matching(seen)
        if self.now_ms - event.ts > NEWS_MS:
            return
        for atom in matching:
            if market.events.pulse(atom, known_ms):
                self._note(self.rules.switch(atom, self.now_ms, on=False), symbol)
            self._note(self.rules.switch(atom, self.now_ms, on=True), symbol, event=event)

    def _note(
        self,
        fired: Fired,
        symbol: str = "",
        *,
        event: Liquidation | ZoneEvent | None = None,
        late: Late | None = None,
    ) -> None:
        """Hold what fired, with what is known now."""
        for hit in fired:
            leaves = self.rules.leaves(hit.rule)
            whose = symbol or self._symbol_of(leaves[0][0])
            market = self._markets[whose]
            self.dropped += len(self.sightings) == MOST
            self.sightings.append(
                Sighting(
                    hit=hit,
                    symbol=whose,
                    price=market.price,
                    values=tuple(value for _, value in leaves),
                    zone=event.zone if isinstance(event, ZoneEvent) else self._zone(leaves, market),
                    event=event,
                    late=late or self._while_down(hit.ts, market),
                )
            )

    def _while_down(self, ts: int, market: _Market) -> Late | None:
        """Return from when to when nobody looked, of what came true in between."""
        down = not self._recorded and 0 <= market.until_ms < ts < self._resumed_ms
        return (market.until_ms, self._resumed_ms) if down else None

    @staticmethod
    def _zone(leaves: Sequence[tuple[Key, float]], market: _Market) -> Zone | None:
        """Return the nearest zone that a rule is about, of one that asks for nearness now true."""
        atoms = (key for key, value in leaves if isinstance(key, ZoneNear) and value > 0)
        found = (nearest(atom, market.zones, market.price) for atom in atoms)
        return next((zone for zone in found if zone is not None), None)
