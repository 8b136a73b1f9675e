"""Queue alerts and deliver them over a socket: the process that gets killed.

usage: crash_child.py STATE_URL PORT HOW_MANY; prints the name of each alert once it is on disk, and "done"
once nothing waits any more.
"""

import asyncio
import sys
import time

from sqlalchemy import func, select

from bot.delivery.backoff import Backoff
from bot.delivery.channel import Receipt
from bot.delivery.worker import Worker, WorkerConfig
from engine.errors import Retryable
from engine.model import Severity
from storage.outbox import WAITING, Outgoing, enqueue
from storage.state import StateStore
from storage.tables import Alert, Delivery
from storage.users import ensure_user

CONFIG = WorkerConfig(look_every_s=0.1, backoff=Backoff(base_s=0.02, cap_s=0.2, ordinary_budget=99))


class Far:
    name = "far"
    overall = ()
    deduplicates_s = 0.0
    timeout_s = 5.0
    concurrency = 4

    def __init__(self, port):
        self.port = port

    def rates(self, destination):
        return ()

    async def send(self, message, *, key, edit_of):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"{key} {int(message.may_repeat)}\n".encode())
            answer = await reader.readline()
        finally:
            writer.close()
        if answer.strip() != b"ok":
            raise Retryable("503")
        return Receipt(remote_id=key[:8])


def say(word):
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def queue(session, number):
    user_id = f"u:{number % 13}"
    ensure_user(session, user_id, 1)
    severity = Severity.CRITICAL if number % 10 == 0 else Severity.WARNING
    session.add(
        Alert(
            alert_id=f"a{number}",
            fire_id=f"f{number}",
            user_id=user_id,
            rule_id=1,
            kind="zone_proximity",
            symbol="BTCUSDT",
            severity=severity.value,
            subject="z",
            audience="inapp|",
            market_ms=number,
            wall_ms=1,
            price=1.0,
            action="send",
            reason="new",
            facts={},
            epoch=0,
        )
    )
    session.flush()
    out = Outgoing(
        alert_id=f"a{number}",
        user_id=user_id,
        channel="far",
        destination=f"place{number % 29}",
        severity=severity,
        message={"title": "t", "text": "t"},
        market_ms=number,
        epoch=0,
    )
    enqueue(session, out, time.time_ns() // 1_000_000)


async def main(url, port, how_many):
    state = await StateStore.open(url)
    worker = Worker(state, [Far(port)], config=CONFIG)
    task = asyncio.create_task(worker.run())
    say("ready")
    first = await state.read(lambda s: s.scalar(select(func.count()).select_from(Alert)))
    for number in range(first, how_many):
        await state.run(lambda s, n=number: queue(s, n))
        say(f"a{number}")
        worker.wake()
        await asyncio.sleep(0.001)
    open_states = [*WAITING, "SENDING"]
    count = select(func.count()).select_from(Delivery).where(Delivery.state.in_(open_states))
    while await state.read(lambda s: s.scalar(count)):
        await asyncio.sleep(0.02)
    worker.stop()
    await task
    await state.close()
    say("done")


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
