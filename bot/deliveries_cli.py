"""Be `liqwatch deliveries`: an operator lists messages that were lost, looks at one, has them sent again.

It works on the state store alone; a running process finds what was queued again within a second.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.alerts_cli import state_path
from config.settings import Settings
from engine.errors import UserError
from storage.letters import LETTERS, Wanted, events_of, find_deliveries, get_delivery, requeue, siblings_of
from storage.outbox import State
from storage.state_db import StateDatabase
from storage.tables import Delivery

MOST = 10_000
ALL = "all"


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Run the verb that was asked for; return the exit code."""
    database = StateDatabase.existing(f"sqlite:///{state_path(settings)}")
    try:
        if given.verb == "show":
            _print(database.read(lambda s: _show(s, given.number, as_json=given.json)))
        elif given.verb == "list":
            rows = database.read(lambda s: find_deliveries(s, wanted_of(given)))
            _print(_told(rows, as_json=given.json))
        else:
            rows = database.write(lambda s: _again(s, given))
            _print(_told(rows, as_json=given.json))
    finally:
        database.close()
    return 0


def wanted_of(given: argparse.Namespace) -> Wanted:
    """Return which deliveries the flags ask for. Raise UserError for a state that is none."""
    return Wanted(
        states=states_of(given.state) if given.state else LETTERS,
        user=given.user or "",
        channel=given.channel or "",
        limit=min(max(1, given.limit), MOST),
    )


def states_of(text: str) -> Sequence[State]:
    """Return the states that a text names, split by commas; `all` is every one."""
    if text.lower() == ALL:
        return tuple(State)
    names = [name.strip().upper() for name in text.split(",")]
    if strange := [name for name in names if name not in set(State)]:
        raise UserError(
            f"{strange[0]!r} is no state: there are {', '.join(State)}, or all.",
            example="liqwatch deliveries list --state DEAD,FAILED",
        )
    return tuple(State(name) for name in names)


def _again(session: Session, given: argparse.Namespace) -> list[Delivery]:
    """Queue what was named again, or all dead letters that the flags ask for."""
    numbers = list(given.numbers)
    if not numbers:
        if not (given.state or given.user or given.channel):
            raise UserError(
                "Say which: numbers, or flags that choose them.",
                example="liqwatch deliveries requeue --state DEAD --channel email",
            )
        wanted = wanted_of(given)
        if strange := [state for state in wanted.states if state not in LETTERS]:
            raise UserError(f"What is {strange[0]} is not sent again: only {', '.join(LETTERS)} are.")
        numbers = [row.delivery_id for row in find_deliveries(session, wanted)]
    return requeue(session, numbers, wall_ms=time.time_ns() // 1_000_000)


def _show(session: Session, number: int, *, as_json: bool) -> list[str]:
    row = get_delivery(session, number)
    events, others = events_of(session, number), siblings_of(session, row)
    if as_json:
        whole = as_object(row) | {
            "events": [
                {"at": _iso(e.wall_ms), "from": e.from_state, "to": e.to_state, "reason": e.reason}
                for e in events
            ],
            "same_alert": [as_object(other) for other in others],
        }
        return [json.dumps(whole, ensure_ascii=False)]
    lines = [as_line(row)]
    lines += [f"  {_iso(e.wall_ms)} {e.from_state or '-'} -> {e.to_state}  {e.reason}" for e in events]
    return lines + [f"  the same alert: {as_line(other)}" for other in others]


def _told(rows: Sequence[Delivery], *, as_json: bool) -> Iterable[str]:
    if as_json:
        return [json.dumps(as_object(row), ensure_ascii=False) for row in rows]
    return [as_line(row) for row in rows] or ["None."]


def as_line(row: Delivery) -> str:
    """Return a delivery as a line: its number, state, where to, what, why."""
    title = " ".join(str(row.message.get("title", "")).split())
    why = f" - {row.reason}" if row.reason else ""
    place = f"{row.channel} {row.destination}"
    return (
        f"{row.delivery_id:>7} {_iso(row.created_wall_ms)} {row.state:9} {place} {row.user_id}: {title}{why}"
    )


def as_object(row: Delivery) -> dict[str, Any]:
    """Return a delivery as a JSON object, times in ISO 8601; destinations are names, never addresses."""
    return {
        "delivery": row.delivery_id,
        "alert": row.alert_id,
        "user": row.user_id,
        "channel": row.channel,
        "destination": row.destination,
        "severity": row.severity,
        "state": row.state,
        "reason": row.reason,
        "attempts": row.attempts,
        "title": str(row.message.get("title", "")),
        "created": _iso(row.created_wall_ms),
        "market_time": _iso(row.market_ms),
        "next": _iso(row.next_wall_ms) if row.state in (State.QUEUED, State.RETRY, State.UNKNOWN) else None,
    }


def _iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="seconds")


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
