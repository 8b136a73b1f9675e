"""A real state store in a file, alerts to deliver, and a far end that does what it is told."""

import asyncio
import importlib.util
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.delivery.channel import OutMessage, Rate, Receipt
from engine.model import Severity
from storage.outbox import Outgoing, enqueue
from storage.state import StateStore
from storage.tables import Alert
from storage.users import ensure_user


def wall_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
async def state(tmp_path):
    store = await StateStore.open(f"sqlite:///{tmp_path / 'state.db'}")
    yield store
    await store.close()


def add_alert(session, alert_id, user_id="local:owner", severity=Severity.WARNING, kind="zone_proximity"):
    ensure_user(session, user_id, 1)
    session.add(
        Alert(
            alert_id=alert_id,
            fire_id=f"fire-{alert_id}",
            user_id=user_id,
            rule_id=1,
            kind=kind,
            symbol="BTCUSDT",
            severity=severity.value,
            subject="z1",
            audience="inapp|",
            market_ms=1_000,
            wall_ms=1,
            price=100.0,
            action="send",
            reason="opens_episode",
            hold_until_ms=None,
            carrier_id=None,
            facts={},
            epoch=0,
        )
    )
    session.flush()


def outgoing(alert_id, user_id="local:owner", channel="far", severity=Severity.WARNING, **changes):
    values = {
        "destination": user_id,
        "message": {"title": alert_id, "text": "text", "symbol": "BTCUSDT"},
        "market_ms": 1_000,
        "epoch": 0,
    }
    return Outgoing(
        alert_id=alert_id, user_id=user_id, channel=channel, severity=severity, **values | changes
    )


def queue(session, alert_id, *, wall=None, **changes):
    """Write an alert and its delivery; return the delivery's id."""
    user_id = changes.get("user_id", "local:owner")
    add_alert(session, alert_id, user_id, changes.get("severity", Severity.WARNING))
    return enqueue(session, outgoing(alert_id, **changes), wall or wall_ms())


@dataclass
class Far:
    """A far end: takes messages, or does what `plan` says for the next ones."""

    name: str = "far"
    overall: tuple[Rate, ...] = ()
    each: tuple[Rate, ...] = ()
    deduplicates_s: float = 0.0
    timeout_s: float = 2.0
    concurrency: int = 8
    plan: list = field(default_factory=list)
    got: list[tuple[OutMessage, str, str | None]] = field(default_factory=list)
    at_s: list[float] = field(default_factory=list)

    def rates(self, destination):
        return self.each

    async def cost(self, destination):
        return 1

    async def send(self, message, *, key, edit_of):
        step = self.plan.pop(0) if self.plan else None
        if isinstance(step, Exception):
            raise step
        if step is not None:
            await step(message)
        self.got.append((message, key, edit_of))
        self.at_s.append(time.monotonic())
        return Receipt(remote_id=f"r-{message.alert_id}")

    @property
    def titles(self):
        return [message.title for message, _, _ in self.got]


@pytest.fixture
def load_messages():
    """The messages of `messages.py`: modules here cannot be imported from each other."""
    name, path = "delivery_messages", Path(__file__).with_name("messages.py")
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def far():
    return Far()


async def until(condition, timeout_s=5.0):
    """Wait until a condition holds."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.005)


@pytest.fixture
def kit():
    """The helpers above, for tests: modules here cannot be imported from each other."""

    class Kit:
        Far = Far
        add_alert = staticmethod(add_alert)
        outgoing = staticmethod(outgoing)
        queue = staticmethod(queue)
        until = staticmethod(until)
        wall_ms = staticmethod(wall_ms)

    return Kit
