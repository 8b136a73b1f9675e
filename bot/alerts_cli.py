"""Be the commands `alerts check` and `alerts history`: what cron and shells ask about alerts.

`check` joins the process that serves the data directory, or starts the parts for as long as it takes, as the
console does. `history` only reads the state store: a running process neither minds nor notices.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.alerting.history import Happened, history
from bot.commands.alert_check import FILE
from bot.commands.amounts import read_duration
from bot.commands.reply import Reply
from bot.console.control import LOCAL_USER
from bot.console.show import plain
from bot.entry import homes_of, joined_or_alone
from config.kinds import moment_ms
from config.settings import Settings
from engine.errors import DataError, UserError
from storage.alerts import Since
from storage.state_db import StateDatabase
from storage.users import known_user

FIRED = 3
"""Exit code of `alerts check` where something has just become true; 0 where nothing has."""
MOST = 10_000
"""How many alerts are listed at most."""


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Run the verb that was asked for; return the exit code."""
    if given.verb == "check":
        return asyncio.run(_check(settings, given.window, as_json=given.json))
    return _history(given, settings)


async def _check(settings: Settings, window: str, *, as_json: bool) -> int:
    """Ask for `/alert check`, print what it says; return whether anything fired as an exit code."""
    async with joined_or_alone(settings) as line:
        reply = await line.say(f"/alert check window={window} as=json")
    if reply.failed:
        raise UserError(reply.error, example="liqwatch alerts check --once --window 15m")
    found = lines_of(reply)
    if as_json:
        _print(json.dumps(each, ensure_ascii=False) for each in found)
    else:
        _print([plain(reply)])
    return FIRED if any(each["fired"] for each in found) else 0


def lines_of(reply: Reply) -> list[dict[str, Any]]:
    """Return what a reply to `/alert check` says of each alert; DataError where it says nothing of them."""
    file = next((file for file in reply.files if file.name == FILE), None)
    if file is None:
        raise DataError("The running Liqwatch does not say how alerts stand: restart it with this version.")
    return [json.loads(line) for line in file.content.decode().splitlines()]


def _history(given: argparse.Namespace, settings: Settings) -> int:
    """Print one user's history from the store of the data directory."""
    since = since_of(given.since, time.time_ns() // 1_000_000)
    path = state_path(settings)
    database = StateDatabase.existing(f"sqlite:///{path}")
    owner = given.user or LOCAL_USER
    try:
        if given.user and not database.read(lambda s: known_user(s, owner)):
            raise UserError(
                f"Nobody called {owner!r} is known in {path}.",
                example="liqwatch alerts history --user telegram:42",
            )
        found = read_since(database, owner, since)
    finally:
        database.close()
    _print(json.dumps(as_object(each), ensure_ascii=False) if given.json else as_line(each) for each in found)
    return 0


def state_path(settings: Settings) -> Path:
    """Return the state store that the settings mean; UserError where there is none."""
    url = settings.storage.state_url
    if url is not None:
        return Path(url.get_secret_value().removeprefix("sqlite:///"))
    places = [home / "state.db" for home in homes_of(settings)]
    there = next((place for place in places if place.is_file()), None)
    if there is None:
        raise UserError(f"There is no history yet: {places[0]} does not exist.", example="liqwatch run")
    return there


def read_since(database: StateDatabase, owner: str, since: Since) -> list[Happened]:
    """Return a user's alerts of real fires since a time, oldest first; of more than `MOST` the newest."""
    found = database.read(lambda s: history(s, owner, since=since, limit=MOST))
    return found[::-1]


def since_of(text: str, wall_ms: int) -> Since:
    """Return a market time as it was written, or the time so long before `wall_ms`; UserError for neither."""
    try:
        return Since(wall_ms=wall_ms - read_duration(text))
    except UserError:
        pass
    try:
        return Since(market_ms=int(str(moment_ms(text))))
    except ValueError:
        raise UserError(
            f"{text!r} is neither a time nor how long ago.",
            example="liqwatch alerts history --since 2026-01-31T08:00",
        ) from None


def as_line(told: Happened) -> str:
    """Return one alert as a line: when, how bad, what, what became of it and why."""
    when = datetime.fromtimestamp(told.market_ms / 1000, UTC)
    head = f"{when:%Y-%m-%d %H:%M:%S}Z {told.alert_id} {told.severity.value:8}"
    return f"{head} {told.headline} - {told.verdict}: {told.sentence}"


def as_object(told: Happened) -> Mapping[str, Any]:
    """Return one alert as a JSON object, times in ISO 8601."""
    return {
        "alert": told.alert_id,
        "rule": told.rule_id,
        "symbol": told.symbol,
        "severity": told.severity.value,
        "at": _iso(told.market_ms),
        "price": told.price,
        "headline": told.headline,
        "action": told.action,
        "verdict": told.verdict,
        "reason": told.reason,
        "sentence": told.sentence,
        "carried_by": told.message_id or None,
        "waits_until": _iso(told.waits_until_ms) if told.waits_until_ms is not None else None,
        "told": [
            {"channel": d.channel, "state": d.state, "why": d.reason, "revision": d.revision}
            for d in told.told
        ],
    }


def _iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat()


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
