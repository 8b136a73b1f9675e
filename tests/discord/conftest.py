"""A whole Discord front: the real library over real sockets, the local Discord, real stores and commands."""

import asyncio
import contextlib
import importlib.util
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.delivery.discord import CHANNEL, DiscordChannel, Post, make_client
from bot.delivery.ledger import Ledger
from bot.discord.front import Behind, DiscordFront

TESTS = Path(__file__).parents[1]


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_discord", TESTS / "peers" / "discord.py")
shared = load("commands_conftest", TESTS / "commands" / "conftest.py")
thief = load("commands_thief", TESTS / "commands" / "thief.py")
drawings = load("telegram_conftest", TESTS / "telegram" / "conftest.py").Drawings
world = peer.world

aliases = shared.aliases
state = shared.state
store = shared.store
desk = shared.desk

BOSS, MEMBER, STRANGER = 42, 43, 44
DESK = world.CHANNEL


@dataclass
class Stage:
    """The front with everything that a test may look at or move."""

    api: object
    post: Post
    ledger: Ledger
    channel: DiscordChannel
    front: DiscordFront
    desk: object
    pictures: object
    task: asyncio.Task | None = None

    async def run(self):
        """Start the front and wait until it is connected."""
        self.task = asyncio.create_task(self.front.run())
        await self.api.until(lambda: self.post.client.get_guild(world.GUILD) or self.task.done())

    async def stop(self):
        """Stop the front as the process does."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None
        await self.front.stop()

    async def slash(self, person, name, options=None, **more):
        """Let somebody use a command, a while after the one before, and return what they are shown."""
        self.desk.seconds[0] += 60
        asked = await self.api.slash(person, name, options, **more)
        await self.quiet()
        return asked.shown

    async def press(self, person, message, label, **more):
        """Let somebody press a button, and return what they are shown besides the message."""
        self.desk.seconds[0] += 60
        asked = await self.api.press(person, message, label, **more)
        await self.quiet()
        return asked.shown

    async def quiet(self):
        """Wait until everything that was taken on is done."""
        await self.api.until(lambda: not self.front._lanes.under_way)


@pytest.fixture
async def api():
    server = await peer.Discord().start()
    yield server
    await server.stop()
    assert server.faults == []


@pytest.fixture
async def make(api, desk):
    """Make a front (a second one, after the first was stopped, is a restart)."""
    made = []

    def build(token=peer.TOKEN, **addresses):
        urls = {"api_url": api.api_url, "gateway_url": api.gateway_url, **addresses}
        pictures = drawings()
        services = replace(desk.services, pictures=pictures)
        commands = shared.Commands(services, clock=lambda: desk.seconds[0])
        post = Post(make_client(**urls))
        ledger = Ledger(CHANNEL, desk.state)
        behind = Behind(commands=commands, state=desk.state, replaying=True)
        front = DiscordFront(token, post, ledger, behind)
        stage = Stage(api, post, ledger, DiscordChannel(post), front, desk, pictures)
        made.append(stage)
        return stage

    yield build
    for each in made:
        with contextlib.suppress(Exception):
            await each.stop()


@pytest.fixture
async def stage(make):
    """A front that runs."""
    here = make()
    await here.run()
    return here


@pytest.fixture
def kit():
    """Names that tests here share."""

    class Kit:
        BOSS, MEMBER, STRANGER, DESK = BOSS, MEMBER, STRANGER, DESK
        peer = peer
        world = world
        shared = shared
        thief = thief
        Drawings = drawings

    return Kit
