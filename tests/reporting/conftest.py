"""Give tests of reports a desk with what posts them: a real outbox, and a far end that can fail."""

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.delivery.channel import Receipt
from bot.delivery.worker import Hooks, Worker
from bot.reporting.engine import Reporting, Sources
from storage.tables import Delivery, Report

TESTS = Path(__file__).parents[1]


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


shared = load("commands_conftest", TESTS / "commands" / "conftest.py")
aliases = shared.aliases
state = shared.state
store = shared.store
desk = shared.desk


@dataclass
class FarEnd:
    """A platform that keeps what it is sent, and refuses what it is told to (an error for each call)."""

    name: str = "discord"
    overall: tuple = ()
    deduplicates_s: float = 120.0
    timeout_s: float = 5.0
    concurrency: int = 4
    calls: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    shown: dict = field(default_factory=dict)

    def rates(self, _destination):
        return ()

    async def cost(self, _destination):
        return 1

    async def send(self, message, *, key, edit_of):
        self.calls.append(("edit" if edit_of else "post", message))
        if self.errors and (error := self.errors.pop(0)) is not None:
            raise error
        number = edit_of or f"{message.destination}:{len(self.shown) + 1}"
        self.shown[number] = message
        return Receipt(remote_id=number)


@dataclass
class Post:
    """A desk, what posts its reports, and the far end that they arrive at."""

    desk: object
    far: FarEnd
    reporting: Reporting
    worker: Worker
    asked: list

    async def tick(self, minutes=0.0):
        """Let time pass on both clocks, post what is due, and deliver it; return how many were queued."""
        self.desk.market.at_ms += round(minutes * 60_000)
        self.desk.wall[0] += round(minutes * 60_000)
        queued = await self.reporting.tick()
        await self.deliver()
        return queued

    async def deliver(self):
        """Let everything that waits be sent."""
        while await self.worker._round() == 0.0 or self.worker.health().under_way["discord"]:
            for lane in self.worker._lanes.values():
                for task in list(lane.under_way):
                    await task

    async def rows(self):
        query = select(Delivery).order_by(Delivery.delivery_id)
        return await self.desk.state.read(lambda s: list(s.scalars(query)))

    async def reports(self):
        query = select(Report).order_by(Report.report_id)
        return await self.desk.state.read(lambda s: list(s.scalars(query)))


@pytest.fixture
def build(desk):
    """Build what posts reports; a second one is a restart of the process."""

    def make(far=None):
        far = far or FarEnd()
        asked = []

        async def draw(request):
            asked.append(request)

        inbox = FarEnd(name="inapp")
        wall = lambda: desk.wall[0]  # noqa: E731 - the same clock for all
        worker = Worker(desk.state, [far, inbox], hooks=Hooks(draw=draw), wall_ms=wall)
        sources = Sources(market=desk.market, venues=desk.services.reports, ensure=desk.services.ensure)
        return Post(desk, far, Reporting(desk.state, sources, wake=worker.wake, wall_ms=wall), worker, asked)

    return make


@pytest.fixture
def post(build):
    return build()


@pytest.fixture
def boss():
    """Return who manages a server, in its channel."""
    return shared.Caller(
        user_id="discord:42",
        front=shared.Front.DISCORD,
        place="300",
        server="discord:200",
        private=False,
        may_post=True,
        manages=True,
        able=True,
    )
