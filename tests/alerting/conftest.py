"""A real state store, a market clock that stands still until told, watches and zones that fit them."""

import asyncio
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from bot.alerting.engine import Alerting
from config.settings import AlertSettings
from engine.model import Severity, Side, Tick, Zone, ZoneId, ZoneSet
from engine.rules.stored import stored
from engine.rules.text import read_rule
from storage.rules import NewRule, add_rule, watch_params
from storage.state import StateStore
from storage.tables import Alert, AlertStep, Delivery
from storage.users import set_settings

T0 = 1_760_126_400_000
"""2025-10-10 20:00 UTC."""
OWNER = "local:owner"
WITHIN = {Severity.INFO: 0.05, Severity.WARNING: 0.03, Severity.CRITICAL: 0.01}


def zone(name="z1", side=Side.LONG, low=90.0, high=95.0, usd=42e6, symbol="BTCUSDT"):
    return Zone(
        zone_id=ZoneId(name),
        venue="binance",
        symbol=symbol,
        side=side,
        low=low,
        high=high,
        peak=(low + high) / 2,
        notional_usd=usd,
        share=0.18,
        percentile=99.0,
        born_ts=T0 - 3_600_000,
        updated_ts=T0,
    )


def zones(*which, symbol="BTCUSDT", least=10e6, ts=T0):
    return ZoneSet(
        venue="binance",
        symbol=symbol,
        ts=ts,
        price=100.0,
        zones=which or (zone(),),
        samples_h=500,
        threshold_ready=True,
        auto_min_usd=least,
    )


@dataclass
class Market:
    """The market's clock, as far as alerting asks for it."""

    now: int = T0

    def now_ms(self):
        return self.now

    def label(self):
        return "REPLAY 2025-10-10 20:00 UTC"


@dataclass
class History:
    """Where analytics would keep alerts."""

    rows: dict = field(default_factory=dict)

    async def add_alert_history(self, records):
        self.rows |= {r.alert_id: r for r in records}


class Bench:
    """Everything that one test of alerting needs."""

    def __init__(self, state, settings):
        self.state = state
        self.market = Market()
        self.history = History()
        self.woken = 0
        self.settings = settings
        self.alerting = self.fresh()

    def fresh(self):
        """Return alerting as after a restart of the process."""
        self.alerting = Alerting(self.state, self.history, self.settings, self.market, wake=self._wake)
        return self.alerting

    def _wake(self):
        self.woken += 1

    async def watch(self, owner=OWNER, symbol="BTCUSDT", within=None, **changes):
        """Add a watch and make it live; its first look is over, for no price is known yet."""
        params = watch_params(
            within or WITHIN,
            hysteresis=0.0025,
            **{k: changes.pop(k) for k in ("side", "min_notional_usd", "quiet_critical") if k in changes},
        )
        new = NewRule(symbol=symbol, params=params, **changes)
        rule = await self.state.run(lambda s: add_rule(s, owner, new, now_ms=self.market.now, wall_ms=1))
        await self.alerting.rules_changed(symbol)
        return rule.rule_id

    async def rule(self, line, owner=OWNER, **changes):
        """Add the rule of a line, and make it live."""
        read = read_rule(line, now_ms=self.market.now)
        kind, params = stored(read.spec, quiet_critical=changes.pop("quiet_critical", False))
        symbol = f"{read.coin.upper()}USDT"
        new = NewRule(symbol=symbol, kind=kind, params=params, note=read.spec.note, **changes)
        rule = await self.state.run(lambda s: add_rule(s, owner, new, now_ms=self.market.now, wall_ms=1))
        await self.alerting.rules_changed(symbol)
        return rule.rule_id

    async def said(self, event):
        """Let a venue say something that is no price, and wait until it is dealt with."""
        self.alerting.on_said(event)
        while self.alerting._rules.waiting:
            await asyncio.sleep(0.001)

    async def titles(self):
        """Return what was told, the lines of each message."""
        return [d.message["title"] for d in await self.deliveries()]

    async def set(self, owner=OWNER, **values):
        await self.state.run(lambda s: set_settings(s, owner, values, wall_ms=1))

    async def tick(self, price, at_s=None, which=None, symbol="BTCUSDT"):
        """Give one price, `at_s` seconds after the start (or where the clock stands)."""
        if at_s is not None:
            self.market.now = T0 + round(at_s * 1000)
        tick = Tick(venue="binance", symbol=symbol, ts=self.market.now, price=price)
        await self.alerting.on_tick(tick, which or self.zones)

    zones = zones()

    async def sweep(self, at_s):
        self.market.now = T0 + round(at_s * 1000)
        await self.alerting.sweep()

    async def alerts(self, owner=None):
        query = select(Alert).order_by(Alert.wall_ms, Alert.market_ms, Alert.alert_id)
        if owner:
            query = query.where(Alert.user_id == owner)
        return await self.state.read(lambda s: list(s.scalars(query)))

    async def verdicts(self):
        """Return (severity, action, reason) of every alert."""
        return [(a.severity, a.action, a.reason) for a in await self.alerts()]

    async def deliveries(self):
        return await self.state.read(
            lambda s: list(s.scalars(select(Delivery).order_by(Delivery.delivery_id)))
        )

    async def steps(self, alert_id):
        query = select(AlertStep).where(AlertStep.alert_id == alert_id).order_by(AlertStep.step_id)
        return await self.state.read(lambda s: [(r.stage, r.action, r.reason) for r in s.scalars(query)])


@pytest.fixture
async def state(tmp_path):
    store = await StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    await store.close()


@pytest.fixture
async def bench(state):
    made = Bench(state, AlertSettings())
    yield made
    await made.alerting.close()


@pytest.fixture(scope="session")
def kit():
    """The helpers above, for tests: modules here cannot be imported from each other."""

    class Kit:
        T0 = T0
        OWNER = OWNER
        WITHIN = WITHIN
        Bench = Bench
        zone = staticmethod(zone)
        zones = staticmethod(zones)
        Market = Market
        sleep = staticmethod(asyncio.sleep)

    return Kit
