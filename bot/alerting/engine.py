"""Watch prices and decide alerts: the live part, around the deciding functions that need no loop."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy.orm import Session

from bot.alerting import testing
from bot.alerting.context import House
from bot.alerting.decide import Decided, decide
from bot.alerting.due import DueTimes
from bot.alerting.index import Findings, Look, WatchIndex, changes_of
from bot.alerting.moment import Clock
from bot.alerting.parts import (
    BATCH,
    LATE_MS,
    YOUNG_MS,
    AlertingHealth,
    Latest,
    Loaded,
    MarketClock,
    arm_key,
    holds,
    load_all,
    nothing,
    reload_symbol,
    wall_clock_ms,
    write_marks,
)
from bot.alerting.queries import AlertQueries
from bot.alerting.records import HistoryStore, Records
from bot.alerting.sweep import new_epoch, sweep, to_digest, void_before
from config.settings import AlertSettings
from engine.alerts.reasons import Reason
from engine.errors import StorageError
from engine.model import STEP_MS, RuleId, Severity, Tick, UserId, ZoneEvent, ZoneSet
from storage import alert_state, alerts
from storage.alert_state import ArmChange
from storage.epochs import current_epoch
from storage.rules import to_watch
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
        self._wake = wake
        self._records = Records(store, state)
        self._index = WatchIndex()
        self._latest: dict[str, Latest] = {}
        self._unwritten: dict[tuple[RuleId, str, Severity], ArmChange] = {}
        self._due = DueTimes()
        self._marks: dict[str, int] = {}
        self._resume: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._fault = ""

    async def load(self) -> None:
        """Take up rules, arms and what waits from the store; void what an earlier epoch left."""
        clock = self._clock(self._market.now_ms())

        def work(session: Session) -> Loaded:
            void_before(session, clock.at(session))
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

    async def on_tick(self, tick: Tick, zones: ZoneSet | None) -> None:
        """Look at one price. Where nothing can change this costs microseconds and no SQL.

        After a restart, prices that were looked at before it are not looked at again.
        """
        latest = Latest(tick.price, tick.ts, zones)
        self._latest.setdefault(tick.symbol, latest)
        if self._due.due(tick.ts):
            await self.sweep(tick.ts)
        self._latest[tick.symbol] = latest
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
        fires = [fire for _, evaluation in found for fire in evaluation.fires]
        clock, marks = self._clock(look.ts), self._marks | {look.symbol: look.ts}

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
        self._records.flush()

    async def _sweep_due(self, due_ms: int, until_ms: int) -> bool:
        """Sweep what was due at a time, as of that time: a late sweep decides as a punctual one would."""
        clock = self._clock(self._as_of(due_ms, until_ms))
        latest = dict(self._latest)
        try:
            decided = await self._state.run(
                lambda s: sweep(
                    s,
                    clock.at(s),
                    lambda fire: holds(self._index.watch(fire.rule_id), latest.get(fire.symbol), fire),
                )
            )
        except StorageError as error:
            self._due.add(due_ms)
            self._failed("alerting.not_swept", error)
            return False
        self._take(decided)
        return True

    def _as_of(self, due_ms: int, until_ms: int) -> int:
        """Return the time to decide as of: when it was due, but not before the last price nor long ago."""
        known = [latest.ts for latest in self._latest.values() if latest.ts <= until_ms]
        as_of_ms = min(max([due_ms, *self._marks.values(), *known]), until_ms)
        return as_of_ms if until_ms - as_of_ms <= LATE_MS else until_ms

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
                return
            epoch = await self._state.run(lambda s: new_epoch(s, clock.at(s)))
            self._index.restart(epoch)
            self._unwritten.clear()
            self._due.load(())

    async def send_test(self, owner: UserId, rule_id: RuleId) -> str:
        """Send a marked test alert of one rule through the outbox; return its alert id.

        Raises UserError where the owner has no such rule.
        """
        watch = self._index.watch(rule_id)
        latest = self._latest.get(watch.symbol) if watch else None
        zones, price = (latest.zones, latest.price) if latest else (None, 0.0)
        clock = self._clock(self._market.now_ms())
        decided = await self._state.run(
            lambda s: testing.send_test(s, owner, rule_id, zones, price, clock.at(s))
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
            watches=self._index.counts(),
            next_due_ms=self._due.first_ms,
            epoch=self._index.epoch,
            unwritten_history=len(self._records),
            fault=self._fault,
        )

    async def close(self) -> None:
        """Write what is only in memory."""
        async with self._lock:
            if self._unwritten:
                await self._write_arms()
        await self._records.close()

    def _clock(self, now_ms: int) -> Clock:
        return Clock(now_ms=now_ms, wall_ms=self._wall_ms(), house=self._house, label=self._market.label())

    def _failed(self, what: str, error: StorageError) -> None:
        self._fault = str(error)
        log.error(what, fault=self._fault)
