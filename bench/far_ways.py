"""Join the product's own channels to far ends on this machine, for benchmarks of delivery.

The far ends are those of the tests (`tests/peers`), in a process of their own: `tests/peers/far_ends.py` says
what it answers.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bot.delivery import discord, telegram
from bot.delivery.addresses import Address
from bot.delivery.channel import Channel
from bot.delivery.email import EmailChannel, Security, Sender, Smtp, SmtpServer
from bot.delivery.guard import Dialler, Networks
from bot.delivery.ledger import Ledger
from bot.delivery.webhook import WebhookChannel
from engine.errors import LiqwatchError
from storage.state import StateStore

PEERS = Path(__file__).parents[1] / "tests" / "peers" / "far_ends.py"
CHANNELS = ("discord", "telegram", "email", "webhook")
FIRST_CHANNEL = 10**6
"""The lowest number of a channel that there is on the local Discord."""
DM = 10**9
"""What number the private chat of somebody has there: this, and theirs."""
MACHINE = Networks(["127.0.0.1/32"])
SENDER = Sender("Liqwatch", "alerts@example.org")
PATIENCE_S = 60.0


class Came(NamedTuple):
    """One request as a far end saw it: when it came and was answered (steady clock), what became of it."""

    channel: str
    alert_id: str
    at_s: float
    what: str
    marked: bool
    asked_s: float


@dataclass(slots=True)
class FarEnds:
    """The far ends, and where they are."""

    process: asyncio.subprocess.Process
    where: dict[str, Any]

    async def came(self) -> list[Came]:
        """Return every request so far."""
        if self.process.stdin is None:
            raise LiqwatchError("the far ends have no input")
        self.process.stdin.write(b"\n")
        return [Came(*row) for row in await _line(self.process)]


@contextlib.asynccontextmanager
async def far_ends(
    *, people: int, delay_s: float, fails: float = 0.0, cuts: float = 0.0
) -> AsyncIterator[FarEnds]:
    """Run the far ends: people 1 to `people`, each request takes `delay_s`, some are refused or cut."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(str(PEERS), str(people), str(delay_s), str(fails), str(cuts)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    try:
        yield FarEnds(process, await _line(process))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> Any:  # noqa: ANN401 - whatever JSON says
    if process.stdout is None:
        raise LiqwatchError("the far ends have no output")
    async with asyncio.timeout(PATIENCE_S):
        line = await process.stdout.readline()
    if not line:
        raise LiqwatchError("the far ends ended too soon")
    return json.loads(line)


@dataclass(frozen=True, slots=True)
class Everybody:
    """Know an address for everybody: `17` is 17@example.org, and a webhook with a path of its own."""

    url: str
    secret: str

    async def find(self, channel: str, destination: str, owner: str) -> Address | None:
        """Return what a destination stands for."""
        del owner
        if channel == "email":
            return Address(f"{destination}@example.org")
        return Address(f"{self.url}/{destination}", self.secret)


@contextlib.asynccontextmanager
async def ways(
    where: dict[str, Any], state: StateStore, *, mails_per_minute: int
) -> AsyncIterator[list[Channel]]:
    """Yield the four channels as the product builds them, joined to the far ends."""
    async with contextlib.AsyncExitStack() as stack:
        there = where["discord"]
        client = discord.make_client(api_url=there["api"], gateway_url=there["gateway"])
        stack.push_async_callback(client.close)
        await client.login(there["token"])
        post = telegram.Post(where["telegram"]["token"], where["telegram"]["url"])
        stack.push_async_callback(post.close)
        addresses = Everybody(where["webhook"]["url"], where["webhook"]["secret"])
        server = SmtpServer(host="127.0.0.1", port=where["email"]["port"], security=Security.NONE)
        mail = EmailChannel(Smtp(server), addresses, sender=SENDER, per_minute=mails_per_minute)
        hook = WebhookChannel(Dialler(MACHINE), addresses)
        for way in (mail, hook):
            stack.push_async_callback(way.close)
        yield [
            discord.DiscordChannel(discord.Post(client), Ledger("discord", state).reached),
            telegram.TelegramChannel(post, telegram.Ledger(state, _unchanged)),
            mail,
            hook,
        ]


async def _unchanged(_symbol: str) -> None:
    """Take note of nothing: no rule changes here."""
