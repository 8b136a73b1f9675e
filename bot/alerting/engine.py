"""Watch prices and decide alerts: the live part, around the deciding functions that need no loop."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import structlog
from sqlalchemy.orm import Session

from bot.alerting import history, testing
from bot.alerting.audit import Finding, audit
from bot.alerting.context import House
from bot.alerting.decide import Decided, decide
from bot.alerting.history import Happened
from bot.alerting.index import Look, WatchIndex
from bot.alerting.moment import Clock
from bot.alerting.parts import (
    KEEP_DAYS,
    YOUNG_MS,
    AlertingHealth,
    Latest,
    MarketClock,
    arm_key,
    load_all,
    nothing,
    reload_symbol,
    wall_clock_ms,
)
from bot.alerting.records import HistoryStore, Records
from bot.alerting.sweep import new_epoch, sweep, to_digest
from config.settings import AlertSettings
from engine.alerts.reasons import Reason
from engine.errors import StorageError
from engine.model import DAY_MS, Fire, RuleId, Severity, Tick, UserId, Watch, ZoneEvent, ZoneSet
from engine.rules.zone_proximity import still_true
from storage import alert_state, alerts
from storage.alert_state import ArmChange
from storage.epochs import current_epoch
from storage.rules import to_watch
from storage.state import StateStore

log = structlog.get_logger(__name__)


class Alerting:
    """Evaluate watches on every tick, write what follows in one transaction, look after what waits.

    `wake` is called when something was put into the outbox.
    """

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
        self._state = state
        self._market = market
        self._house = House.of(settings)
        self._wake = wake
        self._wall_ms = wall_ms
        self._records = Records(store)
        self._index = WatchIndex()
        self._latest: dict[str, Latest] = {}
        self._unwritten: dict[tuple[RuleId, str, Severity], ArmChange] = {}
        self._due: list[int] = []
        self._new_due: deque[int] = deque()
        self._lock = asyncio.Lock()
        self._fault = ""

    def on_queued(self, wake: Callable[[], None]) -> None:
        """Call `wake` from now on when something was put into the outbox."""
        self._wake = wake

    async def load(self) -> None:
        """Take up rules, arms and what waits from the store."""
        async with self._lock:
            epoch, rules, fired, due = await self._state.read(load_all)
            self._index = WatchIndex(epoch)
            old_ms = self._wall_ms() - YOUNG_MS
            for symbol, rows in rules.items():
                young = {RuleId(r.rule_id) for r in rows if r.created_wall_ms > old_ms}
                self._index.set_symbol(symbol, map(to_watch, rows), fired=fired, young=young)
            self._due = due
            heapq.heapify(self._due)
            self._unwritten.clear()

    async def on_tick(self, tick: Tick, zones: ZoneSet | None) -> None:
        """Look at one price. Where nothing can change this costs microseconds and no SQL."""
        if self._due and self._due[0] <= tick.ts:
            await self.sweep(tick.ts)
        self._latest[tick.symbol] = Latest(tick.price, tick.ts, zones)
        if zones is not None and self._index.look(tick.symbol, zones, tick.price, tick.ts) is not None:
            await self._look(tick.symbol)

    async def on_zone_events(self, symbol: str, events: Sequence[ZoneEvent]) -> None:
        """Hand arms on to what zones became at a candle; to be called before the next price of the symbol."""
        async with self._lock:
            self._remember(self._index.follow(symbol, events))

    async def _look(self, symbol: str) -> None:
        """Look at a symbol's last price, and decide what fires; a store that fails loses nothing."""
        async with self._lock:
            latest = self._latest.get(symbol)
            if latest is None or latest.zones is None:
                return
            look = self._index.look(symbol, latest.zones, latest.price, latest.ts)
            if look is None:
                return
            fires = [fire for evaluation in look.fires for fire in evaluation.fires]
            if fires:
                await self._decide(look, fires)
            else:
                self._index.apply(look)
                self._remember(look.changes())

    async def _decide(self, look: Look, fires: list[Fire]) -> None:
        """Write fires with their arms; where that fails the next tick finds them again."""
        arms = self._unwritten | {arm_key(c): c for c in look.changes()}
        clock = self._clock(look.ts)
        try:
            decided = await self._state.run(lambda s: decide(s, fires, arms.values(), clock.at(s)))
        except StorageError as error:
            self._failed("alerting.not_decided", error)
            return
        self._index.apply(look)
        self._unwritten.clear()
        self._take(decided)

    def _take(self, decided: Iterable[Decided]) -> None:
        """Note what was decided: when to look again, what to send, what to keep for analytics."""
        self._fault = ""
        sends = False
        for one in decided:
            if one.until_ms is not None:
                heapq.heappush(self._due, one.until_ms)
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
            new = {w.rule_id for w in watches}
            self._index.set_symbol(symbol, watches, young=new)
            if moved:
                heapq.heappush(self._due, now_ms)
        await self._look(symbol)

    async def settings_changed(self, owner: UserId) -> None:
        """Look again at what a user's quiet hours or snooze hold, now that they changed."""
        now_ms = self._market.now_ms()
        held = [Reason.QUIET_HOLD, Reason.SNOOZED]
        async with self._lock:
            if await self._state.run(lambda s: alerts.bring_forward(s, held, now_ms, owner=owner)):
                heapq.heappush(self._due, now_ms)

    async def sweep(self, now_ms: int | None = None) -> None:
        """Look after what is due by a market time (now, if none is given), and write what waits to be."""
        until_ms = self._market.now_ms() if now_ms is None else now_ms
        async with self._lock:
            while self._new_due:
                heapq.heappush(self._due, self._new_due.popleft())
            while self._due and self._due[0] <= until_ms:
                if not await self._sweep_due(until_ms):
                    break
            if self._unwritten:
                await self._write_arms()
        self._records.flush()

    async def _sweep_due(self, until_ms: int) -> bool:
        """Sweep at the earliest due time, as of that time: a late sweep decides as a punctual one would."""
        due_ms = heapq.heappop(self._due)
        while self._due and self._due[0] == due_ms:
            heapq.heappop(self._due)
        last_ms = max((latest.ts for latest in self._latest.values()), default=until_ms)
        clock = self._clock(min(max(due_ms, last_ms), until_ms))
        latest = dict(self._latest)
        try:
            decided = await self._state.run(
                lambda s: sweep(s, clock.at(s), lambda fire: self._still_true(fire, latest))
            )
        except StorageError as error:
            heapq.heappush(self._due, due_ms)
            self._failed("alerting.not_swept", error)
            return False
        self._take(decided)
        return True

    def _still_true(self, fire: Fire, latest: dict[str, Latest]) -> bool:
        """Say whether what a held fire told holds at the last price."""
        watch: Watch | None = self._index.watch(fire.rule_id)
        now = latest.get(fire.symbol)
        if watch is None or now is None or now.zones is None:
            return False
        return still_true(watch, now.zones, fire, now.price)

    async def _write_arms(self) -> None:
        changes = list(self._unwritten.values())
        try:
            await self._state.run(lambda s: alert_state.write_arms(s, changes, epoch=current_epoch(s)))
        except StorageError as error:
            self._failed("alerting.arms_not_written", error)
            return
        self._unwritten.clear()

    async def on_seek(self, ts: int, *, backwards: bool) -> None:
        """Follow a jump of the market clock; backwards starts an epoch and voids what was before."""
        clock = self._clock(ts)
        async with self._lock:
            self._latest.clear()
            if not backwards:
                self._index.unsee()
                return
            epoch = await self._state.run(lambda s: new_epoch(s, clock.at(s)))
            self._index.restart(epoch)
            self._unwritten.clear()
            self._due.clear()
            self._new_due.clear()

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
        self._new_due.extend(to_digest(session, alert_ids, clock.at(session)))

    async def audit(self) -> list[Finding]:
        """Return what should not be; each finding is logged."""
        wall_ms, now_ms = self._wall_ms(), self._market.now_ms()
        found = await self._state.read(lambda s: audit(s, wall_ms=wall_ms, now_ms=now_ms))
        for finding in found:
            log.error("alerting.audit", what=finding.what, row=finding.row)
        return found

    async def forget_old(self) -> int:
        """Remove alerts that are older than they are kept; return how many."""
        before_ms = self._wall_ms() - KEEP_DAYS * DAY_MS
        return await self._state.run(lambda s: alerts.forget_old(s, before_wall_ms=before_ms))

    async def history(
        self, owner: UserId, *, rule_id: RuleId | None = None, limit: int = 20, offset: int = 0
    ) -> list[Happened]:
        """Return what became of a user's alerts, newest first."""
        return await self._state.read(
            lambda s: history.history(s, owner, rule_id=rule_id, limit=limit, offset=offset)
        )

    async def show(self, owner: UserId, alert_id: str) -> Happened | None:
        """Return the whole way of one of a user's alerts, or None where it is not theirs."""
        return await self._state.read(lambda s: history.show(s, owner, alert_id))

    def health(self) -> AlertingHealth:
        """Return how alerting fares."""
        return AlertingHealth(
            watches=self._index.counts(),
            next_due_ms=self._due[0] if self._due else None,
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
