"""Keep the desk of rules in step with the store: rules in, events through it, decided fires out.

What evaluation remembers is written in the transaction that decides what it fired, so that a kill at any
moment neither loses a fire nor repeats one.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
import structlog
from sqlalchemy.orm import Session

from bot.alerting.context import placed_preferences, rule_view
from bot.alerting.decide import Decided, decide
from bot.alerting.freshness import Freshness
from bot.alerting.moment import Clock, Moment
from bot.alerting.parts import BATCH, MarketClock
from bot.alerting.rules.book import MemoryBook, marks_of
from bot.alerting.rules.compiled import Seals, batch_of, ours, some
from bot.alerting.rules.fires import Seen, fire_of, seen_of_json, seen_to_json
from bot.alerting.rules.follow_up import note_sweeps
from bot.alerting.rules.past import PastEvents
from bot.lang import speaking, speech_of
from engine.errors import StorageError, UserError
from engine.features.gauge import Event
from engine.model import STEP_MS, Fire, Tick, ZoneEvent, ZoneSet
from engine.rules.desk import MOST, Desk
from engine.rules.expression import Repeat
from engine.rules.feature import Feature, Metric
from engine.rules.sighting import Memory
from engine.rules.stored import spec_of
from storage import rule_memory
from storage.epochs import current_epoch
from storage.rule_memory import Difference, Kept
from storage.rules import Ended, RuleColumns, end_rules, read_rules, rules_of, severities
from storage.state import StateStore
from storage.tables import Rule

log = structlog.get_logger(__name__)

RECENT: Final = 20_000
"""How many events that are no prices are held for numbers that are new: the store has them a little later."""
WRITE_EVERY: Final = 5
"""Every how many sweeps what is remembered is written although nothing fired."""
PLAIN: Final = {Metric.PRICE, Metric.DATA_AGE_S}
"""What needs no past."""
RANKS: Final = {"critical": 0, "warning": 1, "info": 2}

ClockOf = Callable[[int, Iterable[str]], Clock]


@runtime_checkable
class Venues(Protocol):
    """Be a market that says which venues it reads."""

    def venues_of(self, symbol: str) -> tuple[str, ...]:
        """Return the venues of a symbol, the one that lends the price first."""


class Outcome(NamedTuple):
    """What one batch came to, and when its sweeps are to be followed up."""

    decided: list[Decided]
    follow_up_ms: list[int]


class LiveRules:
    """Every stored rule but watches, live. What awaits the store is to be called one at a time."""

    def __init__(
        self,
        state: StateStore,
        market: MarketClock,
        fresh: Freshness,
        clock: ClockOf,
    ) -> None:
        self._state, self._market, self._fresh, self._clock = state, market, fresh, clock
        self.past: PastEvents | None = None
        """Where events of the past are had; None for nowhere."""
        self._venues = market if isinstance(market, Venues) else None
        self._recorded = getattr(market, "source_kind", "live") == "replay"
        self.desk = self._desk()
        self._book, self._seals = MemoryBook(), Seals()
        self._waiting: deque[Seen] = deque()
        self._expired: list[int] = []
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._ticks: dict[str, dict[str, Tick]] = {}
        """The newest price of each symbol by venue; the one that stands for the market is the lead's."""
        self._prices: dict[str, float] = {}
        self._sweeps = 0
        self._loaded = False
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Return how many fires wait to be decided."""
        return len(self._waiting) + len(self.desk.sightings)

    def counts(self) -> Mapping[str, int]:
        """Return how many rules each symbol has."""
        return self._seals.counts()

    async def load(self) -> None:
        """Take up every rule, what evaluating them remembers, and the fires that were not decided.

        Called again, it takes up what has changed, and keeps what is only in memory.
        """
        if self._loaded:
            for symbol in self._seals.symbols():
                await self.changed(symbol)
            return
        columns, kept = await self._state.read(_read)
        desk, seals = self._desk(), Seals()
        found = await asyncio.to_thread(ours, columns)
        batch = await asyncio.to_thread(batch_of, found)
        desk.features.now_ms = self._market.now_ms()
        past = await self._pasts(desk.lacking(batch.keys))
        await asyncio.to_thread(seals.load, found)
        await asyncio.to_thread(desk.add, batch, past)
        book = MemoryBook()
        desk.resume(book.load(kept, desk.rules.watched()), marks_of(kept), self._market.now_ms())
        self.desk, self._book, self._seals = desk, book, seals
        self._waiting = deque(_seen(kept))
        self._loaded = True

    async def changed(self, symbol: str) -> None:
        """Take up new, changed, paused and removed rules of a symbol; what is true already is not news."""
        columns = await self._state.read(lambda s: read_rules(s, symbol))
        found = await asyncio.to_thread(ours, columns)
        fresh, gone = self._seals.differ(symbol, found)
        self.desk.remove(rule for rule in gone.tolist() if self.desk.symbol_of(rule) == symbol)
        try:
            if len(fresh):
                batch = await asyncio.to_thread(lambda: batch_of(some(found, fresh)))
                self.desk.add(batch, await self._pasts(self.desk.lacking(batch.keys)))
                if symbol in self._prices:
                    self.desk.priced(symbol, self._prices[symbol])
        except BaseException:
            self._seals.forget(symbol, fresh)
            raise
        if len(fresh) or len(gone):
            await self.write()

    def hear(self, event: Event, *, leads: bool | None = None) -> None:
        """Take in an event; what fires is held until `decide`. Costs microseconds."""
        if isinstance(event, Tick):
            self._ticks.setdefault(event.symbol, {})[event.venue] = event
        else:
            self._recent.append(event)
        self.desk.take(event, leads=leads)

    def price(self, tick: Tick, zones: ZoneSet | None) -> None:
        """Take in a price that stands for its market, with the zones around it."""
        lead = next(iter(self._venues_of(tick.symbol)), tick.venue)
        known = self._ticks.setdefault(tick.symbol, {})
        known[tick.venue] = tick
        self._prices[tick.symbol] = tick.price
        known[lead] = tick if lead == tick.venue else replace(tick, venue=lead)
        self.desk.take(tick, leads=True)
        self.desk.see(tick.symbol, zones)

    def zones(self, symbol: str, events: Iterable[ZoneEvent]) -> None:
        """Take in what became of zones."""
        news = list(events)
        known_ms = max((event.ts + STEP_MS for event in news), default=0)
        self.desk.happened(symbol, news, max(known_ms, self.desk.now_ms))

    def holds(self, fire: Fire) -> bool | None:
        """Say whether what a rule told holds now; None while that cannot be known."""
        branch = dict(fire.facts).get("branch", 0)
        return self.desk.holds(fire.rule_id, int(branch))

    async def decide(self) -> Outcome:
        """Decide one batch of what has fired, with what evaluation remembers by now; raise StorageError.

        Those that are too many for one batch are put into the store first: the worst are decided first.
        """
        self._collect()
        if len(self._waiting) > BATCH:
            await self._rank()
        self._collect()  # nothing may fire between this and what is remembered
        memory = self.desk.memory()
        batch = list(islice(self._waiting, BATCH))
        later = [seen for seen in islice(self._waiting, BATCH, None) if not seen.number]
        work = self._work(batch, later, memory)
        try:
            outcome, ended, numbers = await self._state.run(work)
        except BaseException:
            self._give_back(memory)
            raise
        self._settle(memory)
        stored = iter(numbers)
        rest = islice(self._waiting, len(batch), None)
        self._waiting = deque(s if s.number else replace(s, number=next(stored)) for s in rest)
        self._drop(ended)
        return outcome

    def _work(
        self, batch: Sequence[Seen], later: Sequence[Seen], memory: Memory | None
    ) -> Callable[[Session], tuple[Outcome, list[Rule], list[int]]]:
        """Return the transaction that decides a batch, keeps what comes later, and remembers."""
        changed = Difference() if memory is None else self._book.difference(memory)
        symbols = {seen.sighting.symbol for seen in batch}
        clock = self._clock(max((seen.at_ms for seen in batch), default=self.desk.now_ms), symbols)
        venues = {symbol: self._venues_of(symbol) for symbol in symbols}

        def work(session: Session) -> tuple[Outcome, list[Rule], list[int]]:
            moment = clock.at(session)
            rules = rules_of(session, [seen.sighting.hit.rule for seen in batch])
            fires = self._fresh.marked(_fires(session, batch, rules, moment, venues))
            decided = decide(session, fires, (), moment)
            times = note_sweeps(session, fires, moment)
            once = [fire for fire in fires if _speaks_once(rules[fire.rule_id])]
            ended = [r for f in once for r in end_rules(session, [f.rule_id], Ended.FIRED_ONCE, f.ts)]
            rule_memory.drop_hits(session, [seen.number for seen in batch if seen.number])
            told = [(seen.sighting.hit.rule, seen_to_json(seen)) for seen in later]
            numbers = rule_memory.add_hits(session, told, epoch=moment.epoch)
            rule_memory.write_memory(session, changed, epoch=moment.epoch)
            return Outcome(decided, times), ended, numbers

        return work

    async def write(self) -> None:
        """Write what evaluation remembers, where nothing waits that it would tell of; raise StorageError."""
        if self.waiting or (memory := self.desk.memory()) is None:
            return
        changed = self._book.difference(memory)
        try:
            await self._state.run(
                lambda s: rule_memory.write_memory(s, changed, epoch=current_epoch(s)) if changed else None
            )
        except BaseException:
            self._give_back(memory)
            raise
        self._settle(memory)

    async def sweep(self, now_ms: int) -> None:
        """Let time pass, end what has expired, and write what is remembered now and then, or what is new."""
        self.desk.advance(now_ms)
        self._expired += self.desk.rules.expired(now_ms)
        if self._expired:
            gone = list(self._expired)
            self._drop(await self._state.run(lambda s: end_rules(s, gone, Ended.EXPIRED, now_ms)))
            self._expired = [rule for rule in self._expired if rule not in gone]
        self._sweeps += 1
        if self._sweeps % WRITE_EVERY == 0 or self._book.lacks(self.desk.dirty):
            await self.write()

    async def sought(self, ts: int, *, backwards: bool) -> None:
        """Begin anew at another time: what is true then is not news. Backwards, nothing before counts."""
        if backwards:
            self._waiting.clear()
            self.desk.sightings.clear()
            self._book.clear()
        self._collect()
        self._recent.clear()
        self._ticks.clear()
        self._prices.clear()
        self.desk.restart(ts)
        for symbol in self._seals.symbols():
            await self.changed(symbol)
        watched = self.desk.rules.watched()
        self.desk.restart(ts, await self._pasts([key for key in watched if isinstance(key, Feature)]))

    def _desk(self) -> Desk:
        return Desk(lambda symbol: next(iter(self._venues_of(symbol)), ""), recorded=self._recorded)

    def _venues_of(self, symbol: str) -> tuple[str, ...]:
        return () if self._venues is None else self._venues.venues_of(symbol)

    async def _pasts(self, features: Sequence[Feature]) -> dict[str, list[Event]]:
        """Return the past of features by symbol; where it cannot be read, none."""
        found: dict[str, list[Event]] = {}
        for symbol in dict.fromkeys(feature.symbol for feature in features):
            wanted = [f for f in features if f.symbol == symbol and f.metric not in PLAIN]
            if self.past is not None and wanted:
                try:
                    found[symbol] = await self.past.events(symbol, wanted)
                except StorageError as error:
                    log.warning("rules.past_not_read", symbol=symbol, why=str(error))
            heard = [event for event in self._recent if event.symbol == symbol]
            found[symbol] = [*found.get(symbol, ()), *heard, *self._ticks.get(symbol, {}).values()]
        return found

    def _collect(self) -> None:
        """Take what has fired from the desk."""
        while self.desk.sightings:
            sighting = self.desk.sightings.popleft()
            if len(self._waiting) < MOST:
                at_ms = max(self.desk.now_ms, sighting.hit.ts)
                self._waiting.append(Seen(sighting=sighting, at_ms=at_ms))
            else:
                self.dropped += 1

    async def _rank(self) -> None:
        """Put the worst of many first."""
        known = await self._state.read(lambda s: severities(s, {w.sighting.hit.rule for w in self._waiting}))
        ranked = sorted(
            self._waiting, key=lambda w: RANKS.get(known.get(w.sighting.hit.rule, ""), len(RANKS))
        )
        self._waiting = deque(ranked)

    def _give_back(self, memory: Memory | None) -> None:
        if memory is not None:
            self.desk.unwritten(memory)

    def _settle(self, memory: Memory | None) -> None:
        if memory is not None:
            self._book.written(memory)

    def _drop(self, ended: Iterable[Rule]) -> None:
        """Let go of rules that have ended."""
        for rule in ended:
            self.desk.remove([rule.rule_id])
            self._seals.forget(rule.symbol, np.array([rule.rule_id]))


def _read(session: Session) -> tuple[RuleColumns, Kept]:
    return read_rules(session), rule_memory.read_memory(session, epoch=current_epoch(session))


def _seen(kept: Kept) -> Iterable[Seen]:
    for number, hit in kept.hits.items():
        try:
            yield seen_of_json(hit, number)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("rules.hit_unreadable", number=number, why=repr(error))


def _fires(
    session: Session,
    batch: Iterable[Seen],
    rules: Mapping[int, Rule],
    moment: Moment,
    venues: Mapping[str, tuple[str, ...]],
) -> list[Fire]:
    """Return the fires of rules that are still there, told in the language of where they go."""
    found: list[Fire] = []
    for seen in batch:
        rule = rules.get(seen.sighting.hit.rule)
        if rule is None or rule.ended_ms is not None:
            continue
        try:
            place = rule_view(rule).destination
            language = placed_preferences(session, rule.user_id, place, moment.house).language
            with speaking(speech_of(language)):
                fire = fire_of(seen, rule, epoch=moment.epoch, venues=venues)
        except UserError as error:
            log.warning("rules.unreadable", rule=rule.rule_id, why=str(error))
            continue
        if fire is not None:
            found.append(fire)
    return found


def _speaks_once(rule: Rule) -> bool:
    return spec_of(rule.kind, rule.params).repeat is Repeat.ONCE
