"""Measure a crash candle that alerts 10,000 people at once: how late, in what order, and whether all arrives.

Their messages are queued fifty to a transaction, in no order, while the product's own outbox, worker, pacing
and channels deliver them over real sockets to the far ends of the tests: a Discord, a Telegram, a mail server
and a receiver of webhooks in a process of their own, each of which takes 0.2 s for a request. Nothing is sped
up: at fifty and thirty messages a second it takes about two minutes. Each message has its picture, buttons
and figures.

`excess_p99_s` compares when a message was accepted with when the product's own token buckets would have let
it through at best (`bench.burst_schedule`), had nothing else taken any time. Those buckets keep 5 % below
what Discord and Telegram allow; `slower_s` is what that costs the last message. A webhook has no bucket but
its receiver's, so at best all of them go at once.
"""

import asyncio
import io
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from bench.burst_schedule import Sent, excess_s, ideal_s, out_of_order, out_of_turn, over
from bench.far_ways import CHANNELS, DM, FIRST_CHANNEL, Came, far_ends, ways
from bench.runner import Outcome
from bot import interpreter
from bot.delivery.channel import Channel, Picture, PictureRequest, Rate
from bot.delivery.pictures import Draw
from bot.delivery.worker import Hooks, Worker
from engine.model import Severity
from storage.outbox import WAITING, Outgoing, State, enqueue, priority_of
from storage.state import StateStore
from storage.tables import Alert, Delivery, User

USERS, QUICK_USERS = 10_000, 1_000
SHARES = {"discord": 0.55, "telegram": 0.35, "email": 0.05, "webhook": 0.05}
"""Where people are."""
SEVERITIES = (Severity.CRITICAL,) * 2 + (Severity.WARNING,) * 3 + (Severity.INFO,) * 5
MAILS_PER_MINUTE = 240
DESKS = 0.005
"""Of a hundred places half a one is a server's channel that gets `DESK_ALERTS`; as many alerts as
that has one more user, each to a channel of its own."""
DESK_ALERTS = 12
NEWCOMERS = 0.05
"""What part of the people on Discord never had a message: their private chat has to be opened first."""
BEFORE = "before"
BATCH = 50
DELAY_S = 0.2
LOOK_S = 0.25
PATIENCE_S = 900.0
PLATFORM = {"discord": Rate(count=50, period_s=1.0), "telegram": Rate(count=30, period_s=1.0)}
"""What the platforms themselves allow in all."""
GOALS = {"excess_p99_s": 2.0, "out_of_order": 0.0, "out_of_turn": 0.0, "lost": 0.0}
UNITS = {"excess_p99_s": "s", "excess_max_s": "s", "took_s": "s", "slower_s": "s"}
TEXT = (
    "110,500–110,900: about $42M of longs, 18% of the long side nearby.\n"
    "If price falls into it, these longs are sold off by force, which can deepen the fall.\n"
    "Price 111,788 · 10 Oct 22:35 CEST"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One message that is going to be queued."""

    alert_id: str
    user: str
    channel: str
    place: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What came of a burst."""

    planned: Sequence[Planned]
    ready_s: dict[str, float]
    came: Sequence[Came]
    limits: dict[str, Channel]


def run(*, quick: bool) -> Outcome:
    """Measure; `quick` takes a tenth of the people."""
    with tempfile.TemporaryDirectory() as directory:
        measured = asyncio.run(burst(Path(directory), QUICK_USERS if quick else USERS))
    return {"figures": figures(measured), "units": UNITS, "goals": GOALS}


async def burst(directory: Path, users: int, *, delay_s: float = DELAY_S) -> Measured:
    """Queue a message for everybody and deliver all of them."""
    interpreter.share()
    planned = plan(users)
    state = await StateStore.open(f"sqlite:///{directory / 'state.db'}")
    try:
        await state.run(lambda session: _prepare(session, planned))
        async with (
            far_ends(people=users, delay_s=delay_s) as ends,
            ways(ends.where, state, mails_per_minute=MAILS_PER_MINUTE) as channels,
        ):
            worker = Worker(state, channels, hooks=Hooks(draw=_drawn(_picture())))
            task = asyncio.create_task(worker.run())
            try:
                ready_s = await _queued(state, worker, planned)
                await _sent(state)
            finally:
                worker.stop()
                await task
            limits = {channel.name: channel for channel in channels}
            return Measured(planned=planned, ready_s=ready_s, came=await ends.came(), limits=limits)
    finally:
        await state.close()


def plan(users: int) -> list[Planned]:
    """Return who is told what: mostly one message a person, some servers and one user with many."""
    rng = random.Random(1)
    found: list[tuple[str, str, str]] = []
    for channel, share in SHARES.items():
        found += _places(channel, round(users * share))
    rng.shuffle(found)
    return [
        Planned(
            alert_id=f"a{number:06}", user=user, channel=channel, place=place, severity=rng.choice(SEVERITIES)
        )
        for number, (channel, user, place) in enumerate(found)
    ]


def _places(channel: str, count: int) -> Iterator[tuple[str, str, str]]:
    """Yield (channel, user, place) of so many people."""
    chat = channel if channel in PLATFORM else "discord"
    desks = round(count * DESKS) if channel in PLATFORM else 0
    for number in range(1, count + 1 - (desks + 1) * DESK_ALERTS * bool(desks)):
        user = f"{chat}:{number}"
        yield channel, user, user if channel in PLATFORM else str(number)
    for desk in range(1, desks + 1):
        for _ in range(DESK_ALERTS):
            yield channel, f"{chat}:{desk}", _public(channel, desk)
    for number in range(DESK_ALERTS * bool(desks)):
        yield channel, f"{chat}:{count}", _public(channel, desks + 1 + number)


def _public(channel: str, number: int) -> str:
    """Return a channel of a server, or a group."""
    return str(FIRST_CHANNEL + number) if channel == "discord" else str(-number)


def _prepare(session: Session, planned: Sequence[Planned]) -> None:
    """Write everybody, and the alerts that are told."""
    users = {one.user for one in planned}
    session.execute(insert(User), [_user(name) for name in users])
    session.execute(insert(Alert), [_alert(one) for one in planned])
    first = next(one for one in planned if one.place.startswith("discord:"))
    session.execute(insert(Alert), [_alert(replace(first, alert_id=BEFORE))])
    known = sorted({one.place for one in planned if one.place.startswith("discord:") and not _is_new(one)})
    session.execute(insert(Delivery), [_had_before(place) for place in known])


def _is_new(one: Planned) -> bool:
    """Say whether somebody never had a message on Discord."""
    name, _, number = one.place.partition(":")
    return name == "discord" and int(number) % round(1 / NEWCOMERS) == 0 if number else False


def _had_before(place: str) -> dict[str, object]:
    """Return a message that somebody had before, as the outbox keeps it."""
    return {
        "key": f"before-{place}",
        "alert_id": BEFORE,
        "user_id": place,
        "channel": "discord",
        "destination": place,
        "severity": Severity.INFO.value,
        "priority": priority_of(Severity.INFO),
        "state": State.ACCEPTED.value,
        "message": {},
        "remote_id": f"{DM + int(place.partition(':')[2])}:1",
        "market_ms": 1,
        "created_wall_ms": 1,
        "next_wall_ms": 1,
        "epoch": 0,
    }


def _user(name: str) -> dict[str, object]:
    return {"user_id": name, "created_wall_ms": 1, "seen_wall_ms": 1}


def _alert(one: Planned) -> dict[str, object]:
    return {
        "alert_id": one.alert_id,
        "fire_id": f"f-{one.alert_id}",
        "user_id": one.user,
        "rule_id": 1,
        "kind": "zone_proximity",
        "symbol": "BTCUSDT",
        "severity": one.severity.value,
        "subject": "z1",
        "audience": f"{one.channel}|{one.place}",
        "market_ms": 1_760_128_500_000,
        "wall_ms": 1,
        "price": 111_788.0,
        "action": "send",
        "reason": "opens_episode",
        "facts": {},
        "epoch": 0,
    }


async def _queued(state: StateStore, worker: Worker, planned: Sequence[Planned]) -> dict[str, float]:
    """Queue everything; return when each message was on disk."""
    ready_s: dict[str, float] = {}
    for start in range(0, len(planned), BATCH):
        part = planned[start : start + BATCH]
        await state.run(partial(_enqueue, part=part))
        now_s = time.monotonic()
        ready_s.update((one.alert_id, now_s) for one in part)
        worker.wake()
    return ready_s


def _enqueue(session: Session, part: Sequence[Planned]) -> None:
    wall_ms = time.time_ns() // 1_000_000
    for one in part:
        out = Outgoing(
            alert_id=one.alert_id,
            user_id=one.user,
            channel=one.channel,
            destination=one.place,
            severity=one.severity,
            message=_message(one),
            market_ms=1_760_128_500_000,
            epoch=0,
        )
        enqueue(session, out, wall_ms)


def _message(one: Planned) -> dict[str, object]:
    return {
        "kind": "zone_proximity",
        "severity": one.severity.value,
        "symbol": "BTCUSDT",
        "title": f"BTC is 0.8% above a $42M long zone {one.alert_id}",
        "text": TEXT,
        "buttons": [
            [["Snooze 1 h", "v1:alert:snooze:12:for=1h"], ["Pause", "v1:alert:pause:12"]],
            [["Chart", "v1:heatmap:-:BTCUSDT:24h"], ["Why?", f"v1:alert:why:{one.alert_id}"]],
        ],
        "figures": [["Price", "111,788"], ["Distance", "0.8%"], ["Zone", "110,500–110,900"]],
        "picture": {"symbol": "BTCUSDT", "window_ms": 86_400_000},
    }


def _picture() -> bytes:
    """Return a picture as large as one of an alert."""
    rng = np.random.default_rng(1)
    grain = rng.integers(0, 255, (90, 160), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grain).resize((960, 540), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def _drawn(png: bytes) -> Draw:
    async def draw(_request: PictureRequest) -> Picture:
        return Picture(png=png, alt="BTC heatmap of the last 24 h, the zone marked", name="liqwatch-BTC.png")

    return draw


async def _sent(state: StateStore) -> None:
    """Wait until nothing waits any more."""
    waits = select(func.count()).where(Delivery.state.in_([*WAITING, State.SENDING]))
    async with asyncio.timeout(PATIENCE_S):
        while await state.read(lambda session: session.scalar(waits)):  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(LOOK_S)


def figures(measured: Measured) -> dict[str, float | None]:
    """Return the figures of a burst."""
    times = Counter(came.alert_id for came in measured.came if came.what in ("accepted", "cut"))
    late, urgent, orders, turns, slower, refused = [], [], 0, 0, 0.0, 0
    for name in CHANNELS:
        sent, channel = list(_of(measured, name)), measured.limits[name]
        late.append(excess_s(sent, channel.overall, channel.rates))
        worst = [message for message in sent if message.priority == 0]
        urgent.append(excess_s(worst, channel.overall, channel.rates))
        orders += out_of_order(sent, channel.rates)
        turns += out_of_turn(sent, channel.rates)
        if (limit := PLATFORM.get(name)) is not None:
            best = max(ideal_s(sent, channel.overall, channel.rates))
            slower = max(slower, best - max(ideal_s(sent, [limit], channel.rates)))
            refused += over((came.asked_s for came in measured.came if came.channel == name), limit)
    all_late = np.concatenate(late)
    first = min(measured.ready_s.values())
    return {
        "excess_p99_s": float(np.percentile(all_late, 99)),
        "excess_max_s": float(all_late.max()),
        "out_of_order": float(orders),
        "out_of_turn": float(turns),
        "critical_p99_s": float(np.percentile(np.concatenate(urgent), 99)),
        "lost": float(sum(not times[one.alert_id] for one in measured.planned)),
        "repeated": float(sum(count - 1 for count in times.values())),
        "over_limit": float(refused),
        "messages": float(len(measured.planned)),
        "took_s": max(came.at_s for came in measured.came) - first,
        "slower_s": slower,
        **{f"excess_p99_{n}_s": float(np.percentile(x, 99)) for n, x in zip(CHANNELS, late, strict=True)},
    }


def _of(measured: Measured, channel: str) -> Iterator[Sent]:
    """Yield what arrived of one channel."""
    at = {came.alert_id: came.at_s for came in reversed(measured.came) if came.what == "accepted"}
    for one in measured.planned:
        if one.channel == channel and one.alert_id in at:
            yield Sent(
                user=one.user,
                place=one.place,
                priority=priority_of(one.severity),
                ready_s=measured.ready_s[one.alert_id],
                accepted_s=at[one.alert_id],
                cost=1 + _is_new(one),
            )
