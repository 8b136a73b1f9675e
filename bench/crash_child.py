"""Queue alerts and deliver them on four channels: the process that `bench crash` kills.

usage: python -m bench.crash_child STATE_URL ALERTS WHERE, where WHERE is what the far ends say of themselves.
For each line that it reads it splits off a process, which says its number ("pid 42"), "ready", the name of
each alert once that is on disk, and "done" once nothing waits any more; "ended" follows once it is no more.
So what is imported is imported once, and a start takes no longer than opening the store.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from bench.far_ways import ways
from bot.delivery.backoff import Backoff
from bot.delivery.worker import Worker, WorkerConfig
from engine.model import Severity
from storage.outbox import WAITING, Outgoing, State, enqueue
from storage.state import StateStore
from storage.tables import Alert, Delivery
from storage.users import ensure_user

CONFIG = WorkerConfig(
    look_every_s=0.1, backoff=Backoff(base_s=0.02, cap_s=0.2, ordinary_budget=99, critical_budget=99)
)
TURNS = ("discord", "webhook", "email", "telegram", "webhook", "email", "discord")
"""Which channel each alert goes to, in turn: fewest to the slowest."""
MAILS_PER_MINUTE = 6_000
GAP_S = 0.001
LOOK_S = 0.02


def name_of(number: int) -> str:
    """Return what an alert is called."""
    return f"a{number:06}"


def split(url: str, alerts: int, where: dict[str, Any]) -> None:
    """Split a process off for each line that comes, one after the other."""
    while sys.stdin.readline():
        number = os.fork()
        if number == 0:
            status = 1
            try:
                asyncio.run(_work(url, alerts, where))
                status = 0
            finally:
                os._exit(status)
        say(f"pid {number}")
        os.waitpid(number, 0)
        say("ended")


async def _work(url: str, alerts: int, where: dict[str, Any]) -> None:
    """Queue what is not queued yet, and deliver until nothing waits."""
    state = await StateStore.open(url)
    async with ways(where, state, mails_per_minute=MAILS_PER_MINUTE) as channels:
        worker = Worker(state, channels, config=CONFIG)
        task = asyncio.create_task(worker.run())
        say("ready")
        first = await state.read(lambda session: session.scalar(select(func.count()).select_from(Alert)))
        for number in range(first or 0, alerts):
            await state.run(lambda session, number=number: _queue(session, number))  # type: ignore[misc]
            say(name_of(number))
            worker.wake()
            await asyncio.sleep(GAP_S)
        count = select(func.count()).where(Delivery.state.in_([*WAITING, State.SENDING]))
        while await state.read(lambda session: session.scalar(count)):  # noqa: ASYNC110 - as of a store
            await asyncio.sleep(LOOK_S)
        worker.stop()
        await task
    await state.close()
    say("done")


def _queue(session: Session, number: int) -> None:
    """Write an alert and its delivery, to somebody who gets no other on that channel."""
    channel, severity = (
        TURNS[number % len(TURNS)],
        (Severity.CRITICAL if number % 10 == 0 else Severity.WARNING),
    )
    user, place = (f"{channel}:{number + 1}",) * 2
    if channel in ("email", "webhook"):
        user, place = f"discord:{number + 1}", str(number + 1)
    ensure_user(session, user, 1)
    row = {
        "alert_id": name_of(number),
        "fire_id": f"f{number}",
        "user_id": user,
        "rule_id": 1,
        "kind": "zone_proximity",
        "symbol": "BTCUSDT",
        "severity": severity.value,
        "subject": "z",
        "audience": f"{channel}|{place}",
        "market_ms": number,
        "wall_ms": 1,
        "price": 1.0,
        "action": "send",
        "reason": "opens_episode",
        "facts": {},
        "epoch": 0,
    }
    session.execute(insert(Alert), [row])
    out = Outgoing(
        alert_id=name_of(number),
        user_id=user,
        channel=channel,
        destination=place,
        severity=severity,
        message={"title": f"An alert {name_of(number)}", "text": "BTC falls.", "symbol": "BTCUSDT"},
        market_ms=number,
        epoch=0,
    )
    enqueue(session, out, time.time_ns() // 1_000_000)


def say(word: str) -> None:
    """Write a line at once, and whole even where this is the last that is heard."""
    os.write(1, f"{word}\n".encode())


if __name__ == "__main__":
    split(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]))
