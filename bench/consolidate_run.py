"""Let made traders live through recorded days on the product's own pipeline, over a state store on disk.

Each price of the replay is looked at by `WatchIndex`, what fires is decided by `decide`, what waits by
`sweep` when it is due: what `Alerting` calls, in its order, without its loop. Nothing is sent anywhere.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from bench.alerts import Market
from bench.consolidate_traders import Trader
from bot.alerting.context import House
from bot.alerting.decide import Decided, decide
from bot.alerting.due import DueTimes
from bot.alerting.index import Look, WatchIndex, changes_of
from bot.alerting.moment import Clock
from bot.alerting.parts import Latest, arm_key, as_of, holds
from bot.alerting.sweep import sweep
from config.sections import AlertSettings
from engine.model import DAY_MS, Fire, RuleId, Severity
from engine.path import candle_path
from storage import alert_state
from storage.alert_state import ArmChange
from storage.rules import add_rule, to_watch
from storage.state_db import StateDatabase
from storage.tables import Alert, Delivery, Rule
from storage.users import ensure_user, set_settings

T = TypeVar("T")

INHIBIT_RECHECK_S = 900
"""The product looks every minute: that takes longer here, and changed one ring in 133."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One message that makes a phone ring: when, of which alert, whether it is a digest."""

    alert_id: str
    at_ms: int
    digest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one trader got of some days: each fire that was found, its alert, every ring.

    `first_ms` says when the first message about an alert went out, silent or not; `alerts` are by fire.
    `lenient` are the rules that let quiet hours hold criticals.
    """

    trader: Trader
    fires: list[Fire]
    alerts: dict[str, Alert]
    rings: list[Ring]
    first_ms: dict[str, int]
    lenient: frozenset[int]

    def told_ms(self, fire_id: str) -> int | None:
        """Return when the message that carries a fire went out; None where none did."""
        carriers = {alert.alert_id: alert.carrier_id for alert in self.alerts.values()}
        alert = self.alerts.get(fire_id)
        at = alert.alert_id if alert else None
        while at is not None and at not in self.first_ms:
            at = carriers.pop(at, None)
        return None if at is None else self.first_ms[at]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived(Generic[T]):
    """What was found of each trader of a group, and what deciding cost.

    `walks` says how often a fire went through the pipeline, `busy_s` how long that took, with everything that
    was written because of it.
    """

    found: list[T]
    walks: int
    busy_s: float


def shipped_house() -> House:
    """Return the shipped rules of the house, but for how often an inhibited alert is looked at again."""
    usual = House.of(AlertSettings())
    return replace(usual, policy=replace(usual.policy, inhibit_recheck_s=INHIBIT_RECHECK_S))


@dataclass(slots=True)
class Crowd:
    """Some traders with their watches, on one store; each has an index of their own."""

    database: StateDatabase
    people: Mapping[str, Trader]
    indexes: Mapping[str, WatchIndex]
    of_rule: Mapping[RuleId, WatchIndex]
    house: House = field(default_factory=shipped_house)
    due: DueTimes = field(default_factory=DueTimes)
    latest: dict[str, Latest] = field(default_factory=dict)
    unwritten: dict[tuple[RuleId, str, Severity], ArmChange] = field(default_factory=dict)
    fires: list[Fire] = field(default_factory=list)
    walks: int = 0
    busy_s: float = 0.0

    def tick(self, symbol: str, now: Latest) -> None:
        """Look after what is due, then at one price."""
        self.latest.setdefault(symbol, now)
        if self.due.due(now.ts):
            self.sweep(now.ts)
        self.latest[symbol] = now
        if now.zones is None:
            return
        looks = []
        for index in self.indexes.values():
            look = index.look(symbol, now.zones, now.price, now.ts)
            if look is not None:
                looks.append((index, look))
        if looks:
            self._decide(looks, now.ts)

    def _decide(self, looks: Sequence[tuple[WatchIndex, Look]], now_ms: int) -> None:
        """Write what a price changed; arms alone wait for the next transaction."""
        self.unwritten |= {arm_key(c): c for _, look in looks for c in changes_of(look.found)}
        fires = [fire for _, look in looks for found in look.fires for fire in found.fires]
        for index, look in looks:
            index.apply(look)
        if not fires:
            return
        self.fires += fires
        arms, clock = list(self.unwritten.values()), self._clock(now_ms)
        self._take(lambda s: decide(s, fires, arms, clock.at(s)))
        self.unwritten.clear()

    def sweep(self, until_ms: int) -> None:
        """Look after all that is due by a time, each as of when it was due."""
        while (due_ms := self.due.take(until_ms)) is not None:
            known = [latest.ts for latest in self.latest.values()]
            self._take(partial(self._swept, self._clock(as_of(due_ms, until_ms, known))))

    def _swept(self, clock: Clock, session: Session) -> list[Decided]:
        moment = clock.at(session)
        decided = sweep(session, moment, self._still_true)
        alert_state.write_arms(session, self.unwritten.values(), epoch=moment.epoch)
        self.unwritten.clear()
        return decided

    def _still_true(self, fire: Fire) -> bool | None:
        return holds(self.of_rule[fire.rule_id].watch(fire.rule_id), self.latest.get(fire.symbol), fire)

    def follow(self, symbol: str, market: Market, row: int) -> None:
        """Hand arms on to what zones became at a candle."""
        for index in self.indexes.values():
            changes = index.follow(symbol, market.zones[row][1])
            self.unwritten |= {arm_key(change): change for change in changes}

    def _take(self, work: Callable[[Session], list[Decided]]) -> None:
        """Decide in one transaction, and note when what waits is due."""
        began = time.perf_counter()
        decided = self.database.write(work)
        self.busy_s += time.perf_counter() - began
        self.walks += len(decided)
        for one in decided:
            if one.until_ms is not None:
                self.due.add(one.until_ms)

    def _clock(self, now_ms: int) -> Clock:
        return Clock(now_ms=now_ms, wall_ms=now_ms, house=self.house)


def live_through(
    markets: Mapping[str, Market], people: Sequence[Trader], span: tuple[int, int], folder: Path
) -> Lived[Told]:
    """Return what each trader got from `span[0]` to `span[1]`; the store is made anew in `folder`.

    What waits at the end is looked at a day later, and what goes to a digest then another day later, so that
    the last digests count.
    """
    database = StateDatabase.open(f"sqlite:///{folder / 'state.db'}")
    gc.freeze()  # a month of zones stays: no collection needs to look through it
    try:
        crowd = _settle(database, people, span[0])
        for symbol, now, row in _prices(markets, span):
            if row is not None:
                crowd.follow(symbol, markets[symbol], row)
            crowd.tick(symbol, now)
        for after_ms in (DAY_MS, 2 * DAY_MS):
            crowd.due.load([span[1] + after_ms])
            crowd.sweep(span[1] + after_ms)
        found = database.read(lambda s: _told(s, crowd))
        return Lived(found=found, walks=crowd.walks, busy_s=crowd.busy_s)
    finally:
        gc.unfreeze()
        database.close()


def _settle(database: StateDatabase, people: Sequence[Trader], now_ms: int) -> Crowd:
    """Make users, settings and rules, and an index of watches for each."""

    def work(session: Session) -> dict[str, WatchIndex]:
        indexes = {}
        for trader in people:
            ensure_user(session, trader.user_id, now_ms)
            set_settings(session, trader.user_id, dict(trader.settings), wall_ms=now_ms)
            rules = [
                add_rule(session, trader.user_id, new, now_ms=now_ms, wall_ms=now_ms) for new in trader.rules
            ]
            indexes[trader.user_id] = index = WatchIndex()
            watches = sorted(map(to_watch, rules), key=lambda w: w.symbol)
            for symbol, same in groupby(watches, key=lambda w: w.symbol):
                kept = list(same)
                index.set_symbol(symbol, kept, young={w.rule_id for w in kept})
                of_rule.update(dict.fromkeys((w.rule_id for w in kept), index))
        return indexes

    of_rule: dict[RuleId, WatchIndex] = {}
    indexes = database.write(work)
    return Crowd(database, {t.user_id: t for t in people}, indexes, of_rule)


def _prices(markets: Mapping[str, Market], span: tuple[int, int]) -> Iterator[tuple[str, Latest, int | None]]:
    """Give every price in market-time order; with the first of a candle the row that closed before it."""
    rows = {s: np.searchsorted(m.candles.ts, span).tolist() for s, m in markets.items()}
    candles = sorted((int(markets[s].candles.ts[row]), s, row) for s in rows for row in range(*rows[s]))
    for _, together in groupby(candles, key=lambda c: c[0]):
        paths = [(symbol, row, *_path(markets[symbol], symbol, row)) for _, symbol, row in together]
        for step in range(len(paths[0][2])):
            for symbol, row, times, prices in paths:
                now = Latest(prices[step], times[step], markets[symbol].zones[row - 1][0])
                yield symbol, now, row - 1 if step == 0 else None


def _path(market: Market, symbol: str, row: int) -> tuple[list[int], list[float]]:
    """Return times and prices of one candle, as the replay gives them."""
    times, prices = candle_path(market.candles.row(row, venue=market.zones[row][0].venue, symbol=symbol))
    return times.tolist(), prices.tolist()


def _told(session: Session, crowd: Crowd) -> list[Told]:
    """Read from the store what every trader got."""
    alerts = list(session.scalars(select(Alert)))
    messages = list(session.scalars(select(Delivery).where(Delivery.revision == 0)))
    kinds = {alert.alert_id: alert.kind for alert in alerts}
    lenient = [(r.rule_id, r.user_id) for r in session.scalars(select(Rule)) if r.params["quiet_critical"]]
    found = []
    for user_id, trader in crowd.people.items():
        own = [m for m in messages if m.user_id == user_id]
        loud = {m.alert_id: m.market_ms for m in own if not m.message["silent"]}
        found.append(
            Told(
                trader=trader,
                fires=[fire for fire in crowd.fires if fire.owner == user_id],
                alerts={a.fire_id: a for a in alerts if a.user_id == user_id and a.kind != "digest"},
                rings=[Ring(alert_id=i, at_ms=ms, digest=kinds[i] == "digest") for i, ms in loud.items()],
                first_ms={m.alert_id: m.market_ms for m in own},
                lenient=frozenset(r for r, owner in lenient if owner == user_id),
            )
        )
    return found
