"""Empty the outbox: claim what is due, send it, write down what became of it."""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy.orm import Session

from bot.alerting.parts import wall_clock_ms
from bot.delivery.attempt import Attempt
from bot.delivery.backoff import Backoff
from bot.delivery.channel import Channel
from bot.delivery.pictures import Draw, Pictures
from bot.delivery.recorder import Recorder
from bot.delivery.reroute import Fallback, settle_and_reroute, to_inapp
from engine.errors import StorageError
from engine.model import Severity
from storage.claims import Ask, Claimed, Lease, claim
from storage.epochs import current_epoch
from storage.outbox import URGENT_PRIORITY
from storage.settle import expire, next_due_ms, reap
from storage.state import StateStore

log = structlog.get_logger(__name__)

Expired = Callable[[Session, list[str]], None]
"""What to do, in the same transaction, with alerts that nobody got in time: they go to the digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """How the worker works. `exclusive`: no other process serves this store, so leases at start are dead.

    `reserved` slots of each channel are kept for criticals.
    `lease_s` must exceed what a send may take: its picture, its turn and its time-out.
    """

    lease_s: float = 60.0
    look_every_s: float = 1.0
    reserved: int = 2
    drain_s: float = 5.0
    exclusive: bool = True
    backoff: Backoff = field(default_factory=Backoff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """What the worker asks of others: pictures, what becomes of expired alerts, another channel."""

    draw: Draw | None = None
    expired: Expired | None = None
    fallback: Fallback = to_inapp


@dataclass(slots=True)
class Lane:
    """What one channel has under way, by task, and what it sent each user since it was last idle.

    Little is taken ahead of its turn: what is taken cannot be overtaken by something worse that comes later.
    """

    attempt: Attempt
    under_way: dict[asyncio.Task[None], Claimed] = field(default_factory=dict)
    served: Counter[str] = field(default_factory=Counter)

    def shut_s(self) -> float:
        """Return the seconds until the channel may be sent to by its own limits."""
        return self.attempt.pacer.free_in_s()

    def ask(self, reserved: int) -> Ask:
        """Return what this channel can take now."""
        channel = self.attempt.channel
        free = channel.concurrency - len(self.under_way)
        ahead = MOST_AHEAD - self.attempt.pacer.waiting if self.shut_s() <= AHEAD_S else 0
        rows = self.under_way.values()
        return Ask(
            channel=channel.name,
            urgent=free,
            ordinary=max(0, min(free - min(reserved, channel.concurrency - 1), ahead)),
            shut=frozenset(self.attempt.pacer.closed()),
            busy=frozenset(row.destination for row in rows),
            urgent_busy=frozenset(r.destination for r in rows if r.severity is Severity.CRITICAL),
            served=dict(self.served),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHealth:
    """How delivery fares: sends under way by channel, attempts so far by end state, the last fault."""

    under_way: dict[str, int]
    ended: dict[str, int]
    fault: str


class Worker:
    """Deliver what the outbox holds until stopped. `wake` is called whenever something was queued."""

    def __init__(
        self,
        state: StateStore,
        channels: Iterable[Channel],
        *,
        hooks: Hooks | None = None,
        config: WorkerConfig | None = None,
        wall_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        hooks = hooks or Hooks()
        self._state = state
        self._config = config or WorkerConfig()
        self._wall_ms = wall_ms
        self._expired = hooks.expired
        self._owner = secrets.token_hex(8)
        self._pictures = Pictures(hooks.draw)
        self._lanes = {channel.name: Lane(self._attempt(channel)) for channel in channels}
        settle = partial(settle_and_reroute, fallback=hooks.fallback, kinds=frozenset(self._lanes))
        self._recorder = Recorder(state, lambda s, o: settle(s, o, wall_ms=wall_ms()))
        self._woken = asyncio.Event()
        self._stopping = False
        self._looked_s = -1e9
        self._ended: dict[str, int] = {}
        self._fault = ""

    def _attempt(self, channel: Channel) -> Attempt:
        return Attempt(
            channel,
            pictures=self._pictures,
            backoff=self._config.backoff,
            wall_ms=self._wall_ms,
            rng=random.Random(),  # noqa: S311 - jitter, not a secret
        )

    def wake(self) -> None:
        """Look at the outbox now. Safe to call at any time from the event loop."""
        self._woken.set()

    async def turn(self, channel: str, destination: str) -> None:
        """Wait for the turn of a code or a test, which the outbox does not keep; only criticals go before."""
        lane = self._lanes[channel]
        cost = await lane.attempt.channel.cost(destination)
        await lane.attempt.pacer.turn(destination, URGENT_PRIORITY + 1, cost)

    def health(self) -> WorkerHealth:
        """Return how delivery fares."""
        under_way = {name: len(lane.under_way) for name, lane in self._lanes.items()}
        return WorkerHealth(under_way=under_way, ended=dict(self._ended), fault=self._fault)

    async def run(self) -> None:
        """Work until `stop` is called; when cancelled, end what is under way first."""
        self._stopping = False
        try:
            if self._config.exclusive:
                await self._state.run(self._adopt)
            while not self._stopping:
                self._woken.clear()
                wait_s = await self._round()
                await self._sleep(wait_s)
        finally:
            await self._drain()

    def _adopt(self, session: Session) -> int:
        """Take over what a process that died was sending."""
        return reap(session, self._wall_ms(), epoch=current_epoch(session), all_leases=True)

    async def _round(self) -> float:
        """Start everything that can be started now; return how long there is nothing to do."""
        asks = [lane.ask(self._config.reserved) for lane in self._lanes.values()]
        asks = [ask for ask in asks if ask.urgent > 0]
        look = time.monotonic() - self._looked_s >= self._config.look_every_s
        if not asks and not look:
            return self._config.look_every_s
        try:
            rows, due_ms = await self._state.run(lambda session: self._claim(session, asks, look=look))
        except StorageError as error:
            self._fault = str(error)
            log.exception("delivery.store_fault")
            return self._config.look_every_s
        self._fault = ""
        if look:
            self._looked_s = time.monotonic()
        for row in rows:
            self._start(row)
        for ask in asks:
            if not self._lanes[ask.channel].under_way:
                self._lanes[ask.channel].served.clear()
        return self._idle_s(bool(rows), due_ms)

    def _idle_s(self, found: bool, due_ms: int | None) -> float:
        """Return when to look again: soon while there is work, else when something falls due."""
        if found:
            return PAUSE_S
        waits = [self._config.look_every_s]
        if due_ms is not None and due_ms > self._wall_ms():
            waits.append((due_ms - self._wall_ms()) / 1000)
        for lane in self._lanes.values():
            waits.extend(lane.attempt.pacer.closed().values())
            if (shut_s := lane.shut_s()) > AHEAD_S:
                waits.append(shut_s - AHEAD_S)
        return max(min(waits), SHORTEST_WAIT_S)

    def _claim(self, session: Session, asks: list[Ask], *, look: bool) -> tuple[list[Claimed], int | None]:
        wall_ms = self._wall_ms()
        epoch = current_epoch(session)
        if look:
            reap(session, wall_ms, epoch=epoch)
            late = expire(session, wall_ms)
            if late and self._expired is not None:
                self._expired(session, late)
        lease = Lease(
            owner=self._owner, wall_ms=wall_ms, lease_ms=round(self._config.lease_s * 1000), epoch=epoch
        )
        return claim(session, asks, lease), next_due_ms(session, wall_ms)

    def _start(self, row: Claimed) -> None:
        lane = self._lanes[row.channel]
        task = asyncio.create_task(self._deliver(lane, row), name=f"delivery:{row.delivery_id}")
        lane.under_way[task] = row
        lane.served[row.user_id] += 1
        task.add_done_callback(lambda done: self._finished(lane, done))

    def _finished(self, lane: Lane, task: asyncio.Task[None]) -> None:
        lane.under_way.pop(task, None)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fault = f"{type(error).__name__}: {error}"
            log.error("delivery.task_failed", exc_info=error)

    async def _deliver(self, lane: Lane, row: Claimed) -> None:
        """Make one attempt and keep its slot until its end is on disk."""
        outcome = await lane.attempt.run(row)
        if not await self._recorder.write(outcome):
            log.warning("delivery.lease_lost", delivery=row.delivery_id, ended=outcome.state)
        self._ended[outcome.state] = self._ended.get(outcome.state, 0) + 1

    async def _sleep(self, seconds: float) -> None:
        if seconds <= PAUSE_S or self._woken.is_set():
            await asyncio.sleep(min(seconds, PAUSE_S))
            return
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what is under way has ended."""
        self._stopping = True
        self._woken.set()

    async def _drain(self) -> None:
        """Let sends under way end, stop those that take too long, and write down what became of each."""
        tasks = [task for lane in self._lanes.values() for task in lane.under_way]
        late: set[asyncio.Task[None]] = set()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._config.drain_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.0)
        await self._recorder.close(timeout_s=2.0)
        await self._pictures.close()
        for lane in self._lanes.values():
            lane.attempt.pacer.close()


SHORTEST_WAIT_S = 0.005
PAUSE_S = 0.1
"""How long a round is waited with while there is work, so that it finds more than a row at a time."""
AHEAD_S = 0.25
"""How long before its channel is open again something is taken that may wait."""
MOST_AHEAD = 16
"""How many sends that may wait stand in line for their turn at most."""
