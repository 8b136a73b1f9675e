"""Watch prices and decide alerts: the live part, around the deciding functions that need no loop."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy.orm import Session

from bot.alerting import testing
from bot.alerting.context import House
from bot.alerting.decide import Decided, decide
from bot.alerting.due import DueTimes
from bot.alerting.freshness import Freshness
from bot.alerting.index import Findings, Look, WatchIndex, changes_of
from bot.alerting.moment import Clock
from bot.alerting.parts import (
    BATCH,
    YOUNG_MS,
    AlertingHealth,
    Latest,
    Loaded,
    MarketClock,
    arm_key,
    as_of,
    holds,
    load_all,
    nothing,
    reload_symbol,
    wall_clock_ms,
    write_marks,
)
from bot.alerting.queries import AlertQueries
from bot.alerting.records import HistoryStore, Records
from bot.alerting.rules.fires import BRANCH
from bot.alerting.rules.live import LiveRules
from bot.alerting.rules.past import PastEvents
from bot.alerting.rules.turns import Turns
from bot.alerting.sweep import new_epoch, sweep, to_digest, void_before
from config.settings import AlertSettings
from engine.alerts.reasons import Reason
from engine.errors import StorageError
from engine.model import STEP_MS, Fire, RuleId, Severity, Tick, UserId, ZoneEvent, ZoneSet
from storage import alert_state, alerts
from storage.alert_state import ArmChange
from storage.epochs import current_epoch
from storage.rule_memory import clear_before
from storage.rules import revive_rules, to_watch
from storage.state import StateStore

log = structlog.get_logger(__name__)


class Alerting(AlertQueries):
    """Evaluate watches on every tick, write what follows, look after what waits; `wake` the sender."""

    def __init__(
        self,
        state: StateStore,
        store: HistoryStore | None,
        settings: AlertSettings,
        market: MarketClock,
        *,
        wake: Callable[[], None] = nothing,
        wall_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        super().__init__(state, market, wall_ms)
        self._house = House.of(settings)
        self._fresh = Freshness(market, settings)
        self._wake = wake
        self._records = Records(store, state)
        self._index = WatchIndex()
        self._rules = LiveRules(state, market, self._fresh, self._clock)
        self._latest: dict[str, Latest] = {}
        self._unwritten: dict[tuple[RuleId, str, Severity], ArmChange] = {}
        self._due = DueTimes()
        self._marks: dict[str, int] = {}
        self._resume: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._fault = ""
        self._turns = Turns(
            rules=self._rules,
            state=state,
            lock=self._lock,
            due=self._due,
            take=self._take,
            failed=self._failed,
            wake=wake,
        )
        self.on_event = self._turns.event
        self.on_said = self._turns.said

    def delivers(self, kinds: Iterable[str]) -> None:
        """Take note which channels run here, beside the app; to be said before `load`."""
        self._house = replace(self._house, kinds=frozenset(kinds))

    def reads(self, past: PastEvents) -> None:
        """Have numbers that are new begin with their past; to be said before `load`."""
        self._rules.past = past

    async def load(self) -> None:
        """Take up rules, arms and what waits from the store; void what an earlier epoch left.

        Called again, it takes up what has changed since, and loses nothing that is only in memory.
        """
        clock = self._clock(self._market.now_ms())

        def work(session: Session) -> Loaded:
            void_before(session, clock.at(session))
            clear_before(session, current_epoch(session))
            return load_all(session)

        async with self._lock:
            found = await self._state.run(work)
            self._index = WatchIndex(found.epoch)
            old_ms = self._wall_ms() - YOUNG_MS
            for symbol, rows in found.rules.items():
                young = {RuleId(r.rule_id) for r in rows if r.created_wall_ms > old_ms}
                self._index.set_symbol(symbol, map(to_watch, rows), fired=found.fired, young=young)
            self._due.load(found.due)
            self._marks = dict(found.marks)
            self._resume = dict(found.marks)
            self._unwritten.clear()
            await self._rules.load()

    async def on_tick(self, tick: Tick, zones: ZoneSet | None) -> None:
        """Look at one price. Where nothing can change this costs microseconds and no SQL.

        After a restart, prices that were looked at before it are not looked at again.
        """
        latest = Latest(tick.price, tick.ts, zones)
        self._latest.setdefault(tick.symbol, latest)
        if self._due.due(tick.ts):
            await self.sweep(tick.ts)
        self._latest[tick.symbol] = latest
        self._fresh.heard(tick)
        await self._turns.price(tick, zones)
        if self._resume and tick.ts <= self._resume.get(tick.symbol, -1):
            return
        if zones is not None and self._index.look(tick.symbol, zones, tick.price, tick.ts) is not None:
            await self._look(tick.symbol)

    async def on_zone_events(self, symbol: str, events: Sequence[ZoneEvent]) -> None:
        """Hand arms on to what zones became at a candle; to be called before the next price of the symbol."""
        seen_ms = self._resume.get(symbol, 0)
        new = [event for event in events if event.ts + STEP_MS > seen_ms]
        async with self._lock:
            self._remember(self._index.follow(symbol, new))
        await self._turns.zones(symbol, events)

    async def _look(self, symbol: str) -> None:
        """Look at a symbol's last price, and decide what fires; a store that fails loses nothing."""
        async with self._lock:
            latest = self._latest.get(symbol)
            if latest is None or latest.zones is None:
                return
            look = self._index.look(symbol, latest.zones, latest.price, latest.ts)
            if look is None:
                return
            batches = look.batches(BATCH)
            self._remember(changes_of(look.quiet) if not batches else ())
            for found in batches:
                if not await self._decide(look, found, last=found is batches[-1]):
                    return
            self._index.apply(look)
            self._marks[symbol] = max(look.ts, self._marks.get(symbol, look.ts))
            if look.ts > self._resume.get(symbol, look.ts):
                del self._resume[symbol]

    async def _decide(self, look: Look, found: Findings, *, last: bool) -> bool:
        """Write some watches' fires with their arms; where the store fails the next tick finds them again."""
        arms = {arm_key(c): c for c in changes_of(found)}
        if last:
            arms = self._unwritten | {arm_key(c): c for c in changes_of(look.quiet)} | arms
        fires = self._fresh.marked(fire for _, evaluation in found for fire in evaluation.fires)
        clock, marks = self._clock(look.ts, [look.symbol]), self._marks | {look.symbol: look.ts}

        def work(session: Session) -> list[Decided]:
            if last:
                write_marks(session, marks)
            return decide(session, fires, arms.values(), clock.at(session))

        try:
            decided = await self._state.run(work)
        except StorageError as error:
            self._failed("alerting.not_decided", error)
            return False
        self._index.take(look.symbol, found)
        if last:
            self._unwritten.clear()
        self._take(decided)
        return True

    def _take(self, decided: Iterable[Decided]) -> None:
        """Note what was decided: when to look again, what to send, what to keep for analytics."""
        self._fault = ""
        sends = False
        for one in decided:
            if one.until_ms is not None:
                self._due.add(one.until_ms)
            sends = sends or one.sends
            self._records.add(one.alert)
        if sends:
            self._wake()

    def _remember(self, changes: Iterable[ArmChange]) -> None:
        """Keep changes of arms until the next transaction."""
        self._unwritten |= {arm_key(change): change for change in changes}

    async def rules_changed(self, symbol: str) -> None:
        """Take up the rules of a symbol as they stand now, and look at it at once."""
        now_ms = self._market.now_ms()
        async with self._lock:
            rules, moved = await self._state.run(lambda s: reload_symbol(s, symbol, now_ms))
            watches = [to_watch(rule) for rule in rules]
            self._index.set_symbol(symbol, watches, young={w.rule_id for w in watches})
            await self._rules.changed(symbol)
            if moved:
                self._due.add(now_ms)
        await self._look(symbol)

    async def settings_changed(self, owner: UserId) -> None:
        """Look again at what a user's quiet hours or snooze hold, now that they changed."""
        now_ms, held = self._market.now_ms(), [Reason.QUIET_HOLD, Reason.SNOOZED]
        async with self._lock:
            if await self._state.run(lambda s: alerts.bring_forward(s, held, now_ms, owner=owner)):
                self._due.add(now_ms)

    async def sweep(self, now_ms: int | None = None) -> None:
        """Look after what is due by a market time (now, if none is given), and write what waits to be."""
        until_ms = self._market.now_ms() if now_ms is None else now_ms
        async with self._lock:
            self._due.collect()
            while (due_ms := self._due.take(until_ms)) is not None:
                if not await self._sweep_due(due_ms, until_ms):
                    break
            if self._unwritten:
                await self._write_arms()
        await self._turns.sweep(until_ms)
        self._records.flush()

    async def _sweep_due(self, due_ms: int, until_ms: int) -> bool:
        """Sweep what was due at a time, as of that time: a late sweep decides as a punctual one would."""
        marks = (min(mark, until_ms) for mark in self._marks.values())
        known = [*marks, *(latest.ts for latest in self._latest.values())]
        clock = self._clock(as_of(due_ms, until_ms, known), self._counts())
        latest = dict(self._latest)
        try:
            decided = await self._state.run(
                lambda s: sweep(
                    s,
                    clock.at(s),
                    lambda fire: self._still_true(fire, latest),
                )
            )
            await self._turns.follow_up(clock)
        except StorageError as error:
            self._due.add(due_ms)
            self._failed("alerting.not_swept", error)
            return False
        self._take(decided)
        return True

    def _still_true(self, fire: Fire, latest: Mapping[str, Latest]) -> bool | None:
        """Say whether what a held fire told holds now; None while that cannot be known."""
        if BRANCH in dict(fire.facts):
            return self._rules.holds(fire)
        return holds(self._index.watch(fire.rule_id), latest.get(fire.symbol), fire)

    async def _write_arms(self) -> None:
        changes, marks = list(self._unwritten.values()), dict(self._marks)

        def work(session: Session) -> None:
            write_marks(session, marks)
            alert_state.write_arms(session, changes, epoch=current_epoch(session))

        try:
            await self._state.run(work)
        except StorageError as error:
            self._failed("alerting.arms_not_written", error)
            return
        self._unwritten.clear()

    async def on_seek(self, ts: int, *, backwards: bool) -> None:
        """Follow a jump of the market clock; backwards starts an epoch and voids what was before."""
        clock = self._clock(ts)
        async with self._lock:
            self._latest.clear()
            self._marks.clear()
            self._resume.clear()
            if not backwards:
                self._index.unsee()
                await self._rules.sought(ts, backwards=False)
                return
            epoch = await self._state.run(lambda s: _begin_epoch(s, clock))
            self._index.restart(epoch)
            self._unwritten.clear()
            self._due.load(())
            await self._rules.sought(ts, backwards=True)

    async def send_test(self, owner: UserId, rule_id: RuleId) -> str:
        """Send a marked test alert of one rule through the outbox; return its alert id.

        Raises UserError where the owner has no such rule.
        """
        clock, latest = self._clock(self._market.now_ms()), dict(self._latest)
        decided = await self._state.run(
            lambda s: testing.send_test(s, owner, rule_id, latest.get, clock.at(s))
        )
        self._wake()
        return decided.alert.alert_id

    def expired(self, session: Session, alert_ids: list[str]) -> None:
        """Hand alerts that nobody got in time to the digest; the delivery worker's hook."""
        clock = self._clock(self._market.now_ms())
        self._due.post(to_digest(session, alert_ids, clock.at(session)))

    def health(self) -> AlertingHealth:
        """Return how alerting fares."""
        return AlertingHealth(
            watches=self._counts(),
            next_due_ms=self._due.first_ms,
            epoch=self._index.epoch,
            unwritten_history=len(self._records),
            fault=self._fault,
        )

    async def close(self) -> None:
        """Write what is only in memory."""
        await self._turns.close()
        async with self._lock:
            if self._unwritten:
                await self._write_arms()
        await self._records.close()

    def _counts(self) -> dict[str, int]:
        """Return how many rules of all kinds each symbol has."""
        return dict(Counter(self._index.counts()) + Counter(self._rules.counts()))

    def _clock(self, now_ms: int, symbols: Iterable[str] = ()) -> Clock:
        return Clock(
            now_ms=now_ms,
            wall_ms=self._wall_ms(),
            house=self._house,
            label=self._market.label(),
            supply=self._fresh.supplies(symbols),
        )

    def _failed(self, what: str, error: StorageError) -> None:
        self._fault = str(error)
        log.error(what, fault=self._fault)


def _begin_epoch(session: Session, clock: Clock) -> int:
    """Start an epoch: what the old one remembered is void, and what had ended after its time lives again."""
    epoch = new_epoch(session, clock.at(session))
    clear_before(session, epoch)
    revive_rules(session, clock.now_ms)
    return epoch
