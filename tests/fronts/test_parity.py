"""One table of command lines through every front: each gives the same reply."""

import asyncio
import contextlib
import importlib.util
import re
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from bot.commands.dispatch import Commands
from bot.commands.registry import Registry
from bot.commands.reply import Front
from bot.commands.spec import ALL_FRONTS
from bot.console.control import ControlClient, ControlSocket
from bot.console.terminal import Joined
from bot.delivery import discord as discord_delivery
from bot.delivery.ledger import Ledger as PlainLedger
from bot.delivery.telegram import Ledger, Post
from bot.delivery.telegram.pace import Pace
from bot.discord.front import Behind as DiscordBehind
from bot.discord.front import DiscordFront
from bot.telegram.front import Behind as TelegramBehind
from bot.telegram.front import TelegramFront
from bot.web.server import Behind as WebBehind
from bot.web.server import WebServer
from config.sections import WebSettings
from engine.preset_file import parse_presets
from engine.presets import PRESETS
from storage.market import MarketStore
from storage.state import StateStore

OWN = parse_presets('[models.mine]\nbase = "simple"\n', name="models.toml")
"""A model that the installation made itself."""
TESTS = Path(__file__).parents[1]
BOSS = 42


def load(name, path):
    """Load a module by its path: tests are no package."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


peer = load("peers_telegram", TESTS / "peers" / "telegram.py")
shared = load("commands_conftest", TESTS / "commands" / "conftest.py")
site = load("web_conftest", TESTS / "web" / "conftest.py")
discord_peer = load("peers_discord", TESTS / "peers" / "discord.py")
telegram_stage = load("telegram_conftest", TESTS / "telegram" / "conftest.py")

aliases = shared.aliases


@dataclass(frozen=True)
class Row:
    """One request: as a line, and as a command with options, as it is asked where options are typed."""

    line: str
    name: str = ""
    options: dict = field(default_factory=dict)


ADDRESS = "0x0000000000000000000000000000000000000001"
TABLE = (
    Row("/start", "start"),
    Row("/help", "help"),
    Row("/help command=watch", "help", {"command": "watch"}),
    Row("/heatmap btc", "heatmap", {"symbol": "btc"}),
    Row("/heatmap eth 7d side=long", "heatmap", {"symbol": "eth", "window": "7d", "side": "long"}),
    Row("/heatmap doge", "heatmap", {"symbol": "doge"}),
    Row("/heatmap eth model=mine", "heatmap", {"symbol": "eth", "model": "mine"}),
    Row("/heatmap btc exchange=binance", "heatmap", {"symbol": "btc", "exchange": "binance"}),
    Row("/heatmap btc exchange=binanse", "heatmap", {"symbol": "btc", "exchange": "binanse"}),
    Row("/zones btc side=short count=3", "zones", {"symbol": "btc", "side": "short", "count": 3}),
    Row("/zones bitcion", "zones", {"symbol": "bitcion"}),
    Row("/cascade btc", "cascade", {"symbol": "btc"}),
    Row("/check btc 112000", "check", {"symbol": "btc", "price": 112_000}),
    Row("/market eth", "market", {"symbol": "eth"}),
    Row("/market btc exchange=all", "market", {"symbol": "btc", "exchange": "all"}),
    Row("/liquidations all window=4h", "liquidations", {"symbol": "all", "window": "4h"}),
    Row("/top by=oi", "top", {"by": "oi"}),
    Row("/accuracy btc", "accuracy", {"symbol": "btc"}),
    Row(
        "/liqprice btc long 113000 10x",
        "liqprice",
        {"symbol": "btc", "side": "long", "entry": 113_000, "leverage": "10x"},
    ),
    Row(
        "/liqprice btc long 113000 900x",
        "liqprice",
        {"symbol": "btc", "side": "long", "entry": 113_000, "leverage": "900x"},
    ),
    Row("/watch btc", "watch", {"symbol": "btc"}),
    Row("/watch btc", "watch", {"symbol": "btc"}),
    Row(
        "/watch eth within=1%,3% min=10M cooldown=4h",
        "watch",
        {"symbol": "eth", "within": "1%,3%", "min": "10M", "cooldown": "4h"},
    ),
    Row("/watch eth min=lots", "watch", {"symbol": "eth", "min": "lots"}),
    Row("/alert list", "alert list"),
    Row("/alert show 1", "alert show", {"id": 1}),
    Row("/alert show 99", "alert show", {"id": 99}),
    Row("/alert pause 1", "alert pause", {"id": "1"}),
    Row("/alert resume all", "alert resume", {"id": "all"}),
    Row("/alert snooze all for=8h", "alert snooze", {"id": "all", "for": "8h"}),
    Row("/unwatch all", "unwatch", {"symbol": "all"}),
    Row("/alert remove 2", "alert remove", {"id": "2"}),
    Row("/alert remove 2 sure=yes", "alert remove", {"id": "2", "sure": True}),
    Row("/alert remove all", "alert remove", {"id": "all"}),
    Row("/alert test 1", "alert test", {"id": 1}),
    Row("/alert share 1", "alert share", {"id": 1}),
    Row("/alert check 1h", "alert check", {"window": "1h"}),
    Row("/alert add", "alert add"),
    Row("/alert edit 1", "alert edit", {"id": 1}),
    Row("/cancel", "cancel"),
    Row("/cancel", "cancel"),
    Row("/alert history", "alert history"),
    Row("/alert conditions", "alert conditions"),
    Row("/alert conditions type=price_change", "alert conditions", {"type": "price_change"}),
    Row("/alert templates", "alert templates"),
    Row(
        "/alert add btc falls 3% in 15m and oi drops 2% in 1h severity=critical cooldown=2h note=hedge",
        "alert add",
        {
            "when": "btc falls 3% in 15m and oi drops 2% in 1h",
            "severity": "critical",
            "cooldown": "2h",
            "note": "hedge",
        },
    ),
    Row("/alert save", "alert save"),
    Row("/alert save", "alert save"),
    Row(
        "/alert add type=price_level symbol=btc value=60000 direction=below save=yes",
        "alert add",
        {"type": "price_level", "symbol": "btc", "value": "60000", "direction": "below", "save": True},
    ),
    Row("/alert add btc flals 3% in 15m", "alert add", {"when": "btc flals 3% in 15m"}),
    Row("/alert add falls 3% in 15m", "alert add", {"when": "falls 3% in 15m"}),
    Row("/alert add btc funding above 0.05%", "alert add", {"when": "btc funding above 0.05%"}),
    Row(
        "/alert edit 3 for=5m repeat=once save=yes",
        "alert edit",
        {"id": "3", "for": "5m", "repeat": "once", "save": True},
    ),
    Row("/alert edit 4 value=58000", "alert edit", {"id": "4", "value": "58000"}),
    Row("/alert show 3", "alert show", {"id": "3"}),
    Row("/alert snooze 4 for=1h", "alert snooze", {"id": "4", "for": "1h"}),
    Row(
        "/alert template breakout btc window=4h",
        "alert template",
        {"name": "breakout", "when": "btc window=4h"},
    ),
    Row("/alert import nothing btc", "alert import", {"code": "nothing", "when": "btc"}),
    Row("/alert list", "alert list"),
    Row("/unwatch btc", "unwatch", {"symbol": "btc"}),
    Row(
        "/settings set tz=Europe/Berlin quiet=22:00-07:00",
        "settings set",
        {"tz": "Europe/Berlin", "quiet": "22:00-07:00"},
    ),
    Row("/settings set daily_limit=0", "settings set", {"daily_limit": 0}),
    Row("/settings show", "settings show"),
    Row("/status", "status"),
    Row("/status exchange=binance", "status", {"exchange": "binance"}),
    Row("/status exchange=binanse", "status", {"exchange": "binanse"}),
    Row("/symbols eth", "symbols", {"query": "eth"}),
    Row("/heatmap", "heatmap"),
    Row("/grid btc eth", "grid", {"symbol": "btc", "second": "eth"}),
    Row("/swept btc", "swept", {"symbol": "btc"}),
    Row(f"/account {ADDRESS}", "account", {"address": ADDRESS}),
    Row("/exchanges", "exchanges show"),
    Row("/exchanges health", "exchanges health"),
    Row("/channels list", "channels list"),
    Row("/channels add email me@example.org", "channels add", {"kind": "email", "address": "me@example.org"}),
    Row("/channels verify 12345678", "channels verify", {"code": "12345678"}),
    Row("/channels test 2", "channels test", {"id": "2"}),
    Row("/channels set 2 order=1", "channels set", {"id": "2", "order": 1}),
    Row("/channels remove 2", "channels remove", {"id": "2"}),
    Row("/data show", "data show"),
    Row("/data export", "data export"),
    Row("/data forget", "data forget"),
)
OWN_COMMANDS = ("/replay", "/setup", "/admin", "to")
"""What some fronts alone have, as the help lists it."""
ELSEWHERE = {"report", "dashboard"}
"""What is posted into places, and so not the same wherever it is asked: tests of each front have it."""


REFUSED = 21
"""How many of them are wrong on purpose, or ask for what this installation does not have."""


class Recording(Commands):
    """The commands, with every reply kept."""

    def __init__(self, services, clock):
        super().__init__(services, clock=clock)
        self.replies = []

    async def dispatch(self, line, caller):
        return self._kept(await super().dispatch(line, caller))

    async def call(self, name, options, caller):
        return self._kept(await super().call(name, options, caller))

    def _kept(self, reply):
        self.replies.append(reply)
        return reply


@contextlib.asynccontextmanager
async def panel(desk, commands, directory):
    """Type into the page's panel."""
    behind = WebBehind(market=site.FakeMarket(), commands=commands, inapp=site.FakeInApp(), health=list)
    server = WebServer(behind, WebSettings(port=0))
    await server.start()
    base = f"http://127.0.0.1:{server.port}"
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
    socket = await session.ws_connect(f"{base}/ws/panel", origin=base)

    async def say(row):
        kind = "error"
        while kind == "error":  # the panel slows down who types faster than people do
            await socket.send_json({"type": "command", "id": 1, "line": row.line})
            while (kind := (await socket.receive_json())["type"]) not in ("reply", "error"):
                pass
            await asyncio.sleep(0.05)

    try:
        yield say
    finally:
        await socket.close()
        await session.close()
        await server.stop()


@contextlib.asynccontextmanager
async def console(desk, commands, directory):
    """Type into a terminal that joined."""
    control = ControlSocket(directory, commands, lambda push: contextlib.nullcontext())
    await control.start()
    client = await ControlClient.join(directory)
    line = Joined(client)

    async def say(row):
        await line.say(row.line)

    try:
        yield say
    finally:
        await client.close()
        await control.stop()


@contextlib.asynccontextmanager
async def telegram(desk, commands, directory):
    """Write to the bot in a private chat of Telegram."""
    api = await peer.BotApi().start()
    api.there.chat(BOSS)
    post = Post(peer.TOKEN, api.url, pace=Pace(overall=(), rates=lambda chat: ()))
    ledger = Ledger(desk.state, desk.alerting.rules_changed)
    behind = TelegramBehind(
        commands=commands, market=desk.market, state=desk.state, aliases=desk.services.aliases
    )
    front = TelegramFront(post, ledger, behind, poll_s=1)
    running = asyncio.create_task(front.run())

    async def say(row):
        before = len(api.shown(BOSS))
        api.there.said(row.line, user=BOSS)
        await api.until(lambda: len(api.shown(BOSS)) > before)

    try:
        yield say
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await front.stop()
        await post.close()
        await api.stop()
    assert [call.refused for call in api.calls if call.refused] == []


@contextlib.asynccontextmanager
async def discord(desk, commands, directory):
    """Use slash commands in the bot's direct messages in Discord."""
    api = await discord_peer.Discord().start()
    client = discord_delivery.make_client(api_url=api.api_url, gateway_url=api.gateway_url)
    post = discord_delivery.Post(client)
    behind = DiscordBehind(commands=commands, state=desk.state, replaying=True)
    ledger = PlainLedger(discord_delivery.CHANNEL, desk.state)
    front = DiscordFront(discord_peer.TOKEN, post, ledger, behind)
    running = asyncio.create_task(front.run())
    await api.until(lambda: client.get_guild(discord_peer.world.GUILD))

    async def say(row):
        await api.slash(BOSS, row.name, row.options)

    try:
        yield say
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await front.stop()
        await api.stop()
    assert api.faults == []


FRONTS = {Front.PANEL: panel, Front.CONSOLE: console, Front.TELEGRAM: telegram, Front.DISCORD: discord}


async def replies_of(front, directory, aliases):
    """Return the replies to the table, through a front."""
    directory.mkdir()
    state = await StateStore.open(f"sqlite:///{directory}/state.db")
    store = await MarketStore.open(directory / "market.duckdb")
    async with shared.open_desk(state, store, aliases) as desk:
        services = replace(
            desk.services, pictures=telegram_stage.Drawings(), chart_url=lambda *_: "", presets=PRESETS | OWN
        )
        commands = Recording(services, clock=lambda: desk.seconds[0])
        async with FRONTS[front](desk, commands, directory) as say:
            for row in TABLE:
                desk.seconds[0] += 60
                await say(row)
                desk.wall[0] += 60_000
    await store.close()
    await state.close()
    assert len(commands.replies) == len(TABLE)
    return commands.replies


async def test_every_front_gives_the_same_replies(tmp_path, aliases):
    first = await replies_of(Front.PANEL, tmp_path / "panel", aliases)
    assert sum(reply.failed for reply in first) == REFUSED
    for front in (Front.CONSOLE, Front.TELEGRAM, Front.DISCORD):
        replies = await replies_of(front, tmp_path / f"again-{front.value}", aliases)
        for row, ours, theirs in zip(TABLE, replies, first, strict=True):
            assert common(ours) == common(theirs), (front, row)


def test_every_command_of_every_front_is_in_the_table():
    everywhere = {c.name for c in Registry().on() if c.fronts == ALL_FRONTS and c.noun not in ELSEWHERE}
    assert {row.name for row in TABLE} == everywhere


def common(reply):
    """Return what a reply says on every front.

    Where options are typed by name, examples and offers name them. By design fronts differ in the shape of
    their pictures, in where alerts go, in the parameter for that, in how the help says that commands
    are given, in what only the machine's own fronts can do (replay) and are told (what is not configured).
    """
    changes = {
        "example": unnamed(reply.example),
        "buttons": tuple(
            tuple((unnamed(b.label), unnamed(b.action), b.url, b.style) for b in row) for row in reply.buttons
        ),
        "images": tuple((image.name, image.alt) for image in reply.images),
        "files": tuple((file.name, file.media_type) for file in reply.files),
        "form": reply.form and replace(reply.form, action=unnamed(reply.form.action)),
        "fields": tuple(pair for pair in reply.fields if pair[0] != "Goes to"),
    }
    if reply.table is not None and "Goes to" in reply.table.headings:
        changes |= {"table": tuple(row[:-1] for row in reply.table.rows)}
    if reply.command == "help":
        rows = tuple(row for row in reply.table.rows if row[0].split()[0] not in OWN_COMMANDS)
        changes |= {"table": rows, "title": reply.title.removesuffix(" [to]")}
        if reply.title == "What you can ask":
            changes["text"] = reply.text.partition("\n")[2]
    if reply.command in ("status", "alert test"):
        changes["text"] = ""
    return replace(reply, **changes)


def unnamed(text):
    """Return a line or a button's id without the names of what can stand alone."""
    drafted = re.sub(r"(:alert:(?:save|change|cancel|ask-again)!:)[\w-]+", r"\1", text)
    drafted = re.sub(r"(:ask:\w+!?:)[\w-]+", r"\1", drafted)
    drafted = re.sub(r"(:data:forget-now!:).+", r"\1", drafted)
    return re.sub(r"\b(symbol|id)=", "", drafted)
