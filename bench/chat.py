"""Measure the chats whole: 500 users on each platform ask for a minute, and every answer is waited for.

The product runs whole on its recorded market, at the speed of a live one; the local platforms that the tests
use, and their users, are processes of their own, so they take cores from it. Each user asks about every ten
(Discord) or 25 seconds (Telegram, which takes 30 messages a second from a bot). Before the measured
minute everybody has asked once, so that pictures are drawn.
"""

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from bench.chat_tally import Tally
from bench.process import Running, running
from bench.runner import Outcome
from bench.ws import Process, started
from engine.errors import LiqwatchError

USERS = 500
DISCORD_EVERY_S, TELEGRAM_EVERY_S = 10.0, 25.0
WARM_S = 25.0
GOALS = {"reply_p99_ms": 1_000.0, "missed_acks": 0.0, "unanswered": 0.0}
UNITS = {
    "reply_p50_ms": "ms",
    "reply_p99_ms": "ms",
    "discord_p99_ms": "ms",
    "telegram_p99_ms": "ms",
    "ack_p99_ms": "ms",
    "loop_lag_p99_ms": "ms",
    "commands_per_s": "1/s",
    "pictures_per_s": "1/s",
}
LAG = "event_loop_lag_seconds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How much is asked: users on each platform, seconds, and seconds between two requests of one user."""

    users: int = USERS
    seconds: float = 60.0
    warm_s: float = WARM_S
    discord_every_s: float = DISCORD_EVERY_S
    telegram_every_s: float = TELEGRAM_EVERY_S


@dataclass(frozen=True, slots=True)
class Crowds:
    """Both platforms and their users."""

    discord: Process
    telegram: Process

    async def ask(self, seconds: float, load: Load) -> tuple[Tally, Tally]:
        """Let everybody ask for a while."""
        told = await asyncio.gather(
            self.discord.ask(f"{seconds} {load.discord_every_s}"),
            self.telegram.ask(f"{seconds} {load.telegram_every_s}"),
        )
        discord, telegram = (Tally(**json.loads(line)) for line in told)
        return discord, telegram


@contextlib.asynccontextmanager
async def joined(directory: Path, users: int) -> AsyncIterator[tuple[Crowds, Running]]:
    """Start both platforms and the product between them."""
    async with (
        started("bench.chat_crowd", "discord", str(users)) as discord,
        started("bench.chat_crowd", "telegram", str(users)) as telegram,
    ):
        at_discord, at_telegram = json.loads(await discord.line()), json.loads(await telegram.line())
        env = {
            "LIQWATCH_DISCORD_TOKEN": at_discord["token"],
            "LIQWATCH_DISCORD_API_URL": at_discord["api"],
            "LIQWATCH_DISCORD_GATEWAY_URL": at_discord["gateway"],
            "LIQWATCH_TELEGRAM_TOKEN": at_telegram["token"],
            "LIQWATCH_TELEGRAM_BASE_URL": at_telegram["api"],
            "LIQWATCH_SPEED": "1",
        }
        async with running(directory, env=env) as app:
            yield Crowds(discord, telegram), app


async def lag_ms(app: Running) -> float:
    """Return how late the product's loop was in the last minute, 99th percentile."""
    address = f"http://127.0.0.1:{app.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        lines = (await answer.text()).splitlines()
    found = [float(line.split()[-1]) for line in lines if LAG in line and not line.startswith("#")]
    if not found:
        raise LiqwatchError("the process does not say how late its loop is")
    return found[0] * 1e3


async def measure(directory: Path, load: Load) -> dict[str, float]:
    """Let the crowds ask, and return the figures."""
    async with joined(directory, load.users) as (crowds, app):
        await crowds.ask(load.warm_s, load)
        discord, telegram = await crowds.ask(load.seconds, load)
        late_ms = await lag_ms(app)
    return figures(discord, telegram, seconds=load.seconds) | {"loop_lag_p99_ms": late_ms}


def figures(discord: Tally, telegram: Tally, *, seconds: float) -> dict[str, float]:
    """Return what two tallies come to. Raise LiqwatchError where nobody was answered."""
    both = Tally()
    both.add(discord)
    both.add(telegram)
    return {
        "reply_p50_ms": _ms(both.reply_s, 0.5),
        "reply_p99_ms": _ms(both.reply_s, 0.99),
        "discord_p99_ms": _ms(discord.reply_s, 0.99),
        "telegram_p99_ms": _ms(telegram.reply_s, 0.99),
        "ack_p99_ms": _ms(both.ack_s, 0.99),
        "missed_acks": float(both.missed_acks),
        "unanswered": float(both.unanswered),
        "refused_calls": float(both.errors),
        "commands_per_s": both.asked / seconds,
        "pictures_per_s": both.pictures / seconds,
    }


def _ms(waits_s: list[float], part: float) -> float:
    if not waits_s:
        raise LiqwatchError("nobody was answered")
    return float(np.quantile(np.array(waits_s), part) * 1e3)


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` lets the same users ask for ten seconds."""
    load = Load(seconds=8.0, warm_s=5.0) if quick else Load()
    with tempfile.TemporaryDirectory() as directory:
        found: dict[str, Any] = asyncio.run(measure(Path(directory), load))
    return {"figures": found, "units": UNITS, "goals": GOALS}
