"""Whatever prices do: looking only when it matters finds the same, and SQL decides as memory does."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.alerting.context import House, preferences_of
from bot.alerting.decide import decide
from bot.alerting.freshness import Supply
from bot.alerting.index import WatchIndex, arm_changes
from bot.alerting.moment import Moment
from bot.alerting.sweep import sweep
from config.settings import AlertSettings
from engine.alerts.memory import Memory
from engine.alerts.stage import RuleView
from engine.model import RuleId, Severity, Side, UserId, Watch, ZoneChange, ZoneEvent, ZoneId
from engine.rules.zone_proximity import ArmState, evaluate, follow, still_true
from storage import alerts
from storage.rules import NewRule, add_rule, watch_params
from storage.state_db import StateDatabase
from storage.tables import Alert, AlertStep, Delivery
from storage.users import set_settings

STEPS = {Severity.INFO: 0.05, Severity.WARNING: 0.03, Severity.CRITICAL: 0.01}
T0 = 1_760_126_400_000
prices = st.one_of(st.floats(80, 120), st.sampled_from([90.0, 95.0, 96.0, 97.9381, 105.0, 110.0]))
sides = st.sampled_from([None, Side.LONG, Side.SHORT])
spans = st.tuples(st.floats(0.2, 4), st.floats(1e6, 60e6))


@st.composite
def zone_sets(draw, kit_zone):
    """Return up to four zones around 100, longs below and shorts above."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        width, usd = draw(spans)
        side = draw(st.sampled_from(list(Side)))
        low = draw(st.floats(85, 98)) if side is Side.LONG else draw(st.floats(101, 112))
        made.append(kit_zone(f"z{number}", side, low, low + width, usd))
    return tuple(made)


@settings(max_examples=150)
@given(data=st.data())
def test_the_calm_band_never_hides_a_fire(kit, data):
    watches = [
        Watch(
            rule_id=RuleId(n),
            owner=UserId("u"),
            symbol="BTCUSDT",
            within=tuple(STEPS.items())[: data.draw(st.integers(1, 3))],
            min_notional_usd=data.draw(st.one_of(st.none(), st.floats(0, 50e6))),
            side=data.draw(sides),
            hysteresis=data.draw(st.sampled_from([0.0, 0.0025, 0.01])),
        )
        for n in range(2)
    ]
    index, plain = WatchIndex(), {w.rule_id: ArmState() for w in watches}
    index.set_symbol("BTCUSDT", watches)
    for minute in range(data.draw(st.integers(1, 4))):
        events = [
            ZoneEvent(ts=T0, change=change, zone=kit.zone(f"z{n}"), other=ZoneId("z0"))
            for n, change in data.draw(
                st.lists(st.tuples(st.integers(1, 3), st.sampled_from(list(ZoneChange))), max_size=2)
            )
        ]
        index.follow("BTCUSDT", events)
        plain = {rule_id: follow(armed, events).state for rule_id, armed in plain.items()}
        zones = kit.zones(*data.draw(zone_sets(kit.zone)), least=data.draw(st.floats(0, 40e6)))
        for number, price in enumerate(data.draw(st.lists(prices, min_size=1, max_size=12))):
            ts = T0 + minute * 300_000 + number * 15_000
            found = []
            look = index.look("BTCUSDT", zones, price, ts)
            if look is not None:
                found = [fire.fire_id for e in look.fires for fire in e.fires]
                index.apply(look)
            wanted = []
            for watch in watches:
                evaluation = evaluate(watch, zones, price, price, ts, plain[watch.rule_id])
                plain[watch.rule_id] = evaluation.state
                wanted += [fire.fire_id for fire in evaluation.fires]
            assert found == wanted


class Reference(Memory):
    """Memory, but a held fire that goes to a later digest at its time waits for that digest."""

    def sweep(self, now_ms, still_true):
        due = [i for i, until_ms in self.waiting.items() if until_ms <= now_ms]
        due.sort(key=lambda i: (self.records[i].fire.ts, i))
        outcomes = [self._again(i, now_ms, still_true) for i in due if self._held(i)]
        self._digest([i for i in due if self.waiting.get(i, now_ms + 1) <= now_ms], now_ms)
        return outcomes


class Both:
    """The same market decided twice: in memory, and in SQL."""

    def __init__(self, database, wishes, policy_settings):
        self.db = database
        self.house = House.of(policy_settings)
        self.watches = {}
        self.memory = Reference(policy=self.house.policy)
        self.memory.preferences[UserId("u")] = preferences_of(wishes, policy_settings)
        self.state = {}
        self.latest = None
        database.write(lambda s: set_settings(s, "u", wishes, wall_ms=1))

    def watch(self, cooldown_s, side):
        params = watch_params(STEPS, hysteresis=0.0025, side=side)
        new = NewRule(symbol="BTCUSDT", params=params, cooldown_s=cooldown_s)
        rule = self.db.write(lambda s: add_rule(s, "u", new, now_ms=T0, wall_ms=1))
        rule_id = RuleId(rule.rule_id)
        self.watches[rule_id] = Watch(
            rule_id=rule_id,
            owner=UserId("u"),
            symbol="BTCUSDT",
            within=tuple(STEPS.items()),
            side=side,
            cooldown_s=cooldown_s,
        )
        self.memory.rules[rule_id] = RuleView(rule_id=rule_id, cooldown_s=cooldown_s)
        self.memory.arms[rule_id] = ArmState()

    def moment(self, now_ms):
        supply = {"BTCUSDT": Supply(stale="no price comes" if self.dark else "", price=100.0)}
        return Moment(now_ms=now_ms, wall_ms=1, epoch=0, house=self.house, supply=supply)

    @property
    def dark(self):
        return bool(self.memory.stale)

    @dark.setter
    def dark(self, dark):
        """Let data be stale from now on, or fresh."""
        self.memory.stale = {"BTCUSDT"} if dark else set()

    def true(self, fire):
        zones, price = self.latest
        return still_true(self.watches[fire.rule_id], zones, fire, price)

    def due(self):
        return self.db.read(lambda s: alerts.due_times(s, epoch=0))

    def tick(self, zones, price, ts):
        while (due := self.due()) and due[0] <= ts:
            assert set(due) == set(self.memory.waiting.values())
            self.memory.sweep(due[0], self.true)
            self.db.write(lambda s, now=due[0]: sweep(s, self.moment(now), self.true))
        self.latest = (zones, price)
        fires, changes = [], []
        for rule_id, watch in self.watches.items():
            evaluation = evaluate(watch, zones, price, price, ts, self.memory.arms[rule_id])
            self.memory.arms[rule_id] = evaluation.state
            fires += evaluation.fires
            changes += arm_changes(watch, evaluation)
        fires.sort(key=lambda f: -f.severity.rank)
        for fire in fires:
            self.memory.submit(fire, ts)
        self.db.write(lambda s: decide(s, fires, changes, self.moment(ts)))
        return fires


@settings(max_examples=25)
@given(data=st.data())
def test_sql_decides_as_memory_does_and_every_fire_has_one_row(kit, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("both") / "state.db"
    wishes = {"daily_limit": data.draw(st.sampled_from([1, 2, 50]))}
    if data.draw(st.booleans()):
        wishes |= {
            "quiet": "20:30-22:00",
            "quiet_mode": data.draw(st.sampled_from(["hold", "silent", "drop"])),
        }
    database = StateDatabase.open(f"sqlite:///{path}")
    try:
        both = Both(database, wishes, AlertSettings())
        for _ in range(data.draw(st.integers(1, 3))):
            both.watch(data.draw(st.sampled_from([0, 600, 3600])), data.draw(sides))
        compare(both, play(both, kit, data))
    finally:
        database.close()


def play(both, kit, data):
    """Run a random market through both; return every fire."""
    ts, fires = T0, []
    for minute in range(data.draw(st.integers(2, 5))):
        zones = kit.zones(*data.draw(zone_sets(kit.zone)), ts=T0 + minute)
        for price in data.draw(st.lists(prices, min_size=3, max_size=15)):
            step_ms = data.draw(st.sampled_from([15_000, 60_000, 900_000, 7_200_000]))
            ts += step_ms
            both.dark = step_ms < 900_000 and data.draw(st.sampled_from([False, False, True]))
            fires += both.tick(zones, price, ts)
    return fires


def compare(both, fires):
    """Check that both decided the same, and that nothing is without its one row, way and carrier."""

    def read(session):
        rows = list(session.scalars(select(Alert)))
        steps = Counter(session.scalars(select(AlertStep.alert_id)))
        told = set(session.scalars(select(Delivery.alert_id)))
        edits = session.scalar(
            select(func.count())
            .select_from(Delivery)
            .where(Delivery.revision > 0, Delivery.state == "QUEUED")
        )
        texts = session.execute(select(Delivery.alert_id, Delivery.message).where(Delivery.revision == 0))
        digests = Counter(text["silent"] for alert_id, text in texts if alert_id.startswith("d"))
        return rows, steps, told, edits, digests

    rows, steps, told, edits, digests = both.db.read(read)
    real = {row.fire_id: row for row in rows if row.kind == "zone_proximity"}
    assert sorted(real) == sorted({fire.fire_id for fire in fires})
    assert edits == 0  # nothing was sent, so messages are rewritten where they wait
    for alert_id, record in both.memory.records.items():
        row = real[record.fire.fire_id]
        assert row.alert_id == alert_id
        last = record.last
        assert (row.action, row.reason) == (last.action.value, last.reason.value)
        digested = row.action == "digest" and row.hold_until_ms is None
        assert row.hold_until_ms == (None if digested else both.memory.waiting.get(alert_id))
        assert steps[alert_id] == len(record.steps) + digested
        if row.action == "send":
            assert alert_id in told
        elif row.action == "fold":
            assert row.carrier_id == last.carrier or both.memory.records[last.carrier].carrier
    rings = {m.alert_id for m in both.memory.messages if not m.digest}
    assert rings == {row.alert_id for row in real.values() if row.action == "send"}
    hushed = Counter(m.silent for m in both.memory.messages if m.digest)
    assert hushed == Counter(row.reason == "digest_sent_silently" for row in rows if row.kind == "digest")
    assert hushed[True] == digests[True]
    assert hushed[False] == digests[False]


@pytest.mark.parametrize("least", [math.nan, 1e12])
def test_zones_that_do_not_matter_never_fire(kit, least):
    watch = Watch(rule_id=RuleId(1), owner=UserId("u"), symbol="BTCUSDT", within=tuple(STEPS.items()))
    index = WatchIndex()
    index.set_symbol("BTCUSDT", [watch])
    zones = kit.zones(kit.zone(), least=least)
    for price in (101.0, 95.5, 94.0, 80.0):
        look = index.look("BTCUSDT", zones, price, T0)
        if look is not None:
            assert not look.fires
            index.apply(look)
