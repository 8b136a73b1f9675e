"""Be a chat platform and its users in a process of their own: `python -m bench.chat_crowd discord 500`.

It writes its addresses as one line of JSON. Each line `SECONDS EVERY_S` lets every user ask something about
every `EVERY_S` seconds for so long, and is answered with a tally in JSON once the answers are there.
"""

import asyncio
import importlib
import json
import random
import sys
import time
from typing import Any, Protocol

from bench.chat_tally import Tally, Wait

GRACE_S = 10.0
"""How long an answer is waited for, and how long the last ones are after the load."""
ASKED = (
    ("picture", 0.45),
    ("words", 0.25),
    ("press", 0.20),
    ("suggest", 0.10),
)
"""What users do, and how often."""


class Platform(Protocol):
    """One platform with its users. `acks` says whether every request wants a sign within three seconds."""

    addresses: dict[str, str]
    errors: int

    async def start(self) -> None:
        """Listen."""
        ...

    async def ready(self) -> None:
        """Wait until the bot is there."""
        ...

    async def ask(self, user: int, kind: str, wait: Wait) -> bool:
        """Let a user do something whose answer is told to `wait`; return whether it wants a sign in time."""
        ...

    async def stop(self) -> None:
        """Go away."""
        ...


async def load(platform: Platform, users: int, *, seconds: float, every_s: float) -> Tally:
    """Let all users ask for a while, each about every `every_s` seconds, and return what came of it."""
    tally, end_s, before = Tally(), time.monotonic() + seconds, platform.errors

    async def one(user: int) -> None:
        rng = random.Random(user)
        await asyncio.sleep(rng.uniform(0.0, every_s))
        while time.monotonic() < end_s:
            began_s = time.monotonic()
            await _request(platform, user, rng, tally)
            left_s = rng.uniform(0.8, 1.2) * every_s - (time.monotonic() - began_s)
            await asyncio.sleep(max(0.0, min(left_s, end_s - time.monotonic())))

    await asyncio.gather(*(one(user) for user in range(1, users + 1)))
    tally.errors = platform.errors - before
    return tally


async def _request(platform: Platform, user: int, rng: random.Random, tally: Tally) -> None:
    kind = rng.choices([name for name, _ in ASKED], [part for _, part in ASKED])[0]
    wait = Wait()
    acks = await platform.ask(user, kind, wait)
    for _ in range(round(GRACE_S / 0.02)):
        if wait.reply_s is not None:
            break
        await asyncio.sleep(0.02)
    wait.count(tally, acks=acks)


async def serve(name: str, users: int) -> None:
    """Answer lines until there are no more."""
    platform: Any = importlib.import_module(f"bench.chat_{name}").Crowd()
    await platform.start()
    _say(platform.addresses)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        seconds, every_s = (float(word) for word in line.split())
        await platform.ready()
        _say((await load(platform, users, seconds=seconds, every_s=every_s)).plain())
    await platform.stop()


def _say(body: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(body)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
