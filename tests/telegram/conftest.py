"""A whole Telegram front: the real library over real sockets, the local Bot API, real stores and commands."""

import asyncio
import contextlib
import importlib.util
import io
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PIL import Image

from bot.delivery.telegram import Ledger, Post, TelegramChannel
from bot.delivery.telegram.pace import Pace
from bot.telegram.front import Behind, TelegramFront

TESTS = Path(__file__).parents[1]


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_telegram", TESTS / "peers" / "telegram.py")
shared = load("commands_conftest", TESTS / "commands" / "conftest.py")
thief = load("commands_thief", TESTS / "commands" / "thief.py")

aliases = shared.aliases
state = shared.state
store = shared.store
desk = shared.desk

GROUP = -1001234567890
BOSS, MEMBER, STRANGER = 42, 43, 44
TOPIC = 7


def png(number, width=1080, height=1350):
    """Make a real picture, another one for each number."""
    buffer = io.BytesIO()
    shade = (number * 37 % 256, number * 11 % 256, 80)
    Image.new("RGB", (width, height), shade).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Drawings(shared.Sketches):
    """Pictures that can be told apart and that Telegram would show. `delay_s` is what drawing takes."""

    delay_s: float = 0.0
    made: list = field(default_factory=list)

    async def heatmap(self, request, grid):
        before = len(self.drawn)
        return await self._told_apart(request, before, await super().heatmap(request, grid))

    async def cascade(self, request, standing):
        before = len(self.drawn)
        return await self._told_apart(request, before, await super().cascade(request, standing))

    async def card(self, request, drawing):
        before = len(self.drawn)
        return await self._told_apart(request, before, await super().card(request, drawing))

    async def panels(self, request, grids):
        before = len(self.drawn)
        return await self._told_apart(request, before, await super().panels(request, grids))

    async def _told_apart(self, request, before, picture):
        if len(self.drawn) > before:
            await asyncio.sleep(self.delay_s)
            self.made.append(request)
            key = next(k for k, v in self.drawn.items() if v is picture)
            size = (picture.width, picture.height)
            picture = self.drawn[key] = replace(picture, png=png(len(self.made), *size))
        return picture


@dataclass
class Stage:
    """The front with everything that a test may look at or move."""

    api: object
    post: Post
    ledger: Ledger
    channel: TelegramChannel
    front: TelegramFront
    desk: object
    pictures: Drawings
    task: asyncio.Task | None = None

    @property
    def there(self):
        return self.api.there

    async def run(self):
        """Start the front and wait until it polls."""
        self.task = asyncio.create_task(self.front.run())
        await self.api.until(lambda: self.api.polls or self.task.done())

    async def stop(self):
        """Stop the front as the process does."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None
        await self.front.stop()

    async def say(self, text, **where):
        """Let somebody write, and return the bot's next message in that chat."""
        self.desk.seconds[0] += 60
        chat = where.get("chat") or where.get("user", BOSS)
        before = len(self.api.shown(chat))
        self.there.said(text, **where)
        await self.api.until(lambda: len(self.api.shown(chat)) > before)
        return self.api.shown(chat)[-1]

    async def press(self, message, label, *, user=BOSS):
        """Press a button by its label, and return how the press was answered."""
        self.desk.seconds[0] += 60
        query = self.there.pressed(message, self.data(message, label), user=user)
        await self.api.until(lambda: self.there.queries[query]["answers"])
        await self.quiet()
        return self.there.queries[query]["answers"]

    def data(self, message, label):
        """Return what a button of a message says when it is pressed."""
        rows = message["reply_markup"]["inline_keyboard"]
        return next(b["callback_data"] for row in rows for b in row if b["text"] == label)

    async def quiet(self):
        """Wait until everything that was taken on is done."""
        await self.api.until(lambda: not self.front._lanes.under_way)

    async def unheard(self, text, **where):
        """Let somebody write what the bot is not to answer."""
        before = len(self.api.calls)
        self.there.said(text, **where)
        await self.api.until(self._fetched)
        await self.quiet()
        assert self.api.calls[before:] == []

    def _fetched(self):
        return not self.there.updates


@pytest.fixture
async def api():
    server = await peer.BotApi().start()
    yield server
    await server.stop()


@pytest.fixture
async def make(api, desk, aliases):
    """Make a front (a second one, after the first was stopped, is a restart)."""
    made = []

    def build(token=peer.TOKEN, url=None, pace=None, hook=None):
        pictures = Drawings()
        services = replace(desk.services, pictures=pictures)
        commands = shared.Commands(services, clock=lambda: desk.seconds[0])
        unpaced = Pace(overall=(), rates=lambda chat: ())
        post = Post(token, url or api.url, pace=pace or unpaced)
        ledger = Ledger(desk.state, desk.alerting.rules_changed)
        behind = Behind(commands=commands, market=desk.market, state=desk.state, aliases=aliases, hook=hook)
        front = TelegramFront(post, ledger, behind, poll_s=1)
        stage = Stage(api, post, ledger, TelegramChannel(post, ledger), front, desk, pictures)
        made.append(stage)
        return stage

    yield build
    for each in made:
        with contextlib.suppress(Exception):
            await each.stop()
        await each.post.close()


@pytest.fixture
async def stage(make, api):
    """A front that runs, a person who has begun a chat with it, a group with a topic and an admin."""
    here = make()
    api.there.chat(BOSS)
    api.there.chat(GROUP, title="Desk", admins={BOSS}, topics={TOPIC: True})
    await here.run()
    return here


@pytest.fixture
def kit():
    """Names that tests here share."""

    class Kit:
        BOSS, MEMBER, STRANGER, GROUP, TOPIC = BOSS, MEMBER, STRANGER, GROUP, TOPIC
        png = staticmethod(png)
        peer = peer
        shared = shared
        thief = thief
        Pace = Pace

    return Kit
